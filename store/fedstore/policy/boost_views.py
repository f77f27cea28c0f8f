"""Boosts as a view of the agents shows them: what the evidence of a window would set, and how they came about.

Only reads. Proposals come from the graded runs themselves, not from summaries: a view should not make them anew at
every refresh.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedstore.policy.body import boost_key
from fedstore.policy.ledger import changes_newest_first

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedstore.engine.protocol import Engine
    from fedstore.policy.extent import Read
    from fedstore.window import Window

__all__ = ["BoostChange", "boost_history", "proposed_boosts"]


@dataclass(frozen=True, slots=True)
class BoostChange:
    """One boost as one entry of the ledger changed it; ``task_type`` "" is the agent as a whole."""

    id: int
    at_ms: int
    kind: str
    task_type: str
    old: float | None
    new: float | None
    stands: bool


def proposed_boosts(database: Engine, window: Window) -> dict[tuple[str, str], float]:
    """What the shrunk rule would set on the newest graded runs of the window, by (agent, task type).

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


def boost_history(database: Engine, agent: str, limit: int = 200) -> tuple[BoostChange, ...]:
    """How the boosts of an agent came about, newest first, in the newest ``limit`` entries of the ledger."""
    return tuple(_moved(database.read, agent, limit))


def _moved(read: Read, agent: str, limit: int) -> Iterator[BoostChange]:
    whole, prefix = boost_key(agent), f"{boost_key(agent)}/"
    for change in changes_newest_first(read, limit):
        for item in change.plan.items:
            if item.key == whole or item.key.startswith(prefix):
                kind = item.key[len(prefix) :]
                yield BoostChange(change.id, change.at_ms, change.kind, kind, item.old, item.new, change.stands)
