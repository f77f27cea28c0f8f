"""The scalar probability functions, cross-checked against scipy on random cases."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import special, stats

from fedstore.learning import intervals as iv
from fedstore.learning.special import safety_score, uniform_from_hash

RNG = np.random.default_rng(7)


def test_normal_quantile_and_tail_match_scipy() -> None:
    p = np.concatenate([RNG.uniform(0, 1, 2000), 10.0 ** -RNG.uniform(1, 15, 500)])
    assert [iv.normal_quantile(float(x)) for x in p] == pytest.approx(stats.norm.ppf(p), rel=1e-11, abs=1e-12)
    z = RNG.normal(0, 3, 500)
    assert [iv.normal_sf(float(x)) for x in z] == pytest.approx(stats.norm.sf(z), rel=1e-12)


def test_incomplete_beta_matches_scipy() -> None:
    for _ in range(3000):
        a, b = (float(10 ** RNG.uniform(-1, 4)) for _ in range(2))
        x = float(RNG.beta(a, b))
        assert iv.betainc(a, b, x) == pytest.approx(float(special.betainc(a, b, x)), rel=1e-8, abs=1e-12)


def test_incomplete_gamma_matches_scipy() -> None:
    for _ in range(3000):
        a = float(10 ** RNG.uniform(-1, 4.7))
        x = float(RNG.gamma(a)) * float(RNG.choice([1.0, 0.9, 1.1]))
        assert iv.gammaincc(a, x) == pytest.approx(float(special.gammaincc(a, x)), rel=1e-8, abs=1e-11)
    assert iv.gammaincc(2.0, math.inf) == 0.0
    assert iv.chi2_sf(7.3, 3) == pytest.approx(stats.chi2.sf(7.3, 3))


def test_binomial_tails_match_scipy() -> None:
    for _ in range(3000):
        n = int(10 ** RNG.uniform(0, 4))
        p = float(RNG.uniform(0, 1))
        k = int(RNG.binomial(n, p))
        assert iv.binomial_cdf(k, n, p) == pytest.approx(float(stats.binom.cdf(k, n, p)), abs=1e-9)
        assert iv.binomial_sf(k, n, p) == pytest.approx(float(stats.binom.sf(k, n, p)), abs=1e-9)


def test_clopper_pearson_matches_scipy() -> None:
    for _ in range(150):
        n = int(RNG.integers(1, 3000))
        s = int(RNG.integers(0, n + 1))
        want = stats.binomtest(s, n).proportion_ci(0.9, "exact")
        got = iv.clopper_pearson(s, n, 0.9)
        assert got is not None
        assert got == pytest.approx((want.low, want.high), abs=1e-10)


def test_wilson_matches_scipy_and_is_none_without_data() -> None:
    for _ in range(500):
        n = int(RNG.integers(1, 500))
        s = int(RNG.integers(0, n + 1))
        want = stats.binomtest(s, n).proportion_ci(0.95, "wilson")
        assert iv.wilson(s, n) == pytest.approx((want.low, want.high), abs=1e-12)
        two_sided = iv.wilson(s, n, 0.8)
        assert two_sided is not None
        assert iv.wilson_lower(s, n, 0.9) == pytest.approx(two_sided.low)
        assert iv.wilson_upper(s, n, 0.9) == pytest.approx(two_sided.high)
    assert iv.wilson(0, 0) is None
    assert iv.wilson_lower(0, 0) is None
    assert iv.clopper_pearson(0, 0) is None


def test_gamma_bound_inverts_its_p_value_and_equals_exact_poisson() -> None:
    for _ in range(300):
        n = int(RNG.integers(50, 20_000))
        weights = RNG.choice([1.0, 1.3, 3.0], n) / n
        wrong = RNG.uniform(size=n) < 0.05
        y, v, w = float(weights[wrong].sum()), float((weights[wrong] ** 2).sum()), 3.0 / n
        upper = iv.fay_feuer_upper(y, v, w, 0.05)
        assert iv.fay_feuer_p(y, v, w, upper) == pytest.approx(0.05, rel=1e-8)
    n, errors = 629, 19
    poisson = float(stats.poisson.cdf(errors, n * 0.05))
    assert iv.fay_feuer_p(errors / n, errors / n**2, 1 / n, 0.05) == pytest.approx(poisson, rel=1e-10)
    assert iv.fay_feuer_p(0.0, 0.0, 0.0, 0.05) == 1.0
    assert iv.fay_feuer_upper(0.0, 0.0, 0.0, 0.05) == 1.0


def test_safety_score_orders_as_the_exact_tail_does() -> None:
    y = RNG.uniform(0, 0.1, 300)
    v = y * RNG.uniform(1, 3, 300) / 1000
    score = safety_score(y, v, 3 / 1000, 0.05)
    for i in range(300):
        exact = iv.fay_feuer_p(float(y[i]), float(v[i]), 3 / 1000, 0.05)
        assert iv.normal_sf(float(score[i])) == pytest.approx(exact, abs=0.01)


def test_hash_uniform_is_uniform_and_stable() -> None:
    u = uniform_from_hash(np.arange(100_000, dtype=np.uint64))
    assert stats.kstest(u, "uniform").pvalue > 0.001
    x = 42 ^ (42 >> 33)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        x = x * factor % 2**64
        x ^= x >> 33
    assert float(uniform_from_hash(np.array([42], np.uint64))[0]) == pytest.approx(x / 2**64, abs=1e-15)


@pytest.mark.parametrize(("s", "n"), [(2, 1), (-1, 5), (0, -1)])
def test_impossible_counts_are_refused(s: int, n: int) -> None:
    with pytest.raises(ValueError, match="not a proportion"):
        iv.wilson(s, n)


def test_two_proportions_match_chi_square() -> None:
    want = stats.chi2_contingency([[80, 20], [150, 50]], correction=False).pvalue
    assert iv.two_proportion_p(80, 100, 150, 200) == pytest.approx(want)
    assert iv.two_proportion_p(5, 5, 9, 9) == 1.0
    assert iv.two_proportion_p(0, 0, 1, 2) is None


def test_the_light_modules_do_not_load_numpy() -> None:
    modules = "intervals boosts confidence targets verify"
    code = (
        "import sys, importlib\n"
        f"for m in '{modules}'.split(): importlib.import_module('fedstore.learning.' + m)\n"
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
