"""What happened since a threshold change, from the decisions logged under the new thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fedstore.learning.effects import layer_strata
from fedstore.learning.intervals import Interval, wilson
from fedstore.learning.stratified import weighted_rate
from fedstore.learning.verify import EffectState, EProcess, check_assumptions
from fedstore.policy.body import SAME
from fedstore.policy.details import Pair, TuneDetail, pair_of
from fedstore.policy.effects import Effects, Measured
from fedstore.policy.horizons import WATCHED_MS, horizons, new_values
from fedstore.queries.decisions import load_within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedstore.engine.protocol import Engine
    from fedstore.learning.log import DecisionLog
    from fedstore.policy.ledger import Change

__all__ = ["tune_effects"]

_LOOKS = 400


def tune_effects(database: Engine, change: Change, until_ms: int, now_ms: int) -> Effects:
    """Effects of a threshold change, up to `until_ms`, when its thresholds were changed again."""
    layers = [layer.layer for layer in change.plan.layers]
    end = min(until_ms, change.at_ms + WATCHED_MS, now_ms + 1)
    with database.snapshot():
        log = load_within(database, change.at_ms, max(end, change.at_ms), layers or None).log
    log, since = _under(log, {item.label: item.new for item in change.plan.items})
    measured = tuple(
        replace(_measure_log(log.take(log.ts_ms < until), name, until, complete), predicted=new_values(change))
        for name, until, complete in horizons(change, until_ms, now_ms)
    )
    reference = _reference(change)
    return Effects(
        state=_state(log, reference),
        reference=reference,
        measured=measured,
        seen_since_ms=since,
        broken=_broken(change, log),
        notes=_notes(log, reference),
    )


def _under(log: DecisionLog, new: Mapping[str, float | None]) -> tuple[DecisionLog, int | None]:
    """The decisions under the new thresholds, in the order of time, and when the first of them was."""
    log = log.take(np.argsort(log.ts_ms, kind="stable"))
    agrees, contradicts = np.zeros(len(log), dtype=np.bool_), np.zeros(len(log), dtype=np.bool_)
    for layer, value in new.items():
        if layer in log.layers and value is not None:
            logged = log.threshold[:, log.layers.index(layer)]
            agrees |= np.abs(logged - value) <= SAME
            contradicts |= np.abs(logged - value) > SAME
    seen = np.flatnonzero(agrees & ~contradicts)
    if not len(seen):
        return log.take(seen), None
    rows = np.arange(len(log))
    return log.take((rows >= seen[0]) & ~contradicts), int(log.ts_ms[seen[0]])


def _measure_log(log: DecisionLog, horizon: str, end_ms: int, complete: bool) -> Measured:
    n = len(log)
    accuracy = weighted_rate(layer_strata(log).values())
    latency = np.nansum(np.where(log.shadow, np.nan, log.latency_ms), axis=1)
    clarified = int(np.count_nonzero(log.accepted == len(log.layers)))
    clarify = pair_of(wilson(clarified, n))
    return Measured(
        horizon, end_ms, complete, n, accuracy.n,
        {
            "accuracy": accuracy.value,
            "latency_ms": float(latency.mean()) if n else None,
            "clarify": clarified / n if n else None,
        },
        {"accuracy": pair_of(accuracy.interval), "latency_ms": _mean_interval(latency), "clarify": clarify},
    )  # fmt: skip


def _mean_interval(values: NDArray[np.float64]) -> Pair | None:
    if len(values) < 2:
        return None
    half = 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5
    return float(values.mean()) - half, float(values.mean()) + half


def _reference(change: Change) -> float | None:
    """The accuracy promised: the target if that was certified, else no more than was predicted at the least.

    None where nothing was: a plan that rests on agreement alone says nothing of accuracy.
    """
    plan = change.plan
    settings, predicted = plan.tuning, plan.predicted.get("accuracy")
    if settings is None or predicted is None or predicted.new_interval is None:
        return None
    if plan.conclusion == "certified" and isinstance(plan.detail, TuneDetail) and plan.detail.guard == "accuracy":
        return settings.target
    return min(settings.target, max(0.01, predicted.new_interval[0]))


def _state(log: DecisionLog, reference: float | None) -> EffectState:
    """Looks at up to some hundred moments; the bound holds for any of them."""
    graded = log.take(log.correct >= 0)
    n = len(graded)
    if reference is None or not n:
        return "watching"
    groups = len(log.layers) + 1
    seen = np.bincount(graded.accepted, minlength=groups)
    shares = np.bincount(log.accepted, minlength=groups) / len(log)
    weights = np.divide(shares * n, seen, out=np.zeros(groups), where=seen > 0)
    process = EProcess(min(reference, 0.999), weights=weights.tolist())
    wrong = (graded.accepted[:, None] == np.arange(groups)) & (graded.correct == 0)[:, None]
    errors = np.cumsum(wrong, axis=0)
    for look in np.unique(np.linspace(1, n, min(_LOOKS, n)).astype(int)).tolist():
        process.look(errors[look - 1].tolist(), look)
    return process.state


def _notes(log: DecisionLog, reference: float | None) -> tuple[str, ...]:
    """What the state does not speak of."""
    if not len(log):
        return ("no decision has been logged with the new thresholds yet",)
    if reference is None:
        return ("the plan rested on no outcomes: it promised no accuracy that could be missed",)
    groups = log.deciders
    decided = np.bincount(log.accepted, minlength=len(groups))
    graded = np.bincount(log.accepted, weights=log.correct >= 0, minlength=len(groups))
    silent = [name for name, some, known in zip(groups, decided, graded, strict=True) if some and not known]
    if not silent or len(silent) == np.count_nonzero(decided):
        return ()
    return (f"nothing that {', '.join(silent)} decided is graded: this is about the others",)


def _broken(change: Change, log: DecisionLog) -> tuple[str, ...]:
    detail, latency = change.plan.detail, change.plan.predicted.get("latency_ms")
    if not len(log) or not isinstance(detail, TuneDetail):
        return ()
    layers = detail.layers
    if not layers or [layer.layer for layer in layers] != list(log.layers):
        return ()
    shares = [layer.captured_new for layer in layers]
    spent = np.nansum(np.where(log.shadow, np.nan, log.latency_ms), axis=1)
    check = check_assumptions(
        [*shares, max(0.0, 1.0 - sum(shares))],
        np.bincount(log.accepted, minlength=len(layers) + 1).tolist(),
        predicted_from=detail.measured or detail.events,
        predicted_latency=None if latency is None or latency.new_interval is None else Interval(*latency.new_interval),
        latency_mean=float(spent.mean()),
        latency_sd=float(spent.std(ddof=1)) if len(spent) > 1 else None,
    )
    return check.reasons if check.broken else ()
