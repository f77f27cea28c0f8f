"""The watch over what was applied: it tells of harm, and takes a harmful change back where the settings ask for that.

Looking only reads, so that any view may look. Acting may change the policy and is a step of its own: `fedtop maintain`
takes it, and so does the pane from time to time, never one of its views.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fedstore.errors import PlanRefusedError
from fedstore.policy.alarms import alarm_about
from fedstore.policy.history import keep_final_effects

if TYPE_CHECKING:
    from fedstore.learning.rules import PlanKind
    from fedstore.policy.alarms import Alarm
    from fedstore.policy.ledger import Change
    from fedstore.store import Store

__all__ = ["AUTOMATIC", "Watched", "Watcher"]

AUTOMATIC = "auto-rollback"
"""Who took a change back, in the ledger, when nobody did."""


class Watched(Protocol):
    """What is watched: a `PolicyStore`."""

    @property
    def store(self) -> Store:
        """The store it is the policy of."""

    def standing(self, kind: PlanKind) -> Change | None:
        """The newest change of a kind that stands."""

    def undo(self, change_id: int | None = None, who: str = "") -> Change:
        """Takes a change back. Raises PlanRefusedError."""


class Watcher:
    """Watches the newest standing change of each kind. Methods raise FedstoreError."""

    def __init__(self, policy: Watched) -> None:
        self._policy = policy

    def look(self) -> tuple[Alarm, ...]:
        """What gives cause for alarm now; changes nothing. What `act` would take back is `due`."""
        wanted = self._policy.store.settings.auto_rollback
        standing = (self._policy.standing(kind) for kind in ("tune", "optimize"))
        found = (alarm_about(change, auto_rollback=wanted) for change in standing if change is not None)
        return tuple(alarm for alarm in found if alarm is not None)

    def act(self) -> tuple[Alarm, ...]:
        """Keep the final effects of changes that were watched to the end, and take back what is due.

        The alarms as they are afterwards. Where the store can only be read, this is a look.
        """
        store = self._policy.store
        if store.readonly:
            return self.look()
        keep_final_effects(store.database, store.clock())
        return tuple(self._acted_on(alarm) for alarm in self.look())

    def _acted_on(self, alarm: Alarm) -> Alarm:
        if not alarm.due:
            return alarm
        try:
            self._policy.undo(alarm.change_id, who=AUTOMATIC)
        except PlanRefusedError:  # somebody else was faster, or built on it
            return alarm
        return alarm.taken_back()
