"""Rates over strata that are graded unevenly, derived another way: decision by decision, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedstore.learning.intervals import wilson
from fedstore.learning.stratified import Stratum, difference_p, over_both, weighted_rate


@st.composite
def strata(draw: st.DrawFn) -> Stratum:
    decisions = draw(st.integers(0, 60))
    graded = draw(st.integers(0, decisions))
    return Stratum(decisions, graded, draw(st.integers(0, graded)))


@given(st.lists(strata(), max_size=5))
def test_as_if_each_graded_decision_spoke_for_its_like(given_strata: list[Stratum]) -> None:
    weight, right = [], []
    for s in given_strata:
        weight += [s.decisions / s.graded] * s.graded if s.graded else []
        right += [1.0] * s.right + [0.0] * (s.graded - s.right)
    found = weighted_rate(given_strata)
    total = sum(s.decisions for s in given_strata)
    assert found.n == len(weight)
    if not weight:
        assert found.value is None
        assert found.interval is None
        assert found.silent == (1.0 if total else 0.0)
        return
    w = np.array(weight)
    assert found.value == pytest.approx(np.average(right, weights=w))
    assert 0.0 < found.effective <= found.n
    assert found.silent == pytest.approx(1.0 - w.sum() / total, abs=1e-12)
    low, high = found.interval or (None, None)
    assert low is not None
    assert high is not None
    assert 0.0 <= low <= found.value <= high <= 1.0


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 9))
def test_one_stratum_is_plain_counting(right: int, wrong: int, each: int) -> None:
    n = right + wrong
    found = weighted_rate([Stratum(n * each, n, right)])
    if n:
        assert found.value == pytest.approx(right / n)
        assert found.effective == pytest.approx(n)
        assert found.interval == pytest.approx(wilson(right, n))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=4), st.integers(1, 9))
def test_even_grading_gives_the_plain_rate(counts: list[tuple[int, int]], each: int) -> None:
    even = [Stratum((right + wrong) * each, right + wrong, right) for right, wrong in counts]
    n, hits = sum(s.graded for s in even), sum(s.right for s in even)
    found = weighted_rate(even)
    if n:
        assert found.value == pytest.approx(hits / n)


CASES = {
    "as a busy cascade is graded": ([500, 300, 150, 50], [400, 150, 45, 15], [0.97, 0.92, 0.85, 0.75]),
    "the weak layer is hardly graded": ([500, 500], [1_000, 20], [0.99, 0.70]),
    "every layer as often": ([500, 300, 150, 50], [50, 50, 50, 50], [0.97, 0.96, 0.95, 0.75]),
}


@pytest.mark.parametrize("case", CASES)
def test_the_interval_covers_the_truth_where_plain_counting_does_not(case: str) -> None:
    rng = np.random.default_rng(11)
    decisions, graded, accuracy = CASES[case]
    truth = float(np.average(accuracy, weights=decisions))
    weighted_hits = plain_hits = 0
    for _ in range(1_000):
        right = rng.binomial(graded, accuracy)
        found = weighted_rate(Stratum(*map(int, row)) for row in zip(decisions, graded, right, strict=True))
        plain = wilson(int(right.sum()), sum(graded))
        assert found.interval is not None
        assert plain is not None
        weighted_hits += found.interval.low <= truth <= found.interval.high
        plain_hits += plain.low <= truth <= plain.high
    assert weighted_hits >= 930
    assert plain_hits < 800


def test_another_mix_of_grades_is_no_change() -> None:
    older = {"fast": Stratum(1_000, 900, 882), "slow": Stratum(1_000, 100, 80)}
    newer = {"fast": Stratum(1_000, 100, 98), "slow": Stratum(1_000, 900, 720)}
    p = difference_p(*over_both(older, newer))
    assert p == pytest.approx(1.0)
    fallen = {"fast": Stratum(1_000, 900, 700), "slow": Stratum(1_000, 900, 720)}
    p = difference_p(*over_both(older, fallen))
    assert p is not None
    assert p < 0.01


def test_only_what_is_graded_in_both_is_compared() -> None:
    older = {"fast": Stratum(100, 100, 98)}
    newer = {"fast": Stratum(100, 100, 98), "slow": Stratum(100, 100, 10)}
    assert over_both(older, newer) == over_both(newer, older)[::-1]
    assert over_both(older, newer)[1] == weighted_rate([newer["fast"]])
    assert difference_p(*over_both(older, {"slow": Stratum(1, 1, 1)})) is None
