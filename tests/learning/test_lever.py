"""Lever, reliability and layer analysis: against direct replay, and against the known truth."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedstore.learning.analysis import Share, analyse_layer
from fedstore.learning.intervals import wilson
from fedstore.learning.lever import Lever, attempt_histogram
from fedstore.learning.reliability import reliability
from fedstore.learning.replay import UNKNOWN, replay
from fedstore.learning.stratified import Stratum, weighted_rate
from tests.learning.synthetic import THRESHOLDS, random_log, truth
from tests.support.scenarios import as_logged


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 3), st.floats(0.3, 1.0))
def test_lever_equals_replay_where_everything_is_known(seed: int, k: int, threshold: float) -> None:
    full = truth("tight", 1500, seed % 5)
    thresholds = list(THRESHOLDS)
    reading = Lever(full, k, thresholds).at(threshold)
    thresholds[k] = threshold
    direct = replay(full, thresholds)
    assert reading.captured == pytest.approx((direct.layer == k).mean())
    assert reading.accuracy == pytest.approx(direct.correct.mean())
    assert reading.latency_ms == pytest.approx(direct.latency_ms.mean())
    assert reading.clarify == pytest.approx((direct.layer == 4).mean(), abs=1e-12)
    assert reading.unidentified == pytest.approx(0.0, abs=1e-12)
    here = direct.correct[direct.layer == k]
    assert reading.layer_graded == len(here)
    if len(here):
        assert reading.layer_accuracy == pytest.approx(here.mean())
        assert reading.layer_interval == pytest.approx(wilson(int(here.sum()), len(here)))


def test_lever_at_the_present_threshold_is_the_log() -> None:
    log = as_logged(truth("seedlike", 5000, 1), np.random.default_rng(2))
    assert len(THRESHOLDS) == 4
    for k, threshold in enumerate(THRESHOLDS):
        reading = Lever(log, k).at(threshold)
        assert reading.captured == pytest.approx((log.accepted == k).mean())
        assert reading.accuracy == pytest.approx(log.correct.mean())
        assert reading.latency_ms == pytest.approx(np.nansum(log.latency_ms, axis=1).mean())
        assert reading.unidentified == 0.0


def test_with_uneven_grades_its_interval_is_the_one_that_every_view_shows() -> None:
    log = as_logged(truth("seedlike", 6_000, 1), np.random.default_rng(2), graded=[0.9, 0.4, 0.2, 0.1, 1.0])
    graded = log.graded
    told = weighted_rate(
        Stratum(int((log.accepted == a).sum()), int((graded & (log.accepted == a)).sum()),
                int((log.correct[log.accepted == a] == 1).sum()))
        for a in range(5)
    )  # fmt: skip
    assert told.n == graded.sum() > 1_000
    for k, threshold in enumerate(THRESHOLDS):
        reading = Lever(log, k).at(threshold)
        assert (reading.graded, reading.accuracy) == (told.n, pytest.approx(told.value))
        assert reading.interval == pytest.approx(told.interval)
        right = log.correct[(log.accepted == k) & graded]
        assert reading.layer_graded == len(right)
        assert reading.layer_interval == pytest.approx(
            weighted_rate([Stratum(1, len(right), int(right.sum()))]).interval
        )


def test_raising_is_predicted_and_what_the_log_cannot_tell_is_counted() -> None:
    full = truth("seedlike", 40_000, 3)
    log = as_logged(full, np.random.default_rng(4), graded=[0.8, 0.5, 0.3, 0.3, 1.0])
    lever, oracle = Lever(log, 1), Lever(full, 1)
    guess, real = lever.at(0.75), oracle.at(0.75)
    assert guess.latency_ms == pytest.approx(real.latency_ms, rel=0.01)
    assert guess.clarify == pytest.approx(real.clarify, abs=0.003)
    assert guess.accuracy == pytest.approx(real.accuracy, abs=0.005)
    lost = (log.accepted == 1) & (log.confidence[:, 1] < 0.75)
    assert guess.unidentified == pytest.approx(lost.mean())
    raised = replay(log, [0.85, 0.75, 0.85, 0.90])
    assert (raised.layer == UNKNOWN).mean() == pytest.approx(lost.mean())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_any_log_gives_readings_in_range(seed: int, k: int) -> None:
    lever = Lever(random_log(np.random.default_rng(seed), 30), k)
    captured = []
    for threshold in np.linspace(0.0, 1.01, 23):
        reading = lever.at(float(threshold))
        captured.append(reading.captured)
        assert -1e-9 <= reading.clarify <= 1 + 1e-9
        assert -1e-9 <= reading.unidentified <= 1 + 1e-9
        assert reading.latency_ms >= -1e-9
        assert reading.accuracy is None or 0 <= reading.accuracy <= 1
    assert all(a >= b for a, b in pairwise(captured))
    assert captured[-1] == 0.0


def test_ungraded_log_has_no_accuracy() -> None:
    log = as_logged(truth("seedlike", 500, 6), np.random.default_rng(7), graded=0.0)
    reading = Lever(log, 0).at(0.85)
    assert reading.layer_accuracy is None
    assert reading.layer_graded == 0
    assert reliability(log, 0).ece is None
    assert analyse_layer(log, 0, 0.85).accuracy.rate is None


def test_histogram_and_reliability_add_up() -> None:
    log = as_logged(truth("seedlike", 8000, 8), np.random.default_rng(9), graded=0.5)
    tried = ~np.isnan(log.confidence[:, 2])
    histogram = attempt_histogram(log, 2, bins=20)
    assert sum(histogram.right) + sum(histogram.wrong) + sum(histogram.unknown) == tried.sum()
    assert len(histogram.edges) == 21
    curve = reliability(log, 2)
    known = tried & (log.true_agent >= 0)
    assert curve.n == known.sum() == sum(histogram.right) + sum(histogram.wrong)
    right = log.proposal[known, 2] == log.true_agent[known]
    confidence = log.confidence[known, 2]
    ece = 0.0
    for place in curve.bins:
        rows = (confidence >= place.low) & ((confidence < place.high) | (place.high == 1.0))
        assert place.n == rows.sum()
        if place.n:
            assert place.accuracy == pytest.approx(right[rows].mean())
            assert place.mean_confidence == pytest.approx(confidence[rows].mean())
            ece += rows.mean() * abs(right[rows].mean() - confidence[rows].mean())
    assert curve.ece == pytest.approx(ece)


def test_analysis_counts_by_hand() -> None:
    log = as_logged(truth("seedlike", 3000, 10), np.random.default_rng(11))
    found = analyse_layer(log, 1, 0.70)
    reached = log.accepted >= 1
    right = log.proposal[:, 1] == log.true_agent
    below, above = reached & (log.confidence[:, 1] < 0.7), reached & (log.confidence[:, 1] >= 0.7)
    assert found.attempts == reached.sum()
    assert found.success == Share(int((log.accepted == 1).sum()), int(reached.sum()))
    assert found.captured.n == 3000
    assert found.missed == Share(int((below & right).sum()), int(below.sum()))
    assert found.incorrect == Share(int((above & ~right).sum()), int(above.sum()))
    assert found.accuracy == Share(int((above & right).sum()), int(above.sum()))
    assert found.mean_confidence == pytest.approx(log.confidence[reached, 1].mean())
    assert found.missed.interval == wilson(found.missed.count, found.missed.n)
    assert found.recommendation() == (
        "[semantic] Lower threshold from 0.70 to 0.65\n"
        f"  Reason: {found.missed.count} missed opportunities (correct routing below threshold)"
    )
