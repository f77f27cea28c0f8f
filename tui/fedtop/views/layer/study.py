"""What the layer screen computes from the decision log, once, off the UI thread.

`study_layer` is pure; the lever it returns then answers any threshold by a binary search. numpy is imported
with the first study, not with the pane.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedtop.widgets.histogram import Bin
from fedtop.widgets.reliability import ReliabilityBin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fedstore import Store, Window
    from fedstore.learning.analysis import LayerAnalysis
    from fedstore.learning.lever import Lever
    from fedstore.learning.log import DecisionLog
    from fedstore.learning.reliability import Reliability
    from fedstore.queries.models import ConfidenceBin

__all__ = ["LayerStudy", "load_log", "spare_sweeps", "study_layer", "summary_bins"]


@dataclass(frozen=True, slots=True)
class LayerStudy:
    """One layer over one window: histogram, calibration, threshold analysis, and the lever."""

    decisions: int
    threshold: float
    bins: tuple[Bin, ...]
    points: tuple[ReliabilityBin, ...]
    ece: float | None
    analysis: LayerAnalysis
    lever: Lever


def load_log(source: Store, window: Window) -> DecisionLog:
    """The decisions of a window, from the store behind the pane. Raises StoreError."""
    from fedstore import read_decisions

    return read_decisions(source.database, window)


def study_layer(log: DecisionLog, layer: str, threshold: float | None) -> LayerStudy | None:
    """The study of a layer at `threshold` (None: the one logged last); None when the log has no such layer."""
    from fedstore.learning.analysis import analyse_layer
    from fedstore.learning.lever import Lever, attempt_histogram
    from fedstore.learning.reliability import reliability

    if layer not in log.layers or not len(log):
        return None
    k = log.layers.index(layer)
    now = log.thresholds_in_force()[k] if threshold is None else threshold
    if now is None:
        return None
    counts = attempt_histogram(log, k)
    curve = reliability(log, k)
    return LayerStudy(
        decisions=len(log),
        threshold=now,
        bins=tuple(Bin(*bin_) for bin_ in zip(counts.right, counts.wrong, counts.unknown, strict=True)),
        points=_points(curve),
        ece=curve.ece,
        analysis=analyse_layer(log, k, now),
        lever=Lever(log, k),
    )


def spare_sweeps() -> None:
    """Takes what lives by now out of the garbage collector's rounds.

    A full round over the pane's own objects takes two to three frames of 16 ms, and would fall into the moves
    of the lever.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _points(curve: Reliability) -> tuple[ReliabilityBin, ...]:
    return tuple(
        ReliabilityBin(bin_.mean_confidence, bin_.accuracy, bin_.interval.low, bin_.interval.high, bin_.n)
        for bin_ in curve.bins
        if bin_.mean_confidence is not None and bin_.interval is not None
    )


def summary_bins(bins: Iterable[ConfidenceBin]) -> tuple[Bin, ...]:
    """The histogram of the summaries: shown until the study is there."""
    return tuple(Bin(b.right, b.wrong, max(0, b.attempts - b.right - b.wrong)) for b in bins)
