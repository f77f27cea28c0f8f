"""The pane's watch over what was applied: a step of its own, in a thread of its own, whatever view is on top.

Views only look. This step lets the store's watcher act: a change that does harm is taken back where the setting
`auto_rollback` asks for it, which is then said on the screen and stands in the ledger. A pane that may only read takes
no such step; its views say what would be taken back.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from fedstore import FedstoreError
from fedtop import loop
from fedtop.format import clean

if TYPE_CHECKING:
    from textual.worker import Worker

    from fedstore import Alarm
    from fedtop.views.panel import Host

__all__ = ["EVERY_S", "Watch"]

EVERY_S = 30.0
"""Seconds between two steps: a step opens the store, and measures what happened since the newest changes."""
_RESTS = 50.0
"""It rests this many times as long as it took, so that it never costs more than a small share of the time."""


class Watch:
    """See the module. `start` is called once the pane runs."""

    def __init__(self, app: Host) -> None:
        self._app = app
        self._failing = False
        self._worker: Worker[None] | None = None
        self._rests_until = 0.0

    def start(self) -> None:
        """Takes the first step, and one after the other from then on."""
        if not self._app.options.readonly:
            self._app.set_interval(EVERY_S, self.step)
            self.step()

    def step(self) -> None:
        """Lets the watcher act, in a thread: not while it still does, nor soon after it took long."""
        done = self._worker is None or self._worker.is_finished
        if done and time.perf_counter() >= self._rests_until:
            self._worker = self._app.run_worker(self._act, group="watch")

    async def _act(self) -> None:
        start = time.perf_counter()
        try:
            alarms = await asyncio.to_thread(loop.watch, self._app.source)
        except FedstoreError as error:
            self._failed(str(error))
        else:
            self._told(alarms)
        end = time.perf_counter()
        self._rests_until = end + _RESTS * (end - start)

    def _failed(self, reason: str) -> None:
        """Says once that nobody watches."""
        if not self._failing:
            self._failing = True
            self._app.notify(clean(f"What was applied is not watched: {reason}", 300), severity="warning", markup=False)

    def _told(self, alarms: tuple[Alarm, ...]) -> None:
        self._failing = False
        taken = [alarm for alarm in alarms if alarm.rolled_back]
        for alarm in taken:
            self._app.notify(clean(alarm.shown, 300), severity="warning", timeout=30, markup=False)
        if taken:
            self._app.demand()
