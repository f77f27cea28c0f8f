"""The keys of the frame in a running pane, over a store with known facts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from textual.command import Command, CommandList
from textual.events import Key
from textual.widgets import Input, LoadingIndicator

from fedstore.errors import SettingsError
from fedstore.store import Store
from fedtop.app import FedtopApp
from fedtop.commands import CommandScreen, FedtopCommands
from fedtop.keys import KEYS
from fedtop.messages import Snapshot, SnapshotReady
from fedtop.options import AppOptions
from fedtop.screens.detail import DetailScreen
from fedtop.screens.filter_bar import FilterBar
from fedtop.screens.footer import KeyFooter
from fedtop.screens.help import HelpScreen
from fedtop.state import window_of
from fedtop.themes import THEMES
from fedtop.widgets.header import HeaderLine
from tests.conftest import Clock
from tests.federation import AGENTS, NOW_MS, RUNS, run_event
from tests.tui.frames import header, read_anew, running, screen_text, table, until

if TYPE_CHECKING:
    from textual.pilot import Pilot

HOUR = 3_600_000


def tasks_between(start_ms: int, end_ms: int) -> int:
    """Runs of the federation that ended in a stretch of time, counted from its events."""
    return sum(start_ms <= run_event(n)["at"] < end_ms for n in range(RUNS))


def tile(app: Any, name: str) -> str:
    return app.screen.query_one(f"#tile-{name}").paint(20, 2)[0].plain.strip()


async def test_first_screen_tells_what_the_events_tell(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, _):
        window = app.view.window
        end = NOW_MS - NOW_MS % 60_000 + 60_000
        assert window == "24h"
        assert tile(app, "tasks") == str(tasks_between(end - 24 * HOUR, end))
        assert "● live 0.5s" in header(app)
        assert set(table(app, "#agents").model.order) == set(AGENTS)


async def test_number_and_bracket_keys_visit_the_tabs(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        await pilot.press("2")
        assert (app.view.tab, app.base.panel.panel_id) == ("agents", "agents")
        await read_anew(app, pilot)
        assert app.focused is table(app, "#agents-table")
        await pilot.press("left_square_bracket")
        assert app.view.tab == "overview"
        await pilot.press("left_square_bracket", "right_square_bracket")
        assert app.view.tab == "overview"


async def test_a_click_on_a_tab_goes_there(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        at = header(app).index("Agents")
        await pilot.click(HeaderLine, offset=(at, 0))
        await until(pilot, lambda: app.view.tab == "agents")


async def test_windows_change_what_is_counted(seeded_store: Store, clock: Clock) -> None:
    end = NOW_MS - NOW_MS % 60_000 + 60_000
    async with running(seeded_store, clock) as (app, pilot):
        await pilot.press("W")
        await read_anew(app, pilot)
        assert app.view.window == "6h"
        assert tile(app, "tasks") == str(tasks_between(end - 6 * HOUR, end))
        assert "6h" in header(app)
        await pilot.press("w", "w")
        await read_anew(app, pilot)
        assert app.view.window == "7d"
        assert tile(app, "tasks") == str(RUNS)


async def test_time_travel_there_and_back(seeded_store: Store, clock: Clock) -> None:
    end = NOW_MS - NOW_MS % 60_000 + 60_000
    async with running(seeded_store, clock, window="1h") as (app, pilot):
        await pilot.press("comma")
        await read_anew(app, pilot)
        assert "◷ as of 10 Mar 11:34" in header(app)
        assert tile(app, "tasks") == str(tasks_between(end - 2 * HOUR, end - HOUR))
        await pilot.press("less_than_sign")
        await read_anew(app, pilot)
        assert tile(app, "tasks") == str(tasks_between(end - 3 * HOUR, end - 2 * HOUR))
        await pilot.press("full_stop", "full_stop")
        assert app.view.at_ms is None
        await pilot.press("comma", "0")
        await read_anew(app, pilot)
        assert "● live" in header(app)


async def test_interval_keys(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        await pilot.press("plus", "plus")
        assert app.view.interval_s == 2.0
        await pilot.press("minus")
        assert app.view.interval_s == 1.0
        assert "live 1s" in header(app)


def one_more(clock: Clock, name: str) -> dict[str, Any]:
    return {"kind": "run", "id": f"more-{name}", "agent": name, "task_type": "code", "at": clock(), "success": True}


async def test_what_is_recorded_appears_by_itself_and_the_cursor_stays(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        await pilot.press("down")
        agents = table(app, "#agents")
        at = agents.cursor_key
        seeded_store.writer().write([one_more(clock, "newcomer") for _ in range(1)])
        await until(pilot, lambda: "newcomer" in agents.model.order)
        assert agents.cursor_key == at


async def test_pause_freezes_refresh_looks_once_resume_follows(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        agents = table(app, "#agents")
        await pilot.press("space")
        assert "❚❚ paused 12:34" in header(app)
        assert app.screen.has_class("-paused")
        seeded_store.writer().write([one_more(clock, "first")])
        late = Snapshot(app.asked - 1, window_of(app.view, clock()), None, clock(), None)
        app.post_message(SnapshotReady(late))  # an answer that was on its way
        await pilot.pause()
        assert "first" not in agents.model.order
        assert app._poller._request is None
        clock.advance(5_000)
        await pilot.press("r")
        await read_anew(app, pilot)
        assert "first" in agents.model.order
        assert "paused" in header(app)
        await pilot.press("space")
        seeded_store.writer().write([one_more(clock, "second")])
        await until(pilot, lambda: "second" in agents.model.order)
        assert "● live" in header(app)


async def test_filter_inverse_and_escape(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, tab="agents") as (app, pilot):
        agents = table(app, "#agents-table")
        await pilot.press("slash", *"od")
        assert agents.model.order == ["codex"]
        await pilot.press("enter")
        assert app.focused is agents
        assert app.screen.query_one(FilterBar).has_class("-open")
        await pilot.press("escape")
        assert set(agents.model.order) == set(AGENTS)
        assert not app.screen.query_one(FilterBar).has_class("-open")
        await pilot.press("slash", "exclamation_mark", *"od", "enter")
        assert set(agents.model.order) == set(AGENTS) - {"codex"}


async def test_letters_typed_into_the_filter_are_no_commands(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        await pilot.press("slash", *"wqhe2")
        assert app.view.window == "24h"
        assert app.view.filter_of("overview") == "wqhe2"


async def test_what_is_typed_ahead_of_the_filter_line_is_its_text(seeded_store: Store, clock: Clock) -> None:
    """As when it is pasted, or while the pane is busy: all keys are there before the line is."""
    async with running(seeded_store, clock, tab="agents") as (app, pilot):
        for key, character in (("slash", "/"), ("o", "o"), ("d", "d"), ("enter", "\r")):
            app.post_message(Key(key, character))
        agents = table(app, "#agents-table")
        await until(pilot, lambda: app.focused is agents and agents.model.order == ["codex"])
        assert app.view.filter_of("agents") == "od"


async def test_the_filter_line_says_what_it_works_on(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, size=(120, 40)) as (app, pilot):
        await pilot.press("slash", *"kimi")
        assert "only the rows of agents, task types, running now, latest" in screen_text(app)
        await pilot.press("escape", "4")
        await until(pilot, lambda: app.top_panel is not None and app.top_panel.panel_id == "costs")
        await pilot.press("slash", "x")
        await until(pilot, lambda: "tiles, chart and table" in screen_text(app))


async def test_filters_belong_to_their_tab(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, tab="agents") as (app, pilot):
        await pilot.press("slash", *"kimi", "enter", "1")
        assert app.view.filter_of("overview") == ""
        assert not app.screen.query_one(FilterBar).has_class("-open")
        await pilot.press("2")
        assert app.screen.query_one(FilterBar).has_class("-open")
        assert table(app, "#agents-table").model.order == ["kimi"]


async def test_escape_closes_a_drill_down_after_its_filter(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, tab="agents") as (app, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DetailScreen))
        await pilot.press("slash", "x", "enter", "escape")
        assert isinstance(app.screen, DetailScreen)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)


async def test_an_order_is_kept_over_a_visit_elsewhere(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        app.open_target("agent:kimi")
        await read_anew(app, pilot)
        runs = table(app, "#agent-kinds-table")
        runs.focus()
        await pilot.press("s", "S")
        order = (runs.model.sort_key, runs.model.reverse)
        await pilot.press("escape")
        app.open_target("agent:codex")
        await read_anew(app, pilot)
        again = table(app, "#agent-kinds-table")
        assert again is not runs
        assert (again.model.sort_key, again.model.reverse) == order


async def test_zoom_there_and_back(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        await pilot.press("z")
        assert app.screen.maximized is app.screen.query_one("#overview-agents")
        assert app.screen.query_one(HeaderLine).region.height == 1
        await pilot.press("escape")
        assert app.screen.maximized is None


async def test_themes_cycle(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        seen = []
        for _ in THEMES:
            seen.append(app.theme)
            await pilot.press("T")
        assert seen == [theme.name for theme in THEMES]
        app.theme = "nord"
        await pilot.press("T")
        assert app.theme == THEMES[0].name


async def test_help_lists_the_keys_that_work_here(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, size=(120, 50)) as (app, pilot):
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        text = screen_text(app)
        for word in ("Tabs", "In a table", "Freeze the pane", "Write these rows to a CSV file"):
            assert word in text
        assert "newest fact" not in text
        await pilot.press("escape")
        assert app.screen is app.main


async def test_the_palette_finds_a_command_and_runs_it(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        await pilot.press("colon")
        await pilot.pause()
        assert app.screen.visible  # a hidden screen takes keys and is not drawn
        await pilot.press(*"longer window")
        await until(pilot, lambda: "The next longer window" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.view.window == "7d")


async def offered(app: FedtopApp, pilot: Pilot[Any], typed: str) -> list[str]:
    """What the palette offers for what is typed, best first, once it has looked everywhere."""
    await pilot.press("colon")
    await until(pilot, lambda: isinstance(app.screen, CommandScreen), "the palette")
    await app.workers.wait_for_complete()
    await pilot.press(*("space" if character == " " else character for character in typed))
    await until(pilot, lambda: app.screen.query_one(Input).value == typed, typed)
    busy = app.screen.query_one(LoadingIndicator)
    await until(pilot, lambda: not busy.has_class("--visible") and len(app.workers) == 0, "all found")
    return [str(option.hit.text) for option in app.screen.query_one(CommandList).options if isinstance(option, Command)]


@pytest.mark.parametrize(
    ("typed", "name", "target"),
    [
        ("agent kimi", "Agent kimi", "agent:kimi"),
        ("kimi", "Agent kimi", "agent:kimi"),
        ("semantic", "Layer semantic", "layer:semantic"),
        ("tool browser", "Tool browser", "tool:browser"),
        ("task type review", "Task type review", "task_type:review"),
    ],
)
async def test_the_palette_finds_things_by_name(
    seeded_store: Store, clock: Clock, typed: str, name: str, target: str
) -> None:
    kind, _, said = target.partition(":")
    async with running(seeded_store, clock) as (app, pilot):
        assert (await offered(app, pilot, typed))[0] == name
        await pilot.press("enter")
        await until(pilot, lambda: app.top_panel is not None and app.top_panel.panel_id == kind, target)
        assert app.top_panel is not None
        assert app.top_panel.args == {"name": said}


@pytest.mark.parametrize(("typed", "label"), [("7d", "7d"), ("week", "7d"), ("all", "all"), ("36h", "36h")])
async def test_the_palette_goes_to_a_window(seeded_store: Store, clock: Clock, typed: str, label: str) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        assert (await offered(app, pilot, typed))[0] == f"Window {label}"
        await pilot.press("enter")
        await until(pilot, lambda: app.view.window == label)


async def test_the_palette_goes_to_a_tab(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        assert (await offered(app, pilot, "agents"))[0] == "Agents  (2)"
        await pilot.press("enter")
        await until(pilot, lambda: app.view.tab == "agents")


async def test_the_palette_offers_nothing_for_letters_that_only_come_in_this_order(
    seeded_store: Store, clock: Clock
) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        # "kimi" are letters of "Back in time", "layer" of "Look at the last 7d"
        for typed, word in (("kimi", "kimi"), ("layer", "layer")):
            names = await offered(app, pilot, typed)
            assert names
            assert not [name for name in names if word not in name.casefold()]
            await pilot.press("escape")


async def test_the_palette_has_the_keys_of_the_table_but_no_moves(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, tab="agents") as (app, _):
        names = [command.name for command in FedtopCommands(app.screen).commands()]
        assert {"Open  (Enter)", "Sort  (s)", "Reverse  (S)", "Quit  (q)"} <= set(names)
        assert not [name for name in names if name.startswith(("Up", "Down", "Next match"))]
        table(app, "#agents-table").set_filter("k")
        assert "Next match  (n)" in [command.name for command in FedtopCommands(app.screen).commands()]


async def test_the_palette_survives_a_terminal_too_low_for_it(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        await pilot.press("colon", "down")
        await pilot.resize_terminal(20, 4)
        await pilot.press("pagedown", "pageup", "down", "end")
        await pilot.resize_terminal(120, 40)
        await pilot.press("pagedown", "escape")
        await until(pilot, lambda: app.screen is app.main)


async def test_an_export_that_fails_says_why(seeded_store: Store, clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with running(seeded_store, clock, export_dir=tmp_path / "file") as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: any("cannot be written" in note.message for note in app._notifications))


async def test_the_footer_shows_keys_and_takes_clicks(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        footer = app.screen.query_one(KeyFooter)
        line = footer.paint(118, 1)[0].plain
        assert "? help" in line
        assert "Esc back" not in line
        assert "h newest" not in line
        await pilot.click(KeyFooter, offset=(line.index("? help"), 0))
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_quit(seeded_store: Store, clock: Clock, key: str) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        await pilot.press(key)
        await pilot.pause()
        assert not app.is_running or app._exit


async def test_what_is_typed_after_quitting_opens_nothing(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        for key in "qt2":
            app.post_message(Key(key, key))
        await pilot.pause()
    assert app.fault is None
    assert len(app._screen_stacks["_default"]) <= 1
    assert app.view.tab == "overview"


async def test_keys_can_be_remapped(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, keymap={"time.wider": "x"}) as (app, pilot):
        await pilot.press("w")
        assert app.view.window == "24h"
        await pilot.press("x")
        assert app.view.window == "7d"


async def test_the_alarms_key_leads_to_what_needs_attention(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, tab="agents") as (app, pilot):
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: app.base.panel.panel_id == "alarms")
        await pilot.press("exclamation_mark", "exclamation_mark")
        assert len(app.screen_stack) == 2
        assert "! alarms" not in app.screen.query_one(KeyFooter).paint(118, 1)[0].plain


async def test_a_view_without_a_table_has_no_key_for_one(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, tab="agents") as (app, pilot):
        assert {"view.export", "view.copy", "view.filter", "view.zoom"} <= enabled(app)
        assert app.open_target("boost:kimi|")
        await until(pilot, lambda: app.base.panel.shown)
        assert not enabled(app) & {"view.export", "view.export_json", "view.copy", "view.filter", "view.zoom"}


def enabled(app: FedtopApp) -> set[str]:
    """The ids of the keys that work."""
    return {active.binding.id for active in app.screen.active_bindings.values() if active.enabled}


@pytest.mark.parametrize(
    ("options", "words"),
    [({"theme": "nosuch"}, "no theme 'nosuch': use one of"), ({"keymap": {"time.widr": "x"}}, "names no key")],
)
def test_what_the_pane_does_not_have_is_refused(seeded_store: Store, options: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        FedtopApp(seeded_store, AppOptions(**options))


@pytest.mark.parametrize(("given", "shown"), [("168", "7d"), ("5", "5h"), ("90m", "90m")])
def test_a_number_of_hours_is_shown_with_its_unit(seeded_store: Store, given: str, shown: str) -> None:
    assert FedtopApp(seeded_store, AppOptions(window=given)).view.window == shown


async def test_readonly_has_no_key_that_changes_anything(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, readonly=True) as (app, pilot):
        await pilot.press("comma")
        able = {active.binding.id for active in app.screen.active_bindings.values() if active.enabled}
        assert not able & {"loop.optimize", "loop.tune", "loop.undo"}
        assert "read-only" in header(app)
        assert {key.id for key in KEYS if key.id.startswith("time.")} - {"time.newest"} <= able
