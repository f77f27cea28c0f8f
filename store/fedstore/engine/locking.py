"""The lock file beside the store: one writer at a time, across threads and processes.

SQLite before 3.51.3 can corrupt a store when commits and checkpoints of several processes interleave, and its
own lock waits are long and unfair. Writers therefore take this lock first. It belongs to an open file, so the
kernel releases it when a process dies. Readers never take it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time

from fedstore.engine.place import open_like
from fedstore.errors import StoreBusyError, StoreReadOnlyError

__all__ = ["FileLock"]

ENDING = ".lock"
"""What follows the store's name."""
_FIRST_PAUSE_S = 0.000_05
_LONGEST_PAUSE_S = 0.002

if sys.platform == "win32":  # pragma: no cover - exercised on Windows only
    import msvcrt

    _TAKE, _GIVE = msvcrt.LK_NBLCK, msvcrt.LK_UNLCK

    def _lock(fd: int, operation: int) -> None:
        os.lseek(fd, 0, os.SEEK_SET)
        try:
            msvcrt.locking(fd, operation, 1)
        except OSError as error:
            raise BlockingIOError(str(error)) from error

else:
    from fcntl import LOCK_EX, LOCK_NB, LOCK_UN
    from fcntl import flock as _lock

    _TAKE, _GIVE = LOCK_EX | LOCK_NB, LOCK_UN


class FileLock:
    """An exclusive advisory lock; one instance per thread, not reentrant."""

    def __init__(self, path: str, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._path = path
        self._fd = -1

    def acquire(self, patience_s: float | None = None) -> None:
        """Take the lock, waiting at most `patience_s` (else the timeout); the file is made when it is missing.

        Raises StoreBusyError, or StoreReadOnlyError when the file cannot be made or opened.
        """
        if self._fd < 0:
            self._open()
        try:
            _lock(self._fd, _TAKE)
        except BlockingIOError:
            self._wait(self._timeout_s if patience_s is None else patience_s)

    def _open(self) -> None:
        try:
            self._fd = open_like(self._path, self._path.removesuffix(ENDING))
        except OSError as error:
            raise StoreReadOnlyError(
                f"{self._path} cannot be opened for writing ({error.strerror}): check the folder's permissions,"
                " or read the store with --readonly"
            ) from error

    def _wait(self, patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        pause = _FIRST_PAUSE_S
        while time.monotonic() < deadline:
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)
            with contextlib.suppress(BlockingIOError):
                return _lock(self._fd, _TAKE)
        raise StoreBusyError(
            f"{self._path} was held by another process for {patience_s:g} s: try again, or find the writer that hangs"
        )

    def release(self) -> None:
        """Give the lock back, if it was got."""
        if self._fd >= 0:
            _lock(self._fd, _GIVE)

    def close(self) -> None:
        """Close the file, which releases the lock."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
