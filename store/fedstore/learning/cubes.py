"""Risk, latency and clarification of every joint threshold setting at once, by prefix sums.

Candidates of layer k form one axis. An event ends at layer k when it stays below the candidate of every
earlier layer and reaches that of layer k, so a (k+1)-dimensional histogram of its bins, summed along the
axes, gives the sums for all settings: O(nK + K prod G) instead of a loop over policies, and exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.learning.evidence import Evidence

__all__ = ["Cubes", "build_cubes", "candidate_bins"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Cubes:
    """Sums over the events of part A (index 0) and B (index 1); each array has shape (2, G_1, ..., G_K)."""

    risk: Floats
    """Weighted losses."""
    risk2: Floats
    """Squared weights of the losses."""
    latency: Floats
    """Milliseconds."""
    clarify: Floats
    """Events no layer accepts."""


def candidate_bins(confidence: Floats, candidates: Sequence[float]) -> NDArray[np.int8]:
    """How many of the ascending candidates each confidence reaches (a tie accepts)."""
    bins = np.zeros(len(confidence), dtype=np.int8)
    for candidate in candidates:
        bins += confidence >= candidate
    return bins


def build_cubes(evidence: Evidence, grids: Sequence[Sequence[float]]) -> Cubes:
    """Sums for all settings of `grids` (K ascending candidate lists, at most 120 each)."""
    shape = (2, *(len(grid) for grid in grids))
    cubes = Cubes(*(np.zeros(shape) for _ in range(4)))
    walk = _Walk(evidence)
    for k, grid in enumerate(grids):
        bins = candidate_bins(walk.of(evidence.confidence[k]), grid)
        spent = walk.of(evidence.latency[k])
        walk.elapsed = spent if walk.elapsed is None else walk.elapsed + spent
        _add_acceptances(cubes, walk, k, bins, len(grid))
        walk.descend(bins < len(grid), bins, len(grid))
    _add_falls(cubes, walk)
    return cubes


class _Walk:
    """The events that some setting lets fall through to the layer at hand."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.rows: NDArray[np.intp] | None = None
        self.code: Codes = evidence.certify.astype(np.int64)
        self.elapsed: Floats | None = None
        self.lead: tuple[int, ...] = (2,)

    def of(self, column: NDArray[T]) -> NDArray[T]:
        """The column's values of the events still walking."""
        return column if self.rows is None else column[self.rows]

    def beyond(self, k: int) -> Floats | None:
        """Weight of what happens at layer k (K: the last resort), `None` where it is 1 for all."""
        if self.evidence.beyond is None:
            return None
        past = self.of(self.evidence.accepted) < k
        weight: Floats = np.where(past, self.of(self.evidence.beyond), 1.0)
        return weight

    def descend(self, stays: NDArray[np.bool_], bins: NDArray[np.int8], size: int) -> None:
        keep = np.flatnonzero(stays)
        self.code = self.code[keep] * size + bins[keep]
        self.elapsed = None if self.elapsed is None else self.elapsed[keep]
        self.rows = keep if self.rows is None else self.rows[keep]
        self.lead = (*self.lead, size)


def _add_acceptances(cubes: Cubes, walk: _Walk, k: int, bins: NDArray[np.int8], size: int) -> None:
    """Add what ends at layer k for each setting."""
    here = np.flatnonzero(bins)
    code = walk.code[here] * (size + 1) + bins[here]
    weight = walk.beyond(k)
    shape = (*walk.lead, size + 1)
    assert walk.elapsed is not None
    elapsed = walk.elapsed[here] if weight is None else walk.elapsed[here] * weight[here]
    _accumulate(cubes.latency, code, elapsed, shape, accepting=True)
    lost = np.flatnonzero(walk.of(walk.evidence.loss[k])[here])
    risk = walk.of(walk.evidence.weight)[here[lost]]
    if weight is not None:
        risk = risk * weight[here[lost]]
    _accumulate(cubes.risk, code[lost], risk, shape, accepting=True)
    _accumulate(cubes.risk2, code[lost], risk * risk, shape, accepting=True)


def _add_falls(cubes: Cubes, walk: _Walk) -> None:
    """Add what no layer accepts."""
    weight = walk.beyond(walk.evidence.layers)
    ones = np.ones(len(walk.code)) if weight is None else weight
    elapsed = ones if walk.elapsed is None else walk.elapsed * ones
    _accumulate(cubes.latency, walk.code, elapsed, walk.lead, accepting=False)
    _accumulate(cubes.clarify, walk.code, ones, walk.lead, accepting=False)
    fall = walk.of(walk.evidence.fall_loss)
    lost = np.flatnonzero(fall)
    risk = walk.of(walk.evidence.weight)[lost] * ones[lost]
    _accumulate(cubes.risk, walk.code[lost], risk * fall[lost], walk.lead, accepting=False)
    _accumulate(cubes.risk2, walk.code[lost], risk * risk * fall[lost], walk.lead, accepting=False)


def _accumulate(cube: Floats, code: Codes, values: Floats, shape: tuple[int, ...], *, accepting: bool) -> None:
    """Histogram, sum along the axes, and broadcast over the axes of the deeper layers."""
    if not len(code):
        return
    sums = np.bincount(code, weights=values, minlength=int(np.prod(shape))).reshape(shape)
    below = range(1, len(shape) - 1) if accepting else range(1, len(shape))
    for axis in below:
        np.cumsum(sums, axis=axis, out=sums)
    if accepting:
        sums = np.flip(np.cumsum(np.flip(sums, -1), axis=-1), -1)[..., 1:]
    cube += sums.reshape(sums.shape + (1,) * (cube.ndim - sums.ndim))
