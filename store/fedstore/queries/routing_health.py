"""What is wrong with the routing cascade over a window: targets it misses, and accuracy that drifts.

Drift compares the window's newer half with its older one, the halves being of equally many graded decisions.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from fedstore.learning.targets import DriftAlert, check_targets, drift_alert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedstore.learning.targets import TargetStatus
    from fedstore.queries.buckets import Buckets
    from fedstore.window import Window

__all__ = ["ROUTE_SUMS", "accuracy_drift", "route_totals", "routes_by_layer", "routing_attention"]

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


def accuracy_drift(buckets: Buckets, window: Window) -> DriftAlert | None:
    """An alert when the newer half of the graded decisions is right more or less often than the older one."""
    slots = sorted(buckets.slots("route_buckets", window, buckets.step_of(window, _PIECES), (), ("graded", "correct")))
    if not slots:
        return None
    graded, right = (list(accumulate(int(row[column]) for row in slots)) for column in (1, 2))
    cut = min(range(len(slots)), key=lambda i: abs(graded[i] - graded[-1] / 2))
    return drift_alert(right[cut], graded[cut], right[-1] - right[cut], graded[-1] - graded[cut])


def routing_attention(buckets: Buckets, window: Window) -> Iterator[tuple[str, str, str]]:
    """(severity, sentence, where to look) of what is wrong with the cascade as a whole."""
    _, n, total_us, graded, correct = route_totals(buckets, window)
    measures = {
        "accuracy": correct / graded if graded else None,
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
