"""From a found setting to the plan a person reads: prediction, evidence, flips, warnings, what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fedstore.learning.effects import accuracy_effect, drift, flips_and_worst_agent, mean_effect
from fedstore.learning.intervals import clopper_pearson, fay_feuer_upper
from fedstore.learning.replay import Outcome, outcome
from fedstore.learning.rules import TuneRule
from fedstore.learning.seed_rules import RuleChange, judged_confidences, seed_accuracy, seed_count
from fedstore.learning.tuning_types import (
    Effect,
    LayerChange,
    RulePlan,
    TuneResult,
    TuneSettings,
)
from fedstore.learning.tuning_words import more_needed, part_words, reasons_for, warnings_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedstore.learning.evidence import Evidence, EvidenceGrade
    from fedstore.learning.tuning_context import Context, Finding


__all__ = ["build_result"]


@dataclass(frozen=True, slots=True)
class _Prediction:
    """Now and new on the part of the events that may speak about them."""

    part: NDArray[np.bool_]
    evidence: Evidence
    now: Outcome
    new: Outcome
    accuracy: Effect | None


def build_result(context: Context, finding: Finding, notes: Sequence[str]) -> TuneResult:
    """The complete plan for a finding; `notes` says per layer why it could not move (or is empty)."""
    settings, log = context.settings, context.log
    predicted = _predict(context, finding)
    flips, worst = flips_and_worst_agent(log, context.rows, context.now, finding.thresholds)
    drift_p = drift(log)
    graded = log.graded
    part = predicted.part
    now, new = predicted.now, predicted.new
    lam = settings.clarify_cost_ms
    return TuneResult(
        conclusion=finding.conclusion,
        rule=settings.rule,
        guard=context.guard,
        evidence=finding.evidence.grade,
        layers=_layers(context, finding, predicted, notes),
        events=len(log),
        measured=int(part.sum()),
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
        more_needed=more_needed(context, finding, predicted.accuracy),
        rules=_rules(context, predicted.evidence, part),
        reasons=(*reasons_for(context, finding, predicted.accuracy), *part_words(part)),
        warnings=warnings_for(context, finding, drift_p),
        target=settings.target,
        confidence=settings.confidence,
    )


def _predict(context: Context, finding: Finding) -> _Prediction:
    """Chosen on A and certified on B speaks on B; what was chosen on everything speaks on everything."""
    whole = finding.conclusion == "recover" or finding.p_value is None or not context.certify.any()
    part = np.ones(len(context.log), dtype=np.bool_) if whole else context.certify
    evidence = finding.evidence
    has_grades = bool(context.log.graded.any())
    if has_grades and evidence.guard != "accuracy":
        evidence = context.evidence(evidence.grade, "accuracy")
    now, new = outcome(evidence, context.now), outcome(evidence, finding.thresholds)
    accuracy = None
    if has_grades and part.any():
        moved = bool((now.layer != new.layer)[part].any())
        weight = _graded_weight(evidence, part)
        accuracy = accuracy_effect(now.risk[part], new.risk[part], weight, moved=moved)
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
        predicted.evidence.weight if predicted.new.scale is None else predicted.evidence.weight * predicted.new.scale
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
        taken = context.log.correct[(context.log.accepted == k) & (context.log.correct >= 0)]
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
                taken=len(taken),
                right=int(taken.sum()),
                note=note,
            )
        )
    return tuple(changes)


def _move_note(old: float, new: float) -> str:
    if new == old:
        return ""
    return "accepts more" if new < old else "passes more on"


def _layer_grade(context: Context, grade: EvidenceGrade, k: int, old: float, new: float) -> EvidenceGrade:
    """Beyond "exact" only if the move sends decisions past the layer that accepted them."""
    if new == old:
        return "exact"
    lifted = (context.log.accepted == k) & (context.log.confidence[:, k] < new)
    return grade if lifted.any() else "exact"


def _rules(context: Context, evidence: Evidence, part: NDArray[np.bool_]) -> tuple[RulePlan, ...]:
    """The simple named rules on the same decisions, with what would come of them."""
    judged = judged_confidences(context.log)
    found: dict[TuneRule, list[RuleChange]] = {
        "seed-accuracy": seed_accuracy(context.log, context.now, context.settings.min_graded, judged),
        "seed-count": seed_count(context.log, context.now, judged),
    }
    plans = []
    outcomes: dict[tuple[float, ...], Outcome] = {}
    for rule, changes in found.items():
        thresholds = tuple(value for value, _ in changes)
        raises = any(new > old for new, old in zip(thresholds, context.now, strict=True))
        if raises and evidence.grade == "exact":
            evidence = context.evidence("donor", evidence.guard)
        if thresholds not in outcomes:
            outcomes[thresholds] = outcome(evidence, thresholds)
        result = outcomes[thresholds]
        accuracy = 1.0 - float(result.risk[part].mean()) if evidence.guard == "accuracy" and part.any() else None
        plans.append(
            RulePlan(
                rule=rule,
                thresholds=thresholds,
                reasons=tuple(reason for _, reason in changes),
                accuracy=accuracy,
                latency_ms=float(result.latency[part].mean()) if part.any() else 0.0,
                clarify=float(result.clarify[part].mean()) if part.any() else 0.0,
                meets_target=None if accuracy is None else accuracy >= context.settings.target,
            )
        )
    return tuple(plans)
