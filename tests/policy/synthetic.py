"""Synthetic cascades written through the real writer, so that the store's way to the replay is what is tested."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from fedstore.facts.events import Attempt, Outcome, Route, Run
from fedstore.learning.log import DecisionLog
from fedstore.store import Store
from tests.support.scenarios import SCENARIOS, as_logged, population

MINUTE_MS = 60_000
SECOND_MS = 1_000


@lru_cache(maxsize=8)
def cascade_log(name: str, n: int, seed: int, *, probe_rate: float = 1.0, graded: float = 1.0) -> DecisionLog:
    """What a live log would hold of a scenario with known truth."""
    rng = np.random.default_rng(seed)
    scenario = next(s for s in SCENARIOS if s.name == name)
    return as_logged(population(scenario, n, rng), rng, probe_rate=probe_rate, graded=graded)


def route_events(log: DecisionLog, start_ms: int, step_ms: int, prefix: str = "r") -> Iterator[Route]:
    """The log's decisions as events, ``step_ms`` apart."""
    for i in range(len(log)):
        accepted = int(log.accepted[i])
        layer = log.layers[accepted] if accepted < len(log.layers) else "clarification"
        yield Route(
            id=f"{prefix}{i:06d}",
            at=start_ms + i * step_ms,
            agent=_name(log, log.final[i]),
            layer=layer,
            attempts=tuple(_attempt(log, i, k) for k in range(len(log.layers)) if not math.isnan(log.threshold[i, k])),
            outcome=_outcome(log, i),
        )


def _attempt(log: DecisionLog, i: int, k: int) -> Attempt:
    return Attempt(
        layer=log.layers[k],
        agent=_name(log, log.proposal[i, k]),
        confidence=float(log.confidence[i, k]),
        threshold=float(log.threshold[i, k]),
        accepted=bool(log.accepted[i] == k),
        latency_ms=float(log.latency_ms[i, k]),
        shadow=bool(log.shadow[i, k]),
        shadow_rate=1.0 if log.shadow[i, k] else None,
    )


def _outcome(log: DecisionLog, i: int) -> Outcome | None:
    if log.correct[i] < 0:
        return None
    true = _name(log, log.true_agent[i]) or None
    return Outcome(correct=bool(log.correct[i] == 1), correct_agent=true)


def _name(log: DecisionLog, code: Any) -> str:
    return log.agents[int(code)] if code >= 0 else ""


def write_cascade(store: Store, log: DecisionLog, end_ms: int, step_ms: int = MINUTE_MS, prefix: str = "r") -> None:
    """Record the log so that its last decision lies one step before ``end_ms``."""
    receipt = store.writer().write(route_events(log, end_ms - len(log) * step_ms, step_ms, prefix))
    assert receipt.rejected == []
    assert receipt.taken == len(log)


def write_runs(
    store: Store, agent: str, task_type: str, outcomes: str, end_ms: int, *, step_ms: int = SECOND_MS, prefix: str = ""
) -> None:
    """Record runs of an agent, one per letter (+ success, - failure, ? not graded), the last one before ``end_ms``."""
    success = {"+": True, "-": False, "?": None}
    events = [
        Run(
            id=f"{prefix}{agent}-{task_type}-{end_ms}-{i}", agent=agent, task_type=task_type, success=success[mark],
            at=end_ms - (len(outcomes) - i) * step_ms,
        )
        for i, mark in enumerate(outcomes)
    ]  # fmt: skip
    assert store.writer().write(events).rejected == []
