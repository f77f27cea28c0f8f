"""Numbers from outside, brought within their bounds where that is only a matter of rounding; sizes in words."""

from __future__ import annotations

__all__ = ["as_confidence", "bytes_text"]

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


def bytes_text(size: int) -> str:
    """A size of something stored: `512 B`, `12.3 kB`, `1.28 MB`; decimal units, three digits."""
    if size < 1_000:
        return f"{size} B"
    scaled, unit = size / 1_000, "kB"
    for larger in ("MB", "GB", "TB"):
        if scaled < 999.5:
            break
        scaled, unit = scaled / 1_000, larger
    digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    return f"{scaled:,.{digits}f} {unit}"
