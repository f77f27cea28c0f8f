"""What a plan was made from, and whether that has moved since.

An `Extent` pins the evidence: the window, how many facts and verdicts it held, and the last of each. It has
moved when a fact of the window went away, when one was recorded into the window afterwards, or when facts of
the window were judged anew. What merely goes on does not move it: facts after the window, stragglers of its last
seconds, and a trickle of first grades (at most 1 % of the graded evidence) stamped after the plan was made.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from fedstore.learning.percent import counted, were

if TYPE_CHECKING:
    from fedstore.engine.protocol import Read, Row, Value

__all__ = ["Extent", "graded_since", "measure_extent", "moved"]

Table = Literal["runs", "routes"]

STRAGGLERS_MS = 10_000
"""A fact of the last seconds may be recorded a little after it happened (a background probe, a batch)."""
TRICKLE = 0.01

# name column, time column, "is graded", verdict subject, verdict speaks of the grade
_SHAPES = {
    "runs": (
        "agent", "ended_ms", "success IS NOT NULL", "run",
        "(v.success IS NOT NULL OR v.rework IS NOT NULL OR v.clear = 1)",
    ),
    "routes": (
        "layer", "at_ms", "(correct IS NOT NULL OR correct_agent IS NOT NULL)", "route",
        "(v.correct IS NOT NULL OR v.correct_agent IS NOT NULL OR v.clear = 1)",
    ),
}  # fmt: skip
_WORDS = {"runs": "task", "routes": "decision"}


@dataclass(frozen=True, slots=True)
class Extent:
    """The evidence of a plan: `[start_ms, end_ms)` of one table as it stood at `made_ms`."""

    table: Table
    start_ms: int
    end_ms: int
    made_ms: int
    facts: int
    graded: int
    last_ms: int
    """The time of its newest fact: only what lies up to there was used. 0 without facts."""
    fact_seq: int
    verdict_seq: int

    def token(self) -> str:
        """A hash of the window and what it held."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _names(read: Read, table: Table) -> list[str]:
    """The agents or layers of a table, by leaps through its index."""
    name = _SHAPES[table][0]
    rows = read(
        f"WITH RECURSIVE found (name) AS (SELECT MIN({name}) FROM {table} UNION ALL"
        f" SELECT (SELECT MIN({name}) FROM {table} WHERE {name} > found.name) FROM found"
        " WHERE found.name IS NOT NULL) SELECT name FROM found WHERE name IS NOT NULL",
        (),
    )
    return [row[0] for row in rows]


def _over(
    read: Read, table: Table, sums: str, start_ms: int, end_ms: int, condition: str = "1 = 1", *values: Value
) -> Row:
    """Aggregates over a window; the index of the table leads with its names. Empty for an empty table."""
    name, time, *_ = _SHAPES[table]
    names = _names(read, table)
    if not names:
        return ()
    marks = ", ".join("?" * len(names))
    sql = f"SELECT {sums} FROM {table} WHERE {name} IN ({marks}) AND {time} >= ? AND {time} < ? AND {condition}"
    return read(sql, (*names, start_ms, end_ms, *values))[0]


def _count(read: Read, table: Table, condition: str, start_ms: int, end_ms: int, *values: Value) -> int:
    """Facts of a window under a condition."""
    found = _over(read, table, "COUNT(*)", start_ms, end_ms, condition, *values)
    return int(found[0]) if found else 0


def measure_extent(
    read: Read, table: Table, start_ms: int, end_ms: int, made_ms: int, held: tuple[int, int, int] | None = None
) -> Extent:
    """The evidence as it stands; call it in the snapshot in which the evidence is read.

    `held` are the facts, the graded facts and the newest time of the window where the caller has them already.
    """
    newest = [read(f"SELECT COALESCE(MAX(seq), 0) FROM {name}", ())[0][0] for name in (table, "verdicts")]
    if held is None:
        _, time, graded, *_ = _SHAPES[table]
        sums = f"COUNT(*), COUNT(CASE WHEN {graded} THEN 1 END), COALESCE(MAX({time}), 0)"
        held = _over(read, table, sums, start_ms, end_ms) or (0, 0, 0)
    return Extent(table, start_ms, end_ms, made_ms, *held, int(newest[0]), int(newest[1]))


def moved(read: Read, extent: Extent) -> str | None:
    """Why the evidence is not what it was; None when it is."""
    table, start, end = extent.table, extent.start_ms, extent.end_ms
    word = _WORDS[table]
    if _count(read, table, "seq <= ?", start, end, extent.fact_seq) != extent.facts:
        return f"{word}s of the window were removed since"
    settled = min(end, extent.made_ms - STRAGGLERS_MS)
    late = _count(read, table, "seq > ?", start, settled, extent.fact_seq)
    if late:
        return f"{counted(late, word)} {were(late)} recorded into the window since"
    return _judged_anew(read, extent)


def _judged_anew(read: Read, extent: Extent) -> str | None:
    _, time, graded, subject, speaks = _SHAPES[extent.table]
    word = _WORDS[extent.table]
    rows = read(
        f"SELECT v.subject_id, MIN(v.at_ms) FROM verdicts AS v JOIN {extent.table} AS f ON f.id = v.subject_id"
        f" WHERE v.seq > ? AND v.subject_kind = ? AND {speaks} AND f.seq <= ? AND f.{time} >= ? AND f.{time} < ?"
        " GROUP BY v.subject_id",
        (extent.verdict_seq, subject, extent.fact_seq, extent.start_ms, extent.end_ms),
    )
    if not rows:
        return None
    late = sum(at <= extent.made_ms for _, at in rows)
    if late:
        return f"{counted(late, 'late verdict')} on its {word}s came in since"
    condition = f"seq <= ? AND {graded}"
    first = _count(read, extent.table, condition, extent.start_ms, extent.end_ms, extent.fact_seq) - extent.graded
    anew = len(rows) - max(first, 0)  # fewer are graded where verdicts were taken back
    if anew > 0:
        return f"{anew:,} of its {word}s {were(anew)} judged anew since"
    if first > TRICKLE * extent.graded:
        return f"{first:,} more of its {word}s {were(first)} graded since"
    return None


def graded_since(read: Read, table: Table, since_ms: int) -> int:
    """Graded facts that happened at or after a moment."""
    return _count(read, table, _SHAPES[table][2], since_ms, 1 << 62)
