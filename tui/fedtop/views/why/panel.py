"""Why one routing decision went where it went: its ladder, and the policy then and now; `m` grades it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rich.text import Text

from fedtop.format import clean
from fedtop.views.panel import Panel
from fedtop.views.section import Section
from fedtop.views.subject import Subject
from fedtop.views.text_lines import TextLines
from fedtop.views.why.columns import LADDER, not_reached
from fedtop.views.why.parts import decision_lines
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from fedstore import Reader, Window
    from fedstore.queries.models import WhyView
    from fedtop.state import ViewState
    from fedtop.views.panel import Args

__all__ = ["WhyPanel"]


class WhyPanel(Panel["WhyView | None"], can_focus=True):
    """See the module. `route_id` is the decision's."""

    panel_id = "why"
    heeds = "nothing"

    def __init__(self, route_id: str) -> None:
        super().__init__(route_id=route_id)
        self.route_id = route_id
        self.title = f"why {clean(route_id, 40)}"
        self._view: WhyView | None = None

    def compose(self) -> ComposeResult:
        """The decision and its ladder."""
        yield TextLines(id="why-decision")
        ladder = LiveTable(LADDER, empty="no attempts recorded", show_cursor=False, id="why-ladder")
        ladder.can_focus = False
        yield Section("the layers it went through", ladder, id="why-layers")

    def read(self, reader: Reader, window: Window, args: Args) -> WhyView | None:  # noqa: ARG002
        """The decision with its attempts, and the layers it never came to."""
        found = reader.why(args["route_id"])
        if found is None:
            return None
        return replace(found, steps=(*found.steps, *not_reached(found, reader.layers_seen())))

    def show(self, data: WhyView | None, view: ViewState) -> None:  # noqa: ARG002
        """Its ladder; or that it is gone."""
        self._view = data
        self.set_class(data is None, "-gone")
        lines = self.query_one("#why-decision", TextLines)
        if data is None:
            lines.set_lines([Text("This decision is not in the store (any more).", "bold")])
        else:
            lines.set_lines(decision_lines(data, self.tz, self.host.now()))
        self.query_one("#why-ladder", LiveTable).set_rows(LADDER.rows(data.steps if data else (), self.locale()))
        self.refresh_bindings()

    def take_focus(self) -> None:
        """The panel itself has the keys."""
        self.focus(scroll_visible=False)

    def subject(self) -> Subject | None:
        """The decision, while it is there."""
        return None if self._view is None else Subject("route", self.route_id)
