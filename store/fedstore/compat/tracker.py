"""The routing performance tracker: a router tells it layer by layer what it does, and asks it how well that went.

    tracker = RoutingPerformanceTracker()
    event_id = tracker.start_routing(task_description="Fix bug")
    tracker.mark_layer_start("keyword")
    tracker.record_layer_attempt("keyword", confidence=0.88, selected_master="cicd-master", success=True)
    tracker.finalize_routing("cicd-master", "keyword", 0.88)
    tracker.record_outcome(task_completed=True, was_correct_master=True)

Each decision goes to the store and, as one schema-valid line, to `performance.jsonl`. Several decisions may be
under way at once: every thread and every asyncio task has its own current one. Nothing that is told raises into
the router; what could not be kept is counted in `lost` and said once through `logging`.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import OrderedDict
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fedstore.compat.routing_analytics import RoutingAnalytics
from fedstore.compat.routing_file import append_decision
from fedstore.errors import FedstoreError
from fedstore.facts.events import Attempt, Outcome, Route
from fedstore.ids import now_ms
from fedstore.ingest.routing_export import stored_route
from fedstore.ingest.routing_log import decision_event
from fedstore.json_value import object_of
from fedstore.queries.in_force import thresholds_in_force
from fedstore.recording.recorder import Recorder
from fedstore.settings.paths import default_store_path, from_here, in_full
from fedstore.store import Store
from fedstore.widths import MINUTE_MS
from fedstore.window import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["RoutingPerformanceTracker", "default_log_path"]

_REMEMBERED = 10_000
_POLICY_AGE_S = 0.5
_LIMIT_MB = 100.0
_MB = 1024 * 1024
_log = logging.getLogger("fedstore")


def default_log_path() -> Path:
    """`$FEDTOP_ROUTING_LOG`, else `coordination/routing/performance.jsonl` where that folder exists, else
    `performance.jsonl` beside the store.
    """
    named = os.environ.get("FEDTOP_ROUTING_LOG")
    if named:
        return Path(named).expanduser()
    folder = Path("coordination/routing")
    return (folder if folder.is_dir() else default_store_path().parent) / "performance.jsonl"


@dataclass(slots=True)
class _Told:
    """What of a decision is for the log alone."""

    layers: dict[str, Mapping[str, object]] = field(default_factory=dict)
    """Each layer's own metadata."""
    task_metadata: Mapping[str, object] | None = None
    all_probabilities: Mapping[str, float] | None = None

    def beside(self, event: dict[str, object]) -> dict[str, object]:
        """An event of the log with it."""
        if self.task_metadata is not None:
            event["task_metadata"] = self.task_metadata
        if self.all_probabilities is not None:
            event["final_decision"] = {
                **object_of(event["final_decision"]), "all_probabilities": self.all_probabilities,
            }  # fmt: skip
        return event


@dataclass(slots=True)
class _Routing:
    """A decision under way."""

    event_id: str
    at_ms: int
    begun: float
    description: str
    task_id: str
    started: dict[str, float] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    told: _Told = field(default_factory=_Told)


class RoutingPerformanceTracker(RoutingAnalytics):
    """Tracks routing decisions; `log_path` is the JSON lines file, `store` a Store, a path or None.

    `keep_content` also stores task descriptions in the store (the log file always has them, as it always had).
    """

    def __init__(
        self,
        log_path: str | Path | None = None,
        store: Store | str | Path | None = None,
        *,
        keep_content: bool = False,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._given = store
        self._place = from_here(store.path if isinstance(store, Store) else store)
        if log_path is None and store is not None:
            self.log_path = Path(self._place()).with_name("performance.jsonl")
        else:
            self.log_path = Path(in_full(default_log_path() if log_path is None else log_path))
        self._clock = clock or (store.clock if isinstance(store, Store) else now_ms)
        self._recorder = Recorder(store, source="router", keep_content=keep_content, clock=self._clock)
        self._current: ContextVar[_Routing | None] = ContextVar("routing", default=None)
        self._last: ContextVar[str] = ContextVar("last_routing", default="")
        self._newest = ""
        self._done: OrderedDict[str, tuple[Route, _Told]] = OrderedDict()
        self._guard = threading.Lock()
        self._opened: Store | None = store if isinstance(store, Store) else None
        self._thresholds = thresholds_in_force({}, {})
        self._thresholds_at = float("-inf")
        self._limit_bytes: int | None = None
        self._said = False
        self._unwritten = 0

    # --- telling -------------------------------------------------------------------------------------------

    def start_routing(
        self,
        task_description: str,
        task_id: str | None = None,
        task_metadata: Mapping[str, object] | None = None,
        **_more: object,
    ) -> str:
        """Begin a decision in this thread or asyncio task; returns its event id. `task_metadata` goes to the log."""
        at = self._clock()
        stamp = iso(at)[:19].replace("-", "").replace(":", "").replace("T", "-")
        event_id = f"route-{stamp}-{os.urandom(4).hex()}"
        routing = _Routing(event_id, at, time.perf_counter(), str(task_description), str(task_id or ""))
        routing.told.task_metadata = task_metadata
        self._current.set(routing)
        return event_id

    def mark_layer_start(self, layer_name: str) -> None:
        """Start the clock of a layer, for `record_layer_attempt` without `latency_ms`."""
        routing = self._routing("mark_layer_start")
        if routing is not None:
            routing.started[layer_name] = time.perf_counter()

    def record_layer_attempt(
        self,
        layer_name: str,
        confidence: float | None,
        selected_master: str | None = None,
        success: bool = False,
        threshold: float | None = None,
        latency_ms: float | None = None,
        metadata: Mapping[str, object] | None = None,
        **_more: object,
    ) -> None:
        """What a layer proposed and whether it took the decision.

        `threshold` is by default that of the policy in force; `latency_ms` the time since
        `mark_layer_start`, unknown without it. `metadata` may say `shadow` (with `shadow_rate`) for a
        layer that only a background probe asked, and `error` for one that failed.
        """
        routing = self._routing("record_layer_attempt")
        if routing is None:
            return
        began = routing.started.get(layer_name)
        if latency_ms is None and began is not None:
            latency_ms = round((time.perf_counter() - began) * 1000, 3)
        said = object_of(metadata)
        shadow = said.get("shadow") is True
        try:
            routing.attempts[layer_name] = Attempt.model_validate({
                "layer": layer_name, "agent": selected_master or "", "confidence": confidence,
                "accepted": success and not shadow, "latency_ms": latency_ms, "shadow": shadow,
                "threshold": self.threshold(layer_name) if threshold is None else threshold,
                "shadow_rate": said.get("shadow_rate") if shadow else None,
                "error_class": str(said.get("error") or ""),
            })  # fmt: skip
            routing.told.layers[layer_name] = said
        except (ValueError, TypeError) as error:
            self._lose(f"layer {layer_name!r}: {error}")

    def finalize_routing(
        self,
        selected_master: str | None,
        routing_layer: str,
        confidence: float | None = None,
        all_probabilities: Mapping[str, float] | None = None,
        **_more: object,
    ) -> dict[str, object] | None:
        """End the decision: it is in the store and the log when this returns. Returns the log's event.

        `all_probabilities` goes to the log.
        """
        routing = self._routing("finalize_routing")
        if routing is None:
            return None
        self._current.set(None)
        routing.told.all_probabilities = all_probabilities
        try:
            route = Route(
                id=routing.event_id, task_id=routing.task_id, description=routing.description, at=routing.at_ms,
                agent=selected_master or "", layer=routing_layer, confidence=confidence,
                latency_ms=_total_ms(routing), attempts=tuple(routing.attempts.values()),
            )  # fmt: skip
        except ValueError as error:
            self._lose(f"decision {routing.event_id}: {error}")
            return None
        if self._recorder.record(route).rejected:
            self._lose(f"decision {routing.event_id} was refused: its attempts contradict it")
            return None
        self._last.set(routing.event_id)
        with self._guard:
            self._newest = routing.event_id
            self._done[routing.event_id] = (route, routing.told)
            while len(self._done) > _REMEMBERED:
                self._done.popitem(last=False)
        event = routing.told.beside(decision_event(route, metadata=routing.told.layers))
        self._append(event)
        return event

    def record_outcome(
        self,
        task_completed: bool | None,
        was_correct_master: bool | None = None,
        completion_time_minutes: float | None = None,
        quality_score: float | None = None,
        correct_master: str | None = None,
        event_id: str | None = None,
        user_corrected_to: str | None = None,
        task_status: str | None = None,
        **_more: object,
    ) -> dict[str, object] | None:
        """What became of a decision: `event_id`, else the last one of this context, else the last of all.

        `user_corrected_to` is the original's name of `correct_master`; `task_status` goes to the log.
        The log gets the event again under the same id, now with its outcome. Returns that event, or None when
        the decision is not known here (the store keeps the outcome for it all the same).
        """
        route_id = event_id or self._last.get() or self._newest
        if not route_id:
            self._lose("record_outcome: no decision was finalized yet")
            return None
        now = self._clock()
        try:
            outcome = Outcome(
                correct=was_correct_master, correct_agent=correct_master or user_corrected_to or None,
                completed=task_completed, quality=quality_score,
                completion_ms=None if completion_time_minutes is None else completion_time_minutes * MINUTE_MS,
            )  # fmt: skip
        except (ValueError, TypeError) as error:
            self._lose(f"outcome of {route_id}: {error}")
            return None
        if self._recorder.verdict("route", route_id, at=now, **outcome.model_dump()).rejected:
            self._lose(f"outcome of {route_id} says nothing")
            return None
        route, told = self._known(route_id)
        if route is None:
            return None
        judged = route.model_copy(update={"outcome": outcome})
        event = told.beside(decision_event(judged, metadata=told.layers, outcome_ms=now))
        if task_status is not None:
            event["outcome"] = {**object_of(event.get("outcome")), "task_status": task_status}
        self._append(event)
        return event

    # --- the tracker itself --------------------------------------------------------------------------------

    @property
    def lost(self) -> int:
        """What the store or the log did not get since this tracker was made."""
        return self._recorder.lost + self._unwritten

    def threshold(self, layer_name: str) -> float | None:
        """The layer's threshold now: of the policy in force, else of the routing configuration, else of the classic
        cascade; None for a layer that none of them speaks of.
        """
        now = time.monotonic()
        if now - self._thresholds_at > _POLICY_AGE_S:
            self._thresholds_at = now
            try:
                reader = self.store.reader()
                policy, configured = reader.policy().thresholds, reader.routing_config().thresholds
                self._thresholds = thresholds_in_force(policy, configured)
            except (FedstoreError, ValueError) as error:
                _log.debug("the policy in force cannot be read: %s", error)
        return self._thresholds.get(layer_name)

    @property
    def store(self) -> Store:
        """The store; opened when first needed. Raises StoreError."""
        with self._guard:
            if self._opened is None:
                self._opened = Store(self._place(), clock=self._clock)
            return self._opened

    def close(self) -> None:
        """Close what was opened here."""
        self._recorder.close()
        with self._guard:
            if self._opened is not None and self._opened is not self._given:
                self._opened.close()
                self._opened = None

    def _routing(self, call: str) -> _Routing | None:
        routing = self._current.get()
        if routing is None:
            self._lose(f"{call}: call start_routing first")
        return routing

    def _known(self, route_id: str) -> tuple[Route | None, _Told]:
        with self._guard:
            found = self._done.get(route_id)
        if found is not None:
            return found
        try:
            return stored_route(self.store.database, route_id), _Told()
        except FedstoreError as error:
            self._lose(str(error))
            return None, _Told()

    def _append(self, event: dict[str, object]) -> None:
        try:
            append_decision(self.log_path, event, limit_bytes=self._limit())
        except (OSError, FedstoreError, ValueError, TypeError) as error:
            self._lose(f"{self.log_path}: {error}")

    def _limit(self) -> int:
        """The size at which the log is moved away; that of the settings, so far as they can be read."""
        if self._limit_bytes is None:
            try:
                limit_mb = self.store.settings.routing_log_mb
            except FedstoreError as error:
                _log.debug("the settings cannot be read: %s", error)
                limit_mb = _LIMIT_MB
            self._limit_bytes = round(limit_mb * _MB)
        return self._limit_bytes

    def _lose(self, why: str) -> None:
        self._unwritten += 1
        if not self._said:
            self._said = True
            _log.warning("the routing tracker could not keep everything: %s", why)


def _total_ms(routing: _Routing) -> float:
    """The latencies of the live layers together; where one is not known, the time since the start."""
    live = [attempt.latency_ms for attempt in routing.attempts.values() if not attempt.shadow]
    known = [ms for ms in live if ms is not None]
    if live and len(known) == len(live):
        return round(sum(known), 3)
    return round((time.perf_counter() - routing.begun) * 1000, 3)
