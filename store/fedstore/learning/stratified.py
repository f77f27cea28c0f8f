"""A rate over everything that was decided, when some strata (the layers that decided) are graded more than others.

Counting graded decisions as they are would let a layer that everybody grades speak for one that nobody does: with
80, 50, 30, 30 and 100 % graded by layer, plans made that way broke their promise in a third to two thirds of the runs.
Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fedstore.learning.intervals import Interval, two_proportion_p, wilson

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping
    from typing import TypeVar

    Name = TypeVar("Name", bound=Hashable)

__all__ = ["Stratum", "WeightedRate", "difference_p", "over_both", "weighted_rate"]


class Stratum(NamedTuple):
    """Counts of one stratum: `right` of `graded` of `decisions`; fractional where some are guessed."""

    decisions: float
    graded: float
    right: float


@dataclass(frozen=True, slots=True)
class WeightedRate:
    """The rate of each stratum, weighted by its decisions; `value` is None when nothing is graded."""

    value: float | None
    n: int
    """Graded decisions."""
    effective: float
    """As many graded decisions, spread like the decisions, would say as much; never more than `n`."""
    silent: float
    """Share of the decisions that lie in strata without a grade: the value does not speak of them."""

    @property
    def interval(self) -> Interval | None:
        """Wilson's 95 % interval at the effective number."""
        return None if self.value is None else wilson(self.value * self.effective, self.effective)


def weighted_rate(strata: Iterable[Stratum]) -> WeightedRate:
    """The post-stratified rate and its variance, sum of W² p (1 - p) / n (Cochran 1977, 5A.9).

    In the variance p is (right + 1) / (graded + 2), so that a stratum in which nothing was wrong yet is not taken for
    certain. Kish's effective number, which takes one p for all strata, covers the truth in 89 to 93 % of simulated
    samples where this covers it in 94 to 96.
    """
    known, total = [], 0.0
    for stratum in strata:
        total += stratum.decisions
        if stratum.graded:
            known.append(stratum)
    heard = sum(s.decisions for s in known)
    if not heard:
        return WeightedRate(None, 0, 0.0, 1.0 if total else 0.0)
    value = smooth = variance = 0.0
    for decisions, graded, right in known:
        weight, p = decisions / heard, (right + 1) / (graded + 2)
        value += weight * right / graded
        smooth += weight * p
        variance += weight * weight * p * (1.0 - p) / graded
    n = sum(s.graded for s in known)
    return WeightedRate(min(1.0, value), round(n), min(n, smooth * (1.0 - smooth) / variance), (total - heard) / total)


def over_both(older: Mapping[Name, Stratum], newer: Mapping[Name, Stratum]) -> tuple[WeightedRate, WeightedRate]:
    """The rates of two periods over the strata that are graded in both: another mix of grades is no change."""
    both = [name for name, stratum in older.items() if stratum.graded and name in newer and newer[name].graded]
    return weighted_rate(older[name] for name in both), weighted_rate(newer[name] for name in both)


def difference_p(older: WeightedRate, newer: WeightedRate) -> float | None:
    """Two-sided p-value of "both rates are equal" at the effective numbers; None when one of them is unknown."""
    if older.value is None or newer.value is None:
        return None
    right = older.value * older.effective, newer.value * newer.effective
    return two_proportion_p(right[0], older.effective, right[1], newer.effective)
