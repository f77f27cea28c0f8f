"""The analytics engine: executions in, seven questions out, under the names and fields of its first version.

    engine = AnalyticsEngine()
    engine.metrics_collector.db_path = engine.storage_manager.db_path = "local_data/analytics.db"
    engine.record_execution(task_id="t1", tool_name="search", duration_seconds=1.2, success=True, ...)
    engine.get_agents_status()

An agent that tells of executions alone has each of them for a task; one that records runs has those (see
`queries.tasks`). Every figure is that of the views. Recording never raises; asking raises StoreError. Rates are
fractions and None where nothing is known; durations are seconds, money USD, times ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.compat import engine_parts as parts
from fedstore.compat.engine_core import EngineCore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fedstore.store import Store

__all__ = ["AnalyticsEngine"]


class AnalyticsEngine(EngineCore):
    """Records executions and answers the seven `get_*` questions about them.

    `store` is a Store, a path, or None for the default place. One engine may be used by many threads.
    """

    def __init__(self, store: Store | str | Path | None = None, *, clock: Callable[[], int] | None = None) -> None:
        super().__init__(store, clock=clock)
        self.metrics_collector = parts.MetricsCollector(self)
        self.storage_manager = parts.StorageManager(self)
        self.tool_registry = parts.ToolRegistry(self)
        self.capacity_analyzer = parts.CapacityAnalyzer(self)
        self.cost_analyzer = parts.CostAnalyzer(self)
        self.hourly_aggregator = parts.HourlyAggregator(self.metrics_collector, self.storage_manager)
