"""The grading queue: nearest to a threshold first, grades recorded as verdicts, the interval narrows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fedstore.errors import FedstoreError
from fedstore.learning.stratified import Stratum, weighted_rate
from fedstore.policy import PolicyStore
from fedstore.policy.grading import GradingQueue, grading_queue
from fedstore.queries.decisions import read_decisions
from fedstore.store import Store
from fedstore.window import Window
from tests.conftest import Clock
from tests.policy.synthetic import cascade_log, write_cascade

ALL = Window(0, 1 << 50, "all")
THRESHOLDS = {"keyword": 0.85, "semantic": 0.70, "rag": 0.85, "pytorch": 0.90}


@pytest.fixture
def half_graded(store: Store, clock: Clock) -> Store:
    write_cascade(store, cascade_log("seedlike", 600, 11, graded=0.5), clock.now_ms - 60_000)
    return store


def test_nearest_to_a_threshold_first(half_graded: Store) -> None:
    queue = GradingQueue(half_graded, ALL)
    items = queue.next(1_000)
    margins = [abs(item.margin) for item in items]
    assert all(b > a - 0.005 for a, b in itertools.pairwise(margins))
    log = read_decisions(half_graded.database, ALL)
    open_rows = np.flatnonzero((log.correct < 0) & (log.true_agent < 0))
    assert {item.route_id for item in items} == {f"r{row:06d}" for row in open_rows.tolist()}
    for item in items[:50]:
        row = int(item.route_id[1:])
        live = [
            abs(log.confidence[row, k] - THRESHOLDS[layer])
            for k, layer in enumerate(log.layers)
            if not log.shadow[row, k] and not np.isnan(log.confidence[row, k])
        ]
        assert abs(item.margin) == pytest.approx(min(live))
        assert item.threshold == THRESHOLDS[item.nearest_layer]


def test_thresholds_in_force_move_the_queue(half_graded: Store) -> None:
    PolicyStore(half_graded)._set("import", {"layer:semantic": 0.5}, "", "")
    items = grading_queue(half_graded, ALL, 5)
    assert all(item.threshold == 0.5 for item in items if item.nearest_layer == "semantic")
    assert len(items) == 5


def test_grades_become_verdicts(half_graded: Store) -> None:
    queue = GradingQueue(half_graded, ALL)
    right, wrong, other, same, skipped, after = queue.next(6)
    queue.grade(right.route_id, "right")
    queue.grade(wrong.route_id, "wrong")
    queue.grade(other.route_id, "agent", "somebody else")
    queue.grade(same.route_id, "agent", same.agent)
    queue.grade(skipped.route_id, "skip")
    assert queue.next(1)[0].route_id == after.route_id
    rows = {row[0]: row[1:] for row in half_graded.database.read("SELECT id, correct, correct_agent FROM routes")}
    assert rows[right.route_id] == (1, right.agent or None)
    assert rows[wrong.route_id] == (0, None)
    assert rows[other.route_id] == (0, "somebody else")
    assert rows[same.route_id] == (1, same.agent)
    assert rows[skipped.route_id] == (None, None)
    assert not {right.route_id, wrong.route_id, other.route_id, same.route_id} & {
        item.route_id for item in grading_queue(half_graded, ALL, 1_000)
    }


def test_the_interval_narrows_around_the_truth(half_graded: Store) -> None:
    truth = cascade_log("seedlike", 600, 11)
    queue = GradingQueue(half_graded, ALL)
    before = queue.progress()
    for item in queue.next(1_000):
        correct = truth.correct[int(item.route_id[1:])] == 1
        after = queue.grade(item.route_id, "right" if correct else "wrong")
    assert (before.graded, after.graded, after.decisions) == (600 - len(_open(half_graded, before.graded)), 600, 600)
    assert before.width is not None
    assert after.width is not None
    assert after.width < before.width
    assert after.covered == 1.0
    assert after.accuracy is not None


def _open(store: Store, graded: int) -> range:
    return range(600 - graded)


def test_near_decisions_do_not_bias_the_accuracy(store: Store, clock: Clock) -> None:
    """All near and one in five far decisions graded: weighed by group, the accuracy is that of the whole."""
    log = cascade_log("seedlike", 2_000, 12)
    write_cascade(store, log, clock.now_ms - 60_000)
    whole = GradingQueue(store, ALL)
    near = np.abs(whole._margin) <= 0.05
    whole._correct[~near & (np.arange(2_000) % 5 != 0)] = -1
    weighed = whole.progress().accuracy or 0
    plain = float((log.correct[whole._correct >= 0] == 1).mean())
    true = float((log.correct == 1).mean())
    assert abs(weighed - true) < 0.02
    assert abs(plain - true) > abs(weighed - true)


def test_the_interval_is_that_of_the_groups(store: Store, clock: Clock) -> None:
    """The same as wherever accuracy is told: each group's own rate counts, not one rate for all of them."""
    log = cascade_log("seedlike", 2_000, 12)
    write_cascade(store, log, clock.now_ms - 60_000)
    queue = GradingQueue(store, ALL)
    group = queue._log.accepted * 2 + (np.abs(queue._margin) <= 0.05)
    queue._correct[(group % 3 > 0) & (np.arange(2_000) % 7 != 0)] = -1
    strata = [
        Stratum(int(of.sum()), int((of & (queue._correct >= 0)).sum()), int((of & (queue._correct == 1)).sum()))
        for of in (group == one for one in np.unique(group))
    ]
    expected, found = weighted_rate(strata), queue.progress()
    assert found.accuracy == pytest.approx(expected.value)
    assert found.interval == pytest.approx(expected.interval)
    assert found.covered == pytest.approx(1.0 - expected.silent)


def test_unknown_decisions_and_missing_names(half_graded: Store) -> None:
    queue = GradingQueue(half_graded, ALL)
    with pytest.raises(FedstoreError, match="no decision nope"):
        queue.grade("nope", "right")
    with pytest.raises(FedstoreError, match="name the agent"):
        queue.grade(queue.next()[0].route_id, "agent")


def test_an_empty_store(store: Store) -> None:
    queue = GradingQueue(store, ALL)
    assert queue.next(5) == ()
    progress = queue.progress()
    assert (progress.decisions, progress.accuracy, progress.interval) == (0, None, None)
