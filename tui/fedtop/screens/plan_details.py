"""What stands behind a plan: the decisions that would go elsewhere, and what one boost rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual import on

from fedtop.format import clean, count
from fedtop.screens.panel import Panel
from fedtop.screens.plan_items import boost_name, setting_lines
from fedtop.screens.plan_rows import FLIP_COLUMNS, flip_rows, flips_parts
from fedtop.screens.text_lines import TextLines
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from fedstore import Plan

__all__ = ["BoostPanel", "FlipsPanel"]


class FlipsPanel(Panel):
    """The newest of the decisions that would go elsewhere; Enter shows why one went where it went."""

    panel_id = "flips"
    polls = False

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan
        self.title = f"what plan {clean(plan.id, 40)} would change"

    def compose(self) -> ComposeResult:
        """The counts, then the decisions."""
        yield TextLines(id="flips-counts")
        yield LiveTable(FLIP_COLUMNS, id="flips-table", empty="no decision of the window would go elsewhere")

    def on_mount(self) -> None:
        """All there is to show is in the plan."""
        shown, total = len(self._plan.flipped), (self._plan.flips or {}).get("total", 0)
        parts = flips_parts(self._plan)[:-1]
        newest = (Text(f"the newest {count(shown)} are listed", "$dim"),) if shown < total else ()
        self.query_one(TextLines).set_lines([(*parts, *newest)] if parts else [])
        self.query_one(LiveTable).set_rows(flip_rows(self._plan.flipped, self.tz, self.glyphs))

    @on(LiveTable.Selected)
    def _opened(self, event: LiveTable.Selected) -> None:
        event.stop()
        self.host.open_target(f"why:{event.key}")


class BoostPanel(Panel, can_focus=True):
    """What the proposed boost of an agent (and task type) rests on."""

    panel_id = "boost"
    polls = False

    def __init__(self, plan: Plan, key: str) -> None:
        super().__init__()
        self._plan, self._key = plan, key
        self.title = f"the boost of {boost_name(key)}"

    def compose(self) -> ComposeResult:
        """Sentences."""
        yield TextLines(id="boost-lines")

    def on_mount(self) -> None:
        """All there is to show is in the plan."""
        self.query_one(TextLines).set_lines(setting_lines(self._plan, self._key, self.glyphs))
        self.focus(scroll_visible=False)

    def take_focus(self) -> None:
        """There is no table."""
        self.focus(scroll_visible=False)
