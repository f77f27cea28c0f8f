"""The tuner: promises on known truth, verdicts, limits, and what a plan says."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import special, stats

from fedstore.learning.evidence import prepare
from fedstore.learning.replay import outcome, replay
from fedstore.learning.rules import TUNE_RULES, TuneRule
from fedstore.learning.sample_size import best_certifiable, certify_size, zero_error_minimum
from fedstore.learning.search import Search, candidates, collapse
from fedstore.learning.seed_rules import seed_accuracy, seed_count
from fedstore.learning.tuning import TuneCancelledError, TuneSettings, tune
from tests.learning.synthetic import LAYERS, THRESHOLDS, load_cascade, random_log, scenario, truth
from tests.support.scenarios import as_logged, population

GRADED = [0.8, 0.5, 0.3, 0.3, 1.0]


def live(name: str, n: int, seed: int, **how):
    return as_logged(truth(name, n, seed), np.random.default_rng(seed + 1), **how)


@pytest.mark.parametrize("name", ["seedlike", "tight", "out of scope 15 %", "trap"])
@pytest.mark.parametrize(("evidence", "how"), [
    ("exact", {}), ("probe", {"probe_rate": 1.0}), ("probe", {"probe_rate": 1.0, "graded": GRADED}),
])  # fmt: skip
def test_a_change_that_misses_the_target_is_rare(name: str, evidence: str, how: dict) -> None:
    reps, n = 30, 1500
    setting = scenario(name)
    settings = TuneSettings(target=setting.target, evidence=evidence)
    full = truth(name, 100_000, 99)
    violations = 0
    for rep in range(reps):
        rng = np.random.default_rng([3, rep])
        log = as_logged(population(setting, n, rng), rng, **how)
        result = tune(log, THRESHOLDS, settings)
        if result.conclusion == "certified":
            violations += replay(full, result.thresholds).correct.mean() < setting.target
    allowed = int(stats.binom.ppf(0.999, reps, 0.05))
    assert violations <= allowed


def test_with_enough_decisions_the_plan_is_certified_cheaper_and_true() -> None:
    setting = scenario("seedlike")
    result = tune(live("seedlike", 40_000, 11, probe_rate=0.3, graded=GRADED), THRESHOLDS, TuneSettings(target=0.955))
    real = replay(truth("seedlike", 100_000, 99), result.thresholds)
    assert result.conclusion == "certified"
    assert result.evidence == "probe"
    assert result.changed
    assert result.cost_ms.new < 0.9 * result.cost_ms.now
    assert real.correct.mean() >= 0.955
    assert result.accuracy is not None
    assert result.accuracy_lower is not None
    assert result.accuracy_lower >= 0.955
    assert result.accuracy.new_interval.low < real.correct.mean() < result.accuracy.new_interval.high
    assert result.latency_ms.new == pytest.approx(real.latency_ms.mean(), rel=0.05)
    assert result.p_value is not None
    assert result.p_value <= 0.05
    assert setting.thresholds == result.old_thresholds


def test_raising_is_certified_only_where_probes_saw_it() -> None:
    probed = tune(live("seedlike", 20_000, 21, probe_rate=1.0), THRESHOLDS, TuneSettings(target=0.958))
    raised = [layer for layer in probed.layers if layer.new > layer.old]
    assert raised
    assert all(layer.evidence == "probe" for layer in raised)
    assert all(layer.evidence == "exact" for layer in probed.layers if layer.new <= layer.old)
    blind = tune(live("seedlike", 20_000, 21), THRESHOLDS, TuneSettings(target=0.958, evidence="exact"))
    estimated = tune(live("seedlike", 20_000, 21), THRESHOLDS, TuneSettings(target=0.958, evidence="donor"))
    assert not [layer for layer in blind.layers if layer.new > layer.old]
    assert estimated.conclusion in {"estimated", "keep"}
    assert estimated.conclusion != "certified"


def test_donors_never_reach_past_their_band() -> None:
    settings = TuneSettings(target=0.9, evidence="donor", aggressive=True)
    result = tune(live("second layer bad", 8000, 31), THRESHOLDS, settings)
    raised = [layer.new - layer.old for layer in result.layers]
    assert len(raised) == 4
    assert max(raised) <= 0.05 + 1e-9


def test_below_the_target_it_only_raises_and_says_so() -> None:
    result = tune(live("tight", 6000, 41, probe_rate=1.0), THRESHOLDS, TuneSettings(target=0.97))
    assert result.conclusion == "recover"
    assert all(new >= old for new, old in zip(result.thresholds, THRESHOLDS, strict=True))
    assert result.changed
    better = replay(truth("tight", 100_000, 99), result.thresholds).correct.mean()
    assert better > replay(truth("tight", 100_000, 99), THRESHOLDS).correct.mean() + 0.005
    assert any("not certified" in reason for reason in result.reasons)


def test_a_small_gain_does_not_keep_what_misses_the_target() -> None:
    """The present setting stays for want of a gain only while it is as accurate as it should be."""
    log = live("seedlike", 30_000, 2, probe_rate=1.0)
    picky = TuneSettings(target=0.9635, min_gain=0.5)
    below = tune(log, THRESHOLDS, picky)
    assert below.accuracy is not None
    assert below.accuracy.now < 0.9635
    assert below.conclusion == "certified"
    assert below.cost_ms.new > 0.5 * below.cost_ms.now
    above = tune(log, THRESHOLDS, replace(picky, target=0.95))
    assert above.conclusion == "keep"
    assert not above.changed
    assert above.more_needed == 0
    assert "less than 50 % of the cost (latency plus 2,000 ms for each clarification)" in above.reasons[0]


def test_where_nothing_costs_anything_nothing_moves() -> None:
    log = live("seedlike", 20_000, 3)
    free = replace(log, latency_ms=np.where(np.isnan(log.latency_ms), np.nan, 0.0))
    assert not tune(free, THRESHOLDS, TuneSettings(target=0.94, clarify_cost_ms=0)).changed


def test_recovery_keeps_under_the_cap_on_clarifications() -> None:
    log = live("tight", 6000, 41, probe_rate=1.0)
    free = tune(log, THRESHOLDS, TuneSettings(target=0.97))
    cap = (free.clarify.now + free.clarify.new) / 2
    capped = tune(log, THRESHOLDS, TuneSettings(target=0.97, max_clarify=cap))
    assert free.conclusion == capped.conclusion == "recover"
    assert capped.clarify.now < capped.clarify.new <= cap
    shut = tune(log, THRESHOLDS, TuneSettings(target=0.97, max_clarify=free.clarify.now))
    assert shut.clarify.new <= shut.clarify.now
    none = tune(log, THRESHOLDS, TuneSettings(target=0.97, max_clarify=free.clarify.now * 0.95))
    assert none.conclusion == "insufficient"
    assert any("no raise within the cap on clarifications" in reason for reason in none.reasons)


def test_too_little_data_says_how_much_more() -> None:
    result = tune(live("seedlike", 300, 51), THRESHOLDS, TuneSettings(target=0.955, evidence="exact", min_graded=20))
    assert result.conclusion == "insufficient"
    assert not result.changed
    assert result.accuracy is not None
    if result.accuracy.now > 0.955:
        assert result.more_needed is not None
        assert result.more_needed > 0


def test_fifty_graded_can_never_certify_95_and_the_plan_says_it() -> None:
    result = tune(live("seedlike", 200, 61), THRESHOLDS, TuneSettings(min_graded=50))
    assert any("can never certify 95.0 %" in warning and "90.8 %" in warning for warning in result.warnings)
    assert stats.binom.cdf(0, 31, 0.05) > 0.05
    roomy = tune(live("seedlike", 200, 61), THRESHOLDS, TuneSettings(min_graded=100))
    assert not any("can never" in warning for warning in roomy.warnings)


def test_sample_sizes_match_the_exact_binomial() -> None:
    assert [zero_error_minimum(t) for t in (0.95, 0.97, 0.98, 0.99)] == [59, 99, 149, 299]
    assert best_certifiable(33) == pytest.approx(0.913, abs=5e-4)
    assert best_certifiable(0) is None
    for accuracy, expected in ((0.96, 2737), (0.97, 629), (0.98, 252), (0.99, 122)):
        size = certify_size(0.95, accuracy)
        assert size == pytest.approx(expected, rel=0.01)
        assert size is not None
        critical = max(c for c in range(size // 4) if stats.binom.cdf(c, size, 0.05) <= 0.05)
        assert stats.binom.cdf(critical, size, 1 - accuracy) > 0.6
    assert certify_size(0.95, 0.95) is None


def test_without_outcomes_only_agreement_is_guarded() -> None:
    log = live("seedlike", 20_000, 71, probe_rate=1.0, graded=0.0)
    result = tune(log, THRESHOLDS, TuneSettings(margin=0.01))
    assert result.guard == "no-worse"
    assert result.accuracy is None
    assert result.accuracy_lower is None
    assert result.conclusion in {"certified", "keep"}
    assert any("no outcomes" in warning for warning in result.warnings)
    full = truth("seedlike", 100_000, 99)
    worse = (replay(full, result.thresholds).correct < full.correct).mean()
    assert worse <= 0.01


def test_no_worse_guard_can_be_chosen_and_still_reports_accuracy() -> None:
    log = live("seedlike", 20_000, 71, graded=0.3)
    result = tune(log, THRESHOLDS, TuneSettings(rule="no-worse", margin=0.01))
    assert result.guard == "no-worse"
    assert result.accuracy is not None


def test_clarify_cap_single_layer_and_minimum() -> None:
    log = live("seedlike", 20_000, 81, probe_rate=1.0)
    capped = tune(log, THRESHOLDS, TuneSettings(target=0.94, max_clarify=0.05))
    assert capped.clarify.now > 0.06
    assert capped.clarify.new < 0.053
    impossible = tune(log, THRESHOLDS, TuneSettings(target=0.94, max_clarify=0.01))
    assert impossible.conclusion == "insufficient"
    assert "no setting within reach asks at most 1.0 % of the time" in impossible.reasons
    single = tune(log, THRESHOLDS, TuneSettings(target=0.94, layer="rag"))
    assert [layer.layer for layer in single.layers if layer.changed] == ["rag"]
    assert {layer.note for layer in single.layers if layer.layer != "rag"} == {"not asked for"}
    stuck = tune(log, THRESHOLDS, TuneSettings(target=0.94, min_graded=10**6))
    assert not stuck.changed
    assert all("fewer than 1,000,000" in layer.note for layer in stuck.layers)
    assert stuck.reasons[0].startswith("no layer can move: keyword: 20,000 graded attempts, fewer than 1,000,000; ")


def test_price_of_asking_moves_the_plan() -> None:
    log = live("seedlike", 20_000, 81, probe_rate=1.0)
    cheap = tune(log, THRESHOLDS, TuneSettings(target=0.957, clarify_cost_ms=0))
    dear = tune(log, THRESHOLDS, TuneSettings(target=0.957, clarify_cost_ms=20_000))
    assert cheap.latency_ms.new < dear.latency_ms.new
    assert dear.clarify.new < cheap.clarify.new


def test_flips_add_up_and_point_at_the_rows() -> None:
    log = live("seedlike", 5000, 91, probe_rate=1.0)
    result = tune(log, THRESHOLDS, TuneSettings(target=0.93))
    flips = result.flips
    parts = flips.same_agent + flips.now_right + flips.now_wrong + flips.same_verdict + flips.unknown
    assert flips.total == parts == len(flips.indices) > 0
    before, after = replay(log, THRESHOLDS), replay(log, result.thresholds)
    assert set(flips.indices) == set(np.flatnonzero(before.layer != after.layer).tolist())
    changed = int((after.correct.astype(int) - before.correct).sum())
    assert flips.now_right - flips.now_wrong == changed


def test_indices_skip_unusable_rows() -> None:
    log = live("seedlike", 3000, 92)
    confidence = log.confidence.copy()
    confidence[:500, 0] = 1.7
    result = tune(replace(log, confidence=confidence), THRESHOLDS, TuneSettings(target=0.9))
    assert result.events == 2500
    assert result.rejected == {"confidence missing or outside 0..1": 500}
    assert "500 more decisions are left out: confidence missing or outside 0..1" in result.warnings
    assert result.changed
    assert min(result.flips.indices) >= 500


def test_an_error_of_clarifications_is_counted_and_told() -> None:
    log = live("seedlike", 4000, 93)
    right, wrong = (tune(log, THRESHOLDS, TuneSettings(target=0.9, clarify_error=error)) for error in (0.0, 0.2))
    assert right.accuracy is not None
    assert wrong.accuracy is not None
    assert right.accuracy.now - wrong.accuracy.now == pytest.approx(0.2 * right.clarify.now, rel=0.02)
    assert right.warnings[-1] == "clarification is assumed right (error 0 %)"
    assert wrong.warnings[-1] == "20.0 % of clarifications are assumed to go wrong"


def test_plan_is_json_and_repeats_itself() -> None:
    log = live("seedlike", 4000, 93)
    first, second = (tune(log, THRESHOLDS, TuneSettings(target=0.94)) for _ in range(2))
    assert first == second
    text = json.dumps(first.to_dict())
    assert json.loads(text)["layers"][0]["layer"] == LAYERS[0]


def test_drift_and_delayed_outcomes() -> None:
    log = live("seedlike", 4000, 94)
    correct = log.correct.copy()
    correct[3000:] = np.where(np.arange(1000) % 4 == 0, 0, correct[3000:])
    drifting = replace(log, correct=correct, true_agent=np.full(len(log), -1, np.int32))
    result = tune(drifting, THRESHOLDS, TuneSettings(target=0.9))
    assert result.drift_p is not None
    assert result.drift_p < 0.01
    assert any("accuracy moved" in warning for warning in result.warnings)
    censored = tune(log, THRESHOLDS, TuneSettings(target=0.9, censor_hours=10))
    assert censored.rejected == {"too recent for their outcome": 600}
    assert censored.events == 3400
    assert "600 more decisions are left out: too recent for their outcome" in censored.warnings


def test_worst_agent_is_the_one_that_loses() -> None:
    log = live("seedlike", 20_000, 95)
    result = tune(log, THRESHOLDS, TuneSettings(target=0.93))
    assert result.worst_agent is not None
    assert result.worst_agent.change < 0
    agent = log.agents.index(result.worst_agent.agent)
    mine = (log.final == agent) & (log.correct >= 0)
    after = replay(log, result.thresholds)
    assert result.worst_agent.n == mine.sum()
    assert result.worst_agent.change == pytest.approx(
        (after.correct[mine].astype(int) - log.correct[mine]).mean(), abs=1e-12
    )


def test_progress_rises_and_cancelling_stops() -> None:
    log = live("seedlike", 1000, 96)
    seen: list[float] = []
    tune(log, THRESHOLDS, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[0] == 0.0
    assert seen[-1] == 1.0
    with pytest.raises(TuneCancelledError):
        tune(log, THRESHOLDS, cancelled=lambda: True)


def test_wrong_arguments_are_refused() -> None:
    log = live("seedlike", 100, 97)
    with pytest.raises(ValueError, match="3 thresholds for 4 layers"):
        tune(log, THRESHOLDS[:3])
    with pytest.raises(ValueError, match="no layer 'nope'"):
        tune(log, THRESHOLDS, TuneSettings(layer="nope"))
    with pytest.raises(ValueError, match="between 0 and 1"):
        tune(log, (0.5, 0.5, 0.5, 1.5))
    with pytest.raises(ValueError, match="target"):
        TuneSettings(target=95)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_tiny_logs_give_a_plan_that_changes_nothing(n: int) -> None:
    result = tune(random_log(np.random.default_rng(1), n), THRESHOLDS)
    assert result.conclusion == "insufficient"
    assert not result.changed


@pytest.mark.parametrize("rule", TUNE_RULES)
def test_random_logs_never_break_it(rule: str) -> None:
    results = [
        tune(
            random_log(np.random.default_rng(seed), 300),
            THRESHOLDS,
            TuneSettings(rule=rule, target=0.6, min_graded=10, aggressive=seed % 2 == 0),
        )
        for seed in range(25)
    ]
    assert len(results) == 25
    assert all(0.0 <= result.clarify.new <= 1.05 for result in results)
    assert all(len(result.thresholds) == len(THRESHOLDS) for result in results)
    assert all(0.0 < value <= 1.0 for result in results for value in result.thresholds)


@pytest.mark.parametrize("rule", ["seed-accuracy", "seed-count"])
def test_aggressive_doubles_the_steps_of_a_seed_rule(rule: TuneRule) -> None:
    log = truth("seedlike", 5000, 98)
    usual, large = (tune(log, THRESHOLDS, TuneSettings(rule=rule, aggressive=each)) for each in (False, True))
    moves = [
        [round(abs(new - old), 2) for new, old in zip(plan.thresholds, THRESHOLDS, strict=True)]
        for plan in (usual, large)
    ]
    assert max(moves[0]) == 0.05
    assert max(moves[1]) == 0.10
    assert all(more >= less for less, more in zip(*moves, strict=True))


def test_aggressive_reaches_what_an_ordinary_step_does_and_says_what_caps_it() -> None:
    """Without probes nothing is known of what lies more than 0.05 above a threshold."""
    log = live("seedlike", 3_000, 11)
    low = (0.70, 0.55, 0.70, 0.75)
    usual, large = (tune(log, low, TuneSettings(target=0.95, aggressive=each)) for each in (False, True))
    raised = [max(new - old for new, old in zip(plan.thresholds, low, strict=True)) for plan in (usual, large)]
    if large.conclusion in ("estimated", "recover"):
        assert raised[1] == pytest.approx(max(raised))
    if large.conclusion == "estimated":
        assert any("without probes no threshold is raised by more than 0.05" in reason for reason in large.reasons)


def test_seed_rules_are_what_they_say() -> None:
    log = truth("seedlike", 5000, 98)
    counted = seed_count(log, THRESHOLDS)
    assert [round(value, 2) for value, _ in counted] == [0.80, 0.65, 0.80, 0.85]
    for k, now in enumerate(THRESHOLDS):
        reached = log.accepted >= k
        right = log.proposal[:, k] == log.true_agent
        missed = int((reached & right & (log.confidence[:, k] < now)).sum())
        assert counted[k][1].startswith(f"{missed} missed")
        scores = {}
        for step in range(10):
            t = round(0.5 + 0.05 * step, 2)
            over = log.confidence[:, k] >= t
            scores[t] = ((over & right) | (~over & ~right))[reached].mean()
        best = max(scores, key=lambda t, scores=scores: scores[t])
        expected = min(now + 0.05, max(now - 0.05, best))
        assert seed_accuracy(log, THRESHOLDS)[k][0] == pytest.approx(expected)


def test_seed_rules_stay_within_what_a_threshold_can_be() -> None:
    log = truth("seedlike", 5000, 98)
    low, high = np.full(log.confidence.shape, 0.01), np.full(log.confidence.shape, 0.99)
    missed = replace(log, confidence=low, accepted=np.full(len(log), 4, np.int32))
    assert [value for value, _ in seed_count(missed, (0.02,) * 4)] == [0.0] * 4
    false = replace(log, confidence=high, proposal=np.full(log.proposal.shape, -1, np.int32))
    assert [value for value, _ in seed_count(false, (0.98,) * 4)] == [1.0] * 4


def test_partial_grades_are_told() -> None:
    part = tune(live("seedlike", 4000, 93, graded=0.25), THRESHOLDS, TuneSettings(target=0.94))
    assert any(warning.startswith("25 % of the decisions are graded: those that are not") for warning in part.warnings)
    whole = tune(live("seedlike", 4000, 93), THRESHOLDS, TuneSettings(target=0.94))
    assert not any("are graded" in warning for warning in whole.warnings)


def test_seed_policy_is_taken_as_it_is_but_warned_about() -> None:
    log = live("seedlike", 5000, 98)
    result = tune(log, THRESHOLDS, TuneSettings(rule="seed-count"))
    assert result.thresholds == pytest.approx((0.80, 0.65, 0.80, 0.85))
    assert result.conclusion == "estimated"
    assert any("rule by name" in warning for warning in result.warnings)
    assert result.accuracy is not None
    assert result.rules[1].accuracy == pytest.approx(result.accuracy.new)


def test_path_goes_from_safe_to_cheap_and_candidates_keep_the_present() -> None:
    log = live("seedlike", 5000, 99, probe_rate=1.0)
    grids = [candidates(t, 0.01, 0.05) for t in THRESHOLDS]
    evidence = prepare(log, certify=log.certify_mask(), highest=[g[-1] for g in grids], grade="probe")
    search = Search(evidence, grids, THRESHOLDS, allowed_risk=0.045, clarify_cost_ms=2000)
    path = search.path(None)
    cost = [float(search.cost(0)[policy]) for policy in path]
    risk = [search.risk(policy, 0) for policy in path]
    assert cost == sorted(cost, reverse=True)
    assert risk == sorted(risk)
    direct = outcome(evidence, search.thresholds(path[-1]))
    assert search.risk_overall(path[-1]) == pytest.approx(direct.risk.mean())
    assert candidates(0.98, 0.01, 0.05)[-1] == 0.99
    assert candidates(0.8512, 0.01, 0.05)[5] == 0.8512
    assert candidates(1.0, 0.01, 0.05)[-1] == 1.0
    coarse = replace(log, confidence=np.round(log.confidence * 20) / 20)
    assert len(collapse(coarse, 0, grids[0], 0.85)) == 3
    assert 0.85 in collapse(coarse, 0, grids[0], 0.85)


def test_p_value_of_a_weighted_policy_from_the_formula_alone() -> None:
    """Strata, probes and the gamma tail worked out anew from the log: nothing of the evidence is used."""
    log = live("seedlike", 6000, 17, probe_rate=0.4, graded=GRADED)
    raised = (0.87, 0.70, 0.85, 0.90)
    certify = log.certify_mask()
    grids = [candidates(t, 0.01, 0.05) for t in THRESHOLDS]
    evidence = prepare(log, certify=certify, highest=[t + 0.05 + 1e-9 for t in THRESHOLDS], grade="probe")
    search = Search(evidence, grids, THRESHOLDS, allowed_risk=0.043, clarify_cost_ms=2000)
    index = np.ravel_multi_index([g.index(t) for g, t in zip(grids, raised, strict=True)], search.shape)

    share = {}
    for a in range(5):
        members = certify & (log.accepted == a)
        share[a] = float(log.graded[members].mean())
    cells = {}
    for a in range(3):
        for near in (True, False):
            margin = log.confidence[:, a] - THRESHOLDS[a]
            cell = (log.accepted == a) & (margin < 0.05 + 1e-9) & ((margin < 0.05 - 1e-9) == near)
            cells[a, near] = float((~np.isnan(log.confidence[cell, a + 1])).mean()) if cell.any() else 0.0
    losses, largest = [], 0.0
    for i in np.flatnonzero(certify):
        a = int(log.accepted[i])
        if not log.graded[i]:
            continue
        weight, near_weight = 1.0 / share[a], 1.0
        if a < 3 and log.confidence[i, a] - THRESHOLDS[a] < 0.05 - 1e-9:
            seen = not np.isnan(log.confidence[i, a + 1])
            near_weight = 1.0 / cells[a, True] if seen else 0.0
        largest = max(largest, weight * max(1.0, near_weight))
        layer = next((k for k in range(4) if log.confidence[i, k] >= raised[k]), 4)
        wrong = layer < 4 and log.proposal[i, layer] != log.true_agent[i]
        if wrong:
            losses.append(weight * (near_weight if layer > a else 1.0))
    n = int(certify.sum())
    y, v, w = sum(losses) / n, sum(x * x for x in losses) / n**2, largest / n
    k, scale = (y + w) ** 2 / (v + w * w), (v + w * w) / (y + w)
    expected = float(special.gammaincc(k, 0.043 / scale))
    assert 1e-6 < expected < 1 - 1e-6
    assert search.p_value(int(index)) == pytest.approx(expected, rel=1e-9)


def test_real_cascade_certified_plan_beats_the_seed_rule() -> None:
    log = load_cascade("clinc150-shadow.jsonl")
    settings = TuneSettings(target=0.90, clarify_cost_ms=200.0, aggressive=True)
    plan = tune(log, THRESHOLDS, settings)
    rule = replay(log, plan.rules[0].thresholds)
    ours = replay(log, plan.thresholds)
    assert plan.conclusion == "certified"
    assert ours.correct.mean() >= rule.correct.mean()
    assert ours.latency_ms.mean() < 0.9 * rule.latency_ms.mean()
    assert (ours.layer == 4).mean() <= (rule.layer == 4).mean()


def test_real_cascade_below_target_recovers_upwards() -> None:
    log = load_cascade("clinc150-shadow.jsonl")
    plan = tune(log, THRESHOLDS, TuneSettings(target=0.95))
    assert plan.conclusion == "recover"
    assert replay(log, plan.thresholds).correct.mean() > 0.95


UNLIKE = {
    "aggressive": True, "clarify_cost_ms": 50.0, "confidence": 0.6, "margin": 0.2, "max_clarify": 0.005,
    "min_graded": 20_000,
}  # fmt: skip


@pytest.mark.parametrize("rule", TUNE_RULES)
@pytest.mark.parametrize("name", sorted(UNLIKE))
def test_what_is_said_to_do_nothing_does_nothing_and_the_rest_something(rule: TuneRule, name: str) -> None:
    log = live("seedlike", 20_000, 11, probe_rate=0.3)
    settings = TuneSettings(rule=rule, target=0.955)
    usual, other = (tune(log, THRESHOLDS, each) for each in (settings, replace(settings, **{name: UNLIKE[name]})))
    differs = (usual.thresholds, usual.conclusion, usual.reasons) != (other.thresholds, other.conclusion, other.reasons)
    assert differs == (name not in settings.idle)
