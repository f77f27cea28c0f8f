"""Replay, prepared evidence and the prefix-sum cubes, against a naive replay in plain Python."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedstore.learning.cubes import build_cubes
from fedstore.learning.evidence import Evidence, prepare
from fedstore.learning.replay import UNKNOWN, outcome, replay
from tests.learning.synthetic import LAYERS, THRESHOLDS, load_cascade, random_log, scenario, truth
from tests.support.scenarios import as_logged

if TYPE_CHECKING:
    from fedstore.learning.log import DecisionLog

SEEDS = st.integers(0, 2**32 - 1)


def naive(log: DecisionLog, i: int, thresholds: list[float]) -> tuple[int, float]:
    """Accepting layer and latency of one event, walking down; (UNKNOWN, nan) where the record ends."""
    elapsed, a = 0.0, int(log.accepted[i])
    for k in range(len(log.layers)):
        ran = not math.isnan(log.threshold[i, k])
        disabled = bool(np.isnan(log.threshold[:, k]).all())
        if k > a and not ran and not disabled:
            return UNKNOWN, math.nan
        if not ran or (k <= a and log.shadow[i, k]):
            continue
        if not math.isnan(log.latency_ms[i, k]):
            elapsed += float(log.latency_ms[i, k])
        if log.able[i, k] and log.confidence[i, k] >= thresholds[k]:
            return k, elapsed
    return len(log.layers), elapsed


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_replay_at_the_thresholds_in_force_is_the_log(seed: int) -> None:
    log = random_log(np.random.default_rng(seed), 60)
    assert not log.unusable()[0].any()
    result = replay(log)
    assert (result.layer == log.accepted).all()
    assert (result.agent == log.final).all()
    graded = log.correct >= 0
    assert (result.correct[graded] == log.correct[graded]).all()
    live = np.nan_to_num(np.where(np.arange(4) <= log.accepted[:, None], log.latency_ms, 0.0))
    assert np.allclose(
        result.latency_ms, np.where(log.shadow & (np.arange(4) <= log.accepted[:, None]), 0, live).sum(1)
    )
    assert (result.grade == 0).all()


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_replay_equals_the_naive_walk(seed: int) -> None:
    rng = np.random.default_rng(seed)
    log = random_log(rng, 40)
    thresholds = [round(t + float(rng.integers(-10, 11)) / 100, 2) for t in THRESHOLDS]
    result = replay(log, thresholds)
    assert len(log) == len(result.layer) == 40
    for i in range(len(log)):
        layer, elapsed = naive(log, i, thresholds)
        assert int(result.layer[i]) == layer
        assert math.isnan(result.latency_ms[i]) if layer == UNKNOWN else result.latency_ms[i] == pytest.approx(elapsed)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.sampled_from(["exact", "probe", "donor"]), st.sampled_from(["accuracy", "no-worse"]))
def test_cubes_equal_direct_replay(seed: int, grade: str, guard: str) -> None:
    rng = np.random.default_rng(seed)
    log = random_log(rng, 150)
    grids = [[round(t + i / 100, 4) for i in range(-5, 6, int(rng.integers(1, 4)))] for t in THRESHOLDS]
    evidence = prepare(
        log, certify=log.certify_mask(), highest=[t + 0.05 for t in THRESHOLDS], grade=grade, guard=guard,
        clarify_error=float(rng.choice([0.0, 0.1])),
    )  # fmt: skip
    cubes = build_cubes(evidence, grids)
    for _ in range(10):
        index = tuple(int(rng.integers(len(grid))) for grid in grids)
        direct = outcome(evidence, [grid[i] for grid, i in zip(grids, index, strict=True)])
        for part in (0, 1):
            rows = evidence.certify == bool(part)
            assert cubes.risk[(part, *index)] == pytest.approx(direct.risk[rows].sum(), abs=1e-9)
            assert cubes.latency[(part, *index)] == pytest.approx(direct.latency[rows].sum(), abs=1e-8)
            assert cubes.clarify[(part, *index)] == pytest.approx(direct.clarify[rows].sum(), abs=1e-9)
            assert cubes.risk2[(part, *index)] == pytest.approx(_squared(evidence, direct)[rows].sum(), abs=1e-9)


def _squared(evidence: Evidence, direct) -> np.ndarray:
    """Squared weight times loss, from the risk (weight times loss) and the weight."""
    weight = evidence.weight * (1.0 if direct.scale is None else direct.scale)
    return direct.risk * weight


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_exact_evidence_counts_what_the_log_cannot_show_as_wrong(seed: int) -> None:
    rng = np.random.default_rng(seed)
    log = random_log(rng, 80)
    log = log.take(log.graded)
    thresholds = [round(t + float(rng.integers(-5, 6)) / 100, 2) for t in THRESHOLDS]
    evidence = prepare(log, certify=log.certify_mask(), highest=[1.0] * 4, grade="exact")
    direct = outcome(evidence, thresholds)
    judged = replay(log, thresholds)
    assert len(direct.risk) == len(log) > 0
    for i in range(len(log)):
        beyond = int(judged.layer[i]) == UNKNOWN or judged.layer[i] > log.accepted[i]
        last_raised = log.accepted[i] == 3 and judged.layer[i] == 4
        lost = direct.risk[i] > 0
        if beyond and not last_raised:
            assert lost
        elif judged.layer[i] < 4:
            assert lost == (judged.correct[i] != 1)


def test_complete_records_make_probe_evidence_exact() -> None:
    full = truth("seedlike", 4000, 1)
    raised = [t + 0.05 for t in THRESHOLDS]
    evidence = prepare(full, certify=full.certify_mask(), highest=raised, grade="probe")
    result, estimate = replay(full, raised), outcome(evidence, raised)
    assert 1 - estimate.risk.mean() == pytest.approx(result.correct.mean(), abs=1e-12)
    assert estimate.latency.mean() == pytest.approx(result.latency_ms.mean(), rel=1e-12)


@pytest.mark.parametrize(("grade", "rate", "tolerance"), [("probe", 0.3, 0.004), ("donor", 0.0, 0.004)])
def test_raised_policy_is_estimated_without_bias(grade: str, rate: float, tolerance: float) -> None:
    full = truth("seedlike", 60_000, 3)
    rng = np.random.default_rng(4)
    log = as_logged(full, rng, probe_rate=rate, graded=[0.8, 0.5, 0.3, 0.3, 1.0])
    raised = [t + 0.05 for t in THRESHOLDS]
    evidence = prepare(log, certify=log.certify_mask(), highest=raised, grade=grade)
    real, estimate = replay(full, raised), outcome(evidence, raised)
    assert 1 - estimate.risk.mean() == pytest.approx(real.correct.mean(), abs=tolerance)
    assert estimate.latency.mean() == pytest.approx(real.latency_ms.mean(), rel=0.03)
    assert estimate.clarify.mean() == pytest.approx((real.layer == 4).mean(), abs=0.012)


def test_strata_weights_undo_partial_grading() -> None:
    full = truth("tight", 60_000, 5)
    log = as_logged(full, np.random.default_rng(6), graded=[0.8, 0.1, 0.3, 0.3, 1.0])
    evidence = prepare(log, certify=log.certify_mask(), highest=THRESHOLDS, grade="exact")
    estimate = 1 - outcome(evidence, THRESHOLDS).risk.mean()
    assert estimate == pytest.approx(full.correct.mean(), abs=0.004)
    graded = log.correct >= 0
    assert abs(log.correct[graded].mean() - full.correct.mean()) > 0.008


def test_a_layer_without_any_grade_counts_as_wrong() -> None:
    full = truth("seedlike", 3000, 7)
    log = as_logged(full, np.random.default_rng(8), graded=[1.0, 0.0, 1.0, 1.0, 1.0])
    evidence = prepare(log, certify=log.certify_mask(), highest=THRESHOLDS, grade="exact")
    assert evidence.ungraded_strata == (1,)
    assert (outcome(evidence, THRESHOLDS).risk[log.accepted == 1] == 1.0).all()


@pytest.mark.parametrize("name", ["clinc150.jsonl", "clinc150-shadow.jsonl"])
def test_real_cascade_replays_to_itself(name: str) -> None:
    log = load_cascade(name)
    result = replay(log, THRESHOLDS)
    assert (result.layer == log.accepted).all()
    assert (result.agent == log.final).all()
    assert (result.correct == log.correct).all()
    assert log.layers == LAYERS


def test_real_shadow_log_answers_every_policy() -> None:
    log = load_cascade("clinc150-shadow.jsonl")
    result = replay(log, [0.95, 0.8, 0.95, 0.95])
    assert (result.layer != UNKNOWN).all()
    assert (result.correct >= 0).all()
    assert result.correct.mean() > log.correct.mean()


def test_scenarios_route_to_an_agent_or_ask() -> None:
    full = truth("seedlike", 2000, 9)
    assert scenario().thresholds == THRESHOLDS
    assert (full.final >= 0).all()
    assert set(np.unique(full.accepted)) == {0, 1, 2, 3, 4}
