"""A decision that is sent again: its outcome is taken when it says something new, and counted only then."""

from __future__ import annotations

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
