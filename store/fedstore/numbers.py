"""Numbers from outside, brought within their bounds where that is only a matter of rounding."""

from __future__ import annotations

__all__ = ["as_confidence"]

_NEAR = 1e-3
"""By so much the cosine of equal vectors may exceed 1: the rounding of 16-bit floats."""


def as_confidence(value: float) -> float:
    """A confidence from 0 to 1: rounding above 1 is cut off, and a negative cosine is no confidence at all.

    Raises ValueError for anything further out.
    """
    if 0.0 <= value <= 1.0:
        return value
    if -1.0 - _NEAR <= value <= 1.0 + _NEAR:
        return 1.0 if value > 1.0 else 0.0
    raise ValueError(f"must be between 0 and 1, not {value:.6g}")
