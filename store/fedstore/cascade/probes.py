"""Background probes of a cascade: the walk goes on behind a decision, and both are recorded as one.

One thread, there only while something waits, works through a short queue. Each probe has a deadline from the moment
of its decision, so none waits longer than that, whatever hangs. A decision is recorded exactly once: with its probe
when that ended in time, else as it was, since half a walk would say that nothing accepted.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeAlias

from fedstore.cascade.layers import Asked, Layer, RouteFields, Task

__all__ = ["Probes"]

_LAST_WAIT_S = 5.0

AskWithin: TypeAlias = Callable[[Layer[Task], Task, float], Asked]


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Task]):
    """A decision whose probe has not ended."""

    task: Task
    event: RouteFields
    rest: Sequence[Layer[Task]]
    band: float
    rate: float
    deadline: float
    taken: bool = False
    """Whether somebody is recording it."""


class Probes(Generic[Task]):
    """Probes of one cascade. `ask` asks a layer within some seconds, `record` takes the finished event."""

    LIMIT = 100
    """Decisions that may wait for their probe at once."""

    def __init__(self, ask: AskWithin[Task], record: Callable[[RouteFields], object], *, timeout_s: float) -> None:
        self._ask = ask
        self._record = record
        self._timeout_s = timeout_s
        self._begin()
        atexit.register(_close_at_exit, weakref.ref(self))

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[_Waiting[Task]] = deque()
        self._open: set[_Waiting[Task]] = set()
        self._working = False
        self._closed = False
        self._pid = os.getpid()

    def start(self, task: Task, event: RouteFields, rest: Sequence[Layer[Task]], band: float, rate: float) -> bool:
        """Take a decision over; False when the caller must record it."""
        if os.getpid() != self._pid:  # what waits in a forked child is the parent's to record
            self._begin()
        waiting = _Waiting(task, event, rest, band, rate, time.monotonic() + self._timeout_s)
        with self._changed:
            if self._closed or len(self._open) >= self.LIMIT:
                return False
            self._open.add(waiting)
            self._queue.append(waiting)
            if not self._working:
                self._working = True
                threading.Thread(target=self._work, name="cascade-probes", daemon=True).start()
        return True

    def flush(self) -> None:
        """Wait until what waits now is recorded; each probe ends by its deadline."""
        with self._changed:
            waiting = set(self._open)
            self._changed.wait_for(lambda: not waiting & self._open, self._timeout_s + 1.0)

    def close(self) -> None:
        """Record what waits, without its probe, and take no more."""
        with self._changed:
            self._closed = True
            waiting = [] if os.getpid() != self._pid else list(self._open)
            self._queue.clear()
        for one in waiting:
            self._finish(one, ())
        with self._changed:  # one that ended by itself just now is being recorded by its own thread
            self._changed.wait_for(lambda: not self._open or os.getpid() != self._pid, _LAST_WAIT_S)

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._queue:
                    self._working = False
                    return
                waiting = self._queue.popleft()
            self._finish(waiting, self._walk(waiting))

    def _walk(self, waiting: _Waiting[Task]) -> list[Asked]:
        """The layers behind the accepting one, up to the first that would accept in the band too; or nothing."""
        walked: list[Asked] = []
        for layer in waiting.rest:
            left = waiting.deadline - time.monotonic()
            if left <= 0:
                return []
            walked.append(self._ask(layer, waiting.task, left))
            if time.monotonic() >= waiting.deadline:
                return []
            if walked[-1].reaches(waiting.band):
                break
        return walked

    def _finish(self, waiting: _Waiting[Task], walked: Sequence[Asked]) -> None:
        with self._changed:
            if waiting.taken:
                return
            waiting.taken = True
        shadows = [asked.attempt(shadow_rate=waiting.rate) for asked in walked]
        with suppress(Exception):
            self._record({**waiting.event, "attempts": [*waiting.event["attempts"], *shadows]})
        with self._changed:
            self._open.discard(waiting)
            self._changed.notify_all()


def _close_at_exit(reference: weakref.ref[Probes[Task]]) -> None:
    probes = reference()
    if probes is not None:
        probes.close()
