"""A routing cascade in ten lines: layers are asked in order, thresholds come from the policy, everything is recorded.

    cascade = Cascade([("keyword", by_keyword), ("semantic", by_embedding)], store="fedtop.db", last_resort=ask)
    decision = cascade.route("fix the login bug")
    cascade.outcome(decision.route_id, correct=True)

A layer is a function `task -> (agent, confidence)`; one that raises, times out or answers nonsense is unable and
the next is asked. For a sample of decisions that were accepted just above a threshold, the walk goes on in the
background as if every threshold were a little higher; only with such probes can raising a threshold be certified.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Generic

from fedstore.cascade.layers import LAST_RESORT, Asked, Layer, LayerLike, RouteFields, Task, ask, layers_of
from fedstore.cascade.probes import Probes
from fedstore.errors import FedstoreError
from fedstore.ids import new_id
from fedstore.learning.layers import PROBE_BAND, PROBE_RATE
from fedstore.policy.router import Policy
from fedstore.recording.recorder import Recorder
from fedstore.settings.paths import routing_config_path
from fedstore.settings.routing_config import ConfigFile

if TYPE_CHECKING:
    from fedstore.store import Store

__all__ = ["Cascade", "Decision"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a task goes. `agent` is "" when no layer was sure and there is no last resort that names one."""

    agent: str
    layer: str
    confidence: float | None
    route_id: str
    latency_ms: float


class Cascade(Generic[Task]):
    """Routes tasks through `layers`: pairs (name, function) or triples (name, function, threshold).

    `store` is a Store, a path, or None for the default place. The threshold of a layer is the policy's, else that of
    the routing configuration of the settings, else the one given with it, else that of `DEFAULT_THRESHOLDS`; a layer
    that policy or configuration disable is not asked. `last_resort` is an agent's name, or a function
    `task -> agent` that asks; without one the decision names no agent. `timeout_s` bounds each layer (its thread
    runs on unseen). `probe_rate` is the share of decisions in the band that are walked on (0: never),
    `probe_band` how far above a threshold the band reaches. Raises ValueError for layers that make no sense,
    TypeError for a last resort that is neither.

    A decision is durable when `route` returns, but for those being probed: they are recorded, whole, when the probe
    ends, at the latest `probe_timeout_s` later, and at `close` or interpreter exit. `kill -9` can therefore cost
    the decisions whose probe is running, never more than `Probes.LIMIT`. Nothing the recording does raises.
    """

    def __init__(
        self,
        layers: Sequence[LayerLike[Task]],
        *,
        store: Store | str | None = None,
        last_resort: str | Callable[[Task], str] = "",
        timeout_s: float | None = None,
        probe_rate: float = PROBE_RATE,
        probe_band: float = PROBE_BAND,
        probe_timeout_s: float = 30.0,
        recorder: Recorder | None = None,
        policy: Policy | None = None,
        choose: Callable[[], float] = random.random,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        if not (isinstance(last_resort, str) or callable(last_resort)):
            raise TypeError(f"last_resort must be an agent's name or a function task -> agent, not {last_resort!r}")
        self._layers = layers_of(layers)
        self._last_resort = last_resort
        self._timeout_s = timeout_s
        self._rate = min(1.0, max(0.0, probe_rate))
        self._band = probe_band
        self._recorder = Recorder(store, source="cascade") if recorder is None else recorder
        self._policy = Policy(store) if policy is None else policy
        self._config = ConfigFile(_routing_config_of(store))
        self._choose = choose
        self._timer = timer
        self._probes = Probes(self._ask_within, self._record, timeout_s=probe_timeout_s)

    def route(self, task: Task, *, task_id: str = "", description: str | None = None) -> Decision:
        """Where a task goes; recorded with every layer's answer. What a layer raises is recorded, not raised."""
        at = self._recorder.now()
        started = self._timer()
        walked, accepted = self._walk(task)
        if accepted is None:
            last = self._resort(task)
            walked.append(last)
            accepted = last
        latency_ms = (self._timer() - started) * 1000
        route_id = new_id(at)
        event: RouteFields = {
            "id": route_id, "at": at, "task_id": task_id, "description": description, "agent": accepted.agent,
            "layer": accepted.layer, "confidence": accepted.confidence, "latency_ms": latency_ms,
            "attempts": [asked.attempt(accepted=asked is accepted) for asked in walked],
        }  # fmt: skip
        if not self._probe(task, event, walked, accepted):
            self._record(event)
        return Decision(accepted.agent, accepted.layer, accepted.confidence, route_id, latency_ms)

    def outcome(
        self,
        route_id: str,
        correct: bool | None = None,
        correct_agent: str | None = None,
        completed: bool | None = None,
        quality: float | None = None,
        **more: object,
    ) -> None:
        """What became of a decision, as `Recorder.outcome` takes it; `more` may give `completion_ms` and `at`."""
        self._recorder.outcome(route_id, correct, correct_agent, completed, quality, **more)

    def thresholds(self) -> dict[str, float]:
        """The thresholds in force, by layer."""
        return {layer.name: self._threshold(layer) for layer in self._layers}

    def flush(self) -> None:
        """Wait for running probes, each within its timeout, and record their decisions."""
        self._probes.flush()
        self._recorder.flush()

    def close(self) -> None:
        """Stop probing, record what waits, close the recorder."""
        self._probes.close()
        self._recorder.close()
        self._policy.close()

    def __enter__(self) -> Cascade[Task]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- inside --------------------------------------------------------------------------------------------

    def _threshold(self, layer: Layer[Task]) -> float:
        value = self._policy.threshold(layer.name)
        return self._config.known().thresholds.get(layer.name, layer.threshold) if value is None else value

    def _asked_layers(self) -> list[Layer[Task]]:
        """The layers that are enabled, in their order."""
        off = self._config.known().disabled
        return [layer for layer in self._layers if layer.name not in off and self._policy.is_enabled(layer.name)]

    def _walk(self, task: Task) -> tuple[list[Asked], Asked | None]:
        walked = []
        for layer in self._asked_layers():
            asked = self._ask(layer, task)
            walked.append(asked)
            if asked.reaches():
                return walked, asked
        return walked, None

    def _ask(self, layer: Layer[Task], task: Task) -> Asked:
        return ask(layer, task, self._threshold(layer), self._timeout_s, self._timer)

    def _ask_within(self, layer: Layer[Task], task: Task, seconds: float) -> Asked:
        timeout_s = seconds if self._timeout_s is None else min(seconds, self._timeout_s)
        return ask(layer, task, self._threshold(layer), timeout_s, self._timer)

    def _resort(self, task: Task) -> Asked:
        started = self._timer()
        agent, error = self._last_resort, ""
        if callable(agent):
            try:
                agent = agent(task)
            except Exception as raised:  # noqa: BLE001 - a router's user must get a decision whatever happens
                agent, error = "", type(raised).__name__
        if not isinstance(agent, str):
            agent, error = "", "NoProposal"
        return Asked(LAST_RESORT, agent, 1.0, 1.0, (self._timer() - started) * 1000, error)

    def _probe(self, task: Task, event: RouteFields, walked: Sequence[Asked], accepted: Asked) -> bool:
        """Whether a probe took the decision over: it was accepted within the band, and the sample fell on it."""
        rest = self._asked_layers()[len(walked) :]
        if not rest or accepted.layer == LAST_RESORT or accepted.reaches(self._band):
            return False
        if self._choose() >= self._rate:
            return False
        return self._probes.start(task, event, rest, self._band, self._rate)

    def _record(self, event: RouteFields) -> None:
        self._recorder.record({"kind": "route", **event})


def _routing_config_of(store: Store | str | None) -> str | Path | None:
    """The router's `config.json` of the settings; none where those cannot be read, as a router must not stop for it."""
    with suppress(FedstoreError):
        if store is None or isinstance(store, str | Path):
            return routing_config_path()
        return store.settings.routing_config_json
    return None
