"""What the pane asks of the policy: propose, apply, look at, take back. Every function is run in a thread.

Each call opens the store for itself and closes it again, so that a long proposal never holds up the poller or
another call. They raise FedstoreError (PlanRefusedError for a guard) in one clear line, and `Cancelled`.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fedstore import FedstoreError, StoreError
from fedtop.user import user_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fedstore import Alarm, BoostOutlook, Change, Plan, PolicyStore, Store, Window
    from fedstore.learning.rules import PlanKind

__all__ = [
    "Cancelled",
    "LedgerReader",
    "Paced",
    "Undoing",
    "Wish",
    "apply_plan",
    "followers",
    "glance",
    "in_force",
    "outlook",
    "propose",
    "refusal",
    "rule_of",
    "undo",
    "undoing",
    "watch",
]

_LEDGER = 200
Found = TypeVar("Found")
_PATIENCE = 10.0


class Cancelled(Exception):  # noqa: N818 - not an error: the user asked for it
    """The proposal was given up on request."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to propose. `rule` "" is the one in the settings, `window` "" the one that plans of the kind begin with;
    `at_ms` None ends it at the present.
    """

    kind: PlanKind
    rule: str = ""
    window: str = ""
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Undoing:
    """A change that could be taken back, and the plan of what that sets."""

    change: Change
    plan: Plan


@contextmanager
def _opened(source: Store, *, readonly: bool = False) -> Iterator[tuple[Store, PolicyStore]]:
    """The store of the pane once more, with connections of this call alone."""
    from fedstore import PolicyStore, Store

    if not source.path.exists():  # opening it would make a new one
        raise StoreError(
            f"there is no store at {source.path} any more: put it back, or record something to begin a new one"
        )
    with Store(
        source.path, readonly=readonly or source.readonly, clock=source.clock, settings=source.settings
    ) as store:
        yield store, PolicyStore(store)


def rule_of(source: Store, kind: PlanKind) -> str:
    """The rule that the settings name."""
    return source.settings.policy.rule(kind)


def followers(source: Store, kind: PlanKind) -> tuple[str, ...]:
    """The files that are written after a change of this kind."""
    path = source.settings.metrics_json if kind == "optimize" else source.settings.routing_config_json
    return () if path is None else (str(path),)


def propose(source: Store, wish: Wish, progress: Callable[[float], None], cancelled: Callable[[], bool]) -> Plan:
    """A plan; `progress` gets shares of 1. Raises Cancelled when `cancelled` says so, FedstoreError otherwise."""
    from fedstore.learning.tuning_types import TuneCancelledError

    with _opened(source) as (_, policy):
        window = policy.evidence(wish.kind, wish.window, wish.at_ms)
        rule: Any = wish.rule or rule_of(source, wish.kind)
        try:
            if wish.kind == "optimize":
                return policy.propose_optimize(rule, window, progress=progress, cancelled=cancelled)
            settings = policy.tune_settings(rule=rule)
            return policy.propose_tune(settings, window, progress=progress, cancelled=cancelled)
        except TuneCancelledError as error:
            raise Cancelled from error


def outlook(source: Store) -> BoostOutlook:
    """What a plan for boosts would change if it was made now."""
    from fedstore import boost_outlook

    with _opened(source, readonly=True) as (store, _):
        return boost_outlook(store)


def in_force(source: Store) -> Mapping[str, float]:
    """Everything the policy in force sets, by item key."""
    with _opened(source, readonly=True) as (_, policy):
        return policy.current()[1].values()


def refusal(source: Store, plan: Plan) -> str:
    """Why a plan cannot be applied, or not yet; "" if it can."""
    with _opened(source, readonly=True) as (_, policy):
        return policy.refusal(plan)


def apply_plan(source: Store, plan: Plan) -> Change:
    """Applies exactly this plan. Raises PlanRefusedError with the guard that refused it."""
    with _opened(source) as (_, policy):
        return policy.apply(plan, who=user_name("pane"))


def undoing(source: Store, change_id: int | None = None) -> Undoing:
    """What taking back a change (None: the newest that stands) would set; changes nothing."""
    with _opened(source) as (_, policy):
        return Undoing(*policy.undo_plan(change_id))


def undo(source: Store, change_id: int) -> Change:
    """Takes a change back. Raises PlanRefusedError when something later touched the same items."""
    with _opened(source) as (_, policy):
        return policy.undo(change_id, who=user_name("pane"))


def glance(source: Store, window: Window) -> Plan:
    """What the settings' rule for boosts would propose; not kept as a plan."""
    with _opened(source, readonly=True) as (_, policy):
        return policy.propose_optimize(window=window)


def watch(source: Store) -> tuple[Alarm, ...]:
    """Lets the watcher act on what was applied, where anything ever was and the store is there."""
    from fedstore import Watcher

    if not source.path.exists():
        return ()
    with _opened(source) as (_, policy):
        return Watcher(policy).act() if policy.current()[0] else ()


class Paced(Generic[Found]):
    """Keeps an answer ten times as long as it took to find, so that live views cost a small share of the time."""

    def __init__(self, timer: Callable[[], float] = time.perf_counter) -> None:
        self._timer = timer
        self._kept: tuple[object, float, Found] | None = None

    def get(self, key: object, make: Callable[[], Found]) -> Found:
        """`make()`, or what it gave before for the same key."""
        start = self._timer()
        if self._kept is None or self._kept[0] != key or start >= self._kept[1]:
            value = make()
            end = self._timer()
            self._kept = (key, end + _PATIENCE * (end - start), value)
        return self._kept[2]


class LedgerReader:
    """The ledger for one view, read on the poller's thread, with effects measured from the facts.

    `version` is that of the policy in force: when it differs, the ledger is read at once.
    """

    def __init__(self) -> None:
        self._changes: Paced[tuple[Change, ...]] = Paced()
        self._change: Paced[Change | None] = Paced()
        self._alarms: Paced[tuple[Alarm, ...]] = Paced()
        self._policy: PolicyStore | None = None

    def changes(self, source: Store, version: int) -> tuple[Change, ...]:
        """The newest changes with what happened since."""
        policy = self._of(source)
        return self._changes.get(version, lambda: policy.changes(_LEDGER))

    def change(self, source: Store, version: int, change_id: int) -> Change | None:
        """One change; None when there is no such entry."""
        policy = self._of(source)
        return self._change.get((version, change_id), lambda: _change_or_none(policy, change_id))

    def alarms(self, source: Store, version: int) -> tuple[Alarm, ...]:
        """What the newest changes give cause for; only a look."""
        from fedstore import Watcher

        if version == 0:  # nothing was ever changed
            return ()
        return self._alarms.get(version, Watcher(self._of(source)).look)

    def _of(self, source: Store) -> PolicyStore:
        if self._policy is None:
            from fedstore import PolicyStore

            self._policy = PolicyStore(source)
        return self._policy


def _change_or_none(policy: PolicyStore, change_id: int) -> Change | None:
    try:
        return policy.change(change_id)
    except StoreError:
        raise
    except FedstoreError:
        return None
