"""The cascade tab: who decides, how well, and whether each layer meets its target.

A staircase of shares, a table of the layers, the newest decisions. Enter on a layer opens its lever, on a
decision its ladder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical

from fedtop.tabs import tab_named
from fedtop.views.cascade.columns import DECISIONS, LAYERS
from fedtop.views.cascade.funnel import CascadeFunnel, funnel_steps
from fedtop.views.cascade.parts import summary_parts, target_parts
from fedtop.views.how_to import HowTo
from fedtop.views.panel import Panel
from fedtop.views.section import Section
from fedtop.views.text_lines import TextLines
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from fedstore import Reader, Window
    from fedstore.queries.models import CascadeView
    from fedtop.state import ViewState
    from fedtop.views.panel import Args
    from fedtop.views.subject import SubjectKind

__all__ = ["CascadePanel"]

TAB = tab_named("cascade")

WAYS = (
    ("in a router", "Recorder().route(agent=…, layer=…, attempts=[…])"),
    ("or let it run the layers", 'fedstore.Cascade(layers=[("keyword", fn), …])'),
    ("from a routing log", "fedtop import performance.jsonl"),
    ("to try it", "fedtop sample -n 500 --store PATH"),
)


class CascadePanel(Panel["CascadeView"]):
    """See the module."""

    panel_id = TAB.id
    topic = TAB.topic
    title = TAB.label
    GRADED: ClassVar[Mapping[str, SubjectKind]] = {"decisions": "route"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "M", "app.open('grading')", "grading queue", id="cascade.grade",
            tooltip="Grade the decisions that settle most",
        ),
    ]  # fmt: skip

    def compose(self) -> ComposeResult:
        """Summary and targets, then the layers, then the newest decisions."""
        yield HowTo("No routing decisions in this window.", WAYS)
        with Vertical(id="cascade-lines"):
            yield TextLines(id="cascade-summary")
            yield TextLines(id="cascade-targets")
            yield TextLines(id="cascade-targets-brief")
        with Container(id="cascade-top"):
            yield Section("who decides", CascadeFunnel(id="cascade-funnel"), id="cascade-funnel-part")
            yield Section("layers", LiveTable(LAYERS, id="layers"), id="cascade-layers")
        latest = LiveTable(DECISIONS, empty="no decision kept in this window", id="decisions")
        yield Section("latest decisions", latest, id="cascade-latest")

    def read(self, reader: Reader, window: Window, args: Args) -> CascadeView:  # noqa: ARG002
        """The cascade over the window."""
        return reader.cascade(window)

    def show(self, data: CascadeView, view: ViewState) -> None:  # noqa: ARG002
        """Funnel, table, decisions; without a decision how to get some."""
        self.set_class(not data.routes, "-nothing")
        self.query_one("#cascade-summary", TextLines).set_lines([summary_parts(data)])
        self.query_one("#cascade-targets", TextLines).set_lines([target_parts(data.targets)])
        brief = target_parts(data.targets, brief=True)
        self.query_one("#cascade-targets-brief", TextLines).set_lines([brief])
        self.query_one("#cascade-layers", Section).set_note("Enter: move its threshold")
        self.query_one("#cascade-latest", Section).set_note("Enter: why")
        self.query_one(CascadeFunnel).set_steps(funnel_steps(data.layers))
        self.query_one("#layers", LiveTable).set_rows(LAYERS.rows(data.layers, self.locale()))
        decisions = DECISIONS.rows(data.recent, self.locale(data.window))
        self.query_one("#decisions", LiveTable).set_rows(decisions)

    @on(LiveTable.Selected, "#layers")
    def _open_layer(self, event: LiveTable.Selected) -> None:
        event.stop()
        self.host.open_target(f"layer:{event.key}")

    @on(LiveTable.Selected, "#decisions")
    def _open_why(self, event: LiveTable.Selected) -> None:
        event.stop()
        self.host.open_target(f"why:{event.key}")
