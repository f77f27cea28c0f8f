"""The plain-text form of a boost plan, in the wording of the federation analytics' own `optimize` output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.learning.boosts import SEED_HIGH

if TYPE_CHECKING:
    from fedstore.policy.details import BoostEvidence
    from fedstore.policy.parts import PlanItem
    from fedstore.policy.plans import Plan

__all__ = ["optimization_text"]

_ICONS = {"title": "🔧 ", "task": "🎯 ", "up": "📈 ", "down": "📉 "}


def optimization_text(plan: Plan, *, dry_run: bool = True, ascii_only: bool = False) -> str:
    """Lines as `optimize` prints them; `ascii_only` leaves the pictures out."""
    icons = dict.fromkeys(_ICONS, "") if ascii_only else _ICONS
    lines = [f"{icons['title']}Optimization Analysis{' (DRY RUN)' if dry_run else ''}"]
    count = len(plan.items)
    if not count:
        return "\n".join(
            [*lines, "No optimizations needed.", *(f"   {reason[:1].upper()}{reason[1:]}." for reason in plan.reasons)]
        )
    lines.append(f"Found {count} optimization{'' if count == 1 else 's'}:")
    for item in plan.items:
        rests = plan.proposals.get(item.key)
        lines += ["", _headline(item, rests, icons), *(f"   {line}" for line in _reasons(item, rests))]
    if plan.warnings:
        lines += ["", *(f"Note: {warning}" for warning in plan.warnings)]
    return "\n".join(lines)


def _headline(item: PlanItem, rests: BoostEvidence | None, icons: dict[str, str]) -> str:
    up = (item.new or 0.0) >= (item.old or 0.0)
    if rests is not None and rests.task_type:
        return f"{icons['task']}TASK {'BOOST' if up else 'PENALTY'}: {rests.agent} for {rests.task_type}"
    return f"{icons['up' if up else 'down']}{'BOOST' if up else 'PENALTY'}: {item.label}"


def _reasons(item: PlanItem, rests: BoostEvidence | None) -> list[str]:
    """The tool's own sentence where it would say one, then what it rests on."""
    praise = ""
    if rests is not None and rests.task_type and rests.rate is not None and rests.rate >= SEED_HIGH:
        praise = f"Excellent at {rests.task_type}: {rests.rate:.0%}"
    lines = [praise] if praise else []
    if item.evidence != praise:
        lines.append(item.evidence)
    lines.append(f"Boost {item.old or 0.0:+.3f} → {item.new or 0.0:+.3f}")
    return lines
