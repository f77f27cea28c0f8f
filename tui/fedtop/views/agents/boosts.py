"""Boosts for the views: those in force, those the present evidence would propose, and how they came about.

Proposals read the newest runs themselves, not summaries, so they are made again only every half minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedtop.views.agents.columns import Boosts

if TYPE_CHECKING:
    from fedstore import BoostChange, Reader, Store, Window

__all__ = ["BoostReader"]

_FRESH_MS = 30_000

Pair = tuple[str, str]


class BoostReader:
    """Keeps proposals for half a minute and the ledger until the policy changes; used on the poller's thread."""

    def __init__(self) -> None:
        self._proposals: tuple[tuple[object, ...], int, dict[Pair, float]] | None = None
        self._ledger: tuple[tuple[object, ...], tuple[BoostChange, ...]] | None = None

    def read(self, source: Store, reader: Reader, window: Window, now_ms: int) -> Boosts:
        """In force and proposed, for all agents of a window."""
        from fedstore import proposed_boosts

        key = (window.label, window.end_ms if not window.live else 0)
        kept = self._proposals
        if kept is None or kept[0] != key or now_ms - kept[1] >= _FRESH_MS:
            kept = self._proposals = (key, now_ms, proposed_boosts(source.database, window))
        return Boosts.of_policy(reader.policy().boosts, kept[2])

    def changes(self, source: Store, reader: Reader, agent: str) -> tuple[BoostChange, ...]:
        """How the boosts of an agent came about, newest first."""
        from fedstore import boost_history

        key = (agent, reader.policy().version)
        if self._ledger is None or self._ledger[0] != key:
            self._ledger = (key, boost_history(source.database, agent))
        return self._ledger[1]
