"""Predicted effects: intervals by hand and against truth, and which events may speak."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fedstore.learning.effects import accuracy_effect, drift, mean_effect
from fedstore.learning.intervals import wilson
from fedstore.learning.replay import replay
from fedstore.learning.tuning import TuneSettings, tune
from fedstore.learning.verify import check_assumptions
from tests.learning.synthetic import THRESHOLDS, scenario, truth
from tests.support.scenarios import as_logged, population


def test_paired_interval_by_hand() -> None:
    rng = np.random.default_rng(1)
    now, new = rng.normal(50, 9, 400), rng.normal(48, 9, 400)
    effect = mean_effect(now, new)
    half = 1.15 * stats.norm.ppf(0.975) * stats.sem(new - now)
    assert effect.change == pytest.approx((new - now).mean())
    assert effect.change_interval == pytest.approx((effect.change - half, effect.change + half))
    level = stats.norm.ppf(0.975) * stats.sem(now)
    assert effect.now_interval == pytest.approx((now.mean() - level, now.mean() + level))


def test_accuracy_effect_is_one_minus_risk_with_wilsons_levels() -> None:
    now, new = np.repeat([1.0, 0.0], [5, 95]), np.repeat([1.0, 0.0], [9, 91])
    effect = accuracy_effect(now, new, np.ones(100))
    assert (effect.now, effect.new, effect.change) == pytest.approx((0.95, 0.91, -0.04))
    assert effect.now_interval == pytest.approx(wilson(95, 100))
    half = 1.15 * stats.norm.ppf(0.975) * stats.sem(new - now)
    assert effect.change_interval == pytest.approx((-0.04 - half, -0.04 + half))
    same = accuracy_effect(now, now, np.ones(100))
    assert same.change_interval == pytest.approx((-np.log(20) / 100, np.log(20) / 100))
    assert accuracy_effect(now, now, np.ones(100), moved=False).change_interval == (0.0, 0.0)
    heavy = accuracy_effect(now, new, np.repeat([4.0, 0.0], [25, 75]))
    assert heavy.now_interval == pytest.approx(wilson(0.95 * 25, 25))


def test_levels_cover_the_truth_where_grading_is_uneven() -> None:
    rng = np.random.default_rng(12)
    decisions, graded, accuracy = [600, 250, 100, 50], [480, 125, 30, 15], [0.97, 0.90, 0.85, 0.70]
    truth_of_all = float(np.average(accuracy, weights=decisions))
    weight = np.concatenate([np.repeat([d / g, 0.0], [g, d - g]) for d, g in zip(decisions, graded, strict=True)])
    chance = np.repeat(accuracy, decisions)
    hits = kish = 0
    for _ in range(600):
        risk = weight * (rng.random(1_000) > chance)
        level = accuracy_effect(risk, risk, weight).now_interval
        hits += level.low <= truth_of_all <= level.high
        effective = weight.sum() ** 2 / (weight * weight).sum()
        plain = wilson(effective * (1.0 - risk.mean()), effective)
        assert plain is not None
        kish += plain.low <= truth_of_all <= plain.high
    assert hits >= stats.binom.ppf(0.001, 600, 0.94)
    assert kish < hits


def test_intervals_of_a_plan_cover_the_truth() -> None:
    setting, full = scenario("seedlike"), truth("seedlike", 200_000, 77)
    before = replay(full, THRESHOLDS)
    hits, plans = np.zeros(3), 0
    for rep in range(50):
        rng = np.random.default_rng([6, rep])
        log = as_logged(population(setting, 3000, rng), rng)
        plan = tune(log, THRESHOLDS, TuneSettings(target=0.945))
        if plan.conclusion != "certified":
            continue
        after = replay(full, plan.thresholds)
        plans += 1
        for i, (effect, change) in enumerate(
            [
                (plan.accuracy, after.correct.mean() - before.correct.mean()),
                (plan.latency_ms, after.latency_ms.mean() - before.latency_ms.mean()),
                (plan.clarify, (after.layer == 4).mean() - (before.layer == 4).mean()),
            ]
        ):
            assert effect is not None
            hits[i] += effect.change_interval.low <= change <= effect.change_interval.high
    assert plans >= 30
    assert (hits >= stats.binom.ppf(0.001, plans, 0.93)).all()


def test_a_certified_plan_is_predicted_on_the_certifying_part_alone() -> None:
    log = as_logged(truth("seedlike", 12_000, 5), np.random.default_rng(6))
    plan = tune(log, THRESHOLDS, TuneSettings(target=0.94))
    assert plan.conclusion == "certified"
    certify = log.split()[1]
    assert len(certify) == plan.graded_certifying
    now, new = replay(certify, THRESHOLDS), replay(certify, plan.thresholds)
    assert plan.accuracy is not None
    assert plan.accuracy.now == pytest.approx(now.correct.mean())
    assert plan.accuracy.new == pytest.approx(new.correct.mean())
    assert plan.latency_ms.new == pytest.approx(new.latency_ms.mean())
    assert any(f"those of the {len(certify):,} decisions that had no say" in reason for reason in plan.reasons)
    errors = int((new.correct == 0).sum())
    assert plan.p_value == pytest.approx(stats.binom.cdf(errors, len(certify), 0.06), rel=1e-6)
    exact = stats.binomtest(len(certify) - errors, len(certify)).proportion_ci(0.90, "exact")
    assert plan.accuracy_lower == pytest.approx(exact.low)


def test_parts_are_stable_and_disjoint() -> None:
    log = truth("seedlike", 20_000, 7)
    a, b = log.split()
    assert len(a) + len(b) == len(log)
    assert not set(a.ids.tolist()) & set(b.ids.tolist())
    assert len(a) / len(log) == pytest.approx(0.38, abs=0.02)
    shuffled = log.take(np.random.default_rng(8).permutation(len(log)))
    assert set(shuffled.split()[0].ids.tolist()) == set(a.ids.tolist())


def test_drift_compares_the_halves_by_time() -> None:
    log = truth("seedlike", 1000, 9).take(np.random.default_rng(10).permutation(1000))
    in_order = np.argsort(log.ts_ms)
    older, newer = log.take(in_order[:500]), log.take(in_order[500:])
    table = [[int(part.correct.sum()), len(part) - int(part.correct.sum())] for part in (older, newer)]
    assert drift(log) == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)


def test_grading_another_layer_more_is_no_drift() -> None:
    """Layer 0 is right in 98 %, layer 1 in 80 %, all the time; the newer half grades mostly layer 1."""
    log, rng = truth("seedlike", 4_000, 9), np.random.default_rng(10)
    older = log.ts_ms < np.median(log.ts_ms)
    log.accepted[:] = rng.integers(0, 2, len(log))
    log.correct[:] = rng.random(len(log)) < np.where(log.accepted == 0, 0.98, 0.80)
    log.correct[rng.random(len(log)) > np.where(older == (log.accepted == 0), 0.9, 0.1)] = -1
    graded = [log.correct[part & (log.correct >= 0)] for part in (older, ~older)]
    table = [[int(half.sum()), len(half) - int(half.sum())] for half in graded]
    assert stats.chi2_contingency(table, correction=False).pvalue < 0.01
    found = drift(log)
    assert found is not None
    assert found > 0.01


def test_a_small_prediction_base_widens_the_share_check() -> None:
    shares, counts = (0.5, 0.3, 0.2), [560, 260, 180]
    sure = check_assumptions(shares, counts, predicted_from=10**9)
    unsure = check_assumptions(shares, counts, predicted_from=1000)
    assert sure.p_shares is not None
    assert unsure.p_shares is not None
    statistic = stats.chisquare(counts, [500, 300, 200]).statistic
    assert sure.p_shares == pytest.approx(stats.chi2.sf(statistic, 2), rel=1e-5)
    assert unsure.p_shares == pytest.approx(stats.chi2.sf(statistic / 2, 2), rel=1e-5)
    assert sure.broken
    assert not unsure.broken
