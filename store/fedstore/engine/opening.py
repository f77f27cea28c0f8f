"""How a connection to a store file is opened, for writing or reading, and from a place where nothing may be written.

A store with a write-ahead log cannot be read where its companion files cannot be made, unless nobody writes it:
then it is read as it stands, and opened anew when it changes.
"""

from __future__ import annotations

import os

from fedstore.engine.driver import sqlite3
from fedstore.engine.place import beside, file_bytes, file_identity
from fedstore.engine.transaction import store_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fedstore.engine.place import Identity

__all__ = ["connect", "may_stand_still", "still_identity"]

_CACHE_KIB = 16_384


def connect(place: str, mode: str, timeout_s: float) -> sqlite3.Connection:
    """A connection in ``mode`` of SQLite's URIs to a file. Raises StoreError."""
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
    try:
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    except sqlite3.Error as error:
        connection.close()
        raise store_error(error, place) from error
    return connection


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
