"""The agents tab: a row per agent, and below it how each does at each type of task."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.containers import Horizontal

from fedstore import boost_key
from fedtop.format import boost, counted, rate_text
from fedtop.sanitize import clean
from fedtop.tabs import tab_named
from fedtop.views.agents.boosts import BoostReader
from fedtop.views.agents.columns import AGENTS, MATRIX, Boosts, agent_lines, for_boosts
from fedtop.views.agents.matrix import matrix_of
from fedtop.views.line import Line
from fedtop.views.overview.parts import throughput_chart
from fedtop.views.preview import PreviewPanel
from fedtop.views.runs.columns import AGENT_RUNS, runs_of
from fedtop.views.section import Section
from fedtop.widgets.area_chart import AreaChart
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.matrix import Matrix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from fedstore import Reader, Window
    from fedstore.queries.models import AgentDetail, AgentsView, MatrixCell
    from fedtop.state import ViewState
    from fedtop.views.panel import Args
    from fedtop.views.subject import SubjectKind

__all__ = ["AgentsData", "AgentsPanel", "cell_line"]

TAB = tab_named("agents")


@dataclass(frozen=True, slots=True)
class AgentsData:
    """What the tab shows; ``selected`` is the agent under the cursor, in more detail."""

    view: AgentsView
    boosts: Boosts
    selected: AgentDetail | None


def cell_line(cell: MatrixCell | None, agent: str, task_type: str, boosts: Boosts) -> Text:
    """What a cell of the matrix rests on, in one line."""
    line = Text.assemble((f"{clean(agent, 40)} on {clean(task_type, 40) or '(none)'}  ", "bold"))
    if cell is None or cell.success.value is None:
        tried = f"{counted(cell.tasks, 'task')}, none graded" if cell is not None else "never tried in this window"
        return Text.assemble(line, (tried, "$dim"))
    interval = cell.success.interval
    low, high = (interval.low, interval.high) if interval is not None else (None, None)
    line.append_text(rate_text(cell.success.value, low, high, cell.success.n))
    found = boosts.of(agent, task_type)
    own = " (the agent's own)" if found.in_force is None else ""
    plan = f" ({boosts.outlook})" if boosts.outlook else ""
    told = (("in force", found.effective or None, own), ("proposed", found.proposed if found.move else None, plan))
    for label, value, note in told:
        if value is not None:
            line.append(f"   {label} ", "$dim")
            line.append(boost(value), "$dim" if not value else "$ok" if value > 0 else "$alert")
            line.append(note, "$dim")
    return line


class AgentsPanel(PreviewPanel[AgentsData]):
    """Enter opens the agent under the cursor; in the matrix, what the boost of the pair rests on."""

    panel_id = TAB.id
    topic = TAB.topic
    title = TAB.label
    LIST = "#agents-table"
    PREVIEW = "#agents-preview"
    GRADED: ClassVar[Mapping[str, SubjectKind]] = {"agents-runs": "run"}

    def __init__(self) -> None:
        super().__init__()
        self._data: AgentsData | None = None
        self._boosts = BoostReader()

    def compose(self) -> ComposeResult:
        """Table, matrix, and the line that explains a cell."""
        yield LiveTable(AGENTS, id="agents-table", empty="no run of any agent in this window")
        yield Section(
            "success by task type",
            Matrix(
                corner="agent",
                cell_width=14,
                names=MATRIX.names,
                id="agents-matrix",
                empty="no run in this window",
                classes="-unfiltered",
            ),
            id="agents-cells",
        )
        yield Line(id="agents-line")
        runs = LiveTable(
            AGENT_RUNS,
            id="agents-runs",
            empty="no run in this window",
            classes="-unfiltered",
        )
        yield Section("", Horizontal(AreaChart(tz=self.tz), runs), id="agents-preview")

    def read(self, reader: Reader, window: Window, args: Args) -> AgentsData:
        """Rows, cells and boosts, and one agent in detail where there is room for it."""
        view = reader.agents(window)
        boosts = self._boosts.read(reader)
        selected = args.get("selected")
        return AgentsData(view, boosts, None if selected is None else reader.agent(selected, window, view.rows))

    def show(self, data: AgentsData, view: ViewState) -> None:  # noqa: ARG002
        """Table and matrix of the same window."""
        self._data = data = replace(data, boosts=self.host.proposals.of(data.boosts))
        lines = agent_lines(data.view.rows, data.boosts, live=data.view.window.live)
        agents = for_boosts(AGENTS, lines)
        table = self.query_one("#agents-table", LiveTable)
        table.set_columns(agents.fields)
        table.set_rows(agents.rows(lines, self.locale()))
        matrix = self.query_one(Matrix)
        matrix.set_matrix(*matrix_of(data.view, data.boosts))
        arrows = f"; arrows: the plan of {data.boosts.outlook}" if data.boosts.outlook else ""
        self.query_one("#agents-cells", Section).set_note(f"with the boost added{arrows}")
        self._explain(matrix.cursor_key, matrix.cursor_column)
        self._show_selected(data.selected)
        self.follow()

    def _show_selected(self, detail: AgentDetail | None) -> None:
        """The agent under the cursor: its runs over time, and the newest of them."""
        self.set_class(detail is None, "-unselected")
        if detail is None:
            return
        name = detail.row.name if detail.row is not None else ""
        self.query_one("#agents-preview", Section).set_note("", name)
        chart = throughput_chart(detail.series, detail.window, detail.step_ms)
        self.query_one("#agents-preview AreaChart", AreaChart).set_data(chart)
        self.query_one("#agents-runs", LiveTable).set_rows(AGENT_RUNS.rows(detail.recent, self.locale()))

    def may_grade(self, subject_id: str) -> bool:
        """A run, and no execution."""
        selected = None if self._data is None else self._data.selected
        return selected is not None and subject_id in runs_of(selected.recent)

    def _explain(self, agent: str | None, task_type: str | None) -> None:
        if self._data is None or agent is None or task_type is None:
            self.query_one(Line).set_text(Text(""))
            return
        cells = self._data.view.cells
        cell = next((c for c in cells if c.agent == agent and c.task_type == task_type), None)
        self.query_one(Line).set_text(cell_line(cell, agent, task_type, self._data.boosts))

    @on(LiveTable.Highlighted)
    def _highlighted(self, event: LiveTable.Highlighted) -> None:
        if isinstance(event.table, Matrix):
            self._explain(event.key, event.column)
        elif event.table.id == "agents-table":
            self.follow()

    @on(LiveTable.Selected)
    def _opened(self, event: LiveTable.Selected) -> None:
        event.stop()
        if isinstance(event.table, Matrix):
            self.host.open_target(f"boost:{boost_key(event.key, event.column or '')}")
            return
        agent = self.args.get("selected") if event.table.id == "agents-runs" else event.key
        self.host.open_target(f"agent:{agent}")
