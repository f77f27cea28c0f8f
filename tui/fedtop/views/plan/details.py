"""What stands behind a plan: the decisions that would go elsewhere, and what one boost rests on.

`EvidencePanel` shows the same of a boost that is only proposed in the matrix, read anew as the store grows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType

from fedstore import Plan
from fedtop.format import clean, count
from fedtop.loop import Paced, glance
from fedtop.views.panel import Panel
from fedtop.views.plan.columns import FLIPS, flips_first
from fedtop.views.plan.items import boost_name, setting_lines
from fedtop.views.plan.sentences import flips_parts
from fedtop.views.text_lines import TextLines
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from fedstore import Reader, Window
    from fedtop.state import ViewState
    from fedtop.views.panel import Args, Heeds
    from fedtop.views.subject import SubjectKind

__all__ = ["BoostPanel", "EvidencePanel", "FlipsPanel"]


class FlipsPanel(Panel[None]):
    """The newest of the decisions that would go elsewhere; Enter shows why one went where it went."""

    panel_id = "flips"
    heeds = "nothing"
    polls = False
    GRADED: ClassVar[Mapping[str, SubjectKind]] = {"flips-table": "route"}

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan
        self.title = f"what plan {clean(plan.id, 40)} would change"

    def compose(self) -> ComposeResult:
        """The counts, then the decisions."""
        yield TextLines(id="flips-counts")
        yield LiveTable(FLIPS, id="flips-table", empty="no decision of the window would go elsewhere")

    def on_mount(self) -> None:
        """All there is to show is in the plan."""
        shown, total = len(self._plan.flipped), self._plan.flips.total if self._plan.flips else 0
        parts = flips_parts(self._plan)[:-1]
        newest = (Text(f"listed are the newest {count(shown)}", "$dim"),) if shown < total else ()
        self.query_one(TextLines).set_lines([(*parts, *newest)] if parts else [])
        locale = replace(self.locale(), now_ms=self._plan.made_ms)
        self.query_one(LiveTable).set_rows(FLIPS.rows(flips_first(self._plan.flipped), locale))

    @on(LiveTable.Selected)
    def _opened(self, event: LiveTable.Selected) -> None:
        event.stop()
        self.host.open_target(f"why:{event.key}")


class BoostPanel(Panel[Plan], can_focus=True):
    """What the proposed boost of an agent (and task type) rests on; `key` is that of the policy's item."""

    panel_id = "boost"
    heeds: ClassVar[Heeds] = "nothing"
    polls = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_agent", "the agent", id="boost.agent", tooltip="Open the agent"),
    ]

    def __init__(self, plan: Plan, key: str) -> None:
        super().__init__()
        self._plan, self._key = plan, key
        self.title = f"the boost of {boost_name(key)}"

    def compose(self) -> ComposeResult:
        """Sentences."""
        yield TextLines(id="boost-lines")

    def on_mount(self) -> None:
        """All there is to show is in the plan."""
        self._show_plan(self._plan)

    def _show_plan(self, plan: Plan) -> None:
        self._plan = plan
        self.query_one(TextLines).set_lines(setting_lines(plan, self._key, self.glyphs))
        self.refresh_bindings()

    def take_focus(self) -> None:
        """There is no table."""
        self.screen.set_focus(self, scroll_visible=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only an agent that the plan knows of can be opened."""
        if action == "open_agent" and self._key not in self._plan.proposals:
            return False
        return super().check_action(action, parameters)

    def action_open_agent(self) -> None:
        """The agent that the boost is for."""
        rests = self._plan.proposals.get(self._key)
        if rests is not None:
            self.host.open_target(f"agent:{rests.agent}")


class EvidencePanel(BoostPanel):
    """What the present evidence proposes for one pair, by the key of its boost; nothing is kept as a plan."""

    heeds: ClassVar[Heeds] = "window"
    polls = True

    def __init__(self, key: str) -> None:
        super().__init__(Plan("optimize", "", "nothing", 0, 0, ""), key)
        self._paced: Paced[Plan] = Paced()

    def on_mount(self) -> None:
        """The reading follows."""

    def read(self, reader: Reader, window: Window, args: Args) -> Plan:  # noqa: ARG002
        """The proposal on the tasks of the window."""
        moment = 0 if window.live else window.end_ms
        return self._paced.get((window.label, moment), lambda: glance(self.host.source, window))

    def show(self, data: Plan, view: ViewState) -> None:  # noqa: ARG002
        """The one boost of it."""
        self._show_plan(data)
