"""How far a tool can be trusted: HIGH, MEDIUM or LOW, the bound it rests on, and where it is heading.

The default rule asks for a bound, because a rate alone makes one lucky run HIGH; the plain rate rule is kept
by name ("seed"). Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from fedstore.learning.intervals import Interval, two_proportion_p, wilson, wilson_lower, wilson_upper
from fedstore.learning.percent import counted, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "HIGH_RUNS", "LEVELS", "USE_CASES", "ConfidenceRule", "Level", "ToolConfidence", "Trend",
    "tool_confidence", "trend_of",
]  # fmt: skip

Level = Literal["HIGH", "MEDIUM", "LOW"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
"""The most trusted first."""
Trend = Literal["improving", "stable", "declining"]
ConfidenceRule = Literal["bound", "seed"]

USE_CASES: dict[Level, str] = {
    "HIGH": "Trusted for critical paths",
    "MEDIUM": "Safe for general tasks",
    "LOW": "Requires fallback strategy",
}

HIGH_RATE, LOW_RATE, HIGH_BOUND = 0.95, 0.80, 0.85
HIGH_RUNS, LOW_RUNS, LOW_RATE_RUNS = 10, 5, 20
TREND_P = 0.05
_TREND_RUNS = 10


@dataclass(frozen=True, slots=True)
class ToolConfidence:
    """A level and what it rests on; rates and bounds are ``None`` without executions."""

    level: Level
    rule: ConfidenceRule
    successes: int
    n: int
    rate: float | None
    lower: float | None
    """One-sided 90 % lower Wilson bound of the success rate."""
    upper: float | None
    """One-sided 90 % upper Wilson bound."""
    interval: Interval | None
    """Two-sided 95 %."""
    reason: str
    trend: Trend | None = None
    trend_p: float | None = None


def tool_confidence(
    successes: int, n: int, rule: ConfidenceRule = "bound", outcomes: Sequence[bool] | None = None
) -> ToolConfidence:
    """Confidence in a tool with ``successes`` of ``n`` executions (a rolling window).

    ``outcomes``, oldest first, add the trend.
    """
    lower, upper = wilson_lower(successes, n), wilson_upper(successes, n)
    level, reason = _bound_rule(successes, n, lower, upper) if rule == "bound" else _seed_rule(successes, n)
    trend, p = trend_of(outcomes) if outcomes is not None else (None, None)
    rate = successes / n if n else None
    return ToolConfidence(level, rule, successes, n, rate, lower, upper, wilson(successes, n), reason, trend, p)


def _bound_rule(successes: int, n: int, lower: float | None, upper: float | None) -> tuple[Level, str]:
    if n == 0 or lower is None or upper is None:
        return "MEDIUM", "new: no executions yet"
    rate = successes / n
    if rate >= HIGH_RATE and n >= HIGH_RUNS and lower >= HIGH_BOUND:
        return "HIGH", f"at least {percent(lower)} with 90 % confidence over {n} runs"
    if n >= LOW_RUNS and upper < LOW_RATE:
        return "LOW", f"at most {percent(upper)} with 90 % confidence over {n} runs"
    if n >= LOW_RATE_RUNS and rate < LOW_RATE:
        return "LOW", f"{percent(rate)} over {n} runs"
    if n < HIGH_RUNS:
        return "MEDIUM", f"new: {counted(n, 'run')}, fewer than {HIGH_RUNS}"
    return "MEDIUM", f"between {percent(lower)} and {percent(upper)} over {n} runs"


def _seed_rule(successes: int, n: int) -> tuple[Level, str]:
    """HIGH from 95 %, LOW below 80 %, whatever the number of runs; new tools are MEDIUM."""
    if n == 0:
        return "MEDIUM", "new: no executions yet"
    rate = successes / n
    level: Level = "HIGH" if rate >= HIGH_RATE else "LOW" if rate < LOW_RATE else "MEDIUM"
    return level, f"{percent(rate)} over {counted(n, 'run')}"


def trend_of(outcomes: Sequence[bool]) -> tuple[Trend | None, float | None]:
    """Newer against older half (two-proportion test, p < .05); ``None`` with fewer than 10 runs per half."""
    middle = len(outcomes) // 2
    if middle < _TREND_RUNS:
        return None, None
    older, newer = outcomes[:middle], outcomes[middle:]
    p = two_proportion_p(sum(older), len(older), sum(newer), len(newer))
    if p is None or p >= TREND_P:
        return "stable", p
    return ("improving" if sum(newer) / len(newer) > sum(older) / len(older) else "declining"), p
