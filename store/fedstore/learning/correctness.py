"""Whether a layer's proposal was right, wrong, or cannot be judged, for every attempt of the layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedstore.learning.log import DecisionLog

__all__ = ["RIGHT", "UNJUDGED", "WRONG", "layer_attempts", "layer_correctness"]

RIGHT, WRONG, UNJUDGED = 1, 0, -1


def layer_attempts(log: DecisionLog, k: int, *, live_only: bool = False) -> NDArray[np.bool_]:
    """(n,) whether layer k gave a confidence; `live_only` leaves background probes out."""
    tried: NDArray[np.bool_] = ~np.isnan(log.confidence[:, k])
    return tried & ~log.shadow[:, k] if live_only else tried


def layer_correctness(log: DecisionLog, k: int) -> NDArray[np.int8]:
    """(n,) whether layer k's proposal was right: by the right agent if known, else by the outcome of the final one.

    A proposal that differs from a wrong final agent cannot be judged; neither can an ungraded decision.
    """
    proposal = log.proposal[:, k]
    known, right_outcome = log.true_agent >= 0, log.correct == 1
    agrees = (proposal == np.where(known, log.true_agent, log.final)) & (proposal >= 0)
    judged = (known | right_outcome | ((log.correct == 0) & agrees)) & layer_attempts(log, k)
    right = agrees & (known | right_outcome)
    correctness: NDArray[np.int8] = np.where(judged, right.astype(np.int8), np.int8(UNJUDGED))
    return correctness
