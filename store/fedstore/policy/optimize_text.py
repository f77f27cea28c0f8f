"""The plain-text form of a boost plan, in the wording of the federation analytics' own ``optimize`` output."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedstore.policy.plans import Plan, PlanItem

__all__ = ["optimization_text"]

_ICONS = {"title": "🔧 ", "task": "🎯 ", "up": "📈 ", "down": "📉 "}


def optimization_text(plan: Plan, *, dry_run: bool = True, ascii_only: bool = False) -> str:
    """Lines as ``optimize`` prints them; ``ascii_only`` leaves the pictures out."""
    icons = dict.fromkeys(_ICONS, "") if ascii_only else _ICONS
    lines = [f"{icons['title']}Optimization Analysis{' (DRY RUN)' if dry_run else ''}"]
    count = len(plan.items)
    if not count:
        return "\n".join([*lines, "No optimizations needed.", *(f"   {reason}" for reason in plan.reasons)])
    lines.append(f"Found {count} optimization{'' if count == 1 else 's'}:")
    for item in plan.items:
        lines += ["", _headline(item, icons), *(f"   {line}" for line in _reasons(item))]
    if plan.warnings:
        lines += ["", *(f"Note: {warning}" for warning in plan.warnings)]
    return "\n".join(lines)


def _headline(item: PlanItem, icons: dict[str, str]) -> str:
    up = (item.new or 0.0) >= (item.old or 0.0)
    task_type = item.detail.get("task_type")
    if task_type:
        return f"{icons['task']}TASK {'BOOST' if up else 'PENALTY'}: {item.detail.get('agent')} for {task_type}"
    return f"{icons['up' if up else 'down']}{'BOOST' if up else 'PENALTY'}: {item.label}"


def _reasons(item: PlanItem) -> list[str]:
    """The tool's own sentence where it would say one, then what it rests on."""
    rate, task_type = item.detail.get("rate"), item.detail.get("task_type")
    praise = f"Excellent at {task_type}: {rate:.0%}" if task_type and rate is not None and rate >= 0.9 else ""
    lines = [praise] if praise else []
    if item.evidence != praise:
        lines.append(item.evidence)
    lines.append(f"Boost {item.old or 0.0:+.3f} → {item.new or 0.0:+.3f}")
    return lines
