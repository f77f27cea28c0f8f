"""What is wrong with the routing cascade over a window: targets it misses, and accuracy that drifts.

Accuracy weighs each layer by all the decisions it took, however many of them are graded, as the tuning does. Drift
compares the window's newer half with its older one, the halves being of equally many graded decisions.
"""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from operator import add
from typing import TYPE_CHECKING, Any

from fedstore.learning.stratified import Stratum, over_both, weighted_rate
from fedstore.learning.targets import DriftAlert, check_targets, drift_alert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fedstore.learning.stratified import WeightedRate
    from fedstore.learning.targets import TargetStatus
    from fedstore.queries.buckets import Buckets
    from fedstore.window import Window

__all__ = ["ROUTE_SUMS", "accuracy_drift", "route_totals", "routes_by_layer", "routing_accuracy", "routing_attention"]

ROUTE_SUMS = ("routes", "latency_n", "latency_us", "graded", "correct")
_PIECES = 240
_NONE = Stratum(0, 0, 0)
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
    return weighted_rate(Stratum(row[0], *row[3:]) for row in routes_by_layer(buckets, window).values())


def accuracy_drift(buckets: Buckets, window: Window) -> DriftAlert | None:
    """An alert when the newer half of the graded decisions is right more or less often than the older one."""
    sums = ("routes", "graded", "correct")
    slots = buckets.slots("route_buckets", window, buckets.step_of(window, _PIECES), ("layer",), sums)
    if not slots:
        return None
    graded: Counter[int] = Counter()
    for slot, _, _, seen, _ in slots:
        graded[slot] += seen
    half = graded.total() / 2
    until, _ = min(zip(graded, accumulate(graded.values()), strict=True), key=lambda end: abs(end[1] - half))
    older, newer = (_by_layer(row for row in slots if (row[0] <= until) is old) for old in (True, False))
    return drift_alert(*over_both(older, newer))


def _by_layer(slots: Iterable[tuple[Any, ...]]) -> dict[str, Stratum]:
    found: dict[str, Stratum] = {}
    for _, layer, *counts in slots:
        found[layer] = Stratum(*map(add, found.get(layer, _NONE), counts))
    return found


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
