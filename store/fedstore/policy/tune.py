"""Threshold plans from the store: reads the decisions, lets `learning.tuning` search, writes down a Plan.

The thresholds a plan starts from are those in force (`queries.in_force`), as logged being what the newest decisions of
its window were logged with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fedstore.learning.percent import percent
from fedstore.learning.replay import UNKNOWN, Replay, replay
from fedstore.learning.tuning import tune
from fedstore.learning.tuning_types import Effect, Flips, LayerChange, RulePlan, TuneResult, TuneSettings
from fedstore.policy.body import SAME, PolicyBody, threshold_key
from fedstore.policy.details import TuneDetail, pair_of
from fedstore.policy.extent import Extent, measure_extent
from fedstore.policy.guards import used_until_ms
from fedstore.policy.ledger import current, last_standing
from fedstore.policy.parts import Alternative, Flip, FlipCounts, PlanItem, Predicted
from fedstore.policy.plans import Plan
from fedstore.queries.decisions import Decisions, load_within
from fedstore.queries.in_force import thresholds_in_force

if TYPE_CHECKING:
    from fedstore.engine.protocol import Engine
    from fedstore.learning.log import DecisionLog
    from fedstore.settings.routing_config import RoutingConfig
    from fedstore.window import Window

__all__ = ["TuneInput", "load_input", "plan_tune"]

Progress = Callable[[float], None]
Cancelled = Callable[[], bool]

FLIPS_KEPT = 500


@dataclass(frozen=True, slots=True)
class TuneInput:
    """The evidence of one plan and where it starts from."""

    decisions: Decisions
    thresholds: tuple[float, ...]
    extent: Extent
    version: int
    body: PolicyBody
    label: str
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    disabled: frozenset[str] = frozenset()
    """Layers that routers do not ask."""


def load_input(database: Engine, window: Window, now_ms: int, configured: RoutingConfig) -> TuneInput:
    """Read the evidence: the decisions of the window that no standing change has used; in the caller's snapshot."""
    version, body = current(database.read)
    used = used_until_ms(database.read)
    end = min(window.end_ms, now_ms + 1)
    start = min(max(window.start_ms, used), end)
    decisions = load_within(database, start, end)
    log = decisions.log
    held = len(log), int(np.count_nonzero(log.graded)), int(log.ts_ms.max(initial=0))
    extent = measure_extent(database.read, "routes", start, end, now_ms, held)
    notes = _used_note(database, used) if used > window.start_ms else ()
    logged = dict(zip(log.layers, log.thresholds_in_force(), strict=True))
    now = thresholds_in_force(body.thresholds, configured.thresholds, logged)
    found = {layer: now.get(layer) for layer in log.layers}
    known = tuple(layer for layer, value in found.items() if value is not None)
    if known != log.layers:
        decisions = load_within(database, start, end, known)
    thresholds = tuple(value for value in found.values() if value is not None)
    warnings = tuple(
        f"the newest decisions were logged with {layer} at {value:g}, but the policy in force says"
        f" {body.thresholds[layer]:g}: check that the router reads the policy"
        for layer, value in logged.items()
        if value is not None and layer in body.thresholds and abs(value - body.thresholds[layer]) > SAME
    )
    disabled = frozenset((*body.disabled, *configured.disabled))
    return TuneInput(decisions, thresholds, extent, version, body, window.label, notes, warnings, disabled)


def _used_note(database: Engine, used_ms: int) -> tuple[str, ...]:
    change = last_standing(database.read, ("tune",))
    if change is None or not used_ms:
        return ()
    return (f"decisions before change #{change.id} were its evidence and are not used again",)


def plan_tune(
    given: TuneInput,
    settings: TuneSettings,
    locked: Callable[[str], bool],
    *,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Plan:
    """The plan. Raises `TuneCancelledError` when asked to stop, `ValueError` for settings that fit no log."""
    log = given.decisions.log
    held = tuple(layer for layer in log.layers if locked(threshold_key(layer)))
    off = tuple(layer for layer in log.layers if layer in given.disabled)
    settings = replace(settings, locked=held, disabled=off)
    warnings = (f"{', '.join(held)} locked: left as it is", *given.warnings) if held else given.warnings
    warnings = (f"{', '.join(off)} disabled: left as it is", *warnings) if off else warnings
    base = Plan(
        kind="tune", rule=settings.rule, conclusion="insufficient", made_ms=given.extent.made_ms,
        policy_version=given.version, policy_hash=given.body.digest(), window_label=given.label,
        extent=given.extent, settings=settings, warnings=warnings, reasons=given.notes,
    )  # fmt: skip
    if not len(log) or not log.layers:
        return replace(base, reasons=("no routing decisions to learn from in this window", *given.notes))
    result = tune(log, given.thresholds, settings, progress=progress, cancelled=cancelled)
    return _filled(base, given, result)


def _filled(base: Plan, given: TuneInput, result: TuneResult) -> Plan:
    changed = [change for change in result.layers if change.changed]
    return replace(
        base,
        conclusion=result.conclusion,
        items=tuple(_item(change) for change in changed),
        pins={threshold_key(change.layer): change.old for change in result.layers if not change.changed}
        if changed
        else {},
        predicted=_predicted(result),
        flips=_counts(result.flips) if changed else None,
        flipped=_flipped(given, result) if changed else (),
        alternatives=tuple(_alternative(rule, result) for rule in result.rules),
        reasons=(*result.reasons, *given.notes),
        warnings=(*base.warnings, *result.warnings),
        more_needed=result.more_needed,
        detail=_detail(result),
    )


def _detail(result: TuneResult) -> TuneDetail:
    """What of the result does not stand in the plan itself."""
    return TuneDetail(
        layers=result.layers, guard=result.guard, evidence=result.evidence, events=result.events,
        measured=result.measured, graded=result.graded, graded_certifying=result.graded_certifying,
        probed=result.probed, rejected=result.rejected, accuracy_lower=result.accuracy_lower, cost_ms=result.cost_ms,
        p_value=result.p_value, worst_agent=result.worst_agent, drift_p=result.drift_p,
    )  # fmt: skip


def _counts(flips: Flips) -> FlipCounts:
    """The counts alone: rows can be a great many, and the plan names the newest of them instead."""
    return FlipCounts(
        flips.total, flips.same_agent, flips.now_right, flips.now_wrong, flips.same_verdict, flips.unknown
    )


def _item(change: LayerChange) -> PlanItem:
    return PlanItem(
        key=threshold_key(change.layer),
        label=change.layer,
        old=change.old,
        new=change.new,
        evidence=(
            f"{change.graded:,} graded of {change.attempts:,} attempts{_accuracy(change)}; would capture"
            f" {percent(change.captured_new, 1)} of the decisions instead of {percent(change.captured_now, 1)}"
        ),
        grade=change.evidence,
        n=change.graded,
    )


def _accuracy(change: LayerChange) -> str:
    """How often what the layer took is right: `; 95.7 % of 1,011 that it took are right (94.3 % to 96.8 %)`."""
    interval = change.accuracy_interval
    if interval is None:
        return ""
    rate, low, high = (percent(value, 1) for value in (change.right / change.taken, *interval))
    return f"; {rate} of {change.taken:,} that it took are right ({low} to {high})"


def _predicted(result: TuneResult) -> dict[str, Predicted]:
    found = {"latency_ms": _effect(result.latency_ms), "clarify": _effect(result.clarify)}
    if result.accuracy is not None:
        found = {"accuracy": _effect(result.accuracy), **found}
    return found


def _effect(effect: Effect) -> Predicted:
    return Predicted(
        effect.now, effect.new, effect.change, pair_of(effect.now_interval), pair_of(effect.new_interval),
        pair_of(effect.change_interval),
    )  # fmt: skip


def _alternative(rule: RulePlan, result: TuneResult) -> Alternative:
    values: dict[str, float | None] = {
        threshold_key(change.layer): value for change, value in zip(result.layers, rule.thresholds, strict=True)
    }
    promise = {True: "", False: "misses the target", None: "accuracy not known"}[rule.meets_target]
    measures = {"accuracy": rule.accuracy, "latency_ms": rule.latency_ms, "clarify": rule.clarify}
    return Alternative(rule.rule, values, promise, measures)


def _flipped(given: TuneInput, result: TuneResult) -> tuple[Flip, ...]:
    """The newest decisions that would go elsewhere, and what would come of each."""
    log = given.decisions.log
    rows = np.array(result.flips.indices, dtype=np.int64)
    rows = rows[np.argsort(log.ts_ms[rows], kind="stable")[::-1]][:FLIPS_KEPT]
    touched = log.take(rows)
    before, after = replay(touched, result.old_thresholds), replay(touched, result.thresholds)
    return tuple(
        Flip(
            route_id=given.decisions.route_id(int(row)),
            at_ms=int(log.ts_ms[row]),
            old_layer=_layer(log, int(before.layer[i])),
            new_layer=_layer(log, int(after.layer[i])),
            old_agent=_agent(log, int(before.agent[i])),
            new_agent=_agent(log, int(after.agent[i])),
            consequence=_consequence(before, after, i),
        )
        for i, row in enumerate(rows)
    )


def _layer(log: DecisionLog, k: int) -> str:
    if k == UNKNOWN:
        return ""
    return log.deciders[k]


def _agent(log: DecisionLog, code: int) -> str:
    return log.agents[code] if code >= 0 else ""


def _consequence(before: Replay, after: Replay, i: int) -> str:
    """As the counts of the flips are made: by the agent first, then by what is known of both."""
    if before.agent[i] == after.agent[i] and after.agent[i] >= 0:
        return "same agent"
    if before.correct[i] < 0 or after.correct[i] < 0 or after.layer[i] == UNKNOWN:
        return "unknown"
    if before.correct[i] == after.correct[i]:
        return "same verdict"
    return "now right" if after.correct[i] > before.correct[i] else "now wrong"
