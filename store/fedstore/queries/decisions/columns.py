"""From chunks of rows to the columns of a decision log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fedstore.facts.trail import ACCEPTED, ERROR, NOBODY, SHADOW, UNKNOWN_US
from fedstore.learning.layers import LAST_RESORT
from fedstore.queries.decisions.hashing import hash_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.queries.decisions.chunks import Chunk, Records

__all__ = ["LAST_RESORT", "Agents", "Table", "tunable_layers"]


Codes = NDArray[np.int32]


def tunable_layers(chunks: Sequence[Chunk], names: dict[int, str]) -> tuple[str, ...]:
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


class Agents:
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


class Table:
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

    def fill(self, chunk: Chunk, agents: Agents) -> None:
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

    def _fill_attempts(self, records: Records, agents: Agents) -> None:
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
