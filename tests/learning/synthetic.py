"""Logs for the learning tests: random ones without structure, synthetic cascades, and real ones if present."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.support.log_builder import Attempt, DecisionLogBuilder
from tests.support.scenarios import SCENARIOS, Scenario, population

if TYPE_CHECKING:
    from fedstore.learning.log import DecisionLog

LAYERS = ("keyword", "semantic", "rag", "pytorch")
THRESHOLDS = (0.85, 0.70, 0.85, 0.90)


def scenario(name: str = "seedlike") -> Scenario:
    return next(s for s in SCENARIOS if s.name == name)


@lru_cache(maxsize=16)
def truth(name: str, n: int, seed: int) -> DecisionLog:
    return population(scenario(name), n, np.random.default_rng(seed))


def random_log(rng: np.random.Generator, n: int, *, thresholds: tuple[float, ...] = THRESHOLDS) -> DecisionLog:
    """Anything a live log may hold: errors, skipped layers, probes, missing grades, ties, changed thresholds."""
    builder = DecisionLogBuilder(LAYERS)
    agents = ["a", "b", "c"]
    for i in range(n):
        in_force = [round(t + float(rng.choice([0.0, 0.0, -0.03, 0.02])), 4) for t in thresholds]
        attempts, accepted = [], None
        probe = rng.random() < 0.4
        for k, name in enumerate(LAYERS):
            past = accepted is not None
            if (past and not (probe and rng.random() < 0.8)) or (not past and rng.random() < 0.05):
                continue
            confidence = round(float(np.clip(rng.normal(in_force[k], 0.08), 0, 1)), 2)
            over = confidence >= in_force[k]
            able = rng.random() > 0.1
            attempts.append(
                Attempt(
                    name,
                    confidence if rng.random() > 0.02 or (over and able) else None,
                    in_force[k],
                    success=over and able,
                    proposal=str(rng.choice(agents)) if rng.random() > 0.05 else None,
                    latency_ms=float(rng.integers(1, 100)) if rng.random() > 0.05 else None,
                    shadow=past,
                )
            )
            if over and able and not past:
                accepted = name
        final = next((a.proposal for a in attempts if a.layer == accepted), None)
        if accepted is None and rng.random() < 0.7:
            final = str(rng.choice(agents))
        graded, known = rng.random() < 0.7, rng.random() < 0.3
        true = str(rng.choice(agents)) if known else None
        correct = bool(rng.random() < 0.8) if true is None else final == true
        correct = correct and (final is not None or accepted is None)
        assert builder.append(
            f"e{i}", i * 1000, attempts, accepted=accepted, final_agent=final,
            correct=correct if graded else None, true_agent=true,
        ), builder.rejected  # fmt: skip
    return builder.build()


def data_file(name: str) -> Path:
    """A file of real decisions, or a skip that says what is missing."""
    root = Path(os.environ.get("FEDERATION_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
    path = root / "cascade" / name
    if not path.exists():
        pytest.skip(f"real cascade log {name} is not here; set FEDERATION_DATA to the folder that holds cascade/")
    return path


def load_cascade(name: str) -> DecisionLog:
    builder = DecisionLogBuilder(LAYERS)
    with data_file(name).open(encoding="utf-8") as lines:
        for line in lines:
            assert builder.append_event(json.loads(line)), builder.rejected
    return builder.build()
