"""Builds a :class:`DecisionLog` one decision at a time from plain values or logged JSON objects.

Rows are checked as they come: one that contradicts itself is counted by reason and left out, never repaired.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from fedstore.learning.layers import LAST_RESORT
from fedstore.learning.log import DecisionLog, hash_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Attempt", "DecisionLogBuilder"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One layer's try at one task. ``success`` is what the layer reported, not whether it was right."""

    layer: str
    confidence: float | None
    threshold: float
    success: bool
    proposal: str | None = None
    latency_ms: float | None = None
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    event_id: int
    ts_ms: int
    attempts: tuple[tuple[int, Attempt, bool], ...]
    accepted: int
    final: int
    correct: int
    true_agent: int


class DecisionLogBuilder:
    """Collects decisions for :meth:`build`; ``rejected`` counts what was left out, by reason."""

    def __init__(self, layers: Sequence[str], last_resort: str = LAST_RESORT) -> None:
        self.layers = tuple(name for name in layers if name != last_resort)
        self.last_resort = last_resort
        self.rejected: Counter[str] = Counter()
        self._columns = {name: i for i, name in enumerate(self.layers)}
        self._agents: dict[str, int] = {}
        self._rows: list[_Row] = []

    def __len__(self) -> int:
        return len(self._rows)

    def append(
        self,
        event_id: str,
        ts_ms: int,
        attempts: Sequence[Attempt],
        *,
        accepted: str | None,
        final_agent: str | None,
        correct: bool | None = None,
        true_agent: str | None = None,
    ) -> bool:
        """Add one decision; ``accepted`` is the accepting layer, ``None`` or the last resort for clarified.

        Returns False, and counts the reason in ``rejected``, for a row that contradicts itself.
        """
        tried = [attempt for attempt in attempts if attempt.layer != self.last_resort]
        layer = None if accepted == self.last_resort else accepted
        reason = self._reject_reason(tried, layer)
        if reason is not None:
            self.rejected[reason] += 1
            return False
        for attempt in tried:
            self._code(attempt.proposal)
        self._rows.append(
            _Row(
                hash_id(event_id),
                ts_ms,
                tuple((self._columns[a.layer], a, _is_able(a)) for a in tried),
                len(self.layers) if layer is None else self._columns[layer],
                self._code(final_agent),
                -1 if correct is None else int(correct),
                self._code(true_agent),
            )
        )
        return True

    def append_event(self, event: Mapping[str, Any]) -> bool:
        """Add one routing decision event in its logged JSON form."""
        outcome = event.get("outcome") or {}
        decision = event["final_decision"]
        true_agent = outcome.get("correct_master") or (event.get("evaluation") or {}).get("true_master")
        return self.append(
            str(event["event_id"]),
            int(datetime.fromisoformat(event["timestamp"]).timestamp() * 1000),
            [_attempt(raw) for raw in event["routing_layers"] if raw.get("attempted", True)],
            accepted=decision["routing_layer"],
            final_agent=decision.get("selected_master"),
            correct=outcome.get("was_correct_master"),
            true_agent=true_agent,
        )

    def build(self) -> DecisionLog:
        """The columns of everything appended so far."""
        n, k = len(self._rows), len(self.layers)
        floats = {name: np.full((n, k), np.nan) for name in ("confidence", "threshold", "latency_ms")}
        proposal = np.full((n, k), -1, dtype=np.int32)
        shadow, able = np.zeros((n, k), dtype=np.bool_), np.zeros((n, k), dtype=np.bool_)
        for i, row in enumerate(self._rows):
            for column, attempt, can_accept in row.attempts:
                for name, values in floats.items():
                    value = getattr(attempt, name)
                    values[i, column] = math.nan if value is None else value
                proposal[i, column] = self._agents[attempt.proposal] if attempt.proposal is not None else -1
                shadow[i, column], able[i, column] = attempt.shadow, can_accept
        rows = self._rows
        return DecisionLog(
            layers=self.layers,
            agents=tuple(self._agents),
            ids=np.array([row.event_id for row in rows], dtype=np.uint64),
            ts_ms=np.array([row.ts_ms for row in rows], dtype=np.int64),
            **floats,
            proposal=proposal,
            shadow=shadow,
            able=able,
            accepted=np.array([row.accepted for row in rows], dtype=np.int32),
            final=np.array([row.final for row in rows], dtype=np.int32),
            correct=np.array([row.correct for row in rows], dtype=np.int8),
            true_agent=np.array([row.true_agent for row in rows], dtype=np.int32),
        )

    def _code(self, agent: str | None) -> int:
        return -1 if agent is None else self._agents.setdefault(agent, len(self._agents))

    def _reject_reason(self, attempts: Sequence[Attempt], accepted: str | None) -> str | None:
        names = [attempt.layer for attempt in attempts]
        if accepted is not None and accepted not in self._columns:
            return "unknown layer"
        if any(name not in self._columns for name in names):
            return "unknown layer"
        if len(set(names)) != len(names):
            return "layer tried twice"
        if any(not _confidence_ok(attempt) for attempt in attempts):
            return "confidence missing or outside 0..1"
        over = [a for a in attempts if not a.shadow and _is_able(a) and (a.confidence or 0.0) >= a.threshold]
        first = min(over, key=lambda a: self._columns[a.layer]).layer if over else None
        if first != accepted:
            return "accepting layer contradicts confidence and threshold"
        return None


def _is_able(attempt: Attempt) -> bool:
    """A layer that reported no success although it was over its threshold cannot accept at any threshold."""
    if attempt.confidence is None:
        return False
    return attempt.success or attempt.confidence < attempt.threshold


def _confidence_ok(attempt: Attempt) -> bool:
    if attempt.confidence is None:
        return not attempt.success
    return 0.0 <= attempt.confidence <= 1.0


def _attempt(raw: Mapping[str, Any]) -> Attempt:
    return Attempt(
        layer=raw["layer_name"],
        confidence=raw.get("confidence"),
        threshold=raw["threshold"],
        success=bool(raw["success"]),
        proposal=raw.get("selected_master"),
        latency_ms=raw.get("latency_ms"),
        shadow=bool((raw.get("metadata") or {}).get("shadow")),
    )
