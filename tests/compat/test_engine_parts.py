"""The parts of the analytics engine under their old names: what they take and answer is what the store holds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import fedstore
from fedstore import (
    AgentStatusSnapshot,
    AnalyticsEngine,
    CapacityForecast,
    ConfidenceLevel,
    ExecutionMetrics,
    HourlyAggregator,
    HourlySummary,
    MetricsCollector,
    StorageManager,
    Store,
    ToolProfile,
    ToolRegistry,
)
from tests.conftest import Clock

HOUR = 3_600_000
NAMED = (
    "ExecutionMetrics ToolProfile AgentStatusSnapshot CapacityForecast HourlySummary MetricsCollector StorageManager"
    " HourlyAggregator ToolRegistry CapacityAnalyzer CostAnalyzer AnalyticsEngine"
)
"""The module structure that the engine's own description lists."""


@pytest.fixture
def engine(store: Store) -> Iterator[AnalyticsEngine]:
    found = AnalyticsEngine(store)
    yield found
    found.close()


def executed(tool: str, number: int, failed: int = 0) -> list[ExecutionMetrics]:
    return [
        ExecutionMetrics(f"{tool}-{n}", "alpha", tool, 1.5, n >= failed, 0.25, 10, "HIGH", True) for n in range(number)
    ]


def test_every_named_class_is_there(engine: AnalyticsEngine) -> None:
    for name in NAMED.split():
        assert isinstance(getattr(fedstore, name), type)
    parts = {"metrics_collector", "storage_manager", "tool_registry", "capacity_analyzer", "cost_analyzer",
             "hourly_aggregator"}  # fmt: skip
    assert {type(getattr(engine, part)).__name__ for part in parts} == {
        "".join(word.capitalize() for word in part.split("_")) for part in parts
    }


def test_what_a_collector_takes_it_gives_back(engine: AnalyticsEngine, clock: Clock) -> None:
    given = executed("grep", 3)
    for metrics in given:
        engine.metrics_collector.record_execution(metrics)
        clock.advance(HOUR)
    found = engine.metrics_collector.get_recent_metrics()
    assert [(m.task_id, m.duration_seconds, m.success, m.cost_actual, m.tokens_used) for m in found] == [
        (m.task_id, m.duration_seconds, m.success, m.cost_actual, m.tokens_used) for m in reversed(given)
    ]
    assert {(m.agent_id, m.human_effort_level, m.browser_used) for m in found} == {("alpha", "HIGH", True)}
    assert [m.task_id for m in engine.metrics_collector.get_recent_metrics(hours=2)] == ["grep-2", "grep-1"]
    (untold,) = [ExecutionMetrics("t", tool_name="web")]
    engine.metrics_collector.record_execution(untold)
    newest = engine.metrics_collector.get_recent_metrics()[0]
    assert (newest.duration_seconds, newest.success, newest.cost_actual, newest.tokens_used) == (None,) * 4


def test_old_executions_go_and_their_profile_stays(engine: AnalyticsEngine, clock: Clock) -> None:
    for metrics in executed("grep", 4, failed=1):
        engine.metrics_collector.record_execution(metrics)
    assert engine.metrics_collector.cleanup_old_metrics() == 0
    clock.advance(30 * HOUR)
    engine.metrics_collector.record_execution(executed("web", 1)[0])  # the newest says that time went by
    engine.cleanup_old_data()
    assert [m.tool_name for m in engine.metrics_collector.get_recent_metrics(hours=100)] == ["web"]
    profile = engine.storage_manager.get_tool_profile("grep")
    assert profile == ToolProfile(
        "grep", 4, 3, 1, 1.5, 0.25, 0.75, ConfidenceLevel.MEDIUM, ["1 of 4 executions failed"]
    )
    assert engine.storage_manager.get_tool_profile("never") is None


def test_a_profile_from_elsewhere_is_told_and_not_stored(
    engine: AnalyticsEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.metrics_collector.record_execution(executed("grep", 1)[0])
    kept = engine.storage_manager.get_tool_profile("grep")
    assert kept is not None
    with caplog.at_level(logging.WARNING, "fedstore"):
        engine.storage_manager.store_tool_profile(kept)
        assert not caplog.records
        engine.storage_manager.store_tool_profile(ToolProfile("grep", 500, 500))
    assert "grep is not stored" in caplog.text
    assert engine.storage_manager.get_tool_profile("grep") == kept


def test_the_registry_follows_the_executions(engine: AnalyticsEngine) -> None:
    registry = engine.tool_registry
    registry.register_tool("new")
    for n in range(30):
        registry.update_tool_from_execution("good", success=True, duration=2.0, cost=0.5, tokens=3)
        registry.update_tool_from_execution("bad", success=n % 2 == 0)
    assert registry.tools.keys() == {"good", "bad", "new"}
    assert registry.tools["new"] == ToolProfile("new")
    assert (registry.get_tool_confidence("good"), registry.get_tool_confidence("bad")) == (
        ConfidenceLevel.HIGH, ConfidenceLevel.LOW,
    )  # fmt: skip
    assert registry.get_tool_confidence("unheard of") is ConfidenceLevel.MEDIUM
    assert [registry.get_tools_by_confidence(level) for level in ConfidenceLevel] == [["bad"], ["new"], ["good"]]
    assert engine.get_task_pipeline()["total_tasks"] == 60


def test_agents_and_capacity_are_those_of_the_questions(engine: AnalyticsEngine) -> None:
    for metrics in executed("grep", 4, failed=1):
        engine.metrics_collector.record_execution(metrics)
    (agent,) = engine.get_agents_status()["agents"]
    assert engine.agents == {"alpha": AgentStatusSnapshot(**agent)}
    forecast = engine.capacity_analyzer.predict_capacity("alpha")
    assert (forecast.estimated_available_capacity, forecast.current_queue_depth) == (99.8, 0)
    assert engine.capacity_analyzer.predict_capacity("nobody") == CapacityForecast("nobody")


def test_hours_and_costs(engine: AnalyticsEngine, clock: Clock) -> None:
    assert engine.hourly_aggregator.aggregate_last_hour() is None
    for metrics in executed("grep", 4, failed=1):
        engine.metrics_collector.record_execution(metrics)
    clock.advance(HOUR)
    summary = engine.hourly_aggregator.aggregate_last_hour()
    assert summary == HourlySummary("2026-03-10T12:00:00Z", 4, 3, 1, 1.0, 40, {"grep": 4})
    assert engine.cost_analyzer.get_hourly_cost_summary(summary.hour_timestamp) == 1.0
    assert engine.cost_analyzer.calculate_storage_cost(1024**3 // 500 * 30, 0) == pytest.approx(0.18, rel=1e-6)


def test_parts_stand_alone_over_a_path(tmp_path: Path) -> None:
    collector = MetricsCollector(tmp_path / "a.db")
    collector.record_execution(executed("grep", 1)[0])
    storage = StorageManager(collector)
    assert storage.db_path == str(tmp_path / "a.db")
    assert ToolRegistry(storage).tools["grep"].total_executions == 1
    with pytest.raises(ValueError, match="of one engine"):
        HourlyAggregator(collector, StorageManager(tmp_path / "b.db"))
    collector.engine.close()
