"""The sentences of a plan: why this conclusion, what to beware of, how many graded decisions are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fedstore.learning.percent import are, counted, percent
from fedstore.learning.sample_size import best_certifiable, certify_size, rough, zero_error_minimum
from fedstore.learning.targets import DRIFT_P

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedstore.learning.evidence import Guard
    from fedstore.learning.log import DecisionLog
    from fedstore.learning.tuning_context import Context, Finding
    from fedstore.learning.tuning_types import Conclusion, Effect, TuneSettings

__all__ = ["more_needed", "part_words", "reasons_for", "warnings_for"]

MANY_GRADED = 1000


def more_needed(context: Context, finding: Finding, accuracy: Effect | None) -> int | None:
    """Graded decisions still missing, roughly, before the target could be certified at the accuracy seen now.

    None are where the question is settled: by a certificate, or by the present setting that stays.
    """
    if finding.conclusion in {"certified", "keep"}:
        return 0
    if accuracy is None:
        return None
    settings = context.settings
    needed = certify_size(settings.target, max(accuracy.now, accuracy.new), settings.confidence)
    if needed is None:
        return None
    total = needed / (1.0 - settings.a_share)
    return rough(max(0, int(np.ceil(total)) - int(np.count_nonzero(context.log.graded))))


def reasons_for(context: Context, finding: Finding, accuracy: Effect | None) -> tuple[str, ...]:
    """Short sentences: what the conclusion rests on and what would settle more."""
    settings = context.settings
    reasons = list(finding.reasons)
    if finding.conclusion == "certified":
        promise = f"accuracy of at least {percent(settings.target, 1)}"
        if context.guard == "no-worse":
            promise = f"at most {percent(settings.margin, 1)} of the decisions get worse"
        reasons.append(f"{promise}, at {percent(settings.confidence)} confidence (p = {finding.p_value:.2g})")
    if finding.conclusion == "estimated" and finding.evidence.grade == "donor":
        reasons.append(
            "rests on borrowed paths: decisions just above a threshold are taken to be like those just below"
        )
    missing = more_needed(context, finding, accuracy)
    if finding.conclusion == "insufficient" and missing is None and accuracy is not None:
        reasons.append(f"the accuracy seen ({percent(accuracy.now, 1)}) is not above the target")
    if finding.conclusion == "insufficient" and context.guard == "accuracy":
        reasons.append("the rule no-worse needs no grades and may certify a change")
    return tuple(reasons)


def part_words(part: NDArray[np.bool_]) -> tuple[str, ...]:
    """Which decisions the figures are those of, unless of all: a plan speaks of those that had no say in it."""
    if part.all():
        return ()
    n = int(part.sum())
    decisions = counted(n, "decision")
    return (f"accuracy, latency and clarification are those of the {decisions} that had no say in the choice",)


def warnings_for(context: Context, finding: Finding, drift_p: float | None) -> tuple[str, ...]:
    settings, log = context.settings, context.log
    graded = int(np.count_nonzero(log.graded))
    found = [*_size_warnings(settings, graded, finding.conclusion, context.guard)]
    left_out = ((n, reason) for reason, n in context.rejected.items() if n)
    found += [f"{counted(n, 'more decision')} {are(n)} left out: {reason}" for n, reason in left_out]
    if context.guard == "no-worse" and graded == 0:
        found.append("no outcomes at all: only agreement with the past decisions is guarded")
    if context.guard == "accuracy" and 0 < graded < len(log):
        found.append(
            f"{percent(graded / len(log))} of the decisions are graded: "
            "those that are not are taken to be like the graded ones of the layer that decided"
        )
    if finding.evidence.ungraded_strata:
        names = ", ".join(log.deciders[a] for a in finding.evidence.ungraded_strata)
        found.append(f"no graded decision from {names}: another agent there counts as wrong")
    if drift_p is not None and drift_p < DRIFT_P:
        found.append("accuracy moved within the window; a certificate assumes the future looks like this window")
    errors = int(np.count_nonzero(~np.isnan(log.threshold) & ~log.able))
    if errors:
        many = counted(errors, "layer error or refusal", "layer errors or refusals")
        found.append(f"{many}: such a layer cannot accept at any threshold")
    if _several_thresholds(log):
        found.append("the window spans several thresholds; each decision is replayed from its own")
    if settings.rule.startswith("seed"):
        found.append("a rule by name: it ignores the later layers and drifts below the target when repeated")
    error = settings.clarify_error
    assumed = f"{percent(error, 1)} of clarifications are assumed to go wrong"
    found.append(assumed if error else "clarification is assumed right (error 0 %)")
    return tuple(found)


def _size_warnings(settings: TuneSettings, graded: int, conclusion: Conclusion, guard: Guard) -> list[str]:
    if guard != "accuracy":
        return []
    found = []
    share = 1.0 - settings.a_share
    minimum = zero_error_minimum(settings.target, settings.confidence)
    certifying = int(settings.min_graded * share)
    reach = best_certifiable(certifying, settings.confidence)
    if certifying < minimum and reach is not None:
        found.append(
            f"a layer moves from {settings.min_graded} graded attempts on, but so few can never certify "
            f"{percent(settings.target, 1)}: the {certifying} of them that certify reach {percent(reach, 1)} "
            f"without a single error (graded in this window: {graded:,})"
        )
    if conclusion == "certified" and graded < MANY_GRADED:
        found.append(
            f"the {percent(1 - settings.confidence)} bounds the chance of a bad change, "
            "not the chance that this change is bad; verify after applying"
        )
    return found


def _several_thresholds(log: DecisionLog) -> bool:
    for k in range(len(log.layers)):
        column = log.threshold[:, k]
        column = column[~np.isnan(column)]
        if len(column) and column.min() != column.max():
            return True
    return False
