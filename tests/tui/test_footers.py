"""The footer offers a key only where it does something: every view is walked, and every key it names is pressed."""

from __future__ import annotations

import ast
import inspect
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from textual.binding import Binding

from fedstore.policy import PolicyStore
from fedstore.settings.config import Settings
from fedstore.store import Store
from fedtop.app import FedtopApp
from fedtop.keymap import taken_by
from fedtop.keys import KEYS
from fedtop.screens.footer import hints_of
from fedtop.screens.mark import MarkScreen
from fedtop.tabs import TABS, tab_named
from fedtop.views import DRILLS, drill_class
from fedtop.views.panel import Panel
from fedtop.views.plan.details import BoostPanel, FlipsPanel
from fedtop.widgets.line_input import LineInput
from fedtop.widgets.live_table import LiveTable
from tests.conftest import Clock
from tests.federation import federation_events
from tests.tui.frames import running, screen_text, until
from tests.tui.plan_stores import loop_store
from tests.tui.test_widget_names import below

if TYPE_CHECKING:
    from textual.pilot import Pilot
    from textual.screen import Screen
    from textual.widget import Widget

PANELS = [*(tab.load_panel() for tab in TABS), *(drill_class(kind) for kind in DRILLS), FlipsPanel, BoostPanel]
WALKED = [
    *(f"tab:{tab.id}" for tab in TABS),
    *("agent:kimi", "task_type:code", "layer:semantic", "tool:browser", "why:walked", "boost:agent:kimi/code"),
    *("ledger", "change:1", "change:2", "change:3", "grading", "optimize", "tune", "alarms"),
]


def panel_of(target: str) -> type[Panel]:
    """The panel class of a tab or drill-down."""
    kind, _, name = target.partition(":")
    found = tab_named(name).load_panel() if kind == "tab" else drill_class(kind)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with something in every view; change #2 was taken back by #3."""
    path = tmp_path_factory.mktemp("footers") / "full.db"
    with loop_store(path, Clock()) as store:
        store.writer(source="fixture").write(federation_events())
        attempt = {"layer": "semantic", "confidence": 0.9, "threshold": 0.7, "accepted": True, "agent": "kimi"}
        route = {"kind": "route", "id": "walked", "agent": "kimi", "layer": "semantic", "attempts": [attempt]}
        assert store.writer().write([route]).taken == 1
        loop = PolicyStore(store)
        loop.apply(loop.propose_tune(), who="ana")
        loop.apply(loop.propose_optimize(), who="ana")
        loop.undo()
    return path


@pytest.fixture
def full(made: Path, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A copy of it, beside which exports are written."""
    monkeypatch.chdir(tmp_path)
    with Store(shutil.copy(made, tmp_path), clock=clock, settings=Settings()) as store:
        yield store


def seen(app: FedtopApp) -> tuple[object, ...]:
    """All that a key could have changed, but for the header: the window it names is chosen, not shown."""
    body = screen_text(app).partition("\n")[2]
    focused = app.focused
    return app.screen, app.top_panel, focused, len(app._notifications), app.view.sorts, body


async def stands(app: FedtopApp, pilot: Pilot[Any], target: str) -> None:
    """Waits until what is on top stands still."""
    await until(pilot, lambda: app.top_panel is not None and app.top_panel.shown, target)
    await app.workers.wait_for_complete()
    await until(pilot, lambda: app.answered == app.asked, "an answer")
    await pilot.pause()


async def shown(app: FedtopApp, pilot: Pilot[Any], target: str) -> None:
    """Opens a view from its tab, and waits until it stands still."""
    await app.go_to_tab(target.removeprefix("tab:") if target.startswith("tab:") else "overview")
    if not target.startswith("tab:"):
        assert app.open_target(target)
    await stands(app, pilot, target)


async def came_back(app: FedtopApp, pilot: Pilot[Any], target: str, at: tuple[Screen[Any], Widget | None]) -> bool:
    """Whether escape leads back to where a key led away from, with the same in focus."""
    screen, focus = at
    for _ in range(3):
        if app.screen is not screen and screen in app.screen_stack:
            await pilot.press("escape")
    if app.screen is not screen or not screen.is_running:
        return False
    screen.set_focus(focus)
    await stands(app, pilot, target)
    return (app.screen, app.focused) == at


@pytest.mark.parametrize(
    ("target", "size"),
    [
        *((target, (120, 40)) for target in WALKED),
        *((target, (80, 24)) for target in ("layer:semantic", "tool:browser")),
    ],
)
async def test_every_key_of_the_footer_does_something(
    full: Store, clock: Clock, target: str, size: tuple[int, int]
) -> None:
    async with running(full, clock, size=size, window="1h", interval_s=60.0) as (app, pilot):
        await shown(app, pilot, target)
        keys = [hint.keys for hint in hints_of(app.screen) if hint.keys != "q"]
        assert "question_mark" in keys
        at = app.screen, app.focused
        for key in keys:
            if (app.screen, app.focused) != at and not await came_back(app, pilot, target, at):
                await shown(app, pilot, target)
                at = app.screen, app.focused
            before = seen(app)
            await pilot.press(key)
            await until(pilot, lambda before=before: seen(app) != before, f"{key} does nothing in {target}")


def uses(function: Any, name: str) -> bool:
    """Whether the body of a function reads one of its arguments."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.__name__)
def test_a_view_heeds_the_window_that_it_reads(panel: type[Panel]) -> None:
    reads = panel.polls and uses(panel.read, "window")
    assert reads == (panel.heeds != "nothing") or panel.heeds == "moment"


async def test_the_keys_of_a_grade_stand_in_their_order(full: Store, clock: Clock) -> None:
    async with running(full, clock) as (app, pilot):
        await shown(app, pilot, "grading")
        assert "m" in [hint.key for hint in hints_of(app.screen)]
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, MarkScreen), "the line")
        said = [(hint.key, hint.label) for hint in hints_of(app.screen)]
        assert said == [("r", "right"), ("w", "wrong"), ("a", "another agent"), ("c", "clear"), ("x", "skip"),
                        ("Esc", "done")]  # fmt: skip
        await pilot.press("r")
        await until(pilot, lambda: ("u", "undo") in [(hint.key, hint.label) for hint in hints_of(app.screen)], "undo")


async def test_the_footer_offers_no_letter_where_letters_are_typed(full: Store, clock: Clock) -> None:
    async with running(full, clock) as (app, pilot):
        for target, key in (("tab:agents", "slash"), ("grading", "ma"), ("why:walked", "ma")):
            await shown(app, pilot, target)
            await pilot.press(*([key] if key == "slash" else key))
            await until(pilot, lambda: isinstance(app.focused, LineInput), target)
            assert not [hint for hint in hints_of(app.screen) if len(hint.key) == 1]
            await pilot.press("escape", "escape")


async def test_a_lever_that_was_moved_can_be_put_back(full: Store, clock: Clock) -> None:
    async with running(full, clock) as (app, pilot):
        await shown(app, pilot, "layer:semantic")
        assert "0" not in {hint.keys for hint in hints_of(app.screen)}
        await pilot.press("left")
        await until(pilot, lambda: "0" in {hint.keys for hint in hints_of(app.screen)}, "a lever that was moved")
        await pilot.press("0")
        await until(pilot, lambda: "0" not in {hint.keys for hint in hints_of(app.screen)}, "a lever in its place")
        assert app.view.at_ms is None
        await pilot.press("comma")
        await until(pilot, lambda: app.view.pinned_ms is not None)
        await pilot.press("0")  # the frame's key for the present, but in this view the lever's
        await pilot.pause()
        assert app.view.pinned_ms is not None


@pytest.mark.parametrize("target", [target for target in WALKED if taken_by(panel_of(target), {})])
async def test_a_key_of_a_view_never_becomes_the_frames(
    full: Store, clock: Clock, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a view binds, and whenever it does not do it."""
    async with running(full, clock, interval_s=60.0) as (app, pilot):
        await shown(app, pilot, target)
        panel = app.top_panel
        taken = taken_by(type(panel), {})
        monkeypatch.setattr(panel, "check_action", lambda action, parameters: False)
        ran: list[str] = []
        monkeypatch.setattr(FedtopApp, "_dispatch_action", lambda app, at, action, values: ran.append(action))
        for focus in (app.focused, None):
            app.screen.set_focus(focus)
            await pilot.press(*taken)
            await pilot.pause()
            assert not ran
            assert not [key for key, active in app.screen.active_bindings.items() if key in taken]


def test_moved_keys_are_kept_apart_too() -> None:
    ledger = panel_of("ledger")
    assert taken_by(ledger, {}) == {"u"}
    assert taken_by(ledger, {"ledger.undo": "x"}) == set()
    assert taken_by(ledger, {"ledger.undo": "x,w"}) == {"w"}
    assert taken_by(ledger, {"loop.undo": "U", "time.pause": "u"}) == {"space"}


def test_tables_leave_the_frame_its_keys() -> None:
    """All but this: the matrix has its h only while it has columns."""
    frame = {key for entry in KEYS for key in entry.keys.split(",")}
    shared = {
        (kind.__name__, key)
        for kind in below(LiveTable)
        if kind.__module__.startswith("fedtop.")
        for key in frame.intersection(
            binding.key for binding in Binding.make_bindings(kind.__dict__.get("BINDINGS", ()))
        )
    }
    assert shared == {("Matrix", "h")}


async def test_views_without_a_window_offer_none(full: Store, clock: Clock) -> None:
    async with running(full, clock, at_ms=clock.now_ms - 1) as (app, pilot):
        for target in ("ledger", "change:1", "why:walked"):
            await shown(app, pilot, target)
            able = {active.binding.id or "" for active in app.screen.active_bindings.values() if active.enabled}
            assert not able & {"time.wider", "time.narrower", "time.back", "time.forth", "time.live", "time.newest"}
            assert {"time.pause", "time.refresh"} <= able
        await shown(app, pilot, "tab:tools")
        able = {active.binding.id or "" for active in app.screen.active_bindings.values() if active.enabled}
        assert not able & {"time.wider", "time.narrower"}, "trust in tools always rests on 30 days"
        assert {"time.back", "time.forth", "time.live"} <= able


@pytest.mark.parametrize("tab", ["cascade", "costs", "tools"])
async def test_a_view_with_nothing_names_only_keys_that_it_has(store: Store, clock: Clock, tab: str) -> None:
    store.writer().write([{"kind": "run", "agent": "kimi", "at": clock.now_ms}])
    async with running(store, clock, tab=tab) as (app, pilot):
        await until(pilot, lambda: "No " in screen_text(app))
        able = {active.binding.id for active in app.screen.active_bindings.values() if active.enabled}
        assert ("longer window" in screen_text(app)) == ("time.wider" in able)


async def test_old_facts_are_no_news_where_the_window_does_not_matter(full: Store, clock: Clock) -> None:
    clock.advance(90 * 86_400_000)
    async with running(full, clock) as (app, pilot):
        assert app.can_jump
        await shown(app, pilot, "ledger")
        assert not app.can_jump
        assert "before this window" not in screen_text(app)
