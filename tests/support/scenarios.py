"""Synthetic routing cascades with known truth, for checking what the tuner promises.

A population has every layer evaluated and the right agent known; :func:`as_logged` keeps what a live log with
partial grading and background probes would hold. Deterministic in the generator passed in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fedstore.learning.log import DecisionLog

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SCENARIOS", "LayerModel", "Scenario", "as_logged", "population"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LayerModel:
    """How one layer scores tasks and how often it is right at a score.

    Confidence is the logistic of ``skill - slope * difficulty + noise``;
    P(right) rises linearly from ``right_at_half`` at confidence 0.5 to ``right_at_one`` at 1.
    """

    name: str
    threshold: float
    skill: float
    right_at_half: float
    right_at_one: float
    latency_ms: float
    slope: float = 1.2
    noise: float = 1.3


@dataclass(frozen=True, slots=True)
class Scenario:
    """A cascade; ``trap`` makes tasks just above the second threshold unlike those just below."""

    name: str
    layers: tuple[LayerModel, ...]
    target: float
    out_of_scope: float = 0.02
    agents: int = 8
    trap: bool = False

    @property
    def thresholds(self) -> tuple[float, ...]:
        return tuple(layer.threshold for layer in self.layers)


_SEEDLIKE = (
    LayerModel("keyword", 0.85, 1.1, 0.75, 1.00, 2.0),
    LayerModel("semantic", 0.70, 1.3, 0.85, 1.00, 30.0),
    LayerModel("rag", 0.85, 2.9, 0.85, 1.00, 100.0),
    LayerModel("pytorch", 0.90, 4.2, 0.90, 1.00, 200.0),
)
_TIGHT = tuple(replace(layer, right_at_half=layer.right_at_half - 0.12) for layer in _SEEDLIKE)
_SECOND_BAD = tuple(
    replace(layer, right_at_half=0.55, right_at_one=0.97) if layer.name == "semantic" else layer for layer in _SEEDLIKE
)

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("seedlike", _SEEDLIKE, 0.957),
    Scenario("tight", _TIGHT, 0.938),
    Scenario("second layer bad", _SECOND_BAD, 0.926),
    Scenario("out of scope 15 %", _SEEDLIKE, 0.895, out_of_scope=0.15),
    Scenario("trap", _SEEDLIKE, 0.957, trap=True),
)


def population(scenario: Scenario, n: int, rng: np.random.Generator) -> DecisionLog:
    """n decisions with every layer evaluated and the right agent known."""
    k_layers, agents = len(scenario.layers), scenario.agents
    difficulty = rng.normal(size=n)
    scoped = rng.random(n) >= scenario.out_of_scope
    true = np.where(scoped, rng.integers(0, agents, n), agents)
    confidence, latency = np.empty((n, k_layers)), np.empty((n, k_layers))
    proposal = np.empty((n, k_layers), dtype=np.int32)
    trapped = np.zeros(n, dtype=np.bool_)
    for k, layer in enumerate(scenario.layers):
        logit = layer.skill - layer.slope * difficulty + layer.noise * rng.normal(size=n) - 2.5 * ~scoped
        confidence[:, k] = np.round(1.0 / (1.0 + np.exp(-logit)), 4)
        p_right = _right(layer, confidence[:, k])
        if scenario.trap:
            p_right = np.where(trapped, 0.35, p_right)
        right = scoped & (rng.random(n) < p_right)
        other = (true + rng.integers(1, agents, n)) % agents
        proposal[:, k] = np.where(right, true, other)
        latency[:, k] = layer.latency_ms * rng.lognormal(0.0, 0.3, n)
        if k == 1:
            above = confidence[:, k] - layer.threshold
            trapped = (above >= 0.0) & (above < 0.06)
    return _complete(scenario, rng, true.astype(np.int32), confidence, proposal, latency)


def _right(layer: LayerModel, confidence: Floats) -> Floats:
    slope = (layer.right_at_one - layer.right_at_half) / 0.5
    return np.clip(layer.right_at_half + slope * (confidence - 0.5), 0.0, 1.0)


def _complete(
    scenario: Scenario,
    rng: np.random.Generator,
    true: NDArray[np.int32],
    confidence: Floats,
    proposal: NDArray[np.int32],
    latency: Floats,
) -> DecisionLog:
    n, k_layers = confidence.shape
    threshold = np.tile(np.array(scenario.thresholds), (n, 1))
    over = confidence >= threshold
    accepted = np.where(over.any(axis=1), over.argmax(axis=1), k_layers).astype(np.int32)
    inside = accepted < k_layers
    final = np.where(inside, proposal[np.arange(n), np.where(inside, accepted, 0)], true).astype(np.int32)
    return DecisionLog(
        layers=tuple(layer.name for layer in scenario.layers),
        agents=(*(f"agent-{i}" for i in range(scenario.agents)), "out-of-scope"),
        ids=np.asarray(rng.integers(0, 2**64, n, dtype=np.uint64)),
        ts_ms=np.arange(n, dtype=np.int64) * 60_000,
        confidence=confidence,
        threshold=threshold,
        latency_ms=latency,
        proposal=proposal,
        shadow=np.arange(k_layers) > accepted[:, None],
        able=np.ones((n, k_layers), dtype=np.bool_),
        accepted=accepted,
        final=final,
        correct=(final == true).astype(np.int8),
        true_agent=true,
    )


def as_logged(
    log: DecisionLog,
    rng: np.random.Generator,
    *,
    probe_rate: float = 0.0,
    probe_band: float = 0.05,
    graded: float | Sequence[float] = 1.0,
    correct_master: bool = True,
) -> DecisionLog:
    """What a live log would hold of a complete one.

    A share ``probe_rate`` of the events is walked on as if every threshold were ``probe_band`` higher;
    ``graded`` is the share with an outcome, overall or per accepting layer (K + 1 values).
    """
    n, k_layers = log.confidence.shape
    layer = np.arange(k_layers)
    walked_on = np.where(rng.random(n) < probe_rate, probe_band, 0.0)
    over = log.able & (log.confidence >= log.threshold + walked_on[:, None] - 1e-9)
    walk_end = np.where(over.any(axis=1), over.argmax(axis=1), k_layers)
    seen = layer <= np.maximum(walk_end, log.accepted)[:, None]
    share = np.broadcast_to(np.asarray(graded, dtype=np.float64), (k_layers + 1,))
    known = rng.random(n) < share[log.accepted]
    return replace(
        log,
        confidence=np.where(seen, log.confidence, np.nan),
        threshold=np.where(seen, log.threshold, np.nan),
        latency_ms=np.where(seen, log.latency_ms, np.nan),
        proposal=np.where(seen, log.proposal, -1).astype(np.int32),
        shadow=log.shadow & seen,
        able=log.able & seen,
        correct=np.where(known, log.correct, -1).astype(np.int8),
        true_agent=np.where(known & correct_master, log.true_agent, -1).astype(np.int32),
    )
