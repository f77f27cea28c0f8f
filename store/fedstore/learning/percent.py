"""How sentences write a rate and a number of things."""

from __future__ import annotations

__all__ = ["are", "counted", "percent", "were"]


def counted(n: int, one: str, many: str = "") -> str:
    """A number of things: `1 decision`, `1,284 decisions`; `many` where that is not `one` and an s."""
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"


def are(n: int) -> str:
    """The verb of so many things."""
    return "is" if n == 1 else "are"


def were(n: int) -> str:
    """The same in the past."""
    return "was" if n == 1 else "were"


def percent(fraction: float, digits: int = 0) -> str:
    """A fraction as per cent, as everywhere on the screens: 0.894 with 1 digit is `89.4 %`."""
    return f"{fraction * 100:.{digits}f} %"
