"""A random small federation as plain event mappings, and the figures derived from the events alone."""

from __future__ import annotations

import math
import random
from typing import Any

Event = dict[str, Any]
NOW_MS = 1_790_000_000_000  # 2026-09-21T14:13:20Z
AGENTS = ("kimi", "claude", "codex")
TYPES = ("implementation", "review", "")
MODELS = ("gpt-4o", "house-model", "claude-sonnet-4-5")
LAYERS = (("keyword", 0.85), ("semantic", 0.70), ("rag", 0.85))


def events(seed: int, n: int = 120, days: float = 3.0) -> list[Event]:
    """``n`` of each kind of event over the last ``days``, ids given."""
    rng = random.Random(seed)
    made: list[Event] = []
    for i in range(n):
        at = NOW_MS - int(rng.random() ** 2 * days * 86_400_000)
        made.append(_run(rng, f"run-{i}", at))
        made.append(_usage(rng, f"use-{i}", at))
        made.append(_execution(rng, f"exe-{i}", at))
        made.append(_route(rng, f"route-{i}", at))
    return made


def _run(rng: random.Random, name: str, at: int) -> Event:
    return {
        "kind": "run", "id": name, "agent": rng.choice(AGENTS), "task_type": rng.choice(TYPES), "project": "p",
        "at": at, "duration_ms": rng.choice([None, round(rng.lognormvariate(9, 1), 3)]),
        "success": rng.choice([True, True, False, None]), "rework": rng.choice([None, False, True]),
        "quality": rng.choice([None, 0.25, 0.875]), "error_class": ("", "Timeout", "", "api_error 529")[at % 4],
    }  # fmt: skip


def _usage(rng: random.Random, name: str, at: int) -> Event:
    cost = rng.choice([None, None, 0.0125])
    read = rng.randrange(500)
    return {
        "kind": "usage", "id": name, "agent": rng.choice(AGENTS), "model": rng.choice(MODELS), "at": at,
        "project": rng.choice(("p", "q")), "input_tokens": 1000 + read, "cache_read_tokens": read,
        "output_tokens": rng.randrange(300), "cost_usd": cost,
    }  # fmt: skip


def _execution(rng: random.Random, name: str, at: int) -> Event:
    return {
        "kind": "execution", "id": name, "agent": rng.choice(AGENTS), "tool": rng.choice(("bash", "edit")), "at": at,
        "duration_ms": rng.randrange(5_000_000) / 1000, "success": rng.random() < 0.8,
        "cost_usd": rng.choice([None, 0.001]), "tokens": rng.choice([None, 40]),
    }  # fmt: skip


def _route(rng: random.Random, name: str, at: int) -> Event:
    attempts = []
    for layer, threshold in LAYERS:
        confidence = round(rng.random(), 3)
        accepted = confidence >= threshold
        attempts.append(
            {
                "layer": layer, "agent": rng.choice(AGENTS), "confidence": confidence, "threshold": threshold,
                "accepted": accepted, "latency_ms": rng.randrange(1, 90_000) / 1000,
            }
        )  # fmt: skip
        if accepted:
            break
    else:
        attempts.append({"layer": "clarification", "confidence": 1.0, "threshold": 1.0, "accepted": True})
    event: Event = {
        "kind": "route", "id": name, "at": at, "agent": attempts[-1].get("agent", "kimi"),
        "layer": attempts[-1]["layer"], "latency_ms": sum(a.get("latency_ms", 0.0) for a in attempts),
        "attempts": attempts,
    }  # fmt: skip
    if rng.random() < 0.7:
        event["outcome"] = {"correct": rng.random() < 0.8}
    return event


def inside(event: Event, start: int, end: int) -> bool:
    return bool(start <= event["at"] < end)


def of(kind: str, made: list[Event], start: int, end: int) -> list[Event]:
    return [event for event in made if event["kind"] == kind and inside(event, start, end)]


def ok(run: Event) -> bool:
    return run["success"] is True and run["rework"] is not True


def failed(run: Event) -> bool:
    return run["success"] is False or (run["success"] is True and run["rework"] is True)


def quantile(values: list[float], q: float) -> float:
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[max(1, math.ceil(q * len(ordered))) - 1]
