"""Routing boosts for agents, and the claims "high" and "low performer", which are another matter.

A boost is a decision under uncertainty: the default shrinks each agent towards the federation's mean and
fades with age, which routes better than waiting for certainty. A claim needs a bound. `learning.rules` names
the three rules. Standard library only.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from fedstore.learning.intervals import Interval, wilson, wilson_lower, wilson_upper
from fedstore.learning.percent import counted, percent
from fedstore.learning.rules import DEFAULT_BOOST_RULE, BoostRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "REPLACES",
    "SMALLEST_MOVE",
    "BoostProposal",
    "BoostSettings",
    "Claim",
    "Outcome",
    "Tally",
    "claim_of",
    "propose_boosts",
    "tally",
]

Claim = Literal["high", "low"]
Outcome = tuple[str, str, bool]
"""(agent, task type, success), oldest first."""

REPLACES: Final = "a boost for a task type replaces the agent's own"
"""What a router does with the two."""
MAX_BOOST = 0.05
MIN_TASKS = 5
SEED_HIGH, SEED_LOW = 0.90, 0.50
SMALLEST_MOVE = 0.005
"""A shrunk boost moves a little with every task; less than this is not worth a change."""
CLAIM_HIGH, CLAIM_LOW, CLAIM_CONFIDENCE = 0.85, 0.65, 0.90
TYPE_STRENGTH = 5.0
_FEW_TASKS, _DEFAULT_STRENGTH = 30, 10.0
_LOOK_AHEAD = 10_000


@dataclass(frozen=True, slots=True)
class BoostSettings:
    """`kappa` scales the shrunk boost; `half_life` counts tasks of the same agent (and type)."""

    kappa: float = 1.0
    half_life: float | None = 100.0


@dataclass(frozen=True, slots=True)
class Tally:
    """Successes of n tasks, plain and with older tasks weighing less."""

    successes: int
    n: int
    weighted_successes: float
    weighted_n: float

    @property
    def rate(self) -> float | None:
        return self.successes / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class BoostProposal:
    """One boost with its evidence; `task_type` `None` is the agent as a whole."""

    agent: str
    task_type: str | None
    rule: BoostRule
    successes: int
    n: int
    effective_n: float
    """Tasks after decay, which the posterior rests on."""
    rate: float | None
    posterior: float
    """Success rate after shrinking."""
    peers: float
    """The mean of these rates over all agents (at this task type): what the rule "shrunk" compares with."""
    interval: Interval | None
    """95 % interval of the plain rate."""
    boost: float
    """Added to the routing score, within -0.05 .. +0.05."""
    boosts: Mapping[BoostRule, float]
    """What each rule would set on the same evidence."""
    claim: Claim | None
    """"high" or "low" performer with one-sided 90 % confidence; apart from the boost."""
    evidence: str
    more_needed: int | None
    """Tasks at the present rate until a claim would hold; 0 if it does, `None` if none would."""


def tally(successes: Sequence[bool], half_life: float | None = None) -> Tally:
    """Tally outcomes, oldest first; a task `half_life` tasks back weighs one half."""
    fade = 1.0 if half_life is None else 0.5 ** (1.0 / half_life)
    weighted_s = weighted_n = 0.0
    for success in successes:
        weighted_s, weighted_n = weighted_s * fade + success, weighted_n * fade + 1.0
    return Tally(sum(successes), len(successes), weighted_s, weighted_n)


def claim_of(successes: int, n: int) -> Claim | None:
    """ "high" if the 90 % lower bound reaches .85, "low" if the upper one is at most .65; from 5 tasks on."""
    lower, upper = wilson_lower(successes, n, CLAIM_CONFIDENCE), wilson_upper(successes, n, CLAIM_CONFIDENCE)
    if lower is None or upper is None or n < MIN_TASKS:
        return None
    if lower >= CLAIM_HIGH:
        return "high"
    return "low" if upper <= CLAIM_LOW else None


def propose_boosts(
    outcomes: Iterable[Outcome], rule: BoostRule = DEFAULT_BOOST_RULE, settings: BoostSettings | None = None
) -> tuple[BoostProposal, ...]:
    """Boosts per agent, then per agent and task type; agents and types in alphabetical order.

    Takes time in proportion to the outcomes and the pairs of agent and task type among them.
    """
    settings = settings or BoostSettings()
    agents, pairs = _collect(outcomes, settings.half_life)
    own = _agent_posteriors(agents)
    of_pairs = {(agent, kind): _at_type(pairs[agent, kind], own[agent]) for agent, kind in sorted(pairs)}
    mean = math.fsum(own.values()) / len(own) if own else 0.0
    means = _means_by_type(own, of_pairs)
    return (
        *(_proposal(agent, None, rule, agents[agent], own[agent], mean, settings) for agent in sorted(agents)),
        *(
            _proposal(agent, kind, rule, pairs[agent, kind], posterior, means[kind], settings)
            for (agent, kind), posterior in of_pairs.items()
        ),
    )


def _collect(
    outcomes: Iterable[Outcome], half_life: float | None
) -> tuple[dict[str, Tally], dict[tuple[str, str], Tally]]:
    by_agent: dict[str, list[bool]] = defaultdict(list)
    by_pair: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for agent, kind, success in outcomes:
        by_agent[agent].append(success)
        by_pair[agent, kind].append(success)
    agents = {agent: tally(seen, half_life) for agent, seen in by_agent.items()}
    return agents, {pair: tally(seen, half_life) for pair, seen in by_pair.items()}


def _agent_posteriors(agents: Mapping[str, Tally]) -> dict[str, float]:
    """Each agent's rate shrunk to the federation's mean by the method of moments (beta-binomial)."""
    total_s = sum(t.weighted_successes for t in agents.values())
    total_n = sum(t.weighted_n for t in agents.values())
    mean = (total_s + 3.2) / (total_n + 4.0)
    strength = _strength(list(agents.values()), mean)
    return {agent: (t.weighted_successes + strength * mean) / (t.weighted_n + strength) for agent, t in agents.items()}


def _strength(tallies: Sequence[Tally], mean: float) -> float:
    """How many tasks the federation's mean counts for: geometric mean of the moment estimate and 10."""
    total = sum(t.weighted_n for t in tallies)
    if sum(t.n for t in tallies) < _FEW_TASKS or len(tallies) < 2:
        return _DEFAULT_STRENGTH
    spread = sum(t.weighted_n * (t.weighted_successes / t.weighted_n - mean) ** 2 for t in tallies)
    within = mean * (1.0 - mean)
    degrees = total - sum(t.weighted_n**2 for t in tallies) / total
    between = max(0.0, (spread - (len(tallies) - 1) * within) / degrees) if degrees > 0 else 0.0
    moments = 60.0 if between == 0.0 else min(60.0, max(3.0, within / between - 1.0))
    return math.sqrt(_DEFAULT_STRENGTH * moments)


def _at_type(seen: Tally, own: float) -> float:
    """An agent's rate at a task type, shrunk to its own overall rate."""
    return (seen.weighted_successes + TYPE_STRENGTH * own) / (seen.weighted_n + TYPE_STRENGTH)


def _means_by_type(own: Mapping[str, float], of_pairs: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """The mean rate of all agents at each task type; one that never did it counts with its overall rate."""
    moved: dict[str, list[float]] = defaultdict(list)
    for (agent, kind), posterior in of_pairs.items():
        moved[kind].append(posterior - own[agent])
    total = math.fsum(own.values())
    return {kind: (total + math.fsum(by)) / len(own) for kind, by in moved.items()}


def _relative(posterior: float, peers: float, settings: BoostSettings) -> float:
    """The boost of an agent whose rate is so far above or below its peers'."""
    boost = settings.kappa * (posterior - peers)
    return round(min(MAX_BOOST, max(-MAX_BOOST, boost)), 4) + 0.0


def _proposal(
    agent: str, kind: str | None, rule: BoostRule, seen: Tally, posterior: float, peers: float, settings: BoostSettings
) -> BoostProposal:
    claim = claim_of(seen.successes, seen.n)
    boosts: dict[BoostRule, float] = {
        "shrunk": _relative(posterior, peers, settings),
        "wilson": {"high": MAX_BOOST, "low": -MAX_BOOST, None: 0.0}[claim],
        "seed": _seed_boost(seen, kind),
    }
    return BoostProposal(
        agent=agent,
        task_type=kind,
        rule=rule,
        successes=seen.successes,
        n=seen.n,
        effective_n=seen.weighted_n,
        rate=seen.rate,
        posterior=posterior,
        peers=peers,
        interval=wilson(seen.successes, seen.n),
        boost=boosts[rule],
        boosts=boosts,
        claim=claim,
        evidence=_evidence(rule, seen, kind, posterior, claim),
        more_needed=0 if claim else _more_needed(seen.successes, seen.n),
    )


def _seed_boost(seen: Tally, kind: str | None) -> float:
    """+0.05 at 90 % or more, -0.05 at 50 % or less (agents only), from 5 tasks on."""
    if seen.rate is None or seen.n < MIN_TASKS:
        return 0.0
    if seen.rate >= SEED_HIGH:
        return MAX_BOOST
    return -MAX_BOOST if seen.rate <= SEED_LOW and kind is None else 0.0


def _evidence(rule: BoostRule, seen: Tally, kind: str | None, posterior: float, claim: Claim | None) -> str:
    rate = seen.rate or 0.0
    if rule == "seed" and kind is not None and _seed_boost(seen, kind) > 0:
        return f"Excellent at {kind}: {rate:.0%}"
    counts = f"{seen.successes:,} of {counted(seen.n, 'task')} right ({percent(rate)})"
    if rule == "shrunk":
        return f"{counts}, {percent(posterior, 1)} after shrinking"
    if rule == "wilson":
        return f"{counts}, {'no claim holds' if claim is None else f'{claim} performer at 90 % confidence'}"
    return counts if seen.n >= MIN_TASKS else f"{counts}, fewer than {MIN_TASKS}"


@lru_cache(maxsize=4096)
def _more_needed(successes: int, n: int) -> int | None:
    """Tasks at the present rate until a claim holds: a doubling search, then the first in its last interval."""
    rate = successes / n if n else None
    if rate is None or CLAIM_LOW <= rate <= CLAIM_HIGH:
        return None

    def holds(more: int) -> bool:
        total = n + more
        return claim_of(math.floor(rate * total) if rate > CLAIM_HIGH else math.ceil(rate * total), total) is not None

    high = 1
    while not holds(high):
        high *= 2
        if high > _LOOK_AHEAD:
            return None
    return next(more for more in range(high // 2, high + 1) if holds(more))
