"""From a found setting to the plan a person reads: prediction, evidence, flips, warnings, what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fedstore.learning.donors import DONOR_BAND
from fedstore.learning.effects import accuracy_effect, drift, flips_and_worst_agent, mean_effect
from fedstore.learning.evidence import Evidence, EvidenceGrade, Guard, prepare
from fedstore.learning.intervals import clopper_pearson, fay_feuer_upper
from fedstore.learning.replay import Outcome, outcome
from fedstore.learning.sample_size import best_certifiable, certify_size, zero_error_minimum
from fedstore.learning.seed_rules import RuleChange, seed_accuracy, seed_count
from fedstore.learning.tuning_types import (
    Effect,
    LayerChange,
    Policy,
    RulePlan,
    TuneResult,
    TuneSettings,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedstore.learning.log import DecisionLog

__all__ = ["Context", "Finding", "build_result"]

DRIFT_P = 0.01
MANY_GRADED = 1000


@dataclass(frozen=True, slots=True)
class Context:
    """What is fixed before the search."""

    log: DecisionLog
    rows: NDArray[np.intp]
    rejected: dict[str, int]
    now: tuple[float, ...]
    settings: TuneSettings
    certify: NDArray[np.bool_]
    guard: Guard
    attempts: tuple[int, ...]
    graded: tuple[int, ...]

    def evidence(self, grade: EvidenceGrade, guard: Guard) -> Evidence:
        """Prepared columns for every policy within reach of this run."""
        reach = DONOR_BAND if grade == "donor" else max(DONOR_BAND, self.settings.reach)
        return prepare(
            self.log,
            certify=self.certify,
            highest=[value + reach + 1e-9 for value in self.now],
            grade=grade,
            guard=guard,
            clarify_error=self.settings.clarify_error,
            seed=self.settings.seed,
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """What a search or a rule came to."""

    verdict: Verdict
    thresholds: tuple[float, ...]
    evidence: Evidence
    p_value: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Prediction:
    """Now and new on the part of the events that may speak about them."""

    part: NDArray[np.bool_]
    evidence: Evidence
    now: Outcome
    new: Outcome
    accuracy: Effect | None


def build_result(context: Context, finding: Finding, notes: Sequence[str]) -> TuneResult:
    """The complete plan for a finding; ``notes`` says per layer why it could not move (or is empty)."""
    settings, log = context.settings, context.log
    predicted = _predict(context, finding)
    flips, worst = flips_and_worst_agent(log, context.rows, context.now, finding.thresholds)
    drift_p = drift(log)
    graded = log.graded
    part = predicted.part
    now, new = predicted.now, predicted.new
    lam = settings.clarify_cost_ms
    return TuneResult(
        verdict=finding.verdict,
        policy=settings.policy,
        guard=context.guard,
        evidence=finding.evidence.grade,
        layers=_layers(context, finding, predicted, notes),
        events=len(log),
        graded=int(np.count_nonzero(graded)),
        graded_certifying=int(np.count_nonzero(graded & context.certify)),
        probed=finding.evidence.probed,
        rejected=context.rejected,
        accuracy=predicted.accuracy,
        accuracy_lower=_accuracy_lower(predicted, settings),
        latency_ms=mean_effect(now.latency[part], new.latency[part]),
        clarify=mean_effect(now.clarify[part], new.clarify[part], highest=1.0),
        cost_ms=mean_effect((now.latency + lam * now.clarify)[part], (new.latency + lam * new.clarify)[part]),
        p_value=finding.p_value,
        flips=flips,
        worst_agent=worst,
        drift_p=drift_p,
        more_needed=_more_needed(context, finding, predicted),
        rules=_rules(context, predicted.evidence, part),
        reasons=_reasons(context, finding, predicted),
        warnings=_warnings(context, finding, drift_p),
        target=settings.target,
        confidence=settings.confidence,
    )


def _predict(context: Context, finding: Finding) -> _Prediction:
    """Chosen on A and certified on B speaks on B; what was chosen on everything speaks on everything."""
    whole = finding.verdict == "recover" or finding.p_value is None or not context.certify.any()
    part = np.ones(len(context.log), dtype=np.bool_) if whole else context.certify
    evidence = finding.evidence
    has_grades = bool(context.log.graded.any())
    if has_grades and evidence.guard != "accuracy":
        evidence = context.evidence(evidence.grade, "accuracy")
    now, new = outcome(evidence, context.now), outcome(evidence, finding.thresholds)
    accuracy = None
    if has_grades and part.any():
        accuracy = accuracy_effect(now.risk[part], new.risk[part], _graded_weight(evidence, part))
    return _Prediction(part, evidence, now, new, accuracy)


def _graded_weight(evidence: Evidence, part: NDArray[np.bool_]) -> NDArray[np.float64]:
    return evidence.weight[part] if evidence.beyond is None else (evidence.weight * evidence.beyond)[part]


def _accuracy_lower(predicted: _Prediction, settings: TuneSettings) -> float | None:
    n = int(np.count_nonzero(predicted.part))
    if predicted.accuracy is None or n == 0:
        return None
    delta = 1.0 - settings.confidence
    risk = predicted.new.risk[predicted.part]
    if predicted.evidence.is_unweighted():
        bound = clopper_pearson(n - round(float(risk.sum())), n, 1.0 - 2.0 * delta)
        return bound.low if bound else None
    weight = (
        predicted.evidence.weight
        if predicted.new.scale is None
        else predicted.evidence.weight * predicted.new.scale
    )
    v = float((risk * weight[predicted.part]).sum()) / n**2
    largest = predicted.evidence.largest_weight(predicted.part) / n
    return max(0.0, 1.0 - fay_feuer_upper(float(risk.mean()), v, largest, delta))


def _layers(
    context: Context, finding: Finding, predicted: _Prediction, notes: Sequence[str]
) -> tuple[LayerChange, ...]:
    k_layers = len(context.now)
    now = predicted.now.shares(k_layers, predicted.part)
    new = predicted.new.shares(k_layers, predicted.part)
    changes = []
    for k, (old_t, new_t) in enumerate(zip(context.now, finding.thresholds, strict=True)):
        note = notes[k] or _move_note(old_t, new_t)
        changes.append(
            LayerChange(
                layer=context.log.layers[k],
                old=old_t,
                new=new_t,
                evidence=_layer_grade(context, finding.evidence.grade, k, old_t, new_t),
                attempts=context.attempts[k],
                graded=context.graded[k],
                captured_now=now[k],
                captured_new=new[k],
                note=note,
            )
        )
    return tuple(changes)


def _move_note(old: float, new: float) -> str:
    if new == old:
        return "stays"
    return "accepts more" if new < old else "passes more on"


def _layer_grade(context: Context, grade: EvidenceGrade, k: int, old: float, new: float) -> EvidenceGrade:
    """Beyond "exact" only if the move sends decisions past the layer that accepted them."""
    if new == old:
        return "exact"
    lifted = (context.log.accepted == k) & (context.log.confidence[:, k] < new)
    return grade if lifted.any() else "exact"


def _more_needed(context: Context, finding: Finding, predicted: _Prediction) -> int | None:
    """Graded decisions still missing before the target could be certified at the accuracy seen now."""
    if finding.verdict == "certified":
        return 0
    if predicted.accuracy is None:
        return None
    settings = context.settings
    needed = certify_size(
        settings.target, max(predicted.accuracy.now, predicted.accuracy.new), settings.confidence
    )
    if needed is None:
        return None
    total = needed / (1.0 - settings.a_share)
    return max(0, int(np.ceil(total)) - int(np.count_nonzero(context.log.graded)))


def _rules(context: Context, evidence: Evidence, part: NDArray[np.bool_]) -> tuple[RulePlan, ...]:
    """The simple named rules on the same decisions, with what would come of them."""
    found: dict[Policy, list[RuleChange]] = {
        "seed-accuracy": seed_accuracy(context.log, context.now, context.settings.min_graded),
        "seed-count": seed_count(context.log, context.now),
    }
    plans = []
    for policy, changes in found.items():
        thresholds = tuple(value for value, _ in changes)
        raises = any(new > old for new, old in zip(thresholds, context.now, strict=True))
        if raises and evidence.grade == "exact":
            evidence = context.evidence("donor", evidence.guard)
        result = outcome(evidence, thresholds)
        accuracy = (
            1.0 - float(result.risk[part].mean()) if evidence.guard == "accuracy" and part.any() else None
        )
        plans.append(
            RulePlan(
                policy=policy,
                thresholds=thresholds,
                reasons=tuple(reason for _, reason in changes),
                accuracy=accuracy,
                latency_ms=float(result.latency[part].mean()) if part.any() else 0.0,
                clarify=float(result.clarify[part].mean()) if part.any() else 0.0,
                meets_target=None if accuracy is None else accuracy >= context.settings.target,
            )
        )
    return tuple(plans)


def _reasons(context: Context, finding: Finding, predicted: _Prediction) -> tuple[str, ...]:
    """Short sentences: what the verdict rests on and what would settle more."""
    settings = context.settings
    reasons = list(finding.reasons)
    if finding.verdict == "certified":
        promise = f"accuracy of at least {settings.target:.1%}"
        if context.guard == "no-worse":
            promise = f"at most {settings.margin:.1%} of the decisions get worse"
        reasons.append(f"{promise}, at {settings.confidence:.0%} confidence (p = {finding.p_value:.2g})")
    if finding.verdict == "estimated" and finding.evidence.grade == "donor":
        reasons.append(
            "rests on borrowed paths: decisions just above a threshold are taken to be like those just below"
        )
    missing = _more_needed(context, finding, predicted)
    if finding.verdict == "insufficient" and missing:
        reasons.append(f"about {missing:,} more graded decisions would settle it")
    if finding.verdict == "insufficient" and missing is None and predicted.accuracy is not None:
        reasons.append(f"the accuracy seen ({predicted.accuracy.now:.1%}) is not above the target")
    if finding.verdict == "insufficient" and context.guard == "accuracy":
        reasons.append("the no-worse guard needs no grades and may certify a change")
    return tuple(reasons)


def _warnings(context: Context, finding: Finding, drift_p: float | None) -> tuple[str, ...]:
    settings, log = context.settings, context.log
    graded = int(np.count_nonzero(log.graded))
    found = [*_size_warnings(settings, graded, finding.verdict, context.guard)]
    if context.guard == "no-worse" and graded == 0:
        found.append("no outcomes at all: only agreement with the past decisions is guarded")
    if finding.evidence.ungraded_strata:
        names = ", ".join((*log.layers, "clarification")[a] for a in finding.evidence.ungraded_strata)
        found.append(f"no graded decision from {names}: another agent there counts as wrong")
    if drift_p is not None and drift_p < DRIFT_P:
        found.append(
            "accuracy moved within the window; a certificate assumes the future looks like this window"
        )
    errors = int(np.count_nonzero(~np.isnan(log.threshold) & ~log.able))
    if errors:
        found.append(f"{errors:,} layer errors or refusals: such a layer cannot accept at any threshold")
    if _several_thresholds(log):
        found.append("the window spans several thresholds; each decision is replayed from its own")
    if settings.policy.startswith("seed"):
        found.append("a rule by name: it ignores the later layers and drifts below the target when repeated")
    found.append(f"clarification is assumed right (error {settings.clarify_error:.0%})")
    return tuple(found)


def _size_warnings(settings: TuneSettings, graded: int, verdict: Verdict, guard: Guard) -> list[str]:
    if guard != "accuracy":
        return []
    found = []
    share = 1.0 - settings.a_share
    minimum = zero_error_minimum(settings.target, settings.confidence)
    certifying = int(settings.min_graded * share)
    reach = best_certifiable(certifying, settings.confidence)
    if certifying < minimum and reach is not None:
        found.append(
            f"{settings.min_graded} graded decisions can never certify {settings.target:.1%}: "
            f"the {certifying} that certify reach {reach:.1%} without a single error"
        )
    if verdict == "certified" and graded < MANY_GRADED:
        found.append(
            f"the {1 - settings.confidence:.0%} bounds the chance of a bad change, "
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
