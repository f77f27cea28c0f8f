"""The parts of the analytics engine under the names of its first version: thin faces over its one store.

Each part belongs to an engine (`engine.metrics_collector`), or makes one of its own for a path. What the first version
kept beside its executions (summaries, profiles, a status per agent) follows from them here, so a part that would store
it has nothing to do: it says so in the log where what it is handed differs from what was recorded.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from fedstore.compat.engine_core import EngineCore
from fedstore.compat.engine_records import (
    CapacityForecast,
    ConfidenceLevel,
    ExecutionMetrics,
    HourlySummary,
    ToolProfile,
)
from fedstore.settings.paths import in_full
from fedstore.widths import HOUR_MS
from fedstore.window import Window, iso

if TYPE_CHECKING:
    from fedstore.store import Store

__all__ = [
    "CapacityAnalyzer", "CostAnalyzer", "HourlyAggregator", "MetricsCollector", "StorageManager", "ToolRegistry",
]  # fmt: skip

_RECENT = 100_000
_log = logging.getLogger("fedstore")


class _Part:
    """Belongs to an engine; `of` is that, another part of it, or what an engine is made of (a path, a store, None)."""

    def __init__(self, of: EngineCore | _Part | Store | str | Path | None = None) -> None:
        if isinstance(of, _Part):
            of = of.engine
        self.engine: EngineCore = of if isinstance(of, EngineCore) else EngineCore(of)


class _Tier(_Part):
    """Both storage objects keep their tables in the engine's one store file."""

    @property
    def db_path(self) -> str:
        """The store file. Assigning another one moves the engine to it; what was recorded stays in the old."""
        return str(self.engine.path)

    @db_path.setter
    def db_path(self, path: str | Path) -> None:
        self.engine.move_to(Path(in_full(path)))


class MetricsCollector(_Tier):
    """Tier 1: executions, one by one, for 24 hours (the setting `retention_executions_hours`)."""

    def record_execution(self, metrics: ExecutionMetrics) -> str:
        """Record one execution. Returns its id. Never raises."""
        return self.engine.record_execution(
            task_id=metrics.task_id, tool_name=metrics.tool_name, duration_seconds=metrics.duration_seconds,
            success=metrics.success, cost_actual=metrics.cost_actual, tokens_used=metrics.tokens_used,
            human_effort_level=metrics.human_effort_level, browser_used=metrics.browser_used,
            agent_id=metrics.agent_id, at=metrics.timestamp,
        )  # fmt: skip

    def get_recent_metrics(self, hours: int = 24) -> list[ExecutionMetrics]:
        """The executions of the last hours, newest first, of those that are still kept one by one."""
        from fedstore.queries.facts import newest_tool_calls

        reader, now = self.engine.store.reader(), self.engine.now()
        window = Window(now - hours * HOUR_MS, now + 1, "")
        calls = newest_tool_calls(self.engine.store.database, reader.names("tool"), window, _RECENT)
        return [
            ExecutionMetrics(
                call.task_id, call.agent, call.tool, None if call.duration_ms is None else call.duration_ms / 1000,
                call.success, None if call.cost_nano is None else call.cost_nano / 1e9, call.tokens, call.effort,
                call.browser_used, iso(call.ended_ms),
            )
            for call in calls
        ]  # fmt: skip

    def cleanup_old_metrics(self) -> int:
        """Purge executions that are older than the setting says; how many went."""
        return self.engine.cleanup().get("tool_calls", 0)


class StorageManager(_Tier):
    """Tiers 2 and 3: hourly summaries and tool profiles, which follow from the executions."""

    def get_tool_profile(self, tool_name: str) -> ToolProfile | None:
        """The profile of a tool over the rolling 30 days; None of one that was never executed."""
        found = self.engine.get_system_learning()["tool_profiles"].get(tool_name)
        if found is None:
            return None
        judged = self.engine.store.reader().tool(tool_name, self.engine.store.reader().window("30d")).row
        failed = 0 if judged is None else judged.success.n - judged.success.hits
        return ToolProfile(
            tool_name, found["total_executions"], found["successful_executions"], failed, found["avg_duration"],
            found["avg_cost"], found["success_rate"], ConfidenceLevel(found["confidence_level"]),
            list(found["risk_patterns"]),
        )  # fmt: skip

    def store_tool_profile(self, profile: ToolProfile) -> None:
        """Nothing is to be stored: profiles follow from executions. Logs when this one says something else."""
        kept = self.get_tool_profile(profile.tool_name) or ToolProfile(profile.tool_name)
        if kept.total_executions != profile.total_executions:
            _log.warning(
                "the profile of %s is not stored: it follows from executions, of which %d are recorded (it says %d)",
                profile.tool_name, kept.total_executions, profile.total_executions,
            )  # fmt: skip

    def store_hourly_summary(self, summary: HourlySummary) -> None:
        """Nothing is to be stored: summaries follow from executions."""

    def cleanup_tier2(self) -> int:
        """Purge the summaries that are older than the setting `minute_days` says; how many rows went."""
        gone = self.engine.cleanup()
        return sum(rows for table, rows in gone.items() if table.endswith("_buckets"))


class ToolRegistry(_Part):
    """The tools and how far each can be trusted."""

    def __init__(self, of: EngineCore | _Part | Store | str | Path | None = None) -> None:
        super().__init__(of)
        self._named: list[str] = []

    @property
    def tools(self) -> dict[str, ToolProfile]:
        """The profiles of all tools that were executed in 30 days or registered here, by name."""
        storage = StorageManager(self)
        names = [*self.engine.get_system_learning()["tool_profiles"], *self._named]
        return {name: storage.get_tool_profile(name) or ToolProfile(name) for name in dict.fromkeys(names)}

    def register_tool(self, tool_name: str) -> None:
        """Name a tool that may not have been executed yet; it is MEDIUM until it was."""
        self._named.append(tool_name)

    def update_tool_from_execution(
        self, tool_name: str, success: bool, duration: float | None = None, cost: float | None = None,
        tokens: int | None = None,
    ) -> None:  # fmt: skip
        """Record an execution; not beside `engine.record_execution`, which does it already."""
        self.engine.record_execution(
            tool_name=tool_name, success=success, duration_seconds=duration, cost_actual=cost, tokens_used=tokens
        )

    def get_tool_confidence(self, tool_name: str) -> ConfidenceLevel:
        """How far a tool can be trusted; MEDIUM for a new one."""
        found = StorageManager(self).get_tool_profile(tool_name)
        return ConfidenceLevel.MEDIUM if found is None else found.confidence_level

    def get_tools_by_confidence(self, level: ConfidenceLevel) -> list[str]:
        """The tools of one level."""
        return [name for name, profile in self.tools.items() if profile.confidence_level is level]


class CapacityAnalyzer(_Part):
    """How free the agents are."""

    def predict_capacity(self, agent_id: str) -> CapacityForecast:
        """The forecast for one agent; without a capacity where nothing is known of it in 24 hours."""
        for found in self.engine.get_predictive_capacity()["agents"]:
            if found["agent_id"] == agent_id:
                return CapacityForecast(**found)
        return CapacityForecast(agent_id)


class CostAnalyzer(_Part):
    """What executions cost, and what keeping them costs."""

    def calculate_storage_cost(self, tier1_records: int, tier2_summaries: int) -> float:
        """USD a day for so many executions and hourly summaries, by the engine's own price of storage."""
        from fedstore.compat.engine_views import storage_cost

        return storage_cost(tier1_records, tier2_summaries)

    def get_hourly_cost_summary(self, hour_timestamp: str) -> float | None:
        """USD that the executions of the hour that begins then cost, as `run_hourly_aggregation` names it."""
        from fedstore.compat.engine_views import hourly_summary
        from fedstore.window import parse_time_ms

        return hourly_summary(self.engine.store.database, parse_time_ms(hour_timestamp) + HOUR_MS)["total_cost"]


class HourlyAggregator(_Part):
    """Hours as summaries."""

    def __init__(self, metrics_collector: _Tier, storage_manager: _Tier | None = None) -> None:
        super().__init__(metrics_collector)
        if storage_manager is not None and storage_manager.engine is not self.engine:
            raise ValueError("both parts of an aggregator must be of one engine: take engine.metrics_collector and"
                             " engine.storage_manager")  # fmt: skip

    def aggregate_last_hour(self) -> HourlySummary | None:
        """The last full hour; None where nothing was executed in it."""
        found = self.engine.run_hourly_aggregation()
        return HourlySummary(**found) if found["total_tasks"] else None
