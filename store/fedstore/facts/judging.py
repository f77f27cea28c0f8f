"""Late verdicts: what a fact counts as follows the newest verdict that stands and speaks of each of its judged columns.

Runs in the recorder's transaction. The fact's row is updated and the difference goes to the bucket of the fact
itself, whenever the verdict came; a verdict that came before its fact waits in `verdicts` for it. A verdict that is a
`clear` takes back what the same judge said of the subject before, so what others said counts again, or what the fact
said of itself.
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

__all__ = [
    "GRADE",
    "SAID_BY",
    "VERDICTS",
    "Found",
    "Judged",
    "judge_of",
    "newest",
    "standing",
    "subjects_with_verdicts",
]

GRADE = "grade"
"""The judge of what people say by `fedtop grade` and in the pane."""
_FORMER = {"label": GRADE, "fedtop": GRADE}
"""What that judge was called before: its verdicts in older stores are its own all the same."""
VERDICTS = Table(
    "verdicts",
    "subject_kind", "subject_id", "id", "at_ms", "success?", "rework?", "quality?", "qa?", "correct?",
    "correct_agent?", "completed?", "completion_ms?", "source", "recorded_ms", "clear?",
)  # fmt: skip
SAID_BY = "clear, source"
"""The last two columns of the rows that `standing` takes."""
NEWEST_FIRST = "ORDER BY at_ms DESC, id DESC"
_CHUNK = 400


def judge_of(source: str) -> str:
    """Who judged, by the source of a verdict."""
    return _FORMER.get(source, source)


def standing(rows: Sequence[Row]) -> list[Row]:
    """Of verdicts on one subject, the newest first, those that were not taken back.

    Of each row the last two columns are those of `SAID_BY`; a clear itself says nothing.
    """
    cleared: set[str] = set()
    found = []
    for *said, clear, source in rows:
        judge = judge_of(source)
        if clear:
            cleared.add(judge)
        elif judge not in cleared:
            found.append(tuple(said))
    return found


class Found:
    """A fact that is judged: what is needed of it, what it counts as at present, what it said of itself (kept apart as
    soon as anyone says something else), and the verdicts that stand, the newest first.
    """

    __slots__ = ("about", "kept", "own", "present", "said")

    def __init__(self, about: Row, present: Judgement, own: Judgement, said: list[Judgement], *, kept: bool) -> None:
        self.about = about
        self.present = present
        self.own = own
        self.said = said
        self.kept = kept


class Judged:
    """How the facts of one kind and what was said of them are read, and how what follows is written.

    `columns` are those that verdicts speak of, by the same names in both tables; `about` what else is needed of a fact.
    What a fact said of itself is kept in the table `reports` before a verdict changes it; without such a table it is
    among the verdicts.
    """

    __slots__ = ("_about", "_fact", "_own", "_reports", "_update", "_verdicts")

    def __init__(
        self, kind: str, table: Table, *, about: tuple[str, ...], columns: tuple[str, ...], reports: Table | None = None
    ) -> None:
        self._about = len(about)
        self._fact = f"SELECT {', '.join((*about, *columns))} FROM {table.name} WHERE id = ?"
        self._verdicts = (
            f"SELECT {', '.join(columns)}, {SAID_BY} FROM verdicts WHERE subject_kind = '{kind}' AND subject_id = ?"
            f" {NEWEST_FIRST}"
        )
        self._update = f"UPDATE {table.name} SET {', '.join(f'{column} = ?' for column in columns)} WHERE id = ?"
        self._reports = reports
        if reports is not None:
            self._own = f"SELECT {', '.join(columns)} FROM {reports.name} WHERE {reports.columns[0]} = ?"

    def read(self, tx: Tx, fact_id: str) -> Found | None:
        """What there is of a fact; None when it is not (or no longer) there."""
        rows = tx.execute(self._fact, (fact_id,))
        if not rows:
            return None
        about, present = rows[0][: self._about], rows[0][self._about :]
        verdicts = tx.execute(self._verdicts, (fact_id,))
        own, kept = present, True
        if self._reports is not None:
            reported = tx.execute(self._own, (fact_id,))
            own, kept = (reported[0], True) if reported else (present, False)
        elif any(verdict[-2] for verdict in verdicts):
            own = (None,) * len(present)
        return Found(about, present, own, standing(verdicts), kept=kept)

    def update(self, tx: Tx, fact_id: str, found: Found, judgement: Judgement) -> None:
        """Write what a fact counts as from now on; what it said of itself stays known."""
        if self._reports is not None and not found.kept:
            self._reports.insert(tx, [(fact_id, *found.own)])
        tx.execute(self._update, (*judgement, fact_id))


def newest(verdicts: Sequence[Judgement], own: Judgement) -> Judgement:
    """Per column, the newest verdict that speaks of it, else what the fact said of itself."""
    return tuple(
        next((row[column] for row in verdicts if row[column] is not None), value) for column, value in enumerate(own)
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
