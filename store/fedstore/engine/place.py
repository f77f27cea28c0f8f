"""Where a store lies on this machine, and the files that go with it."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

    Identity: TypeAlias = tuple[int, ...]

__all__ = ["beside", "file_bytes", "file_identity"]


def beside(place: str | Path, ending: str) -> str:
    """A companion of a store file, such as its ``.lock``: it lies where the file does, not where a link to it is."""
    return os.path.realpath(place) + ending


def file_identity(path: str) -> Identity | None:
    """Which file stands at a path, None for none. A file that is open keeps its number, deleted or not."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def file_bytes(path: str) -> int:
    """The size of a file; 0 where there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
