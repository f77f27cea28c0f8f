"""What keeps a plan from being applied: each guard is one clear refusal, checked inside the write transaction.

Tuning evidence is never used twice: a plan's window begins where the evidence of the last standing threshold
change ended. A log is replayable under several thresholds, but a second search would be centred on, and so chosen
by, the very decisions that are to certify it: its 5 % would no longer hold, and applying again and again would walk
past the step limit. Boosts are levels, not steps: the same data give the same boosts, so proposing them again
changes nothing, and a cooldown is enough. An undo gives its evidence back, because the policy is what it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.errors import PlanRefusedError
from fedstore.learning.percent import are, counted
from fedstore.policy.body import PolicyBody
from fedstore.policy.extent import graded_since, moved
from fedstore.policy.ledger import last_standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedstore.engine.protocol import Read
    from fedstore.policy.extent import Table
    from fedstore.policy.parts import PlanItem
    from fedstore.policy.plans import Plan
    from fedstore.settings.config import PolicySettings

__all__ = ["check_plan", "check_start", "cooldown_left", "is_locked", "step_limit", "used_until_ms"]

_TABLES: dict[str, Table] = {"optimize": "runs", "tune": "routes"}
_SLACK = 1e-9


def check_plan(
    read: Read, plan: Plan, version: int, body: PolicyBody, settings: PolicySettings, applied_id: int | None
) -> None:
    """Raise PlanRefusedError unless the plan may be applied to the policy in force now."""
    if applied_id is not None:
        raise PlanRefusedError(f"plan {plan.id} was already applied as change #{applied_id}")
    if not plan.changed:
        raise PlanRefusedError(f"plan {plan.id} changes nothing: {'; '.join(plan.reasons) or 'keep what is set'}")
    if (plan.policy_version, plan.policy_hash) != (version, body.digest()):
        raise PlanRefusedError(
            f"plan {plan.id} was made from policy v{plan.policy_version}, but v{version} is in force: make a new plan"
        )
    for item in plan.items:
        _check_item(plan, item, body, settings)
    if plan.extent is None:
        return
    if plan.kind == "tune" and plan.extent.start_ms < used_until_ms(read):
        raise PlanRefusedError(f"plan {plan.id} rests on evidence that an applied change used: make a new plan")
    left = cooldown_left(read, plan.kind, settings)
    if left:
        wanted = counted(left, f"more graded {_word(plan.kind)}")
        raise PlanRefusedError(
            f"{wanted} {are(left)} needed since the last {plan.kind}: wait for them, or lower the setting"
            f" policy.cooldown_events = {settings.cooldown_events}"
        )
    reason = moved(read, plan.extent)
    if reason is not None:
        raise PlanRefusedError(f"the data that plan {plan.id} was made from moved ({reason}): make a new plan")


def check_start(plan: Plan, body: PolicyBody, configured: Mapping[str, float]) -> None:
    """Raise PlanRefusedError when the routing configuration, where it decides, is not what the plan started from."""
    for layer in plan.layers:
        name, old = layer.layer, layer.old
        now = None if name in body.thresholds else configured.get(name)
        if now is not None and abs(now - old) > _SLACK:
            raise PlanRefusedError(
                f"plan {plan.id} was made from {name} at {old:g}, but the routing configuration says {now:g} now:"
                " make a new plan"
            )


def _check_item(plan: Plan, item: PlanItem, body: PolicyBody, settings: PolicySettings) -> None:
    if is_locked(item.key, body, settings):
        raise PlanRefusedError(f"{item.label} is locked: unlock {item.key} or leave it out")
    if plan.kind not in _TABLES:  # what a user sets by hand is not limited
        return
    limit, name = step_limit(item.key, settings)
    step = abs((item.new or 0.0) - (item.old or 0.0))
    if step > limit + _SLACK:
        raise PlanRefusedError(f"{item.label} would move by {step:.2f}, more than policy.{name} = {limit:g} allows")


def step_limit(key: str, settings: PolicySettings) -> tuple[float, str]:
    """The most an item may move in one change, and the setting that says so."""
    if key.startswith("agent:"):
        return settings.max_boost_step, "max_boost_step"
    return settings.max_threshold_step, "max_threshold_step"


def is_locked(key: str, body: PolicyBody, settings: PolicySettings) -> bool:
    """Whether no plan may move an item; a lock on an agent holds for its task types too."""
    locks = {*body.locked, *settings.locked}
    return key in locks or key.partition("/")[0] in locks


def used_until_ms(read: Read) -> int:
    """The end of the evidence of the last standing threshold change; 0 when there is none."""
    change = last_standing(read, ("tune",))
    return change.evidence_end_ms if change else 0


def cooldown_left(read: Read, kind: str, settings: PolicySettings) -> int:
    """How many more graded facts must come before a change of this kind may follow the last one."""
    table = _TABLES.get(kind)
    change = last_standing(read, (kind,)) if table else None
    if change is None or table is None:
        return 0
    return max(0, settings.cooldown_events - graded_since(read, table, change.evidence_end_ms))


def _word(kind: str) -> str:
    return "decision" if kind == "tune" else "task"
