"""What is known of the time that is over: answers that one view leaves to the next of the same reader.

Buckets before the mark of ten minutes are over. A late fact or verdict, the purge, another program may still change
them, and whoever does begins a new generation of them (`facts.summaries.begin_generation`): as long as a table is of
the same generation, what was read of its past holds, and only the minutes since then are read again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from fedstore.engine.protocol import Row, Value
    from fedstore.window import Span

    Piece: TypeAlias = tuple[Span, ...]
    """Spans of one window whose buckets are added up together."""
    Total: TypeAlias = Any
    """What a question adds up to by key: sums (a row) or the counts of a distribution, always the same of one."""
    Answer: TypeAlias = dict[Row, Total]
    Known: TypeAlias = "dict[Question, dict[Piece, Answer]]"

__all__ = ["Past", "Piece", "Question"]

_MOST_PIECES = 4_000
"""A window that moves on over a store where nothing happens leaves a few pieces a minute behind."""


class Question(NamedTuple):
    """Columns of a summary table to be added up, by some keys (or by time too), of all rows or those `where`."""

    table: str
    by: tuple[str, ...]
    columns: tuple[str, ...]
    where: str = ""
    args: tuple[Value, ...] = ()
    step_ms: int = 0


class Past:
    """Answers by table, question and piece.

    They lie with the generation they were read from: whoever read an older moment adds to what is forgotten already.
    """

    def __init__(self) -> None:
        self._tables: dict[str, tuple[int, Known]] = {}

    def __len__(self) -> int:
        """How many pieces it knows."""
        return sum(len(pieces) for _, known in list(self._tables.values()) for pieces in list(known.values()))

    def as_of(self, generations: Mapping[str, int]) -> dict[str, Known]:
        """What is known of each table's present generation, to be added to by whoever reads more of what is over."""
        if len(self) > _MOST_PIECES:
            self._tables = {}
        holds = {}
        for table, generation in generations.items():
            kept = self._tables.get(table)
            if kept is None or kept[0] != generation:
                kept = self._tables[table] = generation, {}
            holds[table] = kept[1]
        return holds
