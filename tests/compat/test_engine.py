"""The analytics engine: the integration snippet, and each answer against counting the executions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fedstore import AnalyticsEngine
from fedstore.store import Store
from tests.conftest import Clock
from tests.ingest.helpers import count

MINUTE = 60_000
HOUR = 60 * MINUTE


@pytest.fixture
def engine(store: Store) -> Iterator[AnalyticsEngine]:
    found = AnalyticsEngine(store)
    yield found
    found.close()


def run(engine: AnalyticsEngine, n: int, tool: str, success: bool = True, seconds: float = 2.0, **more) -> str:
    return engine.record_execution(
        **{
            "task_id": f"t{n}", "tool_name": tool, "duration_seconds": seconds, "success": success,
            "cost_actual": 0.01, "tokens_used": 100, "human_effort_level": "LOW", "browser_used": False, **more,
        }
    )  # fmt: skip


@pytest.fixture
def busy(engine: AnalyticsEngine, clock: Clock) -> AnalyticsEngine:
    """Two agents, three tools, 60 executions over the last two hours, oldest first."""
    end = clock.now_ms
    for n in range(60):
        clock.now_ms = end - (60 - n) * 2 * MINUTE
        tool = ("search", "browser", "edit")[n % 3]
        run(engine, n, tool, success=tool != "browser" or n % 2 == 0, seconds=10.0 + n % 3,
            agent_id=("alpha", "beta")[n % 2], browser_used=tool == "browser")  # fmt: skip
    clock.now_ms = end
    return engine


def test_the_integration_snippet(tmp_path: Path) -> None:
    analytics_db = str(tmp_path / "local_data" / "analytics.db")
    engine = AnalyticsEngine()
    engine.metrics_collector.db_path = analytics_db
    engine.storage_manager.db_path = analytics_db
    engine.record_execution(
        task_id="t1", tool_name="search", duration_seconds=1.5, success=True, cost_actual=0.02, tokens_used=150,
        human_effort_level="MEDIUM", browser_used=True,
    )  # fmt: skip
    assert engine.metrics_collector.db_path == engine.storage_manager.db_path == analytics_db
    assert engine.get_task_pipeline()["total_tasks"] == 1
    assert engine.store.database.read(
        "SELECT task_id, agent_id, tool_name, duration_seconds, success, cost_actual, tokens_used,"
        " human_effort_level, browser_used FROM tier1_raw_metrics"
    ) == [("t1", "local", "search", 1.5, 1, 0.02, 150, "MEDIUM", 1)]
    engine.close()
    assert Path(analytics_db).exists()


def test_moving_to_another_file(tmp_path: Path, clock: Clock) -> None:
    engine = AnalyticsEngine(tmp_path / "a.db", clock=clock)
    run(engine, 1, "search")
    assert engine.get_task_pipeline()["total_tasks"] == 1
    engine.storage_manager.db_path = tmp_path / "b.db"
    assert engine.get_task_pipeline()["total_tasks"] == 0
    run(engine, 2, "search")
    engine.metrics_collector.db_path = str(tmp_path / "a.db")
    assert engine.get_task_pipeline()["total_tasks"] == 1
    engine.close()


def test_a_given_store_is_left_open_and_can_be_left(store: Store, tmp_path: Path) -> None:
    engine = AnalyticsEngine(store)
    run(engine, 1, "search")
    engine.close()
    assert engine.get_task_pipeline()["total_tasks"] == 1
    engine.metrics_collector.db_path = tmp_path / "elsewhere.db"
    run(engine, 2, "search")
    assert engine.store.path == tmp_path / "elsewhere.db"
    assert engine.get_task_pipeline()["total_tasks"] == 1
    engine.close()
    assert count(store.database, "tool_calls") == 1


def test_status_of_agents(busy: AnalyticsEngine, clock: Clock) -> None:
    found = busy.get_agents_status()
    assert found["total_agents"] == 2
    alpha, beta = found["agents"]
    assert set(alpha) == {
        "agent_id", "status", "tasks_completed_today", "avg_response_time", "success_rate", "last_activity",
    }  # fmt: skip
    assert (alpha["agent_id"], alpha["tasks_completed_today"], alpha["success_rate"]) == ("alpha", 30, 1.0)
    assert (beta["agent_id"], beta["tasks_completed_today"], beta["success_rate"]) == ("beta", 30, 20 / 30)
    assert alpha["avg_response_time"] == pytest.approx(11.0)
    assert beta["last_activity"] == "2026-03-10T12:32:00Z"
    assert (alpha["status"], beta["status"]) == ("active", "active")
    clock.advance(HOUR)
    assert {agent["status"] for agent in busy.get_agents_status()["agents"]} == {"idle"}
    clock.advance(3 * 24 * HOUR)
    late = busy.get_agents_status()["agents"]
    assert [(a["status"], a["tasks_completed_today"], a["success_rate"], a["avg_response_time"]) for a in late] == [
        ("offline", 0, None, None), ("offline", 0, None, None),
    ]  # fmt: skip
    busy.store.recorder().record({"kind": "run_state", "id": "r", "agent": "alpha"})
    assert busy.get_agents_status()["agents"][0]["status"] == "busy"


def test_capacity_follows_its_formula(busy: AnalyticsEngine, clock: Clock) -> None:
    alpha, beta = busy.get_predictive_capacity()["agents"]
    assert set(alpha) == {"agent_id", "estimated_available_capacity", "current_queue_depth", "bottleneck_tools"}
    # The hour that ends with this minute starts at 11:35; executions lie at 12:32:56, 12:30:56, … every 2 minutes.
    in_hour = [n for n in range(60) if (60 - n) * 2 <= 58]
    seconds = {agent: sum(10.0 + n % 3 for n in in_hour if n % 2 == agent) for agent in (0, 1)}
    assert alpha["estimated_available_capacity"] == pytest.approx(100 * (1 - seconds[0] / 3600), abs=0.06)
    assert beta["estimated_available_capacity"] == pytest.approx(100 * (1 - seconds[1] / 3600), abs=0.06)
    assert (alpha["bottleneck_tools"], beta["bottleneck_tools"]) == ([], ["browser"])
    assert alpha["current_queue_depth"] == 0
    busy.store.recorder().record({"kind": "run_state", "id": "r", "agent": "alpha", "state": "waiting"})
    assert busy.get_predictive_capacity()["agents"][0]["current_queue_depth"] == 1
    clock.advance(2 * HOUR)
    assert {a["estimated_available_capacity"] for a in busy.get_predictive_capacity()["agents"]} == {100.0}


def test_capacity_is_unknown_without_durations_and_never_below_zero(engine: AnalyticsEngine) -> None:
    engine.record_execution("t", "bash", None, True, agent_id="mute")
    run(engine, 1, "bash", seconds=5_000.0, agent_id="swamped")
    found = {a["agent_id"]: a["estimated_available_capacity"] for a in engine.get_predictive_capacity()["agents"]}
    assert found == {"mute": None, "swamped": 0.0}


def test_pipeline(busy: AnalyticsEngine) -> None:
    found = busy.get_task_pipeline()
    assert {name: found[name] for name in ("total_tasks", "successful_tasks", "failed_tasks")} == {
        "total_tasks": 60, "successful_tasks": 50, "failed_tasks": 10,
    }  # fmt: skip
    assert found["success_rate"] == 50 / 60
    assert found["tool_breakdown"]["browser"] == {
        "total": 20, "successful": 10, "failed": 10, "success_rate": 0.5, "avg_duration": 11.0,
    }  # fmt: skip
    assert list(found["tool_breakdown"]) == ["browser", "edit", "search"]


def test_usage_and_costs(busy: AnalyticsEngine) -> None:
    found = busy.get_api_usage_and_costing()
    assert (found["total_tasks_24h"], found["total_tokens_24h"]) == (60, 6_000)
    assert found["execution_costs"]["total_usd"] == pytest.approx(0.60)
    assert found["execution_costs"]["avg_per_task_usd"] == pytest.approx(0.01)
    assert (found["tier1_records"], found["tier2_records"]) == (60, 3)
    storage = found["storage_costs"]
    assert (storage["tier1_bytes"], storage["tier2_bytes"]) == (60 * 500, 3 * 200)
    assert storage["daily_cost_usd"] == pytest.approx((30_000 + 600) / 1024**3 * 0.18 / 30)


def test_costs_that_nobody_told_are_unknown(engine: AnalyticsEngine) -> None:
    run(engine, 1, "search", cost_actual=None, tokens_used=None)
    engine.record_execution("t2", "search", 1.0, True)
    profile = engine.get_system_learning()["tool_profiles"]["search"]
    assert (profile["avg_cost"], profile["total_cost"], profile["risk_patterns"]) == (None, None, [])
    assert engine.get_api_usage_and_costing()["execution_costs"] == {
        "total_usd": None, "priced_tasks": 0, "avg_per_task_usd": None,
    }  # fmt: skip


def test_learning_risks_and_recommendations(busy: AnalyticsEngine, clock: Clock) -> None:
    learning = busy.get_system_learning()
    assert sum(learning["confidence_distribution"].values()) == 3
    browser = learning["tool_profiles"]["browser"]
    assert (browser["total_executions"], browser["success_rate"], browser["confidence_level"]) == (20, 0.5, "LOW")
    assert browser["avg_duration"] == pytest.approx(11.0)
    assert (browser["avg_cost"], browser["total_cost"]) == (pytest.approx(0.01), pytest.approx(0.2))
    assert browser["risk_patterns"] == ["10 of 20 executions failed"]
    (recommendation,) = busy.get_tool_recommendations()["recommendations"]
    assert recommendation["tool_name"] == "browser"
    run(busy, 99, "search", cost_actual=5.0, agent_id="alpha")
    risks = busy.get_risk_patterns()
    assert [(f["tool_name"], f["failures"], f["failure_rate"]) for f in risks["failure_patterns"]] == [
        ("browser", 10, 0.5)
    ]
    (anomaly,) = risks["cost_anomalies"]
    assert (anomaly["tool_name"], anomaly["agent_id"], anomaly["cost"]) == ("search", "alpha", 5.0)
    assert anomaly["ratio"] == pytest.approx(5.0 / ((20 * 0.01 + 5.0) / 21))


def test_the_last_full_hour(busy: AnalyticsEngine, clock: Clock) -> None:
    found = busy.run_hourly_aggregation()
    # 11:00 to 12:00: the executions 36 to 94 minutes before 12:34:56, every two minutes
    assert found["hour_timestamp"] == "2026-03-10T11:00:00Z"
    numbers = [n for n in range(60) if 34.95 < (60 - n) * 2 <= 94.95]
    assert found["total_tasks"] == len(numbers) == 30
    failed = sum(n % 3 == 1 and n % 2 == 1 for n in numbers)
    assert (found["successful"], found["failed"]) == (30 - failed, failed)
    assert found["tool_counts"] == {"browser": 10, "edit": 10, "search": 10}
    assert found["total_cost"] == pytest.approx(0.30)
    assert found["total_tokens"] == 3_000
    assert busy.run_hourly_aggregation() == found
    seen = busy.store.database.read(
        "SELECT hour_timestamp, total_tasks, successful, failed FROM tier2_hourly_summaries ORDER BY 1"
    )
    assert (1_773_140_400, 30, 25, 5) in seen


def test_an_empty_engine_answers(engine: AnalyticsEngine) -> None:
    assert engine.get_agents_status()["agents"] == []
    assert engine.get_predictive_capacity()["agents"] == []
    assert engine.get_task_pipeline()["success_rate"] is None
    assert engine.get_api_usage_and_costing()["execution_costs"]["total_usd"] == 0.0
    assert engine.get_system_learning()["confidence_distribution"] == {"HIGH": 0, "MEDIUM": 0, "LOW": 0}
    assert engine.get_risk_patterns() == {"failure_patterns": [], "cost_anomalies": [], "patterns": []}
    assert engine.get_tool_recommendations()["recommendations"] == []
    assert engine.run_hourly_aggregation()["total_cost"] == 0.0


def test_recording_never_raises_and_serves_threads(engine: AnalyticsEngine, tmp_path: Path) -> None:
    (tmp_path / "foreign.db").write_bytes(b"no database")
    broken = AnalyticsEngine(tmp_path / "foreign.db")
    run(broken, 1, "search")
    run(engine, 2, "search", seconds=-5.0)
    engine.record_execution("t3")  # without a tool
    threads = [threading.Thread(target=lambda: [run(engine, n, "bash") for n in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(engine.store.database, "tool_calls") == 80
    assert count(engine.store.database, "rejects") == 2


def test_cleanup_purges_raw_executions_and_keeps_their_sums(busy: AnalyticsEngine, clock: Clock) -> None:
    assert sum(busy.cleanup().values()) == 0
    clock.advance(25 * HOUR)
    run(busy, 100, "search")
    gone = busy.cleanup()
    assert sum(gone.values()) >= 60
    assert count(busy.store.database, "tool_calls") == 1
    assert busy.get_system_learning()["tool_profiles"]["browser"]["total_executions"] == 20


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"duration_seconds": -5.0}, "duration_seconds"), ({"human_effort_level": "HUGE"}, "human_effort_level"),
        ({"tokens_used": -1}, "tokens_used"), ({"cost_actual": "much"}, "cost_actual"), ({"agent_id": ""}, "agent_id"),
        ({"tool_name": None}, "tool_name"), ({"at": "yesterday"}, "at"), ({"colour": "red"}, "colour"),
    ],
)  # fmt: skip
def test_what_is_refused_is_told_in_the_callers_words(
    engine: AnalyticsEngine, given: dict[str, object], field: str
) -> None:
    engine.record_execution(**{"task_id": "t", "tool_name": "search", "success": True, **given})
    ((_, _, reason, _),) = engine.store.reader().rejects()
    assert reason.startswith(f"{field}: ")
