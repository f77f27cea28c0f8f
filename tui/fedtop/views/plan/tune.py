"""The dry-run after `t`: thresholds of the cascade, and the decisions that would go elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from fedtop.views.plan.columns import FLIPS, flips_first
from fedtop.views.plan.panel import PlanPanel
from fedtop.views.plan.plan_table import PlanTable
from fedtop.views.section import Section
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from fedstore import Plan
    from fedstore.learning.rules import PlanKind

__all__ = ["TunePanel"]


class TunePanel(PlanPanel):
    """Enter lists the decisions that would go elsewhere, and on one of them shows why."""

    panel_id = "tune"
    topic = "layer"
    title = "tune (dry-run)"
    kind: ClassVar[PlanKind] = "tune"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "again", "again", id="plan.again_t", show=False, tooltip="Make the plan anew"),
    ]

    def compose(self) -> ComposeResult:
        """Where there is room, the decisions that would go elsewhere stand below."""
        yield from super().compose()
        table = LiveTable(FLIPS, id="plan-flipped", classes="-unfiltered")
        yield Section("decisions that would go elsewhere", table, id="plan-flips")

    def _table(self) -> LiveTable:
        return PlanTable(id="plan-items")

    def _fill(self, plan: Plan) -> None:
        locale = replace(self.locale(), now_ms=plan.made_ms)
        self.query_one("#plan-items", PlanTable).set_plan(plan, locale)
        self.set_class(bool(plan.flipped), "-flips")
        rows = FLIPS.rows(flips_first(plan.flipped), locale)
        self.query_one("#plan-flips LiveTable", LiveTable).set_rows(rows)

    def _open(self, plan: Plan, table: LiveTable, key: str) -> None:
        if table.id != "plan-items":
            self.host.open_target(f"why:{key}")
        elif plan.flipped:
            self.action_flips()
        else:
            self.app.notify("No decision would go elsewhere", timeout=2, markup=False)
