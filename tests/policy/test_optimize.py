"""Boost plans from the store: whose runs count, the rules side by side, the words of the plain form."""

from __future__ import annotations

import pytest

from fedstore.facts.events import Run, Verdict
from fedstore.learning.boosts import propose_boosts
from fedstore.learning.intervals import wilson
from fedstore.learning.tuning_types import TuneCancelledError
from fedstore.policy import PolicyStore, boost_key, optimization_text
from fedstore.policy.optimize import RUNS_PER_AGENT, read_outcomes
from fedstore.store import Store
from fedstore.window import Window
from tests.conftest import Clock
from tests.policy.synthetic import cascade_log, write_cascade, write_runs

HOUR_MS = 3_600_000


def by_label(plan) -> dict[str, float | None]:
    return {item.label: item.new for item in plan.items}


def test_outcomes_are_the_newest_graded_runs_in_the_order_of_time(store: Store, clock: Clock) -> None:
    write_runs(store, "kimi", "docs", "-" * 10 + "+" * RUNS_PER_AGENT, clock.now_ms)
    write_runs(store, "codex", "docs", "+?-", clock.now_ms, step_ms=400)
    found = read_outcomes(store.database.read, 0, clock.now_ms + 1)
    assert [ok for agent, _, ok in found if agent == "kimi"] == [True] * RUNS_PER_AGENT
    # codex ended 1.2 s (right), 0.8 s (not graded) and 0.4 s (wrong) before, kimi every whole second
    assert [(agent, ok) for agent, _, ok in found[-3:]] == [("codex", True), ("kimi", True), ("codex", False)]


def test_rework_is_no_success(store: Store, clock: Clock) -> None:
    at = clock.now_ms - HOUR_MS
    store.writer().write(
        [
            Run(id="a", agent="kimi", success=True, at=at),
            Run(id="b", agent="kimi", success=True, rework=True, at=at + 1),
            Run(id="c", agent="kimi", success=True, at=at + 2),
            Verdict(subject="run", subject_id="c", rework=True, at=at + 3),
        ]
    )
    assert [ok for _, _, ok in read_outcomes(store.database.read, 0, 1 << 50)] == [True, False, False]


def test_the_seed_rule_to_the_letter(store: Store, loop: PolicyStore, clock: Clock) -> None:
    end = clock.now_ms - HOUR_MS
    for agent, outcomes in {
        "ninety": "+" * 9 + "-", "less": "+" * 8 + "--", "half": "+-" * 5, "few": "++++", "more": "+++++-----+",
    }.items():  # fmt: skip
        write_runs(store, agent, "docs", outcomes, end)
    write_runs(store, "half", "review", "+" * 5, end, prefix="x")
    plan = loop.propose_optimize("seed")
    # half: 10 of 15 overall, so no longer half; its five reviews are excellent
    assert by_label(plan) == {"ninety": 0.05, "ninety for docs": 0.05, "half for review": 0.05}


def test_a_penalty_at_half_or_less(store: Store, loop: PolicyStore, clock: Clock) -> None:
    write_runs(store, "half", "docs", "+-" * 5, clock.now_ms - HOUR_MS)
    write_runs(store, "above", "docs", "+-" * 5 + "+", clock.now_ms - HOUR_MS)
    assert by_label(loop.propose_optimize("seed")) == {"half": -0.05}


def test_the_default_follows_the_shrunk_rates(federation: Store, loop: PolicyStore) -> None:
    plan = loop.propose_optimize()
    outcomes = read_outcomes(federation.database.read, 0, 1 << 50)
    enough = [p for p in propose_boosts(outcomes) if p.n >= 5]  # with fewer it keeps what stands
    expected = {boost_key(p.agent, p.task_type or ""): p.boost for p in enough}
    assert plan.rule == "shrunk"
    set_to = {item.key: item.new for item in plan.items}
    assert set_to.items() <= expected.items()
    for key in expected.keys() - set_to.keys():  # no boost of its own: that of the agent, or none, says the same
        inherited = set_to.get(key.partition("/")[0], 0.0) if "/" in key else 0.0
        assert abs(expected[key] - inherited) < 0.005
    loop.apply(plan)
    in_force = loop.current()[1]
    for p in enough:
        assert in_force.boost(p.agent, p.task_type or "") == pytest.approx(p.boost, abs=0.005)


def test_what_changes_nothing_is_not_listed(store: Store, loop: PolicyStore, clock: Clock) -> None:
    end = clock.now_ms - HOUR_MS
    for agent, outcomes in {"kimi": "+" * 30, "codex": "+++-" * 8, "claude": "++++-" * 6}.items():
        write_runs(store, agent, "docs", outcomes, end)
        write_runs(store, agent, "review", outcomes, end, prefix="r")
    items = loop.propose_optimize().items
    assert items
    for item in items:
        agent, _, kind = item.key.partition("/")
        other = next((i.new for i in items if i.key == agent), 0.0) if kind else 0.0
        assert item.new is not None
        assert abs(item.new - (other or 0.0)) >= 0.005


def test_the_rules_side_by_side(federation: Store, loop: PolicyStore) -> None:
    plan = loop.propose_optimize()
    values = {other.rule: other.values for other in plan.alternatives}
    assert list(values) == ["shrunk", "wilson", "seed"]
    assert values["seed"]["agent:codex"] == values["wilson"]["agent:codex"] == -0.05
    assert values["shrunk"]["agent:kimi"] > 0
    assert [other.rule for other in plan.alternatives if "this plan" in other.note] == ["shrunk"]


def test_claims_stand_apart_from_boosts(federation: Store, loop: PolicyStore) -> None:
    plan = loop.propose_optimize()
    grades = {item.label: (item.grade, plan.proposals[item.key].claim) for item in plan.items}
    assert grades["kimi"] == ("certified", "high")
    assert grades["codex"] == ("certified", "low")
    assert grades["claude"] == ("estimated", None)
    assert "gemini for testing" not in grades, "too little to go by"


def test_evidence_carries_counts_and_interval(federation: Store, loop: PolicyStore) -> None:
    plan = loop.propose_optimize()
    item = next(item for item in plan.items if item.label == "codex")
    assert (item.n, plan.proposals[item.key].successes) == (15, 3)
    assert "3 of 15" in item.evidence
    low, high = item.interval or (1.0, 0.0)
    assert low < 3 / 15 < high


def test_a_small_move_is_not_worth_a_change(federation: Store, loop: PolicyStore, clock: Clock) -> None:
    loop.apply(loop.propose_optimize())
    clock.advance(HOUR_MS)
    write_runs(federation, "kimi", "implementation", "+", clock.now_ms - 60_000)
    assert not any(item.label == "kimi" for item in loop.propose_optimize().items)


def test_prediction_counts_each_task_of_what_is_boosted_once(store: Store, loop: PolicyStore, clock: Clock) -> None:
    end = clock.now_ms - HOUR_MS
    write_runs(store, "kimi", "docs", "+" * 19 + "-", end)
    write_runs(store, "kimi", "", "+" * 9 + "-", end)  # without a task type: boosted with the agent
    write_runs(store, "codex", "docs", "+-" * 10, end)
    plan = loop.propose_optimize("seed")
    assert by_label(plan) == {"kimi": 0.05, "kimi for docs": 0.05, "codex": -0.05}
    predicted = plan.predicted["success"]
    assert predicted.now == pytest.approx(28 / 30)
    assert predicted.now_interval == pytest.approx(wilson(28, 30))
    assert predicted.new is not None
    assert 0.5 < predicted.new < predicted.now


def test_prediction_leaves_out_the_task_types_that_do_not_follow_their_agent(
    store: Store, loop: PolicyStore, clock: Clock
) -> None:
    end = clock.now_ms - HOUR_MS
    write_runs(store, "kimi", "docs", "+" * 40, end)
    write_runs(store, "kimi", "code", "-" * 8, end)
    write_runs(store, "codex", "docs", "+-" * 20, end)
    write_runs(store, "codex", "code", "+" * 8, end)
    plan = loop.propose_optimize()
    boosts = by_label(plan)
    assert (boosts["kimi"] or 0) > 0 > (boosts["kimi for code"] or 0)
    predicted = plan.predicted["success"]
    assert predicted.now == 1.0  # kimi's docs and codex's code
    change = loop.apply(plan)
    clock.advance(HOUR_MS)
    write_runs(store, "kimi", "docs", "+++", clock.now_ms)
    write_runs(store, "kimi", "code", "--", clock.now_ms)
    effects = loop.change(change.id).effects
    assert effects is not None
    assert (effects.now.n, effects.now.values) == (3, {"success": 1.0})


def test_an_empty_store_says_what_is_missing(loop: PolicyStore) -> None:
    plan = loop.propose_optimize()
    assert (plan.items, plan.reasons) == ((), ("no graded tasks to learn from in this window",))
    assert "No optimizations needed." in optimization_text(plan)


def test_the_words_of_the_plain_form(store: Store, loop: PolicyStore, clock: Clock) -> None:
    end = clock.now_ms - HOUR_MS
    write_runs(store, "kimi", "implementation", "+" * 6, end)
    write_runs(store, "kimi", "review", "+-", end)
    write_runs(store, "kimi", "research", "--", end)
    text = optimization_text(loop.propose_optimize("seed"))
    assert text.splitlines()[:5] == [
        "🔧 Optimization Analysis (DRY RUN)",
        "Found 1 optimization:",
        "",
        "🎯 TASK BOOST: kimi for implementation",
        "   Excellent at implementation: 100%",
    ]
    plain = optimization_text(loop.propose_optimize("seed"), dry_run=False, ascii_only=True)
    assert plain.startswith("Optimization Analysis\nFound 1")


def test_progress_and_cancel(federation: Store, loop: PolicyStore) -> None:
    seen: list[float] = []
    loop.propose_optimize(progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    with pytest.raises(TuneCancelledError):
        loop.propose_optimize(cancelled=lambda: True)
    write_cascade(federation, cascade_log("seedlike", 100, 7), 1_770_000_000_000)
    with pytest.raises(TuneCancelledError):
        loop.propose_tune(window=Window(0, 1 << 50, "all"), cancelled=lambda: True)


@pytest.mark.parametrize(("results", "moved"), [("-", False), ("----", False), ("-----", True)])
def test_a_few_failures_move_no_boost(loop: PolicyStore, store: Store, clock: Clock, results: str, moved: bool) -> None:
    """Where the screen says "too few to tell" the default rule keeps what stands; the other agent's evidence counts."""
    write_runs(store, "kimi", "docs", "+" * 60, clock.now_ms)
    write_runs(store, "codex", "review", results, clock.now_ms)
    plan = loop.propose_optimize()
    assert any(label.startswith("codex") for label in by_label(plan)) == moved
    assert all(item.n >= 5 for item in plan.items)
