"""What went wrong and is over: facts that could not be recorded, and from when on that is only good to know.

Recorders tell of a loss once the store takes writes again, so whatever stands here has passed; the counts of its time
stay too low.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fedstore.widths import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fedstore.engine.protocol import Row

__all__ = ["FRESH_MS", "Losses", "Refusals", "read_losses", "read_refusals", "severity_of_past"]

FRESH_MS = DAY_MS
"""So long what is over is worth a look: its cause may still be there, and what was lost can be sent again."""


@dataclass(frozen=True, slots=True)
class Losses:
    """All losses that are still kept, and when and why the last one happened (UTC epoch milliseconds)."""

    count: int
    first_ms: int
    told_ms: int
    reason: str


def read_losses(read: Callable[[str], Sequence[Row]]) -> Losses | None:
    """The losses that recorders told of; None when there was none."""
    total = "(SELECT SUM(count) FROM losses)"
    rows = read(f"SELECT {total}, first_ms, recorded_ms, reason FROM losses ORDER BY seq DESC LIMIT 1")
    return Losses(*rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class Refusals:
    """Facts that were refused, as often as they were sent; when (UTC epoch milliseconds) and why the newest was."""

    count: int
    told_ms: int
    reason: str

    @property
    def text(self) -> str:
        """How many, and the newest reason, in one line."""
        facts = "1 fact was" if self.count == 1 else f"{self.count:,} facts were"
        return f"{facts} refused, the newest: {self.reason}"


def read_refusals(read: Callable[[str], Sequence[Row]]) -> Refusals | None:
    """The facts that were refused; None when there was none."""
    total = "(SELECT SUM(count) FROM rejects)"
    rows = read(f"SELECT {total}, recorded_ms, reason FROM rejects ORDER BY recorded_ms DESC, seq DESC LIMIT 1")
    return Refusals(*rows[0]) if rows else None


def severity_of_past(told_ms: int, now_ms: int) -> Literal["warn", "info"]:
    """A warning for a day, then a note."""
    return "warn" if now_ms - told_ms < FRESH_MS else "info"
