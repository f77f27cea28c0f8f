"""The decision log of a window, read for replay straight from the packed trails of the routes.

SQLite joins the trails of some thousand rows into one buffer and numpy takes it apart, so no Python code runs
per decision: a row of Python objects each would take twice as long as everything else together. Verdicts come
from the rows' judged columns. The columns of the log are the tunable layers in cascade order; the last resort
(clarification, threshold 1.0) is not one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fedstore.learning.log import DecisionLog
from fedstore.trail import ACCEPTED, ERROR, HEADER_LAYER, NOBODY, RECORD_BYTES, SHADOW, UNKNOWN_US

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fedstore.database import Database
    from fedstore.window import Window

__all__ = ["LAST_RESORT", "Decisions", "hash_ids", "load_decisions", "load_within", "read_decisions"]

LAST_RESORT = "clarification"

_RECORD = np.dtype(
    [
        ("layer", "<u4"), ("agent", "<u4"), ("latency_us", "<u4"), ("flags", "u1"), ("unused", "u1"),
        ("rate", "<u2"), ("confidence", "<f8"), ("threshold", "<f8"),
    ]
)  # fmt: skip
_HEADER = np.dtype([("mark", "<u4"), ("agent", "<u4"), ("unused", "<u8"), ("at_ms", "<i8"), ("attempts", "<i8")])

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
_SEPARATOR = b"\x1f"  # names and ids are cleaned of control characters when they are recorded
_JOINED = (
    "SELECT COUNT(*), SUM(LENGTH(trail)), CAST(GROUP_CONCAT(trail, '') AS BLOB),"
    " CAST(GROUP_CONCAT(id, CHAR(31)) AS BLOB), CAST(GROUP_CONCAT(layer, CHAR(31)) AS BLOB),"
    " CAST(GROUP_CONCAT(COALESCE(correct, 2), '') AS BLOB),"
    f" CAST(GROUP_CONCAT(COALESCE(correct_agent, ''), CHAR(31)) AS BLOB) {_IN_CHUNK}"
)
_PLAIN = (
    "SELECT trail, CAST(id AS BLOB), CAST(layer AS BLOB), COALESCE(correct, 2),"
    f" CAST(COALESCE(correct_agent, '') AS BLOB) {_IN_CHUNK}"
)
_CHUNK = 16_000  # rows whose records fit into a processor's cache
_LONG_ID = 64

Codes = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Decisions:
    """A decision log and the route id of each of its rows."""

    log: DecisionLog
    _ids: list[bytes] = field(repr=False)

    def route_id(self, row: int) -> str:
        """The id of the route that row ``row`` of the log is."""
        return self._ids[row].decode()


def read_decisions(database: Database, window: Window, layers: Sequence[str] | None = None) -> DecisionLog:
    """The decisions of ``window`` as columns, in the order of recording.

    ``layers`` names the columns, by default the tunable layers seen. Raises StoreError when the store cannot
    be read.
    """
    return load_decisions(database, window, layers).log


def load_decisions(database: Database, window: Window, layers: Sequence[str] | None = None) -> Decisions:
    """Like ``read_decisions``, with the route ids."""
    with database.snapshot():
        return load_within(database, window.start_ms, window.end_ms, layers)


def load_within(database: Database, start_ms: int, end_ms: int, layers: Sequence[str] | None = None) -> Decisions:
    """Like ``load_decisions``, inside a snapshot that the caller holds."""
    names: dict[int, str] = {int(code): str(name) for code, name in database.read("SELECT code, name FROM names")}
    chunks = list(_chunks(database, start_ms, end_ms))
    columns = _tunable_layers(chunks, names) if layers is None else tuple(layers)
    return _assemble(chunks, columns, names)


def hash_ids(ids: Sequence[bytes]) -> NDArray[np.uint64]:
    """A stable 64-bit hash per id (UTF-8): which part of a split a decision belongs to never changes.

    In the manner of FNV-1a, over zero-padded little-endian 64-bit words, one word of all ids at a time.
    """
    if not len(ids):
        return np.empty(0, dtype=np.uint64)
    if max(map(len, ids)) > _LONG_ID:  # one long id must not widen the table for all of them
        ids = [_shortened(text) for text in ids]
    words = -(-max(map(len, ids)) // 8) or 1
    table = np.array(ids, dtype=f"S{words * 8}").view("<u8").reshape(len(ids), words)
    digest = np.full(len(ids), 0xCBF29CE484222325, dtype=np.uint64)
    for word in table.T:
        mixed = (digest ^ word) * np.uint64(0x100000001B3)
        mixed ^= mixed >> np.uint64(29)
        # Padding says nothing: the hash of an id does not depend on the ids beside it.
        digest = np.where(word != 0, mixed, digest)
    return digest


def _shortened(text: bytes) -> bytes:
    return text if len(text) <= _LONG_ID else hashlib.blake2b(text, digest_size=32).hexdigest().encode()


# --- reading ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some rows: their trails, taken apart, and what else a decision says, all in the same order."""

    records: _Records
    ids: list[bytes]
    layers: list[bytes]
    correct: NDArray[np.int8]
    correct_agents: list[bytes]


def _chunks(database: Database, start_ms: int, end_ms: int) -> Iterable[_Chunk]:
    bounds = _bounds(database, start_ms, end_ms)
    if bounds is None:
        return
    first, last = bounds
    for start in range(first, last + 1, _CHUNK):
        chunk = _read_chunk(database, (start, min(start + _CHUNK, last + 1), start_ms, end_ms))
        if chunk is not None:
            yield chunk


def _bounds(database: Database, start_ms: int, end_ms: int) -> tuple[int, int] | None:
    """The first and the last ``seq`` that a window can contain; None for no rows."""
    ends = database.read(_ENDS)
    if not ends:
        return None
    if all(start_ms <= at < end_ms for _, at in ends):  # most likely the window holds everything
        return ends[0][0], ends[-1][0]
    ranges = [database.read(_RANGE, (layer, start_ms, end_ms))[0] for (layer,) in database.read(_LAYERS)]
    seen = [found for found in ranges if found[0] is not None]
    return (min(low for low, _ in seen), max(high for _, high in seen)) if seen else None


def _read_chunk(database: Database, bounds: tuple[int, int, int, int]) -> _Chunk | None:
    n, size, trails, *texts = database.read(_JOINED, bounds)[0]
    if not n:
        return None
    if len(trails) != size:
        # SQLite promises nothing about zero bytes in joined text; where it cuts them, take row by row.
        return _read_plainly(database, bounds)
    ids, layers, correct, agents = texts
    return _Chunk(
        _Records(trails),
        ids.split(_SEPARATOR),
        layers.split(_SEPARATOR),
        _grades(np.frombuffer(correct, dtype=np.int8) - ord("0")),
        agents.split(_SEPARATOR),
    )


def _read_plainly(database: Database, bounds: tuple[int, int, int, int]) -> _Chunk:
    trails, ids, layers, correct, agents = zip(*database.read(_PLAIN, bounds), strict=True)
    return _Chunk(
        _Records(b"".join(trails)), list(ids), list(layers), _grades(np.array(correct, dtype=np.int8)), list(agents)
    )


def _grades(stored: NDArray[np.int8]) -> NDArray[np.int8]:
    """1, 0 and, for the stand-in 2 of NULL, -1."""
    return np.where(stored == 2, np.int8(-1), stored)


# --- taking trails apart ---------------------------------------------------------------------------------------


class _Records:
    """The attempts of a chunk, and the event each belongs to."""

    __slots__ = ("attempts", "event", "headers", "place")

    def __init__(self, trails: bytes) -> None:
        records = np.frombuffer(trails, dtype=_RECORD)
        is_head = records["layer"] == HEADER_LAYER
        heads, rows = np.flatnonzero(is_head), np.flatnonzero(~is_head)
        self.headers = np.frombuffer(trails, dtype=_HEADER)[heads]
        self.attempts = records[rows]
        self.event = np.cumsum(is_head)[rows] - 1
        self.place = rows - heads[self.event] - 1


def _tunable_layers(chunks: Sequence[_Chunk], names: dict[int, str]) -> tuple[str, ...]:
    """Layers in cascade order, without those whose newest threshold is 1.0 or that ask the user.

    The deepest place a layer was seen at orders it: one that was left out sometimes only moves others up.
    """
    deepest: dict[int, int] = {}
    newest: dict[int, float] = {}
    for chunk in chunks:
        records = chunk.records
        layer, threshold = records.attempts["layer"], records.attempts["threshold"]
        for code in np.flatnonzero(np.bincount(layer)).tolist():
            mine = layer == code
            known = threshold[mine]
            known = known[~np.isnan(known)]
            deepest[code] = max(deepest.get(code, 0), int(records.place[mine].max()))
            newest[code] = float(known[-1]) if len(known) else newest.get(code, 0.0)
    tunable = [code for code in deepest if names[code] != LAST_RESORT and newest[code] < 1.0]
    return tuple(names[code] for code in sorted(tunable, key=lambda code: (deepest[code], names[code])))


class _Agents:
    """Agent names and their codes; the store's names come first, since trails hold their codes."""

    def __init__(self, names: dict[int, str]) -> None:
        self.names = list(names.values())
        self._place = {name.encode(): place for place, name in enumerate(self.names)} | {b"": -1}
        self._of_code = np.full(max(names, default=0) + 2, -1, dtype=np.int32)
        self._of_code[list(names)] = np.arange(len(names))

    def of_codes(self, codes: NDArray[np.uint32]) -> Codes:
        """Of the codes in a trail; the last place of the table stands for nobody."""
        found: Codes = self._of_code[np.where(codes == NOBODY, len(self._of_code) - 1, codes)]
        return found

    def of_names(self, names: Sequence[bytes]) -> Codes:
        """Of names that may be new."""
        for name in sorted(set(names) - self._place.keys()):
            self._place[name] = len(self.names)
            self.names.append(name.decode())
        return _mapped(self._place, names)


def _mapped(codes: dict[bytes, int], values: Sequence[bytes]) -> Codes:
    return np.fromiter(map(codes.__getitem__, values), dtype=np.int32, count=len(values))


def _assemble(chunks: Sequence[_Chunk], layers: tuple[str, ...], names: dict[int, str]) -> Decisions:
    ids = [route_id for chunk in chunks for route_id in chunk.ids]
    table, agents = _Table(len(ids), layers, names), _Agents(names)
    for chunk in chunks:
        table.fill(chunk, agents)
    return Decisions(DecisionLog(layers=layers, agents=tuple(agents.names), **table.columns), ids)


class _Table:
    """The columns of a DecisionLog, filled chunk by chunk."""

    def __init__(self, n: int, layers: tuple[str, ...], names: dict[int, str]) -> None:
        k = len(layers)
        self._filled = 0
        self._layer_of_name = {name.encode(): column for column, name in enumerate(layers)}
        self._layer_of_code = np.full(max(names, default=0) + 1, -1, dtype=np.int64)
        for code, name in names.items():
            self._layer_of_code[code] = self._layer_of_name.get(name.encode(), -1)
        self._last_resort = k
        self.columns: dict[str, NDArray[Any]] = {
            "ids": np.empty(n, dtype=np.uint64),
            "ts_ms": np.empty(n, dtype=np.int64),
            "confidence": np.full((n, k), np.nan),
            "threshold": np.full((n, k), np.nan),
            "latency_ms": np.full((n, k), np.nan),
            "proposal": np.full((n, k), -1, dtype=np.int32),
            "shadow": np.zeros((n, k), dtype=np.bool_),
            "able": np.zeros((n, k), dtype=np.bool_),
            "accepted": np.empty(n, dtype=np.int32),
            "final": np.empty(n, dtype=np.int32),
            "correct": np.empty(n, dtype=np.int8),
            "true_agent": np.empty(n, dtype=np.int32),
        }

    def fill(self, chunk: _Chunk, agents: _Agents) -> None:
        records = chunk.records
        rows = slice(self._filled, self._filled + len(chunk.ids))
        columns = self.columns
        columns["ids"][rows] = hash_ids(chunk.ids)
        columns["ts_ms"][rows] = records.headers["at_ms"]
        decided_by = dict.fromkeys(set(chunk.layers), self._last_resort) | self._layer_of_name
        columns["accepted"][rows] = _mapped(decided_by, chunk.layers)
        columns["final"][rows] = agents.of_codes(records.headers["agent"])
        columns["correct"][rows] = chunk.correct
        columns["true_agent"][rows] = agents.of_names(chunk.correct_agents)
        self._fill_attempts(records, agents)
        self._filled = rows.stop

    def _fill_attempts(self, records: _Records, agents: _Agents) -> None:
        layer = self._layer_of_code[records.attempts["layer"]]
        kept = layer >= 0
        attempts = records.attempts[kept]
        cell = (records.event[kept] + self._filled) * self._last_resort + layer[kept]
        confidence, threshold, flags = attempts["confidence"], attempts["threshold"], attempts["flags"]
        latency = attempts["latency_us"]
        shadow = (flags & SHADOW) != 0
        refused = ~shadow & ((flags & ACCEPTED) == 0) & (confidence >= threshold)
        found = {
            "confidence": confidence,
            "threshold": threshold,
            "latency_ms": np.where(latency == UNKNOWN_US, np.nan, latency / 1000.0),
            "proposal": agents.of_codes(attempts["agent"]),
            "shadow": shadow,
            "able": ((flags & ERROR) == 0) & ~np.isnan(confidence) & ~refused,
        }
        for name, values in found.items():
            self.columns[name].reshape(-1)[cell] = values


assert _RECORD.itemsize == _HEADER.itemsize == RECORD_BYTES
