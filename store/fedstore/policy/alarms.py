"""Alarms about changes: what does harm, and what no longer behaves as it was replayed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedstore.learning.percent import percent

if TYPE_CHECKING:
    from fedstore.policy.ledger import Change

__all__ = ["Alarm", "alarm_about"]

_MEASURES = {"tune": "accuracy", "optimize": "success"}


@dataclass(frozen=True, slots=True)
class Alarm:
    """One standing change that needs a look."""

    change_id: int
    severity: str
    """alert: harmful. warn: the replay's assumptions are broken."""
    text: str
    kind: str = ""
    """tune | optimize."""
    rolled_back: bool = False
    """Whether it was taken back automatically."""


def alarm_about(change: Change) -> Alarm | None:
    """The alarm a change with its effects gives rise to; None when all is well or not known yet."""
    effects = change.effects
    if effects is None:
        return None
    if effects.state == "harmful":
        name = _MEASURES.get(change.kind, "accuracy")
        rate, interval = effects.now.values.get(name), effects.now.intervals.get(name)
        seen = "" if rate is None else f" {percent(rate, 1)}"
        if interval is not None:
            seen += f" ({percent(interval[0], 1)} to {percent(interval[1], 1)}, n={effects.now.graded:,})"
        promised = "" if effects.reference is None else f", at least {percent(effects.reference, 1)} was expected"
        return Alarm(
            change.id,
            "alert",
            f"change #{change.id} ({change.kind}) does harm: {name}{seen}{promised}: `fedtop undo {change.id}`",
            change.kind,
        )
    if effects.broken:
        return Alarm(change.id, "warn", f"change #{change.id} ({change.kind}): {effects.broken[0]}", change.kind)
    return None
