"""What stands behind a plan: the layers that a threshold plan weighed, or the agents that a boost plan did.

Typed all the way to the screen; nothing here needs numpy. `policy.stored` reads them back, in former forms too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fedstore.policy.body import boost_key, threshold_key

if TYPE_CHECKING:
    from fedstore.learning.boosts import Claim
    from fedstore.learning.evidence import EvidenceGrade, Guard
    from fedstore.learning.intervals import Interval
    from fedstore.learning.rules import BoostRule
    from fedstore.learning.tuning_types import AgentChange, Effect, LayerChange

__all__ = ["BoostDetail", "BoostEvidence", "BoostSettings", "Pair", "TuneDetail", "pair_of"]

Pair = tuple[float, float]


def pair_of(interval: tuple[float, float] | list[float] | Interval | None) -> Pair | None:
    """A pair of floats from any pair; None stays None."""
    return None if interval is None else (float(interval[0]), float(interval[1]))


@dataclass(frozen=True, slots=True)
class TuneDetail:
    """The evidence of a threshold plan, with all layers of the cascade in its order."""

    layers: tuple[LayerChange, ...] = ()
    guard: Guard = "accuracy"
    """What was certified, if anything was: the accuracy target, or that few decisions get worse."""
    evidence: EvidenceGrade = "exact"
    events: int = 0
    measured: int = 0
    """Decisions that the predicted figures are those of: all, or the certifying part."""
    graded: int = 0
    graded_certifying: int = 0
    probed: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Decisions that were left out, by the reason."""
    accuracy_lower: float | None = None
    """One-sided lower bound of the new accuracy on the certifying part, at the settings' confidence."""
    cost_ms: Effect | None = None
    p_value: float | None = None
    """Of "the proposal breaks the guard", on the certifying part; None if nothing was tested."""
    worst_agent: AgentChange | None = None
    drift_p: float | None = None
    """Of "the older and the newer half of the window are equally accurate"; None without grades."""

    def thresholds(self) -> dict[str, float]:
        """The thresholds that the plan started from, by item key."""
        return {threshold_key(layer.layer): layer.old for layer in self.layers}


@dataclass(frozen=True, slots=True)
class BoostEvidence:
    """What the boost of an agent, or of an agent at a task type, rests on; rates are in [0, 1]."""

    agent: str
    task_type: str | None
    """None is the agent as a whole."""
    successes: int
    n: int
    effective_n: float
    """Tasks after fading with age, which the posterior rests on."""
    rate: float | None
    posterior: float
    """The rate after shrinking."""
    peers: float | None
    """The mean of the rates after shrinking over all agents (at this task type); None where it was not kept."""
    interval: Pair | None
    """95 % interval of the plain rate."""
    boost: float
    """What the rule says."""
    claim: Claim | None
    """A high or low performer with one-sided 90 % confidence; apart from the boost."""
    evidence: str
    more_needed: int | None
    """Tasks at the present rate until a claim would hold; 0 if it does, None if none would."""
    now: float | None = None
    """The boost that a router adds before the plan: its own, else the agent's, else 0. None where it was not kept."""
    new: float | None = None
    """The same once the plan is in force."""

    @property
    def key(self) -> str:
        """The key of its item in the policy."""
        return boost_key(self.agent, self.task_type or "")


@dataclass(frozen=True, slots=True)
class BoostDetail:
    """The evidence of a boost plan: each agent, then each agent at each task type."""

    proposals: tuple[BoostEvidence, ...] = ()

    def by_key(self) -> dict[str, BoostEvidence]:
        """The evidence by item key."""
        return {found.key: found for found in self.proposals}


@dataclass(frozen=True, slots=True)
class BoostSettings:
    """How a boost plan was made."""

    rule: BoostRule
    max_step: float
    """The most that one change may move a boost."""
