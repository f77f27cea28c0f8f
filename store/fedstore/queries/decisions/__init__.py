"""The decision log of a window, read for replay straight from the packed trails of the routes.

No Python code runs per decision: 100,000 load in about a tenth of a second. Verdicts come from the rows' judged
columns. The columns of the log are the tunable layers in cascade order; the last resort (clarification, threshold
1.0) is not one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fedstore.learning.log import DecisionLog
from fedstore.queries.decisions.chunks import Chunk, read_chunks
from fedstore.queries.decisions.columns import LAST_RESORT, Agents, Table, tunable_layers
from fedstore.queries.decisions.hashing import hash_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.engine.protocol import Engine
    from fedstore.window import Window

__all__ = ["LAST_RESORT", "Decisions", "hash_ids", "load_decisions", "load_within", "read_decisions"]


@dataclass(frozen=True, slots=True)
class Decisions:
    """A decision log and the route id of each of its rows."""

    log: DecisionLog
    _ids: list[bytes] = field(repr=False)

    def route_id(self, row: int) -> str:
        """The id of the route that row `row` of the log is."""
        return self._ids[row].decode()


def read_decisions(database: Engine, window: Window, layers: Sequence[str] | None = None) -> DecisionLog:
    """The decisions of `window` as columns, in the order of recording.

    `layers` names the columns, by default the tunable layers seen. Raises StoreError when the store cannot
    be read.
    """
    return load_decisions(database, window, layers).log


def load_decisions(database: Engine, window: Window, layers: Sequence[str] | None = None) -> Decisions:
    """Like `read_decisions`, with the route ids."""
    with database.snapshot():
        return load_within(database, window.start_ms, window.end_ms, layers)


def load_within(database: Engine, start_ms: int, end_ms: int, layers: Sequence[str] | None = None) -> Decisions:
    """Like `load_decisions`, inside a snapshot that the caller holds."""
    names: dict[int, str] = {int(code): str(name) for code, name in database.read("SELECT code, name FROM names")}
    found = list(read_chunks(database, start_ms, end_ms))
    columns = tunable_layers(found, names) if layers is None else tuple(layers)
    return _assemble(found, columns, names)


def _assemble(found: Sequence[Chunk], layers: tuple[str, ...], names: dict[int, str]) -> Decisions:
    ids = [route_id for chunk in found for route_id in chunk.ids]
    table, agents = Table(len(ids), layers, names), Agents(names)
    for chunk in found:
        table.fill(chunk, agents)
    return Decisions(DecisionLog(layers=layers, agents=tuple(agents.names), **table.columns), ids)
