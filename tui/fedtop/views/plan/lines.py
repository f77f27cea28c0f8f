"""What a plan says of each value of the policy, be it one that it would change or one that it leaves as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fedtop.format import clean, count
from fedtop.views.plan.items import boost_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedstore import BoostEvidence, Plan, PlanItem
    from fedstore.learning.tuning_types import LayerChange

__all__ = ["PlanLine", "boost_lines", "plan_lines"]

Grade = Literal["certified", "estimated", "too_few", "unchanged"]


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What a plan says of one value of the policy; without an `item` it leaves that as it is."""

    plan: Plan
    key: str
    label: str
    item: PlanItem | None
    layer: LayerChange | None = None
    rests: BoostEvidence | None = None
    own: bool = True
    """Whether the value is set for itself now; else it follows from the agent's own."""

    @property
    def old(self) -> float | None:
        """The value now; of a boost what a router adds."""
        if self.rests is not None:
            return self.rests.now
        known = None if self.item is None else self.item.old
        return self.layer.old if known is None and self.layer is not None else known

    @property
    def new(self) -> float | None:
        """The same with the plan."""
        if self.rests is not None:
            return self.rests.new
        return self.old if self.item is None else self.item.new

    @property
    def direction(self) -> int:
        """Up or down; 0 for a move that the shown digits hide."""
        old, new = self.old or 0.0, self.new or 0.0
        return 0 if f"{old:.2f}" == f"{new:.2f}" else 1 if new > old else -1

    @property
    def grade(self) -> Grade:
        """How well it is supported: a threshold by the conclusion of the whole plan, a boost by its own claim."""
        if self.item is None:
            return "unchanged"
        word = self.plan.conclusion if self.plan.kind == "tune" else self.item.grade
        if word in ("too little", "insufficient"):
            return "too_few"
        return "certified" if word == "certified" or self.plan.is_given else "estimated"

    @property
    def evidence(self) -> str:
        """What it rests on, or why it stays."""
        if self.rests is not None:
            return clean(self.rests.evidence, 160)
        if self.layer is None:
            return "" if self.item is None else clean(self.item.evidence, 200)
        if self.item is None:
            return f"stays: {clean(self.layer.note, 120)}" if self.layer.note else "stays"
        return f"{self.item.grade}, {count(self.layer.graded)} of {count(self.layer.attempts)} graded"

    @property
    def graded(self) -> int | None:
        """The graded facts that it rests on."""
        if self.rests is not None:
            return self.rests.n
        return self.item.n if self.item is not None else None if self.layer is None else self.layer.graded

    def end(self, which: int) -> float | None:
        """An end of the 95 % interval of the rate that it rests on."""
        rests = self.item if self.rests is None else self.rests
        return None if rests is None or rests.interval is None else rests.interval[which]

    def under(self, rule: str) -> float | None:
        """What another rule would set."""
        return next((other.values.get(self.key) for other in self.plan.alternatives if other.rule == rule), None)


def plan_lines(plan: Plan) -> list[PlanLine]:
    """A line per layer of the cascade, or per item of a plan that is about nothing else."""
    items = {item.label: item for item in plan.items}
    if not plan.layers:
        return [PlanLine(plan, item.key, item.label, item) for item in plan.items]
    return [PlanLine(plan, f"layer:{layer.layer}", layer.layer, items.get(layer.layer), layer) for layer in plan.layers]


def boost_lines(plan: Plan, in_force: Mapping[str, float]) -> list[PlanLine]:
    """A line per agent and per agent and task type: those that would change first.

    `in_force` are the policy's values by key; what a line says of now and new is what a router adds, whether it is set
    for the task type or for the agent.
    """
    items, found = {item.key: item for item in plan.items}, plan.proposals
    keys = [*(key for key in items if key in found), *(key for key in found if key not in items)]
    return [PlanLine(plan, key, boost_name(key), items.get(key), rests=found[key], own=key in in_force) for key in keys]
