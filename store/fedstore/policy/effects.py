"""What happened since a change: predicted against measured after 1 h, 24 h, 7 d and now, and the verdict.

Only facts logged under the new policy count: decisions from the first one on that shows a new threshold, without
those that still show another; tasks that ended after the change and before the next change of the same items.
The verdict is an e-process's, valid however often it is looked at (``learning.verify``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fedstore.learning.intervals import wilson
from fedstore.learning.verify import ChangeVerdict, EProcess, check_assumptions, rate_verdict
from fedstore.policy.plans import Pair, pair_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fedstore.database import Database
    from fedstore.learning.log import DecisionLog
    from fedstore.policy.extent import Read
    from fedstore.policy.ledger import Change

__all__ = ["HORIZONS_MS", "WATCHED_MS", "Effects", "Measured", "optimize_effects", "tune_effects"]

HOUR_MS = 3_600_000
HORIZONS_MS = {"1h": HOUR_MS, "24h": 24 * HOUR_MS, "7d": 168 * HOUR_MS}
WATCHED_MS = HORIZONS_MS["7d"]
"""How long a change is watched; "now" ends there."""
_LOOKS = 400
_RUNS = 20_000
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Measured:
    """The measures over the facts of one horizon; None is not known."""

    horizon: str
    """1h | 24h | 7d | now."""
    end_ms: int
    complete: bool
    """Whether the horizon has passed."""
    n: int
    graded: int
    values: Mapping[str, float | None] = field(default_factory=dict)
    """accuracy, latency_ms, clarify (tune) or success (optimize)."""
    intervals: Mapping[str, Pair | None] = field(default_factory=dict)
    """95 % intervals."""
    predicted: Mapping[str, float | None] = field(default_factory=dict)
    """The plan's new values by the same names."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What happened since one change."""

    verdict: ChangeVerdict
    reference: float | None
    """The rate below which the change counts as harmful; None when nothing can be judged."""
    measured: tuple[Measured, ...]
    seen_since_ms: int | None
    """The first fact under the new policy; None before there is one."""
    broken: tuple[str, ...] = ()
    """Why the replay's assumptions do not hold, if they do not."""
    notes: tuple[str, ...] = ()

    @property
    def now(self) -> Measured:
        """Everything since the change."""
        return self.measured[-1]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-able values."""
        plain = asdict(self)
        for measured in plain["measured"]:
            measured["intervals"] = {
                name: None if pair is None else list(pair) for name, pair in measured["intervals"].items()
            }
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Effects:
        """The reverse of ``to_dict``."""
        measured = tuple(
            Measured(**{
                **one,
                "intervals": {name: pair_of(pair) for name, pair in one["intervals"].items()},
            })
            for one in plain["measured"]
        )  # fmt: skip
        texts = {name: tuple(plain[name]) for name in ("broken", "notes")}
        return cls(**{**plain, "measured": measured, **texts})


def _horizons(change: Change, until_ms: int, now_ms: int) -> list[tuple[str, int, bool]]:
    """Name, end and completeness of each horizon; what another change cut short is as complete as it will be."""
    found = []
    for name, length in (*HORIZONS_MS.items(), ("now", WATCHED_MS)):
        end = min(change.at_ms + length, until_ms)
        found.append((name, min(end, now_ms + 1), now_ms >= end and name != "now"))
    return found


def _new_values(change: Change) -> dict[str, float | None]:
    return {name: predicted.new for name, predicted in change.plan.predicted.items()}


# --- thresholds ------------------------------------------------------------------------------------------------


def tune_effects(database: Database, change: Change, until_ms: int, now_ms: int) -> Effects:
    """Effects of a threshold change, up to ``until_ms``, when its thresholds were changed again."""
    from fedstore.decisions import load_within

    layers = [layer["layer"] for layer in change.plan.detail.get("layers", ())]
    end = min(until_ms, change.at_ms + WATCHED_MS, now_ms + 1)
    with database.snapshot():
        log = load_within(database, change.at_ms, max(end, change.at_ms), layers or None).log
    log, since = _under(log, {item.label: item.new for item in change.plan.items})
    measured = tuple(
        replace(_measure_log(log.take(log.ts_ms < until), name, until, complete), predicted=_new_values(change))
        for name, until, complete in _horizons(change, until_ms, now_ms)
    )
    reference = _reference(change)
    return Effects(
        verdict=_verdict(log, reference),
        reference=reference,
        measured=measured,
        seen_since_ms=since,
        broken=_broken(change, log),
        notes=() if since is not None else ("no decision has been logged with the new thresholds yet",),
    )


def _under(log: DecisionLog, new: Mapping[str, float | None]) -> tuple[DecisionLog, int | None]:
    """The decisions under the new thresholds, in the order of time, and when the first of them was."""
    import numpy as np

    log = log.take(np.argsort(log.ts_ms, kind="stable"))
    agrees, contradicts = np.zeros(len(log), dtype=np.bool_), np.zeros(len(log), dtype=np.bool_)
    for layer, value in new.items():
        if layer in log.layers and value is not None:
            logged = log.threshold[:, log.layers.index(layer)]
            agrees |= np.abs(logged - value) <= _SAME
            contradicts |= np.abs(logged - value) > _SAME
    seen = np.flatnonzero(agrees & ~contradicts)
    if not len(seen):
        return log.take(seen), None
    rows = np.arange(len(log))
    return log.take((rows >= seen[0]) & ~contradicts), int(log.ts_ms[seen[0]])


def _weights(log: DecisionLog) -> NDArray[np.float64]:
    """One over the graded share of the layer that decided, so that layers graded more do not count more."""
    import numpy as np

    graded = log.correct >= 0
    total = np.bincount(log.accepted, minlength=len(log.layers) + 1)
    seen = np.bincount(log.accepted, weights=graded, minlength=len(log.layers) + 1)
    share = np.divide(total, seen, out=np.zeros(len(total)), where=seen > 0)
    weights: NDArray[np.float64] = np.where(graded, share[log.accepted], 0.0)
    return weights


def _measure_log(log: DecisionLog, horizon: str, end_ms: int, complete: bool) -> Measured:
    import numpy as np

    n = len(log)
    weight = _weights(log)
    graded = int(np.count_nonzero(log.correct >= 0))
    accuracy, interval = None, None
    if graded:
        accuracy = min(1.0, float(weight[log.correct == 1].sum() / weight.sum()))
        effective = float(weight.sum() ** 2 / (weight * weight).sum())
        interval = wilson(accuracy * effective, effective)
    latency = np.nansum(np.where(log.shadow, np.nan, log.latency_ms), axis=1)
    clarified = int(np.count_nonzero(log.accepted == len(log.layers)))
    clarify = pair_of(wilson(clarified, n))
    return Measured(
        horizon, end_ms, complete, n, graded,
        {
            "accuracy": accuracy,
            "latency_ms": float(latency.mean()) if n else None,
            "clarify": clarified / n if n else None,
        },
        {"accuracy": pair_of(interval), "latency_ms": _mean_interval(latency), "clarify": clarify},
    )  # fmt: skip


def _mean_interval(values: NDArray[np.float64]) -> Pair | None:
    if len(values) < 2:
        return None
    half = 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5
    return float(values.mean()) - half, float(values.mean()) + half


def _reference(change: Change) -> float | None:
    """The accuracy promised: the target, or less where the plan itself did not promise as much."""
    target = change.plan.settings.get("target")
    predicted = change.plan.predicted.get("accuracy")
    if target is None:
        return None
    if predicted is None or predicted.new_interval is None or change.plan.verdict == "certified":
        return float(target)
    return min(float(target), max(0.01, predicted.new_interval[0]))


def _verdict(log: DecisionLog, reference: float | None) -> ChangeVerdict:
    """Looks at up to some hundred moments; the bound holds for any of them."""
    import numpy as np

    outcomes = log.correct[log.correct >= 0]
    if reference is None or not len(outcomes):
        return "watching"
    process = EProcess(min(reference, 0.999))
    errors = np.cumsum(outcomes == 0)
    looks = np.unique(np.linspace(1, len(outcomes), min(_LOOKS, len(outcomes))).astype(int))
    for n in looks.tolist():
        process.look(int(errors[n - 1]), n)
    return process.verdict


def _broken(change: Change, log: DecisionLog) -> tuple[str, ...]:
    import numpy as np

    layers = change.plan.detail.get("layers", ())
    latency = change.plan.predicted.get("latency_ms")
    if not len(log) or not layers or [layer["layer"] for layer in layers] != list(log.layers):
        return ()
    shares = [float(layer["captured_new"]) for layer in layers]
    spent = np.nansum(np.where(log.shadow, np.nan, log.latency_ms), axis=1)
    check = check_assumptions(
        [*shares, max(0.0, 1.0 - sum(shares))],
        np.bincount(log.accepted, minlength=len(layers) + 1).tolist(),
        predicted_from=int(change.plan.detail.get("events", 0)),
        predicted_latency=None if latency is None or latency.new_interval is None else _interval(latency.new_interval),
        latency_mean=float(spent.mean()),
        latency_sd=float(spent.std(ddof=1)) if len(spent) > 1 else None,
    )
    return check.reasons if check.broken else ()


def _interval(pair: Pair) -> Any:
    from fedstore.learning.intervals import Interval

    return Interval(*pair)


# --- boosts ----------------------------------------------------------------------------------------------------


def optimize_effects(read: Read, change: Change, until_ms: int, now_ms: int) -> Effects:
    """Effects of boosts: how the agents (and task types) that were boosted do since."""
    up = [item for item in change.plan.items if (item.new or 0.0) > (item.old or 0.0)]
    wanted = [(str(item.detail.get("agent", item.label)), item.detail.get("task_type")) for item in up]
    end = min(until_ms, change.at_ms + WATCHED_MS, now_ms + 1)
    runs = _runs(read, wanted, change.at_ms, end)
    predicted = change.plan.predicted.get("success")
    known = [rate for rate in (predicted.now, predicted.new) if rate is not None] if predicted else []
    reference = min(known, default=None)
    verdict: ChangeVerdict = "watching"
    if reference is not None:
        verdict = rate_verdict([ok for _, ok in runs], reference).verdict
    return Effects(
        verdict=verdict,
        reference=reference,
        measured=tuple(
            replace(
                _measure_runs([ok for at, ok in runs if at < until], name, until, complete),
                predicted=_new_values(change),
            )
            for name, until, complete in _horizons(change, until_ms, now_ms)
        ),
        seen_since_ms=runs[0][0] if runs else None,
        notes=() if up else ("no boost went up: there is no success rate to watch",),
    )


def _runs(read: Read, wanted: Sequence[tuple[str, Any]], start_ms: int, end_ms: int) -> list[tuple[int, bool]]:
    """When the runs of some agents (and task types) ended, and whether they succeeded, in the order of time."""
    types: dict[str, set[Any]] = {}
    for agent, task_type in wanted:
        types.setdefault(agent, set()).add(task_type)
    found = []
    for agent, kinds in types.items():
        rows = read(
            "SELECT ended_ms, task_type, success = 1 AND COALESCE(rework, 0) <> 1 FROM runs"
            " WHERE agent = ? AND ended_ms >= ? AND ended_ms < ? AND success IS NOT NULL"
            " ORDER BY ended_ms LIMIT ?",
            (agent, start_ms, end_ms, _RUNS),
        )
        found += [(at, bool(ok)) for at, kind, ok in rows if None in kinds or kind in kinds]
    return sorted(found)


def _measure_runs(outcomes: Sequence[bool], horizon: str, end_ms: int, complete: bool) -> Measured:
    n, successes = len(outcomes), sum(outcomes)
    interval = pair_of(wilson(successes, n))
    return Measured(
        horizon, end_ms, complete, n, n, {"success": successes / n if n else None}, {"success": interval}
    )
