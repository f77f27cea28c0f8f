"""How far a layer's confidence can be believed: reliability curve and expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fedstore.learning.correctness import RIGHT, UNJUDGED, layer_attempts, layer_correctness
from fedstore.learning.intervals import Interval, wilson

if TYPE_CHECKING:
    from fedstore.learning.log import DecisionLog

__all__ = ["Reliability", "ReliabilityBin", "reliability"]


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Judged attempts with a confidence in [low, high) (the last bin includes 1.0)."""

    low: float
    high: float
    n: int
    mean_confidence: float | None
    accuracy: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """The curve of one layer; `ece` is `None` without judged attempts."""

    bins: tuple[ReliabilityBin, ...]
    ece: float | None
    """Mean of |accuracy - mean confidence| over the bins, weighted by their size (Naeini et al. 2015)."""
    n: int


def reliability(log: DecisionLog, k: int, bins: int = 10) -> Reliability:
    """Reliability of layer k's confidences over its judged attempts, probes included."""
    correctness = layer_correctness(log, k)
    rows = layer_attempts(log, k) & (correctness != UNJUDGED)
    confidence, right = log.confidence[rows, k], (correctness[rows] == RIGHT).astype(np.float64)
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    sizes = np.bincount(place, minlength=bins)
    sums = np.bincount(place, weights=confidence, minlength=bins)
    hits = np.bincount(place, weights=right, minlength=bins)
    n = int(sizes.sum())
    table = tuple(_bin(i, bins, int(sizes[i]), float(sums[i]), float(hits[i])) for i in range(bins))
    ece = float(np.abs(hits - sums).sum()) / n if n else None
    return Reliability(table, ece, n)


def _bin(i: int, bins: int, n: int, confidence_sum: float, hits: float) -> ReliabilityBin:
    low, high = i / bins, (i + 1) / bins
    if n == 0:
        return ReliabilityBin(low, high, 0, None, None, None)
    return ReliabilityBin(low, high, n, confidence_sum / n, hits / n, wilson(hits, n))
