"""How the sentences of this package write a rate."""

from __future__ import annotations

__all__ = ["percent"]


def percent(fraction: float, digits: int = 0) -> str:
    """A fraction as per cent, as everywhere on the screens: 0.894 with 1 digit is `89.4 %`."""
    return f"{fraction * 100:.{digits}f} %"
