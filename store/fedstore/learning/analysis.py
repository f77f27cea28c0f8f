"""The classic per-layer routing analysis and threshold analysis, with the intervals its figures need.

Counts are those of the live attempts in the window; a proposal that cannot be judged is in no numerator and
in no denominator, and every rate says how many judged attempts it rests on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fedstore.learning.correctness import RIGHT, WRONG, layer_attempts, layer_correctness
from fedstore.learning.intervals import Interval, wilson
from fedstore.learning.seed_rules import RuleChange, seed_accuracy, seed_count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fedstore.learning.log import DecisionLog

__all__ = ["LayerAnalysis", "Share", "analyse_layer", "analyse_layers", "unanswered"]


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `n`; rate and 95 % interval are `None` when n is 0."""

    count: int
    n: int

    @property
    def rate(self) -> float | None:
        return self.count / self.n if self.n else None

    @property
    def interval(self) -> Interval | None:
        return wilson(self.count, self.n)


@dataclass(frozen=True, slots=True)
class LayerAnalysis:
    """One layer over a window. Means are `None` without attempts."""

    layer: str
    threshold: float
    events: int
    success: Share
    """Attempts the layer accepted, of its attempts."""
    captured: Share
    """The same, of all decisions."""
    mean_confidence: float | None
    mean_latency_ms: float | None
    accuracy: Share
    """Right outcomes among the graded decisions the layer accepted."""
    below: int
    missed: Share
    """Below the threshold and would have been correct, of those that can be judged."""
    above: int
    incorrect: Share
    """Above the threshold and incorrect, of those that can be judged."""
    probes: int
    rule_count: RuleChange
    """New threshold and reason by the "seed-count" rule."""
    rule_accuracy: RuleChange
    """New threshold and reason by the "seed-accuracy" rule."""

    @property
    def attempts(self) -> int:
        return self.success.n

    def recommendation(self) -> str:
        """The classic sentence, by the count rule: what it would do, never what is certified."""
        new, reason = self.rule_count
        if new == self.threshold:
            return f"[{self.layer}] Keep threshold at {self.threshold:.2f}"
        verb = "Lower" if new < self.threshold else "Raise"
        return f"[{self.layer}] {verb} threshold from {self.threshold:.2f} to {new:.2f}\n  Reason: {reason}"


def analyse_layers(log: DecisionLog, thresholds: Mapping[str, float], min_samples: int = 100) -> list[LayerAnalysis]:
    """Analyse every layer of the window whose threshold is known, in cascade order."""
    return [
        analyse_layer(log, k, thresholds[layer], min_samples)
        for k, layer in enumerate(log.layers)
        if layer in thresholds
    ]


def unanswered(log: DecisionLog) -> Share:
    """The decisions that no layer with a threshold took, of all: they were asked back, or went to the last resort."""
    return Share(_count(log.accepted == len(log.layers)), len(log))


def analyse_layer(log: DecisionLog, k: int, threshold: float, min_samples: int = 100) -> LayerAnalysis:
    """Analyse layer k of the window against `threshold`, the one in force now."""
    live = layer_attempts(log, k, live_only=True)
    confidence = log.confidence[:, k]
    correctness = layer_correctness(log, k)
    accepted = log.accepted == k
    graded = accepted & (log.correct >= 0)
    below, above = live & (confidence < threshold), live & (confidence >= threshold)
    now = [threshold] * len(log.layers)
    return LayerAnalysis(
        layer=log.layers[k],
        threshold=threshold,
        events=len(log),
        success=Share(_count(accepted), _count(live)),
        captured=Share(_count(accepted), len(log)),
        mean_confidence=_mean(confidence[live]),
        mean_latency_ms=_mean(log.latency_ms[live, k]),
        accuracy=Share(_count(graded & (log.correct == 1)), _count(graded)),
        below=_count(below),
        missed=Share(_count(below & (correctness == RIGHT)), _count(below & (correctness >= WRONG))),
        above=_count(above),
        incorrect=Share(_count(above & (correctness == WRONG)), _count(above & (correctness >= WRONG))),
        probes=_count(layer_attempts(log, k)) - _count(live),
        rule_count=seed_count(log, now)[k],
        rule_accuracy=seed_accuracy(log, now, min_samples)[k],
    )


def _count(mask: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask))


def _mean(values: NDArray[np.float64]) -> float | None:
    seen = values[~np.isnan(values)]
    return float(seen.mean()) if len(seen) else None
