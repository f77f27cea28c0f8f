"""The tools panel's content: how far each tool can be trusted, and whom it hurts.

The bound is drawn on one axis from 0 to 100 % for all tools, with the 80 and 95 % lines, so that confidence
is seen and not read. Pure functions of the read models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedstore.queries.models import SeriesPoint
from fedtop.format import (
    UNICODE,
    State,
    clean,
    count,
    duration_ms,
    interval,
    moment,
    money,
    rate,
    tokens,
)
from fedtop.views.cascade.columns import verdict_cell
from fedtop.widgets.area_chart import AreaData, Series
from fedtop.widgets.interval_bar import Bar, IntervalBar
from fedtop.widgets.live_table import Cell, Column, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import tzinfo

    from fedstore import Window
    from fedstore.queries.models import Rate, ToolCallRow, ToolDetail, ToolRow

__all__ = [
    "AGENT_COLUMNS",
    "CALL_COLUMNS",
    "ERROR_COLUMNS",
    "LEVEL_STATES",
    "TOOL_COLUMNS",
    "agent_rows",
    "call_rows",
    "daily_chart",
    "error_rows",
    "level_text",
    "levels_line",
    "tool_rows",
    "verdict_lines",
]

LEVEL_STATES: Final[dict[str, State]] = {"HIGH": "ok", "MEDIUM": "warn", "LOW": "alert"}
_LEVELS: Final = {"HIGH": 3, "MEDIUM": 2, "LOW": 1}
_TRENDS: Final = {
    "improving": (UNICODE.up, "$ok"),
    "declining": (UNICODE.down, "$alert"),
    "stable": ("→", "$dim"),
}
_DAY_MS: Final = 86_400_000

TOOL_COLUMNS: Final = (
    Column("level", "trust", 8, sort_default="desc", tooltip="HIGH, MEDIUM or LOW by the rule in force"),
    Column("tool", "tool", 18),
    Column("axis", "80 and 95 % lines", 18, grow=True, tooltip="Success with its 90 % bounds"),
    Column("success", "success", 7, "right", sort_default="desc"),
    Column("bound", "bounds", 11, min_width_shown=88, tooltip="One-sided 90 % bounds, lower and upper"),
    Column("runs", "runs", 6, "right", sort_default="desc"),
    Column("trend", "", 1, tooltip="Newer half against the older one"),
    Column("mean", "mean", 7, "decimal", min_width_shown=84, sort_default="desc"),
    Column("p95", "p95", 7, "decimal", min_width_shown=118, sort_default="desc"),
    Column("cost", "cost", 8, "right", min_width_shown=108, sort_default="desc"),
    Column("tokens", "tokens", 7, "decimal", min_width_shown=132, sort_default="desc"),
    Column("hurts", "hurts", 14, grow=True, min_width_shown=96, tooltip="Failures of runs, per agent"),
)

CALL_COLUMNS: Final = (
    Column("at", "time", 12, sort_default="desc", whole=True),
    Column("ok", "", 1),
    Column("agent", "agent", 14, grow=True),
    Column("duration", "duration", 8, "decimal", sort_default="desc"),
    Column("cost", "cost", 8, "right", min_width_shown=60, sort_default="desc"),
    Column("error", "error", 16, grow=True),
)

AGENT_COLUMNS: Final = (
    Column("agent", "agent", 14, grow=True),
    Column("success", "success", 7, "right", sort_default="desc"),
    Column("bound", "95 %", 11),
    Column("failed", "failed", 7, "right", sort_default="desc"),
    Column("runs", "runs", 7, "right", sort_default="desc"),
)

ERROR_COLUMNS: Final = (
    Column("error", "error", 20, grow=True),
    Column("bar", "", 6, grow=True),
    Column("count", "count", 7, "right", sort_default="desc"),
)


def level_text(level: str) -> Text:
    """`● HIGH`, `▲ MEDIUM`, `✖ LOW`, in the colour of the state."""
    state = LEVEL_STATES.get(level, "unknown")
    return Text(f"{UNICODE.state(state)} {clean(level, 8)}", f"${state}" if state != "unknown" else "$dim")


def levels_line(rows: Sequence[ToolRow]) -> Text:
    """How many tools are at each level: `● 4 high   ▲ 2 medium   ✖ 1 low`."""
    parts = []
    for level, state in LEVEL_STATES.items():
        number = sum(row.level == level for row in rows)
        glyph = Text(f"{UNICODE.state(state)} ", f"${state}" if number else "$dim")
        parts.append(glyph.append(count(number), "bold" if number else "$dim").append(f" {level.lower()}", "$dim"))
    return Text("   ").join(parts)


def tool_rows(rows: Iterable[ToolRow]) -> list[Row]:
    """A row per tool; the key is its name."""
    return [_tool_row(row) for row in rows]


def _tool_row(row: ToolRow) -> Row:
    low, high = row.bound or (None, None)
    glyph, style = _TRENDS.get(row.trend, (" ", ""))
    state = LEVEL_STATES.get(row.level, "unknown")
    durations = row.durations
    cells: dict[str, Cell] = {
        "level": level_text(row.level),
        "tool": clean(row.name, 60),
        "axis": IntervalBar(low, high, row.success.value, f"${state}" if state != "unknown" else "$dim"),
        "success": None if row.success.value is None else rate(row.success.value),
        "bound": None if row.bound is None else Text(interval(low, high), "$dim"),
        "runs": count(row.calls),
        "trend": Text(glyph, style),
        "mean": None if durations.mean_ms is None else duration_ms(durations.mean_ms),
        "p95": None if durations.p95_ms is None else duration_ms(durations.p95_ms),
        "cost": None if row.cost_nano is None else money(row.cost_nano),
        "tokens": tokens(row.tokens) if row.tokens else None,
        "hurts": _hurts(row.agents),
    }
    sort = {
        "level": _LEVELS.get(row.level),
        "axis": low,
        "success": row.success.value,
        "bound": low,
        "runs": row.calls,
        "mean": durations.mean_ms,
        "p95": durations.p95_ms,
        "cost": row.cost_nano,
        "tokens": row.tokens or None,
        "hurts": sum(r.n - r.hits for _, r in row.agents),
    }
    return Row(row.name, cells, sort)


def _hurts(agents: Sequence[tuple[str, Rate]]) -> Text:
    """The agents it failed, with failures of runs: `codex 12/80, kimi 3/210`."""
    failed = [(name, r.n - r.hits, r.n) for name, r in agents if r.n > r.hits]
    text = Text()
    for i, (name, failures, runs) in enumerate(failed[:3]):
        text.append(", " if i else "").append(clean(name, 24)).append(f" {count(failures)}/{count(runs)}", "$dim")
    return text


def agent_rows(agents: Iterable[tuple[str, Rate]]) -> list[Row]:
    """A row per agent that uses the tool."""
    rows = []
    for name, success in agents:
        failed = success.n - success.hits
        bounds = success.interval
        cells: dict[str, Cell] = {
            "agent": clean(name, 60),
            "success": None if success.value is None else rate(success.value),
            "bound": None if bounds is None else Text(interval(*bounds), "$dim"),
            "failed": Text(count(failed), "$warn" if failed else "$dim"),
            "runs": count(success.n),
        }
        rows.append(Row(name, cells, {"success": success.value, "failed": failed, "runs": success.n}))
    return rows


def error_rows(errors: Sequence[tuple[str, int]]) -> list[Row]:
    """A row per class of error, with its share of the failures."""
    total = sum(number for _, number in errors) or 1
    return [
        Row(
            name or "\x00",
            {
                "error": clean(name, 80) if name else Text("not said", "$dim"),
                "bar": Bar(number / total, "$alert"),
                "count": count(number),
            },
            {"count": number, "bar": number},
        )
        for name, number in errors
    ]


def call_rows(calls: Iterable[ToolCallRow], tz: tzinfo, window: Window) -> list[Row]:
    """A row per execution; the key is its id."""
    return [_call_row(call, tz, window) for call in calls]


def _call_row(call: ToolCallRow, tz: tzinfo, window: Window) -> Row:
    cells: dict[str, Cell] = {
        "at": Text(moment(call.ended_ms, tz, window), "$dim"),
        "ok": verdict_cell(call.success),
        "agent": clean(call.agent, 40) or None,
        "duration": None if call.duration_ms is None else duration_ms(call.duration_ms),
        "cost": None if call.cost_nano is None else money(call.cost_nano),
        "error": Text(clean(call.error_class, 80), "$alert"),
    }
    return Row(call.id, cells, {"at": call.ended_ms, "duration": call.duration_ms, "cost": call.cost_nano})


def daily_chart(detail: ToolDetail) -> AreaData | None:
    """Executions per day of the window, succeeded below failed; None without any."""
    days = {point.start_ms: point for point in detail.daily}
    if not days:
        return None
    first = detail.window.start_ms - detail.window.start_ms % _DAY_MS
    starts = range(min(first, *days), max(detail.window.end_ms, max(days) + 1), _DAY_MS)
    none = SeriesPoint(0)
    ok = Series("ok", tuple(float(days.get(at, none).ok) for at in starts), "$ok-fill")
    failed = Series("failed", tuple(float(days.get(at, none).failed) for at in starts), "$alert", 2)
    return AreaData(starts[0], starts[-1] + _DAY_MS, (ok, failed))


_USES: Final = {
    "HIGH": "trusted for critical paths",
    "MEDIUM": "safe for general tasks",
    "LOW": "requires a fallback",
}


def verdict_lines(row: ToolRow | None) -> list[Text | tuple[Text, ...]]:
    """The level and what it rests on; then runs, durations, cost."""
    if row is None:
        return [Text("Nothing ran it in these 30 days.", "bold")]
    head = Text.assemble(level_text(row.level))
    head.append(f"  {_USES.get(row.level, '')}: ", "$dim").append(clean(row.reason, 160))
    if row.trend in _TRENDS:
        glyph, style = _TRENDS[row.trend]
        head.append(f"   {glyph}", style).append(f" {row.trend}", "$dim")
    d = row.durations
    parts = [
        ("runs", count(row.calls), ""),
        ("success", rate(row.success.value), _two_sided(row.success)),
        ("duration", duration_ms(d.mean_ms), f" p50 {duration_ms(d.p50_ms)} p95 {duration_ms(d.p95_ms)}"),
        ("cost", money(row.cost_nano), ""),
        ("tokens", tokens(row.tokens or None), ""),
    ]
    figures = tuple(
        Text.assemble((f"{label} ", "$dim"), (value, "bold"), (tail, "$dim")) for label, value, tail in parts
    )
    return [head, figures]


def _two_sided(success: Rate) -> str:
    bounds = success.interval
    return "" if bounds is None else f" {interval(*bounds)}"
