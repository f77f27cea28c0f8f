"""Log-spaced bins of durations, and the equal bins of a confidence.

A duration of ``us`` microseconds falls into bin ``floor(log(us) / log(GROWTH))``; the bin's geometric middle
differs from any member by at most ``sqrt(GROWTH) - 1``, 1.98 %. Bins of two periods merge by addition, so a
percentile over any window costs the same however many facts lie in it. Bins are computed here and stored
with the fact, because SQLite may have been built without logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

__all__ = ["CONFIDENCE_BINS", "GROWTH", "bin_middle_us", "confidence_bin", "duration_bin", "percentiles"]

GROWTH = 1.04
CONFIDENCE_BINS = 40
_PER_E_FOLD = 1.0 / math.log(GROWTH)
_ZERO_BIN = -1  # less than a microsecond


def duration_bin(us: int | None) -> int | None:
    """The bin of a duration in microseconds; None stays None."""
    if us is None:
        return None
    return _ZERO_BIN if us < 1 else int(math.log(us) * _PER_E_FOLD)


def bin_middle_us(index: int) -> float:
    """The geometric middle of a bin, in microseconds."""
    return 0.0 if index == _ZERO_BIN else GROWTH ** (index + 0.5)


def confidence_bin(confidence: float | None) -> int | None:
    """The bin 0 … CONFIDENCE_BINS - 1 of a confidence in [0, 1]; 1.0 belongs to the last."""
    if confidence is None:
        return None
    return min(int(confidence * CONFIDENCE_BINS), CONFIDENCE_BINS - 1)


def percentiles(bins: Iterable[tuple[int, int]], wanted: Sequence[float]) -> list[float | None]:
    """The ``wanted`` quantiles (0 … 1), in microseconds, of (bin, count) pairs in any order.

    Nearest-rank, each off by at most 2 %; all None when there is no count.
    """
    counts: dict[int, int] = {}
    for index, count in bins:
        counts[index] = counts.get(index, 0) + count
    total = sum(counts.values())
    if total <= 0:
        return [None] * len(wanted)
    ordered = sorted(counts.items())
    return [_at_rank(ordered, max(1, math.ceil(q * total))) for q in wanted]


def _at_rank(ordered: Sequence[tuple[int, int]], rank: int) -> float:
    seen = 0
    for index, count in ordered:
        seen += count
        if seen >= rank:
            return bin_middle_us(index)
    return bin_middle_us(ordered[-1][0])
