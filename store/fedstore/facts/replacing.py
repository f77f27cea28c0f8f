"""Facts that are told again as more than before: a response that went on, a turn that did not end after all.

Who reads a transcript while it is written must say at some time that something is over; when it goes on, the larger or
longer copy takes the place of the other. Which of some copies stands is a total order of what they say, so the order in
which they come does not matter. The summaries are adjusted by what the former one had added.
"""

from __future__ import annotations

from fedstore.bins import pack_bins, read_bins
from fedstore.facts.summary import Deltas
from fedstore.widths import MINUTE_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fedstore.engine.protocol import Row, Tx
    from fedstore.facts.kind import Writing
    from fedstore.facts.summary import Key, Part, Summary
    from fedstore.facts.table import Table

    Add = Callable[[Deltas, Row], None]
    Outranks = Callable[[Row, Row], bool]

__all__ = ["outranks", "write_or_replace"]

NO_PARTS: Mapping[str, str] = {}


def outranks(table: Table, more: Sequence[str], lesser: Sequence[str] = ()) -> Outranks:
    """Whether the first of two rows stands: it has more, the columns `more` compared one after the other, or as much
    and the lesser texts. What is not known is less than all.
    """
    numbers = [table.columns.index(column) for column in more]
    texts = [table.columns.index(column) for column in lesser]

    def stands(row: Row, other: Row) -> bool:
        has, had = ([-1 if of[at] is None else of[at] for at in numbers] for of in (row, other))
        return has > had or (has == had and [row[at] for at in texts] < [other[at] for at in texts])

    return stands


class _TakenBack(Deltas):
    """Deltas that take back what is added to them."""

    def __init__(self, writing: Writing) -> None:
        super().__init__()
        self._writing = writing

    def add(self, summary: Summary, at_ms: int, key: Key, part: Part) -> None:
        self._writing.deltas.add(summary, at_ms, key, tuple(map(_less, part)))
        self._writing.emptied.append((summary, at_ms - at_ms % MINUTE_MS, key))


def _less(value: int | bytes | bytearray) -> int | bytes:
    """What takes a sum, or a packed distribution, back."""
    return -value if isinstance(value, int) else pack_bins({at: -n for at, n in read_bins(value)})


def write_or_replace(
    writing: Writing, table: Table, rows: list[Row], named: Sequence[str], add: Add, stands: Outranks,
    parts: Mapping[str, str] = NO_PARTS,
) -> int:  # fmt: skip
    """Insert the facts that are not there yet, and let those that say more take the place of what is there.

    What hangs on a fact that is replaced, rows of the tables `parts` with its id in the column named there, goes with
    it. How many were new or took a place.
    """
    fresh = table.insert_new(writing.tx, rows, writing.now_ms, named)
    for row in fresh:
        add(writing.deltas, row)
    if len(fresh) == len(rows):
        return len(fresh)
    new = {id(row) for row in fresh}
    known = [row for row in rows if id(row) not in new]
    return len(fresh) + sum(_replaces(writing, table, row, add, stands, parts) for row in known)


def _replaces(writing: Writing, table: Table, row: Row, add: Add, stands: Outranks, parts: Mapping[str, str]) -> bool:
    """Whether a row changed what is there of its fact; nothing is there where it was purged."""
    there = _there(writing.tx, table, row)
    best = row
    for other in there:
        if not stands(best, other):
            best = other
    for other in there:
        if other is not best:
            add(_TakenBack(writing), other)
            for name, column in {**parts, table.name: "id"}.items():
                writing.tx.execute(f"DELETE FROM {name} WHERE {column} = ?", (other[0],))
    if there and best is row:
        table.insert(writing.tx, [row])
        add(writing.deltas, row)
    return bool(there) and (best is row or len(there) > 1)


def _there(tx: Tx, table: Table, row: Row) -> list[Row]:
    """The facts that are there under one of the names of a row: more than one where nobody knew that they are one."""
    names = [("id", row[0]), *((column, row[at]) for column, at in table.aliases if row[at])]
    where = " OR ".join(f"{column} = ?" for column, _ in names)
    sql = f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE {where}"
    return tx.execute(sql, [value for _, value in names])
