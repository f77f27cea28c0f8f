"""Two simple threshold rules in common use, kept by name for comparison; neither keeps an accuracy target.

"seed-accuracy" takes per layer the threshold among 0.50, 0.55, ..., 0.95 with the most right calls, one step
at most: indifferent between a wrong acceptance and a needless fall-through, it drifts below the target.
"seed-count" lowers after more than five missed opportunities, else raises after more than five false
acceptances: with any volume it lowers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fedstore.learning.correctness import RIGHT, UNJUDGED, WRONG, layer_correctness
from fedstore.learning.percent import counted, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedstore.learning.log import DecisionLog

__all__ = ["RULE_STEP", "Judged", "RuleChange", "judged_confidences", "seed_accuracy", "seed_count"]

RULE_STEP = 0.05
_COUNT = 5
_GRID = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))

RuleChange = tuple[float, str]
"""New threshold and the rule's reason."""

Judged = tuple["NDArray[np.float64]", "NDArray[np.float64]"]
"""Confidences of the attempts judged right, and of those judged wrong."""


def seed_accuracy(
    log: DecisionLog,
    thresholds: Sequence[float],
    min_samples: int = 100,
    judged: Sequence[Judged] | None = None,
    step: float = RULE_STEP,
) -> list[RuleChange]:
    """The tuner's rule, per layer alone on its own graded attempts (at least ``min_samples``)."""
    judged = judged or judged_confidences(log)
    return [_best_accuracy(seen, now, min_samples, step) for seen, now in zip(judged, thresholds, strict=True)]


def _best_accuracy(seen: Judged, now: float, min_samples: int, step: float) -> RuleChange:
    right, wrong = seen
    n = len(right) + len(wrong)
    if n < max(1, min_samples):
        return now, f"{counted(n, 'graded attempt')}, fewer than {min_samples}"
    scores = [(np.count_nonzero(right >= t) + np.count_nonzero(wrong < t)) / n for t in _GRID]
    best = _GRID[int(np.argmax(scores))]
    new = round(min(now + step, max(now - step, best)), 10)
    return new, f"best accept-or-pass accuracy {percent(max(scores), 1)} at {best:.2f}"


def seed_count(
    log: DecisionLog,
    thresholds: Sequence[float],
    judged: Sequence[Judged] | None = None,
    step: float = RULE_STEP,
) -> list[RuleChange]:
    """The analyzer's rule: absolute counts of missed opportunities and of false acceptances."""
    judged = judged or judged_confidences(log)
    return [_count_rule(seen, now, step) for seen, now in zip(judged, thresholds, strict=True)]


def _count_rule(seen: Judged, now: float, step: float) -> RuleChange:
    right, wrong = seen
    missed = int(np.count_nonzero(right < now))
    false = int(np.count_nonzero(wrong >= now))
    if missed > _COUNT:
        return round(max(0.0, now - step), 10), f"{missed} missed opportunities (correct routing below threshold)"
    if false > _COUNT:
        return round(min(1.0, now + step), 10), f"{false} false positives (incorrect routing above threshold)"
    return now, "no change needed"


def judged_confidences(log: DecisionLog) -> list[Judged]:
    """Per layer, confidences of the live attempts judged right and of those judged wrong."""
    found = []
    for k in range(len(log.layers)):
        correctness = layer_correctness(log, k)
        correctness[log.shadow[:, k]] = UNJUDGED
        column = log.confidence[:, k]
        found.append((column[correctness == RIGHT], column[correctness == WRONG]))
    return found
