"""The tables that kinds of facts are written to, and the statements that insert rows into them."""

from __future__ import annotations

from operator import itemgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fedstore.engine.protocol import Row, Tx

__all__ = ["Table"]

_NEVER = (-1,)
_FACTS_PURGED = "SELECT at_ms FROM marks WHERE name = 'facts_purged'"


class Table:
    """A table and its columns, in the order of a kind's rows; those written with a "?" may be empty (NULL).

    `aliases` are columns that tell a fact from all others, too, where they are not empty, each with its position.
    """

    __slots__ = ("_optional", "_statements", "aliases", "columns", "name", "nullable")

    def __init__(self, name: str, *columns: str, aliases: Sequence[str] = ()) -> None:
        self.name = name
        self.aliases = tuple((alias, columns.index(alias)) for alias in aliases)
        self.columns = tuple(column.rstrip("?") for column in columns)
        self.nullable = frozenset(column.rstrip("?") for column in columns if column.endswith("?"))
        self._optional = tuple(at for at, column in enumerate(columns) if column.endswith("?"))
        self._statements: dict[tuple[int, ...], tuple[str, Callable[[Row], Row] | None]] = {}

    def insert(self, tx: Tx, rows: Sequence[Row]) -> int:
        """Insert rows; how many were not there yet. A fact that is there already changes nothing."""
        if not rows:
            return 0
        sql, pick = self._statement(rows)
        return tx.executemany(sql, rows if pick is None else map(pick, rows))

    def insert_new(self, tx: Tx, rows: list[Row], now_ms: int, named: Sequence[str]) -> list[Row]:
        """Insert rows of facts, whose id comes first; those that were not there (or purged) yet, each fact once.

        Only ids that came from outside, which `named` are, can be there already.
        """
        if tx.memo.get("facts_purged") != _NEVER:
            rows = _unless_purged(tx, self, rows, now_ms)
        if len(rows) > 1 and named:
            sql, pick = self._statement(rows)
            new = tx.insert_new(sql, rows if pick is None else map(pick, rows))
            return rows if len(new) == len(rows) else [rows[at] for at in new]
        return rows if self.insert(tx, rows) else []

    def _statement(self, rows: Sequence[Row]) -> tuple[str, Callable[[Row], Row] | None]:
        """The statement that inserts rows, without the columns that none of them fills, and what picks the others.

        The driver asks every adapter about a None before it binds one, which costs as much as ten numbers; a column
        that is left out is NULL all the same.
        """
        first = rows[0]
        empty = tuple([at for at in self._optional if first[at] is None])
        if empty and len(rows) > 1:
            empty = tuple([at for at in empty if all(row[at] is None for row in rows)])
        return self._statements.get(empty) or self._new_statement(empty)

    def _new_statement(self, empty: tuple[int, ...]) -> tuple[str, Callable[[Row], Row] | None]:
        kept = [at for at in range(len(self.columns)) if at not in empty]
        sql = (
            f"INSERT INTO {self.name} ({', '.join(self.columns[at] for at in kept)})"
            f" VALUES ({', '.join('?' * len(kept))}) ON CONFLICT DO NOTHING"
        )
        self._statements[empty] = made = sql, _picker(kept) if empty else None
        return made


def _picker(places: Sequence[int]) -> Callable[[Row], Row]:
    """What takes the values at these places of a row; of a single one itemgetter would give the value, no row."""
    return itemgetter(*places) if len(places) > 1 else itemgetter(slice(places[0], places[0] + 1))


def _unless_purged(tx: Tx, table: Table, rows: list[Row], now_ms: int) -> list[Row]:
    """The rows whose fact was not purged before."""
    newest = tx.memo.get("facts_purged")
    if newest is None:
        found = tx.execute(_FACTS_PURGED)
        newest = tx.memo["facts_purged"] = found[0] if found else _NEVER
    if newest == _NEVER:
        return rows
    from fedstore.facts.purged import not_purged

    rows = not_purged(tx, table.name, rows, newest[0], now_ms)
    for alias, at in table.aliases:
        rows = not_purged(tx, f"{table.name} {alias}", rows, newest[0], now_ms, at)
    return rows
