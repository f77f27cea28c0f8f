"""The ledger, undo and alarms in the pane, as used; and their rows as pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fedstore.errors import StoreError
from fedstore.policy import Alarm, Change, Effects, Measured, Plan, PlanItem, PolicyBody, PolicyStore, with_alarms
from fedstore.store import Store
from fedtop.app import FedtopApp
from fedtop.fields import KEY_GAP, Locale
from fedtop.glyphs import UNICODE
from fedtop.loop import LedgerReader, Paced
from fedtop.sanitize import clean
from fedtop.screens.confirm import ConfirmScreen
from fedtop.views.ledger.columns import EFFECTS as EFFECT_FIELDS
from fedtop.views.ledger.columns import LEDGER, effect_lines, effects_of, main_measure, state_cell
from fedtop.views.ledger.parts import change_parts, effect_notes
from fedtop.widgets.table_model import plain
from tests.conftest import Clock
from tests.policy.synthetic import write_runs
from tests.tui.frames import running, screen_text, table, until
from tests.tui.panes import HOSTILE
from tests.tui.plan_stores import loop_store

if TYPE_CHECKING:
    from textual.pilot import Pilot

SIZES = [(80, 24), (120, 40), (200, 50)]
HOUR_MS = 3_600_000


@pytest.fixture
def looped(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with loop_store(tmp_path / "loop.db", clock) as store:
        yield store


@pytest.fixture
def changed(looped: Store) -> Store:
    """Two changes: thresholds (#1), then boosts (#2)."""
    loop = PolicyStore(looped)
    loop.apply(loop.propose_tune(), who="ana")
    loop.apply(loop.propose_optimize(), who=HOSTILE)
    return looped


def actions(app: FedtopApp) -> set[str]:
    """The ids of the keys that work now."""
    return {active.binding.id or "" for active in app.screen.active_bindings.values() if active.enabled}


async def opened(app: FedtopApp, pilot: Pilot[Any], panel_id: str) -> None:
    """Waits until a drill-down is on top and shown."""

    def there() -> bool:
        found = app.top_panel
        return found is not None and found.panel_id == panel_id and found.shown

    await until(pilot, there, panel_id)


async def asked(app: FedtopApp, pilot: Pilot[Any]) -> None:
    await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "a question")


async def answered(app: FedtopApp, pilot: Pilot[Any]) -> None:
    """Says yes, and waits for what follows."""
    await pilot.press("tab", "enter")
    await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen), "the answer")
    await app.workers.wait_for_complete()
    await pilot.pause()


def told(app: FedtopApp) -> str:
    """All notifications."""
    return " ".join(note.message for note in app._notifications)


# --- undo -----------------------------------------------------------------------------------------------------------


async def test_u_takes_the_newest_change_back_after_a_question(changed: Store, clock: Clock) -> None:
    before = PolicyStore(changed).changes(effects=False)
    async with running(changed, clock) as (app, pilot):
        await pilot.press("u")
        await asked(app, pilot)
        shown = screen_text(app)
        assert "Take back change #2?" in shown
        for item in before[0].plan.items:
            assert clean(item.label, 40) in shown
        await pilot.press("enter")  # stands on Cancel
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen), "the answer")
        assert PolicyStore(changed).current()[0] == 2
        await pilot.press("u")
        await asked(app, pilot)
        await answered(app, pilot)
        assert "Took back change #2" in told(app)
    loop = PolicyStore(changed)
    thresholds = {item.label: item.new for item in before[1].plan.items}
    assert loop.current()[1].boosts == {}
    assert thresholds.items() <= dict(loop.current()[1].thresholds).items()


async def test_a_yes_takes_back_the_change_that_was_named_and_no_other(changed: Store, clock: Clock) -> None:
    loop = PolicyStore(changed)
    async with running(changed, clock) as (app, pilot):
        await pilot.press("u")
        await asked(app, pilot)
        assert "Take back change #2?" in screen_text(app)
        loop.undo()  # another pane said yes first
        await answered(app, pilot)
        assert "change #2 was already taken back by #3" in told(app)
    assert loop.current()[0] == 3
    assert loop.change(1).stands


async def test_nothing_to_undo_is_said_in_one_line(looped: Store, clock: Clock) -> None:
    async with running(looped, clock) as (app, pilot):
        await pilot.press("u")
        await until(pilot, lambda: told(app), "a word")
        assert "no change to take back" in told(app)
        assert not isinstance(app.screen, ConfirmScreen)


async def test_the_ledger_takes_back_the_change_under_its_cursor(changed: Store, clock: Clock) -> None:
    async with running(changed, clock) as (app, pilot):
        await pilot.press("L")
        await opened(app, pilot, "ledger")
        table(app, "#ledger-table").move_cursor("1")
        await pilot.press("u")
        await asked(app, pilot)
        assert "Take back change #1?" in screen_text(app)
        await answered(app, pilot)
        await until(pilot, lambda: table(app, "#ledger-table").row_count == 3, "the undo in the ledger")
        await until(pilot, lambda: "by #3" in screen_text(app), "what was taken back")
        table(app, "#ledger-table").move_cursor("1")
        await pilot.pause()
        assert "ledger.undo" not in actions(app), "what was taken back cannot be taken back again"
        assert "loop.undo" not in actions(app), "the key would mean a change that is not under the cursor"
    assert PolicyStore(changed).current()[1].thresholds == {}


async def test_an_undo_that_others_built_on_is_refused(changed: Store, clock: Clock) -> None:
    loop = PolicyStore(changed)
    key = loop.change(1).plan.items[0].key
    loop._set("lock", {key: 0.5}, "ana", "")
    async with running(changed, clock) as (app, pilot):
        await pilot.press("L")
        await opened(app, pilot, "ledger")
        table(app, "#ledger-table").move_cursor("1")
        await pilot.press("u")
        await until(pilot, lambda: told(app), "the refusal")
        assert "cannot be taken back: #3 changed" in told(app)
    assert loop.current()[0] == 3


# --- the ledger -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_the_ledger_lists_every_change(changed: Store, clock: Clock, size: tuple[int, int]) -> None:
    async with running(changed, clock, size=size) as (app, pilot):
        await pilot.press("L")
        await opened(app, pilot, "ledger")
        shown = screen_text(app)
        assert table(app, "#ledger-table").model.order == ["2", "1"]
        for word in ("#1", "#2", "tune", "optimize", "watching"):
            assert word in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown


@pytest.mark.parametrize("size", SIZES)
async def test_one_change_shows_promise_and_outcome(changed: Store, clock: Clock, size: tuple[int, int]) -> None:
    clock.advance(HOUR_MS // 2)
    write_runs(changed, "kimi", "review", "+" * 9 + "-", clock.now_ms)
    async with running(changed, clock, size=size) as (app, pilot):
        assert app.open_target("change:2")
        await opened(app, pilot, "change")
        rows = table(app, "#change-effects").model.rows
        assert list(rows) == ["predicted", "1h", "24h", "7d", "now"]
        assert plain(rows["now"].cells["success"]).startswith("90.0 %")
        assert plain(rows["now"].cells["n"]) == "10"
        assert plain(rows["1h"].cells["horizon"]) == "1h so far"
        assert "change.undo" in actions(app)


async def test_a_change_that_is_not_there_is_said(looped: Store, clock: Clock) -> None:
    async with running(looped, clock) as (app, pilot):
        for name in ("7", "[/b]"):
            assert app.open_target(f"change:{name}")
            await opened(app, pilot, "change")
            assert "There is no such change" in screen_text(app)
            await pilot.press("escape")


async def test_an_empty_ledger_says_how_to_fill_it(looped: Store, clock: Clock) -> None:
    async with running(looped, clock) as (app, pilot):
        await pilot.press("L")
        await opened(app, pilot, "ledger")
        assert "nothing was changed yet: t proposes thresholds" in screen_text(app)


async def test_readonly_offers_no_proposals_in_an_empty_ledger(looped: Store, clock: Clock) -> None:
    async with running(looped, clock, readonly=True) as (app, pilot):
        await pilot.press("L")
        await opened(app, pilot, "ledger")
        assert "nothing was changed yet" in screen_text(app)
        assert "t proposes" not in screen_text(app)


async def test_readonly_shows_the_ledger_without_undo(changed: Store, clock: Clock) -> None:
    async with running(changed, clock, readonly=True) as (app, pilot):
        await pilot.press("L")
        await opened(app, pilot, "ledger")
        assert {"ledger.undo", "loop.undo"}.isdisjoint(actions(app))
        await pilot.press("enter")
        await opened(app, pilot, "change")
        assert {"change.undo", "loop.undo"}.isdisjoint(actions(app))


# --- alarms ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def harmed(looped: Store, clock: Clock) -> Store:
    """A boost for kimi, whose reviews then fail one after the other."""
    loop = PolicyStore(looped)
    loop.apply(loop.propose_optimize())
    clock.advance(HOUR_MS)
    write_runs(looped, "kimi", "review", "-" * 60, clock.now_ms)
    return looped


async def test_a_harmful_change_is_an_alert_and_offers_the_undo(harmed: Store, clock: Clock) -> None:
    async with running(harmed, clock) as (app, pilot):
        await until(pilot, lambda: "change #1" in screen_text(app), "the alarm on the overview")
        await pilot.press("exclamation_mark")
        await opened(app, pilot, "alarms")
        found = table(app, "#alarms-table")
        assert found.cursor_key == f"0{KEY_GAP}change:1"
        assert "does harm" in screen_text(app)
        await pilot.press("enter")
        await opened(app, pilot, "change")
        assert "harmful" in screen_text(app)
        await pilot.press("u")
        await asked(app, pilot)
        await answered(app, pilot)
        await until(pilot, lambda: "taken back by #2" in screen_text(app), "the end of it")
        await pilot.press("escape")
        await opened(app, pilot, "alarms")
        await until(pilot, lambda: "change #1" not in screen_text(app), "no alarm any more")
    assert PolicyStore(harmed).current()[1] == PolicyBody()


async def test_alarms_lead_to_what_fired_them(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        await pilot.press("exclamation_mark")
        await opened(app, pilot, "alarms")
        found = table(app, "#alarms-table")
        agent = next(key for key in found.model.order if f"{KEY_GAP}agent:" in key)
        found.move_cursor(agent)
        assert "alarms.undo" not in actions(app)
        await pilot.press("enter")
        await opened(app, pilot, "agent")
        assert app.top_panel is not None
        assert app.top_panel.args["name"] == agent.partition("agent:")[2]


def test_alarms_come_first_by_severity(seeded_store: Store) -> None:
    reader = seeded_store.reader()
    overview = reader.overview(reader.window("24h"))
    assert with_alarms(overview, ()) is overview
    harm = Alarm(3, "alert", "change #3 (tune) does harm: accuracy 80.0 %", advice="fedtop undo 3")
    broken = Alarm(2, "warn", "change #2 (tune): replay assumptions broken")
    found = with_alarms(overview, (broken, harm))
    assert ("alert", "change #3 (tune) does harm: accuracy 80.0 %", "change:3") in found.attention
    assert len(found.attention) == len(overview.attention) + 2
    severities = [severity for severity, text, _ in found.attention if "waiting" not in text]  # who waits comes first
    assert len(severities) == len(found.attention) - 1
    assert severities == sorted(severities, key=["alert", "warn", "info"].index)
    assert found.health == "alert"


# --- rows -----------------------------------------------------------------------------------------------------------


def change(**values: Any) -> Change:
    """A change of one threshold."""
    items = (PlanItem("layer:semantic", "semantic", 0.70, 0.66),)
    plan = Plan("tune", "certified", "certified", 0, 0, "", items, id="t-1", reasons=("it holds",))
    return Change(**{
        "id": 1, "kind": "tune", "who": "ana", "at_ms": 0, "plan": plan, "undoes": None, "undone_by": None,
        "old_version": 0, "new_version": 1, "evidence_end_ms": 0, **values,
    })  # fmt: skip


def measured(horizon: str, *, complete: bool = True, **values: float | None) -> Measured:
    intervals = {name: (0.9, 0.97) for name, value in values.items() if value is not None and value < 1}
    return Measured(horizon, 0, complete, 800, 700, values, intervals, {"accuracy": 0.968, "latency_ms": 36.0})


EFFECTS = Effects(
    "watching", 0.95, (measured("1h", accuracy=0.96, latency_ms=35.0), measured("now", accuracy=None, latency_ms=None)),
    None, broken=("shares moved",), notes=("few",),
)  # fmt: skip


def test_a_row_says_what_was_promised_and_what_came() -> None:
    effects = replace(EFFECTS, state="confirmed", measured=(measured("now", accuracy=0.961, latency_ms=35.0),))
    (row,) = LEDGER.rows([change(effects=effects)], Locale(now_ms=0))
    shown = {key: plain(cell) for key, cell in row.cells.items()}
    assert shown["items"] == "semantic 0.70→0.66"
    assert shown["predicted"] == "accuracy 96.8 %"
    assert shown["measured"] == "96.1 % 90.0–97.0"
    assert shown["effect"] == "● confirmed"


def test_what_is_not_known_is_no_number() -> None:
    (row,) = LEDGER.rows([change(effects=EFFECTS)], Locale(now_ms=0))
    assert row.cells["measured"] is None
    (bare,) = LEDGER.rows([change()], Locale(now_ms=0))
    assert bare.cells["effect"] is bare.cells["predicted"] is None
    assert EFFECT_FIELDS.rows(effect_lines(EFFECTS), Locale())[-1].cells["accuracy"] is None


def test_what_was_taken_back_is_dim_and_names_by_what() -> None:
    row, undo = LEDGER.rows([change(undone_by=2), change(id=2, kind="undo", undoes=1)], Locale(now_ms=0))
    assert (row.style, plain(row.cells["undone_by"])) == ("$dim", "by #2")
    assert plain(undo.cells["items"]).startswith("takes back #1: ")
    assert "taken back by #2" in " ".join(part.plain for part in change_parts(change(undone_by=2), UTC, 0))


def test_an_effect_has_a_glyph_and_a_word() -> None:
    assert state_cell(replace(EFFECTS, broken=())).plain == f"{UNICODE.idle} watching"
    assert state_cell(EFFECTS).plain == f"{UNICODE.warn} watching"
    assert state_cell(replace(EFFECTS, state="harmful")).plain == f"{UNICODE.alert} harmful"


def test_columns_are_those_that_are_measured() -> None:
    keys = [field.key for field in effects_of(EFFECTS).fields if field.width]
    assert keys == ["horizon", "accuracy", "latency_ms", "graded", "n"]
    assert main_measure(EFFECTS) == "accuracy"
    assert main_measure(replace(EFFECTS, measured=(replace(measured("now"), predicted={}),))) is None


def test_notes_say_what_is_broken() -> None:
    items = effect_notes(change(effects=EFFECTS))
    notes = " ".join(item.plain for item in items if not isinstance(item, tuple))
    for word in ("at least 95.0 %", "shares moved", "few", "it holds"):
        assert word in notes


def test_a_long_reading_is_kept_for_a_while() -> None:
    now = [0.0]
    paced = Paced(lambda: now[0])
    made: list[float] = []

    def make() -> float:
        made.append(now[0])
        now[0] += 1.0
        return made[-1]

    assert paced.get("a", make) == 0.0
    now[0] = 10.9
    assert paced.get("a", make) == 0.0
    assert paced.get("b", make) == 10.9, "another question is answered at once"
    now[0] += 10.1
    assert paced.get("b", make) > 20
    assert len(made) == 3


def opted(store: Store, *, readonly: bool = False) -> Store:
    """The same store once more, where harm is to be taken back automatically."""
    settings = store.settings.model_copy(update={"auto_rollback": True})
    return Store(store.path, clock=store.clock, settings=settings, readonly=readonly)


def test_a_view_never_takes_a_change_back(harmed: Store) -> None:
    with opted(harmed) as store:
        (alarm,) = LedgerReader().alarms(store, 1)
        assert alarm.due
        assert [change.id for change in LedgerReader().changes(store, 1)] == [1]
        assert PolicyStore(store).current()[0] == 1


async def test_the_pane_takes_harm_back_and_says_so(harmed: Store, clock: Clock) -> None:
    with opted(harmed) as store:
        async with running(store, clock) as (app, pilot):
            await until(pilot, lambda: PolicyStore(harmed).current()[0] == 2, "the change is taken back")
            await until(pilot, lambda: "taken back automatically" in told(app), "it is said")
            await pilot.press("L")
            await opened(app, pilot, "ledger")
            await until(pilot, lambda: "takes back #1" in screen_text(app), "it stands in the ledger")
    newest = PolicyStore(harmed).changes(effects=False)[0]
    assert (newest.kind, newest.who, newest.undoes) == ("undo", "auto-rollback", 1)


async def test_a_pane_that_may_only_read_says_what_is_due(harmed: Store, clock: Clock) -> None:
    with opted(harmed, readonly=True) as store:
        async with running(store, clock, readonly=True) as (app, pilot):
            await pilot.press("exclamation_mark")
            await opened(app, pilot, "alarms")
            await until(pilot, lambda: "due to be taken back: change #1" in screen_text(app), "what is due")
            await app.workers.wait_for_complete()
    assert PolicyStore(harmed).current()[0] == 1


async def test_a_watch_that_fails_is_said_once(harmed: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Store) -> tuple[Alarm, ...]:
        raise StoreError("no disk")

    monkeypatch.setattr("fedtop.loop.watch", broken)
    async with running(harmed, clock) as (app, pilot):
        for _ in range(2):
            await app._watch._act()
        await until(pilot, lambda: told(app), "it is said")
        await pilot.pause()
        assert told(app).count("What was applied is not watched: no disk") == 1


def test_alarms_ask_nothing_before_the_first_change() -> None:
    assert LedgerReader().alarms(object(), 0) == ()  # type: ignore[arg-type]
