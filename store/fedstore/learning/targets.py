"""The routing cascade's performance targets as data, a status per measure, and the alert on drift.

Rates in [0, 1], latency in milliseconds. A measure nobody has is "unknown", never met. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fedstore.learning.stratified import difference_p

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedstore.learning.stratified import WeightedRate

__all__ = ["TARGETS", "DriftAlert", "Status", "Target", "TargetStatus", "check_targets", "drift_alert"]

Status = Literal["ok", "warn", "alert", "unknown"]
Measure = Literal["accuracy", "layer_1_capture", "layer_2_capture", "latency_ms", "clarification_rate"]

DRIFT_P = 0.01


@dataclass(frozen=True, slots=True)
class Target:
    """What a measure should be and where it alarms; ``higher`` is better or not."""

    measure: Measure
    label: str
    target: float
    alert: float
    higher: bool

    def status(self, value: float | None) -> Status:
        """ok beyond the target, alert beyond the alert limit, warn between."""
        if value is None:
            return "unknown"
        sign = 1.0 if self.higher else -1.0
        if sign * value > sign * self.target:
            return "ok"
        return "alert" if sign * value < sign * self.alert else "warn"

    @property
    def target_text(self) -> str:
        return f"{'>' if self.higher else '<'}{self._text(self.target)}"

    @property
    def alert_text(self) -> str:
        return f"{'<' if self.higher else '>'}{self._text(self.alert)}"

    def _text(self, value: float) -> str:
        return f"{value:.0f}ms" if self.measure == "latency_ms" else f"{value:.0%}"


TARGETS: tuple[Target, ...] = (
    Target("accuracy", "Overall Accuracy", 0.95, 0.90, True),
    Target("layer_1_capture", "Layer 1 Capture", 0.30, 0.20, True),
    Target("layer_2_capture", "Layer 2 Capture", 0.40, 0.30, True),
    Target("latency_ms", "Avg Latency", 100.0, 200.0, False),
    Target("clarification_rate", "Clarification Rate", 0.05, 0.10, False),
)


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """One target with the value it was held against."""

    target: Target
    value: float | None
    status: Status


def check_targets(measures: Mapping[str, float | None]) -> tuple[TargetStatus, ...]:
    """Status of every target; a measure that is missing or ``None`` is unknown."""
    return tuple(
        TargetStatus(target, measures.get(target.measure), target.status(measures.get(target.measure)))
        for target in TARGETS
    )


@dataclass(frozen=True, slots=True)
class DriftAlert:
    """A window's newer half differs from its older one."""

    older: float
    newer: float
    p_value: float
    older_n: int
    newer_n: int

    @property
    def worse(self) -> bool:
        return self.newer < self.older

    @property
    def text(self) -> str:
        """``fell from 97.1 % to 92.4 % in the newer half (n=500 and 498)``."""
        shares = f"from {self.older * 100:.1f} % to {self.newer * 100:.1f} %"
        word = "fell" if self.worse else "rose"
        return f"{word} {shares} in the newer half (n={self.older_n:,} and {self.newer_n:,})"


def drift_alert(older: WeightedRate, newer: WeightedRate, alpha: float = DRIFT_P) -> DriftAlert | None:
    """An alert if the halves' accuracies differ (two-proportion test); ``None`` otherwise or without data."""
    p = difference_p(older, newer)
    if p is None or p >= alpha or older.value is None or newer.value is None:
        return None
    return DriftAlert(older.value, newer.value, p, older.n, newer.n)
