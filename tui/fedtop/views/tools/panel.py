"""The tools tab: which tools can be trusted, whom they hurt, and what to do about it.

Trust rests on the 30 days that end with the window. Where there is room, the tool under the cursor shows its days,
the agents that use it and its errors; Enter opens it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.containers import Horizontal

from fedtop.format import clean
from fedtop.tabs import tab_named
from fedtop.views.errors import ERRORS, error_lines
from fedtop.views.how_to import HowTo
from fedtop.views.preview import PreviewPanel
from fedtop.views.section import Section
from fedtop.views.text_lines import TextLines, bullets
from fedtop.views.tools.columns import TOOLS, USERS
from fedtop.views.tools.parts import daily_chart, levels_line
from fedtop.widgets.area_chart import AreaChart
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.scroll import TextScroll

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.app import ComposeResult
    from textual.widget import Widget

    from fedstore import Reader, Window
    from fedstore.queries.models import ToolDetail, ToolsView
    from fedtop.state import ViewState
    from fedtop.views.panel import Args

__all__ = ["ToolsPanel"]

TAB = tab_named("tools")

WAYS = (
    ("in an agent", 'with recorder.run("kimi") as run:  with run.tool("grep"): …'),
    ("from transcripts", "fedtop import ~/.claude/projects"),
    ("from a shell", "fedtop record execution --help"),
)


@dataclass(frozen=True, slots=True)
class ToolsData:
    """All tools, and the one under the cursor."""

    view: ToolsView
    selected: ToolDetail | None


class ToolsPanel(PreviewPanel[ToolsData]):
    """See the module."""

    panel_id = TAB.id
    heeds = "moment"
    topic = TAB.topic
    title = TAB.label
    LIST = "#tools-table"
    PREVIEW = "#tools-preview"

    def compose(self) -> ComposeResult:
        """The table, then patterns and recommendations."""
        yield HowTo("No executions of a tool in these 30 days.", WAYS, window=False)
        yield TextLines(id="tools-levels")
        table = LiveTable(TOOLS, empty="no tool matches", id="tools-table")
        yield Section("trust in tools", table, id="tools-all")
        yield Section("", Horizontal(*self._preview_parts()), id="tools-preview")
        with Horizontal(id="tools-findings"):
            patterns = TextScroll(TextLines(id="tools-pattern-lines"))
            yield Section("failure patterns", patterns, id="tools-patterns")
            advice = TextScroll(TextLines(id="tools-advice-lines"))
            yield Section("recommendations", advice, id="tools-advice")

    def _preview_parts(self) -> Iterator[Widget]:
        yield AreaChart(tz=self.tz, empty="no runs in these 30 days")
        yield LiveTable(USERS, empty="no agent used it", id="tools-agents", classes="-unfiltered")
        empty = "no error among its newest runs"
        yield LiveTable(ERRORS, empty=empty, id="tools-errors", classes="-unfiltered -plain")

    def read(self, reader: Reader, window: Window, args: Args) -> ToolsData:
        """The tools over the rolling 30 days, and one of them in detail where there is room for it."""
        selected = args.get("selected")
        return ToolsData(reader.tools(window), None if selected is None else reader.tool(selected, window))

    def show(self, data: ToolsData, view: ViewState) -> None:  # noqa: ARG002
        """Table, the tool under the cursor, and findings."""
        tools = data.view
        self.set_class(not tools.rows, "-nothing")
        self.query_one("#tools-levels", TextLines).set_lines([levels_line(tools.rows)])
        self.query_one("#tools-all", Section).set_note("over the last 30 days")
        self.query_one("#tools-table", LiveTable).set_rows(TOOLS.rows(tools.rows, self.locale()))
        self._show_selected(data.selected)
        self._list("#tools-pattern-lines", tools.patterns, self.glyphs.warn, "$warn", "none found")
        self._list("#tools-advice-lines", tools.recommendations, self.glyphs.arrow, "$accent", "nothing to do")
        self.follow()

    def _show_selected(self, detail: ToolDetail | None) -> None:
        self.set_class(detail is None, "-unselected")
        if detail is None:
            return
        row = detail.row
        title = "" if row is None else f"{clean(row.name, 40)}, runs per day"
        self.query_one("#tools-preview", Section).set_note("", title)
        self.query_one(AreaChart).set_data(daily_chart(detail))
        self.query_one("#tools-agents", LiveTable).set_rows(USERS.rows(row.agents if row else (), self.locale()))
        errors = ERRORS.rows(error_lines(detail.errors), self.locale())
        self.query_one("#tools-errors", LiveTable).set_rows(errors)

    def _list(self, where: str, sentences: tuple[str, ...], glyph: str, style: str, nothing: str) -> None:
        lines = bullets(sentences, glyph, style) or [Text(nothing, "$dim")]
        self.query_one(where, TextLines).set_lines(lines)

    @on(LiveTable.Highlighted, "#tools-table")
    def _moved(self) -> None:
        self.follow()

    @on(LiveTable.Selected, "#tools-agents")
    def _open_agent(self, event: LiveTable.Selected) -> None:
        event.stop()
        self.host.open_target(f"agent:{event.key}")

    @on(LiveTable.Selected, "#tools-table")
    def _open_tool(self, event: LiveTable.Selected) -> None:
        event.stop()
        self.host.open_target(f"tool:{event.key}")
