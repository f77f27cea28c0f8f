"""What the pane shows when there is nothing, only history, no answer, or a name that means harm."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from fedstore import Settings
from fedstore.errors import StoreError
from fedstore.settings.paths import default_store_path
from fedstore.store import Store
from fedstore.upkeep.retention import purge
from fedtop.messages import Snapshot, SnapshotReady
from fedtop.screens.detail import DetailScreen
from fedtop.screens.empty import snippets
from fedtop.screens.footer import KeyFooter
from fedtop.state import window_of
from fedtop.views.task_type.panel import TaskTypePanel
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.matrix import Matrix
from tests.conftest import Clock
from tests.federation import NOW_MS
from tests.tui.frames import HOSTILE, header, read_anew, running, screen_text, table, until

DAY = 86_400_000


async def test_an_empty_store_shows_how_to_fill_it_until_it_is(store: Store, clock: Clock) -> None:
    async with running(store, clock) as (app, pilot):
        text = screen_text(app)
        for snippet in ("from fedstore import Recorder", "fedtop record --agent", "fedtop import"):
            assert snippet in text
        assert "old" not in header(app)
        store.writer().write([{"kind": "run", "agent": "kimi", "task_type": "code", "at": clock(), "success": True}])
        await until(pilot, lambda: "kimi" in table(app, "#agents").model.order)
        assert "fedtop record" not in screen_text(app)


def test_the_guide_names_a_store_that_is_not_the_default(tmp_path: Path) -> None:
    usual = dict(snippets(default_store_path()))
    assert "Recorder()" in usual["From Python"]
    assert "--store" not in "".join(usual.values())
    named = dict(snippets(tmp_path / "my store.db"))
    assert f"Recorder({str(tmp_path / 'my store.db')!r})" in named["From Python"]
    assert f"--store '{tmp_path / 'my store.db'}'" in named["From a shell"]
    assert f"--store '{tmp_path / 'my store.db'}'" in "".join(v for k, v in named.items() if "files" in k)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_guide_shows_all_three_ways_at_once(store: Store, clock: Clock, size: tuple[int, int]) -> None:
    async with running(store, clock, size=size) as (app, _):
        text = screen_text(app)
        assert all(word in text for word in ("From Python", "From a shell", "From files", "fedtop demo"))


async def test_history_is_offered_and_shown_by_one_key(seeded_store: Store, clock: Clock) -> None:
    clock.advance(40 * DAY)
    async with running(seeded_store, clock) as (app, pilot):
        assert "The newest fact is from 10 Mar 12:34" in screen_text(app)
        assert "h newest facts" in app.screen.query_one(KeyFooter).paint(118, 1)[0].plain
        await pilot.press("h")
        await read_anew(app, pilot)
        assert "◷ as of 10 Mar 12:34" in header(app)
        assert "The newest fact" not in screen_text(app)
        assert table(app, "#agents").row_count == 4


async def test_the_key_to_the_newest_facts_is_a_letter_where_letters_are_typed(
    seeded_store: Store, clock: Clock
) -> None:
    clock.advance(40 * DAY)
    async with running(seeded_store, clock) as (app, pilot):
        assert app.can_jump
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(app.focused, Input), "the palette")
        await pilot.press("h")
        assert isinstance(app.focused, Input)
        assert app.focused.value == "h"
        await pilot.press("escape", "slash", "h")
        assert app.view.filter_of("overview") == "h"
        assert app.view.at_ms is None


async def test_the_matrix_keeps_its_keys_while_the_newest_facts_lie_elsewhere(
    seeded_store: Store, clock: Clock
) -> None:
    async with running(seeded_store, clock, tab="agents", at_ms=clock() - DAY) as (app, pilot):
        matrix = app.screen.query_one(Matrix)
        matrix.focus()
        first = matrix.cursor_column
        await pilot.press("l")
        assert matrix.cursor_column != first
        assert app.can_jump
        await pilot.press("h")
        assert (matrix.cursor_column, app.view.at_ms) == (first, clock() - DAY)


async def test_each_tab_goes_to_the_newest_of_its_own_facts(store: Store, clock: Clock) -> None:
    """Last year's decisions beside a run of today: nothing is newest for everything."""
    route = {"kind": "route", "agent": "kimi", "layer": "keyword", "attempts": [{"layer": "keyword", "accepted": True}]}
    run = {"kind": "run", "agent": "codex", "success": True}
    store.writer().write([{**route, "at": clock.now_ms - 200 * DAY}, {**run, "at": clock.now_ms}])
    async with running(store, clock) as (app, pilot):
        assert "The newest" not in screen_text(app)
        await pilot.press("3")
        await read_anew(app, pilot)
        await until(pilot, lambda: "The newest decision is from 22 Aug 2025" in screen_text(app))
        await pilot.press("h")
        await read_anew(app, pilot)
        assert "◷ as of 22 Aug 2025 12:34" in header(app)
        await until(pilot, lambda: table(app, "#layers").row_count == 1)
        assert not app.can_jump
        await pilot.press("2", "h")
        await read_anew(app, pilot)
        await until(pilot, lambda: table(app, "#agents-table").row_count == 1, "from the past to what came after it")
        await pilot.press("0")
        await read_anew(app, pilot)
        assert not app.can_jump
        assert "The newest" not in screen_text(app)


async def test_what_appears_after_an_empty_window_has_the_focus(store: Store, clock: Clock) -> None:
    """A view that begins with nothing has no table to work in; the keys must work once there is one."""
    route = {"kind": "route", "agent": "kimi", "layer": "keyword", "attempts": [{"layer": "keyword", "accepted": True}]}
    store.writer().write([{**route, "at": clock.now_ms - 200 * DAY}])
    async with running(store, clock, tab="cascade") as (app, pilot):
        await until(pilot, lambda: "No routing decisions" in screen_text(app))
        await pilot.press("h")
        await read_anew(app, pilot)
        await until(pilot, lambda: app.focused is table(app, "#layers"), "the focus")
        await pilot.press("enter")
        await until(pilot, lambda: app.top_panel is not None and app.top_panel.panel_id == "layer", "the layer")


async def test_an_answer_that_comes_before_the_panel_is_shown_with_it(
    seeded_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(seeded_store, clock) as (app, _):
        panel = TaskTypePanel("code")
        window = window_of(app.view, clock())
        data = panel.read(seeded_store.reader(), window, {"name": "code"})
        monkeypatch.setattr(app, "demand", lambda: None)
        monkeypatch.setattr(TaskTypePanel, "host", property(lambda self: app))
        monkeypatch.setattr(DetailScreen, "host", property(lambda self: app))
        screen = DetailScreen(panel)
        screen.show_snapshot(Snapshot(app.asked, window, data, clock(), clock()), app.view)
        assert not panel.shown
        await app.push_screen(screen)
        assert panel.shown
        assert table(app, "#type-table").row_count == len(data.rows) > 0


async def test_an_answer_for_the_panel_below_is_not_shown_on_the_one_above(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        window = window_of(app.view, clock())
        data = app.base.panel.read(seeded_store.reader(), window, {})
        app.open_panel(TaskTypePanel("code"))
        app.post_message(SnapshotReady(Snapshot(app.asked, window, data, clock(), clock())))
        await until(pilot, lambda: app.base.panel.panel_id == "task_type" and app.base.panel.shown)
        assert table(app, "#type-table").row_count == 4


WALK = (
    *("1", "2", "3", "4", "5", "left_square_bracket", "right_square_bracket", "enter", "escape", "escape"),
    *("w", "W", "space", "r", "comma", "full_stop", "0", "plus", "minus"),
    *("down", "up", "slash", "x", "tab", "z", "s", "T", "question_mark"),
)


@pytest.mark.parametrize("seed", range(4))
async def test_no_sequence_of_keys_ends_the_pane(seeded_store: Store, clock: Clock, seed: int) -> None:
    chance = random.Random(seed)
    async with running(seeded_store, clock, size=chance.choice([(80, 24), (120, 40)])) as (app, pilot):
        for _ in range(40):
            await pilot.press(chance.choice(WALK))
        assert app.is_running


async def test_each_list_of_the_overview_opens_what_it_is_about(seeded_store: Store, clock: Clock) -> None:
    ways = {"#agents": "agent", "#types": "task_type", "#now": "agent", "#feed": "agent", "#funnel": "layer"}
    async with running(seeded_store, clock, size=(160, 60)) as (app, pilot):
        for selector, kind in ways.items():
            app.screen.set_focus(table(app, selector))
            await pilot.press("enter")
            await until(pilot, lambda kind=kind: app.base.panel.panel_id == kind, selector)
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.main)
        assert app.top_panel.panel_id == "overview"


async def test_the_header_names_the_window_that_the_figures_are_those_of(store: Store, clock: Clock) -> None:
    """Of a time whose minutes and hours were purged there are whole days only."""
    runs = [{"kind": "run", "agent": "kimi", "at": clock.now_ms + n * 3_600_000} for n in range(-72, 1)]
    assert not store.writer().write(runs).rejected
    at = clock.now_ms
    clock.advance(20 * DAY)
    assert not store.writer().write([{"kind": "run", "agent": "kimi", "at": clock()}]).rejected
    purge(store.database, Settings(minute_days=4, hour_days=10), clock(), pause=lambda _: None)
    shown = store.reader().overview(store.reader().window("24h", at))
    assert (shown.window.label, shown.tasks) == ("2d", 37)
    async with running(store, clock, at_ms=at) as (app, pilot):
        assert " 2d for 24h " in header(app)
        await pilot.press("w")
        await read_anew(app, pilot)
        assert " 8d for 7d " in header(app)
        await pilot.press("0", "W")
        await read_anew(app, pilot)
        assert " 24h  ● live" in header(app)


class Flaky:
    """The store, but its reader fails while it is told to."""

    def __init__(self, store: Store) -> None:
        self.failure: Exception | None = None
        self._store = store

    def reader(self) -> Any:
        return _FlakyReader(self, self._store.reader())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class _FlakyReader:
    def __init__(self, source: Flaky, reader: Any) -> None:
        self._source, self._reader = source, reader

    def change_token(self) -> int:
        if self._source.failure is not None:
            raise self._source.failure
        return int(self._reader.change_token())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)


async def test_a_failing_store_is_stale_keeps_its_data_and_recovers(seeded_store: Store, clock: Clock) -> None:
    source = Flaky(seeded_store)
    async with running(source, clock) as (app, pilot):
        source.failure = StoreError("fedtop.db is locked by another program")
        clock.advance(40_000)
        await until(pilot, lambda: app.fresh.problem)
        text = screen_text(app)
        assert "◌ stale 40 s" in header(app)
        assert "is locked by another program" in text
        assert "showing what was read before" in text
        assert table(app, "#agents").row_count == 4
        assert app.screen.has_class("-stale")
        source.failure = None
        await until(pilot, lambda: "● live" in header(app))
        assert "is locked" not in screen_text(app)


async def test_a_store_that_never_answers_says_so(seeded_store: Store, clock: Clock) -> None:
    source = Flaky(seeded_store)
    source.failure = StoreError("the disk is full")
    async with running(source, clock) as (app, _):
        assert "the disk is full  nothing could be read yet" in screen_text(app)


async def test_a_bug_in_a_view_is_a_stale_pane_not_a_dead_one(
    seeded_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("fedtop.views.agents.panel.AgentsPanel.read", broken)
    async with running(seeded_store, clock, tab="agents") as (app, pilot):
        assert "division by zero" in screen_text(app)
        await pilot.press("1")
        await read_anew(app, pilot)
        assert "● live" in header(app)


def hostile_events() -> list[dict[str, Any]]:
    name = HOSTILE
    return [
        {"kind": "run", "agent": name[:150], "task_type": name[:60], "project": name[:60], "at": NOW_MS - 1_000 * n,
         "duration_ms": 5_000, "success": n % 3 > 0, "error_class": name[:60] if n % 3 == 0 else ""}
        for n in range(12)
    ] + [
        {"kind": "run_state", "id": "r", "agent": name[:150], "task_type": name[:60], "state": "waiting",
         "reason": name[:60], "at": NOW_MS - 600_000},
        {"kind": "usage", "agent": name[:150], "model": name[:60], "at": NOW_MS, "input_tokens": 10},
        {"kind": "execution", "agent": name[:150], "tool": name[:60], "at": NOW_MS, "success": False},
    ]  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_hostile_names_break_nothing(store: Store, clock: Clock, size: tuple[int, int], tmp_path: Path) -> None:
    assert store.writer().write(hostile_events()).rejected == []
    async with running(store, clock, size=size, export_dir=tmp_path) as (app, pilot):
        agent = table(app, "#agents").cursor_key
        for step in ("overview", f"agent:{agent}", "tab:agents", "tab:cascade", "tab:costs", "tab:tools"):
            if step != "overview":
                app.open_target(step)
                await pilot.pause()
            await read_anew(app, pilot)
            text = screen_text(app)
            assert "\x1b" not in text
            assert "\u202e" not in text
            await pilot.press("e", "y")
        assert all(len(line) == size[0] or not line.isascii() for line in text.split("\n"))
    lines = [line for path in tmp_path.glob("*.csv") for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines
    assert not [line for line in lines if line.startswith(("=", "+", "-", "@"))]


SIZES = [(40, 12), (80, 24), (120, 40), (200, 50)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("target", ["tab:overview", "tab:agents", "agent:kimi", "task_type:code"])
async def test_views_fill_every_size(seeded_store: Store, clock: Clock, size: tuple[int, int], target: str) -> None:
    async with running(seeded_store, clock, size=size) as (app, pilot):
        app.open_target(target)
        await pilot.pause()
        await read_anew(app, pilot)
        panel = app.base.panel
        assert panel is not None
        assert panel.region.height >= size[1] - 3
        first = next(found for found in panel.query(LiveTable) if found.region.height > 0)
        assert first.region.right <= size[0]
        lines = screen_text(app).split("\n")
        assert "fedtop" in lines[0]
        assert all(" " in line or line.strip() for line in lines)


async def test_charts_and_columns_leave_a_narrow_screen(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, size=(80, 24)) as (app, pilot):
        assert app.screen.query_one("#overview-throughput").region.height == 0
        narrow = {place.column.key for place in table(app, "#agents").placed()}
        await pilot.resize_terminal(200, 50)
        await until(pilot, lambda: app.screen.query_one("#overview-throughput").region.height > 5)
        assert app.screen.query_one("#overview-spend").region.height > 5
        assert narrow <= {place.column.key for place in table(app, "#agents").placed()}


@pytest.mark.parametrize(
    "target",
    # the tabs, what opens from their rows, and what has a key of its own
    [
        "tab:cascade",
        "tab:costs",
        "tab:tools",
        "agent:kimi",
        "task_type:code",
        "layer:semantic",
        "tool:browser",
        "alarms:",
        "ledger:",
        "grading:",
        "optimize:",
        "tune:",
    ],
)
async def test_every_view_has_an_ascii_form(seeded_store: Store, clock: Clock, target: str) -> None:
    async with running(seeded_store, clock, ascii=True, size=(80, 24)) as (app, pilot):
        app.open_target(target)
        await pilot.pause()
        await app.workers.wait_for_complete()
        await read_anew(app, pilot)
        await pilot.pause()
        assert app.view.tab in target or app.base.panel.panel_id in target
        assert {char for char in screen_text(app) if not char.isascii()} == set()


async def test_ascii_draws_nothing_else(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, ascii=True) as (app, pilot):
        for key in ("1", "2", "question_mark"):
            await pilot.press(key)
            if key != "question_mark":
                await read_anew(app, pilot)
            strange = {char for char in screen_text(app) if not char.isascii()}
            assert not strange, f"{key}: {strange}"


async def test_idle_ticks_draw_nothing(seeded_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        drawn: list[Any] = []
        for widget in app.screen.walk_children():
            monkeypatch.setattr(widget, "refresh", lambda *a, w=widget, **k: drawn.append(w))
        ticks: list[int] = []
        monkeypatch.setattr(app.base.panel, "tick", ticks.append)
        await until(pilot, lambda: len(ticks) >= 3)
        assert drawn == []


async def test_a_store_that_cannot_be_read_is_not_called_empty(seeded_store: Store, clock: Clock) -> None:
    source = Flaky(seeded_store)
    source.failure = StoreError("the file is damaged")
    async with running(source, clock) as (app, pilot):
        for tab in "12345":
            await pilot.press(tab)
            text = screen_text(app)
            assert "the file is damaged  nothing could be read yet" in text
            assert not re.search(r"\bno (run|data|alarms|decisions|tool|spend)\b|nothing needs| 0 (?!s)", text), tab
        source.failure = None
        await pilot.press("1", "r")
        await until(pilot, lambda: table(app, "#agents").row_count == 4)


async def test_a_deleted_store_is_stale_until_it_is_back(seeded_store: Store, clock: Clock) -> None:
    aside = seeded_store.path.with_suffix(".aside")
    async with running(seeded_store, clock) as (app, pilot):
        assert "live" in header(app)
        seeded_store.path.rename(aside)
        await pilot.press("r")
        await until(pilot, lambda: "stale" in header(app))
        assert "there is no store at" in screen_text(app)
        assert table(app, "#agents").row_count == 4  # what was read before stays
        aside.rename(seeded_store.path)
        await pilot.press("r")
        await until(pilot, lambda: "live" in header(app))
        assert "there is no store at" not in screen_text(app)


async def test_the_tiles_of_another_day_say_so(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        assert "cost today" in screen_text(app)
        await pilot.press("comma")
        await read_anew(app, pilot)
        await until(pilot, lambda: "cost that day" in screen_text(app))
        await pilot.press("4")
        await until(pilot, lambda: "that month" in screen_text(app))
        assert "today" not in screen_text(app)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_one_of_a_thing_is_not_many(store: Store, clock: Clock, size: tuple[int, int]) -> None:
    attempt = {"layer": "keyword", "confidence": 0.9, "threshold": 0.85, "accepted": True, "agent": "kimi"}
    once: list[dict[str, Any]] = [
        {"kind": "run", "agent": "kimi", "task_type": "code", "success": True, "duration_ms": 900},
        {"kind": "route", "id": "one", "agent": "kimi", "layer": "keyword", "attempts": [attempt]},
        {"kind": "verdict", "subject": "route", "subject_id": "one", "correct": True},
        {"kind": "usage", "agent": "kimi", "model": "of-no-price", "input_tokens": 900},
        {"kind": "execution", "agent": "kimi", "tool": "browser", "success": True},
    ]
    assert not store.writer().write([{**fact, "at": clock()} for fact in once]).rejected
    views = ("overview", "agents", "cascade", "costs", "tools")
    drills = ("agent:kimi", "task_type:code", "layer:keyword", "tool:browser", "why:one", "boost:agent:kimi/code")
    async with running(store, clock, size=size) as (app, pilot):
        for target in (*(f"tab:{view}" for view in views), *drills, "optimize", "tune", "alarms", "grading"):
            app.open_target(target)
            await pilot.pause()
            await app.workers.wait_for_complete()
            await until(pilot, lambda: app.top_panel is not None and app.top_panel.shown, target)
            await pilot.pause()
            many = re.findall(r"(?<![\d.,:=])1 (?:more )?(?:graded )?[a-z]{3,}s\b", screen_text(app))
            assert not many, target


async def test_a_first_run_that_goes_on_is_no_empty_store(store: Store, clock: Clock) -> None:
    async with running(store, clock) as (app, pilot):
        assert "Nothing recorded yet" in screen_text(app)
        store.writer().write([{"kind": "run_state", "id": "r", "agent": "kimi", "state": "running", "at": clock()}])
        await pilot.press("r")
        await until(pilot, lambda: table(app, "#now").row_count == 1)
        assert "1 running" in screen_text(app)
        assert "Nothing recorded yet" not in screen_text(app)


async def test_what_is_maximised_fills_the_screen(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        for selector in ("#agents", "#types", "#feed"):
            app.screen.set_focus(table(app, selector))
            await pilot.press("z")
            await until(pilot, lambda selector=selector: table(app, selector).region.height >= 36, selector)
            assert table(app, selector).region.width >= 118
            await pilot.press("z")
            await until(pilot, lambda selector=selector: table(app, selector).region.height < 36, selector)
