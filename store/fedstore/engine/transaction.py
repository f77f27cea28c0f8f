"""One write to the store: who may write, and what a transaction is.

One connection writes for all threads of a process, one transaction at a time: the threads take turns, then come the
lock file among the processes, then `BEGIN IMMEDIATE`.
"""

from __future__ import annotations

import sys
import threading
from itertools import pairwise

from fedstore.engine.closing import close_with
from fedstore.engine.driver import sqlite3
from fedstore.engine.faults import store_error
from fedstore.engine.log import Log
from fedstore.engine.merging import Adding, merge_text
from fedstore.engine.migrating import asking, is_pending, schema_version
from fedstore.engine.turn import Turn
from fedstore.errors import StoreBusyError, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import FrameType, TracebackType
    from typing import Literal

    from fedstore.engine.forking import Holdable
    from fedstore.engine.locking import FileLock
    from fedstore.engine.place import Identity
    from fedstore.engine.protocol import Parameters, Row, Value
    from fedstore.engine.tables import SummaryTable

__all__ = ["Patient", "Transaction"]


_SAVE_WAIT_S = 0.1
_MAIN = threading.main_thread().ident


class Transaction:
    """What a process writes with: a context in which one write at a time stands or falls as a whole.

    It holds the one connection that writes, its lock file, and the turn of the threads that share them. `memo` holds
    what earlier transactions of this process read and noted there, as long as nobody else has written since; `names`
    the codes of names, which nobody changes as long as the file is the same.
    """

    def __init__(
        self, connection: sqlite3.Connection, lock: FileLock, path: str, timeout_s: float, identity: Identity | None
    ) -> None:
        self.connection = connection
        self.adding = Adding()
        connection.create_function("add_bins", 2, self.adding.add, deterministic=True)
        self.identity = identity
        self.turn = Turn()
        self.memo: dict[str, tuple[int, ...]] = {}
        self.names: dict[str, int] = {}
        self.close = close_with(self, connection, lock)
        self._cursor = connection.cursor()  # one for all statements: to make one costs as much as to bind six values
        self._lock = lock
        self._path = path
        self._timeout_s = timeout_s
        self._token = -1
        self._schema_version = schema_version(asking(connection))
        self.log = Log(path, connection)
        self.is_stale = False
        """Whether to look at once whether the store has to be opened anew."""
        self.is_over = False
        """Whether nobody may write here any more: the store has to be opened anew."""

    def is_mine(self) -> bool:
        """Whether this thread is writing with it."""
        return self.turn.is_mine()

    def close_in_child(self, held: Iterable[Holdable]) -> None:
        """Close it in a forked child, unless a thread of the parent was writing at that moment.

        One that the fork has waited for in vain waits for the lock file itself, if it is in no transaction.
        """
        if any(lock is self.turn for lock in held) or not self.connection.in_transaction:
            self.connection.close()
        self.close()

    def __enter__(self) -> Transaction:
        return self.enter(self._timeout_s, sys._getframe(1))  # noqa: SLF001 - the only way to the caller's frame

    def enter(self, patience_s: float, call: FrameType) -> Transaction:
        """Begin a transaction of `call`, waiting for other writers at most so long. Raises StoreError."""
        self._take_turn(patience_s, call)
        try:
            self._begin(patience_s)
        except BaseException as error:
            self._abandon()
            if isinstance(error, sqlite3.Error):
                raise store_error(error, self._path) from error
            raise
        return self

    def patient(self, patience_s: float) -> Patient:
        """The same as a context that waits for other writers at most so long."""
        return Patient(self, patience_s)

    def save_log(self) -> bool:
        """Save what a log held that was deleted; nobody writes here any more then. See `Log.save`."""
        self._take_turn(_SAVE_WAIT_S, sys._getframe())  # noqa: SLF001 - as above
        try:
            self._lock.acquire(_SAVE_WAIT_S)
            saved = self.log.save()
            self.is_over = True
        except StoreBusyError:
            raise
        except (StoreError, sqlite3.Error) as error:
            self.is_over = True
            raise store_error(error, self._path) from error
        finally:
            self._release()
        return saved

    def settle(self) -> None:
        """Let go when the call that began a transaction was thrown out of it before it could end."""
        if self.turn.was_left():
            self._abandon()

    def execute(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of one statement."""
        return self._cursor.execute(sql, parameters).fetchall()

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> int:
        """How many rows were really written. What makes the rows must not use the transaction."""
        return self._cursor.executemany(sql, rows).rowcount

    def insert_new(self, sql: str, rows: Iterable[Parameters]) -> Sequence[int]:
        """The positions of the rows that were inserted.

        The connection counts what it has changed: asked after each row, that costs a hundredth of a batch. `RETURNING`
        needs a call per row, which doubles it, and a savepoint to go back to copies every page that is touched.
        """
        connection, before, counts = self.connection, self.connection.total_changes, list[int]()

        def watched() -> Iterator[Parameters]:
            for row in rows:
                yield row  # comes back once the row was inserted, or was not
                counts.append(connection.total_changes)

        self._cursor.executemany(sql, watched())
        if not counts or counts[-1] - before == len(counts):
            return range(len(counts))
        return [at for at, (was, now) in enumerate(pairwise((before, *counts))) if now > was]

    def merge(self, table: SummaryTable, rows: Iterable[Sequence[Value]]) -> None:
        """Add rows to a summary, to those with the same keys where there are such."""
        text = merge_text(table)
        if not table.bins or threading.get_ident() != _MAIN:
            self._cursor.executemany(text, rows)
        else:
            with self.adding:
                self._cursor.executemany(text, rows)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        if error is None:
            try:
                self._cursor.execute("COMMIT")
                self._release()
            except BaseException as failure:
                self._abandon()
                if isinstance(failure, sqlite3.Error):
                    raise store_error(failure, self._path) from failure
                raise
            return False
        self._abandon()
        if isinstance(error, sqlite3.Error):
            raise (self.adding.interruption(error) or store_error(error, self._path)) from error
        return False

    # --- inside --------------------------------------------------------------------------------------------

    def _take_turn(self, patience_s: float, call: FrameType) -> None:
        """Wait until no other thread writes. Raises StoreBusyError."""
        if not self.turn.take(call, patience_s):
            if self.is_mine():
                raise StoreBusyError(f"{self._path}: a write was begun inside another write of the same thread")
            raise StoreBusyError(f"{self._path} was held by another thread for {patience_s:g} s: try again")
        if self.turn.found_left:
            self.turn.found_left = False
            self._roll_back()

    def _begin(self, patience_s: float) -> None:
        execute = self._cursor.execute
        self._check_over()
        self._lock.acquire(patience_s)
        if patience_s < self._timeout_s:
            execute(f"PRAGMA busy_timeout = {round(patience_s * 1000)}")
        try:
            execute("BEGIN IMMEDIATE")
        finally:
            if patience_s < self._timeout_s:
                execute(f"PRAGMA busy_timeout = {round(self._timeout_s * 1000)}")
        (token,) = execute("PRAGMA data_version").fetchone()
        if token != self._token:  # somebody else has written
            self._look_again()
            self._token = token

    def _check_over(self) -> None:
        if self.is_over:
            raise StoreBusyError(f"{self._path} is being opened anew: try again")

    def _look_again(self) -> None:
        """Forget what was noted. Raises StoreError when what was written is not for this program to add to.

        That is a store which a newer program has brought up to its schema, or whose log was deleted.
        """
        self.memo.clear()
        if self.log.is_left():
            self.is_stale = True
            raise StoreBusyError(f"the log of {self._path} was deleted while it was open: try again")
        version = schema_version(self.execute)
        if version != self._schema_version:
            is_pending(self.execute, self._path)
            self._schema_version = version

    def _release(self) -> None:
        """Let the next one write."""
        try:
            self._lock.release()
        except BaseException:
            self._lock.release()
            raise
        finally:
            self.turn.give_back()

    def _abandon(self) -> None:
        """Roll back, forget what was noted, let go; nothing when this thread has let go already."""
        if not self.is_mine():
            return
        try:
            self._roll_back()
        finally:
            self._release()

    def _roll_back(self) -> None:
        self.memo.clear()
        self.names.clear()
        try:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
        except sqlite3.Error:
            self.memo.clear()  # the engine has rolled back by itself, as it does when a disk is full


class Patient:
    """A transaction whose beginning waits for other writers only so long, in seconds."""

    __slots__ = ("_patience_s", "_transaction")

    def __init__(self, transaction: Transaction, patience_s: float) -> None:
        self._transaction = transaction
        self._patience_s = patience_s

    def __enter__(self) -> Transaction:
        return self._transaction.enter(self._patience_s, sys._getframe(1))  # noqa: SLF001 - as in Transaction

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        return self._transaction.__exit__(kind, error, trace)
