"""The table of what a plan sets, as a widget: in a dry run, and in the ledger of what was set."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fedtop.views.plan.columns import SETTINGS
from fedtop.views.plan.lines import plan_lines
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from fedstore import Plan
    from fedtop.fields import Locale

__all__ = ["PlanTable"]


class PlanTable(LiveTable):
    """The lines of a plan: `names` are (old, new), and the share of decisions has a column only where there is one."""

    def __init__(self, names: tuple[str, str] = ("now", "new"), *, id: str | None = None) -> None:  # noqa: A002
        old, new = (replace(SETTINGS[key], label=name) for key, name in zip(("now", "new"), names, strict=True))
        self._table = SETTINGS.changed(old, new)
        super().__init__(self._table, empty="the plan changes nothing", id=id)

    def set_plan(self, plan: Plan, locale: Locale) -> None:
        """Shows its lines."""
        shown = self._table if plan.layers else self._table.hiding("captured_new")
        self.set_columns(shown.fields)
        self.set_rows(shown.rows(plan_lines(plan), locale))
