"""A decision that is sent again: its outcome is taken when it says something new, and counted only then."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from fedstore import Store
from fedstore.engine.driver import sqlite3
from tests.conftest import Clock
from tests.store.older import write_older_store

ROUTE = {
    "kind": "route", "id": "r", "agent": "kimi", "layer": "keyword", "confidence": 0.9,
    "attempts": [{"layer": "keyword", "agent": "kimi", "confidence": 0.9, "threshold": 0.8, "accepted": True}],
}  # fmt: skip
WRONG = {"correct": False, "correct_agent": "codex"}


def counted(store: Store, *outcomes: dict[str, Any] | None) -> list[tuple[int, int]]:
    """(taken, already there) of each sending."""
    receipts = [store.writer().write([{**ROUTE, **({"outcome": o} if o else {})}]) for o in outcomes]
    return [(receipt.taken, receipt.known) for receipt in receipts]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((WRONG, {"correct": False}), [(1, 0), (0, 1)]),
        ((WRONG, None), [(1, 0), (0, 1)]),
        ((WRONG, WRONG), [(1, 0), (0, 1)]),
        ((None, WRONG, WRONG), [(1, 0), (1, 0), (0, 1)]),
        (({"correct": False}, WRONG), [(1, 0), (1, 0)]),
    ],
    ids=["less", "nothing", "the-same", "late", "more"],
)
def test_only_news_counts(store: Store, outcomes: Any, expected: list[tuple[int, int]]) -> None:
    assert counted(store, *outcomes) == expected
    assert store.database.read("SELECT agent, correct, correct_agent FROM routes") == [("kimi", 0, "codex")]
    assert store.database.read("SELECT SUM(routes) FROM route_buckets WHERE width = 60000") == [(1,)]


def test_a_retry_does_not_outdo_what_was_learnt_meanwhile(store: Store, clock: Clock) -> None:
    decision = {**ROUTE, "outcome": {"correct": True}}
    write = store.writer().write
    write([decision])
    clock.advance(60_000)
    write([{"kind": "verdict", "subject": "route", "subject_id": "r", **WRONG}])
    clock.advance(60_000)
    receipt = write([decision])
    assert (receipt.taken, receipt.known) == (0, 1)
    assert store.database.read("SELECT correct, correct_agent FROM routes") == [(0, "codex")]


def test_twice_in_one_batch(store: Store) -> None:
    receipt = store.writer().write([ROUTE, {**ROUTE, "outcome": WRONG}, {**ROUTE, "outcome": {"correct": False}}])
    assert (receipt.taken, receipt.known) == (2, 1)
    assert store.database.read("SELECT correct, correct_agent FROM routes") == [(0, "codex")]


RUN = {"kind": "run", "id": "r", "agent": "kimi", "success": True, "rework": False, "quality": 0.5, "qa": "passed"}
SAID: list[dict[str, Any]] = [
    {"id": "b", "at": 1_000, "success": True, "quality": 0.1, "qa": "failed"},
    {"id": "a", "at": 2_000, "success": False, "rework": True},
    {"id": "c", "at": 2_000, "success": True, "qa": "warning"},
]
"""Of the last two, which were given in one millisecond, the id tells which is the newer."""


@pytest.mark.parametrize("order", permutations(range(4)))
def test_the_newest_verdict_on_a_run_stands_in_whatever_order_they_come(
    store: Store, clock: Clock, order: tuple[int, ...]
) -> None:
    """Each column follows the newest verdict that speaks of it: none says less for saying nothing."""
    start = clock.now_ms - 60_000
    events = [{**RUN, "at": start - 5_000}]
    events += [
        {"kind": "verdict", "subject": "run", "subject_id": "r", **said, "at": start + said["at"]} for said in SAID
    ]
    for place in order:
        assert store.writer().write([events[place]]).taken == 1
    assert store.database.read("SELECT success, rework, quality, qa FROM runs") == [(1, 1, 0.1, "warning")]
    sums = "SUM(runs), SUM(ok), SUM(failed), SUM(reworked), SUM(quality_ppm), SUM(qa_warning)"
    counted = store.database.read(f"SELECT {sums} FROM agent_buckets WHERE width = 60000")
    assert counted == [(1, 0, 1, 1, 100_000, 1)]  # what has to be done again did not succeed


@pytest.mark.parametrize("order", permutations(range(3)))
def test_the_newest_verdict_on_a_route_stands_in_whatever_order_they_come(
    store: Store, clock: Clock, order: tuple[int, ...]
) -> None:
    start = clock.now_ms - 60_000
    said = [(1_000, "b", {"correct": True}), (2_000, "a", WRONG)]
    events = [{**ROUTE, "at": start}]
    events += [
        {"kind": "verdict", "id": name, "subject": "route", "subject_id": "r", "at": start + at, **verdict}
        for at, name, verdict in said
    ]
    for place in order:
        assert store.writer().write([events[place]]).taken == 1
    assert store.database.read("SELECT correct, correct_agent FROM routes") == [(0, "codex")]


CLEARED: list[dict[str, Any]] = [
    {"id": "a", "at": 1_000, "source": "check", "rework": True},
    {"id": "b", "at": 2_000, "source": "label", "success": False, "quality": 0.1},
    {"id": "c", "at": 3_000, "source": "grade", "clear": True},
]
"""A check said something that stands; a person took back what had been said under the former name."""


@pytest.mark.parametrize("order", permutations(range(4)))
def test_a_verdict_that_was_taken_back_says_nothing(store: Store, clock: Clock, order: tuple[int, ...]) -> None:
    """What others said stands, and else what the run said of itself, in whatever order all of it comes."""
    start = clock.now_ms - 60_000
    events = [{**RUN, "at": start - 5_000}]
    events += [{"kind": "verdict", "subject": "run", "subject_id": "r", **v, "at": start + v["at"]} for v in CLEARED]
    for place in order:
        assert store.writer().write([events[place]]).taken == 1
    assert store.database.read("SELECT success, rework, quality, qa FROM runs") == [(1, 1, 0.5, "passed")]
    sums = "SUM(runs), SUM(ok), SUM(failed), SUM(reworked), SUM(quality_ppm), SUM(qa_passed)"
    counted = store.database.read(f"SELECT {sums} FROM agent_buckets WHERE width = 60000")
    assert counted == [(1, 0, 1, 1, 500_000, 1)]


@pytest.mark.parametrize("outcome", [None, {"correct": True, "quality": 0.75}], ids=["open", "told"])
@pytest.mark.parametrize("order", permutations(range(3)))
def test_a_decision_goes_back_to_what_was_told_with_it(
    store: Store, clock: Clock, order: tuple[int, ...], outcome: dict[str, Any] | None
) -> None:
    start = clock.now_ms - 60_000
    about = {"kind": "verdict", "subject": "route", "subject_id": "r", "source": "grade"}
    events = [
        {**ROUTE, "at": start, **({"outcome": outcome} if outcome else {})},
        {**about, "at": start + 1_000, "correct": False, "quality": 0.25},
        {**about, "at": start + 2_000, "clear": True},
    ]
    for place in order:
        store.writer().write([events[place]])
    assert store.database.read("SELECT correct, quality FROM routes") == [(1, 0.75) if outcome else (None, None)]
    counted = store.database.read("SELECT SUM(graded), SUM(correct) FROM route_buckets WHERE width = 60000")
    assert counted == [(1, 1) if outcome else (0, 0)]


def test_what_a_longer_copy_of_a_run_says_takes_the_place_of_what_the_former_said(store: Store, clock: Clock) -> None:
    """Nothing of the shorter one comes back when the verdicts on it are taken back."""
    start = clock.now_ms - 60_000
    run = {**RUN, "started_at": start, "at": start + 1_000}
    about = {"kind": "verdict", "subject": "run", "subject_id": "r", "source": "grade"}
    store.writer().write([run, {**about, "at": start + 2_000, "success": True, "rework": True}])
    store.writer().write([{**run, "at": start + 9_000, "success": False, "quality": None}])
    assert store.database.read("SELECT success, rework, quality FROM runs") == [(1, 1, None)]
    store.writer().write([{**about, "at": start + 10_000, "clear": True}])
    assert store.database.read("SELECT success, rework, quality FROM runs") == [(0, 0, None)]
    assert store.database.read("SELECT COUNT(*) FROM run_reports") == [(1,)]


def test_a_run_of_an_older_store_does_not_know_any_more_what_was_overwritten(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "s.db"
    write_older_store(path, "0011_clears")
    connection = sqlite3.connect(path)
    columns = (
        "id, agent, task_type, project, mode, ended_ms, success, rework, quality, error_class, source, recorded_ms"
    )
    connection.execute(f"INSERT INTO runs ({columns}) VALUES ('r', 'a', '', '', '', 9, 0, NULL, 0.5, '', 's', 9)")
    said = "subject_kind, subject_id, id, at_ms, success, source, recorded_ms"
    connection.execute(f"INSERT INTO verdicts ({said}) VALUES ('run', 'r', 'v', 9, 0, 'label', 9)")
    connection.commit()
    connection.close()
    with Store(path, clock=clock) as store:
        assert store.database.read("SELECT * FROM run_reports") == [("r", None, None, 0.5, None)]
        store.writer().write(
            [{"kind": "verdict", "subject": "run", "subject_id": "r", "clear": True, "source": "grade"}]
        )
        assert store.database.read("SELECT success, rework, quality FROM runs") == [(None, None, 0.5)]


def test_a_clear_says_nothing_else(store: Store) -> None:
    about = {"kind": "verdict", "subject": "run", "subject_id": "r"}
    receipt = store.writer().write([{**about, "clear": True, "success": True}, {**about, "clear": False}])
    assert [reason for _, reason in receipt.rejected] == [
        "clear takes back what was said before: say nothing else with it", "a verdict must judge something",
    ]  # fmt: skip
