"""What happened since: only facts under the new policy, horizons, states, alarms and the automatic undo."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedstore.learning.log import DecisionLog
from fedstore.learning.replay import replay
from fedstore.learning.verify import AssumptionCheck, EProcess, check_assumptions
from fedstore.policy import Change, PolicyStore, Watcher
from fedstore.policy.effects import Effects
from fedstore.settings.config import Settings
from fedstore.store import Store
from fedstore.window import Window
from tests.conftest import Clock
from tests.policy.synthetic import cascade_log, write_cascade, write_runs
from tests.support.scenarios import SCENARIOS, as_logged, population

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def under(
    change: Change, n: int, seed: int, *, wrong: float = 0.0, right: float = 0.0, graded: Sequence[float] = (1.0,) * 5
) -> DecisionLog:
    """What a router logs that follows a change; a share of the decisions goes wrong, or right, on top."""
    rng = np.random.default_rng(seed)
    scenario = next(s for s in SCENARIOS if s.name == "seedlike")
    whole = population(scenario, n, rng)
    new = {layer.layer: layer.new for layer in change.plan.layers}
    thresholds = np.array([new[layer] for layer in whole.layers])
    moved = replay(dataclasses.replace(whole, shadow=np.zeros_like(whole.shadow)), thresholds.tolist())
    final = np.where(moved.layer < len(thresholds), moved.agent, whole.true_agent).astype(np.int32)
    correct = (final == whole.true_agent).astype(np.int8)
    correct[rng.random(n) < wrong] = 0
    correct[rng.random(n) < right] = 1
    log = dataclasses.replace(
        whole, threshold=np.tile(thresholds, (n, 1)), accepted=moved.layer, final=final, correct=correct,
        shadow=np.arange(len(thresholds)) > moved.layer[:, None],
        true_agent=np.full(n, -1, dtype=np.int32),
    )  # fmt: skip
    return as_logged(log, rng, correct_master=False, graded=graded)


@pytest.fixture
def change(cascade_store: Store, loop: PolicyStore) -> Change:
    """An applied, certified threshold change."""
    plan = loop.propose_tune()
    assert plan.conclusion == "certified"
    return loop.apply(plan)


def effects(loop: PolicyStore) -> Effects:
    found = loop.changes()[0].effects
    assert found is not None
    return found


def test_nothing_yet(change: Change, loop: PolicyStore) -> None:
    found = effects(loop)
    assert (found.state, found.seen_since_ms, found.now.n) == ("watching", None, 0)
    assert found.now.values == {"accuracy": None, "latency_ms": None, "clarify": None}
    assert "no decision" in found.notes[0]
    assert loop.watch() == ()


def test_decisions_under_the_old_thresholds_do_not_count(
    cascade_store: Store, change: Change, loop: PolicyStore, clock: Clock
) -> None:
    clock.advance(HOUR_MS)
    write_cascade(cascade_store, cascade_log("seedlike", 300, 7), clock.now_ms, 1_000, "old")
    assert effects(loop).now.n == 0
    clock.advance(HOUR_MS)
    new = under(change, 200, 1)
    write_cascade(cascade_store, new, clock.now_ms, 1_000, "new")
    found = effects(loop)
    moved = [new.layers.index(item.label) for item in change.plan.items]
    first = int(np.flatnonzero(~np.isnan(new.threshold[:, moved]).all(axis=1))[0])
    assert found.now.n == 200 - first
    assert found.seen_since_ms == clock.now_ms - (200 - first) * 1_000


def test_horizons_and_predictions(cascade_store: Store, change: Change, loop: PolicyStore, clock: Clock) -> None:
    clock.advance(2 * HOUR_MS)
    log = under(change, 1_200, 2)
    write_cascade(cascade_store, log, clock.now_ms, 5_000, "new")
    found = effects(loop)
    assert [m.horizon for m in found.measured] == ["1h", "24h", "7d", "now"]
    assert [m.complete for m in found.measured] == [True, False, False, False]
    hour, day, *_, now = found.measured
    assert 200 < hour.n < day.n == now.n <= 1_200
    assert now.predicted == {name: p.new for name, p in change.plan.predicted.items()}
    skipped = len(log) - now.n
    kept = log.take(np.arange(skipped, len(log)))
    assert now.values["accuracy"] == pytest.approx(float((kept.correct == 1).mean()), abs=1e-9)
    assert now.values["clarify"] == pytest.approx(float((kept.accepted == len(kept.layers)).mean()))
    spent = np.nansum(np.where(kept.shadow, np.nan, kept.latency_ms), axis=1).mean()
    assert now.values["latency_ms"] == pytest.approx(float(spent), abs=0.01)
    low, high = now.intervals["accuracy"] or (1, 0)
    assert low < (now.values["accuracy"] or 0) < high
    assert found.broken == ()


def test_accuracy_since_then_is_told_as_everywhere(
    cascade_store: Store, change: Change, loop: PolicyStore, clock: Clock
) -> None:
    clock.advance(2 * HOUR_MS)
    log = under(change, 1_200, 2)
    correct = np.where((log.accepted == 0) & (np.arange(1_200) % 9 > 0), -1, log.correct)
    write_cascade(cascade_store, dataclasses.replace(log, correct=correct), clock.now_ms, 2_000, "new")
    now, shown = effects(loop).now, cascade_store.reader().cascade(Window.ending("1h", clock.now_ms)).accuracy
    assert now.n == 1_200
    assert now.values["accuracy"] == pytest.approx(shown.value)
    assert now.intervals["accuracy"] == pytest.approx(shown.interval)


def test_good_decisions_confirm(cascade_store: Store, change: Change, loop: PolicyStore, clock: Clock) -> None:
    clock.advance(3 * HOUR_MS)
    write_cascade(cascade_store, under(change, 2_000, 3, right=0.7), clock.now_ms, 5_000, "new")
    assert effects(loop).state == "confirmed"
    assert loop.watch() == ()


def test_bad_decisions_raise_an_alarm(cascade_store: Store, change: Change, loop: PolicyStore, clock: Clock) -> None:
    clock.advance(3 * HOUR_MS)
    write_cascade(cascade_store, under(change, 1_000, 4, wrong=0.15), clock.now_ms, 5_000, "new")
    assert effects(loop).state == "harmful"
    (alarm,) = loop.watch()
    assert (alarm.change_id, alarm.severity, alarm.rolled_back) == (change.id, "alert", False)
    assert alarm.advice == f"fedtop undo {change.id}"
    assert alarm.line == f"{alarm.text}: `fedtop undo {change.id}`"
    assert (alarm.measure, alarm.expected) == ("accuracy", effects(loop).reference)
    assert (alarm.value, alarm.interval) == (
        effects(loop).now.values["accuracy"], effects(loop).now.intervals["accuracy"],
    )  # fmt: skip
    assert loop.current()[0] == 1
    loop.undo(alarm.change_id)
    assert loop.watch() == ()


def test_layers_that_are_graded_more_do_not_count_more(
    cascade_store: Store, change: Change, loop: PolicyStore, clock: Clock
) -> None:
    """Where the worst layers are graded most, plain counts call a good change harmful."""
    clock.advance(3 * HOUR_MS)
    new = under(change, 6_000, 4, right=0.7, graded=(0.1, 1.0, 0.1, 0.1, 0.1))
    worse = (new.accepted == 1) & (np.random.default_rng(1).random(len(new)) < 0.09)
    new = dataclasses.replace(new, correct=np.where(worse, 0, new.correct).astype(np.int8))
    write_cascade(cascade_store, new, clock.now_ms, 1_000, "new")
    plain = EProcess(0.94)
    assert plain.observe_all((new.correct[new.correct >= 0] == 1).tolist()) == "harmful"
    found = effects(loop)
    assert found.reference == 0.94
    assert (found.now.values["accuracy"] or 0) > 0.94
    assert found.state != "harmful"


def test_what_is_not_graded_at_all_is_told(
    cascade_store: Store, change: Change, loop: PolicyStore, clock: Clock
) -> None:
    clock.advance(HOUR_MS)
    write_cascade(cascade_store, under(change, 500, 4, graded=(1, 0, 1, 1, 0)), clock.now_ms, 1_000, "new")
    (note,) = effects(loop).notes
    assert note == "nothing that semantic, clarification decided is graded: this is about the others"


@pytest.mark.parametrize("graded", [1.0, 0.0])
def test_a_change_that_promised_no_accuracy_is_not_held_to_the_target(
    store: Store, loop: PolicyStore, clock: Clock, graded: float
) -> None:
    """What only promised that few decisions get worse does no harm where accuracy was below the target before."""
    write_cascade(store, cascade_log("seedlike", 3_000, 7, graded=graded), clock.now_ms - HOUR_MS)
    plan = loop.propose_tune(loop.tune_settings(rule="no-worse", target=0.99))
    assert plan.conclusion == "certified"
    applied = loop.apply(plan)
    clock.advance(3 * HOUR_MS)
    write_cascade(store, under(applied, 2_000, 4), clock.now_ms, 5_000, "new")
    found = effects(loop)
    assert (found.now.values["accuracy"] or 0) < 0.97
    assert found.state != "harmful"
    if graded:
        assert 0.93 < (found.reference or 0) < 0.96
    else:
        assert found.reference is None
        assert "rested on no outcomes" in found.notes[0]


def test_automatic_rollback_is_opt_in(
    cascade_store: Store, change: Change, loop: PolicyStore, clock: Clock, settings: Settings
) -> None:
    clock.advance(3 * HOUR_MS)
    write_cascade(cascade_store, under(change, 1_000, 4, wrong=0.15), clock.now_ms, 5_000, "new")
    opted = settings.model_copy(update={"auto_rollback": True})
    with Store(cascade_store.path, clock=clock, settings=opted) as store:
        watcher = Watcher(PolicyStore(store))
        (due,) = watcher.look()
        assert (due.due, due.rolled_back) == (True, False)
        assert loop.current()[0] == 1, "a look changes nothing"
        (alarm,) = watcher.act()
        assert alarm == due.taken_back()
        assert (alarm.due, alarm.rolled_back, alarm.advice) == (False, True, "")
        assert watcher.act() == ()
    newest = loop.changes(effects=False)[0]
    assert (newest.kind, newest.who, newest.undoes) == ("undo", "auto-rollback", change.id)
    assert loop.current()[1].thresholds == {}


def test_who_may_only_read_is_told_what_is_due(
    cascade_store: Store, change: Change, loop: PolicyStore, clock: Clock, settings: Settings
) -> None:
    clock.advance(3 * HOUR_MS)
    write_cascade(cascade_store, under(change, 1_000, 4, wrong=0.15), clock.now_ms, 5_000, "new")
    opted = settings.model_copy(update={"auto_rollback": True})
    with Store(cascade_store.path, clock=clock, settings=opted, readonly=True) as store:
        (alarm,) = Watcher(PolicyStore(store)).act()
    assert alarm.due
    assert alarm.shown == f"due to be taken back: {alarm.text}"
    assert loop.current()[0] == 1


def test_broken_assumptions_warn(cascade_store: Store, change: Change, loop: PolicyStore, clock: Clock) -> None:
    clock.advance(3 * HOUR_MS)
    log = under(change, 1_500, 5)
    slow = dataclasses.replace(log, latency_ms=log.latency_ms * 3)
    write_cascade(cascade_store, slow, clock.now_ms, 5_000, "new")
    assert any("mean latency" in reason for reason in effects(loop).broken)
    (alarm,) = loop.watch()
    assert alarm.severity == "warn"
    assert "replay assumptions broken" in alarm.text


def test_a_prediction_is_as_sure_as_the_decisions_it_was_measured_on(
    cascade_store: Store, change: Change, loop: PolicyStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.advance(3 * HOUR_MS)
    write_cascade(cascade_store, under(change, 300, 5), clock.now_ms, 5_000, "new")
    told: list[int] = []

    def check(*given: Any, predicted_from: int, **named: Any) -> AssumptionCheck:
        told.append(predicted_from)
        return check_assumptions(*given, predicted_from=predicted_from, **named)

    monkeypatch.setattr("fedstore.policy.tune_effects.check_assumptions", check)
    effects(loop)
    assert set(told) == {change.plan.tuned.measured}


def test_a_later_change_ends_the_watch_and_effects_outlive_the_facts(
    cascade_store: Store, change: Change, loop: PolicyStore, clock: Clock
) -> None:
    clock.advance(2 * HOUR_MS)
    write_cascade(cascade_store, under(change, 600, 6), clock.now_ms, 5_000, "new")
    loop.undo(change.id)
    clock.advance(30 * DAY_MS)
    write_cascade(cascade_store, under(change, 600, 6), clock.now_ms, 5_000, "later")
    found = loop.change(change.id).effects
    assert found is not None
    assert 0 < found.now.n <= 600
    assert found.measured[0].complete
    kept = "SELECT COUNT(*) FROM effects"
    assert cascade_store.database.read(kept, ()) == [(0,)], "reading a ledger writes nothing"
    Watcher(loop).act()
    assert cascade_store.database.read(kept, ()) == [(1,)]
    with cascade_store.database.write() as tx:
        tx.execute("DELETE FROM routes")
    assert PolicyStore(cascade_store).change(change.id).effects == found


def test_effects_survive_json(cascade_store: Store, change: Change, loop: PolicyStore, clock: Clock) -> None:
    clock.advance(2 * HOUR_MS)
    write_cascade(cascade_store, under(change, 300, 6), clock.now_ms, 5_000, "new")
    found = effects(loop)
    assert Effects.from_dict(found.to_dict()) == found
    assert loop.changes()[0].to_dict()["effects"]["state"] == found.state


@pytest.mark.parametrize(("since", "state"), [("+" * 60, "watching"), ("-" * 30, "harmful"), ("+-" * 40, "harmful")])
def test_boosted_agents_are_watched(federation: Store, loop: PolicyStore, clock: Clock, since: str, state: str) -> None:
    loop.apply(loop.propose_optimize("seed"))
    clock.advance(HOUR_MS)
    write_runs(federation, "kimi", "implementation", since, clock.now_ms)
    write_runs(federation, "codex", "testing", "-" * 50, clock.now_ms)
    found = effects(loop)
    assert found.now.n == len(since)
    assert found.now.values["success"] == since.count("+") / len(since)
    assert found.state == state
    assert [alarm.severity for alarm in loop.watch()] == (["alert"] if state == "harmful" else [])


def test_runs_of_other_task_types_do_not_count(store: Store, loop: PolicyStore, clock: Clock, tmp_path: Path) -> None:
    end = clock.now_ms - HOUR_MS
    write_runs(store, "kimi", "docs", "+" * 10, end)
    write_runs(store, "kimi", "code", "+----", end)
    plan = loop.propose_optimize("seed")
    assert [item.label for item in plan.items] == ["kimi for docs"]
    loop.apply(plan)
    clock.advance(HOUR_MS)
    write_runs(store, "kimi", "docs", "++", clock.now_ms)
    write_runs(store, "kimi", "code", "-----", clock.now_ms)
    assert effects(loop).now.values == {"success": 1.0}
