"""The overview's tiles and charts as values for its widgets: pure functions of the read model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedstore import Window
from fedstore.queries.models import WAITING_MS
from fedtop.format import (
    UNICODE,
    age,
    count,
    counted,
    delta_points,
    duration_ms,
    interval,
    money,
    money_text,
    rate,
    state_text,
    tokens,
)
from fedtop.sanitize import clean
from fedtop.values import FEW, success_style
from fedtop.widgets.area_chart import AreaData, Series
from fedtop.widgets.tile import TileData

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fedstore.queries.models import Overview, SeriesPoint
    from fedtop.glyphs import Glyphs, State

__all__ = ["TILE_IDS", "slots", "spend_chart", "throughput_chart", "tiles"]

TILE_IDS: Final = ("tasks", "success", "now", "duration", "cost", "tokens", "health")
_HEALTH: Final[dict[str, tuple[State, str]]] = {
    "ok": ("ok", "healthy"),
    "warn": ("warn", "degraded"),
    "alert": ("alert", "unhealthy"),
}
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
    alone = 0 < data.executions == data.tasks
    some = f"{count(data.executions)} executions" if data.executions and not alone else ""
    return TileData(count(data.tasks), side=some, sub=pace, spark=spark, title="executions" if alone else "")


def _success_tile(data: Overview, glyphs: Glyphs) -> TileData:
    found = data.success.interval
    if found is None:
        return TileData(None, side=_errors(data), sub="none graded", state="unknown")
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


def _errors(data: Overview) -> str:
    """How many runs ended in an error, where nobody said whether they succeeded."""
    errors = data.ungraded.errored - data.ungraded.interrupted
    return counted(errors, "error") if errors else ""


def _now_tile(data: Overview, now_ms: int) -> TileData:
    waiting = [run for run in data.active if run.state == "waiting"]
    quiet = sum(run.is_quiet(now_ms) for run in data.active)
    running = len(data.active) - len(waiting) - quiet
    jobs = ", ".join(f"{n} {state}" for state, n in data.jobs_active)
    if not data.window.live:
        return TileData(None, sub="not live", state="unknown")
    if not waiting:
        silent = f"{quiet} silent" if quiet else "none waiting"
        return TileData(f"{running} running", sub=f"jobs: {jobs}" if jobs else silent)
    first = min(waiting, key=lambda run: run.seen_ms)
    longest = now_ms - first.seen_ms
    return TileData(
        age(longest / 1000),
        side=f"{running} running" if running else "",
        sub=f"{clean(first.agent, 40)}{f': {clean(first.reason, 60)}' if first.reason else ''}",
        state="warn" if longest >= WAITING_MS else "ok",
        title="1 waits" if len(waiting) == 1 else f"{len(waiting)} wait",
    )


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
    return TileData(value, sub=counted(n, "alarm") if n else "no alarms", state=state)


def throughput_chart(points: Sequence[SeriesPoint], window: Window, step_ms: int) -> AreaData | None:
    """Runs over time, stacked by result."""
    if not points:
        return None
    series = [
        Series("ok", tuple(slots(points, window, step_ms, lambda p: p.ok)), "$info-fill", 0),
        Series("failed", tuple(slots(points, window, step_ms, lambda p: p.failed)), "$alert", 2),
        Series("not graded", tuple(slots(points, window, step_ms, lambda p: p.unknown)), "$faint", 3),
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
