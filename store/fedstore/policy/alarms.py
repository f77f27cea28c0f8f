"""Alarms about changes: what does harm, and what no longer behaves as it was replayed. Values; nothing is done here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fedstore.finding import SEVERITY_RANKS
from fedstore.learning.percent import percent
from fedstore.queries.models import Attention

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.finding import Severity
    from fedstore.policy.details import Pair
    from fedstore.policy.ledger import Change
    from fedstore.queries.models import Overview

__all__ = ["Alarm", "alarm_about", "with_alarms"]

_MEASURES = {"tune": "accuracy", "optimize": "success"}


@dataclass(frozen=True, slots=True)
class Alarm:
    """One standing change that needs a look, with the figures behind it."""

    change_id: int
    severity: Severity
    """alert: harmful. warn: the replay's assumptions are broken."""
    text: str
    """What is the matter, without what to do about it."""
    kind: str = ""
    """What was changed: tune | optimize."""
    rolled_back: bool = False
    """Whether it was taken back automatically."""
    due: bool = False
    """Whether the setting `auto_rollback` wants it taken back, which the next watch does that may write."""
    advice: str = ""
    """The command that answers it; empty where there is nothing to do."""
    measure: str = ""
    """What is judged: accuracy | success; empty where nothing is."""
    value: float | None = None
    interval: Pair | None = None
    """95 % interval of the value."""
    graded: int | None = None
    """Graded facts the value rests on."""
    expected: float | None = None
    """The least that was promised."""

    @property
    def target(self) -> str:
        """Where to look: the change, as the pane opens it."""
        return f"change:{self.change_id}"

    @property
    def shown(self) -> str:
        """The alarm in a sentence, with what becomes of it by itself."""
        if self.rolled_back:
            return f"taken back automatically: {self.text}"
        return f"due to be taken back: {self.text}" if self.due else self.text

    @property
    def line(self) -> str:
        """The alarm in a sentence, with the command that answers it."""
        return f"{self.shown}: `{self.advice}`" if self.advice else self.shown

    def taken_back(self) -> Alarm:
        """The same once the change was taken back."""
        return replace(self, rolled_back=True, due=False, advice="")


def alarm_about(change: Change, *, auto_rollback: bool = False) -> Alarm | None:
    """The alarm a change with its effects gives rise to; None when all is well or not known yet."""
    effects = change.effects
    if effects is None:
        return None
    if effects.state != "harmful":
        if not effects.broken:
            return None
        return Alarm(change.id, "warn", f"change #{change.id} ({change.kind}): {effects.broken[0]}", change.kind)
    measure = _MEASURES.get(change.kind, "accuracy")
    found = Alarm(
        change.id,
        "alert",
        "",
        change.kind,
        due=auto_rollback,
        advice=f"fedtop undo {change.id}",
        measure=measure,
        value=effects.now.values.get(measure),
        interval=effects.now.intervals.get(measure),
        graded=effects.now.graded,
        expected=effects.reference,
    )
    return replace(found, text=_harm(found))


def _harm(found: Alarm) -> str:
    """`change #3 (tune) does harm: accuracy 81.0 % (78.2 % to 83.5 %, n=812), at least 95.0 % was expected`."""
    seen = "" if found.value is None else f" {percent(found.value, 1)}"
    if found.interval is not None:
        low, high = (percent(value, 1) for value in found.interval)
        seen += f" ({low} to {high}, n={found.graded or 0:,})"
    promised = "" if found.expected is None else f", at least {percent(found.expected, 1)} was expected"
    return f"change #{found.change_id} ({found.kind}) does harm: {found.measure}{seen}{promised}"


def with_alarms(overview: Overview, alarms: Sequence[Alarm]) -> Overview:
    """The overview with the alarms among what needs attention: after who waits for a person, worst first; a harmful
    change is ill health.
    """
    if not alarms:
        return overview
    waiting, rest = overview.attention[: overview.waiting], overview.attention[overview.waiting :]
    told = [Attention(alarm.severity, alarm.shown, alarm.target) for alarm in alarms]
    attention = (*waiting, *sorted([*told, *rest], key=lambda item: SEVERITY_RANKS[item.severity]))
    worst = min((item.severity for item in attention), key=SEVERITY_RANKS.__getitem__)
    return replace(overview, attention=attention, health=worst if worst in ("alert", "warn") else overview.health)
