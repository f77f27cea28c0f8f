"""One agent in detail as table rows: task types, tools, models, peers, runs, errors, boosts. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop.format import boost, count, date_time, duration_ms, rate, tokens
from fedtop.glyphs import UNICODE, Glyphs
from fedtop.sanitize import clean
from fedtop.views.values import known, money_cell, named, rate_cell, short_rate
from fedtop.widgets.interval_bar import Bar
from fedtop.widgets.live_table import Cell, Column, Row, SortValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import tzinfo

    from fedstore import BoostChange
    from fedstore.queries.models import AgentDetail, AgentRow, CostRow, RunRow, UsedTool
    from fedtop.views.agents.columns import Boosts

__all__ = [
    "CHANGE_COLUMNS",
    "ERROR_COLUMNS",
    "KIND_COLUMNS",
    "MODEL_COLUMNS",
    "PEER_COLUMNS",
    "RUN_COLUMNS",
    "USED_TOOL_COLUMNS",
    "change_rows",
    "error_rows",
    "kind_rows",
    "model_rows",
    "peer_rows",
    "run_rows",
    "used_tool_rows",
]

KIND_COLUMNS: Final = (
    Column("type", "task type", 14, grow=True),
    Column("tasks", "tasks", 6, "right", sort_default="desc"),
    Column("success", "success", 18, sort_default="desc"),
    Column("p50", "p50", 6, "right", min_width_shown=84, sort_default="desc"),
    Column("p95", "p95", 6, "right", sort_default="desc"),
    Column("boost", "boost", 5, "right", min_width_shown=66, sort_default="desc", tooltip="In force"),
    Column("proposed", "prop.", 5, "right", min_width_shown=70, sort_default="desc", tooltip="By the present evidence"),
)
USED_TOOL_COLUMNS: Final = (
    Column("tool", "tool", 12, grow=True),
    Column("calls", "calls", 6, "right", sort_default="desc"),
    Column("success", "success", 8, "right", sort_default="desc"),
)
MODEL_COLUMNS: Final = (
    Column("model", "model", 14, grow=True),
    Column("calls", "calls", 6, "right", sort_default="desc"),
    Column("tokens", "tokens", 7, "right", min_width_shown=44, sort_default="desc"),
    Column("cost", "cost", 9, "right", sort_default="desc"),
)
PEER_COLUMNS: Final = (
    Column("agent", "agent", 12, grow=True),
    Column("tasks", "tasks", 6, "right", sort_default="desc"),
    Column("success", "success", 8, "right", sort_default="desc"),
    Column("p95", "p95", 6, "right", sort_default="desc"),
    Column("cost", "cost", 9, "right", min_width_shown=46, sort_default="desc"),
)
RUN_COLUMNS: Final = (
    Column("ended", "ended", 12, sort_default="desc", whole=True),
    Column("type", "task type", 16, grow=True),
    Column("project", "project", 10, grow=True, min_width_shown=70),
    Column("took", "took", 6, "right", sort_default="desc"),
    Column("quality", "quality", 7, "right", min_width_shown=62, sort_default="desc"),
    Column("error", "error", 12, grow=True, min_width_shown=50),
)
ERROR_COLUMNS: Final = (
    Column("error", "error", 16, grow=True),
    Column("n", "runs", 5, "right", sort_default="desc"),
    Column("bar", "", 8, grow=True, min_width_shown=40),
)
CHANGE_COLUMNS: Final = (
    Column("at", "applied", 12, sort_default="desc", whole=True),
    Column("type", "for", 14, grow=True),
    Column("change", "boost", 13),
    Column("kind", "by", 8),
)


def kind_rows(detail: AgentDetail, agent: str, boosts: Boosts) -> list[Row]:
    """A row per task type, most frequent first."""
    durations = dict(detail.task_durations)
    rows = []
    for cell in detail.task_types:
        spent = durations.get(cell.task_type)
        key = (agent, cell.task_type)
        p50, p95 = (spent.p50_ms, spent.p95_ms) if spent is not None else (None, None)
        cells: dict[str, Cell] = {
            "type": clean(cell.task_type, 60) or Text("(none)", "$dim"),
            "tasks": count(cell.tasks),
            "success": rate_cell(cell.success),
            "p50": known(p50, duration_ms),
            "p95": known(p95, duration_ms),
            "boost": _signed(boosts.in_force.get(key)),
            "proposed": _signed(boosts.proposed.get(key)),
        }
        sort: dict[str, SortValue] = {
            "tasks": cell.tasks,
            "success": cell.success.value,
            "p50": p50,
            "p95": p95,
            "boost": boosts.in_force.get(key),
            "proposed": boosts.proposed.get(key),
        }
        rows.append(Row(cell.task_type, cells, sort))
    return rows


def _signed(value: float | None) -> Text | None:
    return Text(boost(value), "$ok" if value > 0 else "$alert") if value else None


def used_tool_rows(tools: Iterable[UsedTool], glyphs: Glyphs = UNICODE) -> list[Row]:
    """A row per tool the agent used."""
    return [
        Row(
            used.tool,
            {"tool": clean(used.tool, 60), "calls": count(used.calls), "success": short_rate(used.success, glyphs)},
            {"calls": used.calls, "success": used.success.value},
        )
        for used in tools
    ]


def model_rows(models: Iterable[CostRow], glyphs: Glyphs = UNICODE) -> list[Row]:
    """A row per model the agent called."""
    rows = []
    for row in models:
        used = row.input_tokens + row.output_tokens
        cells: dict[str, Cell] = {
            "model": clean(row.name, 60) or Text("(no model)", "$dim"),
            "calls": count(row.calls),
            "tokens": tokens(used),
            "cost": money_cell(row.cost, glyphs),
        }
        cost = row.cost.nano if row.cost.known else None
        rows.append(Row(row.name, cells, {"calls": row.calls, "tokens": used, "cost": cost}))
    return rows


def peer_rows(own: AgentRow | None, peers: Sequence[AgentRow], glyphs: Glyphs = UNICODE) -> list[Row]:
    """The agent among the others, best success first; its own row is bold."""
    everyone = [*peers, *([own] if own is not None else [])]
    everyone.sort(key=lambda row: (-(row.success.value if row.success.value is not None else -1), row.name))
    rows = []
    for row in everyone:
        cells: dict[str, Cell] = {
            "agent": named(row.status, row.name, glyphs),
            "tasks": count(row.tasks),
            "success": short_rate(row.success, glyphs),
            "p95": known(row.durations.p95_ms, duration_ms),
            "cost": money_cell(row.cost, glyphs),
        }
        sort: dict[str, SortValue] = {
            "tasks": row.tasks,
            "success": row.success.value,
            "p95": row.durations.p95_ms,
            "cost": row.cost.nano if row.cost.known else None,
        }
        rows.append(Row(row.name, cells, sort, "bold" if own is not None and row.name == own.name else ""))
    return rows


def run_rows(runs: Iterable[RunRow], tz: tzinfo, now_ms: int, glyphs: Glyphs = UNICODE) -> list[Row]:
    """A row per finished run, newest first."""
    rows = []
    for run in runs:
        good = None if run.success is None else run.success and not run.rework
        state = "unknown" if good is None else "ok" if good else "alert"
        error = "rework" if run.rework and not run.error_class else run.error_class
        cells: dict[str, Cell] = {
            "ended": Text(date_time(run.ended_ms, tz, now_ms, glyphs), "$dim"),
            "type": named(state, run.task_type, glyphs),
            "project": Text(clean(run.project, 60), "$dim"),
            "took": known(run.duration_ms, duration_ms),
            "quality": None if run.quality is None else f"{run.quality:.2f}",
            "error": Text(clean(error, 60), "$dim"),
        }
        rows.append(Row(run.id, cells, {"ended": run.ended_ms, "took": run.duration_ms, "quality": run.quality}))
    return rows


def error_rows(errors: Sequence[tuple[str, int]]) -> list[Row]:
    """A row per class of error, most frequent first."""
    most = max((n for _, n in errors), default=0)
    return [
        Row(
            name,
            {
                "error": clean(name, 60) or Text("(no class)", "$dim"),
                "n": count(n),
                "bar": Bar(n / most if most else None, "$alert"),
            },
            {"n": n},
        )
        for name, n in errors
    ]


def change_rows(changes: Sequence[BoostChange], tz: tzinfo, now_ms: int, glyphs: Glyphs = UNICODE) -> list[Row]:
    """A row per change of one of the agent's boosts, newest first; those taken back are dim."""
    rows = []
    for change in changes:
        old, new = (glyphs.none if value is None else boost(value, glyphs) for value in (change.old, change.new))
        cells: dict[str, Cell] = {
            "at": Text(date_time(change.at_ms, tz, now_ms, glyphs), "$dim"),
            "type": clean(change.task_type, 60) or "all tasks",
            "change": f"{old} {glyphs.arrow} {new}",
            "kind": Text(change.kind if change.stands else "undone", "$dim"),
        }
        key = f"{change.id}|{change.task_type}"
        rows.append(Row(key, cells, {"at": change.at_ms}, "" if change.stands else "$dim"))
    return rows


def capacity_text(value: float | None) -> str | None:
    """`58 % free`."""
    return None if value is None else f"{rate(value, 0)} free"
