"""What there is to say about a store as a file of this engine: version, schema, sizes, soundness, access, lock.

Reads only; ``fedtop doctor`` prints it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fedstore.engine.driver import sqlite3
from fedstore.engine.faults import LITTLE_BYTES, free_bytes
from fedstore.engine.locking import FileLock
from fedstore.engine.place import beside, file_bytes
from fedstore.errors import StoreError, StoreReadOnlyError
from fedstore.finding import Finding
from fedstore.numbers import bytes_text
from fedstore.schema import MIGRATION_NAMES, MIGRATION_SET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedstore.engine.protocol import Reads

__all__ = ["findings", "version"]

LOCK_TIMEOUT_S = 0.2
LARGE_LOG_BYTES = 64_000_000
SMALL_ROOM_BYTES = 16_000_000


def findings(place: str, source: Reads) -> Iterator[Finding]:
    """The store at ``place``, which ``source`` reads. Raises StoreError when it cannot be read at all."""
    yield _schema(place, source)
    yield Finding("size", "ok", f"the file has {bytes_text(file_bytes(place))}")
    yield from _room(place)
    yield _log_file(place)
    yield _integrity(source)
    yield _access(place)
    yield _lock(place)


def version() -> Finding:
    """The engine itself, and what its version means for a store."""
    number = sqlite3.sqlite_version_info
    fixed = number >= (3, 51, 3) or (3, 50, 7) <= number < (3, 51) or (3, 44, 6) <= number < (3, 45)
    name = f"SQLite {sqlite3.sqlite_version}"
    if fixed:
        return Finding("engine", "ok", f"{name}: free of the write-ahead-log bug of older versions")
    return Finding(
        "engine",
        "ok",
        f"{name} can damage a store when several processes write at once (fixed in 3.51.3, 3.50.7 and 3.44.6);"
        " the lock file beside the store keeps fedtop's writers apart, so that it does not",
        "do not write to the store with other programs while fedtop records; reading is safe",
    )


def _schema(place: str, source: Reads) -> Finding:
    rows = source.read("SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY id", (MIGRATION_SET,))
    return Finding("store", "ok", f"{place}: schema {rows[-1][0]}, {len(rows)} of {len(MIGRATION_NAMES)} steps")


def _room(place: str) -> Iterator[Finding]:
    free = free_bytes(place)
    if free is None:
        return
    if free < LITTLE_BYTES:
        yield Finding("disk", "alert", "the disk that holds it is full: nothing can be recorded", "free some space")
    elif free < SMALL_ROOM_BYTES:
        yield Finding("disk", "warn", f"the disk that holds it has {bytes_text(free)} left", "free some space soon")
    else:
        yield Finding("disk", "ok", f"the disk that holds it has {bytes_text(free)} left")


def _log_file(place: str) -> Finding:
    size = file_bytes(beside(place, "-wal"))
    if size > LARGE_LOG_BYTES:
        return Finding(
            "log", "warn", f"the write-ahead log has grown to {bytes_text(size)}: a reader keeps it from being emptied",
            "close programs that keep the store open for long, such as a forgotten database browser",
        )  # fmt: skip
    return Finding("log", "ok", f"the write-ahead log has {bytes_text(size)}")


def _integrity(source: Reads) -> Finding:
    try:
        rows = source.read("PRAGMA quick_check(3)")
    except StoreError as error:
        rows = [(str(error),)]
    if rows == [("ok",)]:
        return Finding("integrity", "ok", "the file is sound")
    return Finding(
        "integrity", "alert", f"the file is damaged: {'; '.join(' '.join(str(row[0]).split()) for row in rows)}",
        "restore a copy, or move it away and import its sources again",
    )  # fmt: skip


def _access(place: str) -> Finding:
    if os.access(place, os.W_OK) and os.access(os.path.dirname(beside(place, "")), os.W_OK):
        return Finding("access", "ok", "it can be written")
    return Finding(
        "access", "warn", "it can be read but not written", "check the permissions of the file and of its folder"
    )


def _lock(place: str) -> Finding:
    path = beside(place, ".lock")
    if not os.path.exists(path):
        return Finding("lock", "ok", "nobody has written since the lock file was removed")
    lock = FileLock(path, LOCK_TIMEOUT_S)
    try:
        lock.acquire()
        lock.release()
    except StoreReadOnlyError as error:
        return Finding("lock", "warn", str(error))
    except StoreError:
        return Finding(
            "lock", "warn", f"a writer has held {path} for more than {LOCK_TIMEOUT_S:g} s",
            "if it stays so, find the writer that hangs (on Linux: `fuser` on the lock file)",
        )  # fmt: skip
    finally:
        lock.close()
    return Finding("lock", "ok", "the lock file is free")
