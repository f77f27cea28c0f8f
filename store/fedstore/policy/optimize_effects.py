"""What happened since boosts were changed, from the tasks of the agents and task types that were boosted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fedstore.learning.intervals import wilson
from fedstore.learning.verify import EffectState, rate_since
from fedstore.policy.body import boosted
from fedstore.policy.details import pair_of
from fedstore.policy.effects import Effects, Measured
from fedstore.policy.horizons import WATCHED_MS, horizons, new_values
from fedstore.policy.ledger import body_at

if TYPE_CHECKING:
    from fedstore.engine.protocol import Read, Row
    from fedstore.policy.ledger import Change

__all__ = ["optimize_effects"]

_RUNS = 20_000


def optimize_effects(read: Read, change: Change, until_ms: int, now_ms: int) -> Effects:
    """Effects of boosts: how what was boosted, by agent and task type, does since."""
    before, after = (body_at(read, version) for version in (change.old_version, change.new_version))
    agents = sorted({found[0] for item in change.plan.items if (found := boosted(item.key))})
    end = min(until_ms, change.at_ms + WATCHED_MS, now_ms + 1)
    runs = [
        (at, ok)
        for at, agent, kind, ok in _runs(read, agents, change.at_ms, end)
        if after.boost(agent, kind) > before.boost(agent, kind)
    ]
    predicted = change.plan.predicted.get("success")
    known = [rate for rate in (predicted.now, predicted.new) if rate is not None] if predicted else []
    reference = min(known, default=None)
    state: EffectState = "watching"
    if reference is not None:
        state = rate_since([ok for _, ok in runs], reference).state
    return Effects(
        state=state,
        reference=reference,
        measured=tuple(
            replace(
                _measure_runs([ok for at, ok in runs if at < until], name, until, complete),
                predicted=new_values(change),
            )
            for name, until, complete in horizons(change, until_ms, now_ms)
        ),
        seen_since_ms=runs[0][0] if runs else None,
        notes=() if predicted else ("no boost went up: there is no success rate to watch",),
    )


def _runs(read: Read, agents: Sequence[str], start_ms: int, end_ms: int) -> list[tuple[int, str, str, bool]]:
    """When the runs of some agents ended, whose and of which task type they were, whether they succeeded."""
    rows: list[Row] = []
    for agent in agents:
        rows += read(
            "SELECT ended_ms, agent, task_type, success = 1 AND COALESCE(rework, 0) <> 1 FROM runs"
            " WHERE agent = ? AND ended_ms >= ? AND ended_ms < ? AND success IS NOT NULL"
            " ORDER BY ended_ms LIMIT ?",
            (agent, start_ms, end_ms, _RUNS),
        )
    return sorted((at, name, kind, bool(ok)) for at, name, kind, ok in rows)


def _measure_runs(outcomes: Sequence[bool], horizon: str, end_ms: int, complete: bool) -> Measured:
    n, successes = len(outcomes), sum(outcomes)
    interval = pair_of(wilson(successes, n))
    return Measured(horizon, end_ms, complete, n, n, {"success": successes / n if n else None}, {"success": interval})
