"""What each layer of the cascade should keep: how often it is right, and how fast it is. Standard library only.

A target of accuracy is missed, or met, where the 95 % interval lies on one side of it; a latency is a mean, which has
no interval here, and so is told from `ENOUGH` on only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedstore.learning.classic import CLASSIC
from fedstore.learning.intervals import wilson

if TYPE_CHECKING:
    from fedstore.learning.targets import Status

__all__ = ["ENOUGH", "LayerTargets", "classic_targets"]

ENOUGH = 20
"""Latencies from which on their mean is held against a target."""


@dataclass(frozen=True, slots=True)
class LayerTargets:
    """The targets of one layer: a share in [0, 1] and milliseconds; None where there is none."""

    accuracy: float | None = None
    latency_ms: float | None = None

    def accuracy_status(self, right: int, n: int) -> Status:
        """Of `right` of `n` graded decisions."""
        interval = wilson(right, n)
        if self.accuracy is None or interval is None:
            return "unknown"
        if interval.high < self.accuracy:
            return "warn"
        return "ok" if interval.low >= self.accuracy else "unknown"

    def latency_status(self, mean_ms: float | None, n: int) -> Status:
        """Of a mean of `n` latencies."""
        if self.latency_ms is None or mean_ms is None or n < ENOUGH:
            return "unknown"
        return "ok" if mean_ms < self.latency_ms else "warn"


def classic_targets(layer: str) -> LayerTargets:
    """Those of a layer of the classic cascade; none for another one."""
    row = next((row for row in CLASSIC if row.name == layer), None)
    return LayerTargets() if row is None else LayerTargets(row.accuracy_target, row.latency_target_ms)
