"""The performance targets as data, a status per measure, and the alert on drift.

A target is missed only when the whole 95 % interval of a measure lies beyond it, and the measure rests on `FEW` samples
at least. Rates in [0, 1], latency in milliseconds. A measure nobody has is "unknown", never met. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from fedstore.learning.stratified import difference_p

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedstore.learning.intervals import Interval
    from fedstore.learning.stratified import WeightedRate

__all__ = [
    "FEW", "REWORK_TARGET", "SUCCESS_ALERT", "SUCCESS_TARGET", "TARGETS", "DriftAlert", "Measured", "Status", "Target",
    "TargetStatus", "check_targets", "drift_alert", "missed",
]  # fmt: skip

FEW: Final = 10
"""With fewer samples a rate is too few to tell, and raises no alarm.

Below ten a single outcome moves a rate by more than ten points, and Wilson's interval no longer has its 95 %: it covers
the truth in 86 % at the worst. Screens mark the same rates, and tools count from as many runs on.
"""
SUCCESS_TARGET, SUCCESS_ALERT = 0.85, 0.65
"""An agent whose success is surely below the target needs a look; below the other it is in trouble."""
REWORK_TARGET = 0.15
"""More of an agent's tasks than this should not have to be done again."""
Status = Literal["ok", "unsure", "warn", "alert", "few", "unknown"]
"""unsure: the measure misses its target, but its interval reaches it; few: it rests on too few samples to tell."""
Measure = Literal["accuracy", "layer_1_capture", "layer_2_capture", "latency_ms", "clarification_rate"]

DRIFT_P = 0.01


class Measured(NamedTuple):
    """A measure with its 95 % interval, and how many samples it rests on."""

    value: float | None
    interval: Interval | None
    n: int


def missed(limit: float, interval: Interval | None, n: int, *, higher: bool = True) -> bool:
    """Whether a measure surely misses a limit that it should lie above (`higher`) or below."""
    if interval is None or n < FEW:
        return False
    return interval.high < limit if higher else interval.low > limit


@dataclass(frozen=True, slots=True)
class Target:
    """What a measure should be and where it alarms; ``higher`` is better or not."""

    measure: Measure
    label: str
    target: float
    alert: float
    higher: bool

    def status(self, found: float | Measured | None) -> Status:
        """ok beyond the target, alert surely beyond the alert limit, warn surely short of the target, else unsure.

        A plain number is taken as exactly known.
        """
        value = found.value if isinstance(found, Measured) else found
        if found is None or value is None:
            return "unknown"
        sign = 1.0 if self.higher else -1.0
        met = sign * value > sign * self.target
        if not isinstance(found, Measured):
            return "ok" if met else "alert" if sign * value < sign * self.alert else "warn"
        if found.n < FEW:
            return "few"
        if missed(self.alert, found.interval, found.n, higher=self.higher):
            return "alert"
        if missed(self.target, found.interval, found.n, higher=self.higher):
            return "warn"
        return "ok" if met else "unsure"

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
    """One target with what it was held against."""

    target: Target
    value: float | None
    status: Status
    interval: Interval | None = None
    """95 % interval of the value."""
    n: int | None = None
    """How many samples it rests on; None where the value is taken as exactly known."""


def check_targets(measures: Mapping[str, float | Measured | None]) -> tuple[TargetStatus, ...]:
    """Status of every target; a measure that is missing or ``None`` is unknown."""
    return tuple(_held(target, measures.get(target.measure)) for target in TARGETS)


def _held(target: Target, found: float | Measured | None) -> TargetStatus:
    if isinstance(found, Measured):
        return TargetStatus(target, found.value, target.status(found), found.interval, found.n)
    return TargetStatus(target, found, target.status(found))


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
