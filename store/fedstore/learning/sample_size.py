"""How many graded decisions a question needs; standard library only.

"How many more" is answered for every plan that cannot be certified, so that waiting has an end.
"""

from __future__ import annotations

import math

from fedstore.learning.intervals import normal_quantile

__all__ = ["best_certifiable", "certify_size", "rough", "zero_error_minimum"]


def zero_error_minimum(target: float, confidence: float = 0.95) -> int:
    """Graded decisions, all right, that certify `target`: ln(1 - confidence) / ln(target)."""
    _check(target)
    return math.ceil(math.log(1.0 - confidence) / math.log(target))


def best_certifiable(graded: float, confidence: float = 0.95) -> float | None:
    """The highest accuracy that `graded` decisions without an error certify; `None` without any."""
    return (1.0 - confidence) ** (1.0 / graded) if graded > 0 else None


def certify_size(target: float, accuracy: float, confidence: float = 0.95, power: float = 0.80) -> int | None:
    """Graded decisions that certify `target` with the given power when the true accuracy is `accuracy`.

    Normal approximation of the one-sided test; `None` when the accuracy does not exceed the target.
    """
    _check(target)
    if accuracy <= target:
        return None
    spread = normal_quantile(confidence) * math.sqrt(target * (1 - target))
    spread += normal_quantile(power) * math.sqrt(max(0.0, accuracy * (1 - accuracy)))
    return max(zero_error_minimum(target, confidence), math.ceil((spread / (accuracy - target)) ** 2))


def rough(count: int) -> int:
    """Rounded up to two digits: what an approximation says is not known to the last decision."""
    unit: int = 10 ** max(0, len(str(count)) - 2)
    return -(-count // unit) * unit


def _check(target: float) -> None:
    if not 0.0 < target < 1.0:
        raise ValueError(f"the target accuracy must lie between 0 and 1, not {target}")
