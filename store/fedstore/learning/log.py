"""The columnar decision log every replay, plan and lever is computed from.

One row per routing decision, one column per tunable layer in cascade order; the last resort
(clarification, threshold 1.0) is not a column but the accepting layer `K`.
The store fills the arrays from packed columns.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fedstore.learning.layers import LAST_RESORT
from fedstore.learning.special import uniform_from_hash
from fedstore.learning.tuning_types import A_SHARE

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DecisionLog", "hash_id"]

_PER_EVENT = (
    "ids",
    "ts_ms",
    "confidence",
    "threshold",
    "latency_ms",
    "proposal",
    "shadow",
    "able",
    "accepted",
    "final",
    "correct",
    "true_agent",
)


def hash_id(event_id: str) -> int:
    """The stable unsigned 64-bit hash of an event's id."""
    return int.from_bytes(hashlib.blake2b(event_id.encode("utf-8", "replace"), digest_size=8).digest(), "little")


@dataclass(frozen=True, slots=True)
class DecisionLog:
    """n routing decisions over K tunable layers; `NaN` and -1 mean "not seen", never zero."""

    layers: tuple[str, ...]
    """The K layer names in cascade order."""
    agents: tuple[str, ...]
    """Interned agent (master) names; a code is an index into this."""
    ids: NDArray[np.uint64]
    """(n,) stable hash of the event id: splits and labels."""
    ts_ms: NDArray[np.int64]
    """(n,) UTC epoch milliseconds."""
    confidence: NDArray[np.float64]
    """(n, K), NaN where the layer was not evaluated or gave none."""
    threshold: NDArray[np.float64]
    """(n, K) in force when logged, NaN where not evaluated."""
    latency_ms: NDArray[np.float64]
    """(n, K), NaN where not evaluated."""
    proposal: NDArray[np.int32]
    """(n, K) agent code, -1 none."""
    shadow: NDArray[np.bool_]
    """(n, K) evaluated by a background probe only."""
    able: NDArray[np.bool_]
    """(n, K) evaluated and able to accept; False for an error, a timeout or a refusal when over threshold."""
    accepted: NDArray[np.int32]
    """(n,) accepting layer 0..K-1, K = clarified."""
    final: NDArray[np.int32]
    """(n,) agent that got the task, -1 none."""
    correct: NDArray[np.int8]
    """(n,) 1 right, 0 wrong, -1 not graded."""
    true_agent: NDArray[np.int32]
    """(n,) the agent that should have got it, -1 unknown."""

    @property
    def deciders(self) -> tuple[str, ...]:
        """Who may have decided: the layers, then the last resort; `accepted` is a position among them."""
        return (*self.layers, LAST_RESORT)

    def __post_init__(self) -> None:
        n, k = len(self.ids), len(self.layers)
        for name in _PER_EVENT:
            array = getattr(self, name)
            if array.shape not in {(n,), (n, k)}:
                raise ValueError(f"{name} has shape {array.shape}, expected {n} events over {k} layers")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def graded(self) -> NDArray[np.bool_]:
        """(n,) whether the outcome or the right agent is known."""
        mask: NDArray[np.bool_] = (self.correct >= 0) | (self.true_agent >= 0)
        return mask

    def take(self, mask: NDArray[np.bool_] | NDArray[np.int64]) -> DecisionLog:
        """The rows of a boolean mask or of an index array."""
        return replace(self, **{name: getattr(self, name)[mask] for name in _PER_EVENT})

    def certify_mask(self, a_share: float = A_SHARE) -> NDArray[np.bool_]:
        """(n,) True for part B (certify), False for part A (optimise); depends on the ids alone."""
        mask: NDArray[np.bool_] = uniform_from_hash(self.ids) >= a_share
        return mask

    def split(self, a_share: float = A_SHARE) -> tuple[DecisionLog, DecisionLog]:
        """Parts A (optimise) and B (certify), by hash of the id."""
        certify = self.certify_mask(a_share)
        return self.take(~certify), self.take(certify)

    def thresholds_in_force(self) -> tuple[float | None, ...]:
        """The newest logged threshold of each layer, `None` for a layer never evaluated."""
        newest_first = np.argsort(self.ts_ms, kind="stable")[::-1]
        result: list[float | None] = []
        for k in range(len(self.layers)):
            column = self.threshold[newest_first, k]
            seen = np.flatnonzero(~np.isnan(column))
            result.append(float(column[seen[0]]) if len(seen) else None)
        return tuple(result)

    def unusable(self) -> tuple[NDArray[np.bool_], dict[str, int]]:
        """Rows no replay can use, and how many by reason.

        A confidence outside [0, 1] (or none at all from a layer that was able to accept), an accepting layer
        that was not over its threshold, or an earlier layer that should have accepted.
        """
        able = self.able
        invalid = (~(self.confidence >= 0.0) | (self.confidence > 1.0)) & able
        invalid |= (self.confidence < 0.0) | (self.confidence > 1.0)
        bad_confidence = invalid.any(axis=1)
        over = able & ~self.shadow & (self.confidence >= self.threshold)
        first = np.where(over.any(axis=1), over.argmax(axis=1), len(self.layers)) if len(self.layers) else 0
        inconsistent = (first != self.accepted) & ~bad_confidence
        counts = {
            "confidence missing or outside 0..1": int(bad_confidence.sum()),
            "accepting layer contradicts confidence and threshold": int(inconsistent.sum()),
        }
        bad = np.asarray(bad_confidence | inconsistent, dtype=np.bool_)
        return bad, {reason: count for reason, count in counts.items() if count}
