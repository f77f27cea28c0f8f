"""How connections are closed: when they are asked to be, when their owner is gone, and never by a forked child."""

from __future__ import annotations

import os
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fedstore.engine.driver import sqlite3
    from fedstore.engine.locking import FileLock

__all__ = ["close_with"]


def close_with(owner: object, connection: sqlite3.Connection, lock: FileLock | None = None) -> Callable[[], None]:
    """What closes a connection (and its lock file) when called, and by itself when its owner is gone.

    Not at exit: what is still queued then has yet to be written.
    """
    finalizer = weakref.finalize(owner, _close, connection, lock, os.getpid())
    finalizer.atexit = False
    return finalizer


def _close(connection: sqlite3.Connection, lock: FileLock | None, pid: int) -> None:
    if pid == os.getpid():
        connection.close()
    else:
        _abandoned.append(connection)
    if lock is not None:
        lock.close()


_abandoned: list[sqlite3.Connection] = []
"""Connections of a parent process that was inside them when it forked: they can never be closed in the child."""
