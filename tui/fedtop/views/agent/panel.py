"""One agent: totals, per task type, tool and model, among its peers, its newest runs, errors and boosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on
from textual.containers import Container, Horizontal

from fedtop.format import count, counted, delta_points, duration_ms, interval, rate, tokens
from fedtop.sanitize import clean
from fedtop.values import money_cell, quality_cell, success_style
from fedtop.views.agent.columns import (
    BOOST_CHANGES,
    KINDS,
    MODELS,
    PEERS,
    USED_TOOLS,
    kind_lines,
    peer_lines,
)
from fedtop.views.agents.boosts import BoostReader
from fedtop.views.errors import ERRORS, error_lines
from fedtop.views.overview.parts import throughput_chart
from fedtop.views.panel import Panel
from fedtop.views.runs.columns import AGENT_RUNS, for_runs, runs_of
from fedtop.views.section import Section
from fedtop.views.tools.parts import effort_words
from fedtop.widgets.area_chart import AreaChart
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.tile import Tile, TileData

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from fedstore import BoostChange, Reader, Window
    from fedstore.queries.models import AgentDetail, AgentRow
    from fedtop.fields import Table
    from fedtop.glyphs import Glyphs, State
    from fedtop.state import ViewState
    from fedtop.views.agents.columns import Boosts
    from fedtop.views.panel import Args
    from fedtop.views.subject import SubjectKind
    from fedtop.widgets.table_model import Row

__all__ = ["AgentData", "AgentPanel", "agent_tiles"]

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class AgentData:
    """What the view shows."""

    detail: AgentDetail
    boosts: Boosts
    changes: tuple[BoostChange, ...]


def agent_tiles(row: AgentRow | None, glyphs: Glyphs, *, live: bool = True) -> dict[str, TileData]:
    """The key figures, by tile id; all unknown when the agent did nothing in the window."""
    if row is None:
        return {name: TileData(None, state="unknown") for name in _TILES}
    found = row.success.interval
    states: dict[str, State] = {"$alert": "alert", "$warn": "warn"}
    busy = "" if not live else f"{row.active} running" if row.active else row.state or ""
    return {
        "tasks": TileData(
            count(row.tasks),
            side="" if row.capacity is None else f"{rate(row.capacity, 0)} free",
            sub=f"{row.waiting} waiting" if row.waiting else busy,
            title="" if row.tasks_are == "runs" else row.tasks_are,
            spark=row.spark,
        ),
        "success": TileData(
            rate(row.success.value),
            side=_change(row, glyphs),
            sub=interval(found.low, found.high) if found is not None else "none graded",
            state=states.get(success_style(row.success), "ok"),
        ),
        "duration": TileData(duration_ms(row.durations.p95_ms), sub=f"mean {duration_ms(row.durations.mean_ms)}"),
        "cost": TileData(money_cell(row.cost, glyphs), sub=f"{tokens(row.tokens)} tokens" if row.tokens else ""),
        "quality": TileData(quality_cell(row.quality, row.quality_trend, glyphs), sub=f"n={count(row.quality_n)}"),
        "rework": TileData(rate(row.rework.value), sub=f"n={count(row.rework.n)}"),
    }


def _change(row: AgentRow, glyphs: Glyphs) -> str:
    """How success moved; where nothing is graded, how many runs ended in an error."""
    before, now = row.success_before.value, row.success.value
    if now is None:
        errors = row.ungraded.errored - row.ungraded.interrupted
        return counted(errors, "error") if errors else ""
    return "" if before is None else delta_points(now - before, glyphs=glyphs)


_TILES = {
    "tasks": "tasks",
    "success": "success",
    "duration": "duration p95",
    "cost": "cost",
    "quality": "quality",
    "rework": "rework",
}


_OPENS = {"peers": "agent", "tools": "tool", "kinds": "task_type"}
"""What Enter opens, by table."""


def _table(name: str, table: Table[R], empty: str) -> LiveTable:
    return LiveTable(
        table,
        id=f"agent-{name}-table",
        empty=empty,
        classes="" if name in _OPENS else "-plain",
    )


class AgentPanel(Panel[AgentData]):
    """Enter on a peer opens it, on a tool the tool, on a task type all agents on it."""

    panel_id = "agent"
    topic = "agent"
    GRADED: ClassVar[Mapping[str, SubjectKind]] = {"agent-runs-table": "run"}

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.agent = name
        self.title = clean(name, 60)
        self._boosts = BoostReader()
        self._runs: frozenset[str] = frozenset()

    def compose(self) -> ComposeResult:
        """Tiles, then two columns."""
        with Horizontal(id="agent-tiles"):
            for tile, title in _TILES.items():
                yield Tile(title, id=f"agent-tile-{tile}")
        with Horizontal(id="agent-columns"):
            with Container(id="agent-left"):
                yield Section("task types", _table("kinds", KINDS, "no run in this window"), id="agent-kinds")
                yield Section("runs over time", AreaChart(tz=self.tz), id="agent-chart")
                yield Section("newest runs", _table("runs", AGENT_RUNS, "no run in this window"), id="agent-runs")
            with Container(id="agent-right"):
                yield Section("among its peers", _table("peers", PEERS, "no agent"), id="agent-peers")
                yield Section("models", _table("models", MODELS, "no model call"), id="agent-models")
                yield Section("tools", _table("tools", USED_TOOLS, "no tool used"), id="agent-tools")
                yield Section("errors", _table("errors", ERRORS, "no error"), id="agent-errors")
                yield Section("boosts", _table("boosts", BOOST_CHANGES, "never changed"), id="agent-boosts")

    def read(self, reader: Reader, window: Window, args: Args) -> AgentData:
        """The agent, its boosts and how they came about."""
        name = args["name"]
        source = self.host.source
        boosts = self._boosts.read(reader)
        return AgentData(reader.agent(name, window), boosts, self._boosts.changes(source, reader, name))

    def show(self, data: AgentData, view: ViewState) -> None:  # noqa: ARG002
        """Every part of the same window."""
        self._runs = runs_of(data.detail.recent)
        detail, locale, boosts = data.detail, self.locale(), self.host.proposals.of(data.boosts)
        for name, tile in agent_tiles(detail.row, self.glyphs, live=detail.window.live).items():
            self.query_one(f"#agent-tile-{name}", Tile).set_data(tile)
        self.query_one(AreaChart).set_data(throughput_chart(detail.series, detail.window, detail.step_ms))
        proposed = f"proposed: what a plan would change ({boosts.outlook})" if boosts.outlook else ""
        self.query_one("#agent-kinds", Section).set_note(proposed)
        self._fill("kinds", KINDS.rows(kind_lines(detail, boosts), locale))
        runs = for_runs(AGENT_RUNS, detail.recent)
        self.query_one("#agent-runs-table", LiveTable).set_columns(runs.fields)
        self._fill("runs", runs.rows(detail.recent, locale))
        executions = detail.row is not None and detail.row.tasks_are == "executions"
        self.query_one("#agent-runs", Section).set_note("", "newest executions" if executions else "newest runs")
        self.query_one("#agent-tools", Section).set_note(effort_words(detail.effort, self.glyphs))
        self._fill("peers", PEERS.rows(peer_lines(detail.row, detail.peers, boosts), locale))
        self._fill("models", MODELS.rows(detail.models, locale))
        self._fill("tools", USED_TOOLS.rows(detail.tools, locale))
        told = detail.row.ungraded.text if detail.row is not None and detail.errors else ""
        self.query_one("#agent-errors", Section).set_note(told)
        self._fill("errors", ERRORS.rows(error_lines(detail.errors), locale))
        self._fill("boosts", BOOST_CHANGES.rows(data.changes, locale))

    def may_grade(self, subject_id: str) -> bool:
        """A run, and no execution."""
        return subject_id in self._runs

    def _fill(self, name: str, rows: Sequence[Row]) -> None:
        self.query_one(f"#agent-{name}-table", LiveTable).set_rows(rows)

    @on(LiveTable.Selected)
    def _opened(self, event: LiveTable.Selected) -> None:
        event.stop()
        kind = _OPENS.get((event.table.id or "").removeprefix("agent-").removesuffix("-table"))
        if kind is not None and (kind, event.key) != ("agent", self.agent):
            self.host.open_target(f"{kind}:{event.key}")
