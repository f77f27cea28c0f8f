"""What one layer's threshold does, answered at once for any position of the lever.

Built once per (log, layer): the decisions that reach the layer are sorted by its confidence and summed from
both ends, so a position costs a binary search. Decisions a raise would send where the log has no record are
predicted from those that just missed the present threshold, and counted in ``unidentified``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fedstore.learning.intervals import Interval, wilson
from fedstore.learning.replay import UNKNOWN, Replay, replay
from fedstore.learning.verdicts import RIGHT, UNJUDGED, WRONG, layer_attempts, layer_verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.learning.log import DecisionLog

__all__ = ["Lever", "LeverReading", "VerdictHistogram", "verdict_histogram"]

Floats = NDArray[np.float64]

_NEAR = 0.05
_NOBODY = 2.0
"""A threshold no confidence reaches."""

_FATES = ("latency", "clarify", "right", "judged", "squared", "graded", "unidentified")


@dataclass(frozen=True, slots=True)
class LeverReading:
    """The cascade with the layer's threshold at one position; ``None`` where nothing is graded."""

    threshold: float
    captured: float
    """Share of all decisions the layer would accept."""
    layer_accuracy: float | None
    """Of what the layer would accept."""
    layer_interval: Interval | None
    layer_graded: int
    accuracy: float | None
    """Of the whole cascade, graded decisions standing for the ungraded of their accepting layer."""
    interval: Interval | None
    graded: int
    latency_ms: float
    clarify: float
    unidentified: float
    """Share of all decisions whose fate the log does not show."""


@dataclass(frozen=True, slots=True)
class VerdictHistogram:
    """Attempts of a layer by confidence over [0, 1], split by verdict: one count per bin."""

    edges: tuple[float, ...]
    right: tuple[int, ...]
    wrong: tuple[int, ...]
    unknown: tuple[int, ...]


def verdict_histogram(log: DecisionLog, k: int, bins: int = 40) -> VerdictHistogram:
    """Histogram of layer k's confidences; the last bin includes 1.0. Background probes count too."""
    tried = layer_attempts(log, k)
    place = np.minimum((log.confidence[tried, k] * bins).astype(np.int64), bins - 1)
    verdict = layer_verdicts(log, k)[tried]

    def count(which: int) -> tuple[int, ...]:
        return tuple(np.bincount(place[verdict == which], minlength=bins).tolist())

    edges = tuple(i / bins for i in range(bins + 1))
    return VerdictHistogram(edges, count(RIGHT), count(WRONG), count(UNJUDGED))


class Lever:
    """The lever of layer ``k``; the others stay at ``thresholds`` (default: as each event was logged)."""

    def __init__(self, log: DecisionLog, k: int, thresholds: Sequence[float] | None = None) -> None:
        bad, _ = log.unusable()
        log = log.take(~bad) if bad.any() else log
        self.n = len(log)
        others: list[float | None] = [None] * len(log.layers) if thresholds is None else list(thresholds)
        takes = replay(log, [*others[:k], 0.0, *others[k + 1 :]])
        passes = replay(log, [*others[:k], _NOBODY, *others[k + 1 :]])
        reaches = np.flatnonzero(takes.layer == k)
        order = np.argsort(log.confidence[reaches, k], kind="stable")
        sorted_rows = reaches[order]
        weight = _weights(log)
        passing, taking = _fates(log, passes, weight), _fates(log, takes, weight)
        self._confidence = np.ascontiguousarray(log.confidence[sorted_rows, k])
        below = passing[:, sorted_rows]
        _impute(below, passes.layer[sorted_rows] == UNKNOWN, self._near(log, k, others[k]))
        self._rest = passing.sum(axis=1) - passing[:, sorted_rows].sum(axis=1)
        self._below = _prefix(below)
        self._taken = _prefix(taking[:, sorted_rows])

    def _near(self, log: DecisionLog, k: int, present: float | None) -> NDArray[np.bool_]:
        """Of the sorted decisions, those that just missed the present threshold."""
        if present is None:
            known = log.threshold[~np.isnan(log.threshold[:, k]), k]
            present = float(known[-1]) if len(known) else 1.0
        return (self._confidence < present) & (self._confidence >= present - _NEAR)

    def at(self, threshold: float) -> LeverReading:
        """The cascade with the layer's threshold at ``threshold`` (ties accept)."""
        passing = int(np.searchsorted(self._confidence, threshold, side="left"))
        taken = self._taken[:, -1] - self._taken[:, passing]
        whole = dict(zip(_FATES, (self._rest + self._below[:, passing] + taken).tolist(), strict=True))
        here = dict(zip(_FATES, taken.tolist(), strict=True))
        layer_accuracy, layer_interval = _accuracy(here)
        accuracy, interval = _accuracy(whole)
        n = max(1, self.n)
        return LeverReading(
            threshold=threshold,
            captured=(len(self._confidence) - passing) / n,
            layer_accuracy=layer_accuracy,
            layer_interval=layer_interval,
            layer_graded=round(here["graded"]),
            accuracy=accuracy,
            interval=interval,
            graded=round(whole["graded"]),
            latency_ms=whole["latency"] / n,
            clarify=whole["clarify"] / n,
            unidentified=whole["unidentified"] / n,
        )


def _weights(log: DecisionLog) -> Floats:
    """One over the graded share of the accepting layer; clarifications never graded count as they are."""
    strata = len(log.layers) + 1
    graded = log.graded
    total = np.bincount(log.accepted, minlength=strata)
    seen = np.bincount(log.accepted, weights=graded, minlength=strata)
    share = np.divide(total, seen, out=np.zeros(strata), where=seen > 0)
    weight: Floats = np.where(graded, share[log.accepted], 0.0)
    if seen[-1] == 0:
        weight[log.accepted == strata - 1] = 1.0
    return weight


def _fates(log: DecisionLog, result: Replay, weight: Floats) -> Floats:
    """(7, n) what becomes of each decision, in the order of ``_FATES``."""
    judged = (result.correct >= 0) & (weight > 0)
    elsewhere = (result.layer != log.accepted) & (result.agent != log.final) & (result.correct < 0)
    counted = np.where(judged, weight, 0.0)
    return np.stack(
        [
            np.nan_to_num(result.latency_ms),
            (result.layer == len(log.layers)).astype(np.float64),
            counted * (result.correct == 1),
            counted,
            counted * counted,
            judged.astype(np.float64),
            ((result.layer == UNKNOWN) | elsewhere).astype(np.float64),
        ]
    )


def _impute(columns: Floats, unknown: NDArray[np.bool_], near: NDArray[np.bool_]) -> None:
    """Predict the fates the log does not hold by the mean of those that just missed the threshold."""
    donors = near & ~unknown
    if not donors.any():
        donors = ~unknown
    if unknown.any() and donors.any():
        columns[:-1, unknown] = columns[:-1, donors].mean(axis=1, keepdims=True)


def _prefix(columns: Floats) -> Floats:
    sums = np.zeros((columns.shape[0], columns.shape[1] + 1))
    np.cumsum(columns, axis=1, out=sums[:, 1:])
    return sums


def _accuracy(fates: dict[str, float]) -> tuple[float | None, Interval | None]:
    """Weighted accuracy with Wilson's interval at the effective number of graded decisions."""
    judged, squared = fates["judged"], fates["squared"]
    if judged <= 1e-9 or squared <= 1e-9:
        return None, None
    accuracy = min(1.0, max(0.0, fates["right"] / judged))
    effective = judged * judged / squared
    return accuracy, wilson(accuracy * effective, effective)
