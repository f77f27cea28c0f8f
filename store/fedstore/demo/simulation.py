"""A simulated federation that records through the real recorder: history at once, then live as time goes by.

`Simulation(store).start()` works in a thread of its own. The newest hours of the history come first, so that
there is something to see within a second, and the older ones while one looks. Facts are the same for the same
seed and clock, as long as no policy is applied; once one is, the simulated router follows it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from fedstore.demo.scenario import Scenario
from fedstore.facts.events import Event, Run, RunState
from fedstore.ids import now_ms
from fedstore.widths import HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from fedstore.recording.writer import Receipt
    from fedstore.store import Store

__all__ = ["DEFAULT_HOURS", "SOURCE", "Simulation"]

DEFAULT_HOURS = 48
SOURCE = "demo"
_FIRST_HOURS, _PART_HOURS = 1, 4
_BATCH = 1_000
_BREATH_S = 0.01
"""The thread rests so long after each batch of history, so that the pane beside it stays quick."""
_BEAT_S = 0.4


class Simulation:
    """A federation simulated into `store` from the moment that `clock` (UTC epoch ms) shows now.

    `hours` of history, `speed` times the usual rhythm afterwards. `step` and `backfill` may be called
    directly instead of `start` (by tests, or with a clock of one's own), from one thread.
    """

    def __init__(
        self,
        store: Store,
        seed: int = 0,
        clock: Callable[[], int] = now_ms,
        *,
        hours: float = DEFAULT_HOURS,
        speed: float = 1.0,
    ) -> None:
        self.origin_ms = clock()
        self._seed = seed
        self._clock = clock
        self._speed = speed
        self._recorder = store.recorder(source=SOURCE)
        self._threshold, self._boost = _policy_in_force(store)
        oldest = self.origin_ms - round(hours * HOUR_MS)
        newest = max(oldest, self.origin_ms - _FIRST_HOURS * HOUR_MS)
        self._live = Scenario(seed, newest, self.origin_ms, speed=speed, threshold=self._threshold, boost=self._boost)
        self._parts = _parts(oldest, newest)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def step(self) -> Receipt:
        """Record what came about since the last step."""
        return self._recorder.record_many(self._live.advance(self._clock()))

    def backfill(self) -> int:
        """Record the history, newest part first, in time with the live facts; how many facts were new."""
        taken = self._record(self._live.advance(self._clock()))
        for start, end in self._parts:
            scenario = Scenario(self._seed, start, self.origin_ms, stop_ms=end)
            taken += self._record(scenario.advance(self.origin_ms))
            if self._stop.is_set():
                break
        return taken

    def start(self) -> Simulation:
        """Backfill and go on live in a thread of its own; returns itself."""
        self._thread = threading.Thread(target=self._work, name="fedtop-demo", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the thread and wait for it; what was recorded stays."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._recorder.close()

    def __enter__(self) -> Simulation:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _work(self) -> None:
        self.backfill()
        while not self._stop.wait(_BEAT_S / min(self._speed, 4.0)):
            self.step()

    def _record(self, facts: list[Event]) -> int:
        """Write the newest batch first; runs that have ended need no word of having been under way."""
        ended = {fact.id for fact in facts if isinstance(fact, Run)}
        kept = [fact for fact in facts if not (isinstance(fact, RunState) and fact.id in ended)]
        taken = 0
        for end in range(len(kept), 0, -_BATCH):
            taken += self._recorder.record_many(kept[max(0, end - _BATCH) : end]).taken
            if self._stop.is_set():
                break
            if self._thread is not None:
                taken += self.step().taken
                self._stop.wait(_BREATH_S)
        return taken


def _parts(oldest: int, newest: int) -> list[tuple[int, int]]:
    """The history before `newest` in parts that can be made by themselves, the latest first."""
    width = _PART_HOURS * HOUR_MS
    return [(max(oldest, end - width), end) for end in range(newest, oldest, -width)]


def _policy_in_force(
    store: Store,
) -> tuple[Callable[[str, float], float], Callable[[str, str], float]]:
    """How the simulated router asks for thresholds and boosts."""
    from fedstore.policy import Policy

    policy = Policy(store)

    def threshold(layer: str, usual: float) -> float:
        value = policy.threshold(layer, usual)
        return usual if value is None else value

    return threshold, policy.boost
