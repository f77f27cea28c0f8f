"""One agent: totals, per task type, tool and model, among its peers, its newest runs, errors and boosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Container, Horizontal

from fedtop.format import count, delta_points, duration_ms, interval, rate, tokens
from fedtop.sanitize import clean
from fedtop.views.agent.columns import (
    CHANGE_COLUMNS,
    ERROR_COLUMNS,
    KIND_COLUMNS,
    MODEL_COLUMNS,
    PEER_COLUMNS,
    RUN_COLUMNS,
    USED_TOOL_COLUMNS,
    capacity_text,
    change_rows,
    error_rows,
    kind_rows,
    model_rows,
    peer_rows,
    run_rows,
    used_tool_rows,
)
from fedtop.views.agents.boosts import BoostReader
from fedtop.views.overview.parts import throughput_chart
from fedtop.views.panel import Panel
from fedtop.views.section import Section
from fedtop.views.values import money_cell, quality_cell, success_style
from fedtop.widgets.area_chart import AreaChart
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.tile import Tile, TileData

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from fedstore import BoostChange, Reader, Window
    from fedstore.queries.models import AgentDetail, AgentRow
    from fedtop.glyphs import Glyphs, State
    from fedtop.state import ViewState
    from fedtop.views.agents.columns import Boosts
    from fedtop.views.panel import Args
    from fedtop.widgets.table_model import Column, Row

__all__ = ["AgentData", "AgentPanel", "agent_tiles"]


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
    before = row.success_before.value
    states: dict[str, State] = {"$alert": "alert", "$warn": "warn"}
    change = "" if before is None or found is None else delta_points((row.success.value or 0) - before, glyphs=glyphs)
    busy = "" if not live else f"{row.active} running" if row.active else "idle"
    return {
        "tasks": TileData(
            count(row.tasks),
            side=capacity_text(row.capacity) or "",
            sub=f"{row.waiting} waiting" if row.waiting else busy,
            spark=row.spark,
        ),
        "success": TileData(
            rate(row.success.value),
            side=change,
            sub=interval(found.low, found.high) if found is not None else "none judged",
            state=states.get(success_style(row.success), "ok"),
        ),
        "duration": TileData(duration_ms(row.durations.p95_ms), sub=f"mean {duration_ms(row.durations.mean_ms)}"),
        "cost": TileData(money_cell(row.cost, glyphs), sub=f"{tokens(row.tokens)} tokens" if row.tokens else ""),
        "quality": TileData(quality_cell(row.quality, row.quality_trend, glyphs), sub=f"n={count(row.quality_n)}"),
        "rework": TileData(rate(row.rework.value), sub=f"n={count(row.rework.n)}"),
    }


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


def _table(name: str, columns: Sequence[Column], empty: str) -> LiveTable:
    return LiveTable(columns, id=f"agent-{name}-table", empty=empty, classes="" if name in _OPENS else "-plain")


class AgentPanel(Panel[AgentData]):
    """Enter on a peer opens it, on a tool the tool, on a task type all agents on it."""

    panel_id = "agent"
    topic = "agent"

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.agent = name
        self.title = clean(name, 60)
        self._boosts = BoostReader()

    def compose(self) -> ComposeResult:
        """Tiles, then two columns."""
        with Horizontal(id="agent-tiles"):
            for tile, title in _TILES.items():
                yield Tile(title, id=f"agent-tile-{tile}")
        with Horizontal(id="agent-columns"):
            with Container(id="agent-left"):
                yield Section("task types", _table("kinds", KIND_COLUMNS, "no run in this window"), id="agent-kinds")
                yield Section("runs over time", AreaChart(tz=self.tz), id="agent-chart")
                yield Section("newest runs", _table("runs", RUN_COLUMNS, "no run in this window"), id="agent-runs")
            with Container(id="agent-right"):
                yield Section("among its peers", _table("peers", PEER_COLUMNS, "no agent"), id="agent-peers")
                yield Section("models", _table("models", MODEL_COLUMNS, "no model call"), id="agent-models")
                yield Section("tools", _table("tools", USED_TOOL_COLUMNS, "no tool used"), id="agent-tools")
                yield Section("errors", _table("errors", ERROR_COLUMNS, "no error"), id="agent-errors")
                yield Section("boosts", _table("boosts", CHANGE_COLUMNS, "never changed"), id="agent-boosts")

    def read(self, reader: Reader, window: Window, args: Args) -> AgentData:
        """The agent, its boosts and how they came about."""
        name = args["name"]
        source = self.host.source
        boosts = self._boosts.read(source, reader, window, self.host.now())
        return AgentData(reader.agent(name, window), boosts, self._boosts.changes(source, reader, name))

    def show(self, data: AgentData, view: ViewState) -> None:  # noqa: ARG002
        """Every part of the same window."""
        detail, glyphs, now = data.detail, self.glyphs, self.host.now()
        for name, tile in agent_tiles(detail.row, glyphs, live=detail.window.live).items():
            self.query_one(f"#agent-tile-{name}", Tile).set_data(tile)
        self.query_one(AreaChart).set_data(throughput_chart(detail.series, detail.window, detail.step_ms))
        self._fill("kinds", kind_rows(detail, self.agent, data.boosts))
        self._fill("runs", run_rows(detail.recent, self.tz, now, glyphs))
        self._fill("peers", peer_rows(detail.row, detail.peers, glyphs))
        self._fill("models", model_rows(detail.models, glyphs))
        self._fill("tools", used_tool_rows(detail.tools, glyphs))
        self._fill("errors", error_rows(detail.errors))
        self._fill("boosts", change_rows(data.changes, self.tz, now, glyphs))

    def _fill(self, name: str, rows: Sequence[Row]) -> None:
        self.query_one(f"#agent-{name}-table", LiveTable).set_rows(rows)

    @on(LiveTable.Selected)
    def _opened(self, event: LiveTable.Selected) -> None:
        event.stop()
        kind = _OPENS.get((event.table.id or "").removeprefix("agent-").removesuffix("-table"))
        if kind is not None and (kind, event.key) != ("agent", self.agent):
            self.host.open_target(f"{kind}:{event.key}")
