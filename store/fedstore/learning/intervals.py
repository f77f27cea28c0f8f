"""Scalar probability functions and the intervals every rate carries.

Standard library only and cheap to import: screens and the command line use it on cold start. Proportions are
in [0, 1]; counts may be fractional where weights are (effective numbers). Functions raise `ValueError` for
arguments outside their domain and return `None` where nothing was seen.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

__all__ = [
    "Interval",
    "betainc",
    "binomial_cdf",
    "binomial_sf",
    "chi2_sf",
    "clopper_pearson",
    "fay_feuer_p",
    "fay_feuer_upper",
    "gammaincc",
    "normal_quantile",
    "normal_sf",
    "two_proportion_p",
    "wilson",
    "wilson_lower",
    "wilson_upper",
]

_EPS = 1e-15
_TINY = 1e-300
_MAX_TERMS = 200_000


class Interval(NamedTuple):
    """A closed interval; the unit is that of the estimate it belongs to."""

    low: float
    high: float


def normal_sf(z: float) -> float:
    """P(Z > z) of the standard normal."""
    return 0.5 * math.erfc(z / math.sqrt(2.0))


# Acklam's rational approximation (relative error 1e-9), made exact by one Halley step
_A = (
    -39.69683028665376,
    220.9460984245205,
    -275.9285104469687,
    138.357751867269,
    -30.66479806614716,
    2.506628277459239,
)
_B = (-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1.0)
_C = (
    -0.007784894002430293,
    -0.3223964580411365,
    -2.400758277161838,
    -2.549732539343734,
    4.374664141464968,
    2.938163982698783,
)
_D = (0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1.0)


def _horner(coefficients: tuple[float, ...], x: float) -> float:
    total = 0.0
    for coefficient in coefficients:
        total = total * x + coefficient
    return total


@lru_cache(maxsize=64)
def normal_quantile(p: float) -> float:
    """z with P(Z <= z) = p, for 0 < p < 1."""
    if not 0.0 < p < 1.0:
        raise ValueError(f"a quantile needs 0 < p < 1, not {p}")
    if p > 0.5:
        return -normal_quantile(1.0 - p)
    if p < 0.02425:
        q = math.sqrt(-2.0 * math.log(p))
        z = _horner(_C, q) / _horner(_D, q)
    else:
        q = p - 0.5
        z = q * _horner(_A, q * q) / _horner(_B, q * q)
    error = 0.5 * math.erfc(-z / math.sqrt(2.0)) - p
    step = error * math.sqrt(2.0 * math.pi) * math.exp(z * z / 2.0)
    return z - step / (1.0 + z * step / 2.0)


def _check_counts(successes: float, n: float, confidence: float) -> None:
    if n < 0 or successes < 0 or successes > n + 1e-9:
        raise ValueError(f"{successes} successes of {n} is not a proportion")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")


def _wilson_at(successes: float, n: float, z: float) -> Interval:
    p = min(1.0, successes / n)
    z2 = z * z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low = 0.0 if p == 0.0 else max(0.0, centre - half)
    high = 1.0 if p == 1.0 else min(1.0, centre + half)
    return Interval(low, high)


def wilson(successes: float, n: float, confidence: float = 0.95) -> Interval | None:
    """Two-sided Wilson score interval (Wilson 1927); `None` when n is 0."""
    _check_counts(successes, n, confidence)
    return _wilson_at(successes, n, normal_quantile(0.5 + confidence / 2)) if n > 0 else None


def wilson_lower(successes: float, n: float, confidence: float = 0.90) -> float | None:
    """One-sided lower Wilson bound; `None` when n is 0."""
    _check_counts(successes, n, confidence)
    return _wilson_at(successes, n, normal_quantile(confidence)).low if n > 0 else None


def wilson_upper(successes: float, n: float, confidence: float = 0.90) -> float | None:
    """One-sided upper Wilson bound; `None` when n is 0."""
    _check_counts(successes, n, confidence)
    return _wilson_at(successes, n, normal_quantile(confidence)).high if n > 0 else None


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method (DLMF 8.17.22)."""
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    value = d
    for m in range(1, _MAX_TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 + term * d
            c = 1.0 + term / c
            d = 1.0 / (d if abs(d) > _TINY else _TINY)
            c = c if abs(c) > _TINY else _TINY
            value *= d * c
        if abs(d * c - 1.0) < _EPS:
            break
    return value


def betainc(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta function I_x(a, b), a, b > 0."""
    if a <= 0 or b <= 0:
        raise ValueError("betainc needs a > 0 and b > 0")
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1.0) / (a + b + 2.0):
        return min(1.0, math.exp(front) * _beta_fraction(a, b, x) / a)
    return max(0.0, 1.0 - math.exp(front) * _beta_fraction(b, a, 1.0 - x) / b)


def _gamma_series(a: float, x: float) -> float:
    """Sum of the power series of the lower incomplete gamma function (DLMF 8.11.4)."""
    term = total = 1.0 / a
    for i in range(1, _MAX_TERMS):
        term *= x / (a + i)
        total += term
        if term < total * _EPS:
            break
    return total


def _gamma_fraction(a: float, x: float) -> float:
    """The continued fraction of the upper incomplete gamma function, by Lentz's method (DLMF 8.9.2)."""
    b = x + 1.0 - a
    c, d = 1.0 / _TINY, 1.0 / (b if abs(b) > _TINY else _TINY)
    value = d
    for i in range(1, _MAX_TERMS):
        step = -i * (i - a)
        b += 2.0
        d = step * d + b
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = b + step / c
        c = c if abs(c) > _TINY else _TINY
        value *= d * c
        if abs(d * c - 1.0) < _EPS:
            break
    return value


def gammaincc(a: float, x: float) -> float:
    """Regularised upper incomplete gamma function Q(a, x), a > 0."""
    if a <= 0:
        raise ValueError("gammaincc needs a > 0")
    if x <= 0.0:
        return 1.0
    if math.isinf(x):
        return 0.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1.0:
        return max(0.0, 1.0 - front * _gamma_series(a, x))
    return min(1.0, front * _gamma_fraction(a, x))


def chi2_sf(statistic: float, degrees: int) -> float:
    """P(X > statistic) for a chi-square variable with `degrees` degrees of freedom."""
    return gammaincc(degrees / 2.0, statistic / 2.0)


def binomial_cdf(k: int, n: int, p: float) -> float:
    """P(X <= k), X ~ Binomial(n, p)."""
    if k < 0:
        return 0.0
    return 1.0 if k >= n else betainc(n - k, k + 1, 1.0 - p)


def binomial_sf(k: int, n: int, p: float) -> float:
    """P(X > k), X ~ Binomial(n, p), without the cancellation of `1 - cdf`."""
    if k < 0:
        return 1.0
    return 0.0 if k >= n else betainc(k + 1, n - k, p)


def _beta_quantile(a: float, b: float, p: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if betainc(a, b, middle) < p:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> Interval | None:
    """Exact two-sided binomial interval (Clopper & Pearson 1934); `None` when n is 0."""
    _check_counts(successes, n, confidence)
    if n == 0:
        return None
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if successes == 0 else _beta_quantile(successes, n - successes + 1, tail)
    high = 1.0 if successes == n else _beta_quantile(successes + 1, n - successes, 1.0 - tail)
    return Interval(low, high)


def _fay_feuer_shape(y: float, v: float, w_max: float) -> tuple[float, float]:
    spread = v + w_max * w_max
    return (y + w_max) ** 2 / spread, spread / (y + w_max)


def fay_feuer_p(y: float, v: float, w_max: float, r0: float) -> float:
    """P-value of H0 "risk >= r0" for a weighted sum of events (gamma method, Fay & Feuer 1997).

    `y` is the weighted sum (the estimated risk), `v` the sum of squared weights and `w_max` the largest
    weight an event can have, all with the 1/n already in them. 1.0 when nothing has a weight.
    """
    if w_max <= 0.0:
        return 1.0
    shape, scale = _fay_feuer_shape(y, v, w_max)
    return gammaincc(shape, r0 / scale)


def fay_feuer_upper(y: float, v: float, w_max: float, delta: float) -> float:
    """Upper bound of the risk at level `delta`: U with `fay_feuer_p(y, v, w_max, U) == delta`."""
    if w_max <= 0.0:
        return 1.0
    shape, scale = _fay_feuer_shape(y, v, w_max)
    return scale * _gamma_upper_quantile(shape, delta)


def _gamma_upper_quantile(shape: float, delta: float) -> float:
    """x with Q(shape, x) = delta: Newton steps kept inside a bracket, from the Wilson-Hilferty guess."""
    z = normal_quantile(1.0 - delta)
    x = shape * max(0.01, 1.0 - 1.0 / (9 * shape) + z / (3 * math.sqrt(shape))) ** 3
    low, high = 0.0, math.inf
    for _ in range(100):
        excess = gammaincc(shape, x) - delta
        low, high = (x, high) if excess > 0 else (low, x)
        density = math.exp((shape - 1) * math.log(x) - x - math.lgamma(shape))
        after = x + excess / density if density > _TINY else -1.0
        if not low < after < high:
            after = 2 * x if math.isinf(high) else 0.5 * (low + high)
        if abs(after - x) <= 1e-13 * x:
            return after
        x = after
    return x


def two_proportion_p(s1: float, n1: float, s2: float, n2: float) -> float | None:
    """Two-sided p-value of "both proportions are equal" (pooled z); `None` when either group is empty."""
    if n1 <= 0 or n2 <= 0:
        return None
    pooled = (s1 + s2) / (n1 + n2)
    variance = pooled * (1 - pooled) * (1 / n1 + 1 / n2)
    if variance <= 0.0:
        return 1.0
    return min(1.0, 2 * normal_sf(abs(s1 / n1 - s2 / n2) / math.sqrt(variance)))
