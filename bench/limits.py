"""Whether a figure holds its limit, and whether all of a bench did."""

from __future__ import annotations

__all__ = ["Limits"]


class Limits:
    """The limits of one bench, as they are judged."""

    def __init__(self) -> None:
        self.missed = 0

    def judge(self, value: float, limit: float) -> str:
        """``holds`` or ``missed``."""
        if value <= limit:
            return "holds"
        self.missed += 1
        return "missed"

    @property
    def code(self) -> int:
        """The exit code of the bench: 1 when a limit was missed."""
        return 1 if self.missed else 0
