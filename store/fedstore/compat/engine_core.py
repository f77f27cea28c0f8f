"""The analytics engine without its parts, which are faces of it: recording, questions, upkeep, and its store."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from fedstore.compat import engine_views as views
from fedstore.compat.engine_records import AgentStatusSnapshot
from fedstore.ids import now_ms
from fedstore.recording.recorder import Recorder
from fedstore.settings.paths import from_here
from fedstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from fedstore.compat.answers import (
        AgentsStatus,
        HourlySummary,
        PredictiveCapacity,
        RiskPatterns,
        SystemLearning,
        TaskPipeline,
        ToolRecommendations,
        UsageAndCosting,
    )
    from fedstore.queries.models import ToolsView

__all__ = ["EngineCore"]


class EngineCore:
    """Records executions and answers the seven `get_*` questions about them.

    `store` is a Store, a path, or None for the default place. One engine may be used by many threads.
    """

    def __init__(self, store: Store | str | Path | None = None, *, clock: Callable[[], int] | None = None) -> None:
        self._clock = clock or (store.clock if isinstance(store, Store) else now_ms)
        self._guard = threading.RLock()
        self._given = store if isinstance(store, Store) else None
        self._store: Store | None = self._given
        self._recorder: Recorder | None = None
        self.path = store.path if isinstance(store, Store) else Path(from_here(store)())

    # --- recording -----------------------------------------------------------------------------------------

    def record_execution(
        self,
        task_id: str = "",
        tool_name: str | None = None,
        duration_seconds: float | None = None,
        success: bool | None = None,
        cost_actual: float | None = None,
        tokens_used: int | None = None,
        human_effort_level: object = "",
        browser_used: bool = False,
        agent_id: str = "local",
        id: str | None = None,  # noqa: A002 - the field's name everywhere else
        at: object = None,
        **more: object,
    ) -> str:
        """Record one execution; what is left out is not known.

        Returns its id. Never raises.
        """
        return self._record().record_execution(
            task_id=task_id, tool_name=tool_name, duration_seconds=duration_seconds, success=success,
            cost_actual=cost_actual, tokens_used=tokens_used, human_effort_level=human_effort_level,
            browser_used=browser_used, agent_id=agent_id, id=id, at=at, **more,
        )  # fmt: skip

    # --- upkeep --------------------------------------------------------------------------------------------

    def run_hourly_aggregation(self) -> HourlySummary:
        """The summary of the last full hour: hour_timestamp, total_tasks, successful, failed, total_cost,
        total_tokens, tool_counts.

        Summaries are kept with every execution, so that calling this late, twice or never loses nothing.
        """
        return views.hourly_summary(self.store.database, self._clock())

    def cleanup(self) -> dict[str, int]:
        """Purge what is older than the retention settings; how many rows went, by table."""
        from fedstore.upkeep.retention import purge

        return dict(purge(self.store.database, self.store.upkeep_settings, self._clock()))

    def cleanup_old_data(self) -> dict[str, int]:
        """The other name of `cleanup`."""
        return self.cleanup()

    # --- questions -----------------------------------------------------------------------------------------

    def get_agents_status(self) -> AgentsStatus:
        """`agents`: agent_id, status (waiting, busy, active, idle or offline), tasks_completed_today (local day),
        avg_response_time, success_rate (both over 24 h), last_activity (of executions to the minute).
        """
        return views.agents_status(self.store.database, self._clock())

    @property
    def agents(self) -> dict[str, AgentStatusSnapshot]:
        """`get_agents_status` by agent."""
        return {found["agent_id"]: AgentStatusSnapshot(**found) for found in self.get_agents_status()["agents"]}

    def get_predictive_capacity(self) -> PredictiveCapacity:
        """`agents`: agent_id, estimated_available_capacity (%), current_queue_depth, bottleneck_tools.

        Capacity is 100 * (1 - B / 3600), at least 0, where B are the seconds that the agent's tasks took inside the
        last hour, those that go on included: the share of the hour in which it was free, as the forecast for the
        next. None while no duration is known. A bottleneck is a tool with at least 5 executions in 24 h that fails more
        than a fifth of them or takes over twice the agent's mean.
        """
        return views.predictive_capacity(self.store.database, self._clock())

    def get_task_pipeline(self) -> TaskPipeline:
        """The last 24 h: total_tasks, successful_tasks, failed_tasks, success_rate; tool_breakdown of executions."""
        return views.task_pipeline(self.store.database, self._clock())

    def get_api_usage_and_costing(self) -> UsageAndCosting:
        """total_tasks_24h, total_tokens_24h, total_spend_usd_24h (of models too), execution_costs (of tools),
        storage_costs, tier1_records, tier2_records.
        """
        return views.usage_and_costing(self.store.database, self._clock())

    def get_system_learning(self) -> SystemLearning:
        """confidence_distribution and tool_profiles (over the rolling 30 days): executions, success_rate, avg_cost,
        avg_duration, confidence_level, risk_patterns.
        """
        return views.system_learning(self.store.database, self._tools())

    def get_risk_patterns(self) -> RiskPatterns:
        """failure_patterns by tool, cost_anomalies (over twice the tool's average), patterns as sentences."""
        return views.risk_patterns(self.store.database, self._tools(), self._clock())

    def get_tool_recommendations(self) -> ToolRecommendations:
        """recommendations for tools whose confidence is LOW."""
        return views.tool_recommendations(self._tools())

    def now(self) -> int:
        """The present in UTC epoch milliseconds, by the engine's clock."""
        return self._clock()

    # --- the engine itself ---------------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """The store; opened when first needed. Raises StoreError."""
        with self._guard:
            if self._store is None:
                self._store = Store(self.path, clock=self._clock)
            return self._store

    def move_to(self, path: Path) -> None:
        """Use another store file from now on."""
        with self._guard:
            if path != self.path:
                self.close()
                self._given = self._store = None
                self.path = path

    def close(self) -> None:
        """Close what was opened here; the engine opens it again when it is used."""
        with self._guard:
            recorder, self._recorder = self._recorder, None
            store, self._store = self._store, self._given
        if recorder is not None:
            recorder.close()
        if store is not None and store is not self._given:
            store.close()

    def _record(self) -> Recorder:
        with self._guard:
            if self._recorder is None:
                self._recorder = Recorder(self._given or self.path, source="analytics-engine", clock=self._clock)
            return self._recorder

    def _tools(self) -> ToolsView:
        reader = self.store.reader()
        return reader.tools(reader.window("30d"))
