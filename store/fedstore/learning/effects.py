"""What a change would do: paired differences, flipped decisions, the agent hurt most, drift.

Everything compares two policies on the same events, so the intervals of a difference are those of pairs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fedstore.learning.intervals import Interval, normal_quantile, wilson
from fedstore.learning.replay import UNKNOWN, replay
from fedstore.learning.stratified import Stratum, difference_p, over_both, weighted_rate
from fedstore.learning.tuning_types import AgentChange, Effect, Flips

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.learning.log import DecisionLog

__all__ = ["accuracy_effect", "drift", "flips_and_worst_agent", "layer_strata", "mean_effect"]

Floats = NDArray[np.float64]

PAIRED_WIDENING = 1.15
"""Plain normal intervals of the paired differences covered 88 to 94 %; widened they cover about 95 %."""

MIN_AGENT_EVENTS = 30
_RULE_OF_THREE = math.log(20.0)


def _mean_and_error(values: Floats) -> tuple[float, float]:
    n = len(values)
    if n < 2:
        return (float(values.mean()) if n else 0.0), 0.0
    return float(values.mean()), float(values.std(ddof=1)) / math.sqrt(n)


def _around(centre: float, half: float) -> Interval:
    return Interval(centre - half, centre + half)


def mean_effect(now: Floats, new: Floats, *, lowest: float = 0.0, highest: float = math.inf) -> Effect:
    """Effect on the mean of a per-event measure; the levels' intervals stay within the measure's range."""
    z = normal_quantile(0.975)
    (m_now, e_now), (m_new, e_new), (m_diff, e_diff) = (_mean_and_error(v) for v in (now, new, new - now))

    def level(mean: float, error: float) -> Interval:
        return Interval(max(lowest, mean - z * error), min(highest, mean + z * error))

    return Effect(
        m_now,
        level(m_now, e_now),
        m_new,
        level(m_new, e_new),
        m_diff,
        _around(m_diff, PAIRED_WIDENING * z * e_diff),
    )


def accuracy_effect(risk_now: Floats, risk_new: Floats, weight: Floats, *, moved: bool = True) -> Effect:
    """Effect on accuracy from weighted losses; the levels' intervals are those of `weighted_rate`.

    When decisions have moved, the change is never surer than the rule of three: no difference among n graded pairs
    still leaves room for one of ln(20)/n.
    """
    plain = mean_effect(risk_now, risk_new)
    weights, stratum = np.unique(weight, return_inverse=True)

    def level(risk: float, risks: Floats) -> Interval:
        effective = weighted_rate(_strata(weights, stratum, risks)).effective
        return wilson(effective * min(1.0, max(0.0, 1.0 - risk)), effective) or Interval(0.0, 1.0)

    half = (plain.change_interval.high - plain.change_interval.low) / 2
    if moved:
        squared = float((weight * weight).sum())
        effective = float(weight.sum()) ** 2 / squared if squared > 0 else 0.0
        half = max(half, min(1.0, _RULE_OF_THREE / effective) if effective > 0 else 1.0)
    change, levels = _around(-plain.change, half), (level(plain.now, risk_now), level(plain.new, risk_new))
    return Effect(1.0 - plain.now, levels[0], 1.0 - plain.new, levels[1], -plain.change, change)


def _strata(weights: Floats, stratum: NDArray[np.intp], risks: Floats) -> list[Stratum]:
    """Decisions of one weight are those of one stratum, or of some that are graded alike."""
    graded = np.bincount(stratum, minlength=len(weights)).astype(np.float64)
    lost = np.divide(np.bincount(stratum, weights=risks), weights, out=np.zeros(len(weights)), where=weights > 0)
    return [
        Stratum(weight * n, n, min(n, max(0.0, n - wrong)))
        for weight, n, wrong in zip(weights.tolist(), graded.tolist(), lost.tolist(), strict=True)
        if weight > 0
    ]


def flips_and_worst_agent(
    log: DecisionLog, rows: NDArray[np.intp], now: Sequence[float], new: Sequence[float]
) -> tuple[Flips, AgentChange | None]:
    """Decisions that change layer, counted by consequence, and the agent whose tasks lose most.

    `rows` are the positions of the log's events in the log the caller knows.
    """
    between = _touched(log, now, new)
    touched = log.take(between)
    before, after = replay(touched, now), replay(touched, new)
    moved = before.layer != after.layer
    known = (before.correct >= 0) & (after.correct >= 0) & (after.layer != UNKNOWN)
    same_agent = moved & (before.agent == after.agent) & (after.agent >= 0)
    judged = moved & ~same_agent & known
    flips = Flips(
        total=int(moved.sum()),
        same_agent=int(same_agent.sum()),
        now_right=int((judged & (after.correct > before.correct)).sum()),
        now_wrong=int((judged & (after.correct < before.correct)).sum()),
        same_verdict=int((judged & (after.correct == before.correct)).sum()),
        unknown=int((moved & ~same_agent & ~known).sum()),
        indices=tuple(rows[between[moved]].tolist()),
    )
    change = np.where(judged, after.correct - before.correct, 0)
    return flips, _worst_agent(log, touched.final, change)


def _touched(log: DecisionLog, now: Sequence[float], new: Sequence[float]) -> NDArray[np.int64]:
    """Rows with a confidence between the two settings of some layer: no other decision can change."""
    hit = np.zeros(len(log), dtype=np.bool_)
    for k, (a, b) in enumerate(zip(now, new, strict=True)):
        if a != b:
            column = log.confidence[:, k]
            hit |= (column >= min(a, b)) & (column < max(a, b))
    return np.flatnonzero(hit)


def _worst_agent(log: DecisionLog, agents: NDArray[np.int32], change: NDArray[np.int8]) -> AgentChange | None:
    """Over agents with enough graded tasks (by the agent that got them), the largest loss of accuracy."""
    if not len(log.agents):
        return None
    size = len(log.agents)
    graded = (log.correct >= 0) & (log.final >= 0)
    n = np.bincount(log.final[graded], minlength=size)
    right = np.bincount(log.final[graded], weights=log.correct[graded], minlength=size)
    valid = agents >= 0
    delta = np.bincount(agents[valid], weights=change[valid], minlength=size)
    enough = np.flatnonzero(n >= MIN_AGENT_EVENTS)
    if not len(enough):
        return None
    worst = int(enough[np.argmin(delta[enough] / n[enough])])
    if delta[worst] >= 0:
        return None
    now = float(right[worst] / n[worst])
    return AgentChange(log.agents[worst], int(n[worst]), now, now + float(delta[worst] / n[worst]))


def drift(log: DecisionLog) -> float | None:
    """P-value of "the older and the newer half of the window are equally accurate"; `None` if ungraded.

    The halves have equally many graded decisions. Each is weighed by the layers that decided in it.
    """
    graded = log.correct >= 0
    if not graded.any():
        return None
    newer = log.ts_ms > np.median(log.ts_ms[graded])
    return difference_p(*over_both(layer_strata(log.take(~newer)), layer_strata(log.take(newer))))


def layer_strata(log: DecisionLog) -> dict[int, Stratum]:
    """What each layer decided; the clarification comes after the last layer."""
    of = (log.accepted >= 0, log.correct >= 0, log.correct == 1)
    counts = np.stack([np.bincount(log.accepted[rows], minlength=len(log.layers) + 1) for rows in of], axis=1)
    return {k: Stratum(*row) for k, row in enumerate(counts.tolist())}
