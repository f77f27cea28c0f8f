"""Appending to ``performance.jsonl``: one decision, one line, whole, whoever else appends.

The line is checked by the same rules that reading applies before it is written, in one write to a descriptor
opened for appending. A half-written last line of someone who died is closed first.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from fedstore.ingest.routing_log import decision_events

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["append_decision"]


def append_decision(path: Path, event: Mapping[str, object]) -> None:
    """Append an event as one line. Raises ValueError (EventError) for an invalid one, OSError."""
    decision_events(event)
    data = json.dumps(event, ensure_ascii=False, allow_nan=False, default=str).encode("utf-8", "replace") + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        if size and not _ends_line(descriptor, size):
            data = b"\n" + data
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os.close(descriptor)


def _ends_line(descriptor: int, size: int) -> bool:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) == b"\n"
