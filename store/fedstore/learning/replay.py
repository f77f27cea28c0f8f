"""Direct replay of one policy over a log, decision by decision.

The slow, obvious counterpart of the prefix-sum search, and what every flip list and paired difference is
computed from. Ties accept (confidence >= threshold).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedstore.learning.evidence import Evidence
    from fedstore.learning.log import DecisionLog

__all__ = ["UNKNOWN", "Outcome", "Replay", "outcome", "replay"]

UNKNOWN = -1

GRADE_EXACT, GRADE_PROBE, GRADE_UNKNOWN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Replay:
    """What a policy would have done with each event, as far as the log itself tells."""

    layer: NDArray[np.int32]
    """(n,) accepting layer 0..K-1, K clarified, `UNKNOWN` where the record ends before the decision."""
    latency_ms: NDArray[np.float64]
    """(n,) NaN where unknown."""
    agent: NDArray[np.int32]
    """(n,) agent that would get the task, -1 none or unknown."""
    correct: NDArray[np.int8]
    """(n,) 1, 0, -1 unknown; clarification is right unless it was seen to go wrong."""
    grade: NDArray[np.int8]
    """(n,) 0 exact, 1 seen by a probe only, 2 unknown."""


def replay(log: DecisionLog, thresholds: Sequence[float | None] | None = None) -> Replay:
    """Replay `thresholds` (K values); `None`, whole or per layer, is what an event was logged under."""
    k_layers = len(log.layers)
    layer = np.full(len(log), UNKNOWN, dtype=np.int32)
    elapsed, spent = np.zeros(len(log)), np.full(len(log), np.nan)
    undecided = np.ones(len(log), dtype=np.bool_)
    for k in range(k_layers):
        live = (log.accepted >= k) & ~log.shadow[:, k]
        ran = ~np.isnan(log.threshold[:, k])
        undecided &= live | ran | (log.accepted >= k) | bool(not ran.any())
        counts = (live | (log.accepted < k)) & undecided
        elapsed += np.where(counts & ~np.isnan(log.latency_ms[:, k]), log.latency_ms[:, k], 0.0)
        fixed = None if thresholds is None else thresholds[k]
        limit = log.threshold[:, k] if fixed is None else fixed
        takes = counts & log.able[:, k] & (log.confidence[:, k] >= limit)
        layer[takes], spent[takes] = k, elapsed[takes]
        undecided &= ~takes
    layer[undecided], spent[undecided] = k_layers, elapsed[undecided]
    return _judge(log, layer, spent)


def _judge(log: DecisionLog, layer: NDArray[np.int32], latency: NDArray[np.float64]) -> Replay:
    """Agent, correctness and grade of evidence of each decision."""
    rows = np.arange(len(log))
    k_layers = len(log.layers)
    inside = (layer >= 0) & (layer < k_layers)
    agent = np.where(inside, log.proposal[rows, np.where(inside, layer, 0)], -1).astype(np.int32)
    same = layer == log.accepted
    agent = np.where(same, log.final, agent).astype(np.int32)
    correct = np.full(len(log), -1, dtype=np.int8)
    true_known = (log.true_agent >= 0) & inside
    correct[true_known] = (agent == log.true_agent)[true_known]
    agrees = inside & (agent == log.final) & (agent >= 0)
    by_outcome = inside & ~true_known & (log.correct >= 0)
    correct[by_outcome & agrees] = log.correct[by_outcome & agrees]
    correct[by_outcome & ~agrees & (log.correct == 1)] = 0
    correct[layer == k_layers] = 1
    logged = same & (log.correct >= 0)
    correct[logged] = log.correct[logged]
    grade = np.where(layer == UNKNOWN, GRADE_UNKNOWN, np.where(layer > log.accepted, GRADE_PROBE, GRADE_EXACT))
    raised_to_last = (layer == k_layers) & (log.accepted == k_layers - 1)
    grade[raised_to_last] = GRADE_EXACT
    return Replay(layer, latency, agent, correct, grade.astype(np.int8))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy does with each event of prepared evidence, weighted for estimation; all arrays (n,)."""

    layer: NDArray[np.int8]
    """Accepting layer, K when none accepts (also where the record ends: `censored`)."""
    risk: NDArray[np.float64]
    """Weighted loss; its mean is the estimated risk."""
    latency: NDArray[np.float64]
    """Weighted milliseconds; the mean is the estimated mean latency."""
    clarify: NDArray[np.float64]
    """Weighted clarifications; the mean is the estimated clarification rate."""
    scale: NDArray[np.float64] | None
    """Weight of the event beyond its accepting layer (`None`: 1 everywhere)."""

    def shares(self, layers: int, part: NDArray[np.bool_] | None = None) -> tuple[float, ...]:
        """Estimated share of the decisions each of the `layers` + 1 accepting layers takes."""
        chosen = self.layer if part is None else self.layer[part]
        scale = self.scale if part is None or self.scale is None else self.scale[part]
        counts = np.bincount(chosen, weights=scale, minlength=layers + 1)
        total = float(counts.sum())
        return tuple(float(count) / total for count in counts) if total else (0.0,) * (layers + 1)


def outcome(evidence: Evidence, thresholds: Sequence[float]) -> Outcome:
    """Evaluate one policy on prepared evidence; the means equal those of the prefix-sum search exactly."""
    n, k_layers = len(evidence), evidence.layers
    layer = np.full(n, k_layers, dtype=np.int8)
    loss = evidence.fall_loss.copy()
    latency = np.zeros(n)
    undecided: NDArray[np.intp] | slice = slice(None)
    for k in range(k_layers):
        latency[undecided] += evidence.latency[k][undecided]
        takes = evidence.confidence[k][undecided] >= thresholds[k]
        here, passed = np.flatnonzero(takes), np.flatnonzero(~takes)
        if not isinstance(undecided, slice):
            here, passed = undecided[here], undecided[passed]
        layer[here], loss[here] = k, evidence.loss[k][here]
        undecided = passed
    clarify = (layer == k_layers).astype(np.float64)
    risk = loss * evidence.weight
    if evidence.beyond is None:
        return Outcome(layer, risk, latency, clarify, None)
    scale = np.where(layer > evidence.accepted, evidence.beyond, 1.0)
    return Outcome(layer, risk * scale, latency * scale, clarify * scale, scale)
