"""What goes into a threshold plan and what comes out: plain, frozen values, JSON-able through ``to_dict``.

Accuracies, shares and rates are in [0, 1]; latencies in milliseconds; changes are new minus now.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

from fedstore.learning.intervals import Interval, wilson
from fedstore.learning.rules import DEFAULT_TUNE_RULE, EvidenceGrade, Guard, TuneRule

__all__ = [
    "A_SHARE",
    "AgentChange",
    "Conclusion",
    "Effect",
    "Flips",
    "LayerChange",
    "RulePlan",
    "TuneCancelledError",
    "TuneResult",
    "TuneSettings",
]

Conclusion = Literal["certified", "estimated", "recover", "insufficient", "keep"]
"""What a search or a rule came to."""
A_SHARE = 0.38
"""The share of the decisions that a search optimises on; the rest certifies what it found."""


_SEARCH = frozenset({"clarify_cost_ms", "confidence", "margin", "max_clarify"})
_IDLE: dict[TuneRule, frozenset[str]] = {
    "certified": frozenset({"margin"}),
    "no-worse": frozenset(),
    "seed-accuracy": _SEARCH,
    "seed-count": _SEARCH | {"min_graded"},
}


class TuneCancelledError(Exception):
    """The caller asked a running :func:`fedstore.learning.tuning.tune` to stop."""


@dataclass(frozen=True, slots=True)
class TuneSettings:
    """How to search and what to promise."""

    target: float = 0.95
    """Accuracy a new setting must keep."""
    confidence: float = 0.95
    """A setting that misses the target is proposed as certified with at most 1 - confidence probability."""
    max_clarify: float | None = None
    """Hard cap on the clarification rate."""
    clarify_cost_ms: float = 2000.0
    """What asking the user costs, in milliseconds of latency."""
    clarify_error: float = 0.0
    """Share of clarifications assumed to end at the wrong agent."""
    aggressive: bool = False
    """Search within 0.15 of the present thresholds (grid 0.03) instead of 0.05 (grid 0.01); the seed rules then take
    steps of 0.10 instead of 0.05.
    """
    min_graded: int = 100
    """A layer moves only with at least so many graded attempts."""
    layer: str | None = None
    """Move only this layer."""
    locked: tuple[str, ...] = ()
    """Layers that stay where they are: what is certified holds with them there."""
    disabled: tuple[str, ...] = ()
    """Layers that routers do not ask; they stay, too."""
    max_step: float = 1.0
    """No threshold moves further than this, whatever the reach; the seed rules are kept to the letter."""
    guard: Guard = "accuracy"
    """"accuracy" keeps the target; "no-worse" lets at most ``margin`` of the decisions get worse."""
    margin: float = 0.01
    """The share of decisions the no-worse guard allows to get worse."""
    rule: TuneRule = DEFAULT_TUNE_RULE
    """"certified" and "no-worse" search under a guard; the seed rules come by name, without a guarantee."""
    evidence: EvidenceGrade | Literal["auto"] = "auto"
    """What to rest on beyond the live path; "auto" takes probes if any, donors only as an estimate."""
    censor_hours: float = 0.0
    """Leave out the newest hours, whose outcomes may still come in."""
    min_gain: float = 0.01
    """Smallest relative gain of cost worth a change."""
    a_share: float = A_SHARE
    """Share of the events the search optimises on; the rest certifies."""
    seed: int = 0
    """Seed of the donor draw."""

    def __post_init__(self) -> None:
        for name in ("target", "confidence", "margin", "a_share"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name} must lie between 0 and 1, not {getattr(self, name)}")
        for name in ("clarify_cost_ms", "clarify_error", "censor_hours", "min_gain", "min_graded"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, but is {getattr(self, name)}")
        if self.max_clarify is not None and not 0.0 <= self.max_clarify <= 1.0:
            raise ValueError(f"max_clarify must lie between 0 and 1, not {self.max_clarify}")

    @property
    def idle(self) -> frozenset[str]:
        """The settings that do nothing under this rule.

        The seed rules neither search nor certify. (Where nothing is graded, "certified" falls back on the no-worse
        guard, and on its margin; who means to set that asks for the guard by name.)
        """
        return _IDLE[self.rule]

    @property
    def reach(self) -> float:
        """How far a threshold may move."""
        return min(0.15 if self.aggressive else 0.05, self.max_step)

    @property
    def rule_step(self) -> float:
        """How far a seed rule moves a threshold."""
        return 0.10 if self.aggressive else 0.05

    @property
    def step(self) -> float:
        """Distance between candidates."""
        return 0.03 if self.aggressive else 0.01


@dataclass(frozen=True, slots=True)
class Effect:
    """One predicted measure, now and under the plan; intervals at about 95 %."""

    now: float
    now_interval: Interval
    new: float
    new_interval: Interval
    change: float
    change_interval: Interval


@dataclass(frozen=True, slots=True)
class LayerChange:
    """One layer's threshold, old and new, with what it rests on."""

    layer: str
    old: float
    new: float
    evidence: EvidenceGrade
    """Grade of what its own move rests on; "exact" where nothing beyond the live log is needed."""
    attempts: int
    graded: int
    captured_now: float
    captured_new: float
    taken: int
    """Graded decisions that the layer took, and how many of them are right."""
    right: int
    note: str
    """What it does when it moves, or why it cannot; empty where it just stays."""

    @property
    def changed(self) -> bool:
        return self.new != self.old

    @property
    def accuracy_interval(self) -> Interval | None:
        """Wilson's 95 % interval of how often what it took is right."""
        return wilson(self.right, self.taken)


@dataclass(frozen=True, slots=True)
class Flips:
    """Decisions another layer would take under the plan."""

    total: int
    same_agent: int
    now_right: int
    now_wrong: int
    same_verdict: int
    """Another agent (or clarification), but as right or as wrong as before."""
    unknown: int
    indices: tuple[int, ...] = field(repr=False)
    """Rows of the log given to the tuner."""


@dataclass(frozen=True, slots=True)
class AgentChange:
    """The agent whose tasks lose the most accuracy."""

    agent: str
    n: int
    accuracy_now: float
    accuracy_new: float

    @property
    def change(self) -> float:
        return self.accuracy_new - self.accuracy_now


@dataclass(frozen=True, slots=True)
class RulePlan:
    """What one of the simple named rules would set, and what would come of it (``None``: no outcomes)."""

    rule: TuneRule
    thresholds: tuple[float, ...]
    reasons: tuple[str, ...]
    accuracy: float | None
    latency_ms: float
    clarify: float
    meets_target: bool | None


@dataclass(frozen=True, slots=True)
class TuneResult:
    """A threshold plan: a proposal, the evidence, the prediction, and what is missing to say more."""

    conclusion: Conclusion
    rule: TuneRule
    guard: Guard
    evidence: EvidenceGrade
    layers: tuple[LayerChange, ...]
    events: int
    measured: int
    """Decisions that the predicted figures are those of: all, or the certifying part."""
    graded: int
    graded_certifying: int
    probed: int
    rejected: dict[str, int]
    accuracy: Effect | None
    accuracy_lower: float | None
    """One-sided lower bound of the new accuracy on the certifying part, at the settings' confidence."""
    latency_ms: Effect
    clarify: Effect
    cost_ms: Effect
    p_value: float | None
    """Of "the proposal breaks the guard", on the certifying part; ``None`` if nothing was tested."""
    flips: Flips
    worst_agent: AgentChange | None
    drift_p: float | None
    """Older against newer half, two-proportion test of the graded accuracy."""
    more_needed: int | None
    """Graded decisions still missing; 0 when there are enough, ``None`` when no number would do."""
    rules: tuple[RulePlan, ...]
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    target: float
    confidence: float

    @property
    def changed(self) -> bool:
        """Whether any threshold would move."""
        return any(layer.changed for layer in self.layers)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The proposed thresholds in cascade order."""
        return tuple(layer.new for layer in self.layers)

    @property
    def old_thresholds(self) -> tuple[float, ...]:
        """The present thresholds in cascade order."""
        return tuple(layer.old for layer in self.layers)

    def to_dict(self) -> dict[str, object]:
        """Plain JSON-able values."""
        found: dict[str, object] = json.loads(json.dumps(asdict(self)))
        return found
