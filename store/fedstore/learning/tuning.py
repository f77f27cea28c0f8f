"""Threshold plans for the routing cascade: search every joint setting, certify one, say what it rests on.

:func:`tune` proposes; nothing here writes. "certified": a proposal below the target comes with probability at
most 1 - confidence, for events like those of the window. "estimated" carries no such promise (it rests on
borrowed paths), "recover" only raises thresholds towards a missed target, "insufficient" says how many graded
decisions are missing, "keep" that the present setting is good.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fedstore.learning.correctness import layer_attempts
from fedstore.learning.donors import DONOR_BAND
from fedstore.learning.evidence import Evidence, EvidenceGrade, Guard, probed_events
from fedstore.learning.percent import counted, percent
from fedstore.learning.search import Search, candidates, collapse
from fedstore.learning.seed_rules import seed_accuracy, seed_count
from fedstore.learning.tuning_context import Context, Finding
from fedstore.learning.tuning_report import build_result
from fedstore.learning.tuning_types import Conclusion, TuneCancelledError, TuneResult, TuneSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from fedstore.learning.log import DecisionLog

__all__ = ["TuneCancelledError", "TuneResult", "TuneSettings", "tune"]

_CAPPED = (
    f"without probes no threshold is raised by more than {DONOR_BAND:g}, --aggressive or not: nothing is known of what"
    " lies further up"
)
MIN_PROBED_SHARE = 0.02
"""Below this share of the liftable decisions, probes are too few to rest a search on."""


def tune(
    log: DecisionLog,
    thresholds: Sequence[float],
    settings: TuneSettings | None = None,
    *,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> TuneResult:
    """Propose thresholds for the K tunable layers, whose present ones are ``thresholds``.

    ``progress`` gets fractions 0..1; ``cancelled`` is asked between stages and ends the run with
    :class:`TuneCancelledError`. Raises ``ValueError`` for thresholds or a layer that do not fit the log.
    """
    settings = settings or TuneSettings()
    now = tuple(float(value) for value in thresholds)
    _check(log, now, settings)
    stage = _stages(progress, cancelled)
    stage(0.0)
    return _Job(_context(log, now, settings), stage).run()


def _stages(progress: Callable[[float], None] | None, cancelled: Callable[[], bool] | None) -> Callable[[float], None]:
    furthest = 0.0

    def stage(fraction: float) -> None:
        nonlocal furthest
        if cancelled is not None and cancelled():
            raise TuneCancelledError
        furthest = max(furthest, fraction)
        if progress is not None:
            progress(furthest)

    return stage


def _check(log: DecisionLog, now: Sequence[float], settings: TuneSettings) -> None:
    if len(now) != len(log.layers):
        raise ValueError(f"{len(now)} thresholds for {len(log.layers)} layers")
    if not all(0.0 <= value <= 1.0 for value in now):
        raise ValueError("thresholds must lie between 0 and 1")
    if settings.layer is not None and settings.layer not in log.layers:
        raise ValueError(f"no layer {settings.layer!r}; the log has {', '.join(log.layers)}")


def _usable(log: DecisionLog, censor_hours: float) -> tuple[DecisionLog, NDArray[np.intp], dict[str, int]]:
    """The rows a search can use, their positions, and what was left out by reason."""
    bad, rejected = log.unusable()
    if censor_hours > 0 and len(log):
        recent = log.ts_ms > log.ts_ms.max() - censor_hours * 3_600_000
        rejected["too recent for their outcome"] = int((recent & ~bad).sum())
        bad |= recent
    if not bad.any():
        return log, np.arange(len(log)), rejected
    rows = np.flatnonzero(~bad)
    return log.take(rows), rows, rejected


def _context(log: DecisionLog, now: tuple[float, ...], settings: TuneSettings) -> Context:
    usable, rows, rejected = _usable(log, settings.censor_hours)
    has_grades = usable.graded
    guard: Guard = settings.guard
    if settings.rule == "no-worse" or not has_grades.any():
        guard = "no-worse"
    tried = [layer_attempts(usable, k, live_only=True) for k in range(len(now))]
    attempts = tuple(int(np.count_nonzero(a)) for a in tried)
    graded = tuple(int(np.count_nonzero(a & has_grades)) for a in tried)
    certify = usable.certify_mask(settings.a_share)
    return Context(usable, rows, rejected, now, settings, certify, guard, attempts, graded)


class _Job:
    """One run of the tuner: candidates by layer, then the search or the rule the settings name."""

    def __init__(self, context: Context, stage: Callable[[float], None]) -> None:
        self.context, self.settings, self.log, self.now = context, context.settings, context.log, context.now
        self.guard, self.stage = context.guard, stage
        self.notes = [self._lock_reason(k) for k in range(len(self.now))]
        self.grids = [self._grid(k) for k in range(len(self.now))]
        stage(0.1)

    def run(self) -> TuneResult:
        finding = self._rule() if self.settings.rule.startswith("seed") else self._search()
        self.stage(0.7)
        result = build_result(self.context, finding, self.notes)
        self.stage(1.0)
        return result

    def _lock_reason(self, k: int) -> str:
        """Why a layer may not move; empty where it may."""
        if self.settings.layer is not None and self.log.layers[k] != self.settings.layer:
            return "not asked for"
        if self.log.layers[k] in self.settings.locked:
            return "locked"
        if self.log.layers[k] in self.settings.disabled:
            return "disabled"
        ungraded = self.guard == "no-worse"
        n = self.context.attempts[k] if ungraded else self.context.graded[k]
        if n < self.settings.min_graded:
            what = "attempt" if ungraded else "graded attempt"
            return f"{counted(int(n), what)}, fewer than {self.settings.min_graded:,}"
        return ""

    def _grid(self, k: int) -> list[float]:
        """Candidates of a layer; its present threshold alone if it may not or cannot move."""
        current = self.now[k]
        if self.notes[k]:
            return [current]
        wanted = candidates(current, self.settings.step, self.settings.reach)
        if self.settings.aggressive:  # what an ordinary step reaches is within reach of a large one
            wanted = sorted({*wanted, *candidates(current, DONOR_BAND, min(DONOR_BAND, self.settings.reach))})
        grid = collapse(self.log, k, wanted, current)
        if len(grid) == 1:
            self.notes[k] = "no effect: no confidence within reach"
        return grid

    def _grade(self) -> EvidenceGrade:
        """Probes where they cover enough of what raising would move, else the live path alone."""
        if self.settings.evidence != "auto":
            return self.settings.evidence
        liftable = np.zeros(len(self.log), dtype=np.bool_)
        for k, grid in enumerate(self.grids[:-1]):
            liftable |= (self.log.accepted == k) & (self.log.confidence[:, k] < grid[-1])
        lifted = int(np.count_nonzero(liftable))
        probed = int(np.count_nonzero(probed_events(self.log) & liftable))
        return "probe" if lifted and probed >= MIN_PROBED_SHARE * lifted else "exact"

    def _search(self) -> Finding:
        if not len(self.log) or all(len(grid) == 1 for grid in self.grids):
            why = "; ".join(f"{layer}: {note}" for layer, note in zip(self.log.layers, self.notes, strict=True))
            reason = f"no layer can move: {why}" if len(self.log) else "no decision that can be replayed"
            return Finding("insufficient", self.now, self.context.evidence("exact", self.guard), None, (reason,))
        grade = self._grade()
        first = self._try(grade)
        if first.conclusion != "insufficient" or grade != "exact" or self.settings.evidence != "auto":
            return first
        self.stage(0.4)
        second = self._try("donor")
        if second.conclusion != "estimated":
            return first
        return replace(second, reasons=(*second.reasons, _CAPPED)) if self.settings.aggressive else second

    def _space(self, grade: EvidenceGrade, evidence: Evidence) -> Search:
        grids = self.grids
        if grade == "donor":
            grids = [
                [value for value in grid if value <= t + DONOR_BAND + 1e-9]
                for grid, t in zip(grids, self.now, strict=True)
            ]
        settings = self.settings
        risk = settings.margin if self.guard == "no-worse" else 1.0 - settings.target
        return Search(evidence, grids, self.now, allowed_risk=risk, clarify_cost_ms=settings.clarify_cost_ms)

    def _try(self, grade: EvidenceGrade) -> Finding:
        """One search on one grade of evidence."""
        evidence = self.context.evidence(grade, self.guard)
        self.stage(0.3)
        search = self._space(grade, evidence)
        self.stage(0.5)
        delta = 1.0 - self.settings.confidence
        passed = search.certify(search.path(self.settings.max_clarify), delta)
        present_p = search.p_value(search.now)
        present_ok = present_p <= delta or search.risk(search.now, 1) <= search.allowed_risk
        if passed is None:
            return self._nothing_passed(grade, search, present_ok, present_p <= delta)
        policy, p_value = passed
        reason = self._keep_reason(search, policy, present_ok)
        if reason is not None:
            return Finding("keep", self.now, evidence, present_p, (reason,))
        conclusion: Conclusion = "estimated" if grade == "donor" else "certified"
        return Finding(conclusion, search.thresholds(policy), evidence, p_value, ())

    def _keep_reason(self, search: Search, policy: int, present_ok: bool) -> str | None:
        """Why the present setting stays; what misses the target or the cap never stays for the sake of cost."""
        cost = search.cost(1)
        gain = float(cost[search.now] - cost[policy])
        capped = self.settings.max_clarify
        over_cap = capped is not None and search.cubes.clarify[0].flat[search.now] > capped * search.sizes[0]
        enough = gain > 0.0 and gain >= self.settings.min_gain * float(cost[search.now])
        if enough or over_cap or not present_ok:
            return None
        price = f"latency plus {self.settings.clarify_cost_ms:,.0f} ms for each clarification"
        return f"the best certified setting gains less than {percent(self.settings.min_gain)} of the cost ({price})"

    def _nothing_passed(self, grade: EvidenceGrade, search: Search, present_ok: bool, present_passes: bool) -> Finding:
        cap = self.settings.max_clarify
        if cap is not None and search.least_clarify() > cap:
            reason = f"no setting within reach asks at most {percent(cap, 1)} of the time"
            return Finding("insufficient", self.now, search.evidence, None, (reason,))
        if present_passes:
            reason = "the present setting passes; no other one does"
            return Finding("keep", self.now, search.evidence, search.p_value(search.now), (reason,))
        if self.guard == "accuracy" and not present_ok and search.risk_overall(search.now) > search.allowed_risk:
            return self._recover(grade, search)
        reason = "no setting passes the test with the decisions at hand"
        return Finding("insufficient", self.now, search.evidence, None, (reason,))

    def _recover(self, grade: EvidenceGrade, search: Search) -> Finding:
        """Below the target with nothing certified: only raise, and say that it is a guess."""
        if grade == "exact" and self.settings.evidence == "auto":
            search = self._space("donor", self.context.evidence("donor", self.guard))
        policy = search.recover(self.settings.max_clarify)
        if policy is None:
            capped = "" if self.settings.max_clarify is None else " within the cap on clarifications"
            reason = f"accuracy is below the target and no raise{capped} is seen to help"
            return Finding("insufficient", self.now, search.evidence, None, (reason,))
        reason = "accuracy is below the target: raising is the safe direction; not certified"
        return Finding("recover", search.thresholds(policy), search.evidence, None, (reason,))

    def _rule(self) -> Finding:
        """A simple named rule, taken as it is."""
        grade = self._grade()
        if self.settings.rule == "seed-accuracy":
            changes = seed_accuracy(self.log, self.now, self.settings.min_graded, step=self.settings.rule_step)
        else:
            changes = seed_count(self.log, self.now, step=self.settings.rule_step)
        held = {*self.settings.locked, *self.settings.disabled}
        new = tuple(
            value if self.settings.layer in (None, layer) and layer not in held else old
            for (value, _), layer, old in zip(changes, self.log.layers, self.now, strict=True)
        )
        if grade == "exact" and any(value > old for value, old in zip(new, self.now, strict=True)):
            grade = "donor"
        self.notes = [reason for _, reason in changes]
        conclusion: Conclusion = "keep" if new == self.now else "estimated"
        guard: Guard = "accuracy" if self.log.graded.any() else "no-worse"
        return Finding(conclusion, new, self.context.evidence(grade, guard), None, ("a rule by name, not certified",))
