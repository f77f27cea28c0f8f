"""Choosing among all joint settings: optimise on one part, certify on the other.

Split fixed-sequence (Pareto) testing: part A orders the settings from safest to cheapest, B walks that path
while each setting's p-value stays below delta, so no correction for the number of settings is due
(Learn-then-Test, Angelopoulos et al. 2021; Pareto Testing, Laufer-Goldenshluger et al. 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fedstore.learning.cubes import Cubes, build_cubes, candidate_bins
from fedstore.learning.intervals import binomial_cdf, fay_feuer_p, normal_quantile
from fedstore.learning.special import safety_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.learning.evidence import Evidence
    from fedstore.learning.log import DecisionLog

__all__ = ["Search", "candidates", "collapse"]

Floats = NDArray[np.float64]

LOWEST, HIGHEST = 0.30, 0.99
RECOVER_DELTA = 0.2


def candidates(
    threshold: float, step: float, reach: float, up: float | None = None, lowest: float = LOWEST
) -> list[float]:
    """Ascending candidates around a threshold, the threshold itself always among them; `up` caps raises."""
    count = int(reach / step + 1e-9)
    values = {round(threshold + i * step, 10) for i in range(-count, count + 1)}
    top = min(HIGHEST, threshold + (reach if up is None else up) + 1e-9)
    kept = {value for value in values if lowest <= value <= top}
    return sorted({*kept - {round(threshold, 10)}, threshold})


def collapse(log: DecisionLog, k: int, grid: Sequence[float], current: float) -> list[float]:
    """Drop candidates between which no decision lies: they act alike; the one nearest `current` stays."""
    column = log.confidence[:, k]
    bins = candidate_bins(column[log.able[:, k]], grid)
    filled = np.bincount(bins, minlength=len(grid) + 1)
    kept: list[float] = []
    group = [grid[0]]
    for t in range(1, len(grid)):
        if filled[t]:
            kept.append(min(group, key=lambda value: abs(value - current)))
            group = []
        group.append(grid[t])
    kept.append(min(group, key=lambda value: abs(value - current)))
    return kept


@dataclass(frozen=True, slots=True)
class Choice:
    """A chosen setting and the p-value it passed with (`None`: not tested)."""

    thresholds: tuple[float, ...]
    p_value: float | None


class Search:
    """All settings of `grids` on prepared evidence."""

    def __init__(
        self,
        evidence: Evidence,
        grids: Sequence[Sequence[float]],
        now: Sequence[float],
        *,
        allowed_risk: float,
        clarify_cost_ms: float,
    ) -> None:
        self.evidence, self.grids, self.allowed_risk = evidence, grids, allowed_risk
        self.clarify_cost_ms = clarify_cost_ms
        self.cubes: Cubes = build_cubes(evidence, grids)
        self.shape = tuple(len(grid) for grid in grids)
        index = tuple(list(grid).index(value) for grid, value in zip(grids, now, strict=True))
        self.now = int(np.ravel_multi_index(index, self.shape))
        self.sizes = evidence.sizes()
        self._certify_weight = evidence.largest_weight(evidence.certify)
        self._unweighted = evidence.is_unweighted()

    def thresholds(self, policy: int) -> tuple[float, ...]:
        """The setting of a flat policy index."""
        return tuple(grid[int(i)] for grid, i in zip(self.grids, np.unravel_index(policy, self.shape), strict=True))

    def cost(self, part: int) -> Floats:
        """Mean cost (ms) of every policy on part 0 (A) or 1 (B): latency plus priced clarifications."""
        total = self.cubes.latency[part] + self.clarify_cost_ms * self.cubes.clarify[part]
        flat: Floats = total.ravel() / max(1, self.sizes[part])
        return flat

    def path(self, max_clarify: float | None) -> list[int]:
        """Policies from safest to cheapest on part A, none of which part A thinks too risky."""
        n = max(1, self.sizes[0])
        largest = self.evidence.largest_weight(~self.evidence.certify)
        risk, risk2 = self.cubes.risk[0].ravel() / n, self.cubes.risk2[0].ravel() / n**2
        score = safety_score(risk, risk2, largest / n, self.allowed_risk)
        fit = score >= 0.0
        if max_clarify is not None:
            fit &= self.cubes.clarify[0].ravel() / n <= max_clarify
        rows = np.flatnonzero(fit)
        cost = self.cost(0)[rows]
        order = np.lexsort((cost, -score[rows]))
        cheapest_before = np.minimum.accumulate(np.concatenate(([np.inf], cost[order][:-1])))
        return [int(rows[i]) for i in order[cost[order] < cheapest_before]]

    def p_value(self, policy: int) -> float:
        """P-value on part B of "this policy breaks the guard"."""
        n = self.sizes[1]
        if n == 0:
            return 1.0
        risk = float(self.cubes.risk[1].flat[policy])
        if self._unweighted:
            return binomial_cdf(round(risk), n, self.allowed_risk)
        risk2 = float(self.cubes.risk2[1].flat[policy])
        return fay_feuer_p(risk / n, risk2 / n**2, self._certify_weight / n, self.allowed_risk)

    def risk(self, policy: int, part: int) -> float:
        """Estimated risk of a policy on a part."""
        return float(self.cubes.risk[part].flat[policy]) / max(1, self.sizes[part])

    def risk_overall(self, policy: int) -> float:
        """Estimated risk of a policy on both parts together."""
        return float(self.cubes.risk[0].flat[policy] + self.cubes.risk[1].flat[policy]) / max(1, len(self.evidence))

    def least_clarify(self) -> float:
        """The lowest clarification rate of any policy on part A."""
        return float(self.cubes.clarify[0].min()) / max(1, self.sizes[0])

    def certify(self, path: Sequence[int], delta: float) -> tuple[int, float] | None:
        """The last policy of the path before the first that fails on part B, with its p-value."""
        passed: tuple[int, float] | None = None
        for policy in path:
            p = self.p_value(policy)
            if p > delta:
                break
            passed = policy, p
        return passed

    def recover(self, max_clarify: float | None) -> int | None:
        """The cheapest raise whose risk is within bounds at a soft 80 %, else the most accurate raise.

        `None` when no raise under the cap is estimated to be more accurate than the present setting.
        """
        n = len(self.evidence)
        upward = tuple(slice(int(i), None) for i in np.unravel_index(self.now, self.shape))
        flat = np.arange(int(np.prod(self.shape))).reshape(self.shape)[upward].ravel()
        if max_clarify is not None:
            flat = flat[self.cubes.clarify.sum(axis=0).ravel()[flat] / n <= max_clarify]
            if not len(flat):
                return None
        risk = self.cubes.risk.sum(axis=0).ravel() / n
        risk2 = self.cubes.risk2.sum(axis=0).ravel()[flat] / n**2
        largest = self.evidence.largest_weight() / n
        score = safety_score(risk[flat], risk2, largest, self.allowed_risk)
        cost = (self.cost(0) * self.sizes[0] + self.cost(1) * self.sizes[1])[flat]
        good = np.flatnonzero(score >= normal_quantile(1.0 - RECOVER_DELTA))
        best = good[np.argmin(cost[good])] if len(good) else np.lexsort((cost, risk[flat]))[0]
        chosen = int(flat[best])
        return chosen if risk[chosen] < risk[self.now] else None
