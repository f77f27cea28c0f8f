"""Until when a change is looked at, and what was promised of it by then."""

from __future__ import annotations

from fedstore.policy.ledger import Change
from fedstore.widths import DAY_MS, HOUR_MS

__all__ = ["HORIZONS_MS", "WATCHED_MS", "horizons", "new_values"]

HORIZONS_MS = {"1h": HOUR_MS, "24h": DAY_MS, "7d": 7 * DAY_MS}
WATCHED_MS = HORIZONS_MS["7d"]
"""How long a change is watched; "now" ends there."""


def horizons(change: Change, until_ms: int, now_ms: int) -> list[tuple[str, int, bool]]:
    """Name, end and completeness of each horizon; what another change cut short is as complete as it will be."""
    found = []
    for name, length in (*HORIZONS_MS.items(), ("now", WATCHED_MS)):
        end = min(change.at_ms + length, until_ms)
        found.append((name, min(end, now_ms + 1), now_ms >= end and name != "now"))
    return found


def new_values(change: Change) -> dict[str, float | None]:
    """What the plan predicted, by measure."""
    return {name: predicted.new for name, predicted in change.plan.predicted.items()}
