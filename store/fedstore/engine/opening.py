"""How a connection to a store file is opened, for writing or reading, and from a place where nothing may be written.

A store with a write-ahead log cannot be read where its companion files cannot be made, unless nobody writes it:
then it is read as it stands, and opened anew when it changes.
"""

from __future__ import annotations

import contextlib
import os

from fedstore.engine.driver import sqlite3
from fedstore.engine.faults import store_error
from fedstore.engine.migrating import asking, is_pending, schema_version, unready
from fedstore.engine.place import beside, file_bytes, file_identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedstore.engine.locking import FileLock
    from fedstore.engine.place import Identity

__all__ = ["APPLICATION_ID", "connect", "connect_reader", "connect_writer", "may_stand_still", "still_identity"]

APPLICATION_ID = 0x46454454  # "FEDT": what `file` and other tools see in the header
_CACHE_KIB = 16_384
_PAGE_BYTES = 2_048  # a small write dirties about four pages whatever their size: half the bytes in the log
_CHECKPOINT_BYTES = 6_000_000
_WAL_LIMIT_BYTES = 8_000_000


def connect(place: str, mode: str, timeout_s: float) -> sqlite3.Connection:
    """A connection in `mode` of SQLite's URIs to a file. Raises StoreError."""
    path = place.replace(os.sep, "/")
    for special in "%?#":
        path = path.replace(special, f"%{ord(special):02x}")
    uri = f"file:{'' if path.startswith('/') else '/'}{path}?mode={mode}"
    try:
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, timeout=timeout_s, cached_statements=256, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise store_error(error, place) from error
    with _closed_on_failure(connection, place):
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return connection


def connect_writer(place: str, timeout_s: float, lock: FileLock) -> sqlite3.Connection:
    """A connection that writes to a file, which is made when there is none. Raises StoreError."""
    connection = connect(place, "rwc", timeout_s)
    with _closed_on_failure(connection, place):
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        if mode != "wal":
            _prepare(connection, place, lock)
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_BYTES // page_bytes}")
    return connection


def connect_reader(place: str, mode: str, timeout_s: float) -> tuple[sqlite3.Connection, int]:
    """A connection that only reads a store, and the version of the schema that was found good. Raises StoreError."""
    connection = connect(place, mode, timeout_s)
    with _closed_on_failure(connection, place):
        connection.execute("PRAGMA query_only = ON")
        ask = asking(connection)
        version = schema_version(ask)
        if is_pending(ask, place):
            raise unready(ask, place)
    return connection, version


def _prepare(connection: sqlite3.Connection, place: str, lock: FileLock) -> None:
    """Give a new file its form; under the lock, because two processes doing it at once fail."""
    ask = asking(connection)
    is_pending(ask, place)  # raises for a file that is not ours, before anything is made beside it
    lock.acquire()
    try:
        if is_pending(ask, place) and ask("PRAGMA page_count") == [(0,)]:
            connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
    finally:
        lock.release()


@contextlib.contextmanager
def _closed_on_failure(connection: sqlite3.Connection, place: str) -> Iterator[None]:
    """Closes a connection that cannot be used. Raises StoreError."""
    try:
        yield
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise store_error(error, place) from error
        raise


def may_stand_still(place: str) -> bool:
    """Whether nothing can be made beside a store and nobody has it open for writing."""
    return not os.access(os.path.dirname(beside(place, "")), os.W_OK) and not _log_bytes(place)


def still_identity(path: str) -> Identity | None:
    """Which file stands at a path, and in which state; differs once anybody has begun to write to it."""
    identity = file_identity(path)
    if identity is None:
        return None
    found = os.stat(path)
    return *identity, found.st_mtime_ns, found.st_size, _log_bytes(path)


def _log_bytes(place: str) -> int:
    return file_bytes(beside(place, "-wal"))
