"""Stored routing decisions, written out again as the routing log's JSON objects.

``stored_routes`` reads decisions back as events (with the outcome as judged now), ``write_routing_log`` makes a
``performance.jsonl`` of them that any reader of that format, ours included, takes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fedstore.facts.events import Attempt, Outcome, Route
from fedstore.ingest.routing_log import decision_event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from fedstore.engine.protocol import Engine, Row
    from fedstore.window import Window

__all__ = ["stored_route", "stored_routes", "write_routing_log", "write_training"]

_CHUNK = 500
_COLUMNS = (
    "SELECT seq, id, task_id, description, agent, layer, confidence, at_ms, latency_us, correct, correct_agent,"
    " completed, quality, completion_ms FROM routes"
)
_ONE = f"{_COLUMNS} WHERE id = :id"
_ROUTES = f"{_COLUMNS} WHERE seq > :after AND at_ms >= :start AND at_ms < :end ORDER BY seq LIMIT :n"
_ATTEMPT = (
    "a.layer, a.agent, a.confidence, a.threshold, a.accepted, a.shadow, a.shadow_rate, a.error_class, a.latency_us"
)
_ATTEMPTS_OF_ONE = f"SELECT {_ATTEMPT} FROM route_attempts a WHERE a.route_id = :id ORDER BY a.position"
_ATTEMPTS = (
    f"SELECT a.route_id, {_ATTEMPT} FROM route_attempts a JOIN routes r ON r.id = a.route_id"
    " WHERE r.seq > :after AND r.seq <= :last AND r.at_ms >= :start AND r.at_ms < :end"
    " ORDER BY a.route_id, a.position"
)


def stored_routes(database: Engine, window: Window) -> Iterator[Route]:
    """The decisions of a window, in the order they were recorded."""
    after = 0
    bounds = {"start": window.start_ms, "end": window.end_ms}
    while rows := database.read(_ROUTES, {"after": after, "n": _CHUNK, **bounds}):
        attempts: dict[str, list[Attempt]] = {}
        last = rows[-1][0]
        for row in database.read(_ATTEMPTS, {"after": after, "last": last, **bounds}):
            attempts.setdefault(row[0], []).append(_attempt(row[1:]))
        for found in rows:
            yield _route(found, tuple(attempts.get(found[1], ())))
        after = last


def stored_route(database: Engine, route_id: str) -> Route | None:
    """One decision; None when it is not there."""
    rows = database.read(_ONE, {"id": route_id})
    if not rows:
        return None
    attempts = database.read(_ATTEMPTS_OF_ONE, {"id": route_id})
    return _route(rows[0], tuple(_attempt(row) for row in attempts))


def write_routing_log(database: Engine, window: Window, out: TextIO) -> int:
    """Write the decisions of a window, one JSON object per line; how many there were."""
    count = 0
    for route in stored_routes(database, window):
        out.write(json.dumps(decision_event(route), ensure_ascii=False) + "\n")
        count += 1
    return count


def write_training(database: Engine, window: Window, out: TextIO) -> int:
    """Write the decisions of a window whose outcome is known as examples to learn from, one a line; how many.

    `text` is the task where its description was kept, else null; `label` the right agent where that is known.
    """
    count = 0
    for route in stored_routes(database, window):
        if route.outcome is not None:
            out.write(json.dumps(_example(route), ensure_ascii=False) + "\n")
            count += 1
    return count


def _example(route: Route) -> dict[str, object]:
    event, judged = decision_event(route), route.outcome or Outcome()
    right = route.agent if judged.correct else judged.correct_agent
    return {
        **{name: event[name] for name in ("event_id", "timestamp", "task_id")}, "text": route.description,
        "label": right or None, **{name: event[name] for name in ("routing_layers", "final_decision")},
        "outcome": event["outcome"], "learning_feedback": event.get("learning_feedback"),
    }  # fmt: skip


def _attempt(row: Row) -> Attempt:
    layer, agent, confidence, threshold, accepted, shadow, rate, error, latency = row
    return Attempt(
        layer=layer, agent=agent, confidence=confidence, threshold=threshold, accepted=bool(accepted),
        shadow=bool(shadow), shadow_rate=rate, error_class=error, latency_ms=_ms(latency),
    )  # fmt: skip


def _route(row: Row, attempts: tuple[Attempt, ...]) -> Route:
    _, route_id, task_id, description, agent, layer, confidence, at_ms, latency, *judged = row
    correct, correct_agent, completed, quality, completion = judged
    outcome = Outcome(
        correct=_truth(correct), correct_agent=correct_agent, completed=_truth(completed), quality=quality,
        completion_ms=completion,
    )  # fmt: skip
    return Route(
        id=route_id, task_id=task_id, description=description, at=at_ms, agent=agent, layer=layer,
        confidence=confidence, latency_ms=_ms(latency), attempts=attempts,
        outcome=None if outcome == Outcome() else outcome,
    )  # fmt: skip


def _ms(micros: int | None) -> float | None:
    return None if micros is None else micros / 1000


def _truth(value: int | None) -> bool | None:
    return None if value is None else bool(value)
