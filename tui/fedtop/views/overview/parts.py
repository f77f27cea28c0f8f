"""The overview's tiles, charts and lists as values for its widgets: pure functions of the read model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedstore import Window
from fedtop.format import (
    UNICODE,
    age,
    clean,
    count,
    counted,
    delta_points,
    duration_ms,
    interval,
    moment,
    money,
    money_text,
    rate,
    state_text,
    tokens,
)
from fedtop.views.values import FEW, named, short_rate, success_style
from fedtop.widgets.area_chart import AreaData, Series
from fedtop.widgets.funnel import FunnelLayer
from fedtop.widgets.interval_bar import Bar
from fedtop.widgets.live_table import Cell, Column, Row
from fedtop.widgets.tile import TileData

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import tzinfo

    from fedstore.queries.models import FeedItem, LayerRow, MatrixCell, Overview, SeriesPoint
    from fedtop.glyphs import Basis, Glyphs, State

__all__ = [
    "ATTENTION_COLUMNS",
    "FEED_COLUMNS",
    "KEY_GAP",
    "NOW_COLUMNS",
    "TILE_IDS",
    "TYPE_COLUMNS",
    "attention_rows",
    "feed_rows",
    "funnel_layers",
    "now_rows",
    "slots",
    "spend_chart",
    "throughput_chart",
    "tiles",
    "type_rows",
]

KEY_GAP: Final = "\x1f"
"""Stands between the parts of a row's key: no stored name holds a control character."""
TILE_IDS: Final = ("tasks", "success", "now", "duration", "cost", "tokens", "health")
_HEALTH: Final[dict[str, tuple[State, str]]] = {
    "ok": ("ok", "healthy"),
    "warn": ("warn", "degraded"),
    "alert": ("alert", "unhealthy"),
}
_WAITING_MS: Final = 180_000
_NARROW_TILE: Final = 12
"""Cells of text that a tile has at 80 columns."""
_SILENT_MS: Final = 3_600_000
_HUNDRED_DOLLARS: Final = 100 * 10**9


def slots(
    points: Sequence[SeriesPoint], window: Window, step_ms: int, value: Callable[[SeriesPoint], float]
) -> list[float]:
    """The values of equally long slots over the window, oldest first; a slot without facts is 0.

    The window "all" starts where its first point is.
    """
    if not points:
        return []
    first = _first_slot(points, window, step_ms)
    found = [0.0] * (max(points[-1].start_ms - first, window.end_ms - 1 - first) // step_ms + 1)
    for point in points:
        found[(point.start_ms - first) // step_ms] += value(point)
    return found


def _first_slot(points: Sequence[SeriesPoint], window: Window, step_ms: int) -> int:
    start = points[0].start_ms
    if window.label == "all":
        return start
    return min(start, window.start_ms - (window.start_ms - start) % step_ms)


def tiles(data: Overview, now_ms: int, glyphs: Glyphs = UNICODE) -> dict[str, TileData]:
    """The key figures, by tile id."""
    return {
        "tasks": _tasks_tile(data),
        "success": _success_tile(data, glyphs),
        "now": _now_tile(data, now_ms),
        "duration": TileData(
            duration_ms(data.durations.p95_ms),
            sub=f"p50 {duration_ms(data.durations.p50_ms)}" if data.durations.n else "none timed",
            state="ok" if data.durations.n else "unknown",
        ),
        "cost": _cost_tile(data, glyphs),
        "tokens": TileData(tokens(data.tokens) if data.tokens else None, sub=_window_cost(data, glyphs)),
        "health": _health_tile(data, glyphs),
    }


def _tasks_tile(data: Overview) -> TileData:
    per_minute = data.tasks_per_minute
    per_hour = per_minute * 60
    slow = f"{per_hour:.0f}/h" if per_hour >= 1 or not per_hour else f"{per_hour * 24:.1f}/d"
    pace = f"{per_minute:,.{1 if per_minute < 99.95 else 0}f}/min" if per_minute >= 1 else slow
    spark = tuple(slots(data.series, data.window, data.step_ms, lambda p: p.ok + p.failed + p.unknown))
    return TileData(count(data.tasks), sub=pace, spark=spark)


def _success_tile(data: Overview, glyphs: Glyphs) -> TileData:
    found = data.success.interval
    if found is None:
        return TileData(None, sub="none judged", state="unknown")
    before = data.success_before.value
    change = "" if before is None else f"{delta_points((data.success.value or 0) - before, glyphs=glyphs)} pt"
    states: dict[str, State] = {"$alert": "alert", "$warn": "warn"}
    few = f" {glyphs.dot}" if data.success.n < FEW else ""
    return TileData(
        f"{rate(data.success.value)}{few}",
        side=change,
        sub=interval(found.low, found.high),
        state=states.get(success_style(data.success), "ok"),
    )


def _now_tile(data: Overview, now_ms: int) -> TileData:
    waiting = [run for run in data.active if run.state == "waiting"]
    running = len(data.active) - len(waiting)
    jobs = ", ".join(f"{n} {state}" for state, n in data.jobs_active)
    if not data.window.live:
        return TileData(None, sub="not live", state="unknown")
    if not waiting:
        return TileData(f"{running} running", sub=f"jobs: {jobs}" if jobs else "none waiting")
    longest = max(now_ms - run.seen_ms for run in waiting)
    waited = age(longest / 1000)
    sub = f"{len(waiting)} wait {waited}"
    if len(sub) > _NARROW_TILE:
        sub = f"{len(waiting)} wait {waited.replace(' ', '')}"
    return TileData(f"{running} running", sub=sub, state="warn" if longest >= _WAITING_MS else "ok")


def _cost_tile(data: Overview, glyphs: Glyphs) -> TileData:
    today = data.cost_today
    value = money_text(today.nano if today.known else None, today.mark, glyphs=glyphs)
    projected = data.month_projected_nano
    month = data.cost_month.nano if projected is None else projected
    arrow = "" if projected is None else f"{glyphs.arrow} "
    unknown = glyphs.none if data.cost_month.mark == "none" else "?"
    spent = f"{arrow}{money(month, whole=month >= _HUNDRED_DOLLARS)}" if data.cost_month.known else unknown
    sub = f"month {spent}"
    return TileData(value, sub=sub, title="" if data.window.live else "cost that day")


def _window_cost(data: Overview, glyphs: Glyphs) -> str:
    cost = data.cost
    if not cost.known:
        return "" if cost.mark == "none" else "unpriced"
    return f"{money(cost.nano)} {glyphs.basis(cost.mark)}"


def _health_tile(data: Overview, glyphs: Glyphs) -> TileData:
    state, word = _HEALTH.get(data.health, ("unknown", "unknown"))
    n = sum(severity in ("alert", "warn") for severity, _, _ in data.attention)
    value = Text.assemble(state_text(state, "", glyphs), f" {word}")
    return TileData(value, sub=counted(n, "alert") if n else "no alerts", state=state)


def throughput_chart(points: Sequence[SeriesPoint], window: Window, step_ms: int) -> AreaData | None:
    """Runs over time, stacked by result."""
    if not points:
        return None
    series = [
        Series("ok", tuple(slots(points, window, step_ms, lambda p: p.ok)), "$info-fill", 0),
        Series("failed", tuple(slots(points, window, step_ms, lambda p: p.failed)), "$alert", 2),
        Series("not judged", tuple(slots(points, window, step_ms, lambda p: p.unknown)), "$faint", 3),
    ]
    shown = tuple(line for line in series if any(line.values))
    return _chart(points, window, step_ms, shown or tuple(series[:1]))


def spend_chart(points: Sequence[SeriesPoint], window: Window, step_ms: int) -> AreaData | None:
    """Known spend over time, in nano-USD."""
    values = tuple(slots(points, window, step_ms, lambda p: p.cost_nano))
    if not any(values):
        return None
    return _chart(points, window, step_ms, (Series("spend", values, "$hue-5", 0),))


def _chart(points: Sequence[SeriesPoint], window: Window, step_ms: int, series: tuple[Series, ...]) -> AreaData:
    """The lines over the time that their slots cover: they may begin before the window and end after it."""
    first = _first_slot(points, window, step_ms)
    return AreaData(first, first + len(series[0].values) * step_ms, series)


ATTENTION_COLUMNS: Final = (Column("what", "what", 20, grow=True),)
_SEVERITY: Final = {"alert": "alert", "warn": "warn", "info": "info"}


def attention_rows(data: Overview, glyphs: Glyphs = UNICODE) -> list[Row]:
    """A row per thing that needs attention, worst first; its key is what Enter opens."""
    rows = []
    for number, (severity, sentence, target) in enumerate(data.attention):
        text = named(_SEVERITY.get(severity, "unknown"), sentence, glyphs, 300)
        rows.append(Row(f"{number}{KEY_GAP}{target}", {"what": text}))
    return rows


NOW_COLUMNS: Final = (
    Column("agent", "agent", 12),
    Column("task", "task type", 16),
    Column("state", "state", 10, grow=True),
    Column("since", "since", 8, "right", whole=True),
)


def now_rows(data: Overview, now_ms: int, tz: tzinfo, glyphs: Glyphs = UNICODE) -> list[Row]:
    """A row per run that goes on, the ones that wait first, then by start.

    Of one not heard of for long it is not known whether it still runs: its process may have died.
    """
    rows = []
    for run in sorted(data.active, key=lambda run: (run.state != "waiting", run.started_ms, run.id)):
        waits = run.state == "waiting"
        silent = not waits and now_ms - run.seen_ms >= _SILENT_MS
        why = f"waits for {clean(run.reason, 60)}" if waits and run.reason else run.state
        heard = f"silent for {age((now_ms - run.seen_ms) / 1000, glyphs)}"
        cells: dict[str, Cell] = {
            "agent": named("warn" if waits else "unknown" if silent else "ok", run.agent, glyphs),
            "task": clean(run.task_type, 60),
            "state": Text(heard if silent else why, "$warn" if waits else "$dim"),
            "since": Text(moment(run.started_ms, tz, Window(run.started_ms, now_ms, ""), glyphs), "$dim"),
        }
        rows.append(Row(f"{run.id}{KEY_GAP}{run.agent}", cells))
    return rows


FEED_COLUMNS: Final = (
    Column("time", "time", 8, whole=True),
    Column("agent", "agent", 10),
    Column("task", "task type", 9, grow=True),
    Column("took", "took", 6, "right"),
    Column("error", "error", 12, min_width_shown=52),
)


def feed_rows(items: Sequence[FeedItem], tz: tzinfo, window: Window, glyphs: Glyphs = UNICODE) -> list[Row]:
    """A row per run that ended, newest first."""
    rows = []
    for item in items:
        state = "unknown" if item.ok is None else "ok" if item.ok else "alert"
        cells: dict[str, Cell] = {
            "time": Text(moment(item.at_ms, tz, window, glyphs), "$dim"),
            "agent": named(state, item.agent, glyphs),
            "task": clean(item.task_type, 60),
            "took": None if item.duration_ms is None else duration_ms(item.duration_ms),
            "error": Text(clean(item.error_class, 60), "$dim"),
        }
        rows.append(Row(f"{item.run_id}{KEY_GAP}{item.agent}", cells))
    return rows


TYPE_COLUMNS: Final = (
    Column("type", "type", 14, grow=True),
    Column("tasks", "tasks", 6, "right", sort_default="desc"),
    Column("bar", "", 8, grow=True),
    Column("success", "success", 8, "right", sort_default="desc"),
)


def type_rows(cells: Sequence[MatrixCell], glyphs: Glyphs = UNICODE) -> list[Row]:
    """A row per task type, the bar against the most frequent one."""
    most = max((cell.tasks for cell in cells), default=0)
    return [
        Row(
            cell.task_type,
            {
                "type": clean(cell.task_type, 60) or Text("(none)", "$dim"),
                "tasks": count(cell.tasks),
                "bar": Bar(cell.tasks / most if most else None, "$info-fill"),
                "success": short_rate(cell.success, glyphs),
            },
            {"tasks": cell.tasks, "success": cell.success.value},
        )
        for cell in cells
    ]


def funnel_layers(layers: Sequence[LayerRow]) -> list[FunnelLayer]:
    """The layers in cascade order, with the state of their targets."""
    known: dict[str, State] = {"ok": "ok", "warn": "warn", "alert": "alert"}
    found = []
    for row in layers:
        basis: Basis = "few" if 0 < row.accuracy.n < FEW else "none"
        state = known.get(row.target_status, "ok")
        found.append(FunnelLayer(row.name, row.captured.value, row.accuracy.value, basis, state))
    return found
