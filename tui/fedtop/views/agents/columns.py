"""The agents as table rows and as a heat matrix: pure functions of the read models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop.format import boost, count, duration_ms, rate, tokens
from fedtop.glyphs import UNICODE, Glyphs
from fedtop.sanitize import clean
from fedtop.views.values import FEW, known, money_cell, named, quality_cell, rate_cell, short_rate
from fedtop.widgets.interval_bar import Spark
from fedtop.widgets.live_table import Cell, Column, Row, SortValue
from fedtop.widgets.matrix import HeatCell, MatrixRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fedstore.queries.models import AgentRow, AgentsView

__all__ = ["AGENT_COLUMNS", "BRIEF_COLUMNS", "Boosts", "agent_rows", "brief_rows", "columns_for", "matrix_of"]


SMALLEST_MOVE: Final = 0.005
"""A proposal that differs by less is not shown as one."""


@dataclass(frozen=True, slots=True)
class Boosts:
    """Boosts in force and proposed, by (agent, task type); the task type "" is the agent as a whole."""

    in_force: Mapping[tuple[str, str], float] = field(default_factory=dict)
    proposed: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def move(self, agent: str, task_type: str = "") -> float | None:
        """By how much the proposal differs from what a router adds now; None when it is not worth a change."""
        key = (agent, task_type)
        change = self.proposed.get(key, 0.0) - self.effective(agent, task_type)
        return change if key in self.proposed and abs(change) >= SMALLEST_MOVE else None

    def effective(self, agent: str, task_type: str = "") -> float:
        """What a router adds: the boost of the task type, else the agent's own, else 0."""
        return self.in_force.get((agent, task_type), self.in_force.get((agent, ""), 0.0))


AGENT_COLUMNS: Final = (
    Column("agent", "agent", 14, grow=True),
    Column("state", "state", 7, sort_default="desc", tooltip="Runs that go on now; sorts by when last heard of"),
    Column("tasks", "tasks", 6, "right", sort_default="desc", tooltip="Finished runs in the window"),
    Column("success", "success", 18, sort_default="desc", tooltip="Successful and not reworked, 95 % interval"),
    Column("rework", "rework", 6, "right", min_width_shown=104, sort_default="desc"),
    Column("mean", "mean", 6, "right", min_width_shown=112, sort_default="desc", tooltip="Mean duration of a run"),
    Column("p95", "p95", 6, "right", sort_default="desc", tooltip="95 % of the runs took no longer"),
    Column("tokens", "tokens", 6, "right", min_width_shown=100, sort_default="desc"),
    Column("cost", "cost", 9, "right", sort_default="desc", tooltip="= reported, ~ from a price list, ? unpriced"),
    Column("quality", "quality", 7, "right", min_width_shown=92, sort_default="desc", tooltip="0 to 1, and its trend"),
    Column("capacity", "free", 5, "right", min_width_shown=110, sort_default="desc", tooltip="Share of time not busy"),
    Column("boost", "boost", 7, "right", sort_default="desc", tooltip="In force; the arrow: where it should move"),
    Column("spark", "tasks over time", 16, grow=True, min_width_shown=150),
)

BRIEF_COLUMNS: Final = (
    Column("agent", "agent", 12, grow=True),
    Column("tasks", "tasks", 6, "right", sort_default="desc"),
    Column("success", "success", 8, "right", sort_default="desc"),
    Column("p95", "p95", 6, "right", min_width_shown=46, sort_default="desc"),
    Column("boost", "boost", 7, "right", min_width_shown=54, sort_default="desc"),
    Column("cost", "cost", 9, "right", min_width_shown=62, sort_default="desc"),
    Column("spark", "", 12, min_width_shown=40),
)


def columns_for(columns: Sequence[Column], boosts: Boosts) -> tuple[Column, ...]:
    """The columns worth showing: no boosts where there are neither any nor proposals."""
    return tuple(column for column in columns if column.key != "boost" or boosts.in_force or boosts.proposed)


def _state_cell(row: AgentRow, live: bool) -> Text | None:
    """What it does now; what it did at a moment in the past is not known."""
    if not live:
        return None
    if row.waiting:
        return Text(f"wait {row.waiting}", "$warn")
    if row.active:
        return Text(f"busy {row.active}", "$ok")
    return None if row.last_ms is None else Text("idle", "$dim")


def _boost_cell(boosts: Boosts, agent: str, glyphs: Glyphs) -> Text | None:
    """The boost in force, and an arrow where the evidence would move it."""
    value, move = boosts.in_force.get((agent, "")), boosts.move(agent)
    if not value and not move:
        return None
    shown = Text(boost(value) if value else glyphs.none, _signed(value))
    return Text.assemble(shown, (f" {glyphs.trend(move)}", _signed(move)))


def _signed(value: float | None) -> str:
    return "$dim" if not value else "$ok" if value > 0 else "$alert"


def agent_rows(rows: Iterable[AgentRow], boosts: Boosts, glyphs: Glyphs = UNICODE, *, live: bool = True) -> list[Row]:
    """One row per agent; `live` when the window ends at the present."""
    return [_agent_row(row, boosts, glyphs, live) for row in rows]


def _agent_row(row: AgentRow, boosts: Boosts, glyphs: Glyphs, live: bool) -> Row:
    cells: dict[str, Cell] = {
        "agent": named(row.status, row.name, glyphs),
        "state": _state_cell(row, live),
        "tasks": count(row.tasks),
        "success": rate_cell(row.success),
        "rework": known(row.rework.value, rate),
        "mean": known(row.durations.mean_ms, duration_ms),
        "p95": known(row.durations.p95_ms, duration_ms),
        "tokens": tokens(row.tokens) if row.tokens else None,
        "cost": money_cell(row.cost, glyphs),
        "quality": quality_cell(row.quality, row.quality_trend, glyphs),
        "capacity": None if row.capacity is None else rate(row.capacity, 0),
        "boost": _boost_cell(boosts, row.name, glyphs),
        "spark": Spark(tuple(row.spark), "$info"),
    }
    sort: dict[str, SortValue] = {
        "agent": row.name,
        "state": (row.active + row.waiting) * 10**15 + (row.last_ms or 0),
        "tasks": row.tasks,
        "success": row.success.value,
        "rework": row.rework.value,
        "mean": row.durations.mean_ms,
        "p95": row.durations.p95_ms,
        "tokens": row.tokens,
        "cost": row.cost.nano if row.cost.known else None,
        "quality": row.quality,
        "capacity": row.capacity,
        "boost": boosts.in_force.get((row.name, "")),
        "spark": row.tasks,
    }
    return Row(row.name, cells, sort)


def brief_rows(rows: Iterable[AgentRow], boosts: Boosts, glyphs: Glyphs = UNICODE) -> list[Row]:
    """One row per agent, as the overview shows them."""
    found = []
    for row in rows:
        cells: dict[str, Cell] = {
            "agent": named(row.status, row.name, glyphs),
            "tasks": count(row.tasks),
            "success": short_rate(row.success, glyphs),
            "p95": known(row.durations.p95_ms, duration_ms),
            "boost": _boost_cell(boosts, row.name, glyphs),
            "cost": money_cell(row.cost, glyphs),
            "spark": Spark(tuple(row.spark), "$info"),
        }
        sort: dict[str, SortValue] = {
            "agent": row.name,
            "tasks": row.tasks,
            "success": row.success.value,
            "p95": row.durations.p95_ms,
            "boost": boosts.in_force.get((row.name, "")),
            "cost": row.cost.nano if row.cost.known else None,
            "spark": row.tasks,
        }
        found.append(Row(row.name, cells, sort))
    return found


def matrix_of(view: AgentsView, boosts: Boosts) -> tuple[list[tuple[str, str]], list[MatrixRow]]:
    """Columns (the task types, most frequent first) and a row of heat cells per agent."""
    columns = [(kind, clean(kind, 24) or "(none)") for kind in view.task_types]
    cells: dict[str, dict[str, HeatCell]] = {}
    for cell in view.cells:
        move = boosts.move(cell.agent, cell.task_type)
        heat = HeatCell(cell.success.value, cell.success.n, move, few=cell.success.n < FEW)
        cells.setdefault(cell.agent, {})[cell.task_type] = heat
    return columns, [MatrixRow(name, clean(name, 40), cells[name]) for name in _order(view.rows, cells)]


def _order(rows: Sequence[AgentRow], cells: Mapping[str, object]) -> list[str]:
    return [row.name for row in rows if row.name in cells]
