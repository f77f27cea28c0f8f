"""Propose, apply, undo: plans are exact, guards refuse in one line, undo restores the former policy whole."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from fedstore.errors import FedstoreError, PlanRefusedError, StoreReadOnlyError
from fedstore.facts.events import Verdict
from fedstore.learning.rules import TuneRule
from fedstore.policy import Plan, PolicyBody, PolicyStore
from fedstore.settings.config import PolicySettings, Settings
from fedstore.store import Store
from fedstore.window import Window
from tests.conftest import Clock
from tests.policy.synthetic import cascade_log, write_cascade, write_runs

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def refusal(loop: PolicyStore, plan: Plan | str) -> str:
    with pytest.raises(PlanRefusedError) as refused:
        loop.apply(plan)
    text = str(refused.value)
    assert "\n" not in text
    return text


# --- plans -----------------------------------------------------------------------------------------------------


def test_a_plan_survives_json_and_the_store(cascade_store: Store, federation: Store, loop: PolicyStore) -> None:
    for plan in (loop.propose_optimize(), loop.propose_tune()):
        assert plan.changed
        assert Plan.from_json(plan.to_json()) == plan
        assert loop.plan(plan.id) == plan
        assert plan.to_dict()["data_token"] == plan.data_token != ""
        assert plan.id.startswith({"tune": "t-", "optimize": "o-"}[plan.kind])


def test_the_same_evidence_gives_the_same_plan(cascade_store: Store, loop: PolicyStore) -> None:
    assert loop.propose_tune() == loop.propose_tune()
    assert len(loop.plans()) == 1


def test_a_dry_run_changes_nothing(federation: Store, loop: PolicyStore) -> None:
    loop.propose_optimize()
    assert loop.current() == (0, PolicyBody())
    assert loop.changes() == ()


def test_unknown_plan(loop: PolicyStore) -> None:
    with pytest.raises(FedstoreError, match="no plan t-0000"):
        loop.apply("t-0000")


def test_read_only_shows_plans_and_changes_nothing(federation: Store, clock: Clock, settings: Settings) -> None:
    with Store(federation.path, clock=clock, settings=settings, readonly=True) as store:
        loop = PolicyStore(store)
        plan = loop.propose_optimize()
        assert plan.changed
        assert plan.id
        with pytest.raises(StoreReadOnlyError):
            loop.apply(plan)
    assert PolicyStore(federation).plans() == ()


# --- applying --------------------------------------------------------------------------------------------------


def test_apply_sets_what_the_plan_says(federation: Store, loop: PolicyStore) -> None:
    plan = loop.propose_optimize("seed")
    change = loop.apply(plan.id, who="ana")
    version, body = loop.current()
    assert version == change.new_version == 1
    assert {item.key: item.new for item in plan.items} == body.values()
    assert (change.who, change.plan, change.plan_id) == ("ana", plan, plan.id)
    assert [entry.id for entry in loop.changes()] == [change.id]


def test_tune_pins_the_whole_setting(cascade_store: Store, loop: PolicyStore) -> None:
    plan = loop.propose_tune()
    loop.apply(plan)
    thresholds = loop.current()[1].thresholds
    assert dict(thresholds) == {layer.layer: layer.new for layer in plan.layers}


def test_a_plan_is_applied_once(federation: Store, loop: PolicyStore) -> None:
    plan = loop.propose_optimize()
    loop.apply(plan)
    assert "already applied as change #1" in refusal(loop, plan)


def test_a_plan_from_a_former_policy_is_refused(federation: Store, loop: PolicyStore) -> None:
    plan = loop.propose_optimize("seed")
    loop.lock("agent:nobody")
    assert "made from policy v0, but v1 is in force" in refusal(loop, plan)


def test_a_plan_that_changes_nothing_is_refused(loop: PolicyStore) -> None:
    assert "changes nothing" in refusal(loop, loop.propose_optimize())
    assert "no routing decisions" in refusal(loop, loop.propose_tune())


def test_late_fact_in_the_window_refuses(federation: Store, loop: PolicyStore, clock: Clock) -> None:
    plan = loop.propose_optimize()
    write_runs(federation, "late", "docs", "+", clock.now_ms - DAY_MS)
    assert "1 task was recorded into the window" in refusal(loop, plan)


def test_later_facts_do_not_refuse(federation: Store, loop: PolicyStore, clock: Clock) -> None:
    plan = loop.propose_optimize()
    clock.advance(5_000)
    write_runs(federation, "kimi", "docs", "+-+", clock.now_ms)
    assert loop.apply(plan).id == 1


def test_a_straggler_of_the_last_seconds_does_not_refuse(cascade_store: Store, loop: PolicyStore, clock: Clock) -> None:
    plan = loop.propose_tune()
    write_cascade(cascade_store, cascade_log("seedlike", 3_000, 7).take(_first(2)), clock.now_ms, 1_000, "late")
    assert loop.apply(plan).id == 1


def _first(n: int):
    import numpy as np

    return np.arange(n)


@pytest.mark.parametrize(
    ("delay_ms", "reason"), [(0, "1 late verdict on"), (60_000, "judged anew")], ids=["stamped before", "regraded"]
)
def test_verdicts_on_the_evidence_refuse(
    cascade_store: Store, loop: PolicyStore, clock: Clock, delay_ms: int, reason: str
) -> None:
    plan = loop.propose_tune()
    clock.advance(delay_ms)
    cascade_store.writer().write([Verdict(subject="route", subject_id="r000010", correct=False)])
    assert reason in refusal(loop, plan)


def test_a_trickle_of_first_grades_does_not_refuse_but_many_do(store: Store, loop: PolicyStore, clock: Clock) -> None:
    write_cascade(store, cascade_log("seedlike", 4_000, 7, graded=0.7), clock.now_ms - HOUR_MS)
    plan = loop.propose_tune()
    assert plan.changed
    rows = store.database.read("SELECT id FROM routes WHERE correct IS NULL AND correct_agent IS NULL LIMIT 100")
    ids = [row[0] for row in rows]
    clock.advance(1_000)

    def grade(some: list[str]) -> None:
        store.writer().write([Verdict(subject="route", subject_id=i, correct=True) for i in some])

    grade(ids[:5])
    again = loop.apply(plan)
    loop.undo(again.id)
    other = loop.propose_tune()
    clock.advance(1_000)
    grade(ids[5:])
    assert "95 more of its decisions were graded" in refusal(loop, other)


def test_removed_evidence_refuses(federation: Store, loop: PolicyStore) -> None:
    plan = loop.propose_optimize()
    with federation.database.write() as tx:
        tx.execute("DELETE FROM runs WHERE agent = 'claude'")
    assert "removed" in refusal(loop, plan)


# --- guards ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["shrunk", "wilson", "seed"])
def test_a_second_optimize_on_the_same_data_changes_nothing(
    federation: Store, loop: PolicyStore, clock: Clock, policy: str
) -> None:
    loop.apply(loop.propose_optimize(policy))
    clock.advance(DAY_MS)
    again = loop.propose_optimize(policy)
    assert again.items == ()
    assert "already say" in again.reasons[0]


def test_tuning_evidence_is_not_used_twice(cascade_store: Store, loop: PolicyStore, clock: Clock) -> None:
    first = loop.propose_tune()
    loop.apply(first)
    second = loop.propose_tune()
    assert second.items == ()
    assert second.extent.start_ms == first.evidence_end_ms == first.extent.last_ms + 1
    assert "not used again" in second.reasons[-1]
    version, body = loop.current()
    forged = replace(first, policy_version=version, policy_hash=body.digest()).named()
    assert "rests on evidence that an applied change used" in refusal(loop, forged)
    clock.advance(DAY_MS)
    write_cascade(cascade_store, cascade_log("seedlike", 3_000, 7), clock.now_ms, 10_000, "new")
    third = loop.propose_tune()
    assert third.tuned.events <= 3_000
    assert any("check that the router reads the policy" in warning for warning in third.warnings)


def test_decisions_imported_for_later_times_are_new_evidence(
    cascade_store: Store, loop: PolicyStore, clock: Clock
) -> None:
    """What happened after the newest decision used, but was read only afterwards, was never used."""
    loop.apply(loop.propose_tune())
    write_cascade(cascade_store, cascade_log("seedlike", 3_000, 7).take(_first(200)), clock.now_ms, 1_000, "late")
    again = loop.propose_tune()
    assert again.tuned.events == 200
    assert not any("cooldown" in warning for warning in again.warnings)


def test_undo_gives_the_evidence_back(cascade_store: Store, loop: PolicyStore) -> None:
    first = loop.propose_tune()
    loop.apply(first)
    loop.undo()
    again = loop.propose_tune()
    assert [(i.key, i.old, i.new) for i in again.items] == [(i.key, i.old, i.new) for i in first.items]


def test_cooldown_counts_new_graded_tasks(federation: Store, loop: PolicyStore, clock: Clock) -> None:
    loop.apply(loop.propose_optimize())
    clock.advance(HOUR_MS)
    write_runs(federation, "codex", "testing", "+" * 15 + "?" * 9, clock.now_ms)
    early = loop.propose_optimize()
    said = loop.refusal(early)
    assert said.startswith("5 more graded tasks are needed since the last optimize: wait for them, or lower the")
    assert said.endswith("setting policy.cooldown_events = 20")
    assert refusal(loop, early) == said
    clock.advance(HOUR_MS)
    write_runs(federation, "codex", "testing", "+" * 5, clock.now_ms)
    plan = loop.propose_optimize()
    assert loop.refusal(plan) == ""
    assert loop.apply(plan).id == 2
    assert "already applied" in loop.refusal(plan)


def test_a_plan_that_moves_a_threshold_too_far_says_which_setting_forbids_it(
    cascade_store: Store, clock: Clock
) -> None:
    narrow = Settings(policy=PolicySettings(max_threshold_step=0.01))
    with Store(cascade_store.path, clock=clock, settings=narrow) as store:
        loop = PolicyStore(store)
        plan = loop.propose_tune(loop.tune_settings(rule="seed-count"))
        said = loop.refusal(plan)
        assert "would move by 0.05, more than policy.max_threshold_step = 0.01 allows" in said
        assert refusal(loop, plan) == said


def test_a_boost_that_the_rule_no_longer_gives_becomes_0_and_stays_0_in_the_file(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    """Only an undo gives back what stood in the file before."""
    metrics = tmp_path / "metrics.json"
    metrics.write_text(json.dumps({
        "initialized": "2026-02-05T08:00:00", "last_updated": "2026-02-06T08:00:00",
        "agents": {"kimi": {"total_tasks": 10, "successful_tasks": 10, "routing_boost": 0.05}},
    }))  # fmt: skip
    settings = Settings(metrics_json=metrics, policy=PolicySettings(cooldown_events=1))
    write_runs(store, "kimi", "", "+" * 10 + "-" * 5, clock.now_ms - HOUR_MS)
    loop = PolicyStore(Store(store.path, clock=clock, settings=settings))
    loop.import_file(metrics)
    plan = loop.propose_optimize("seed")
    assert [(item.label, item.old, item.new) for item in plan.items] == [("kimi", 0.05, 0.0)]
    loop.apply(plan)
    in_file = json.loads(metrics.read_text())["agents"]["kimi"]
    assert (loop.current()[1].boost("kimi"), in_file["routing_boost"], in_file["total_tasks"]) == (0.0, 0.0, 10)
    loop.undo()
    in_file = json.loads(metrics.read_text())["agents"]["kimi"]
    assert (loop.current()[1].boost("kimi"), in_file["routing_boost"]) == (0.05, 0.05)


def test_the_seed_rule_turns_an_agent_round_in_two_steps(store: Store, loop: PolicyStore, clock: Clock) -> None:
    loop._set("import", {"agent:kimi": 0.05}, "", "")
    write_runs(store, "kimi", "docs", "+" * 5 + "-" * 60, clock.now_ms - HOUR_MS)
    plan = loop.propose_optimize("seed")
    (item,) = plan.items
    assert (item.old, item.new, item.limited) == (0.05, 0.0, True)
    assert "kimi: moved only part of the way (policy.max_boost_step = 0.05)" in plan.warnings
    loop.apply(plan)
    clock.advance(HOUR_MS)
    write_runs(store, "kimi", "docs", "-" * 20, clock.now_ms)
    loop.apply(loop.propose_optimize("seed"))
    assert loop.current()[1].boost("kimi") == -0.05


def test_locked_items_stay(federation: Store, loop: PolicyStore) -> None:
    plan = loop.propose_optimize("seed")
    assert {item.label for item in plan.items} >= {"kimi", "codex"}
    loop.lock("agent:kimi")
    locked = loop.propose_optimize("seed")
    assert not any(item.label.startswith("kimi") for item in locked.items)
    assert any("kimi" in warning and "locked" in warning for warning in locked.warnings)
    loop.unlock("agent:kimi")
    assert loop.propose_optimize("seed").values == plan.values


def test_a_lock_set_in_the_settings_refuses_a_plan_made_before(
    federation: Store, loop: PolicyStore, clock: Clock
) -> None:
    plan = loop.propose_optimize("seed")
    locking = Settings(policy=PolicySettings(locked=("agent:kimi",)))
    with Store(federation.path, clock=clock, settings=locking) as store:
        assert "kimi" in refusal(PolicyStore(store), plan)


@pytest.mark.parametrize("rule", ["certified", "seed-count"])
def test_a_locked_layer_stays_and_the_others_are_tuned_around_it(
    cascade_store: Store, loop: PolicyStore, rule: TuneRule
) -> None:
    settings = loop.tune_settings(rule=rule)
    moving = loop.propose_tune(settings).items[0]
    loop.lock(moving.key)
    plan = loop.propose_tune(settings)
    assert plan.items
    assert moving.key not in {item.key for item in plan.items}
    assert f"{moving.label} locked: left as it is" in plan.warnings
    assert loop.apply(plan).plan == plan


def test_a_search_keeps_within_the_step_that_may_be_applied(cascade_store: Store, clock: Clock) -> None:
    tight = Settings(policy=PolicySettings(max_threshold_step=0.02))
    with Store(cascade_store.path, clock=clock, settings=tight) as store:
        loop = PolicyStore(store)
        plan = loop.propose_tune()
        assert plan.items
        assert all(abs((item.new or 0) - (item.old or 0)) <= 0.02 + 1e-9 for item in plan.items)
        loop.apply(plan)


def test_step_limit(federation: Store, loop: PolicyStore, clock: Clock) -> None:
    plan = loop.propose_optimize("seed")
    tight = Settings(policy=PolicySettings(max_boost_step=0.01))
    with Store(federation.path, clock=clock, settings=tight) as store:
        assert "policy.max_boost_step = 0.01" in refusal(PolicyStore(store), plan)
        careful = PolicyStore(store).propose_optimize("shrunk")
        assert careful.items
        assert all(abs((item.new or 0) - (item.old or 0)) <= 0.01 + 1e-9 for item in careful.items)
        assert PolicyStore(store).apply(careful).id == 1


# --- undo ------------------------------------------------------------------------------------------------------

bodies = st.builds(
    PolicyBody,
    st.dictionaries(st.sampled_from(["keyword", "semantic", "rag"]), st.floats(0, 1).map(lambda x: round(x, 3))),
    st.dictionaries(
        st.sampled_from(["kimi", "a/b", "50%"]),
        st.dictionaries(st.sampled_from(["", "code", "x/y"]), st.floats(-0.05, 0.05), min_size=1),
    ),
    st.sets(st.sampled_from(["agent:kimi", "layer:rag"])).map(lambda keys: tuple(sorted(keys))),
)


@given(body=bodies)
@examples(max_examples=60, deadline=None)
def test_a_body_survives_its_keys_and_json(body: PolicyBody) -> None:
    assert PolicyBody.from_values(body.values()) == body
    again = PolicyBody.from_json(body.to_json())
    assert (again, again.digest()) == (body, body.digest())


@given(targets=st.lists(bodies, min_size=1, max_size=4))
@examples(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_apply_then_undo_is_the_identity(tmp_path_factory: pytest.TempPathFactory, targets: list[PolicyBody]) -> None:
    with Store(tmp_path_factory.mktemp("loop") / "s.db", settings=Settings()) as store:
        loop = PolicyStore(store)
        before: list[str] = []
        start = loop.current()[1].to_json()
        for target in targets:
            present = loop.current()[1]
            unlocked = PolicyBody(target.thresholds, target.boosts)
            values = {**dict.fromkeys(present.values()), **unlocked.values()}
            if loop._set("import", values, "", "") is not None:
                before.append(present.to_json())
            assert loop.current()[1].values() == unlocked.values()
        for former in reversed(before):
            loop.undo()
            assert loop.current()[1].to_json() == former
        assert loop.current()[1].to_json() == start


def test_undo_of_an_older_change_keeps_the_newer(cascade_store: Store, federation: Store, loop: PolicyStore) -> None:
    boosts = loop.apply(loop.propose_optimize())
    thresholds = loop.apply(loop.propose_tune())
    loop.undo(boosts.id, who="ana")
    body = loop.current()[1]
    assert body.boosts == {}
    assert body.values() == {key: value for key, value in thresholds.plan.values.items() if value is not None}
    assert [change.undone_by for change in loop.changes(effects=False)] == [None, None, 3]


def test_undo_refuses_when_something_built_on_it(store: Store, loop: PolicyStore) -> None:
    for value in (0.8, 0.7):
        loop._set("import", {"layer:rag": value}, "", "")
    with pytest.raises(PlanRefusedError, match=r"#2 changed rag after it; undo that first"):
        loop.undo(1)
    loop.undo(2)
    loop.undo(1)
    assert loop.current() == (4, PolicyBody())
    with pytest.raises(PlanRefusedError, match="already taken back by #4"):
        loop.undo(1)
    with pytest.raises(PlanRefusedError, match="none that stands"):
        loop.undo()


def test_of_two_undos_at_once_one_is_refused(store: Store, loop: PolicyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (0.8, 0.7):
        loop._set("import", {"layer:rag": value}, "", "")
    write = store.database.write

    def after_another() -> Any:
        """While this one waits for the lock, the other is done."""
        monkeypatch.setattr(store.database, "write", write)
        loop.undo()
        return write()

    monkeypatch.setattr(store.database, "write", after_another)
    with pytest.raises(PlanRefusedError, match=r"change #2 was already taken back by #3"):
        loop.undo()
    assert loop.current()[1].thresholds == {"rag": 0.8}


def test_an_undo_asked_for_before_another_change_is_refused(store: Store, loop: PolicyStore, clock: Clock) -> None:
    asked = clock.now_ms
    loop._set("import", {"layer:rag": 0.8}, "", "")
    assert loop.undo(asked_ms=asked).undoes == 1  # the same millisecond: not after it
    loop._set("import", {"layer:rag": 0.7}, "", "")
    clock.advance(1)
    loop._set("import", {"layer:rag": 0.6}, "", "")
    with pytest.raises(PlanRefusedError, match=r"nothing was taken back: change #4 \(import\) was made after this"):
        loop.undo(asked_ms=asked)
    assert loop.current()[0] == 4
    assert loop.undo(4, asked_ms=asked).undoes == 4, "who names it means it"


def test_an_undo_can_be_taken_back(store: Store, loop: PolicyStore) -> None:
    loop._set("import", {"layer:rag": 0.8}, "", "")
    undo = loop.undo()
    loop.undo(undo.id)
    assert loop.current()[1].thresholds == {"rag": 0.8}
    assert [change.stands for change in loop.changes()] == [True, False, True]
    loop.undo()
    assert loop.current()[1] == PolicyBody()


def test_the_ledger_is_append_only(federation: Store, loop: PolicyStore) -> None:
    loop.apply(loop.propose_optimize())
    connection = sqlite3.connect(federation.path)
    try:
        for sql in ("UPDATE changes SET who = 'x'", "DELETE FROM changes"):
            with pytest.raises(sqlite3.DatabaseError, match="append-only"):
                connection.execute(sql)
    finally:
        connection.close()


# --- at once ---------------------------------------------------------------------------------------------------


def _apply_in_process(path: Path, now_ms: int, plan_id: str, start, results) -> None:
    with Store(path, clock=lambda: now_ms, settings=Settings(policy=PolicySettings(target=0.94))) as store:
        start.wait()
        try:
            results.put(("applied", PolicyStore(store).apply(plan_id).id))
        except PlanRefusedError as error:
            results.put(("refused", str(error)))


def test_two_processes_at_once_end_in_one_change_and_one_refusal(
    federation: Store, loop: PolicyStore, clock: Clock
) -> None:
    plans = [loop.propose_optimize("seed"), loop.propose_optimize("shrunk")]
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(2), context.Queue()
    processes = [
        context.Process(target=_apply_in_process, args=(federation.path, clock.now_ms, plan.id, start, results))
        for plan in plans
    ]
    for process in processes:
        process.start()
    found = sorted(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join(timeout=60)
    results.close()
    results.join_thread()
    assert [kind for kind, _ in found] == ["applied", "refused"]
    assert "v1 is in force" in str(found[1][1])
    assert len(loop.changes(effects=False)) == 1


def test_two_threads_with_the_same_plan(cascade_store: Store, loop: PolicyStore) -> None:
    plan = loop.propose_tune()
    barrier, found = threading.Barrier(2), []

    def apply() -> None:
        barrier.wait()
        try:
            found.append(loop.apply(plan).id)
        except PlanRefusedError as error:
            found.append(str(error))

    threads = [threading.Thread(target=apply) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(type, found), key=str) == [int, str]
    assert loop.current()[0] == 1


def test_nothing_is_half_written(federation: Store, loop: PolicyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = loop.propose_optimize()
    monkeypatch.setattr("fedstore.policy.ledger.change_by_id", _broken)
    with pytest.raises(RuntimeError):
        loop.apply(plan)
    monkeypatch.undo()
    assert loop.current() == (0, PolicyBody())
    assert loop.changes() == ()
    assert federation.database.read("SELECT COUNT(*) FROM policies") == [(0,)]


def _broken(*_: object) -> None:
    raise RuntimeError


def test_windows_that_end_in_the_past(cascade_store: Store, loop: PolicyStore, clock: Clock) -> None:
    """The plan of a past window is about that window, whatever came after it."""
    end = clock.now_ms - 20 * HOUR_MS
    plan = loop.propose_tune(window=Window(end - 20 * HOUR_MS, end, "20h", live=False))
    assert plan.extent.end_ms == end
    assert plan.tuned.events == 20 * 60
