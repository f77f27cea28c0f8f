"""Boosts as the agents' view shows them, against a plan made from the same runs and against the ledger."""

from __future__ import annotations

from fedstore import PolicyStore, Store, Window, boost_history, boost_outlook, proposed_boosts
from fedstore.learning.boosts import MIN_TASKS
from tests.conftest import Clock

RUNS = {("kimi", "implementation"): 40, ("kimi", "research"): 10, ("claude", "research"): 10, ("codex", "testing"): 15}
"""Graded runs of the ``federation``; gemini has two, too few to go by."""


def test_what_is_shown_is_what_a_plan_would_set(federation: Store, loop: PolicyStore, clock: Clock) -> None:
    shown = proposed_boosts(federation.database, Window.ending("24h", clock.now_ms))
    totals = {("kimi", ""): 50, ("claude", ""): 10, ("codex", ""): 15}
    assert shown.keys() == {pair for pair, runs in (RUNS | totals).items() if runs >= MIN_TASKS}
    planned = {item.key: item.new for item in loop.propose_optimize("shrunk").items}
    assert planned
    for (agent, task_type), boost in shown.items():
        key = f"agent:{agent}" + (f"/{task_type}" if task_type else "")
        assert planned.get(key) is None or planned[key] * boost > 0


def test_the_outlook_is_what_the_plan_in_the_shell_would_change(federation: Store, loop: PolicyStore) -> None:
    outlook = boost_outlook(federation)
    plan = loop.propose_optimize()
    assert (outlook.rule, outlook.window, outlook.version) == ("shrunk", plan.window_label, 0)
    before, after = loop.current()[1], loop.current()[1].with_values(plan.values)
    pairs = {(agent, kind) for agent, kind in RUNS} | {(agent, "") for agent, _ in RUNS}
    changed = {pair: after.boost(*pair) for pair in pairs if after.boost(*pair) != before.boost(*pair)}
    assert {pair: value for pair, value in outlook.boosts.items() if pair in pairs} == changed
    assert changed
    loop.apply(plan)
    assert boost_outlook(federation).boosts == {}, "what is in force is not proposed"
    assert boost_outlook(federation).version == 1


def test_looking_keeps_no_plan(federation: Store, loop: PolicyStore) -> None:
    boost_outlook(federation)
    assert loop.plans() == ()


def test_a_window_without_runs_proposes_nothing(federation: Store, clock: Clock) -> None:
    assert proposed_boosts(federation.database, Window.ending("15m", clock.now_ms)) == {}


def test_history_is_the_ledger_seen_from_one_agent(federation: Store, loop: PolicyStore) -> None:
    applied = loop.apply(loop.propose_optimize("seed"), who="me")
    loop.lock("agent:claude", who="me")
    undone = loop.undo(applied.id, who="me")
    moved = {item.key: (item.old, item.new) for item in applied.plan.items if item.key.startswith("agent:kimi")}
    assert moved
    history = boost_history(federation.database, "kimi")
    assert [entry.id for entry in history] == [undone.id] * len(moved) + [applied.id] * len(moved)
    assert [entry.stands for entry in history] == [True] * len(moved) + [False] * len(moved)
    for entry in history:
        key = "agent:kimi" + (f"/{entry.task_type}" if entry.task_type else "")
        assert (entry.old, entry.new) == (moved[key] if entry.id == applied.id else moved[key][::-1])
    assert boost_history(federation.database, "kim") == ()
    assert boost_history(federation.database, "kimi", limit=1)[0].id == undone.id
