"""Boosts for the views: those in force, those the present evidence would propose, and how they came about.

Proposals read the newest runs themselves, not summaries, so they are made again only every half minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedtop.screens.agent_rows import Boosts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fedstore.window import Window
    from fedtop.options import Source

__all__ = ["BoostChange", "BoostReader", "in_force"]

_FRESH_MS = 30_000
_LEDGER = 200

Pair = tuple[str, str]


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


def in_force(reader: Any) -> dict[Pair, float]:
    """Boosts of the policy in force, by (agent, task type)."""
    boosts = reader.policy().boosts
    return {(agent, kind): value for agent, kinds in boosts.items() for kind, value in kinds.items()}


def _proposed(source: Source, window: Window) -> dict[Pair, float]:
    """What the shrunk rule would set on the newest graded runs of the window, where it has enough to go by."""
    from fedstore.learning.boosts import MIN_TASKS, propose_boosts
    from fedstore.policy.optimize import read_outcomes

    outcomes = read_outcomes(source.database.read, window.start_ms, window.end_ms)
    proposals = propose_boosts(outcomes)
    return {(found.agent, found.task_type or ""): found.boost for found in proposals if found.n >= MIN_TASKS}


def _changes_of(agent: str, ledger: Iterable[Any]) -> Iterator[BoostChange]:
    """The entries of the ledger that moved a boost of one agent."""
    from fedstore.policy import boost_key

    whole, prefix = boost_key(agent), f"{boost_key(agent)}/"
    for change in ledger:
        for item in change.plan.items:
            if item.key == whole or item.key.startswith(prefix):
                kind = item.key[len(prefix) :]
                yield BoostChange(change.id, change.at_ms, change.kind, kind, item.old, item.new, change.stands)


class BoostReader:
    """Keeps proposals for half a minute and the ledger until the policy changes; used on the poller's thread."""

    def __init__(self) -> None:
        self._proposals: tuple[tuple[object, ...], int, dict[Pair, float]] | None = None
        self._ledger: tuple[tuple[object, ...], tuple[BoostChange, ...]] | None = None

    def read(self, source: Source, reader: Any, window: Window, now_ms: int) -> Boosts:
        """In force and proposed, for all agents of a window."""
        key = (window.label, window.end_ms if not window.live else 0)
        kept = self._proposals
        if kept is None or kept[0] != key or now_ms - kept[1] >= _FRESH_MS:
            kept = self._proposals = (key, now_ms, _proposed(source, window))
        return Boosts(in_force(reader), kept[2])

    def changes(self, source: Source, reader: Any, agent: str) -> tuple[BoostChange, ...]:
        """How the boosts of an agent came about, newest first."""
        from fedstore.policy.ledger import changes_newest_first

        key = (agent, reader.policy().version)
        if self._ledger is None or self._ledger[0] != key:
            ledger = changes_newest_first(source.database.read, _LEDGER)
            self._ledger = (key, tuple(_changes_of(agent, ledger)))
        return self._ledger[1]
