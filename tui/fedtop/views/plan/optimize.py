"""The dry-run after `o`: boosts for agents, the three rules side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from fedtop.views.plan.columns import BOOSTS
from fedtop.views.plan.details import BoostPanel
from fedtop.views.plan.lines import boost_lines
from fedtop.views.plan.panel import PlanPanel
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from fedstore import Plan
    from fedstore.learning.rules import PlanKind

__all__ = ["OptimizePanel"]


class OptimizePanel(PlanPanel):
    """Enter shows what a boost rests on."""

    panel_id = "optimize"
    topic = "agent"
    title = "optimize (dry-run)"
    kind: ClassVar[PlanKind] = "optimize"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "again", "again", id="plan.again_o", show=False, tooltip="Make the plan anew"),
    ]

    def _table(self) -> LiveTable:
        return LiveTable(BOOSTS, id="plan-items", empty="no graded task of any agent in this window")

    def _fill(self, plan: Plan) -> None:
        rows = BOOSTS.rows(boost_lines(plan, self._in_force), self.locale())
        self.query_one("#plan-items", LiveTable).set_rows(rows)

    def _open(self, plan: Plan, table: LiveTable, key: str) -> None:  # noqa: ARG002
        self.host.open_panel(BoostPanel(plan, key))
