"""Routing boosts for agents, and the claims "high" and "low performer", which are another matter.

A boost is a decision under uncertainty: the default shrinks each agent towards the federation's mean and
fades with age, which routes better than waiting for certainty. A claim needs a bound. Three policies:
"shrunk" (default), "wilson" (boost only where a claim holds) and "seed" (the plain rate rule). Standard
library only.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fedstore.learning.intervals import Interval, wilson, wilson_lower, wilson_upper
from fedstore.learning.percent import counted, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "BoostComparison",
    "BoostPolicy",
    "BoostProposal",
    "BoostSettings",
    "Claim",
    "Outcome",
    "Tally",
    "claim_of",
    "compare_policies",
    "propose_boosts",
    "tally",
]

BoostPolicy = Literal["shrunk", "wilson", "seed"]
Claim = Literal["high", "low"]
Outcome = tuple[str, str, bool]
"""(agent, task type, success), oldest first."""

MAX_BOOST = 0.05
MIN_TASKS = 5
SEED_HIGH, SEED_LOW = 0.90, 0.50
CLAIM_HIGH, CLAIM_LOW, CLAIM_CONFIDENCE = 0.85, 0.65, 0.90
TYPE_STRENGTH = 5.0
_FEW_TASKS, _DEFAULT_STRENGTH = 30, 10.0
_LOOK_AHEAD = 10_000


@dataclass(frozen=True, slots=True)
class BoostSettings:
    """``kappa`` scales the shrunk boost; ``half_life`` counts tasks of the same agent (and type)."""

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
    """One boost with its evidence; ``task_type`` ``None`` is the agent as a whole."""

    agent: str
    task_type: str | None
    policy: BoostPolicy
    successes: int
    n: int
    effective_n: float
    """Tasks after decay, which the posterior rests on."""
    rate: float | None
    posterior: float
    """Success rate after shrinking."""
    interval: Interval | None
    """95 % interval of the plain rate."""
    boost: float
    """Added to the routing score, within -0.05 .. +0.05."""
    claim: Claim | None
    """"high" or "low" performer with one-sided 90 % confidence; apart from the boost."""
    evidence: str
    more_needed: int | None
    """Tasks at the present rate until a claim would hold; 0 if it does, ``None`` if none would."""


@dataclass(frozen=True, slots=True)
class BoostComparison:
    """The three policies' boosts for one agent or agent and task type."""

    agent: str
    task_type: str | None
    shrunk: float
    wilson: float
    seed: float


def tally(successes: Sequence[bool], half_life: float | None = None) -> Tally:
    """Tally outcomes, oldest first; a task ``half_life`` tasks back weighs one half."""
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
    outcomes: Iterable[Outcome], policy: BoostPolicy = "shrunk", settings: BoostSettings | None = None
) -> tuple[BoostProposal, ...]:
    """Boosts per agent, then per agent and task type; agents and types in alphabetical order."""
    settings = settings or BoostSettings()
    agents, pairs = _collect(outcomes, settings.half_life)
    posteriors = _agent_posteriors(agents)
    pair_posteriors = _pair_posteriors(agents, pairs, posteriors)
    found = [
        _proposal(agent, None, policy, agents[agent], posteriors[agent], _relative(posteriors, agent, settings))
        for agent in sorted(agents)
    ]
    for agent, kind in sorted(pairs):
        same_type = {other: rate for (other, of), rate in pair_posteriors.items() if of == kind}
        relative = _relative(same_type, agent, settings)
        posterior = same_type[agent]
        found.append(_proposal(agent, kind, policy, pairs[agent, kind], posterior, relative))
    return tuple(found)


def compare_policies(outcomes: Iterable[Outcome], settings: BoostSettings | None = None) -> tuple[BoostComparison, ...]:
    """What each policy would set, side by side."""
    seen = list(outcomes)
    shrunk, gated, seed = (propose_boosts(seen, policy, settings) for policy in _POLICIES)
    return tuple(
        BoostComparison(a.agent, a.task_type, a.boost, b.boost, c.boost)
        for a, b, c in zip(shrunk, gated, seed, strict=True)
    )


_POLICIES: tuple[BoostPolicy, ...] = ("shrunk", "wilson", "seed")


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


def _pair_posteriors(
    agents: Mapping[str, Tally], pairs: Mapping[tuple[str, str], Tally], own: Mapping[str, float]
) -> dict[tuple[str, str], float]:
    """Every agent's rate at every task type, shrunk to its own overall rate (that alone where nothing was seen)."""
    rates = {}
    for kind in {kind for _, kind in pairs}:
        for agent in agents:
            seen = pairs.get((agent, kind))
            s, n = (seen.weighted_successes, seen.weighted_n) if seen else (0.0, 0.0)
            rates[agent, kind] = (s + TYPE_STRENGTH * own[agent]) / (n + TYPE_STRENGTH)
    return rates


def _relative(posteriors: Mapping[str, float], agent: str, settings: BoostSettings) -> float:
    mean = sum(posteriors.values()) / len(posteriors)
    boost = settings.kappa * (posteriors[agent] - mean)
    return round(min(MAX_BOOST, max(-MAX_BOOST, boost)), 4) + 0.0


def _proposal(
    agent: str, kind: str | None, policy: BoostPolicy, seen: Tally, posterior: float, relative: float
) -> BoostProposal:
    claim = claim_of(seen.successes, seen.n)
    if policy == "shrunk":
        boost = relative
    elif policy == "wilson":
        boost = {"high": MAX_BOOST, "low": -MAX_BOOST, None: 0.0}[claim]
    else:
        boost = _seed_boost(seen, kind)
    return BoostProposal(
        agent=agent,
        task_type=kind,
        policy=policy,
        successes=seen.successes,
        n=seen.n,
        effective_n=seen.weighted_n,
        rate=seen.rate,
        posterior=posterior,
        interval=wilson(seen.successes, seen.n),
        boost=boost,
        claim=claim,
        evidence=_evidence(policy, seen, kind, posterior, claim),
        more_needed=0 if claim else _more_needed(seen),
    )


def _seed_boost(seen: Tally, kind: str | None) -> float:
    """+0.05 at 90 % or more, -0.05 at 50 % or less (agents only), from 5 tasks on."""
    if seen.rate is None or seen.n < MIN_TASKS:
        return 0.0
    if seen.rate >= SEED_HIGH:
        return MAX_BOOST
    return -MAX_BOOST if seen.rate <= SEED_LOW and kind is None else 0.0


def _evidence(policy: BoostPolicy, seen: Tally, kind: str | None, posterior: float, claim: Claim | None) -> str:
    rate = seen.rate or 0.0
    if policy == "seed" and kind is not None and _seed_boost(seen, kind) > 0:
        return f"Excellent at {kind}: {rate:.0%}"
    counts = f"{seen.successes:,} of {counted(seen.n, 'task')} right ({percent(rate)})"
    if policy == "shrunk":
        return f"{counts}, {percent(posterior, 1)} after shrinking"
    if policy == "wilson":
        return f"{counts}, {'no claim holds' if claim is None else f'{claim} performer at 90 % confidence'}"
    return counts if seen.n >= MIN_TASKS else f"{counts}, fewer than {MIN_TASKS}"


def _more_needed(seen: Tally) -> int | None:
    """Tasks at the present rate until a claim holds: a doubling search, then bisection."""
    rate = seen.rate
    if rate is None or CLAIM_LOW <= rate <= CLAIM_HIGH:
        return None

    def holds(more: int) -> bool:
        n = seen.n + more
        return claim_of(math.floor(rate * n) if rate > CLAIM_HIGH else math.ceil(rate * n), n) is not None

    high = 1
    while not holds(high):
        high *= 2
        if high > _LOOK_AHEAD:
            return None
    return next(more for more in range(high // 2, high + 1) if holds(more))
