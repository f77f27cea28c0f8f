"""What one layer's threshold does, answered at once for any position of the lever.

Built once per (log, layer): the decisions that reach the layer are sorted by its confidence and summed from
both ends, so a position costs a binary search. Decisions a raise would send where the log has no record are
predicted from those that just missed the present threshold, and counted in `unidentified`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from fedstore.learning.correctness import RIGHT, UNJUDGED, WRONG, layer_attempts, layer_correctness
from fedstore.learning.intervals import Interval
from fedstore.learning.replay import UNKNOWN, Replay, replay
from fedstore.learning.stratified import Stratum, WeightedRate, weighted_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.learning.log import DecisionLog

__all__ = ["AttemptHistogram", "Lever", "LeverReading", "attempt_histogram"]

Number = TypeVar("Number", np.float64, np.int32)
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Counts = NDArray[np.int32]
Rows = NDArray[np.intp]

_MEASURES = 3
_UNIDENTIFIED = 2
_NEAR = 0.05
_NOTHING = 1e-9
"""What is left of a count after guesses were added to it and taken off again."""
_NOBODY = 2.0
"""A threshold no confidence reaches."""


@dataclass(frozen=True, slots=True)
class LeverReading:
    """The cascade with the layer's threshold at one position; `None` where nothing is graded."""

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
class AttemptHistogram:
    """Attempts of a layer by confidence over [0, 1], split by whether it was right: one count per bin."""

    edges: tuple[float, ...]
    right: tuple[int, ...]
    wrong: tuple[int, ...]
    unknown: tuple[int, ...]


def attempt_histogram(log: DecisionLog, k: int, bins: int = 40) -> AttemptHistogram:
    """Histogram of layer k's confidences; the last bin includes 1.0. Background probes count too."""
    tried = layer_attempts(log, k)
    place = np.minimum((log.confidence[tried, k] * bins).astype(np.int64), bins - 1)
    correctness = layer_correctness(log, k)[tried]

    def count(which: int) -> tuple[int, ...]:
        return tuple(np.bincount(place[correctness == which], minlength=bins).tolist())

    edges = tuple(i / bins for i in range(bins + 1))
    return AttemptHistogram(edges, count(RIGHT), count(WRONG), count(UNJUDGED))


class Lever:
    """The lever of layer `k`; the others stay at `thresholds` (default: as each event was logged)."""

    def __init__(self, log: DecisionLog, k: int, thresholds: Sequence[float] | None = None) -> None:
        bad, _ = log.unusable()
        log = log.take(~bad) if bad.any() else log
        self.n = len(log)
        others: list[float | None] = [None] * len(log.layers) if thresholds is None else list(thresholds)
        takes = replay(log, [*others[:k], 0.0, *others[k + 1 :]])
        passes = replay(log, [*others[:k], _NOBODY, *others[k + 1 :]])
        reaches = np.flatnonzero(takes.layer == k)
        rows = reaches[np.argsort(log.confidence[reaches, k], kind="stable")]
        self._weights, speaks = _weights(log)
        self._confidence = np.ascontiguousarray(log.confidence[rows, k])
        passing, taking = (_Fates(log, result, speaks) for result in (passes, takes))
        self._below = _Sums(passing, rows, passes.layer[rows] == UNKNOWN, self._near(log, k, others[k]))
        self._taken = _Sums(taking, rows)
        elsewhere = np.ones(self.n, dtype=np.bool_)
        elsewhere[rows] = False
        self._rest = _Sums(passing, np.flatnonzero(elsewhere)).total

    def _near(self, log: DecisionLog, k: int, present: float | None) -> Bools:
        """Of the sorted decisions, those that just missed the present threshold."""
        if present is None:
            known = log.threshold[~np.isnan(log.threshold[:, k]), k]
            present = float(known[-1]) if len(known) else 1.0
        return (self._confidence < present) & (self._confidence >= present - _NEAR)

    def at(self, threshold: float) -> LeverReading:
        """The cascade with the layer's threshold at `threshold` (ties accept)."""
        passing = int(np.searchsorted(self._confidence, threshold, side="left"))
        taken = self._taken.total - self._taken.before(passing)
        whole = self._rest + self._below.before(passing) + taken
        here, everywhere = self._rate(taken), self._rate(whole)
        n = max(1, self.n)
        latency, clarify, unidentified = (whole[:_MEASURES] / n).tolist()
        return LeverReading(
            threshold=threshold,
            captured=(len(self._confidence) - passing) / n,
            layer_accuracy=here.value,
            layer_interval=here.interval,
            layer_graded=here.n,
            accuracy=everywhere.value,
            interval=everywhere.interval,
            graded=everywhere.n,
            latency_ms=latency,
            clarify=clarify,
            unidentified=unidentified,
        )

    def _rate(self, sums: Floats) -> WeightedRate:
        """Accuracy, the graded decisions of each layer that once decided standing for all of that layer."""
        graded, right = sums[_MEASURES:].reshape(2, -1).tolist()
        return weighted_rate(
            Stratum(weight * n, n, min(hits, n))
            for weight, n, hits in zip(self._weights.tolist(), graded, right, strict=True)
            if n > _NOTHING
        )


def _weights(log: DecisionLog) -> tuple[Floats, Bools]:
    """One over the graded share of each accepting layer, and which decisions (n,) speak.

    Clarifications that were never graded speak for themselves.
    """
    strata = len(log.layers) + 1
    total = np.bincount(log.accepted, minlength=strata)
    seen = np.bincount(log.accepted, weights=log.graded, minlength=strata)
    weight: Floats = np.divide(total, seen, out=np.zeros(strata), where=seen > 0)
    if seen[-1] > 0:
        return weight, log.graded
    weight[-1] = 1.0
    return weight, log.graded | (log.accepted == strata - 1)


class _Fates:
    """What becomes of each decision under one policy; all arrays (n,) but `measures`, (3, n).

    The measures are latency, whether the user is asked, and whether the log does not show the fate.
    """

    def __init__(self, log: DecisionLog, result: Replay, speaks: Bools) -> None:
        elsewhere = (result.layer != log.accepted) & (result.agent != log.final) & (result.correct < 0)
        asked, unidentified = result.layer == len(log.layers), (result.layer == UNKNOWN) | elsewhere
        self.measures = np.stack([np.nan_to_num(result.latency_ms), asked, unidentified])
        self.graded = speaks & (result.correct >= 0)
        self.right = self.graded & (result.correct == 1)
        self.stratum = log.accepted
        self.strata = len(log.layers) + 1


class _Sums:
    """Fates of decisions in a given order, added up from the first on, so that any part of them costs a look.

    The sums are one array: the measures, then the graded and the right decisions of each stratum. Where the fate is
    `unknown`, the mean of those `near` by stands for it.
    """

    def __init__(self, fates: _Fates, rows: Rows, unknown: Bools | None = None, near: Bools | None = None) -> None:
        measures = fates.measures[:, rows]
        of_stratum = fates.stratum[rows] == np.arange(fates.strata)[:, None]
        counts = np.concatenate([of_stratum & fates.graded[rows], of_stratum & fates.right[rows]])
        self._guess, self._guessed = np.zeros(len(measures) + len(counts)), None
        if unknown is not None and near is not None and unknown.any() and not unknown.all():
            donors = near & ~unknown if (near & ~unknown).any() else ~unknown
            self._guess = np.concatenate([measures[:, donors].mean(axis=1), counts[:, donors].mean(axis=1)])
            self._guess[_UNIDENTIFIED] = 0.0
            self._guessed = _prefix(unknown[None, :], np.int32)[0]
            measures[:_UNIDENTIFIED, unknown] = 0.0
            counts &= ~unknown
        self._measures, self._counts = _prefix(measures, np.float64), _prefix(counts, np.int32)
        self.total = self.before(len(rows))

    def before(self, position: int) -> Floats:
        """The sums over the decisions before a position."""
        sums: Floats = np.concatenate([self._measures[:, position], self._counts[:, position]])
        return sums if self._guessed is None else sums + self._guess * self._guessed[position]


def _prefix(columns: NDArray[np.generic], kind: type[Number]) -> NDArray[Number]:
    sums = np.zeros((columns.shape[0], columns.shape[1] + 1), dtype=kind)
    np.cumsum(columns, axis=1, out=sums[:, 1:])
    return sums
