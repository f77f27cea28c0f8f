"""Boost plans from the store: the newest graded runs of each agent, the rules side by side, one proposed.

Boosts are levels: they follow from the evidence alone, whatever was set before, so the same evidence proposed
twice changes nothing. Claims ("high performer") are apart from boosts and need a bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedstore.learning.boosts import MIN_TASKS, SMALLEST_MOVE, BoostProposal, propose_boosts
from fedstore.learning.intervals import wilson
from fedstore.learning.percent import counted
from fedstore.learning.rules import BOOST_RULES, BoostRule
from fedstore.policy.body import PolicyBody, boost_key
from fedstore.policy.details import BoostDetail, BoostEvidence, BoostSettings, pair_of
from fedstore.policy.extent import Extent
from fedstore.policy.parts import Alternative, PlanItem, Predicted
from fedstore.policy.plans import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.engine.protocol import Read, Row

__all__ = ["Outcomes", "plan_optimize", "read_outcomes"]

RUNS_PER_AGENT = 2_000

Outcomes = list[tuple[str, str, bool]]

_AGENTS = (
    "WITH RECURSIVE found (agent) AS (SELECT MIN(agent) FROM runs UNION ALL"
    " SELECT (SELECT MIN(agent) FROM runs WHERE agent > found.agent) FROM found WHERE found.agent IS NOT NULL)"
    " SELECT agent FROM found WHERE agent IS NOT NULL"
)
_NEWEST = (
    "SELECT ended_ms, seq, agent, task_type, success = 1 AND COALESCE(rework, 0) <> 1 FROM runs"
    " WHERE agent = ? AND ended_ms >= ? AND ended_ms < ? AND success IS NOT NULL"
    " ORDER BY ended_ms DESC, seq DESC LIMIT ?"
)


def read_outcomes(read: Read, start_ms: int, end_ms: int) -> Outcomes:
    """(agent, task type, success) of the newest graded runs of each agent, oldest first.

    Work that had to be done again is not a success.
    """
    rows: list[Row] = []
    for (agent,) in read(_AGENTS, ()):
        rows += read(_NEWEST, (agent, start_ms, end_ms, RUNS_PER_AGENT))
    rows.sort()
    return [(agent, task_type, bool(ok)) for _, _, agent, task_type, ok in rows]


@dataclass(frozen=True, slots=True)
class _Job:
    rule: BoostRule
    body: PolicyBody
    max_step: float
    locked: Callable[[str], bool]


def plan_optimize(
    outcomes: Outcomes, rule: BoostRule, *, extent: Extent, version: int, body: PolicyBody, label: str,
    max_step: float, locked: Callable[[str], bool], warnings: tuple[str, ...] = (),
) -> Plan:  # fmt: skip
    """The plan that sets the boosts `rule` proposes."""
    job = _Job(rule, body, max_step, locked)
    every = propose_boosts(outcomes, rule)
    proposals = [p for p in every if p.task_type != ""]
    items = _items(proposals, job)
    held = [item.label for item in items if locked(item.key)]
    items = [item for item in items if not locked(item.key)]
    after = body.with_values({item.key: item.new for item in items})
    notes = [f"{', '.join(held)} locked: left as it is"] if held else []
    notes += [
        f"{item.label}: moved only part of the way (policy.max_boost_step = {max_step:g})"
        for item in items
        if item.limited
    ]
    return Plan(
        kind="optimize",
        rule=rule,
        conclusion="proposed" if items else "nothing",
        made_ms=extent.made_ms,
        policy_version=version,
        policy_hash=body.digest(),
        items=tuple(items),
        window_label=label,
        extent=extent,
        predicted=_predicted(every, body, after),
        alternatives=_alternatives(proposals, rule),
        reasons=() if items else (_why_nothing(proposals, body),),
        warnings=(*warnings, *notes),
        more_needed=_more_needed(proposals),
        settings=BoostSettings(rule, max_step),
        detail=BoostDetail(tuple(_evidence(proposal, body, after) for proposal in proposals)),
    )


def _items(proposals: Sequence[BoostProposal], job: _Job) -> list[PlanItem]:
    """The changes that are worth writing down; agents first, since a task type without a boost follows its agent."""
    own = [item for p in proposals if p.task_type is None and (item := _item(p, job)) is not None]
    after = {**job.body.values(), **{item.key: item.new for item in own if not job.locked(item.key)}}
    kinds = [p for p in proposals if p.task_type is not None]
    return own + [item for p in kinds if (item := _item(p, job, after.get(boost_key(p.agent)))) is not None]


def _item(proposal: BoostProposal, job: _Job, inherited: float | None = None) -> PlanItem | None:
    """The change a proposal asks for; None when what is in force already says the same.

    A boost that was set and is not deserved any more becomes 0; only an undo gives back what stood there before.
    ``inherited`` is what is in force where nothing is set. The rules that speak of pairs name each of them.
    """
    if job.rule == "shrunk" and proposal.n < MIN_TASKS:
        return None  # too little to go by: what is in force stays
    key = boost_key(proposal.agent, proposal.task_type or "")
    old, wanted = job.body.values().get(key), proposal.boost
    fallback = inherited if job.rule == "shrunk" else None
    in_force = old if old is not None else fallback or 0.0
    if old == wanted or abs(wanted - in_force) < _smallest(job.rule):
        return None
    new, limited = _limited(old, wanted, job)
    return PlanItem(
        key=key,
        label=f"{proposal.agent} for {proposal.task_type}" if proposal.task_type else proposal.agent,
        old=old,
        new=new,
        evidence=proposal.evidence,
        grade="certified" if proposal.claim else "estimated" if proposal.n >= MIN_TASKS else "too little",
        n=proposal.n,
        interval=pair_of(proposal.interval),
        limited=limited,
    )


def _smallest(rule: BoostRule) -> float:
    """The least difference worth writing down."""
    return SMALLEST_MOVE if rule == "shrunk" else 1e-9


def _limited(old: float | None, wanted: float, job: _Job) -> tuple[float, bool]:
    """What is wanted, or as far towards it as one change may go."""
    start = old or 0.0
    if abs(wanted - start) <= job.max_step + 1e-9:
        return wanted, False
    return round(start + (job.max_step if wanted > start else -job.max_step), 4), True


def _predicted(proposals: Sequence[BoostProposal], before: PolicyBody, after: PolicyBody) -> dict[str, Predicted]:
    """Success of what gets more work, as seen and as expected. How much more it gets, a router decides.

    Told by agent and task type: the tasks of an agent that is boosted as a whole count once.
    """
    pairs = [(p, p.agent, p.task_type) for p in proposals if p.task_type is not None]
    up = [p for p, agent, kind in pairs if after.boost(agent, kind) > before.boost(agent, kind)]
    n = sum(p.n for p in up)
    if not n:
        return {}
    successes = sum(p.successes for p in up)
    return {
        "success": Predicted(
            now=successes / n,
            new=sum(p.posterior * p.n for p in up) / n,
            # No change: what was seen shrinks towards what is to be expected, whatever the boosts do.
            now_interval=pair_of(wilson(successes, n)),
        )
    }


def _alternatives(proposals: Sequence[BoostProposal], rule: BoostRule) -> tuple[Alternative, ...]:
    return tuple(
        Alternative(
            name,
            {boost_key(p.agent, p.task_type or ""): p.boosts[name] for p in proposals},
            note + (" (this plan)" if name == rule else ""),
        )
        for name, note in BOOST_RULES.items()
    )


def _why_nothing(proposals: Sequence[BoostProposal], body: PolicyBody) -> str:
    if not proposals:
        return "no graded tasks to learn from in this window"
    if any(value for kinds in body.boosts.values() for value in kinds.values()):
        return "the boosts in force already say what this evidence says"
    agents = [proposal.n for proposal in proposals if proposal.task_type is None]
    evidence = f"{counted(sum(agents), 'graded task')} of {counted(len(agents), 'agent')}"
    return f"no boost is in force, and the evidence ({evidence}) asks for none"


def _more_needed(proposals: Sequence[BoostProposal]) -> int | None:
    """The fewest tasks after which some claim would hold; 0 when one does."""
    found = [p.more_needed for p in proposals if p.more_needed is not None]
    return min(found, default=None)


def _evidence(proposal: BoostProposal, before: PolicyBody, after: PolicyBody) -> BoostEvidence:
    """What a proposal rests on, and the boost that a router adds before the plan and with it."""
    agent, task_type = proposal.agent, proposal.task_type
    return BoostEvidence(
        agent=agent,
        task_type=task_type,
        successes=proposal.successes,
        n=proposal.n,
        effective_n=proposal.effective_n,
        rate=proposal.rate,
        posterior=proposal.posterior,
        peers=proposal.peers,
        interval=pair_of(proposal.interval),
        boost=proposal.boost,
        claim=proposal.claim,
        evidence=proposal.evidence,
        more_needed=proposal.more_needed,
        now=before.boost(agent, task_type or ""),
        new=after.boost(agent, task_type or ""),
    )
