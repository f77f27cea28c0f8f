"""How rows are added to a summary: one UPSERT, whose packed distributions SQLite merges through Python."""

from __future__ import annotations

import sys
import threading

from fedstore.bins import add_bins
from fedstore.engine.driver import sqlite3
from fedstore.engine.tables import MOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fedstore.engine.tables import SummaryTable

__all__ = ["Adding", "merge_text"]

_RAISED = "user-defined function raised exception"


class Adding:
    """`add_bins` as SQLite calls it, which drops whatever a function raises and only says that it raised.

    What is raised inside `add_bins` is noted. A signal may be handled just before its first line, where only the hook
    of what cannot be raised hears of it: the main thread, which handles signals, listens there while it merges.
    """

    __slots__ = ("_former", "_noted")

    def __init__(self) -> None:
        self._noted: BaseException | None = None
        self._former: Callable[[sys.UnraisableHookArgs], object] = sys.unraisablehook

    def add(self, there: bytes, added: bytes) -> bytes:
        try:
            return add_bins(there, added)
        except BaseException as error:
            self._noted = error
            raise

    def __enter__(self) -> None:
        self._former, sys.unraisablehook = sys.unraisablehook, self._note
        sqlite3.enable_callback_tracebacks(True)

    def __exit__(self, *_: object) -> None:
        sqlite3.enable_callback_tracebacks(False)
        sys.unraisablehook = self._former

    def interruption(self, error: sqlite3.Error) -> BaseException | None:
        """What ended the program's work, when it was not a fault of the store that SQLite reports with `error`."""
        noted, self._noted = self._noted, None
        if str(error) != _RAISED:
            return None
        if noted is None:
            return None
        from fedstore.interrupts import is_the_programs_own

        return noted if is_the_programs_own(noted) else None

    def _note(self, args: sys.UnraisableHookArgs) -> None:
        if threading.current_thread() is not threading.main_thread():
            self._former(args)
        elif self._noted is None:
            self._noted = args.exc_value


_AMOUNTS = ("_nano", "_us", "_ms", "tokens")
"""How the sums end that a few odd facts can fill: numbers of facts, and shares of them, cannot reach the end."""
_merges: dict[SummaryTable, str] = {}


def _added(table: str, column: str) -> str:
    """What stands in a sum after a row was added: to ask for the lesser of two costs half a microsecond a column."""
    total = f"{table}.{column} + excluded.{column}"
    return f"MIN({total}, {MOST})" if column.endswith(_AMOUNTS) else total


def merge_text(table: SummaryTable) -> str:
    """The statement that adds a row to a summary."""
    known = _merges.get(table)
    if known is not None:
        return known
    name, columns = table.name, table.columns
    sets = [f"{c} = {_added(name, c)}" for c in table.sums]
    sets += [f"{c} = add_bins({name}.{c}, excluded.{c})" for c in table.bins]
    _merges[table] = text = (
        f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        f" ON CONFLICT ({', '.join(table.keys)}) DO UPDATE SET {', '.join(sets)}"
    )
    return text
