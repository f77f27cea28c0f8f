"""Where a store lies on this machine, and the files that go with it."""

from __future__ import annotations

import contextlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

    Identity: TypeAlias = tuple[int, ...]

__all__ = ["beside", "file_bytes", "file_identity", "make_private", "open_like"]

_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | _CLOEXEC


def beside(place: str | Path, ending: str) -> str:
    """A companion of a store file, such as its `.lock`: it lies where the file does, not where a link to it is."""
    return os.path.realpath(place) + ending


def file_identity(path: str) -> Identity | None:
    """Which file stands at a path, None for none. A file that is open keeps its number, deleted or not."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def make_private(path: str) -> None:
    """Make an empty file that only its owner may read, in a folder made likewise where there is none. Raises OSError.

    Nothing happens to a file or folder that is there.
    """
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, _NEW, 0o600))


def open_like(path: str, other: str) -> int:
    """Open a file for writing; a new one belongs to whom another belongs, with the same permissions. Raises OSError.

    Whoever may write a store may then use the files that go with it, though somebody else (root, say) made them.
    """
    try:
        opened = os.open(path, _NEW, 0o600)
    except FileExistsError:
        return os.open(path, os.O_RDWR | _CLOEXEC)
    with contextlib.suppress(OSError, AttributeError):  # on Windows there are neither owners nor such permissions
        model = os.stat(other)
        os.fchmod(opened, model.st_mode & 0o666)
        if os.geteuid() == 0:
            os.fchown(opened, model.st_uid, model.st_gid)
    return opened


def file_bytes(path: str) -> int:
    """The size of a file; 0 where there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
