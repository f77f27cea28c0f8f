"""A fork waits until no other thread of the process is inside SQLite.

The child has only the thread that forked, but all of SQLite's memory. Cut through a transaction, that memory says for
ever that the store is locked; cut through a call, that SQLite's own mutexes are. The child could never record, and
would keep every other writer out while it tries. Transactions and reads take milliseconds, so the wait is short; it is
bounded all the same, because what holds a connection may be waiting for another program.
"""

from __future__ import annotations

import os
import threading
import time
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol, TypeVar

    Item = TypeVar("Item")

    class Holdable(Protocol):
        """A lock, or what is taken and given back as one."""

        def acquire(self, *, timeout: float) -> bool:
            """Whether it was got within so many seconds."""

        def release(self) -> None:
            """Give it back."""

    class Forked(Protocol):
        """What holds connections, which a fork copies."""

        def locks_for_fork(self) -> Iterable[Holdable]:
            """What keeps other threads out while it is held."""

        def is_read(self) -> bool:
            """Whether another thread is reading."""

        def let_go(self, place: str) -> None:
            """Open every connection to the file at `place` anew."""

        def after_fork_in_child(self, held: Iterable[Holdable]) -> None:
            """Leave what was inherited; `held` are the locks that the fork had got."""


__all__ = ["WAIT_S", "holders", "present", "under_way", "wait", "watch"]

WAIT_S = 2.0
_PAUSE_S = 0.000_2

under_way = False
"""Whether the process is about to fork: who wants to read waits, see `wait`."""
_watched: weakref.WeakSet[Forked] = weakref.WeakSet()
_held: list[Holdable] = []
_one_fork = threading.Lock()
_over = threading.Event()


def watch(database: Forked) -> None:
    """Have forks wait for it."""
    _watched.add(database)


def holders() -> list[Forked]:
    """Whatever in this process holds connections."""
    return present(_watched)


def wait() -> None:
    """Return when the fork is over, or took too long."""
    _over.wait(WAIT_S)


def present(items: weakref.WeakSet[Item]) -> list[Item]:
    """What is in a set to which other threads may add."""
    while True:
        try:
            return list(items)
        except RuntimeError:  # it changed meanwhile
            continue


def _before() -> None:
    global under_way
    _one_fork.acquire()
    _over.clear()
    under_way = True
    deadline = time.monotonic() + WAIT_S
    for database in present(_watched):
        _held.extend(lock for lock in database.locks_for_fork() if _acquired(lock, deadline))
        while database.is_read() and time.monotonic() < deadline:
            time.sleep(_PAUSE_S)


def _acquired(lock: Holdable, deadline: float) -> bool:
    return lock.acquire(timeout=max(0.0, deadline - time.monotonic()))


def _after_in_parent() -> None:
    global under_way
    under_way = False
    while _held:
        _held.pop().release()
    _over.set()
    _one_fork.release()


def _after_in_child() -> None:
    global under_way, _one_fork, _over
    under_way, _one_fork, _over = False, threading.Lock(), threading.Event()
    held = list(_held)
    _held.clear()
    for database in list(_watched):
        database.after_fork_in_child(held)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
