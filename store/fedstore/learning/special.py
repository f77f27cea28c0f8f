"""Vectorised companions of :mod:`fedstore.learning.intervals` for the search over many policies.

The search only has to *order* policies by how safe they look, so the gamma tail is replaced by its
Wilson-Hilferty deviate; the exact tail is computed for the few policies that are then tested.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["safety_score", "uniform_from_hash"]

FloatArray = NDArray[np.float64]


def safety_score(y: FloatArray, v: FloatArray, w_max: float, r0: float) -> FloatArray:
    """Normal deviate of the Fay-Feuer p-value: larger is safer, p is about `normal_sf(score)`.

    `y`, `v` and `w_max` as in :func:`fedstore.learning.intervals.fay_feuer_p`. Wilson & Hilferty 1931.
    """
    if w_max <= 0.0:
        return np.full(y.shape, -np.inf)
    centre = y + w_max
    spread = v + w_max * w_max
    shape = centre * centre
    shape /= spread
    ratio = r0 / centre
    score: FloatArray = np.cbrt(ratio) - 1.0 + 1.0 / (9.0 * shape)
    score *= 3.0
    score *= np.sqrt(shape)
    return score


def uniform_from_hash(ids: NDArray[np.uint64]) -> FloatArray:
    """A number in [0, 1) per id, the same on every run (MurmurHash3's 64-bit finaliser)."""
    x = ids ^ (ids >> np.uint64(33))
    x *= np.uint64(0xFF51AFD7ED558CCD)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xC4CEB9FE1A85EC53)
    x ^= x >> np.uint64(33)
    u: FloatArray = (x >> np.uint64(11)).astype(np.float64)
    u *= 2.0**-53
    return u
