"""Read model of the tools: confidence over the rolling 30 days, failure patterns, recommendations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fedstore.learning.confidence import HIGH_RUNS, LEVELS, tool_confidence
from fedstore.learning.intervals import Interval, binomial_sf, two_proportion_p
from fedstore.learning.percent import counted
from fedstore.queries.buckets import durations_of
from fedstore.queries.facts import ERROR_SAMPLE, error_classes, newest_tool_calls
from fedstore.queries.models import Effort, Rate, SeriesPoint, ToolDetail, ToolRow, ToolsView, ToolUser
from fedstore.queries.tasks import EFFORT_SUMS
from fedstore.queries.ungraded import told_rate
from fedstore.widths import DAY_MS
from fedstore.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedstore.engine.protocol import Reads, Row, Value
    from fedstore.learning.confidence import ToolConfidence
    from fedstore.queries.answers import Counts
    from fedstore.queries.buckets import Buckets

__all__ = ["tool_detail", "tool_rows", "tools_view"]

COST_ANOMALY_RATIO = 2.0
"""By name: what costs more than so many times the average of the days before."""
_ANOMALY_CALLS = 10
_FEW = 5
_RECENT = 50
TOOL_SUMS = ("calls", "ok", "failed", "duration_n", "duration_us", "priced", "cost_nano", "tokens")

_PRICED = TOOL_SUMS.index("priced")  # its cost follows it

ToolRule = Literal["bound", "seed"]


def tools_view(buckets: Buckets, window: Window, rule: ToolRule) -> ToolsView:
    """The tools tab; confidence always rests on the 30 days that end with ``window``."""
    month = window.rolling()
    rows = tool_rows(buckets, month, rule)
    return ToolsView(month, rows, _patterns(buckets, rows, month), _recommendations(rows))


def tool_rows(buckets: Buckets, month: Window, rule: ToolRule, where: str = "", *args: Value) -> tuple[ToolRow, ...]:
    """A row per tool, the least trusted first; ``where`` filters on tool or agent."""
    bins = buckets.distributions("tool_buckets", month, "tool", "duration_bins", where, *args)
    half = _newer_half(month)
    newer = {
        (tool, agent): Rate(ok, ok + failed)
        for tool, agent, ok, failed in buckets.sums(
            "tool_buckets", half, ("tool", "agent"), ("ok", "failed"), where, *args
        )
    }
    by_agent: dict[str, list[Row]] = {}
    for row in buckets.sums("tool_buckets", month, ("tool", "agent"), TOOL_SUMS, where, *args):
        by_agent.setdefault(row[0], []).append(row[1:])
    rows = [
        _tool_row(tool, rows, rule, bins.get(tool, {}), {row[0]: newer.get((tool, row[0]), Rate(0, 0)) for row in rows})
        for tool, rows in by_agent.items()
    ]
    order = [*reversed(LEVELS), "FEW", "UNKNOWN"]
    return tuple(sorted(rows, key=lambda row: (order.index(row.level), -row.calls, row.name)))


def _newer_half(window: Window) -> Window:
    """From a midnight in the middle on, so that the days before it are read as days."""
    middle = window.start_ms + window.length_ms // 2
    return Window(middle - middle % DAY_MS, window.end_ms, window.label, live=False)


def _tool_row(name: str, by_agent: Sequence[Row], rule: ToolRule, bins: Counts, lately: Mapping[str, Rate]) -> ToolRow:
    calls, _, _, n, total_us, priced, cost, tokens = map(sum, zip(*(row[1:] for row in by_agent), strict=True))
    agents = [ToolUser(agent, told_rate(runs, ok, failed), runs) for agent, runs, ok, failed, *_ in by_agent]
    agents.sort(key=lambda user: (-(user.success.n - user.success.hits), -user.runs, user.agent))
    told = [user for user in agents if user.success.n]
    success = Rate(sum(user.success.hits for user in told), sum(user.success.n for user in told))
    newer = Rate(sum(lately[user.agent].hits for user in told), sum(lately[user.agent].n for user in told))
    found = tool_confidence(success.hits, success.n, rule)
    bound = None if found.lower is None or found.upper is None else Interval(found.lower, found.upper)
    older = Rate(success.hits - newer.hits, success.n - newer.n)
    level, reason = _level(found, calls, sum(row[3] for row in by_agent))
    return ToolRow(
        name, calls, success, level, bound, reason, _trend(older, newer),
        durations_of(n, total_us, bins), cost if priced else None, tokens or None, tuple(agents),
    )  # fmt: skip


def _level(found: ToolConfidence, calls: int, failed: int) -> tuple[str, str]:
    """The level and what it rests on; by the default rule tools without outcomes, or with few, have their own."""
    level: str = found.level
    reason = found.reason
    if not found.n:
        told = f"{failed:,} failed, successes are not told" if failed else "none with an outcome"
        level, reason = "UNKNOWN", f"{counted(calls, 'run')}, {told}"
    elif found.n < HIGH_RUNS and level == "MEDIUM":
        level = "FEW"
    return (found.level if found.rule == "seed" else level), reason


def _trend(older: Rate, newer: Rate) -> str:
    """improving, stable or declining (two-proportion p < 0.05), unknown with fewer than 10 in a half."""
    if min(older.n, newer.n) < 10:
        return "unknown"
    p = two_proportion_p(older.hits, older.n, newer.hits, newer.n)
    if p is None or p >= 0.05:
        return "stable"
    return "improving" if newer.hits / newer.n > older.hits / older.n else "declining"


def _patterns(buckets: Buckets, rows: Sequence[ToolRow], month: Window) -> tuple[str, ...]:
    """Where failures and costs gather, as sentences."""
    found = []
    for row in rows:
        for agent, rate, _ in row.agents:
            rest = Rate(row.success.hits - rate.hits, row.success.n - rate.n)
            if _surely_worse(rate, rest):
                found.append(
                    f"{row.name} fails {agent} more often than others:"
                    f" {rate.n - rate.hits:,} of {rate.n:,} against {rest.n - rest.hits:,} of {rest.n:,}"
                )
        if row.trend == "declining":
            found.append(f"{row.name} is failing more often than two weeks ago")
    return (*found, *_cost_anomalies(buckets, month))


def _surely_worse(rate: Rate, rest: Rate) -> bool:
    """Whether an agent fares worse with a tool than the others (p < 0.01; fewer than five runs tell nothing).

    Where few failures are to be expected the normal approximation says too much: the tail of the binomial at the
    common rate has to agree.
    """
    if rate.value is None or rest.value is None or rate.value >= rest.value or min(rate.n, rest.n) < _FEW:
        return False
    p = two_proportion_p(rate.hits, rate.n, rest.hits, rest.n)
    common = 1 - (rate.hits + rest.hits) / (rate.n + rest.n)
    return p is not None and p < 0.01 and binomial_sf(rate.n - rate.hits - 1, rate.n, common) < 0.01


def _cost_anomalies(buckets: Buckets, month: Window) -> list[str]:
    """Tools whose priced calls cost far more since yesterday's midnight than in the days before."""
    since = month.end_ms - DAY_MS
    lately = Window(since - since % DAY_MS, month.end_ms, "", live=False)
    whole: dict[str, tuple[int, int]] = {}
    for tool, _, *sums in buckets.sums("tool_buckets", month, ("tool", "agent"), TOOL_SUMS):
        priced, nano = whole.get(tool, (0, 0))
        whole[tool] = priced + sums[_PRICED], nano + sums[_PRICED + 1]
    found = []
    for tool, n, nano in buckets.sums("tool_buckets", lately, ("tool",), ("priced", "cost_nano")):
        n_past, nano_past = whole[tool][0] - n, whole[tool][1] - nano
        if min(n, n_past) >= _ANOMALY_CALLS and nano * n_past > COST_ANOMALY_RATIO * nano_past * n > 0:
            ratio = (nano / n) / (nano_past / n_past)
            found.append(f"{tool} costs {ratio:.1f} times its average of the days before")
    return found


def _recommendations(rows: Sequence[ToolRow]) -> tuple[str, ...]:
    found = []
    for row in rows:
        if row.level == "LOW":
            hurt = ", ".join(agent for agent, rate, _ in row.agents[:3] if rate.hits < rate.n)
            found.append(f"{row.name}: give it a fallback ({row.reason}){f'; it hurts {hurt}' if hurt else ''}")
        elif row.trend == "declining":
            found.append(f"{row.name}: look at its newest errors before it drops below 80 %")
    return tuple(found)


def tool_detail(source: Reads, buckets: Buckets, name: str, window: Window, rule: ToolRule) -> ToolDetail:
    """One tool: its row, successes per day over 30 days, newest executions and their errors."""
    month = window.rolling()
    recent = newest_tool_calls(source, (name,), month, ERROR_SAMPLE)
    days = buckets.slots("tool_buckets", month, DAY_MS, (), ("ok", "failed", "calls"), "tool = ?", name)
    return ToolDetail(
        window=month,
        row=next(iter(tool_rows(buckets, month, rule, "tool = ?", name)), None),
        daily=tuple(SeriesPoint(slot, ok, failed, calls - ok - failed) for slot, ok, failed, calls in sorted(days)),
        recent=recent[:_RECENT],
        errors=error_classes(recent),
        effort=Effort(*buckets.sums("tool_buckets", month, (), EFFORT_SUMS, "tool = ?", name)[0]),
    )
