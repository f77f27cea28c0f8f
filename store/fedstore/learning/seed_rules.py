"""Two simple threshold rules in common use, kept by name for comparison; neither keeps an accuracy target.

"seed-accuracy" takes per layer the threshold among 0.50, 0.55, ..., 0.95 with the most right calls, one step
at most: indifferent between a wrong acceptance and a needless fall-through, it drifts below the target.
"seed-count" lowers after more than five missed opportunities, else raises after more than five false
acceptances: with any volume it lowers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fedstore.learning.verdicts import RIGHT, WRONG, layer_attempts, layer_verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.learning.log import DecisionLog

__all__ = ["RULE_STEP", "RuleChange", "seed_accuracy", "seed_count"]

RULE_STEP = 0.05
_COUNT = 5
_GRID = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))

RuleChange = tuple[float, str]
"""New threshold and the rule's reason."""


def seed_accuracy(log: DecisionLog, thresholds: Sequence[float], min_samples: int = 100) -> list[RuleChange]:
    """The tuner's rule, per layer alone on its own graded attempts (at least ``min_samples``)."""
    return [_best_accuracy(log, k, now, min_samples) for k, now in enumerate(thresholds)]


def _best_accuracy(log: DecisionLog, k: int, now: float, min_samples: int) -> RuleChange:
    right, wrong = _confidences(log, k)
    n = len(right) + len(wrong)
    if n < max(1, min_samples):
        return now, f"{n} graded attempts, fewer than {min_samples}"
    scores = [(np.count_nonzero(right >= t) + np.count_nonzero(wrong < t)) / n for t in _GRID]
    best = _GRID[int(np.argmax(scores))]
    new = round(min(now + RULE_STEP, max(now - RULE_STEP, best)), 10)
    return new, f"best accept-or-pass accuracy {max(scores):.1%} at {best:.2f}"


def seed_count(log: DecisionLog, thresholds: Sequence[float]) -> list[RuleChange]:
    """The analyzer's rule: absolute counts of missed opportunities and of false acceptances."""
    return [_count_rule(log, k, now) for k, now in enumerate(thresholds)]


def _count_rule(log: DecisionLog, k: int, now: float) -> RuleChange:
    right, wrong = _confidences(log, k)
    missed = int(np.count_nonzero(right < now))
    false = int(np.count_nonzero(wrong >= now))
    if missed > _COUNT:
        return round(now - RULE_STEP, 10), f"{missed} missed opportunities (correct routing below threshold)"
    if false > _COUNT:
        return round(now + RULE_STEP, 10), f"{false} false positives (incorrect routing above threshold)"
    return now, "no change needed"


def _confidences(log: DecisionLog, k: int) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]:
    """Confidences of the live attempts judged right and of those judged wrong."""
    live = layer_attempts(log, k, live_only=True)
    verdict = layer_verdicts(log, k)
    column = log.confidence[:, k]
    return column[live & (verdict == RIGHT)], column[live & (verdict == WRONG)]
