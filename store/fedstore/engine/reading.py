"""The reading side of a store: one connection per thread, and reads that see one moment."""

from __future__ import annotations

import threading

from fedstore.engine.closing import close_with
from fedstore.engine.driver import sqlite3
from fedstore.engine.faults import store_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["ReadSnapshot", "ThreadReader"]


class ThreadReader:
    """The read-only connection of one thread; closed when its thread ends."""

    def __init__(
        self, connection: sqlite3.Connection, schema_version: int, is_present: Callable[[], bool], serial: int
    ) -> None:
        self.connection = connection
        self.schema_version = schema_version
        self.token = -1
        """The state in which the store was last looked at."""
        self.is_present = is_present
        """Whether what it reads is still what others see at the path."""
        self.serial = serial
        self.busy = False
        self.close = close_with(self, connection)
        self.thread = threading.get_ident()

    def close_in_child(self) -> None:
        """Close it in a forked child, unless another thread was inside it at that moment."""
        if self.thread == threading.get_ident() or not self.busy:
            self.connection.close()
        self.close()


class ReadSnapshot:
    """A read transaction: every query inside sees the same moment."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path

    def __enter__(self) -> ReadSnapshot:
        try:
            self._connection.execute("BEGIN")
        except sqlite3.Error as error:
            raise store_error(error, self._path) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")
        except sqlite3.Error as failure:
            if error is None:
                raise store_error(failure, self._path) from failure
