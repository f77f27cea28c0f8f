"""The names a store knows, whenever they were seen: what a mistyped one is held against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.facts.kinds import STATES, SUMMARIES
from fedstore.queries.cascade import layers_seen

if TYPE_CHECKING:
    from fedstore.engine.protocol import Reads
    from fedstore.queries.buckets import Buckets
    from fedstore.queries.models import NameKind
    from fedstore.window import Window

__all__ = ["known_names"]


def known_names(source: Reads, buckets: Buckets, kind: NameKind, window: Window) -> tuple[str, ...]:
    """The names of one kind in the sums of a window and among what goes on; layers in cascade order."""
    if kind == "layer":
        return tuple(name for name, _, _ in layers_seen(source))
    tables = [table for table, summary in SUMMARIES.items() if kind in summary.keys]
    found = {name for table in tables for name in buckets.names(table, kind, window)}
    for state in STATES:
        if state.heard is not None and (column := state.heard.topics.get(kind)):
            found |= {name for (name,) in source.read(f"SELECT DISTINCT {column} FROM {state.table.name}")}
    return tuple(sorted(name for name in found if name))
