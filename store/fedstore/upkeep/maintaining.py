"""What `fedtop maintain` does to a store: mend its marks, then purge, unless the clock cannot be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedstore.upkeep.clocks import is_believed, set_marks_back
from fedstore.upkeep.left_losses import adopt
from fedstore.upkeep.retention import purge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedstore.engine.protocol import Engine
    from fedstore.settings.config import Settings

__all__ = ["Upkeep", "maintain"]


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What was done: rows purged by table, and whether marks were set back or the clock was not believed."""

    purged: Mapping[str, int]
    marks_set_back: bool
    clock_believed: bool


def maintain(database: Engine, settings: Settings, now_ms: int, *, force: bool = False) -> Upkeep:
    """Look after a store; `force` purges by a clock that is not believed. Raises StoreError."""
    adopt(database)
    back = set_marks_back(database, now_ms)
    believed = is_believed(database, now_ms)
    purged = purge(database, settings, now_ms) if believed or force else {}
    return Upkeep(purged, back, believed)
