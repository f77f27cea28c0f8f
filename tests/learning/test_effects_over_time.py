"""After-apply verification, tool confidence and targets."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fedstore.learning.confidence import tool_confidence, trend_of
from fedstore.learning.intervals import Interval
from fedstore.learning.stratified import Stratum, weighted_rate
from fedstore.learning.targets import TARGETS, check_targets, drift_alert
from fedstore.learning.verify import EProcess, check_assumptions, rate_since
from tests.learning.synthetic import data_file


def first_alarm(rate: float, n: int, seed: int) -> tuple[str, int]:
    process = EProcess(0.95)
    wrong = np.random.default_rng([4, seed]).random(n) < rate
    for i, error in enumerate(wrong):
        if process.observe(not error) != "watching":
            return process.state, i + 1
    return "watching", n


def test_e_value_is_the_mean_of_likelihood_ratios() -> None:
    process = EProcess(0.95)
    process.look((7,), 60)
    bets = [0.05 * f for f in (1.05, 1.15, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0)]
    ratios = [stats.binom.pmf(7, 60, q) / stats.binom.pmf(7, 60, 0.05) for q in bets]
    assert process.harm == pytest.approx(np.mean(ratios))


def test_e_value_is_fair_at_the_target() -> None:
    """The expected e-value at the allowed error rate is 1, whatever n (exact sum over outcomes)."""
    for n in (1, 10, 80):
        total_harm = total_verified = 0.0
        for errors in range(n + 1):
            process = EProcess(0.95)
            process.look((errors,), n)
            weight = float(stats.binom.pmf(errors, n, 0.05))
            total_harm += weight * process.harm
            total_verified += weight * process.verified
        assert total_harm == pytest.approx(1.0)
        assert total_verified == pytest.approx(1.0)


def test_false_alarms_are_rare_and_real_harm_is_found() -> None:
    false = sum(first_alarm(0.05, 1000, seed)[0] == "harmful" for seed in range(60))
    assert false <= int(stats.binom.ppf(0.999, 60, 0.05))
    harmful = [first_alarm(0.10, 2000, seed) for seed in range(40)]
    assert sum(state == "harmful" for state, _ in harmful) >= 38
    assert 80 < np.median([when for _, when in harmful]) < 300
    good = [first_alarm(0.01, 2000, seed) for seed in range(40)]
    assert sum(state == "confirmed" for state, _ in good) >= 38
    assert 70 < np.median([when for _, when in good]) < 260


def test_harm_wins_over_an_earlier_confirmation_and_totals_only_grow() -> None:
    process = EProcess(0.95)
    assert process.look((0,), 300) == "confirmed"
    assert process.look((120,), 600) == "harmful"
    with pytest.raises(ValueError, match="cannot follow"):
        process.look((1,), 600)
    with pytest.raises(ValueError, match="target"):
        EProcess(1.0)


def test_weighted_e_values_are_fair_at_the_target() -> None:
    """Two groups graded unlike they occur, at the allowed rate together: the expected e-value is 1 (exact sum)."""
    share, graded, rates = (0.6, 0.4), (0.25, 0.75), (0.02, 0.095)
    assert sum(s * r for s, r in zip(share, rates, strict=True)) == pytest.approx(0.05)
    weights = [s / g for s, g in zip(share, graded, strict=True)]
    n = 12
    p_each = [g * r for g, r in zip(graded, rates, strict=True)]
    total_harm = total_verified = 0.0
    for first in range(n + 1):
        for second in range(n + 1 - first):
            process = EProcess(0.95, weights=weights)
            process.look((first, second), n)
            p = float(stats.multinomial.pmf([first, second, n - first - second], n, [*p_each, 1 - sum(p_each)]))
            total_harm += p * process.harm
            total_verified += p * process.verified
    assert total_harm == pytest.approx(1.0)
    assert total_verified == pytest.approx(1.0)


def test_an_error_of_a_group_that_is_hardly_graded_is_no_alarm() -> None:
    process = EProcess(0.95, weights=(0.9, 40.0))
    assert process.look((0, 1), 10) == "watching"
    with pytest.raises(ValueError, match="cannot follow"):
        process.look((1, 0), 11)


def test_rate_since_for_a_boost() -> None:
    good = rate_since([True] * 120, before=0.8, predicted=0.97)
    assert (good.state, good.rate, good.as_predicted) == ("confirmed", 1.0, True)
    bad = rate_since([False, True] * 60, before=0.8, predicted=0.85)
    assert (bad.state, bad.as_predicted) == ("harmful", False)
    none = rate_since([], before=0.8, predicted=0.85)
    assert (none.state, none.rate, none.interval, none.as_predicted) == ("watching", None, None, None)


def test_assumptions_hold_and_break() -> None:
    shares = (0.4, 0.3, 0.2, 0.08, 0.02)
    rng = np.random.default_rng(1)
    latency = Interval(90.0, 100.0)
    broken = 0
    for _ in range(200):
        predicted = rng.multinomial(5000, shares) / 5000
        counts = rng.multinomial(800, shares).tolist()
        check = check_assumptions(
            predicted.tolist(), counts, predicted_from=5000,
            predicted_latency=latency, latency_mean=95 + rng.normal(0, 2), latency_sd=60.0,
        )  # fmt: skip
        broken += bool(check.broken)
    assert broken <= 2
    moved = check_assumptions(shares, [240, 300, 160, 70, 30], predicted_from=5000)
    assert moved.broken
    assert moved.p_shares is not None
    assert moved.p_shares < 1e-3
    assert "replay assumptions broken" in moved.reasons[0]
    slow = check_assumptions(
        shares, [320, 240, 160, 64, 16], predicted_from=5000,
        predicted_latency=latency, latency_mean=130.0, latency_sd=60.0,
    )  # fmt: skip
    assert slow.broken
    assert slow.latency_off
    assert check_assumptions(shares, [4, 3, 2, 1, 0], predicted_from=5000).broken is None


def test_chi_square_of_shares_against_scipy() -> None:
    shares, counts = (0.5, 0.3, 0.2), [520, 280, 200]
    check = check_assumptions(shares, counts, predicted_from=10**12)
    want = stats.chisquare(counts, [500, 300, 200]).pvalue
    assert check.p_shares == pytest.approx(want, rel=1e-6)


@pytest.mark.parametrize(("successes", "n", "bound", "seed"), [
    (0, 0, "MEDIUM", "MEDIUM"), (1, 1, "MEDIUM", "HIGH"), (10, 10, "HIGH", "HIGH"), (19, 20, "MEDIUM", "HIGH"),
    (20, 20, "HIGH", "HIGH"), (2, 5, "LOW", "LOW"), (3, 5, "MEDIUM", "LOW"), (15, 20, "LOW", "LOW"),
    (17, 20, "MEDIUM", "MEDIUM"), (95, 100, "HIGH", "HIGH"), (79, 100, "LOW", "LOW"), (80, 100, "MEDIUM", "MEDIUM"),
])  # fmt: skip
def test_tool_levels(successes: int, n: int, bound: str, seed: str) -> None:
    assert tool_confidence(successes, n).level == bound
    assert tool_confidence(successes, n, "seed").level == seed


def test_tool_levels_mislead_as_seldom_as_designed() -> None:
    def chance(p: float, n: int, level: str, rule: str) -> float:
        return sum(float(stats.binom.pmf(k, n, p)) for k in range(n + 1) if tool_confidence(k, n, rule).level == level)

    assert chance(0.80, 20, "HIGH", "bound") == pytest.approx(0.01, abs=0.005)
    assert chance(0.80, 20, "HIGH", "seed") == pytest.approx(0.07, abs=0.005)
    assert chance(0.80, 1, "HIGH", "seed") == pytest.approx(0.80)
    assert chance(0.90, 5, "LOW", "bound") == pytest.approx(0.01, abs=0.005)
    assert chance(0.90, 5, "LOW", "seed") == pytest.approx(0.08, abs=0.005)


def test_unknown_rate_is_none_and_the_bound_is_given() -> None:
    new = tool_confidence(0, 0)
    assert (new.rate, new.lower, new.upper, new.interval) == (None, None, None, None)
    known = tool_confidence(10, 10)
    assert known.lower is not None
    assert known.lower >= 0.85
    assert f"{known.lower * 100:.0f} %" in known.reason


def test_trend_is_tested() -> None:
    assert trend_of([True] * 19) == (None, None)
    assert trend_of([False] * 20 + [True] * 20)[0] == "improving"
    assert trend_of([True] * 20 + [False] * 20)[0] == "declining"
    assert trend_of([True, False] * 20)[0] == "stable"
    assert tool_confidence(20, 40, outcomes=[True] * 20 + [False] * 20).trend == "declining"


def test_real_tool_outcomes_get_a_level_each() -> None:
    path = data_file("clinc150.jsonl").parents[1] / "tool-outcomes" / "airline_gpt4o_tools.jsonl"
    right: dict[str, int] = {}
    runs: dict[str, int] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        for tool, count in row["tool_ok"].items():
            right[tool] = right.get(tool, 0) + count
            runs[tool] = runs.get(tool, 0) + count
        for tool, count in row["tool_error"].items():
            runs[tool] = runs.get(tool, 0) + count
    levels = {tool: tool_confidence(right.get(tool, 0), n).level for tool, n in runs.items()}
    assert len(levels) > 5
    assert "HIGH" in levels.values()
    for tool, level in levels.items():
        if level == "HIGH":
            assert right[tool] / runs[tool] >= 0.95


def test_targets_have_the_published_limits() -> None:
    assert [(t.label, t.target_text, t.alert_text) for t in TARGETS] == [
        ("Overall Accuracy", ">95%", "<90%"),
        ("Layer 1 Capture", ">30%", "<20%"),
        ("Layer 2 Capture", ">40%", "<30%"),
        ("Avg Latency", "<100ms", ">200ms"),
        ("Clarification Rate", "<5%", ">10%"),
    ]


def test_target_status_at_its_edges() -> None:
    def status(**measures: float) -> list[str]:
        return [found.status for found in check_targets(measures)]

    assert status() == ["unknown"] * 5
    assert status(accuracy=0.951, layer_1_capture=0.3, layer_2_capture=0.29, latency_ms=200.0) == [
        "ok", "warn", "alert", "warn", "unknown",
    ]  # fmt: skip
    assert status(accuracy=0.90, clarification_rate=0.1001, latency_ms=99.9) == [
        "warn", "unknown", "unknown", "ok", "alert",
    ]  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.data())
def test_drift_alert_agrees_with_chi_square(n1: int, n2: int, data: st.DataObject) -> None:
    s1, s2 = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n2))
    found = drift_alert(weighted_rate([Stratum(n1, n1, s1)]), weighted_rate([Stratum(2 * n2, n2, s2)]))
    if 0 < s1 + s2 < n1 + n2:
        table = [[s1, n1 - s1], [s2, n2 - s2]]
        assert (found is not None) == (stats.chi2_contingency(table, correction=False).pvalue < 0.01)
    else:
        assert found is None
    if found:
        assert found.worse == (s2 / n2 < s1 / n1)
