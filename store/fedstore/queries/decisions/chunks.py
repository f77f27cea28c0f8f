"""Rows of the table `routes`, some thousand at a time, with their trails joined and taken apart by numpy.

The engine joins each column into one buffer; a Python object per value would take twice as long as everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fedstore.facts.trail import HEADER_LAYER, RECORD_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fedstore.engine.protocol import Engine

__all__ = ["Chunk", "Records", "read_chunks"]

RECORD = np.dtype(
    [
        ("layer", "<u4"), ("agent", "<u4"), ("latency_us", "<u4"), ("flags", "u1"), ("unused", "u1"),
        ("rate", "<u2"), ("confidence", "<f8"), ("threshold", "<f8"),
    ]
)  # fmt: skip
HEADER = np.dtype([("mark", "<u4"), ("agent", "<u4"), ("unused", "<u8"), ("at_ms", "<i8"), ("attempts", "<i8")])

# The index begins with the layer: its few names are found by leaps, then the rows' range by each.
_LAYERS = (
    "WITH RECURSIVE found (layer) AS (SELECT MIN(layer) FROM routes UNION ALL"
    " SELECT (SELECT MIN(layer) FROM routes WHERE layer > found.layer) FROM found WHERE found.layer IS NOT NULL)"
    " SELECT layer FROM found WHERE layer IS NOT NULL"
)
_RANGE = "SELECT MIN(seq), MAX(seq) FROM routes WHERE layer = ? AND at_ms >= ? AND at_ms < ?"
_ENDS = (
    "SELECT seq, at_ms FROM routes"
    " WHERE seq IN ((SELECT MIN(seq) FROM routes), (SELECT MAX(seq) FROM routes)) ORDER BY seq"
)
_IN_CHUNK = "FROM routes WHERE seq >= ? AND seq < ? AND at_ms >= ? AND at_ms < ?"
_BETWEEN = "\x1f"  # names and ids are cleaned of control characters when they are recorded
_COLUMNS = (
    ("trail", ""), ("COALESCE(correct, 2)", ""), ("id", _BETWEEN), ("layer", _BETWEEN),
    ("COALESCE(correct_agent, '')", _BETWEEN),
)  # fmt: skip
_CHUNK = 16_000  # rows whose records fit into a processor's cache


class Records:
    """The attempts of a chunk, and the event each belongs to."""

    __slots__ = ("attempts", "event", "headers", "place")

    def __init__(self, trails: bytes) -> None:
        records = np.frombuffer(trails, dtype=RECORD)
        is_head = records["layer"] == HEADER_LAYER
        heads, rows = np.flatnonzero(is_head), np.flatnonzero(~is_head)
        self.headers = np.frombuffer(trails, dtype=HEADER)[heads]
        self.attempts = records[rows]
        self.event = np.cumsum(is_head)[rows] - 1
        self.place = rows - heads[self.event] - 1


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows: their trails, taken apart, and what else a decision says, all in the same order."""

    records: Records
    ids: list[bytes]
    layers: list[bytes]
    correct: NDArray[np.int8]
    correct_agents: list[bytes]


def read_chunks(database: Engine, start_ms: int, end_ms: int) -> Iterator[Chunk]:
    bounds = _bounds(database, start_ms, end_ms)
    if bounds is None:
        return
    first, last = bounds
    for start in range(first, last + 1, _CHUNK):
        chunk = _read_chunk(database, (start, min(start + _CHUNK, last + 1), start_ms, end_ms))
        if chunk is not None:
            yield chunk


def _bounds(database: Engine, start_ms: int, end_ms: int) -> tuple[int, int] | None:
    """The first and the last `seq` that a window can contain; None for no rows."""
    ends = database.read(_ENDS)
    if not ends:
        return None
    if all(start_ms <= at < end_ms for _, at in ends):  # most likely the window holds everything
        return ends[0][0], ends[-1][0]
    ranges = [database.read(_RANGE, (layer, start_ms, end_ms))[0] for (layer,) in database.read(_LAYERS)]
    seen = [found for found in ranges if found[0] is not None]
    return (min(low for low, _ in seen), max(high for _, high in seen)) if seen else None


def _read_chunk(database: Engine, bounds: tuple[int, int, int, int]) -> Chunk | None:
    n, (trails, correct, *texts) = database.read_joined(_COLUMNS, _IN_CHUNK, bounds)
    if not n:
        return None
    ids, layers, agents = (text.split(_BETWEEN.encode()) for text in texts)
    grades = _grades(np.frombuffer(correct, dtype=np.int8) - ord("0"))
    return Chunk(Records(trails), ids, layers, grades, agents)


def _grades(stored: NDArray[np.int8]) -> NDArray[np.int8]:
    """1, 0 and, for the stand-in 2 of NULL, -1."""
    return np.where(stored == 2, np.int8(-1), stored)


assert RECORD.itemsize == HEADER.itemsize == RECORD_BYTES
