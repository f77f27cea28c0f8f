"""The grading queue: which ungraded decisions to look at first, recording what was said, and what it is worth.

Decisions nearest to a threshold come first: they are the ones a threshold moves, and the least sure. Among those that
are as near, in steps of 0.005, the layer graded least is first. Near decisions are wrong more often than others, so
`progress` weighs them by their share; a plan, which weighs by layer alone, takes them as they come and so errs on the
careful side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal

import numpy as np

from fedstore.errors import FedstoreError
from fedstore.learning.stratified import Stratum, weighted_rate
from fedstore.policy.grades import Grade, Grades
from fedstore.queries.decisions import Decisions, load_decisions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedstore.learning.intervals import Interval
    from fedstore.learning.log import DecisionLog
    from fedstore.store import Store
    from fedstore.window import Window

__all__ = [
    "GradeItem", "GradeProgress", "Graded", "GradingQueue", "LabelItem", "LabelProgress", "LabellingQueue",
    "grading_queue",
]  # fmt: skip

NEAR = 0.05
"""A margin within which a normal plan may move a threshold."""
_STEP = 0.005
Graded = Literal["right", "wrong", "agent", "clear", "skip"]


@dataclass(frozen=True, slots=True)
class GradeItem:
    """An ungraded decision."""

    route_id: str
    at_ms: int
    agent: str
    layer: str
    nearest_layer: str
    """The layer whose threshold its confidence is nearest to."""
    confidence: float
    threshold: float
    proposals: tuple[str, ...]
    """The agents that some layer proposed, the selected one first."""
    description: str | None
    task_id: str

    @property
    def margin(self) -> float:
        """Confidence minus threshold."""
        return self.confidence - self.threshold


@dataclass(frozen=True, slots=True)
class GradeProgress:
    """What the grades so far say about the accuracy of the window. None: not known."""

    decisions: int
    graded: int
    near: int
    """Decisions within ``NEAR`` of a threshold."""
    near_graded: int
    accuracy: float | None
    interval: Interval | None
    """About 95 %, at the effective number of grades."""
    covered: float
    """Share of the decisions in groups (layer, near or far) of which at least one is graded."""

    @property
    def width(self) -> float | None:
        """The width of the interval: what a further grade narrows."""
        return None if self.interval is None else self.interval.high - self.interval.low


def grading_queue(
    store: Store, window: Window, limit: int = 20, thresholds: Mapping[str, float] | None = None
) -> tuple[GradeItem, ...]:
    """The ``limit`` ungraded decisions of a window to look at first."""
    return GradingQueue(store, window, thresholds).next(limit)


class GradingQueue:
    """A sitting of grading over one window. Reads the decisions once; grades count at once.

    ``thresholds`` are by default those in force, else those last logged. Raises StoreError; ``grade`` raises
    FedstoreError for a decision that is not in the window.
    """

    def __init__(self, store: Store, window: Window, thresholds: Mapping[str, float] | None = None) -> None:
        self._store = store
        self._decisions: Decisions = load_decisions(store.database, window)
        self._log: DecisionLog = self._decisions.log
        in_force = store.reader().thresholds() if thresholds is None else thresholds
        self._row_of = {self._decisions.route_id(row): row for row in range(len(self._log))}
        self._correct = self._log.correct.copy()
        implied = (self._correct < 0) & (self._log.true_agent >= 0)
        self._correct[implied] = (self._log.final == self._log.true_agent)[implied]
        self._skipped: set[int] = set()
        self._grades = Grades(store)
        self._nearest, self._margin, self._now = _margins(self._log, in_force)
        self._order = np.argsort(self._priority(), kind="stable")

    def next(self, limit: int = 1) -> tuple[GradeItem, ...]:
        """The decisions to look at next, nearest to a threshold first."""
        found: list[GradeItem] = []
        for row in self._order.tolist():
            if len(found) >= limit or not np.isfinite(self._margin[row]):
                break
            if self._correct[row] < 0 and row not in self._skipped:
                found.append(self._item(row))
        return tuple(found)

    def grade(self, route_id: str, said: Graded, agent: str | None = None) -> GradeProgress:
        """Record "right", "wrong", "agent" (with the right `agent`) or "clear"; "skip" records nothing."""
        self._row(route_id)
        if said == "skip":
            return self.skip(route_id)
        self._grades.give(Grade("route", route_id, said, agent or ""))
        return self.reread(route_id)

    def skip(self, route_id: str, *, back: bool = False) -> GradeProgress:
        """Leave a decision out of this sitting, or (`back`) take it in again."""
        row = self._row(route_id)
        self._skipped = self._skipped - {row} if back else self._skipped | {row}
        return self.progress()

    def reread(self, route_id: str) -> GradeProgress:
        """Take what the store says of a decision now: it was graded, or a grade was taken back."""
        row = self._row(route_id)
        found = self._store.database.read("SELECT correct, correct_agent, agent FROM routes WHERE id = ?", (route_id,))
        for correct, right_agent, agent in found:
            implied = -1 if right_agent is None else int(right_agent == agent)
            self._correct[row] = implied if correct is None else correct
        return self.progress()

    def __contains__(self, route_id: str) -> bool:
        """Whether a decision is in the window."""
        return route_id in self._row_of

    def _row(self, route_id: str) -> int:
        row = self._row_of.get(route_id)
        if row is None:
            raise FedstoreError(f"there is no decision {route_id} in this window: `fedtop grade` lists the open ones")
        return row

    def progress(self) -> GradeProgress:
        """Accuracy by groups (deciding layer, near or far from a threshold), each weighing as it should."""
        log, graded = self._log, self._correct >= 0
        near = np.abs(self._margin) <= NEAR
        group = log.accepted * 2 + near
        counts = [np.bincount(group[rows]).tolist() for rows in (slice(None), graded, self._correct == 1)]
        rate = weighted_rate(Stratum(*of) for of in zip_longest(*counts, fillvalue=0))
        return GradeProgress(
            decisions=len(log),
            graded=rate.n,
            near=int(near.sum()),
            near_graded=int((near & graded).sum()),
            accuracy=rate.value,
            interval=rate.interval,
            covered=1.0 - rate.silent if len(log) else 0.0,
        )

    def _priority(self) -> NDArray[np.float64]:
        """Distance to the nearest threshold in small steps; within a step, the layer graded least is first."""
        graded = np.bincount(self._log.accepted, weights=self._correct >= 0, minlength=len(self._log.layers) + 1)
        total = np.bincount(self._log.accepted, minlength=len(self._log.layers) + 1)
        share = np.divide(graded, total, out=np.zeros(len(total)), where=total > 0)
        priority: NDArray[np.float64] = np.floor(np.abs(self._margin) / _STEP) + 0.999 * share[self._log.accepted]
        return priority

    def _item(self, row: int) -> GradeItem:
        log, k = self._log, int(self._nearest[row])
        route_id = self._decisions.route_id(row)
        ((task_id, description),) = self._store.database.read(
            "SELECT task_id, description FROM routes WHERE id = ?", (route_id,)
        ) or [("", None)]
        selected = self._agent(int(log.final[row]))
        proposals = dict.fromkeys([selected, *(self._agent(int(code)) for code in log.proposal[row])])
        return GradeItem(
            route_id=route_id,
            at_ms=int(log.ts_ms[row]),
            agent=selected,
            layer=log.deciders[int(log.accepted[row])],
            nearest_layer=log.layers[k],
            confidence=float(log.confidence[row, k]),
            threshold=float(self._now[k]),
            proposals=tuple(name for name in proposals if name),
            description=description,
            task_id=task_id,
        )

    def _agent(self, code: int) -> str:
        return self._log.agents[code] if code >= 0 else ""


def _margins(
    log: DecisionLog, in_force: Mapping[str, float]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Per decision the layer whose threshold is nearest, and confidence minus that threshold; thresholds now.

    Infinite where no layer on the live path could have accepted at any threshold.
    """
    logged = log.thresholds_in_force()
    unknown = [np.nan if value is None else value for value in logged]
    now = np.array([in_force.get(layer, value) for layer, value in zip(log.layers, unknown, strict=True)])
    if not len(log) or not len(log.layers):
        return np.zeros(len(log), dtype=np.int64), np.full(len(log), np.inf), now
    margin = np.where(log.able & ~log.shadow, log.confidence - now, np.inf)
    margin = np.where(np.isnan(margin), np.inf, margin)
    nearest = np.abs(margin).argmin(axis=1)
    return nearest, margin[np.arange(len(log)), nearest], now


LabelItem, LabelProgress, LabellingQueue = GradeItem, GradeProgress, GradingQueue
"""The names that these had before."""
