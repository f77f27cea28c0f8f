"""Sample routing decisions: a five-layer cascade that behaves as its published table says, for trying things out.

Each layer takes its share of the decisions within its latency range and is right as often as the table says;
its confidences rise with its chance of being right, on both sides of its threshold, so that threshold analysis
and tuning have something true to find. The same `n`, `seed` and `end_ms` give the same events.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from fedstore.facts.events import Attempt
from fedstore.ingest.routing_log import learning_feedback
from fedstore.learning.layers import LAST_RESORT
from fedstore.widths import HOUR_MS
from fedstore.window import iso

__all__ = ["CASCADE", "SampleLayer", "sample_routes"]

GRADED_SHARE = 0.92
"""Decisions whose outcome became known."""


@dataclass(frozen=True, slots=True)
class SampleLayer:
    """A row of the cascade table. `share` of all decisions is taken here; latencies in milliseconds."""

    name: str
    share: float
    accuracy: float
    threshold: float
    fastest_ms: float
    slowest_ms: float


CASCADE = (
    SampleLayer("keyword", 0.35, 0.80, 0.85, 0.5, 5.0),
    SampleLayer("semantic", 0.43, 0.88, 0.70, 10.0, 50.0),
    SampleLayer("rag", 0.17, 0.92, 0.85, 50.0, 150.0),
    SampleLayer("pytorch", 0.035, 0.96, 0.90, 100.0, 300.0),
    SampleLayer(LAST_RESORT, 0.015, 1.00, 1.00, 0.0, 0.0),
)
_LAST = CASCADE[-1]

_TASKS = {
    "development-master": (
        ("Fix", "Implement", "Refactor", "Review"),
        ("authentication bug in user login", "pagination of the orders API", "the invoice parser", "cache layer"),
    ),
    "cicd-master": (
        ("Deploy", "Roll back", "Speed up", "Repair"),
        ("API to production", "the nightly build", "the release pipeline", "integration test stage"),
    ),
    "security-master": (
        ("Audit", "Rotate", "Scan", "Harden"),
        ("service credentials", "container images", "the dependency tree", "public endpoints"),
    ),
    "inventory-master": (
        ("List", "Document", "Catalogue", "Update"),
        ("repositories without owners", "data stores in use", "open service contracts", "library versions"),
    ),
    "coordinator-master": (
        ("Plan", "Split", "Prioritise", "Schedule"),
        ("the migration work", "the backlog of the quarter", "incident follow-ups", "the documentation week"),
    ),
}
_MASTERS = tuple(_TASKS)
_CHANCE = 1 / len(_MASTERS)


def sample_routes(n: int, seed: int, end_ms: int, *, hours: float = 24.0) -> list[dict[str, object]]:
    """`n` routing decision events over the `hours` that end at `end_ms` (UTC epoch milliseconds), oldest first.

    Raises ValueError for a negative `n` or `hours` that are not positive.
    """
    if n < 0 or hours <= 0:
        raise ValueError("n must not be negative and hours must be positive")
    rng = random.Random(seed)  # noqa: S311  # reproducible, not secret
    times = sorted(end_ms - 1 - int(rng.random() * hours * HOUR_MS) for _ in range(n))
    return [_event(rng, number, at) for number, at in enumerate(times, start=1)]


def _event(rng: random.Random, number: int, at_ms: int) -> dict[str, object]:
    truth = rng.choice(_MASTERS)
    taker = rng.choices(range(len(CASCADE)), weights=[layer.share for layer in CASCADE])[0]
    attempts = [_attempt(rng, CASCADE[i], truth, accepted=i == taker) for i in range(taker + 1)]
    final = attempts[-1]
    moment = iso(at_ms)
    stamp = moment[:19].replace("-", "").replace(":", "").replace("T", "-")
    verbs, things = _TASKS[truth]
    event: dict[str, object] = {
        "event_id": f"route-{stamp}-{rng.getrandbits(32):08x}",
        "timestamp": moment,
        "task_id": f"task-{number:05d}",
        "task_description": f"{rng.choice(verbs)} {rng.choice(things)}",
        "routing_layers": [_layer(rng, i, attempt) for i, attempt in enumerate(attempts, start=1)],
        "final_decision": {
            "selected_master": final.agent, "routing_layer": final.layer, "confidence": final.confidence,
        },
        "total_latency_ms": round(sum(attempt.latency_ms or 0.0 for attempt in attempts), 3),
    }  # fmt: skip
    if rng.random() < GRADED_SHARE:
        event["outcome"] = _outcome(rng, truth, correct=final.agent == truth)
        event["learning_feedback"] = learning_feedback(attempts, final.agent, final.layer, final.agent == truth, truth)
    return event


def _attempt(rng: random.Random, layer: SampleLayer, truth: str, *, accepted: bool) -> Attempt:
    confidence = _confidence(rng, layer, accepted=accepted)
    right = rng.random() < right_chance(layer, confidence)
    span = layer.slowest_ms - layer.fastest_ms
    return Attempt(
        layer=layer.name,
        agent=truth if right else rng.choice([master for master in _MASTERS if master != truth]),
        confidence=confidence,
        threshold=layer.threshold,
        accepted=accepted,
        latency_ms=round(layer.fastest_ms + span * rng.betavariate(1.5, 3.0), 3),
    )


def _confidence(rng: random.Random, layer: SampleLayer, *, accepted: bool) -> float:
    if layer is _LAST:
        return 1.0
    if accepted:
        return round(layer.threshold + (1 - layer.threshold) * rng.betavariate(1.6, 1.6), 4)
    below = layer.threshold * rng.betavariate(3.0, 1.4)
    return min(round(below, 4), round(layer.threshold - 0.0001, 4))


def right_chance(layer: SampleLayer, confidence: float) -> float:
    """How likely a proposal of a layer is right.

    Above the threshold it rises in a line around the table's accuracy (confidences lie evenly about the middle,
    so the mean is that accuracy); below it falls to the chance of guessing.
    """
    if layer is _LAST:
        return 1.0
    swing = min(0.12, 0.995 - layer.accuracy)
    if confidence >= layer.threshold:
        middle = (1 + layer.threshold) / 2
        return layer.accuracy + swing * (confidence - middle) / (1 - middle)
    at_threshold = layer.accuracy - swing
    return float(_CHANCE + (at_threshold - _CHANCE) * (confidence / layer.threshold) ** 1.5)


def _layer(rng: random.Random, number: int, attempt: Attempt) -> dict[str, object]:
    topic = attempt.agent.removesuffix("-master")
    metadata: dict[str, dict[str, object]] = {
        "keyword": {"matched_keywords": [topic]},
        "semantic": {"cluster": topic},
        "rag": {"retrieved": rng.randint(3, 8)},
        "pytorch": {"model": "router-v1"},
    }
    return {
        "layer_id": number, "layer_name": attempt.layer, "attempted": True, "success": attempt.accepted,
        "confidence": attempt.confidence, "threshold": attempt.threshold, "selected_master": attempt.agent,
        "latency_ms": attempt.latency_ms, "metadata": metadata.get(attempt.layer, {}),
    }  # fmt: skip


def _outcome(rng: random.Random, truth: str, *, correct: bool) -> dict[str, object]:
    outcome: dict[str, object] = {
        "task_completed": rng.random() < (0.97 if correct else 0.55),
        "was_correct_master": correct,
        "quality_score": round(rng.betavariate(18, 2) if correct else rng.betavariate(5, 5), 3),
        "completion_time_minutes": round(rng.lognormvariate(3.2, 0.6), 1),
    }
    if not correct:
        outcome["correct_master"] = truth
    return outcome
