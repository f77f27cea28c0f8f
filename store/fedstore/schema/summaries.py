"""The summaries: what happened per minute, ten minutes, hour and day, so that a screen never reads raw facts.

Their tables stand in `m0002_summaries`. The rules by which facts become sums stand in `fedstore.facts.summaries`.
"""

from __future__ import annotations

__all__ = ["DAY_MS", "HOUR_MS", "MARKS", "MINUTE_MS", "SPECS", "TEN_MS", "WIDTHS", "Spec"]

MINUTE_MS = 60_000
TEN_MS = 600_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
WIDTHS = (MINUTE_MS, TEN_MS, HOUR_MS, DAY_MS)
MARKS = {"ten": TEN_MS, "hour": HOUR_MS, "day": DAY_MS}
"""Up to each mark, the buckets of its width contain the narrower ones."""


class Spec:
    """A summary table: what its rows are about, what they add up, which distributions they hold."""

    def __init__(self, keys: tuple[str, ...], sums: tuple[str, ...], bins: tuple[str, ...] = ()) -> None:
        self.keys = keys
        self.sums = sums
        self.bins = bins


SPECS = {
    "agent_buckets": Spec(
        keys=("agent", "task_type", "project"),
        sums=(
            "runs", "ok", "failed", "reworked", "rework_known", "duration_n", "duration_ms",
            "quality_n", "quality_ppm", "qa_passed", "qa_warning", "qa_failed", "qa_error",
        ),
        bins=("duration_bins",),
    ),
    "spend_buckets": Spec(
        keys=("agent", "model", "project", "task_type", "operation"),
        sums=(
            "calls", "errors", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens",
            "reasoning_tokens", "minimum_calls", "duration_n", "duration_ms", "reported_nano", "computed_nano",
            "unpriced_calls", "unpriced_tokens",
        ),
    ),
    "tool_buckets": Spec(
        keys=("tool", "agent"),
        sums=("calls", "ok", "failed", "duration_n", "duration_ms", "priced", "cost_nano", "tokens"),
        bins=("duration_bins",),
    ),
    "route_buckets": Spec(
        keys=("layer",),
        sums=("routes", "latency_n", "latency_us", "graded", "correct", "quality_n", "quality_ppm"),
        bins=("latency_bins",),
    ),
    "layer_buckets": Spec(
        keys=("layer",),
        sums=("attempts", "accepted", "errors", "confidence_n", "confidence_ppm", "latency_n", "latency_us"),
        bins=("latency_bins", "confidence_bins"),
    ),
}  # fmt: skip
