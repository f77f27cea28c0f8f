"""Late verdicts: what a fact counts as follows the newest verdict that speaks of each of its judged columns.

Runs in the recorder's transaction. The fact's row is updated and the difference goes to the bucket of the fact
itself, whenever the verdict came; a verdict that came before its fact waits in `verdicts` for it.
"""

from __future__ import annotations

from fedstore.facts.table import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from fedstore.engine.protocol import Row, Tx

    Judgement: TypeAlias = Row
    """The values of a fact's judged columns."""

__all__ = ["VERDICTS", "Judged", "newest", "subjects_with_verdicts"]

VERDICTS = Table(
    "verdicts",
    "subject_kind", "subject_id", "id", "at_ms", "success?", "rework?", "quality?", "qa?", "correct?",
    "correct_agent?", "completed?", "completion_ms?", "source", "recorded_ms",
)  # fmt: skip
_CHUNK = 400


class Judged:
    """How the facts of one kind and what was said of them are read, and how what follows is written.

    `columns` are those that verdicts speak of, by the same names in both tables; `about` what else is needed of a fact.
    """

    __slots__ = ("_about", "_fact", "_update", "_verdicts")

    def __init__(self, kind: str, table: Table, *, about: tuple[str, ...], columns: tuple[str, ...]) -> None:
        self._about = len(about)
        self._fact = f"SELECT {', '.join((*about, *columns))} FROM {table.name} WHERE id = ?"
        self._verdicts = (
            f"SELECT {', '.join(columns)} FROM verdicts WHERE subject_kind = '{kind}' AND subject_id = ?"
            " ORDER BY at_ms DESC, id DESC"
        )
        self._update = f"UPDATE {table.name} SET {', '.join(f'{column} = ?' for column in columns)} WHERE id = ?"

    def read(self, tx: Tx, fact_id: str) -> tuple[Row, Judgement, list[Judgement]] | None:
        """What is needed of a fact, what it counts as at present, and its verdicts, the newest first.

        None when the fact is not (or no longer) there.
        """
        rows = tx.execute(self._fact, (fact_id,))
        if not rows:
            return None
        return rows[0][: self._about], rows[0][self._about :], tx.execute(self._verdicts, (fact_id,))

    def update(self, tx: Tx, fact_id: str, judgement: Judgement) -> None:
        """Write what a fact counts as from now on."""
        tx.execute(self._update, (*judgement, fact_id))


def newest(verdicts: Sequence[Judgement], present: Judgement) -> Judgement:
    """Per column, the newest verdict that speaks of it, else what stands at present."""
    return tuple(
        next((row[column] for row in verdicts if row[column] is not None), value)
        for column, value in enumerate(present)
    )


def subjects_with_verdicts(tx: Tx, kind: str, ids: Sequence[str]) -> set[str]:
    """Which of some new facts were judged before they were recorded."""
    found: set[str] = set()
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        marks = ", ".join("?" * len(some))
        sql = f"SELECT DISTINCT subject_id FROM verdicts WHERE subject_kind = ? AND subject_id IN ({marks})"
        found.update(row[0] for row in tx.execute(sql, (kind, *some)))
    return found
