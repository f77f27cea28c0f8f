"""Read model of the tools: confidence over the rolling 30 days, failure patterns, recommendations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from fedstore.learning.confidence import tool_confidence
from fedstore.learning.intervals import Interval, two_proportion_p
from fedstore.queries.buckets import Buckets, Source, durations_of
from fedstore.queries.facts import error_classes, newest_tool_calls
from fedstore.queries.models import Rate, SeriesPoint, ToolDetail, ToolRow, ToolsView
from fedstore.schema.summaries import DAY_MS, MINUTE_MS
from fedstore.window import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ROLLING_DAYS", "rolling", "tool_detail", "tool_rows", "tools_view"]

ROLLING_DAYS = 30
COST_ANOMALY_RATIO = 2.0  # the seed's rule, kept by name: dearer than twice the average of the days before
_ANOMALY_CALLS = 10
_FEW = 5
_RECENT = 50
_ERROR_SAMPLE = 500
_SUMS = ("calls", "ok", "failed", "duration_n", "duration_ms", "priced", "cost_nano", "tokens")

ToolRule = Literal["bound", "seed"]


def rolling(window: Window) -> Window:
    """The 30 days that end where a window ends."""
    return Window(window.end_ms - ROLLING_DAYS * DAY_MS, window.end_ms, "30d", window.live)


def tools_view(source: Source, window: Window, rule: ToolRule) -> ToolsView:
    """The tools tab; confidence always rests on the 30 days that end with ``window``."""
    month = rolling(window)
    buckets = Buckets(source)
    rows = tool_rows(buckets, month, rule)
    return ToolsView(month, rows, _patterns(buckets, rows, month), _recommendations(rows))


def tool_rows(buckets: Buckets, month: Window, rule: ToolRule) -> tuple[ToolRow, ...]:
    """A row per tool, the least trusted first."""
    blobs = buckets.blobs("tool_buckets", month, ("tool",), "duration_bins")
    older, newer = (_rates(buckets, half) for half in _halves(month))
    agents: dict[str, list[tuple[str, Rate]]] = {}
    for tool, agent, ok, failed in buckets.sums("tool_buckets", month, ("tool", "agent"), ("ok", "failed")):
        agents.setdefault(tool, []).append((agent, Rate(ok, ok + failed)))
    rows = [
        _tool_row(row, rule, blobs.get(row[0], ()), (older.get(row[0]), newer.get(row[0])), agents.get(row[0], []))
        for row in buckets.sums("tool_buckets", month, ("tool",), _SUMS)
    ]
    order = {"LOW": 0, "MEDIUM": 1, "HIGH": 2}
    return tuple(sorted(rows, key=lambda row: (order[row.level], -row.calls, row.name)))


def _halves(window: Window) -> tuple[Window, Window]:
    middle = window.start_ms + window.length_ms // 2
    middle -= middle % MINUTE_MS
    return (
        Window(window.start_ms, middle, window.label, live=False),
        Window(middle, window.end_ms, window.label, live=False),
    )


def _rates(buckets: Buckets, window: Window) -> dict[str, Rate]:
    rows = buckets.sums("tool_buckets", window, ("tool",), ("ok", "failed"))
    return {tool: Rate(ok, ok + failed) for tool, ok, failed in rows}


def _tool_row(
    row: Sequence[Any], rule: ToolRule, blobs: Sequence[bytes], halves: tuple[Rate | None, Rate | None],
    agents: list[tuple[str, Rate]],
) -> ToolRow:  # fmt: skip
    name, calls, ok, failed, n, total_ms, priced, cost, tokens = row
    found = tool_confidence(ok, ok + failed, rule)
    bound = None if found.lower is None or found.upper is None else Interval(found.lower, found.upper)
    agents.sort(key=lambda item: (-(item[1].n - item[1].hits), item[0]))
    return ToolRow(
        name, calls, Rate(ok, ok + failed), found.level, bound, found.reason, _trend(*halves),
        durations_of(n, total_ms, blobs), cost if priced else None, tokens, tuple(agents),
    )  # fmt: skip


def _trend(older: Rate | None, newer: Rate | None) -> str:
    """improving, stable or declining (two-proportion p < 0.05), unknown with fewer than 10 in a half."""
    if older is None or newer is None or min(older.n, newer.n) < 10:
        return "unknown"
    p = two_proportion_p(older.hits, older.n, newer.hits, newer.n)
    if p is None or p >= 0.05:
        return "stable"
    return "improving" if newer.hits / newer.n > older.hits / older.n else "declining"


def _patterns(buckets: Buckets, rows: Sequence[ToolRow], month: Window) -> tuple[str, ...]:
    """Where failures and costs gather, as sentences."""
    found = []
    for row in rows:
        for agent, rate in row.agents:
            rest = Rate(row.success.hits - rate.hits, row.success.n - rate.n)
            if _surely_worse(rate, rest):
                found.append(
                    f"{row.name} fails {agent} more often than others:"
                    f" {rate.hits}/{rate.n} against {rest.hits}/{rest.n}"
                )
        if row.trend == "declining":
            found.append(f"{row.name} is failing more often than two weeks ago")
    return (*found, *_cost_anomalies(buckets, month))


def _surely_worse(rate: Rate, rest: Rate) -> bool:
    """Whether an agent fares worse with a tool than the others (p < 0.01; fewer than five runs tell nothing)."""
    if rate.value is None or rest.value is None or rate.value >= rest.value or min(rate.n, rest.n) < _FEW:
        return False
    p = two_proportion_p(rate.hits, rate.n, rest.hits, rest.n)
    return p is not None and p < 0.01


def _cost_anomalies(buckets: Buckets, month: Window) -> list[str]:
    last_day = Window(month.end_ms - DAY_MS, month.end_ms, "24h", live=False)
    before = Window(month.start_ms, last_day.start_ms, "", live=False)
    columns = ("priced", "cost_nano")
    past = {r[0]: r[1:] for r in buckets.sums("tool_buckets", before, ("tool",), columns)}
    found = []
    for tool, n, nano in buckets.sums("tool_buckets", last_day, ("tool",), columns):
        n_past, nano_past = past.get(tool, (0, 0))
        if min(n, n_past) >= _ANOMALY_CALLS and nano * n_past > COST_ANOMALY_RATIO * nano_past * n > 0:
            ratio = (nano / n) / (nano_past / n_past)
            found.append(f"{tool} costs {ratio:.1f} times its average of the days before")
    return found


def _recommendations(rows: Sequence[ToolRow]) -> tuple[str, ...]:
    found = []
    for row in rows:
        if row.level == "LOW":
            hurt = ", ".join(agent for agent, rate in row.agents[:3] if rate.hits < rate.n)
            found.append(f"{row.name}: give it a fallback ({row.reason}){f'; it hurts {hurt}' if hurt else ''}")
        elif row.trend == "declining":
            found.append(f"{row.name}: look at its newest errors before it drops below 80 %")
    return tuple(found)


def tool_detail(source: Source, name: str, window: Window, rule: ToolRule) -> ToolDetail:
    """One tool: its row, successes per day over 30 days, newest executions and their errors."""
    month = rolling(window)
    buckets = Buckets(source)
    recent = newest_tool_calls(source, (name,), month, _ERROR_SAMPLE)
    days = buckets.slots("tool_buckets", month, DAY_MS, (), ("ok", "failed", "calls"), "tool = ?", name)
    return ToolDetail(
        window=month,
        row=next((row for row in tool_rows(buckets, month, rule) if row.name == name), None),
        daily=tuple(SeriesPoint(slot, ok, failed, calls - ok - failed) for slot, ok, failed, calls in sorted(days)),
        recent=recent[:_RECENT],
        errors=error_classes(recent),
    )
