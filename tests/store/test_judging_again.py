"""A decision that is sent again: its outcome is taken when it says something new, and counted only then."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from fedstore import Store
from tests.conftest import Clock

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
