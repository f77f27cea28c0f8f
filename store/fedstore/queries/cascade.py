"""Read model of the routing cascade: its layers, one layer, the newest decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.bins import CONFIDENCE_BINS
from fedstore.facts.route import ACCEPTED_KIND, ASKED_KIND, RIGHT_KIND, WRONG_KIND
from fedstore.learning.layers import LAST_RESORT
from fedstore.learning.targets import check_targets
from fedstore.queries.buckets import durations_of
from fedstore.queries.facts import newest_decisions
from fedstore.queries.models import CascadeView, ConfidenceBin, DecisionRow, LayerRow, LayerView, Rate
from fedstore.queries.routing_health import (
    ROUTE_SUMS,
    accuracy_drift,
    latency,
    rate_measured,
    route_totals,
    routes_by_layer,
    routing_accuracy,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.engine.protocol import Reads
    from fedstore.learning.layer_targets import LayerTargets
    from fedstore.queries.answers import Counts
    from fedstore.queries.buckets import Buckets
    from fedstore.queries.in_force import CascadeSetup
    from fedstore.window import Window

__all__ = ["LAST_RESORT", "cascade_view", "layer_rows", "layer_view", "layers_seen"]

_RECENT = 50
_CAPTURE_TARGETS = {1: "layer_1_capture", 2: "layer_2_capture"}
_LAYER_SUMS = ("attempts", "accepted", "errors", "confidence_n", "confidence_ppm", "latency_n", "latency_us")


def layers_seen(source: Reads) -> tuple[tuple[str, int, float | None], ...]:
    """(name, position, threshold) of each layer, in cascade order, as its newest attempt had them."""
    rows = source.read("SELECT name, position, threshold FROM layers ORDER BY position, name")
    return tuple((name, position, threshold) for name, position, threshold in rows)


def layer_rows(source: Reads, buckets: Buckets, window: Window, setup: CascadeSetup) -> tuple[LayerRow, ...]:
    """A row per layer, in cascade order."""
    routed = routes_by_layer(buckets, window)
    asked = {row[0]: row[1:] for row in buckets.sums("layer_buckets", window, ("layer",), _LAYER_SUMS)}
    bins = buckets.distributions("layer_buckets", window, "layer", "latency_bins")
    seen = layers_seen(source)
    places = {name: position for name, position, _ in seen}
    thresholds = setup.thresholds({name: threshold for name, _, threshold in seen})
    total = sum(row[0] for row in routed.values())
    names = sorted(set(routed) | set(asked), key=lambda name: (places.get(name, 999), name))
    rows = []
    for order, name in enumerate(names, start=1):
        given = routed.get(name), asked.get(name), bins.get(name, {})
        rows.append(_layer_row(name, order, *given, total, thresholds.get(name), setup.targets(name)))
    return tuple(rows)


def _layer_row(
    name: str, order: int, routed: Sequence[int] | None, asked: Sequence[int] | None, bins: Counts,
    total: int, threshold: float | None, wanted: LayerTargets,
) -> LayerRow:  # fmt: skip
    taken, _, _, graded, correct = routed or (0,) * len(ROUTE_SUMS)
    attempts, accepted, errors, confidence_n, confidence_ppm, latency_n, latency_us = asked or (0,) * 7
    captured = Rate(taken, total)
    target, status = _target(name, order, captured)
    durations = durations_of(latency_n, latency_us, bins)
    return LayerRow(
        name=name,
        position=order,
        attempts=attempts,
        captured=captured,
        success=Rate(accepted, attempts),
        confidence=confidence_ppm / confidence_n / 1e6 if confidence_n else None,
        durations=durations,
        accuracy=Rate(correct, graded),
        errors=errors,
        threshold=threshold,
        target=target,
        target_status=status,
        accuracy_target=wanted.accuracy,
        accuracy_status=wanted.accuracy_status(correct, graded),
        latency_target_ms=wanted.latency_ms,
        latency_status=wanted.latency_status(durations.mean_ms, durations.n),
    )


def _target(name: str, order: int, captured: Rate) -> tuple[str, str]:
    measure = "clarification_rate" if name == LAST_RESORT else _CAPTURE_TARGETS.get(order)
    if measure is None:
        return "", ""
    found = next(s for s in check_targets({measure: rate_measured(captured)}) if s.target.measure == measure)
    return found.target.target_text, found.status


def cascade_view(source: Reads, buckets: Buckets, window: Window, setup: CascadeSetup) -> CascadeView:
    """The cascade tab."""
    layers = layer_rows(source, buckets, window, setup)
    routes = route_totals(buckets, window)[0]
    durations, mean = latency(buckets, window)
    accuracy = routing_accuracy(buckets, window)
    clarified = Rate(sum(row.captured.hits for row in layers if row.name == LAST_RESORT), routes)
    measures = {
        "accuracy": rate_measured(accuracy),
        "latency_ms": mean,
        "clarification_rate": rate_measured(clarified),
        **{_CAPTURE_TARGETS[row.position]: rate_measured(row.captured) for row in layers
           if row.position in _CAPTURE_TARGETS},
    }  # fmt: skip
    return CascadeView(
        window=window,
        routes=routes,
        layers=layers,
        accuracy=accuracy,
        durations=durations,
        clarified=clarified,
        targets=check_targets(measures),
        recent=newest_decisions(source, [row.name for row in layers], window, _RECENT),
        drift=accuracy_drift(buckets, window),
    )


def layer_view(source: Reads, buckets: Buckets, name: str, window: Window, setup: CascadeSetup) -> LayerView:
    """One layer."""
    rows = layer_rows(source, buckets, window, setup)
    return LayerView(
        window=window,
        row=next((row for row in rows if row.name == name), None),
        bins=_confidence_bins(buckets, name, window),
        recent=_decisions(source, name, window),
    )


def _decisions(source: Reads, name: str, window: Window) -> tuple[DecisionRow, ...]:
    return newest_decisions(source, (name,), window, _RECENT)


def _confidence_bins(buckets: Buckets, name: str, window: Window) -> tuple[ConfidenceBin, ...]:
    found = buckets.distributions("layer_buckets", window, "layer", "confidence_bins", "layer = ?", name)
    counts = found.get(name, {})
    if not any(counts.values()):
        return ()

    def of(kind: int, index: int) -> int:
        return counts.get(kind * CONFIDENCE_BINS + index, 0)

    return tuple(
        ConfidenceBin(
            i / CONFIDENCE_BINS, (i + 1) / CONFIDENCE_BINS, of(ASKED_KIND, i), of(ACCEPTED_KIND, i),
            of(RIGHT_KIND, i), of(WRONG_KIND, i),
        )
        for i in range(CONFIDENCE_BINS)
    )  # fmt: skip
