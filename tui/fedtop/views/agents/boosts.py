"""Boosts for the views: those in force, what a plan would change of them, and how they came about.

A plan reads the runs themselves, not summaries, and may take seconds: it is made in a thread of its own, by a worker of
the pane, and no figure waits for it. What it found is shown when it is there.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from fedstore import FedstoreError
from fedtop import loop
from fedtop.views.agents.columns import Boosts

if TYPE_CHECKING:
    from textual.worker import Worker

    from fedstore import BoostChange, BoostOutlook, Reader, Store
    from fedtop.views.panel import Host

__all__ = ["BoostReader", "Proposals"]

_FRESH_S = 30.0
_RESTS = 20.0
"""It rests so many times as long as it took."""


class Proposals:
    """What a plan would change, for all views of one pane. Used on the screen's thread."""

    def __init__(self, app: Host) -> None:
        self._app = app
        self._found: BoostOutlook | None = None
        self._worker: Worker[None] | None = None
        self._rests_until = 0.0

    def of(self, boosts: Boosts) -> Boosts:
        """The boosts in force with what a plan would change of them, as far as that is known; else it is asked for.

        What was found of another policy says nothing of this one.
        """
        found = self._found if self._found is not None and self._found.version == boosts.version else None
        if (self._worker is None or self._worker.is_finished) and (
            found is None or time.perf_counter() >= self._rests_until
        ):
            self._worker = self._app.run_worker(self._look(), group="proposals")
        return boosts.with_outlook(found)

    async def _look(self) -> None:
        start, former = time.perf_counter(), self._found
        with suppress(FedstoreError):  # a store that cannot be read is told by the views themselves
            self._found = await asyncio.to_thread(loop.outlook, self._app.source)
        end = time.perf_counter()
        self._rests_until = end + max(_FRESH_S, _RESTS * (end - start))
        if self._found != former:
            self._app.demand()


class BoostReader:
    """Keeps the ledger until the policy changes; used on the poller's thread."""

    def __init__(self) -> None:
        self._ledger: tuple[tuple[object, ...], tuple[BoostChange, ...]] | None = None

    def read(self, reader: Reader) -> Boosts:
        """Those in force."""
        policy = reader.policy()
        return Boosts.of_policy(policy.boosts, policy.version)

    def changes(self, source: Store, reader: Reader, agent: str) -> tuple[BoostChange, ...]:
        """How the boosts of an agent came about, newest first."""
        from fedstore import boost_history

        key = (agent, reader.policy().version)
        if self._ledger is None or self._ledger[0] != key:
            self._ledger = (key, boost_history(source.database, agent))
        return self._ledger[1]
