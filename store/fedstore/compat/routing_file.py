"""Appending to `performance.jsonl`: one decision, one line, whole, whoever else appends; and moving a large one away.

The line is checked by the same rules that reading applies before it is written, in one write to a descriptor opened for
appending. A half-written last line of someone who died is closed first. A log that has grown past its limit is moved to
`archive/NAME-YYYYMMDD.jsonl` beside it, by one of the processes that write it. A line that fell into a file just moved
away goes into the new one too: read twice, it is one decision, and whoever follows the log misses none.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fedstore.ingest.routing_log import decision_events

if TYPE_CHECKING:
    from collections.abc import Mapping

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["ARCHIVE", "append_decision"]

ARCHIVE = "archive"
_TRIES = 5


def append_decision(path: Path, event: Mapping[str, object], *, limit_bytes: int = 0) -> None:
    """Append an event as one line; a log of `limit_bytes` or more (0: never) is moved away first.

    Raises ValueError (EventError) or TypeError for an invalid one, OSError.
    """
    decision_events(event)
    data = json.dumps(event, ensure_ascii=False, allow_nan=False, default=str).encode("utf-8", "replace") + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(_TRIES):
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if limit_bytes and size >= limit_bytes and _moved_away(descriptor, path):
                continue
            _write(descriptor, size, data)
            if _is_at(descriptor, path):
                return
        finally:
            os.close(descriptor)


def _write(descriptor: int, size: int, data: bytes) -> None:
    if size and not _ends_line(descriptor, size):
        data = b"\n" + data
    while data:
        data = data[os.write(descriptor, data) :]


def _ends_line(descriptor: int, size: int) -> bool:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) == b"\n"


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the path still leads to the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _moved_away(descriptor: int, path: Path) -> bool:
    """Move the open file into the archive; False where that cannot be done, and the log just goes on growing.

    A lock on the file itself lets one process do it; the others then find another file at the path.
    """
    if fcntl is None:
        return False
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # given back when the descriptor is closed
        if _is_at(descriptor, path):
            _link_into(path.parent / ARCHIVE, path)
            path.unlink()
        return True
    return False


def _link_into(folder: Path, path: Path) -> None:
    """Give the file a name of today in a folder, one that no file there has."""
    folder.mkdir(exist_ok=True)
    stem = f"{path.stem}-{datetime.now().astimezone():%Y%m%d}"
    number = 1
    while True:
        name = stem if number == 1 else f"{stem}-{number}"
        try:
            os.link(path, folder / f"{name}{path.suffix}")
        except FileExistsError:
            number += 1
        else:
            return
