"""Boosts as a view of the agents shows them: what the evidence of a window would set, and how they came about.

Only reads. Proposals come from the graded runs themselves, not from summaries: a view should not make them anew at
every refresh.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedstore.policy.body import SAME, boost_key
from fedstore.policy.ledger import changes_newest_first

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fedstore.engine.protocol import Engine, Read
    from fedstore.store import Store
    from fedstore.window import Window

__all__ = ["BoostChange", "BoostOutlook", "boost_history", "boost_outlook", "proposed_boosts"]


@dataclass(frozen=True, slots=True)
class BoostChange:
    """One boost as one entry of the ledger changed it; `task_type` "" is the agent as a whole."""

    id: int
    at_ms: int
    kind: str
    task_type: str
    old: float | None
    new: float | None
    stands: bool


def proposed_boosts(database: Engine, window: Window) -> dict[tuple[str, str], float]:
    """What the shrunk rule would set on the newest graded runs of the window, by (agent, task type), be it in force or
    not; `boost_outlook` tells what a plan would change.

    Pairs with too few runs to go by are left out. Raises StoreError when the store cannot be read.
    """
    from fedstore.learning.boosts import MIN_TASKS, propose_boosts
    from fedstore.policy.optimize import read_outcomes

    outcomes = read_outcomes(database.read, window.start_ms, window.end_ms)
    return {
        (found.agent, found.task_type or ""): found.boost
        for found in propose_boosts(outcomes)
        if found.n >= MIN_TASKS
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class BoostOutlook:
    """What a plan for boosts would change if it was made now: by which rule, over which window, from which policy.

    `boosts` are what a router would add, by (agent, task type), of those for whom that is another value than now.
    """

    rule: str
    window: str
    version: int
    boosts: Mapping[tuple[str, str], float]


def boost_outlook(store: Store) -> BoostOutlook:
    """That of the rule in the settings and the window that plans begin with. Raises StoreError.

    Takes as long as a plan does: for a thread of its own.
    """
    from fedstore.policy.store import PolicyStore

    plan = PolicyStore(store).weigh_optimize()
    found = {
        (rests.agent, rests.task_type or ""): rests.new
        for rests in plan.proposals.values()
        if rests.new is not None and rests.now is not None and abs(rests.new - rests.now) > SAME
    }
    return BoostOutlook(plan.rule, plan.window_label, plan.policy_version, found)


def boost_history(database: Engine, agent: str, limit: int = 200) -> tuple[BoostChange, ...]:
    """How the boosts of an agent came about, newest first, in the newest `limit` entries of the ledger."""
    return tuple(_moved(database.read, agent, limit))


def _moved(read: Read, agent: str, limit: int) -> Iterator[BoostChange]:
    whole, prefix = boost_key(agent), f"{boost_key(agent)}/"
    for change in changes_newest_first(read, limit):
        for item in change.plan.items:
            if item.key == whole or item.key.startswith(prefix):
                kind = item.key[len(prefix) :]
                yield BoostChange(change.id, change.at_ms, change.kind, kind, item.old, item.new, change.stands)
