"""Connections and transactions of one store file; the only module that knows the engine.

Each thread has its own connection (a connection shared across threads loses rows). Reads go through a
read-only connection; writes take the lock file, then ``BEGIN IMMEDIATE``. Opening checks what the file is and
migrates an older store; whatever is wrong with the file comes out as one StoreError that says what to do.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from fedstore import schema
from fedstore.driver import sqlite3
from fedstore.errors import StoreBusyError, StoreError, StoreNewerError, StoreReadOnlyError
from fedstore.locking import FileLock

__all__ = ["APPLICATION_ID", "Database", "Transaction", "store_error"]

APPLICATION_ID = 0x46454454  # "FEDT": what `file` and other tools see in the header
BUSY_TIMEOUT_S = 30.0
_HEADER = b"SQLite format 3\x00"
_WAL_LIMIT_BYTES = 8_000_000
_CACHE_KIB = 16_384

Parameters = Sequence[Any] | Mapping[str, Any]
Row = tuple[Any, ...]


def store_error(error: BaseException, path: Path) -> StoreError:
    """The StoreError that says what an SQLite or system error means for the user."""
    text = str(error)
    if isinstance(error, StoreError):
        return error
    if "locked" in text or "busy" in text:
        return StoreBusyError(f"{path} is locked by another program: close what holds it open and try again")
    if "readonly" in text or "read-only" in text:
        return StoreReadOnlyError(f"{path} cannot be written: check its permissions, or use --readonly")
    if "full" in text:
        return StoreError(f"the disk that holds {path} is full: free some space; nothing was half-written")
    if "not a database" in text or "malformed" in text or "corrupt" in text:
        return StoreError(
            f"{path} is damaged ({text}): restore a copy, or move it away and `fedtop import` its sources again"
        )
    if "unable to open" in text or isinstance(error, OSError):
        return StoreError(f"{path} cannot be opened ({text}): check that its folder exists and is yours")
    return StoreError(f"{path}: {text}: run `fedtop doctor` for a closer look")


class Transaction:
    """One write: lock file, BEGIN IMMEDIATE, COMMIT; rolled back whole when its block raises."""

    __slots__ = ("_lock", "_path", "connection")

    def __init__(self, connection: sqlite3.Connection, lock: FileLock, path: Path) -> None:
        self.connection = connection
        self._lock = lock
        self._path = path

    def __enter__(self) -> Transaction:
        self._lock.acquire()
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except BaseException as error:
            self._lock.release()
            if isinstance(error, sqlite3.Error):
                raise store_error(error, self._path) from error
            raise
        return self

    def execute(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of one statement."""
        return self.connection.execute(sql, parameters).fetchall()

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> int:
        """How many rows were really written."""
        return self.connection.executemany(sql, rows).rowcount

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        try:
            if error is None:
                self.connection.execute("COMMIT")
            else:
                self._roll_back()
        except sqlite3.Error as failure:
            self._roll_back()
            raise store_error(failure, self._path) from failure
        finally:
            self._lock.release()
        if isinstance(error, sqlite3.Error):
            raise store_error(error, self._path) from error
        return False

    def _roll_back(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")


class Database:
    """A store file. ``readonly`` never creates, migrates or writes.

    Raises StoreError when the file is missing, foreign, newer, damaged or not permitted.
    """

    def __init__(self, path: str | Path, *, readonly: bool = False, timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path = Path(path).expanduser()
        self.readonly = readonly
        self._timeout_s = timeout_s
        self._local = threading.local()
        self._opened: list[sqlite3.Connection | FileLock] = []
        self._guard = threading.Lock()
        self._pid = os.getpid()
        self._inspect()
        if not readonly:
            self._bring_up_to_date()

    # --- reading -------------------------------------------------------------------------------------------

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows; the cursor is never left open, since that would pin the write-ahead log."""
        try:
            return self._reader().execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise store_error(error, self.path) from error

    def change_token(self) -> int:
        """A number that differs when another connection has committed since the last call of this thread."""
        try:
            (token,) = self._reader().execute("PRAGMA data_version").fetchone()
        except sqlite3.Error as error:
            raise store_error(error, self.path) from error
        return int(token)

    def snapshot(self) -> ReadSnapshot:
        """A context in which all reads of this thread see the store as of one moment."""
        return ReadSnapshot(self._reader(), self.path)

    # --- writing -------------------------------------------------------------------------------------------

    def write(self) -> Transaction:
        """A transaction of this thread. Raises StoreReadOnlyError for a read-only store."""
        if self.readonly:
            raise StoreReadOnlyError(f"{self.path} is open read-only: leave out --readonly to change it")
        local = self._here()
        try:
            return Transaction(local.writer, local.lock, self.path)
        except AttributeError:
            local.lock = self._keep(FileLock(self.path.with_name(self.path.name + ".lock"), self._timeout_s))
            local.writer = self._keep(self._connect_writer())
            return Transaction(local.writer, local.lock, self.path)

    def close(self) -> None:
        """Close every connection of every thread."""
        with self._guard:
            opened, self._opened = self._opened, []
        if os.getpid() == self._pid:
            for item in opened:
                item.close()
        self._local = threading.local()

    # --- opening -------------------------------------------------------------------------------------------

    def _here(self) -> Any:
        if os.getpid() != self._pid:  # a forked child must not touch its parent's connections
            self._pid = os.getpid()
            self._local = threading.local()
            self._opened = []
        return self._local

    def _keep(self, item: Any) -> Any:
        with self._guard:
            self._opened.append(item)
        return item

    def _inspect(self) -> None:
        path = self.path
        if path.is_dir():
            raise StoreError(f"{path} is a folder: name a file in it, such as {path / 'fedtop.db'}")
        if not path.exists():
            if self.readonly:
                raise StoreError(f"there is no store at {path}: record something first, or try `fedtop demo`")
            return
        try:
            with path.open("rb") as file:
                head = file.read(len(_HEADER))
        except OSError as error:
            raise StoreError(f"{path} cannot be read ({error.strerror}): check its permissions") from error
        if head and head != _HEADER:
            raise StoreError(f"{path} is not a fedtop store (not an SQLite file): choose another path with --store")

    def _bring_up_to_date(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise store_error(error, self.path) from error
        try:
            with self.write() as transaction:
                if self._missing(transaction.connection):
                    schema.migrate(transaction.connection)
        except sqlite3.Error as error:
            self.close()
            raise store_error(error, self.path) from error
        except BaseException:
            self.close()
            raise

    def _missing(self, connection: sqlite3.Connection) -> bool:
        """Whether migrations are pending; raises for a store that is not ours or newer than we are."""
        applied = schema.applied_names(connection)
        if applied is None:
            raise StoreError(f"{self.path} belongs to another program: choose another path with --store")
        unknown = [name for name in applied if name not in schema.MIGRATION_NAMES]
        if unknown:
            raise StoreNewerError(
                f"{self.path} was written by a newer fedtop (it has {unknown[-1]}): upgrade fedtop to open it"
            )
        return len(applied) < len(schema.MIGRATION_NAMES)

    def _connect(self, uri: str) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                uri, uri=True, isolation_level=None, timeout=self._timeout_s, cached_statements=256,
                check_same_thread=False,
            )  # fmt: skip
        except sqlite3.Error as error:
            raise store_error(error, self.path) from error
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        return connection

    def _connect_writer(self) -> sqlite3.Connection:
        fresh = not self.path.exists() or self.path.stat().st_size == 0
        connection = self._connect(f"{self.path.absolute().as_uri()}?mode=rwc")
        try:
            if fresh:
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
        except sqlite3.Error as error:
            connection.close()
            raise store_error(error, self.path) from error
        return connection

    def _reader(self) -> sqlite3.Connection:
        local = self._here()
        try:
            reader: sqlite3.Connection = local.reader
        except AttributeError:
            reader = local.reader = self._keep(self._connect_reader())
        return reader

    def _connect_reader(self) -> sqlite3.Connection:
        connection = self._connect(f"{self.path.absolute().as_uri()}?mode=ro")
        try:
            connection.execute("PRAGMA query_only = ON")
            pending = self._missing(connection) if self.readonly else False
        except sqlite3.Error as error:
            connection.close()
            raise store_error(error, self.path) from error
        except StoreError:
            connection.close()
            raise
        if pending:
            connection.close()
            raise StoreError(f"{self.path} is from an older fedtop: open it once without --readonly to bring it up")
        return connection


class ReadSnapshot:
    """A read transaction: every query inside sees the same moment."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
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
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
