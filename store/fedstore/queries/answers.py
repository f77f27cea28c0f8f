"""How buckets are read and added up: one statement for all pieces that a question asks for, an answer for each.

A piece is some spans that are read, and kept, together. Where the primary key (width, start, …) has the rows in order
each start is added up as it is met, in a statement per span; what has to be sorted is sorted once for all spans.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from operator import add
from typing import TYPE_CHECKING

from fedstore.bins import counts_of, together
from fedstore.facts.kinds import SUMMARIES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from fedstore.engine.protocol import Reads, Row
    from fedstore.queries.closed import Answer, Piece, Question, Total

    Counts: TypeAlias = Mapping[int, int]
    """How many of a distribution lie in each bin."""
    Rows: TypeAlias = list[Row]

__all__ = ["Counts", "add_counts", "add_sums", "read_distributions", "read_slots", "read_sums"]


_SPAN = "(?, ?, ?, ?)"
_TYPED = "(CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT))"
"""The first row of VALUES says of which type the columns are; parameters alone have none."""

# --- reading --------------------------------------------------------------------------------------------------


def read_sums(source: Reads, asked: Question, pieces: Sequence[Piece]) -> list[Answer]:
    """The sums of each piece, by key."""
    if not asked.by:
        return _sums_of(_in_order(source, asked, pieces, (), ()), 1, pieces)
    columns = (*asked.by, *(_total(f"SUM({column})") for column in asked.columns))
    return _sums_of(_in_any_order(source, asked, pieces, columns, asked.by), 1 + len(asked.by), pieces)


def read_slots(source: Reads, asked: Question, pieces: Sequence[Piece]) -> list[Answer]:
    """The sums of each piece, by the start of the slot and key."""
    slot = f"start - start % {asked.step_ms} AS slot"
    keys = SUMMARIES[asked.table].keys
    ordered = keys[: 1 + max(map(keys.index, asked.by), default=-1)]
    rows = _in_order(source, asked, pieces, ("start", *ordered), (slot, *asked.by))
    return _sums_of(rows, 2 + len(asked.by), pieces)


def read_distributions(source: Reads, asked: Question, pieces: Sequence[Piece]) -> list[Answer]:
    """The distribution of each piece, by the names of one key column."""
    blobs: defaultdict[tuple[int, str], list[bytes]] = defaultdict(list)
    for part, name, blob in _in_any_order(source, asked, pieces, (*asked.by, *asked.columns)):
        blobs[part, name].append(blob)
    found: list[Answer] = [{} for _ in pieces]
    for (part, name), some in blobs.items():
        found[part][name,] = counts_of(some)
    return found


def _in_order(
    source: Reads, asked: Question, pieces: Sequence[Piece], first: Sequence[str], then: Sequence[str]
) -> Rows:
    """Rows of (position of the piece, `then`…, sums…): grouped by what the primary key begins with, then by less."""
    names = [f"sum{n}" for n in range(len(asked.columns))]
    what = ", ".join((*first, *(f"SUM({column}) AS {name}" for column, name in zip(asked.columns, names, strict=True))))
    of = f"{what} FROM {asked.table} WHERE width = ? AND start >= ? AND start < ?{_which(asked, first)}"
    arms = " UNION ALL ".join(f"SELECT {part} AS part, {of}" for part, piece in enumerate(pieces) for _ in piece)
    columns = ", ".join(("part", *then, *(_total(f"SUM({name})") for name in names)))
    groups = ", ".join(("part", *(column.rpartition(" ")[2] for column in then)))
    return source.read(
        f"SELECT {columns} FROM ({arms}) AS spans GROUP BY {groups}",
        [value for piece in pieces for span in piece for value in (*span, *asked.args)],
    )


def _in_any_order(
    source: Reads, asked: Question, pieces: Sequence[Piece], columns: Sequence[str], group: Sequence[str] = ()
) -> Rows:
    """Rows of (position of the piece, `columns`…); one text for any spans, so that it is quickly prepared."""
    spans = [(part, *span) for part, piece in enumerate(pieces) for span in piece]
    grouped = (*group, "part") if group else ()  # names first: what begins with a text is sorted faster
    return source.read(
        f"WITH spans(part, wide, since, until) AS (VALUES {', '.join((_TYPED, *[_SPAN] * (len(spans) - 1)))})"
        f" SELECT part, {', '.join(columns)} FROM spans CROSS JOIN {asked.table}"
        f" WHERE width = wide AND start >= since AND start < until{_which(asked, grouped)}",
        (*chain.from_iterable(spans), *asked.args),
    )


def _which(asked: Question, group: Sequence[str]) -> str:
    return (f" AND {asked.where}" if asked.where else "") + (f" GROUP BY {', '.join(group)}" if group else "")


def _total(sums: str) -> str:
    return f"CAST(COALESCE({sums}, 0) AS BIGINT)"


def _sums_of(rows: Rows, keys: int, pieces: Sequence[Piece]) -> list[Answer]:
    """The answers of which each row is one: its first values are the position of the piece and the key."""
    found: list[Answer] = [{} for _ in pieces]
    for row in rows:
        found[row[0]][row[1:keys]] = row[keys:]
    return found


# --- adding up ------------------------------------------------------------------------------------------------


def add_sums(answers: Sequence[Answer]) -> Answer:
    """The sums of several pieces together."""
    return _together(answers, lambda have, more: tuple(map(add, have, more)))


def add_counts(answers: Sequence[Answer]) -> Answer:
    """The distributions of several pieces together."""
    return _together(answers, lambda have, more: together((have, more)))


def _together(answers: Sequence[Answer], both: Callable[[Total, Total], Total]) -> Answer:
    first, *others = answers or ({},)
    if not any(others):
        return first
    total = dict(first)
    for answer in others:
        for key, value in answer.items():
            total[key] = both(total[key], value) if key in total else value
    return total
