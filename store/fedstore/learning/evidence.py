"""What a log can say about other thresholds: one prepared column set with weights and losses.

Three grades: *exact* (only what the live path logged; all else counts as wrong), *probe* (layers a background
probe evaluated stand for the unprobed, weighted by one over the probed share) and *donor* (an event accepted
at a layer borrows the rest of its path from one that just missed there; estimated, never certified). Losses
are those of a guard: "accuracy" (the agent is wrong) or "no-worse" (another agent than before, and the former
one is not known to be wrong). A loss that cannot be known counts as a loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fedstore.learning.donors import DONOR_BAND, fill_from_donors
from fedstore.learning.layers import PROBE_BAND
from fedstore.learning.rules import EvidenceGrade, Guard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.learning.log import DecisionLog

__all__ = ["PROBE_BAND", "Evidence", "EvidenceGrade", "Guard", "prepare", "probed_events"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

"""How far above a threshold the band walk of a background probe goes on."""

NEVER = -1.0
"""A confidence below every threshold: the layer cannot accept."""


@dataclass(slots=True)
class Evidence:
    """Columns for replaying policies; per-layer columns are contiguous arrays of length n."""

    grade: EvidenceGrade
    guard: Guard
    accepted: NDArray[np.int32]
    certify: Bools
    """Part B of the split."""
    confidence: list[Floats]
    """`NEVER` where the layer cannot accept or nothing is known of it."""
    latency: list[Floats]
    """Milliseconds, 0 where not evaluated."""
    loss: list[Bools]
    """Whether accepting at the layer is a loss (unknown counts as one)."""
    censored: Bools
    """The record ends before the last layer: when nothing accepts, a loss and a clarification."""
    fall_loss: Floats
    """Loss when no layer accepts."""
    weight: Floats
    """Risk weight of the event: one over the graded share of its stratum, 0 if not graded."""
    beyond: Floats | None
    """Weight of what lies beyond the accepting layer; `None` when it is 1 everywhere."""
    graded: Bools
    probed: int
    ungraded_strata: tuple[int, ...]
    """Accepting layers none of whose events is graded: all of them count as losses."""

    def __len__(self) -> int:
        return len(self.accepted)

    @property
    def layers(self) -> int:
        """The number K of tunable layers."""
        return len(self.confidence)

    def sizes(self) -> tuple[int, int]:
        """Events in part A and in part B."""
        b = int(np.count_nonzero(self.certify))
        return len(self) - b, b

    def copy_beyond(self, k: int, into: NDArray[np.intp], chosen: NDArray[np.intp]) -> None:
        """Give the events `into` what the events `chosen` have beyond layer `k`."""
        for columns in (self.confidence, self.latency, self.loss):
            for column in columns[k + 1 :]:
                column[into] = column[chosen]
        self.censored[into] = self.censored[chosen]
        self.fall_loss[into] = self.fall_loss[chosen]

    def largest_weight(self, part: Bools | None = None) -> float:
        """The largest risk weight an event of the part can have (without the 1/n)."""
        weight = self.weight if self.beyond is None else self.weight * np.maximum(self.beyond, 1.0)
        return float(weight.max(initial=0.0, where=True if part is None else part))

    def is_unweighted(self) -> bool:
        """Whether every event weighs 1, so that the exact binomial tail applies."""
        return self.beyond is None and bool(np.all(self.weight == 1.0)) and not self._fractional_loss()

    def _fractional_loss(self) -> bool:
        return bool(np.any((self.fall_loss > 0.0) & (self.fall_loss < 1.0)))


def prepare(
    log: DecisionLog,
    *,
    certify: Bools,
    highest: Sequence[float],
    grade: EvidenceGrade,
    guard: Guard = "accuracy",
    clarify_error: float = 0.0,
    seed: int = 0,
) -> Evidence:
    """Columns for policies whose thresholds do not exceed `highest` (K values), on usable rows only."""
    live_end = log.accepted
    evaluated = _evaluated(log)
    known, confidence, latency = _paths(log, evaluated, use_probes=grade == "probe")
    graded = log.graded
    loss = _losses(log, guard)
    weight, ungraded = _strata_weights(log, graded, certify, guard)
    fall = _fall_losses(log, guard, clarify_error)
    result = Evidence(
        grade,
        guard,
        live_end,
        certify,
        confidence,
        latency,
        loss,
        ~known,
        fall,
        weight,
        None,
        graded,
        0,
        ungraded,
    )
    if grade == "probe":
        _weigh_probes(log, result, evaluated, highest)
    elif grade == "donor":
        _borrow(log, result, highest, seed)
    result.fall_loss[result.censored] = 1.0
    return result


def probed_events(log: DecisionLog) -> Bools:
    """(n,) whether a background probe evaluated the layer after the accepting one."""
    evaluated = _evaluated(log)
    return _probed(log, evaluated)


def _evaluated(log: DecisionLog) -> list[Bools]:
    """Per layer, whether it ran at all; a layer never tried at all is disabled and counts as run."""
    columns = []
    for k in _range(log):
        ran = ~np.isnan(log.threshold[:, k])
        columns.append(ran if ran.any() else np.ones(len(log), dtype=np.bool_))
    return columns


def _disabled(log: DecisionLog, k: int) -> bool:
    return bool(np.isnan(log.threshold[:, k]).all())


def _paths(
    log: DecisionLog, evaluated: Sequence[Bools], *, use_probes: bool
) -> tuple[Bools, list[Floats], list[Floats]]:
    """What is known of each event's way down: the record ends at the first layer beyond it that never ran."""
    known = np.ones(len(log), dtype=np.bool_)
    confidence, latency = [], []
    for k in range(len(log.layers)):
        on_path = log.accepted >= k
        if use_probes:
            known &= on_path | evaluated[k]
        elif not _disabled(log, k):
            known &= on_path
        # A layer that only ran in the background before the accepting one had no say in the live decision.
        usable = log.able[:, k] & known & ~(log.shadow[:, k] & on_path)
        column = log.confidence[:, k]
        confidence.append(np.where(usable, column, NEVER))
        spent = log.latency_ms[:, k]
        latency.append(np.where(known & ~np.isnan(spent) & ~(log.shadow[:, k] & on_path), spent, 0.0))
    return known, confidence, latency


def _losses(log: DecisionLog, guard: Guard) -> list[Bools]:
    """Per layer, the loss if that layer's proposal were taken."""
    if guard == "no-worse":
        before_wrong = (log.true_agent >= 0) & (log.final != log.true_agent)
        before_wrong |= (log.true_agent < 0) & (log.correct == 0)
        return [((log.proposal[:, k] != log.final) | (log.final < 0)) & ~before_wrong for k in _range(log)]
    right = np.where(log.true_agent >= 0, log.true_agent, np.where(log.correct == 1, log.final, -2))
    right[right == -1] = -2
    return [log.proposal[:, k] != right for k in _range(log)]


def _fall_losses(log: DecisionLog, guard: Guard, clarify_error: float) -> Floats:
    """Loss when no layer accepts: clarification is assumed right unless it is known to have gone wrong."""
    clarified = log.accepted == len(log.layers)
    if guard == "no-worse":
        return np.where(clarified, 0.0, clarify_error)
    return np.where(clarified & (log.correct == 0), 1.0, clarify_error)


def _range(log: DecisionLog) -> range:
    return range(len(log.layers))


def _strata_weights(log: DecisionLog, graded: Bools, certify: Bools, guard: Guard) -> tuple[Floats, tuple[int, ...]]:
    """One over the graded share within part and accepting layer; strata without any grade are returned."""
    if guard == "no-worse":
        return np.ones(len(log)), ()
    strata = len(log.layers) + 1
    code = log.accepted + strata * certify
    total = np.bincount(code, minlength=2 * strata)
    seen = np.bincount(code, weights=graded, minlength=2 * strata)
    share = np.divide(total, seen, out=np.zeros(2 * strata), where=seen > 0)
    per_layer_seen = seen[:strata] + seen[strata:]
    ungraded = tuple(int(a) for a in np.flatnonzero((per_layer_seen == 0) & (total[:strata] + total[strata:] > 0)))
    # A stratum without any grade must not read as "no errors there": an ungraded acceptance is a loss.
    weight: Floats = np.where(graded, share[code], np.where(seen == 0, 1.0, 0.0)[code])
    return weight, ungraded


def _probed(log: DecisionLog, evaluated: Sequence[Bools]) -> Bools:
    probed = np.zeros(len(log), dtype=np.bool_)
    enabled = [k for k in _range(log) if not _disabled(log, k)]
    for k, after in pairwise(enabled):
        probed |= (log.accepted == k) & evaluated[after]
    return probed


def _weigh_probes(log: DecisionLog, result: Evidence, evaluated: Sequence[Bools], highest: Sequence[float]) -> None:
    """Let probed events stand for the unprobed of the same accepting layer and distance band."""
    probed = _probed(log, evaluated)
    result.probed = int(np.count_nonzero(probed))
    beyond = np.ones(len(log))
    last = _last_enabled(log)
    for a in _range(log):
        if a == last:
            continue
        rows = np.flatnonzero((log.accepted == a) & (log.confidence[:, a] < highest[a]))
        margin = log.confidence[rows, a] - log.threshold[rows, a]
        for band in (margin < PROBE_BAND - 1e-9, margin >= PROBE_BAND - 1e-9):
            cell = rows[band]
            hit = probed[cell]
            share = float(hit.mean()) if len(cell) else 0.0
            if share > 0.0:
                beyond[cell] = np.where(hit, 1.0 / share, 0.0)
    result.beyond = None if np.all(beyond == 1.0) else beyond


def _last_enabled(log: DecisionLog) -> int:
    enabled = [k for k in _range(log) if not _disabled(log, k)]
    return enabled[-1] if enabled else -1


def _borrow(log: DecisionLog, result: Evidence, highest: Sequence[float], seed: int) -> None:
    reached = [log.accepted > k for k in _range(log)]
    gap = [log.threshold[:, k] - log.confidence[:, k] for k in _range(log)]
    donors = [reached[k] & (gap[k] > 0.0) & (gap[k] <= DONOR_BAND + 1e-9) for k in _range(log)]
    last = _last_enabled(log)
    recipients = [(log.accepted == k) & (k < last) & (log.confidence[:, k] < highest[k]) for k in _range(log)]
    fill_from_donors(result.weight, result.copy_beyond, donors, recipients, np.random.default_rng(seed))
    if result.guard == "no-worse":
        # Another event's proposals cannot be compared with this one's: beyond its own record all is a loss.
        for k in _range(log):
            result.loss[k] |= log.accepted < k
