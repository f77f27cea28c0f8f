"""The plan in the pane, as used: keys in, screen and policy out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Button

from fedstore.policy import Plan, PolicyBody, PolicyStore
from fedstore.store import Store
from fedtop.app import FedtopApp
from fedtop.commands import FedtopCommands
from fedtop.screens.confirm import ConfirmScreen
from fedtop.screens.help import HelpScreen
from fedtop.views.plan.optimize import OptimizePanel
from fedtop.views.plan.panel import PlanPanel
from fedtop.views.plan.tune import TunePanel
from fedtop.views.text_lines import TextLines
from tests.conftest import Clock
from tests.policy.synthetic import write_runs
from tests.tui.frames import running, screen_text, table, until
from tests.tui.plan_stores import CERTIFIED, RECOVER, TOO_LITTLE, Deaf, SlowProposer, loop_store

if TYPE_CHECKING:
    from textual.pilot import Pilot

SIZES = [(80, 24), (120, 40), (200, 50)]
DAY_MS = 24 * 3_600_000


@pytest.fixture
def looped(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with loop_store(tmp_path / "loop.db", clock) as store:
        yield store


@contextmanager
def store_at(path: Path, clock: Clock, target: float) -> Iterator[Store]:
    with loop_store(path, clock, target) as store:
        yield store


def panel(app: FedtopApp) -> PlanPanel:
    found = app.top_panel
    assert isinstance(found, PlanPanel)
    return found


async def planned(app: FedtopApp, pilot: Pilot[Any]) -> Plan:
    """Waits for the plan on top."""
    await until(pilot, lambda: isinstance(app.top_panel, PlanPanel) and not app.top_panel.computing, "a plan")
    plan = panel(app).plan
    assert plan is not None, said(app)
    return plan


def said(app: FedtopApp) -> str:
    return panel(app).query_one("#plan-status", TextLines).plain


def actions(app: FedtopApp) -> set[str]:
    """The ids of the keys that work now."""
    return {active.binding.id or "" for active in app.screen.active_bindings.values() if active.enabled}


async def asked(app: FedtopApp, pilot: Pilot[Any]) -> ConfirmScreen:
    """Waits for the question."""
    await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "a question")
    assert isinstance(app.screen, ConfirmScreen)
    return app.screen


# --- proposing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_tune_shows_the_plan_as_a_diff(looped: Store, clock: Clock, size: tuple[int, int]) -> None:
    async with running(looped, clock, size=size) as (app, pilot):
        await pilot.press("t")
        plan = await planned(app, pilot)
        shown = screen_text(app)
        for item in plan.items:
            assert f"{item.old:.2f}" in shown
            assert f"{item.new:.2f}" in shown
        assert plan.id in shown
        assert "certified" in shown
        assert plan.extent is not None
        assert f"{plan.extent.facts} decisions, {plan.extent.graded} graded" in shown
        assert "would go elsewhere" in shown
    assert PolicyStore(looped).current() == (0, PolicyBody())


@pytest.mark.parametrize("size", SIZES)
async def test_optimize_shows_the_rules_side_by_side(looped: Store, clock: Clock, size: tuple[int, int]) -> None:
    async with running(looped, clock, size=size) as (app, pilot):
        await pilot.press("o")
        plan = await planned(app, pilot)
        shown = screen_text(app)
        head = next(line for line in shown.splitlines() if "shrunk" in line and "wilson" in line)
        assert head.index("shrunk") < head.index("wilson") < head.index("seed")
        assert table(app, "#plan-items").row_count == len({k for other in plan.alternatives for k in other.values})
        assert "\x1b" not in shown
    assert PolicyStore(looped).current() == (0, PolicyBody())


async def test_p_tries_every_rule_in_turn(looped: Store, clock: Clock) -> None:
    async with running(looped, clock) as (app, pilot):
        await pilot.press("t")
        seen = [(await planned(app, pilot)).rule]
        for _ in range(4):
            await pilot.press("p")
            seen.append((await planned(app, pilot)).rule)
        assert seen == ["certified", "no-worse", "seed-accuracy", "seed-count", "certified"]


async def test_w_rests_the_plan_on_a_longer_window(looped: Store, clock: Clock) -> None:
    async with running(looped, clock) as (app, pilot):
        await pilot.press("t")
        assert (await planned(app, pilot)).window_label == "7d"
        await pilot.press("w")
        assert (await planned(app, pilot)).window_label == "30d"
        await pilot.press("W")
        assert (await planned(app, pilot)).window_label == "7d"
        assert app.view.window == "24h", "the window of the pane is another matter"


async def test_a_paused_pane_plans_as_of_then(looped: Store, clock: Clock) -> None:
    async with running(looped, clock, at_ms=clock.now_ms - DAY_MS) as (app, pilot):
        await pilot.press("t")
        plan = await planned(app, pilot)
        assert plan.extent is not None
        assert plan.extent.end_ms <= clock.now_ms - DAY_MS + 60_000
        assert plan.extent.facts == 0
        assert "no routing decisions" in screen_text(app)


async def test_an_empty_plan_says_why_and_what_is_missing(tmp_path: Path, clock: Clock) -> None:
    with store_at(tmp_path / "few.db", clock, TOO_LITTLE) as store:
        async with running(store, clock) as (app, pilot):
            await pilot.press("t")
            plan = await planned(app, pilot)
            assert not plan.changed
            assert f"{plan.more_needed} more graded decisions" in screen_text(app)
            assert "plan.apply" not in actions(app)


async def test_enter_lists_the_flips_and_leads_to_their_why(looped: Store, clock: Clock) -> None:
    async with running(looped, clock) as (app, pilot):
        await pilot.press("t")
        plan = await planned(app, pilot)
        assert table(app, "#plan-flipped").row_count == len(plan.flipped), "where there is room they are there at once"
        await pilot.press("enter")
        await until(pilot, lambda: app.base.query("#flips-table"), "the flips")
        assert table(app, "#flips-table").row_count == len(plan.flipped)
        chosen = table(app, "#flips-table").cursor_key
        await pilot.press("enter")
        await until(pilot, lambda: app.top_panel is not None and app.top_panel.panel_id == "why", "why")
        assert app.top_panel is not None
        assert app.top_panel.args["route_id"] == chosen
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.top_panel is not None and app.top_panel.panel_id == "tune", "the plan again")


async def test_enter_shows_what_a_boost_rests_on(looped: Store, clock: Clock) -> None:
    async with running(looped, clock) as (app, pilot):
        await pilot.press("o")
        await planned(app, pilot)
        table(app, "#plan-items").move_cursor("agent:kimi/review")
        await pilot.press("enter")
        await until(pilot, lambda: app.base.query("#boost-lines"), "the evidence")
        assert "58 of 60" in screen_text(app)


async def test_a_matrix_cell_shows_what_its_boost_rests_on(looped: Store, clock: Clock) -> None:
    async with running(looped, clock, tab="agents") as (app, pilot):
        assert app.open_target("boost:agent:kimi/review")
        await until(pilot, lambda: "58 of 60" in screen_text(app), "the evidence")
    assert PolicyStore(looped).plans() == (), "a glance is no plan"


async def test_e_writes_the_plan_as_json(looped: Store, clock: Clock, tmp_path: Path) -> None:
    async with running(looped, clock, export_dir=tmp_path / "out") as (app, pilot):
        await pilot.press("t")
        plan = await planned(app, pilot)
        await pilot.press("e")
        await pilot.pause()
    (file,) = (tmp_path / "out").iterdir()
    assert file.name == f"fedtop-plan-{plan.id}.json"
    assert Plan.from_dict(json.loads(file.read_text())) == plan


# --- giving up ------------------------------------------------------------------------------------------------------


@pytest.fixture
def plans(looped: Store) -> tuple[Plan, Plan]:
    loop = PolicyStore(looped)
    return loop.propose_tune(), loop.propose_tune(loop.tune_settings(rule="seed-count"))


async def test_escape_gives_up_computing_and_stops_the_thread(
    looped: Store, clock: Clock, plans: tuple[Plan, Plan]
) -> None:
    slow = SlowProposer(*plans)
    async with running(looped, clock) as (app, pilot):
        app.open_panel(TunePanel(slow))
        await until(pilot, lambda: slow.calls and "40%" in said(app), "progress")
        assert {"plan.cancel"} == actions(app) & {"plan.cancel", "plan.discard", "plan.apply", "plan.export"}
        await pilot.press("escape")
        await until(pilot, lambda: slow.ended, "the thread's end")
        assert slow.ended == ["cancelled"]
        assert said(app).startswith("cancelled: nothing was changed")
        assert panel(app).plan is None
        await pilot.press("r")
        await until(pilot, lambda: len(slow.calls) == 2, "another try")
        slow.go[1].set()
        assert await planned(app, pilot) == plans[1]
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.top_panel, PlanPanel), "the plan is left")


async def test_an_answer_to_an_older_question_is_never_shown(
    looped: Store, clock: Clock, plans: tuple[Plan, Plan]
) -> None:
    deaf = Deaf(*plans)
    async with running(looped, clock) as (app, pilot):
        app.open_panel(TunePanel(deaf))
        await until(pilot, lambda: len(deaf.calls) == 1, "the first call")
        await pilot.press("p")
        await until(pilot, lambda: len(deaf.calls) == 2, "the second call")
        deaf.go[1].set()
        assert await planned(app, pilot) == plans[1]
        deaf.go[0].set()
        await until(pilot, lambda: len(deaf.ended) == 2, "the late answer")
        assert panel(app).plan == plans[1]
        assert plans[1].id in screen_text(app)
        assert plans[0].id not in screen_text(app)


async def test_leaving_the_view_stops_the_thread(looped: Store, clock: Clock, plans: tuple[Plan, Plan]) -> None:
    slow = SlowProposer(*plans)
    async with running(looped, clock) as (app, pilot):
        app.open_panel(TunePanel(slow))
        await until(pilot, lambda: slow.calls, "the call")
        await pilot.press("2")
        await until(pilot, lambda: slow.ended == ["cancelled"], "the thread's end")
        assert app.view.tab == "agents"


async def test_the_pane_lives_while_it_computes(looped: Store, clock: Clock, plans: tuple[Plan, Plan]) -> None:
    slow = SlowProposer(*plans)
    async with running(looped, clock) as (app, pilot):
        app.open_panel(TunePanel(slow))
        await until(pilot, lambda: slow.calls, "the call")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "the help")
        await pilot.press("escape")
        assert panel(app).computing
        slow.go[0].set()
        await planned(app, pilot)


async def test_a_proposal_makes_no_store_where_there_is_none_any_more(looped: Store, clock: Clock) -> None:
    async with running(looped, clock) as (app, pilot):
        looped.path.unlink()
        await pilot.press("t")
        await until(pilot, lambda: "no plan: there is no store" in screen_text(app))
        assert not looped.path.exists()


async def test_a_failure_is_one_line(looped: Store, clock: Clock) -> None:
    def broken(*_: Any) -> Plan:
        raise OSError("disk\nfull [/b]")

    async with running(looped, clock) as (app, pilot):
        app.open_panel(OptimizePanel(broken))
        await until(pilot, lambda: "no plan: disk full [/b]" in screen_text(app), "the failure")
        assert {"plan.apply", "plan.export"}.isdisjoint(actions(app))


# --- applying -------------------------------------------------------------------------------------------------------


async def test_a_applies_exactly_the_plan_after_a_question(looped: Store, clock: Clock) -> None:
    async with running(looped, clock) as (app, pilot):
        await pilot.press("t")
        plan = await planned(app, pilot)
        await pilot.press("a")
        question = await asked(app, pilot)
        shown = screen_text(app)
        for item in plan.items:
            assert any(
                item.label in line and f"{item.old:.2f} →" in line and f"{item.new:.2f}" in line
                for line in shown.splitlines()
            )
        assert question.question.caution == ""
        assert isinstance(app.focused, Button)
        assert app.focused.id == "confirm-no", "the question stands on Cancel"
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen), "the answer")
        assert PolicyStore(looped).current()[0] == 0
        await pilot.press("a")
        await asked(app, pilot)
        await pilot.press("right", "enter")
        await until(pilot, lambda: panel(app).change is not None, "the change")
        assert "applied as change #1" in screen_text(app)
        assert "plan.apply" not in actions(app), "a plan is applied once"
    version, body = PolicyStore(looped).current()
    assert version == 1
    assert body.values() == plan.values


@pytest.mark.parametrize(
    ("keys", "version"),
    [
        (("a", "enter"), 0),
        (("a", "right", "enter"), 1),
        (("a", "y"), 1),
        (("a", "enter", "right", "enter"), 0),  # the first answer counts
    ],
)
async def test_keys_typed_ahead_reach_the_question_only(
    looped: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...], version: int
) -> None:
    answers: list[bool] = []
    dismiss = ConfirmScreen.dismiss
    monkeypatch.setattr(ConfirmScreen, "dismiss", lambda self, yes: (answers.append(yes), dismiss(self, yes))[1])
    async with running(looped, clock) as (app, pilot):
        await pilot.press("t")
        await planned(app, pilot)
        for key in keys:
            app.simulate_key(key)
        await until(pilot, lambda: answers, "the answer")
        await pilot.pause()
        assert answers == [bool(version)]
        await app.workers.wait_for_complete()
        assert isinstance(app.top_panel, PlanPanel), "nothing was opened below the question, and nothing closed"
    assert PolicyStore(looped).current()[0] == version


@pytest.mark.parametrize("key", ["escape", "n", "q"])
async def test_every_other_key_changes_nothing(looped: Store, clock: Clock, key: str) -> None:
    async with running(looped, clock) as (app, pilot):
        await pilot.press("o")
        await planned(app, pilot)
        await pilot.press("a")
        await asked(app, pilot)
        await pilot.press(key)
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen), "the answer")
        assert panel(app).plan is not None
    assert PolicyStore(looped).current()[0] == 0


@pytest.mark.parametrize(("target", "certified"), [(CERTIFIED, True), (RECOVER, False)])
async def test_what_is_not_certified_is_confirmed_as_such(
    tmp_path: Path, clock: Clock, target: float, certified: bool
) -> None:
    with store_at(tmp_path / "target.db", clock, target) as store:
        async with running(store, clock, size=(80, 24)) as (app, pilot):
            await pilot.press("t")
            await planned(app, pilot)
            await pilot.press("a")
            await asked(app, pilot)
            assert ("not certified: " in screen_text(app)) is not certified
            assert str(app.screen.query_one("#confirm-yes", Button).label) == (
                "Apply  y" if certified else "Apply all the same  y"
            )
            assert app.screen.query_one("#confirm-yes").region.bottom < 24


async def test_a_refusal_is_one_line_and_the_plan_stays(looped: Store, clock: Clock) -> None:
    async with running(looped, clock) as (app, pilot):
        await pilot.press("o")
        plan = await planned(app, pilot)
        write_runs(looped, "late", "docs", "+", clock.now_ms - DAY_MS)
        await pilot.press("a")
        await asked(app, pilot)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: said(app).startswith("refused: "), "the refusal")
        assert "make a new plan" in said(app)
        assert "\n" not in said(app)
        assert panel(app).plan == plan
    assert PolicyStore(looped).current()[0] == 0


async def test_a_plan_that_cannot_be_applied_yet_says_so_and_has_no_key_for_it(looped: Store, clock: Clock) -> None:
    loop = PolicyStore(looped)
    loop.apply(loop.propose_optimize())
    clock.advance(3_600_000)
    write_runs(looped, "kimi", "review", "-" * 10, clock.now_ms)
    async with running(looped, clock, size=(120, 40)) as (app, pilot):
        await pilot.press("o")
        assert (await planned(app, pilot)).changed
        assert "cannot be applied: " in said(app)
        assert "policy.cooldown_events = 20" in said(app)
        assert "plan.apply" not in actions(app)


async def test_readonly_has_no_way_to_a_change(looped: Store, clock: Clock) -> None:
    async with running(looped, clock, readonly=True) as (app, pilot):
        assert {"loop.optimize", "loop.tune", "loop.undo"}.isdisjoint(actions(app))
        assert "loop.ledger" in actions(app)
        app.open_panel(TunePanel())
        await planned(app, pilot)
        assert {"plan.apply", "loop.undo"}.isdisjoint(actions(app))
        assert "plan.export" in actions(app)
        await pilot.press("a", "u")
        await pilot.pause()
        assert not isinstance(app.screen, ConfirmScreen)
        names = [command.name for command in FedtopCommands(app.screen).commands()]
        assert not any(name.startswith(("Apply", "Undo", "Optimize", "Tune")) for name in names)
    assert PolicyStore(looped).current()[0] == 0


async def test_the_palette_offers_everything_of_the_plan(looped: Store, clock: Clock) -> None:
    async with running(looped, clock) as (app, pilot):
        await pilot.press("t")
        await planned(app, pilot)
        names = " ".join(command.name for command in FedtopCommands(app.screen).commands())
        for word in ("Apply", "Rule", "Flips", "Window", "Export", "Again", "Undo", "Ledger", "Alarms", "Optimize"):
            assert word in names


async def test_a_plan_of_old_decisions_is_one_key_away(tmp_path: Path, clock: Clock) -> None:
    with store_at(tmp_path / "old.db", clock, CERTIFIED) as store:
        clock.advance(40 * DAY_MS)
        async with running(store, clock) as (app, pilot):
            await pilot.press("t")
            assert (await planned(app, pilot)).conclusion == "insufficient"
            await until(pilot, lambda: "h shows the 7d that end there" in screen_text(app))
            await pilot.press("h")
            await until(pilot, lambda: panel(app).plan is not None and panel(app).plan.changed, "a plan as of then")
            assert "The newest" not in screen_text(app)
            await pilot.press("0")
            await until(pilot, lambda: panel(app).plan is not None and not panel(app).plan.changed, "the present again")
