"""What is wrong with the routing cascade over a window: targets it misses, and accuracy that drifts.

Accuracy weighs each layer by all the decisions it took, however many of them are graded, as the tuning does. Drift
compares the window's newer half with its older one, the halves being of equally many graded decisions.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import replace
from itertools import accumulate
from operator import sub
from typing import TYPE_CHECKING

from fedstore.bins import bin_middle_us, together
from fedstore.learning.intervals import Interval
from fedstore.learning.stratified import Stratum, over_both, weighted_rate
from fedstore.learning.targets import DriftAlert, Measured, check_targets, drift_alert
from fedstore.queries.buckets import durations_of
from fedstore.queries.models import Attention, Rate
from fedstore.widths import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedstore.learning.stratified import WeightedRate
    from fedstore.learning.targets import TargetStatus
    from fedstore.queries.buckets import Buckets
    from fedstore.queries.models import Durations
    from fedstore.window import Window

__all__ = [
    "ROUTE_SUMS", "accuracy_drift", "latency", "rate_measured", "route_totals", "routes_by_layer", "routing_accuracy",
    "routing_attention",
]  # fmt: skip

ROUTE_SUMS = ("routes", "latency_n", "latency_us", "graded", "correct")
_PIECES = 240
_FEW = 4
"""A window of fewer hours or days is not looked through by them first."""
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
    return weighted_rate(_strata(buckets, window).values())


def accuracy_drift(buckets: Buckets, window: Window) -> DriftAlert | None:
    """An alert when the newer half of the graded decisions is right more or less often than the older one."""
    cut = _middle_ms(buckets, window)
    if cut is None:
        return None
    older = _strata(buckets, replace(window, end_ms=cut))
    newer = {
        layer: Stratum(*map(sub, decided, older.get(layer, (0, 0, 0))))
        for layer, decided in _strata(buckets, window).items()
    }
    return drift_alert(*over_both(older, newer))


def _middle_ms(buckets: Buckets, window: Window) -> int | None:
    """Where the window falls into halves of equally many graded decisions; None without a decision.

    That is the end of one of its pieces. Looked for by hour or by day first, then only in the one that holds the middle
    and in the last one before it in which anything was graded.
    """
    step = buckets.step_of(window, _PIECES)
    wide = next((width for width in (HOUR_MS, DAY_MS) if width > step and width % step == 0), step)
    wide = wide if window.length_ms >= _FEW * wide else step
    slots = _graded(buckets, window, wide)
    if not slots:
        return None
    seen = list(accumulate(graded for _, graded in slots))
    half = seen[-1] / 2
    if wide > step:
        holds = bisect_left(seen, half)
        first = bisect_left(seen, seen[max(0, holds - 1)])
        start, end = max(window.start_ms, slots[first][0]), min(window.end_ms, slots[holds][0] + wide)
        before = seen[first] - slots[first][1]
        slots = _graded(buckets, replace(window, start_ms=start, end_ms=end), step)
        seen = list(accumulate((graded for _, graded in slots), initial=before))[1:]
    middle = min(range(len(slots)), key=lambda i: abs(seen[i] - half))
    return min(window.end_ms, slots[middle][0] + step)


def _graded(buckets: Buckets, window: Window, step_ms: int) -> list[tuple[int, int]]:
    """(slot start, graded decisions) of each slot in which there was a decision."""
    rows: list[tuple[int, int]] = buckets.slots("route_buckets", window, step_ms, (), ("graded",))
    return rows


def _strata(buckets: Buckets, window: Window) -> dict[str, Stratum]:
    return {
        layer: Stratum(routes, graded, correct)
        for layer, (routes, _, _, graded, correct) in routes_by_layer(buckets, window).items()
    }


def routing_attention(buckets: Buckets, window: Window) -> Iterator[Attention]:
    """What is wrong with the cascade as a whole."""
    measures = {"accuracy": rate_measured(routing_accuracy(buckets, window)), "latency_ms": latency(buckets, window)[1]}
    for found in check_targets(measures):
        if found.status == "alert" and found.target.measure in _VERBS:
            text = f"{_VERBS[found.target.measure]} {_figure(found)}, target {found.target.target_text}"
            yield Attention("warn", text, "tab:cascade")
    drift = accuracy_drift(buckets, window)
    if drift is not None and drift.worse:
        yield Attention("warn", f"routing accuracy {drift.text}", "tab:cascade")


def rate_measured(rate: Rate | WeightedRate) -> Measured:
    """A rate as it is held against a target."""
    return Measured(rate.value, rate.interval, rate.n)


def latency(buckets: Buckets, window: Window) -> tuple[Durations, Measured]:
    """How long decisions took, and their mean (milliseconds) as it is held against a target.

    Its interval is the mean's, plus and minus 1.96 standard errors, the spread being that of the distribution's bins.
    """
    _, n, us, _, _ = route_totals(buckets, window)
    bins = together([*buckets.distributions("route_buckets", window, "layer", "latency_bins").values()])
    found = durations_of(n, us, bins)
    counted = sum(bins.values())
    if found.mean_ms is None or counted < 2:
        return found, Measured(found.mean_ms, None, found.n)
    mean = us / n
    square = sum(count * (bin_middle_us(at) - mean) ** 2 for at, count in bins.items()) / (counted - 1)
    off = 1.96 * math.sqrt(square / counted) / 1000
    return found, Measured(found.mean_ms, Interval(found.mean_ms - off, found.mean_ms + off), found.n)


def _figure(found: TargetStatus) -> str:
    value = found.value or 0.0
    return f"{value:.0f} ms" if found.target.measure == "latency_ms" else f"{value * 100:.1f} %"
