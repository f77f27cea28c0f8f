"""The answers of the analytics engine: about agents and tasks those of the views, about tools the sums of executions.

A word that a view has too (task, success, capacity, tokens) means the same here, and has the same figure.

Storage is priced as the engine's first version did: about 500 bytes per raw execution (kept 24 h), 200 bytes
per hourly summary (kept 30 days), at a document database's 0.18 USD per GiB and month.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.learning.confidence import LEVELS
from fedstore.queries.agents import active_in, agent_rows
from fedstore.queries.buckets import Buckets
from fedstore.queries.calendar import day_start_ms
from fedstore.queries.facts import newest_tool_calls
from fedstore.queries.models import Money
from fedstore.queries.signs import agent_state, last_activity
from fedstore.queries.tasks import Tasks
from fedstore.queries.tools import COST_ANOMALY_RATIO, TOOL_SUMS
from fedstore.widths import DAY_MS, HOUR_MS, MINUTE_MS
from fedstore.window import Window, iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.compat.answers import (
        AgentsStatus,
        AgentStatus,
        CostAnomaly,
        HourlySummary,
        PredictiveCapacity,
        RiskPatterns,
        SystemLearning,
        TaskPipeline,
        ToolAdvice,
        ToolFailures,
        ToolProfile,
        ToolRecommendations,
        UsageAndCosting,
    )
    from fedstore.engine.protocol import Engine, Row
    from fedstore.queries.models import ToolRow, ToolsView

__all__ = [
    "agents_status",
    "hourly_summary",
    "predictive_capacity",
    "risk_patterns",
    "storage_cost",
    "system_learning",
    "task_pipeline",
    "tool_recommendations",
    "usage_and_costing",
]

RAW_BYTES, SUMMARY_BYTES = 500, 200
USD_PER_GIB_MONTH = 0.18
_BOTTLENECK_RUNS = 5
_RECENT = 500


def _last(now: int, length_ms: int) -> Window:
    end = now - now % MINUTE_MS + MINUTE_MS
    return Window(end - length_ms, end, "", live=True)


def _rate(ok: int, failed: int) -> float | None:
    return ok / (ok + failed) if ok + failed else None


def _seconds(n: int, total_us: int) -> float | None:
    return total_us / n / 1e6 if n else None


def _usd(calls: int, priced: int, nano: int) -> float | None:
    """None when there were executions and the cost of none of them is known."""
    return None if calls and not priced else nano / 1e9


def agents_status(database: Engine, now: int) -> AgentsStatus:
    """Every agent of the last 30 days."""
    with database.snapshot():
        day = _Day(database, now)
        today = Window(day_start_ms(now, None), day.window.end_ms, "", live=True)
        done: dict[str, int] = {}
        for agent, _, n in day.tasks.sums(today, ("runs",)):
            done[agent] = done.get(agent, 0) + n
        names = day.rows.keys() | day.tasks.seen
        silent = last_activity(database, day.buckets, day.tasks, names - day.rows.keys(), {})
    agents: list[AgentStatus] = []
    for name in sorted(names):
        row = day.rows.get(name)
        last_ms = silent.get(name) if row is None else row.last_ms
        mean_ms = None if row is None else row.durations.mean_ms
        agents.append({
            "agent_id": name,
            "status": (row and row.state) or agent_state((), last_ms, day.window) or "offline",
            "tasks_completed_today": done.get(name, 0),
            "avg_response_time": None if mean_ms is None else mean_ms / 1000,
            "success_rate": None if row is None else row.success.value,
            "last_activity": None if last_ms is None else iso(last_ms),
        })  # fmt: skip
    return {"timestamp": iso(now), "total_agents": len(agents), "agents": agents}


class _Day:
    """The last 24 hours as the views of the agents tell of them: what is asked here is answered by the same rows."""

    def __init__(self, database: Engine, now: int) -> None:
        self.window = _last(now, DAY_MS)
        self.buckets = Buckets(database)
        active = active_in(database, self.window)
        self.tasks = Tasks(self.buckets, self.window, active)
        self.rows = {row.name: row for row in agent_rows(database, self.buckets, self.tasks, active)}


def predictive_capacity(database: Engine, now: int) -> PredictiveCapacity:
    """Every agent of the last 24 hours."""
    with database.snapshot():
        day = _Day(database, now)
        used = day.buckets.sums("tool_buckets", day.window, ("agent", "tool"), TOOL_SUMS)
    tools: dict[str, list[Row]] = {}
    for row in used:
        tools.setdefault(row[0], []).append(row[1:])
    return {
        "timestamp": iso(now),
        "agents": [
            {
                "agent_id": name,
                "estimated_available_capacity": None if row.capacity is None else round(100 * row.capacity, 1),
                "current_queue_depth": row.active + row.waiting,
                "bottleneck_tools": _bottlenecks(tools.get(name, ())),
            }
            for name, row in sorted(day.rows.items())
        ],
    }


def _bottlenecks(tools: Sequence[Row]) -> list[str]:
    known = sum(row[4] for row in tools)
    mean = sum(row[5] for row in tools) / known if known else None
    found = []
    for tool, calls, ok, failed, n, total_us, *_ in tools:
        failing = ok + failed > 0 and failed / (ok + failed) > 0.2
        slow = mean is not None and n > 0 and total_us / n > 2 * mean
        if calls >= _BOTTLENECK_RUNS and (failing or slow):
            found.append(tool)
    return sorted(found)


def task_pipeline(database: Engine, now: int) -> TaskPipeline:
    """The tasks of the last 24 hours in all, and the executions of each tool."""
    with database.snapshot():
        day = _Day(database, now)
        rows = day.buckets.sums("tool_buckets", day.window, ("tool",), TOOL_SUMS)
    ok = sum(row.success.hits for row in day.rows.values())
    failed = sum(row.success.n for row in day.rows.values()) - ok
    return {
        "time_window": "24h",
        "total_tasks": sum(row.tasks for row in day.rows.values()),
        "successful_tasks": ok,
        "failed_tasks": failed,
        "success_rate": _rate(ok, failed),
        "tool_breakdown": {
            tool: {
                "total": calls, "successful": good, "failed": bad, "success_rate": _rate(good, bad),
                "avg_duration": _seconds(n, total_us),
            }
            for tool, calls, good, bad, n, total_us, *_ in sorted(rows)
        },
    }  # fmt: skip


def usage_and_costing(database: Engine, now: int) -> UsageAndCosting:
    """Tasks, tokens and spend of the last 24 hours; what executions cost, and what keeping them costs."""
    with database.snapshot():
        day = _Day(database, now)
        ((calls, priced, nano),) = day.buckets.sums("tool_buckets", day.window, (), ("calls", "priced", "cost_nano"))
        month = _last(now, 30 * DAY_MS)
        hours = len({row[0] for row in day.buckets.slots("tool_buckets", month, HOUR_MS, (), ("calls",)) if row[1]})
    spend = sum((row.cost for row in day.rows.values()), Money())
    raw, summaries = calls * RAW_BYTES, hours * SUMMARY_BYTES
    cost = _usd(calls, priced, nano)
    return {
        "total_tasks_24h": sum(row.tasks for row in day.rows.values()),
        "total_tokens_24h": sum(row.tokens or 0 for row in day.rows.values()),
        "total_spend_usd_24h": spend.nano / 1e9 if spend.known or not spend.calls else None,
        "execution_costs": {
            "total_usd": cost, "priced_tasks": priced,
            "avg_per_task_usd": None if cost is None or not priced else cost / priced,
        },
        "storage_costs": {
            "tier1_bytes": raw, "tier2_bytes": summaries, "total_bytes": raw + summaries,
            "daily_cost_usd": storage_cost(calls, hours),
        },
        "tier1_records": calls,
        "tier2_records": hours,
    }  # fmt: skip


def storage_cost(executions: int, summaries: int) -> float:
    """USD a day for keeping so many executions and hourly summaries."""
    return (executions * RAW_BYTES + summaries * SUMMARY_BYTES) / 2**30 * USD_PER_GIB_MONTH / 30


def hourly_summary(database: Engine, now: int) -> HourlySummary:
    """The last full hour."""
    end = now - now % HOUR_MS
    with database.snapshot():
        rows = Buckets(database).sums(
            "tool_buckets", Window(end - HOUR_MS, end, "1h", live=False), ("tool",), TOOL_SUMS
        )
    calls = sum(row[1] for row in rows)
    return {
        "hour_timestamp": iso(end - HOUR_MS),
        "total_tasks": calls,
        "successful": sum(row[2] for row in rows),
        "failed": sum(row[3] for row in rows),
        "total_cost": _usd(calls, sum(row[6] for row in rows), sum(row[7] for row in rows)),
        "total_tokens": sum(row[8] for row in rows),
        "tool_counts": {row[0]: row[1] for row in sorted(rows)},
    }


def system_learning(database: Engine, tools: ToolsView) -> SystemLearning:
    """Confidence in each tool."""
    levels = [_class(row) for row in tools.rows]
    with database.snapshot():
        priced: dict[str, int] = dict(Buckets(database).sums("tool_buckets", tools.window, ("tool",), ("priced",)))
    return {
        "confidence_distribution": {level: levels.count(level) for level in LEVELS},
        "tool_profiles": {row.name: _profile(row, priced.get(row.name, 0)) for row in tools.rows},
    }


def _class(row: ToolRow) -> str:
    """One of the engine's three classes: what is new to it, or tells nothing, is MEDIUM."""
    return row.level if row.level in ("HIGH", "LOW") else "MEDIUM"


def _profile(row: ToolRow, priced: int) -> ToolProfile:
    mean, failed = row.durations.mean_ms, row.success.n - row.success.hits
    cost = None if row.cost_nano is None else row.cost_nano / 1e9
    return {
        "total_executions": row.calls,
        "successful_executions": row.success.hits,
        "success_rate": row.success.value,
        "success_rate_lower": None if row.bound is None else row.bound.low,
        "confidence_level": _class(row),
        "reason": row.reason,
        "trend": row.trend,
        "avg_duration": None if mean is None else mean / 1000,
        "avg_cost": cost / priced if cost is not None and priced else None,
        "total_cost": cost,
        "risk_patterns": [f"{failed:,} of {row.success.n:,} executions failed"] if failed else [],
    }


def risk_patterns(database: Engine, tools: ToolsView, now: int) -> RiskPatterns:
    """Tools that fail, and executions of the last 24 hours that cost over twice their tool's average."""
    failing: list[ToolFailures] = [
        {
            "tool_name": row.name, "failures": row.success.n - row.success.hits, "executions": row.success.n,
            "failure_rate": 1 - (row.success.value or 0.0), "confidence_level": _class(row),
        }
        for row in tools.rows
        if row.success.hits < row.success.n
    ]  # fmt: skip
    failing.sort(key=lambda found: (-found["failure_rate"], found["tool_name"]))
    return {
        "failure_patterns": failing,
        "cost_anomalies": _dear_calls(database, [row.name for row in tools.rows], now),
        "patterns": list(tools.patterns),
    }


def _dear_calls(database: Engine, names: Sequence[str], now: int) -> list[CostAnomaly]:
    with database.snapshot():
        sums = Buckets(database).sums("tool_buckets", _last(now, 30 * DAY_MS), ("tool",), ("priced", "cost_nano"))
        recent = newest_tool_calls(database, names, _last(now, DAY_MS), _RECENT)
    average = {tool: nano / priced for tool, priced, nano in sums if priced}
    return [
        {
            "execution_id": call.id, "tool_name": call.tool, "agent_id": call.agent, "cost": call.cost_nano / 1e9,
            "average_cost": average[call.tool] / 1e9, "ratio": call.cost_nano / average[call.tool],
        }
        for call in recent
        if call.cost_nano and call.cost_nano > COST_ANOMALY_RATIO * average.get(call.tool, float("inf"))
    ]  # fmt: skip


def tool_recommendations(tools: ToolsView) -> ToolRecommendations:
    """What to do about tools of LOW confidence."""
    found: list[ToolAdvice] = [
        {
            "tool_name": row.name, "confidence_level": _class(row), "success_rate": row.success.value,
            "executions": row.success.n, "reason": row.reason,
            "recommendation": f"give {row.name} a fallback: {row.reason}",
        }
        for row in tools.rows
        if row.level == "LOW"
    ]  # fmt: skip
    return {"recommendations": found, "total_recommendations": len(found)}
