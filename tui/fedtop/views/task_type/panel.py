"""One type of task: the agents on it, best first, with the boosts for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on

from fedstore.queries.models import Ungraded
from fedtop.format import count, counted
from fedtop.sanitize import clean
from fedtop.views.agents.boosts import BoostReader
from fedtop.views.agents.columns import TYPE_AGENTS, Boosts, agent_lines, for_boosts
from fedtop.views.line import Line
from fedtop.views.panel import Panel
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from fedstore import Reader, Window
    from fedstore.queries.models import AgentRow
    from fedtop.state import ViewState
    from fedtop.views.panel import Args

__all__ = ["TaskTypeData", "TaskTypePanel"]


@dataclass(frozen=True, slots=True)
class TaskTypeData:
    """What the view shows."""

    rows: tuple[AgentRow, ...]
    boosts: Boosts


class TaskTypePanel(Panel[TaskTypeData]):
    """Enter opens the agent."""

    panel_id = "task_type"
    topic = "task_type"

    def __init__(self, name: str = "") -> None:
        super().__init__(name=name)
        self.task_type = name
        self.title = clean(name, 60) or "(no task type)"
        self._boosts = BoostReader()

    def compose(self) -> ComposeResult:
        """A sum, and the agents."""
        yield Line(id="type-line")
        yield LiveTable(TYPE_AGENTS, id="type-table", empty="no run of this type in this window")

    def read(self, reader: Reader, window: Window, args: Args) -> TaskTypeData:
        """The agents on it, and their boosts for it."""
        return TaskTypeData(reader.task_type(args["name"], window), self._boosts.read(reader))

    def show(self, data: TaskTypeData, view: ViewState) -> None:  # noqa: ARG002
        """The agents, best first."""
        table = self.query_one(LiveTable)
        lines = agent_lines(data.rows, self.host.proposals.of(data.boosts), self.task_type)
        agents = for_boosts(TYPE_AGENTS, lines)
        table.set_columns(agents.fields)
        table.set_rows(agents.rows(lines, self.locale()))
        tasks = sum(row.tasks for row in data.rows)
        by = f" {'task' if tasks == 1 else 'tasks'} by {counted(len(data.rows), 'agent')}, best first"
        told = sum((row.ungraded for row in data.rows), Ungraded()).text
        line = Text.assemble((count(tasks), "bold"), (f"{by}, {told}" if told else by, "$dim"))
        self.query_one(Line).set_text(line)

    @on(LiveTable.Selected)
    def _opened(self, event: LiveTable.Selected) -> None:
        event.stop()
        self.host.open_target(f"agent:{event.key}")
