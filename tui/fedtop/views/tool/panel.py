"""One tool: how far it can be trusted and why, its days, the agents it hurts, its errors and newest runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal

from fedtop.format import clean, count
from fedtop.views.errors import ERRORS, error_lines
from fedtop.views.section import Section
from fedtop.views.text_lines import TextLines
from fedtop.views.tools.columns import CALLS, USERS, for_calls
from fedtop.views.tools.parts import daily_chart, effort_words, verdict_lines
from fedtop.views.turning import TurningPanel
from fedtop.widgets.area_chart import AreaChart
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from fedstore import Reader, Window
    from fedstore.queries.models import ToolDetail
    from fedtop.state import ViewState
    from fedtop.views.panel import Args

__all__ = ["ToolPanel"]


class ToolPanel(TurningPanel["ToolDetail"]):
    """See the module. `name` is the tool's."""

    panel_id = "tool"
    heeds = "moment"
    topic = "tool"

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.title = clean(name, 40)

    def compose(self) -> ComposeResult:
        """Verdict, chart, agents beside errors, newest runs."""
        yield TextLines(id="tool-verdict")
        chart = AreaChart(tz=self.tz, empty="no runs in these 30 days", id="tool-chart")
        yield Section("runs per day", chart, id="tool-days")
        agents = LiveTable(USERS, empty="no agent used it", id="tool-agents")
        errors = LiveTable(
            ERRORS,
            empty="no error among its newest runs",
            id="tool-errors",
            classes="-plain",
        )
        with Horizontal(id="tool-who"):
            yield Section("agents that use it", agents, id="tool-agents-part")
            yield Section("errors of its newest runs", errors, id="tool-errors-part")
        calls = LiveTable(CALLS, empty="no run of it is kept", id="tool-calls", classes="-plain")
        yield Section("newest runs", calls, id="tool-latest")

    def read(self, reader: Reader, window: Window, args: Args) -> ToolDetail:
        """The tool over the rolling 30 days."""
        return reader.tool(args["name"], window)

    def show(self, data: ToolDetail, view: ViewState) -> None:  # noqa: ARG002
        """Everything there is on it."""
        row = data.row
        self.query_one("#tool-verdict", TextLines).set_lines(verdict_lines(row))
        self.query_one(AreaChart).set_data(daily_chart(data))
        self.query_one("#tool-agents", LiveTable).set_rows(USERS.rows(row.agents if row else (), self.locale()))
        errors = ERRORS.rows(error_lines(data.errors), self.locale())
        self.query_one("#tool-errors", LiveTable).set_rows(errors)
        calls, table = for_calls(data.recent), self.query_one("#tool-calls", LiveTable)
        table.set_columns(calls.fields)
        table.set_rows(calls.rows(data.recent, self.locale(data.window)))
        shown = f"{count(len(data.recent))} of {count(row.calls)}" if row is not None else ""
        told = effort_words(data.effort, self.glyphs)
        self.query_one("#tool-latest", Section).set_note(f"{shown}   {told}" if told else shown)

    @on(LiveTable.Selected, "#tool-agents")
    def _opened(self, event: LiveTable.Selected) -> None:
        event.stop()
        self.host.open_target(f"agent:{event.key}")
