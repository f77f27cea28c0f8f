"""What is wrong with the routing cascade over a window: targets it misses, and accuracy that drifts.

Accuracy weighs each layer by all the decisions it took, however many of them are graded, as the tuning does. Drift
compares the window's newer half with its older one, the halves being of equally many graded decisions.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING

from fedstore.learning.stratified import Stratum, over_both, weighted_rate
from fedstore.learning.targets import DriftAlert, check_targets, drift_alert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedstore.learning.stratified import WeightedRate
    from fedstore.learning.targets import TargetStatus
    from fedstore.queries.buckets import Buckets, Rows
    from fedstore.window import Window

__all__ = ["ROUTE_SUMS", "accuracy_drift", "route_totals", "routes_by_layer", "routing_accuracy", "routing_attention"]

ROUTE_SUMS = ("routes", "latency_n", "latency_us", "graded", "correct")
_PIECES = 240
_VERBS = {"accuracy": "routing accuracy is", "latency_ms": "routing takes"}
"""The capture of layers and clarification are told of by layer."""


def routes_by_layer(buckets: Buckets, window: Window) -> dict[str, tuple[int, ...]]:
    """What the decisions that each layer took add up to, as in ``ROUTE_SUMS``."""
    return {row[0]: row[1:] for row in buckets.sums("route_buckets", window, ("layer",), ROUTE_SUMS)}


def route_totals(buckets: Buckets, window: Window) -> tuple[int, ...]:
    """The same of all layers together."""
    return tuple(map(sum, zip(*routes_by_layer(buckets, window).values(), strict=True))) or (0,) * len(ROUTE_SUMS)


def routing_accuracy(buckets: Buckets, window: Window) -> WeightedRate:
    """How often a decision is right: each layer's graded decisions speak for all that the layer took."""
    return weighted_rate(_strata(buckets.sums("route_buckets", window, ("layer",), ROUTE_SUMS)).values())


def accuracy_drift(buckets: Buckets, window: Window) -> DriftAlert | None:
    """An alert when the newer half of the graded decisions is right more or less often than the older one."""
    step = buckets.step_of(window, _PIECES)
    slots = buckets.slots("route_buckets", window, step, (), ("graded",))
    if not slots:
        return None
    seen = list(accumulate(graded for _, graded in slots))
    middle = min(range(len(slots)), key=lambda i: abs(seen[i] - seen[-1] / 2))
    cut = min(window.end_ms, slots[middle][0] + step)
    halves = replace(window, end_ms=cut), replace(window, start_ms=cut)
    older, newer = map(_strata, buckets.sums_each("route_buckets", halves, ("layer",), ROUTE_SUMS))
    return drift_alert(*over_both(older, newer))


def _strata(rows: Rows) -> dict[str, Stratum]:
    return {layer: Stratum(routes, graded, correct) for layer, routes, _, _, graded, correct in rows}


def routing_attention(buckets: Buckets, window: Window) -> Iterator[tuple[str, str, str]]:
    """(severity, sentence, where to look) of what is wrong with the cascade as a whole."""
    _, n, total_us, _, _ = route_totals(buckets, window)
    measures = {
        "accuracy": routing_accuracy(buckets, window).value,
        "latency_ms": total_us / n / 1000 if n else None,
    }
    for found in check_targets(measures):
        if found.status == "alert" and found.target.measure in _VERBS:
            text = f"{_VERBS[found.target.measure]} {_figure(found)}, target {found.target.target_text}"
            yield "warn", text, "tab:cascade"
    drift = accuracy_drift(buckets, window)
    if drift is not None and drift.worse:
        yield "warn", f"routing accuracy {drift.text}", "tab:cascade"


def _figure(found: TargetStatus) -> str:
    value = found.value or 0.0
    return f"{value:.0f} ms" if found.target.measure == "latency_ms" else f"{value * 100:.1f} %"
