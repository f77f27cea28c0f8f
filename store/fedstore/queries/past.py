"""What is known of the time that is over: answers that one view leaves to the next of the same reader.

Buckets before the mark of ten minutes are over. A late fact or verdict, the purge, another program may still change
them, and whoever does draws a new note (``schema.past``): as long as a table's note reads the same, what was read of
its past holds, and only the minutes since then are read again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from fedstore.window import Span

__all__ = ["Past", "Question"]

_MOST_SPANS = 4_000
"""A window that moves on over a store where nothing happens leaves two spans a minute behind."""


class Question(NamedTuple):
    """Columns of a summary table to be added up, by some keys (or by time too), of all rows or those ``where``."""

    table: str
    by: tuple[str, ...]
    columns: tuple[str, ...]
    where: str = ""
    args: tuple[Any, ...] = ()
    step_ms: int = 0


class Past:
    """Answers by question and span, of one thread."""

    def __init__(self) -> None:
        self._notes: dict[str, int] = {}
        self._answers: dict[Question, dict[Span, Any]] = {}

    def as_of(self, notes: dict[str, int]) -> None:
        """Forget what does not hold any more, by what the store has noted of each table."""
        if sum(map(len, self._answers.values())) > _MOST_SPANS:
            self._answers.clear()
        for asked in [asked for asked in self._answers if notes[asked.table] != self._notes[asked.table]]:
            del self._answers[asked]
        self._notes = notes

    def of(self, asked: Question) -> dict[Span, Any]:
        """What is known, to be added to by whoever reads more of what is over."""
        return self._answers.setdefault(asked, {})
