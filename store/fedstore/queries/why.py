"""Why one decision went where it went: each layer's answer, the policy then, and what the present one would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedstore.learning.layers import LAST_RESORT
from fedstore.queries.facts import DECISION_COLUMNS, decision_row, millis
from fedstore.queries.models import DecisionRow, WhyStep, WhyView

if TYPE_CHECKING:
    from fedstore.engine.protocol import Reads, Row

__all__ = ["Attempt", "ladder", "where_now", "why_view"]

_ROUTE = f"SELECT {DECISION_COLUMNS}, correct_agent FROM routes WHERE id = ?"
_ATTEMPTS = (
    "SELECT layer, agent, confidence, threshold, accepted, shadow, error_class, latency_us"
    " FROM route_attempts WHERE route_id = ? ORDER BY position"
)
_THEN = "SELECT MAX(version) FROM policies WHERE made_ms <= ?"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One layer's answer as logged."""

    layer: str
    agent: str
    confidence: float | None
    threshold: float | None
    accepted: bool
    shadow: bool
    error_class: str
    latency_ms: float | None

    @property
    def able(self) -> bool:
        """Whether it could accept at some threshold: no error, a confidence, and no refusal above its threshold."""
        if self.error_class or self.confidence is None:
            return False
        refused = self.threshold is not None and self.confidence >= self.threshold and not self.accepted
        return self.shadow or not refused


def why_view(source: Reads, route_id: str, thresholds: Mapping[str, float]) -> WhyView | None:
    """The ladder of one decision; None when it is not there. `thresholds` are the present ones."""
    rows = source.read(_ROUTE, (route_id,))
    if not rows:
        return None
    attempts = [_attempt(row) for row in source.read(_ATTEMPTS, (route_id,))]
    ((version,),) = source.read(_THEN, (rows[0][1],))
    decision, correct_agent = decision_row(rows[0]), rows[0][-1]
    layer, agent = where_now(attempts, thresholds, decision)
    return WhyView(decision, ladder(attempts, thresholds), correct_agent, version, layer, agent)


def _attempt(row: Row) -> Attempt:
    layer, agent, confidence, threshold, accepted, shadow, error, latency_us = row
    return Attempt(layer, agent, confidence, threshold, bool(accepted), bool(shadow), error, millis(latency_us))


def ladder(attempts: Sequence[Attempt], now: Mapping[str, float | None]) -> tuple[WhyStep, ...]:
    """A step per layer asked, with its threshold now and whether it would accept at that."""
    return tuple(
        WhyStep(
            one.layer, one.agent, one.confidence, one.threshold, one.accepted, one.shadow, one.latency_ms,
            one.error_class, now.get(one.layer), _accepts(one, now.get(one.layer)),
        )
        for one in attempts
    )  # fmt: skip


def _accepts(one: Attempt, threshold: float | None) -> bool | None:
    if not one.able:
        return False
    return None if threshold is None or one.confidence is None else one.confidence >= threshold


def where_now(
    attempts: Sequence[Attempt], now: Mapping[str, float | None], decision: DecisionRow
) -> tuple[str | None, str | None]:
    """The layer and agent the present thresholds lead to; (None, None) where the log ends before the decision."""
    for one in attempts:
        accepts = True if one.accepted and one.layer == LAST_RESORT else _accepts(one, now.get(one.layer))
        if accepts is None:
            return None, None
        if accepts:
            return one.layer, one.agent or (decision.agent if one.accepted else None)
    if attempts and not any(one.accepted or one.shadow for one in attempts):
        return decision.layer, decision.agent  # every layer was asked, and none accepts now either
    return None, None
