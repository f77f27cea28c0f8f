"""A look now and then at a store that may be missing, locked or somebody else's: for who can do without an answer."""

from __future__ import annotations

import threading

from fedstore.engine import forking
from fedstore.engine.closing import close_with
from fedstore.engine.driver import sqlite3
from fedstore.engine.faults import store_error
from fedstore.engine.opening import connect
from fedstore.engine.place import file_identity
from fedstore.errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fedstore.engine.forking import Holdable
    from fedstore.engine.place import Identity
    from fedstore.engine.protocol import Parameters, Row

__all__ = ["Peek"]


class Peek:
    """Reads the store file at `place`, waiting `wait_s` at most; makes, checks and migrates nothing.

    It opens the file when it is first asked, and again when another one stands there. Threads take turns.
    """

    def __init__(self, place: str, wait_s: float) -> None:
        self.serial = 0
        """Differs when another file, or the same one anew, was opened."""
        self._place = place
        self._wait_s = wait_s
        self._guard = threading.Lock()
        self._identity: Identity | None = None
        self._connection: sqlite3.Connection | None = None
        self._close: Callable[[], None] | None = None
        forking.watch(self)

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of one statement. Raises StoreError, and closes the file."""
        with self._guard:
            try:
                return self._connected().execute(sql, parameters).fetchall()
            except sqlite3.Error as error:
                self._drop()
                raise store_error(error, self._place) from error

    def close(self) -> None:
        """Close the file; the next question opens it again."""
        with self._guard:
            self._drop()

    def let_go(self, place: str) -> None:
        """Close the file if it is the one at `place`."""
        if place == self._place:
            self.close()

    def locks_for_fork(self) -> Iterator[Holdable]:
        """What keeps other threads out of the connection."""
        yield self._guard

    def is_read(self) -> bool:
        """Whether a thread reads without holding that lock: never."""
        return False

    def after_fork_in_child(self, held: Iterable[Holdable]) -> None:
        """Leave the parent's connection, and close it unless a thread of the parent was inside it."""
        if self._connection is not None and any(lock is self._guard for lock in held):
            self._connection.close()
        self._guard = threading.Lock()
        self._drop()

    def _connected(self) -> sqlite3.Connection:
        identity = file_identity(self._place)
        if self._connection is not None and identity == self._identity:
            return self._connection
        self._drop()
        if identity is None:
            raise StoreError(f"there is no store at {self._place}")
        connection = connect(self._place, "ro", self._wait_s)
        self._connection, self._identity, self._close = connection, identity, close_with(self, connection)
        self.serial += 1
        return connection

    def _drop(self) -> None:
        close, self._close, self._connection = self._close, None, None
        if close is not None:
            close()
