"""The routing decision log (``performance.jsonl``): its events from and to ours.

Reading: a decision becomes a Route; its outcome goes with it, or, when it carries ``recorded_at``, becomes a
Verdict of that time. A layer that was neither attempted nor probed is no attempt. Writing: ``decision_event``
makes the same JSON object from a Route, so that a log read into the store can be written out again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from pydantic import ValidationError

from fedstore.errors import EventError
from fedstore.facts.events import Attempt, Event, Outcome, Route
from fedstore.ingest.reader import LineFormat, LineReader
from fedstore.ingest.routing_models import DecisionIn, LayerIn, OutcomeIn
from fedstore.ingest.values import utc_ms
from fedstore.learning.layers import LAST_RESORT
from fedstore.recording.writer import explain, validated
from fedstore.widths import MINUTE_MS
from fedstore.window import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fedstore.json_value import JsonObject

__all__ = [
    "FORMAT",
    "RoutingLogReader",
    "decision_event",
    "decision_events",
    "each_layer_once",
    "learning_feedback",
    "routing_schema",
]

_LAST_RESORTS = frozenset({LAST_RESORT, "clarify"})
NARROW = 0.05
"""Above its threshold by less than this, a layer that was wrong should have asked for more."""


class _Proposal(Protocol):
    @property
    def layer(self) -> str: ...
    @property
    def agent(self) -> str: ...
    @property
    def accepted(self) -> bool: ...
    @property
    def confidence(self) -> float | None: ...
    @property
    def threshold(self) -> float | None: ...
    @property
    def shadow(self) -> bool: ...


class RoutingLogReader(LineReader):
    """Reads one line's value at a time; it has nothing to remember between lines."""

    def read(self, value: object) -> list[Event]:
        """The events of one decision. Raises EventError."""
        return decision_events(value)


def routing_schema() -> dict[str, object]:
    """The JSON schema of a routing decision event."""
    from importlib.resources import files

    found: dict[str, object] = json.loads(
        files("fedstore.compat").joinpath("schemas/routing-decision.json").read_text()
    )
    return found


def decision_events(value: object) -> list[Event]:
    """The Route, and the late Verdict if there is one, of a decision event. Raises EventError."""
    try:
        found = DecisionIn.model_validate(value)
        outcome = _outcome(found)
        decided = found.final_decision.routing_layer
        attempts = each_layer_once(_attempt(layer, decided) for layer in found.routing_layers if layer.asked)
    except ValidationError as error:
        raise EventError(explain(error)) from error
    late = found.outcome.recorded_at if found.outcome is not None and outcome is not None else None
    late_ms = None if late is None else utc_ms(late)
    route = validated({
        "kind": "route",
        "id": found.event_id,
        "task_id": found.task_id or "",
        "description": found.task_description,
        "at": utc_ms(found.timestamp),
        "agent": found.final_decision.selected_master or "",
        "layer": found.final_decision.routing_layer,
        "confidence": found.final_decision.confidence,
        "latency_ms": found.total_latency_ms,
        "attempts": attempts,
        "outcome": outcome if late_ms is None else None,
    })  # fmt: skip
    if outcome is None or late_ms is None:
        return [route]
    said = {name: getattr(outcome, name) for name in Outcome.model_fields}
    return [route, validated({"kind": "verdict", "subject": "route", "subject_id": route.id, "at": late_ms, **said})]


def each_layer_once(attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """Attempts with a layer that was tried again as one: the one that ended, with the time of all of them.

    Of a layer that was asked and also probed the live attempt stays.
    """
    found: dict[str, Attempt] = {}
    for attempt in attempts:
        before = found.get(attempt.layer)
        found[attempt.layer] = attempt if before is None else _tried_again(before, attempt)
    return tuple(found.values())


def _tried_again(before: Attempt, again: Attempt) -> Attempt:
    if before.shadow != again.shadow:
        return again if before.shadow else before
    ended = before if before.accepted and not again.accepted else again
    known = [ms for ms in (before.latency_ms, again.latency_ms) if ms is not None]
    return ended.model_copy(update={"latency_ms": sum(known) if known else None})


def _attempt(layer: LayerIn, decided: str) -> Attempt:
    success = layer.layer_name == decided if layer.success is None else layer.success
    shadow = layer.metadata is not None and layer.metadata.shadow
    return Attempt(
        layer=layer.layer_name,
        agent=layer.selected_master or "",
        confidence=layer.confidence,
        threshold=layer.threshold,
        accepted=success and not shadow,
        latency_ms=layer.latency_ms,
        shadow=shadow,
        shadow_rate=layer.metadata.shadow_rate if layer.metadata is not None and shadow else None,
        error_class=layer.metadata.error if layer.metadata is not None else "",
    )


def _outcome(found: DecisionIn) -> Outcome | None:
    said = found.outcome or OutcomeIn()
    named = [
        said.correct_master,
        said.user_corrected_to,
        found.evaluation.true_master if found.evaluation is not None else None,
        found.learning_feedback.should_have_routed_to if found.learning_feedback is not None else None,
    ]
    minutes = said.completion_time_minutes
    outcome = Outcome(
        correct=said.was_correct_master,
        correct_agent=next(filter(None, named), None),
        completed=said.task_completed,
        quality=said.quality_score,
        completion_ms=None if minutes is None else minutes * MINUTE_MS,
    )
    return None if outcome == Outcome() else outcome


def decision_event(
    route: Route, *, metadata: Mapping[str, Mapping[str, object]] | None = None, outcome_ms: int | None = None
) -> dict[str, object]:
    """The log's JSON object for a route with an id and a time.

    ``metadata`` gives each layer's own; ``outcome_ms`` says that the outcome came then, after the decision.
    """
    if route.at is None or route.id is None:
        raise EventError("a decision without id or time cannot be written to a routing log")
    event: dict[str, object] = {
        "event_id": route.id,
        "timestamp": iso(route.at),
        "task_id": route.task_id,
        "task_description": route.description or "",
        "routing_layers": [
            _layer_out(number, attempt, (metadata or {}).get(attempt.layer, {}))
            for number, attempt in enumerate(route.attempts, start=1)
        ],
        "final_decision": {
            "selected_master": route.agent, "routing_layer": route.layer, "confidence": route.confidence,
        },
        "total_latency_ms": route.latency_ms,
    }  # fmt: skip
    if route.outcome is not None:
        event["outcome"] = _outcome_out(route.outcome, outcome_ms)
        feedback = learning_feedback(
            route.attempts, route.agent, route.layer, route.outcome.correct, route.outcome.correct_agent
        )
        if feedback is not None:
            event["learning_feedback"] = feedback
    return event


def _layer_out(number: int, attempt: Attempt, metadata: Mapping[str, object]) -> dict[str, object]:
    own = dict(metadata)
    success = attempt.accepted
    if attempt.shadow:
        own["shadow"] = True
        own.update({} if attempt.shadow_rate is None else {"shadow_rate": attempt.shadow_rate})
        confidence, threshold = attempt.confidence, attempt.threshold
        success = confidence is not None and threshold is not None and confidence >= threshold
    if attempt.error_class:
        own["error"] = attempt.error_class
    return {
        "layer_id": number, "layer_name": attempt.layer, "attempted": True, "success": success,
        "confidence": attempt.confidence, "threshold": attempt.threshold, "selected_master": attempt.agent,
        "latency_ms": attempt.latency_ms, "metadata": own,
    }  # fmt: skip


def _outcome_out(outcome: Outcome, outcome_ms: int | None) -> dict[str, object]:
    found: dict[str, object] = {
        "task_completed": outcome.completed, "was_correct_master": outcome.correct, "quality_score": outcome.quality,
    }  # fmt: skip
    if outcome.completion_ms is not None:
        found["completion_time_minutes"] = outcome.completion_ms / MINUTE_MS
    if outcome.correct_agent is not None:
        found["correct_master"] = outcome.correct_agent
    if outcome_ms is not None:
        found["recorded_at"] = iso(outcome_ms)
    return found


def learning_feedback(
    attempts: Iterable[_Proposal], agent: str, layer: str, correct: bool | None, correct_agent: str | None
) -> dict[str, object] | None:
    """What a graded decision says about the thresholds; None when it is not graded.

    As the original concludes it, of wrong decisions only. Too high: a layer that fell through had proposed the right
    agent. Too low: the layer that took it was less than `NARROW` above its threshold.
    """
    right = correct if correct is not None else None if correct_agent is None else agent == correct_agent
    if right is None:
        return None
    asked = [] if right else [attempt for attempt in attempts if not attempt.shadow]
    missed = [a.layer for a in asked if correct_agent and a.agent == correct_agent and not a.accepted]
    told: dict[str, object] = {
        "correct_routing": right,
        "threshold_too_high": bool(missed),
        "threshold_too_low": layer not in _LAST_RESORTS and any(_narrow(a) for a in asked if a.layer == layer),
    }
    if not right and correct_agent:
        told["should_have_routed_to"] = correct_agent
    if missed:
        told["layer_should_have_caught"] = missed[0]
    return told


def _narrow(attempt: _Proposal) -> bool:
    """Whether a layer was hardly sure enough."""
    if attempt.confidence is None or attempt.threshold is None:
        return False
    return attempt.confidence - attempt.threshold < NARROW


def _recognises(value: JsonObject) -> bool:
    of_a_decision = value.keys() & {"event_id", "timestamp", "final_decision"}  # a router's configuration has none
    return ("routing_layers" in value and bool(of_a_decision)) or {"event_id", "final_decision"} <= value.keys()


FORMAT = LineFormat("routing-log", _recognises, lambda _state, _path: RoutingLogReader())
