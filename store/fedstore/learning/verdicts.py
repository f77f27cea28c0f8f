"""Whether a layer's proposal was right, wrong, or cannot be judged, for every attempt of the layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedstore.learning.log import DecisionLog

__all__ = ["RIGHT", "UNJUDGED", "WRONG", "layer_attempts", "layer_verdicts"]

RIGHT, WRONG, UNJUDGED = 1, 0, -1


def layer_attempts(log: DecisionLog, k: int, *, live_only: bool = False) -> NDArray[np.bool_]:
    """(n,) whether layer k gave a confidence; ``live_only`` leaves background probes out."""
    tried: NDArray[np.bool_] = ~np.isnan(log.confidence[:, k])
    return tried & ~log.shadow[:, k] if live_only else tried


def layer_verdicts(log: DecisionLog, k: int) -> NDArray[np.int8]:
    """(n,) verdict on layer k's proposal: by the right agent if known, else by the outcome of the final one.

    A proposal that differs from a wrong final agent cannot be judged; neither can an ungraded decision.
    """
    proposal = log.proposal[:, k]
    agrees = (proposal == log.final) & (proposal >= 0)
    verdict = np.full(len(log), UNJUDGED, dtype=np.int8)
    verdict[log.correct == 1] = WRONG
    verdict[(log.correct == 1) & agrees] = RIGHT
    verdict[(log.correct == 0) & agrees] = WRONG
    known = log.true_agent >= 0
    verdict[known] = (proposal == log.true_agent)[known]
    verdict[np.isnan(log.confidence[:, k])] = UNJUDGED
    return verdict
