"""The tools tab: which tools can be trusted, whom they hurt, and what to do about it.

Trust rests on the 30 days that end with the window. Enter opens a tool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on
from textual.containers import Horizontal, VerticalScroll

from fedtop.screens.how_to import HowTo
from fedtop.screens.panel import Panel
from fedtop.screens.section import Section
from fedtop.screens.text_lines import TextLines, bullets
from fedtop.screens.tools_rows import TOOL_COLUMNS, levels_line, tool_rows
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from fedstore import Window
    from fedstore.queries.models import ToolsView
    from fedtop.state import ViewState

__all__ = ["ToolsPanel"]

WAYS = (
    ("in an agent", 'with recorder.run("kimi") as run:  with run.tool("grep"): …'),
    ("from transcripts", "fedtop import ~/.claude/projects"),
    ("from a shell", "fedtop record execution --help"),
)


class ToolsPanel(Panel):
    """See the module."""

    panel_id = "tools"
    topic = "tool"
    title = "Tools"

    def compose(self) -> ComposeResult:
        """The table, then patterns and recommendations."""
        yield HowTo("No executions of a tool in these 30 days.", WAYS)
        yield TextLines(id="tools-levels")
        table = LiveTable(TOOL_COLUMNS, empty="no tool matches", id="tools-table")
        yield Section("trust in tools", table, id="tools-all")
        with Horizontal(id="tools-findings"):
            patterns = VerticalScroll(TextLines(id="tools-pattern-lines"))
            yield Section("failure patterns", patterns, id="tools-patterns")
            advice = VerticalScroll(TextLines(id="tools-advice-lines"))
            yield Section("recommendations", advice, id="tools-advice")

    def read(self, reader: Any, window: Window, args: Mapping[str, Any]) -> ToolsView:  # noqa: ARG002
        """The tools over the rolling 30 days."""
        view: ToolsView = reader.tools(window)
        return view

    def show(self, data: ToolsView, view: ViewState) -> None:  # noqa: ARG002
        """Table and findings."""
        self.set_class(not data.rows, "-nothing")
        self.query_one("#tools-levels", TextLines).set_lines([levels_line(data.rows)])
        self.query_one("#tools-all", Section).set_note("over the last 30 days")
        self.query_one("#tools-table", LiveTable).set_rows(tool_rows(data.rows))
        self._list("#tools-pattern-lines", data.patterns, self.glyphs.warn, "$warn", "none found")
        self._list("#tools-advice-lines", data.recommendations, self.glyphs.arrow, "$accent", "nothing to do")

    def _list(self, where: str, sentences: tuple[str, ...], glyph: str, style: str, nothing: str) -> None:
        lines = bullets(sentences, glyph, style) or [Text(nothing, "$dim")]
        self.query_one(where, TextLines).set_lines(lines)

    @on(LiveTable.Selected, "#tools-table")
    def _open_tool(self, event: LiveTable.Selected) -> None:
        event.stop()
        self.host.open_target(f"tool:{event.key}")
