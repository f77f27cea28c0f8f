"""What an error of SQLite or of the system means for the user."""

from __future__ import annotations

import os

from fedstore.errors import StoreBusyError, StoreError, StoreReadOnlyError

__all__ = ["LITTLE_BYTES", "free_bytes", "store_error"]

LITTLE_BYTES = 65_536
"""With less room than that a disk is full."""


def store_error(error: BaseException, path: str) -> StoreError:
    """The StoreError that says what an SQLite or system error means for the user."""
    text = (isinstance(error, OSError) and error.strerror) or str(error)  # without the path, which may say anything
    if isinstance(error, StoreError):
        return error
    if "locked" in text or "busy" in text:
        return StoreBusyError(f"{path} is locked by another program: close what holds it open and try again")
    if "readonly" in text or "read-only" in text:
        return StoreReadOnlyError(f"{path} cannot be written: check its permissions, or only read it (--readonly)")
    if "full" in text or ("disk I/O" in text and _is_full(path)):
        return StoreError(f"the disk that holds {path} is full: free some space; nothing was half-written")
    if "disk I/O" in text:
        return StoreError(
            f"the system failed to read or write {path} ({text}): check its disk, your quota and the limit on the size"
            " of files; nothing was half-written"
        )
    if "not a database" in text:
        return StoreError(
            f"{path} is not a fedtop store (not an SQLite file, or its beginning is damaged): choose another path with"
            " --store, or restore a copy"
        )
    if "malformed" in text or "corrupt" in text:
        return StoreError(
            f"{path} is damaged ({text}): move it and its -wal file away, then restore a copy or `fedtop import` again"
        )
    if "unable to open" in text or isinstance(error, OSError):
        return StoreError(f"{path} cannot be opened ({text}): check that its folder exists and is yours")
    return StoreError(f"{path}: {text}: run `fedtop doctor` for a closer look")


def free_bytes(path: str) -> int | None:
    """How much room the disk has that holds a file; None where that cannot be asked."""
    try:
        found = os.statvfs(os.path.dirname(os.path.realpath(path)))
    except (OSError, AttributeError):  # no such call on Windows
        return None
    return found.f_bavail * found.f_frsize


def _is_full(path: str) -> bool:
    """Whether the disk has no room; on some, a log that cannot grow is reported as a failing disk."""
    free = free_bytes(path)
    return free is not None and free < LITTLE_BYTES
