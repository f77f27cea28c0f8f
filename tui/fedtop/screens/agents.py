"""The agents tab: a row per agent, and below it how each does at each type of task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import on

from fedtop.format import boost, count, rate_text
from fedtop.sanitize import clean
from fedtop.screens.agent_rows import AGENT_COLUMNS, Boosts, agent_rows, columns_for, matrix_of
from fedtop.screens.boosts import read_boosts
from fedtop.screens.line import Line
from fedtop.screens.panel import Panel
from fedtop.screens.section import Section
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.matrix import Matrix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from fedstore.queries.models import AgentsView, MatrixCell
    from fedstore.window import Window
    from fedtop.state import ViewState

__all__ = ["AgentsData", "AgentsPanel", "cell_line"]


@dataclass(frozen=True, slots=True)
class AgentsData:
    """What the tab shows."""

    view: AgentsView
    boosts: Boosts


def cell_line(cell: MatrixCell | None, agent: str, task_type: str, boosts: Boosts) -> Text:
    """What a cell of the matrix rests on, in one line."""
    line = Text.assemble((f"{clean(agent, 40)} on {clean(task_type, 40) or '(none)'}  ", "bold"))
    if cell is None or cell.success.value is None:
        tried = f"{count(cell.tasks)} tasks, none judged" if cell is not None else "never tried in this window"
        return Text.assemble(line, (tried, "$dim"))
    interval = cell.success.interval
    low, high = (interval.low, interval.high) if interval is not None else (None, None)
    line.append_text(rate_text(cell.success.value, low, high, cell.success.n))
    key = (agent, task_type)
    for label, values in (("in force", boosts.in_force), ("proposed", boosts.proposed)):
        if values.get(key):
            line.append(f"   {label} ", "$dim")
            line.append(boost(values[key]), "$ok" if values[key] > 0 else "$alert")
    return line


class AgentsPanel(Panel):
    """Enter opens the agent under the cursor, in the table as in the matrix."""

    panel_id = "agents"
    title = "Agents"

    _data: AgentsData | None = None

    def compose(self) -> ComposeResult:
        """Table, matrix, and the line that explains a cell."""
        yield LiveTable(AGENT_COLUMNS, id="agents-table", empty="no run of any agent in this window")
        yield Section(
            "success by task type, with the proposed boost",
            Matrix(corner="agent", cell_width=14, id="agents-matrix", empty="no run in this window", classes="-unfiltered"),
            id="agents-cells",
        )
        yield Line(id="agents-line")

    def read(self, reader: Any, window: Window, args: Mapping[str, Any]) -> AgentsData:  # noqa: ARG002
        """Rows, cells and boosts."""
        view = reader.agents(window)
        return AgentsData(view, read_boosts(reader, window, [row.name for row in view.rows]))

    def show(self, data: AgentsData, view: ViewState) -> None:  # noqa: ARG002
        """Table and matrix of the same window."""
        self._data = data
        rows = agent_rows(data.view.rows, data.boosts, self.glyphs)
        table = self.query_one("#agents-table", LiveTable)
        table.set_columns(columns_for(AGENT_COLUMNS, data.boosts))
        table.set_rows(rows)
        matrix = self.query_one(Matrix)
        matrix.set_matrix(*matrix_of(data.view, data.boosts))
        self._explain(matrix.cursor_key, matrix.cursor_column)

    def _explain(self, agent: str | None, task_type: str | None) -> None:
        if self._data is None or agent is None or task_type is None:
            self.query_one(Line).set_text(Text(""))
            return
        cells = self._data.view.cells
        cell = next((c for c in cells if c.agent == agent and c.task_type == task_type), None)
        self.query_one(Line).set_text(cell_line(cell, agent, task_type, self._data.boosts))

    @on(Matrix.Highlighted)
    def _cell_highlighted(self, event: Matrix.Highlighted) -> None:
        if isinstance(event.table, Matrix):
            self._explain(event.key, event.column)

    @on(LiveTable.Selected)
    def _opened(self, event: LiveTable.Selected) -> None:
        event.stop()
        self.host.open_target(f"agent:{event.key}")
