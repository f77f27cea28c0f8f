"""Targets alarm by interval and from ten samples on: never on one decision."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest

from fedstore.learning.intervals import wilson
from fedstore.learning.targets import TARGETS, Measured
from fedstore.store import Store
from fedtop.views.cascade.parts import target_parts
from tests.conftest import Clock

ACCURACY, LAYER_1, _, LATENCY, CLARIFIED = TARGETS


def route(
    number: int, at: int, *, correct: bool | None, layer: str = "keyword", latency: float = 3.0
) -> dict[str, Any]:
    attempt = {"layer": layer, "agent": "a", "confidence": 0.9, "threshold": 0.8, "accepted": True}
    outcome = {} if correct is None else {"outcome": {"correct": correct}}
    return {
        "kind": "route", "id": f"d{number}", "agent": "a", "layer": layer, "at": at, "latency_ms": latency,
        "attempts": [attempt], **outcome,
    }  # fmt: skip


@pytest.mark.parametrize("decisions", [1, 3, 9])
def test_a_few_wrong_decisions_are_too_few_to_tell(store: Store, clock: Clock, decisions: int) -> None:
    made = [route(n, clock() - n * 1000, correct=False, latency=900.0) for n in range(decisions)]
    assert store.writer().write(made).taken == decisions
    reader = store.reader()
    window = reader.window("24h")
    view, overview = reader.cascade(window), reader.overview(window)
    assert [found.status for found in view.targets] == ["few", "few", "unknown", "few", "few"]
    assert [found.n for found in view.targets] == [decisions, decisions, None, decisions, decisions]
    assert {row.target_status for row in view.layers} == {"few"}
    assert (overview.attention, overview.health) == ((), "unknown")
    said = [part.plain for part in target_parts(view.targets)]
    assert sum("too few to tell" in text for text in said) == 4
    assert not any("\u2716" in text for text in said)


def test_ten_wrong_decisions_are_an_alarm(store: Store, clock: Clock) -> None:
    assert store.writer().write([route(n, clock() - n, correct=False, latency=900.0) for n in range(10)]).taken == 10
    reader = store.reader()
    view = reader.cascade(reader.window("24h"))
    assert [found.status for found in view.targets][::3] == ["alert", "alert"]
    overview = reader.overview(reader.window("24h"))
    assert overview.health == "warn"
    assert {item.text for item in overview.attention} == {
        "routing accuracy is 0.0 %, target >95%", "routing takes 900 ms, target <100ms",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("right", "n", "status"),
    [(9, 9, "few"), (10, 10, "ok"), (9, 10, "unsure"), (8, 10, "warn"), (7, 10, "alert"), (96, 100, "ok"),
     (94, 100, "unsure"), (89, 100, "warn"), (83, 100, "alert")],
)  # fmt: skip
def test_accuracy_is_missed_when_its_whole_interval_is(right: int, n: int, status: str) -> None:
    found = wilson(right, n)
    assert found is not None
    assert ACCURACY.status(Measured(right / n, found, n)) == status
    surely = {"warn": found.high < 0.95, "alert": found.high < 0.90}.get(status, found.high >= 0.95 or n < 10)
    assert surely


def test_latency_is_held_with_the_error_of_its_mean(store: Store, clock: Clock) -> None:
    """The interval from the bins against the one from the latencies themselves; a heavy tail leaves it unsure."""
    latencies = [20.0] * 30 + [2_500.0] * 2
    made = [route(n, clock() - n, correct=None, latency=taken) for n, taken in enumerate(latencies)]
    assert store.writer().write(made).taken == len(latencies)
    reader = store.reader()
    (found,) = (f for f in reader.cascade(reader.window("24h")).targets if f.target is LATENCY)
    mean, error = statistics.fmean(latencies), statistics.stdev(latencies) / math.sqrt(len(latencies))
    assert found.value == pytest.approx(mean)
    assert found.interval is not None
    assert tuple(found.interval) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), rel=0.06)
    assert (mean > 100, found.interval.low < 100, found.status) == (True, True, "unsure")


@pytest.mark.parametrize(
    ("asked", "n", "status"), [(2, 20, "unsure"), (3, 20, "warn"), (9, 9, "few"), (20, 20, "alert"), (0, 20, "ok")]
)
def test_clarification_is_too_often_only_when_it_surely_is(asked: int, n: int, status: str) -> None:
    assert CLARIFIED.status(Measured(asked / n, wilson(asked, n), n)) == status
