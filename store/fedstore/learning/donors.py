"""Hot-deck donors: what would have happened beyond the layer that accepted.

An event accepted at layer k borrows everything after k from a random event that reached k with a confidence
just below its threshold and so went on. Good within a few hundredths of the threshold; it fails where events
just above differ from those just below, so whatever rests on it is "estimated".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["DONOR_BAND", "fill_from_donors"]

DONOR_BAND = 0.05
"""Donors missed their threshold by at most this; raises beyond it are not estimated."""

Bools = NDArray[np.bool_]
Index = NDArray[np.intp]


def fill_from_donors(
    weight: NDArray[np.float64],
    copy: Callable[[int, Index, Index], None],
    donors: Sequence[Bools],
    recipients: Sequence[Bools],
    rng: np.random.Generator,
) -> None:
    """Overwrite what lies beyond the recipients' accepting layer, deepest layer first.

    `weight` (n,) is the risk weight of each event; `copy(k, into, chosen)` gives the events `into` what the events
    `chosen` have beyond layer k; `donors` and `recipients` say per layer which events lend and borrow.

    That order makes donors complete: one accepted at a deeper layer has borrowed its own rest already.
    """
    for k in reversed(range(len(donors))):
        into = np.flatnonzero(recipients[k])
        pool = np.flatnonzero(donors[k])
        if not len(into) or not len(pool):
            continue
        # Graded recipients carry the risk: theirs are drawn so that graded donors stand for ungraded ones.
        carries_risk = weight[into] > 0
        chosen = np.empty(len(into), dtype=np.intp)
        chosen[~carries_risk] = rng.choice(pool, int(np.count_nonzero(~carries_risk)))
        chosen[carries_risk] = _draw_weighted(pool, weight[pool], int(carries_risk.sum()), rng)
        copy(k, into, chosen)


def _draw_weighted(pool: Index, weight: NDArray[np.float64], count: int, rng: np.random.Generator) -> Index:
    total = np.cumsum(weight)
    if total[-1] <= 0.0:
        return rng.choice(pool, count)
    drawn = np.searchsorted(total, rng.random(count) * total[-1], side="right")
    chosen: Index = pool[np.minimum(drawn, len(pool) - 1)]
    return chosen
