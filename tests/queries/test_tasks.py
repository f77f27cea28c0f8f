"""What an agent's tasks are, and what the pane and the analytics engine say of one store: the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fedstore import AnalyticsEngine, Reader, Store
from fedstore.window import iso
from tests.conftest import Clock
from tests.queries.conftest import Filled
from tests.queries.federation import NOW_MS, Event, events, of, quantile

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def executions(n: int = 31) -> list[Event]:
    """Of two agents, over 26 hours, of three types; one in six fails, one in five tells no duration."""
    return [
        {
            "kind": "execution", "id": f"e{i}", "agent": ("alpha", "beta")[i % 2],
            "tool": ("grep", "edit", "web")[i % 3], "task_type": ("", "review", "docs")[i // 7 % 3],
            "at": NOW_MS - i * 50 * MINUTE - i * 777,
            "success": i % 6 != 5, "duration_ms": None if i % 5 == 4 else 60_000.0 * (1 + i % 4), "cost_usd": 0.01,
            "tokens": 10,
        }
        for i in range(n)
    ]  # fmt: skip


@pytest.mark.parametrize("label", ["1h", "6h", "24h", "30d", "all"])
def test_executions_are_the_tasks_of_who_has_no_runs(filled: Filled, label: str) -> None:
    made = executions()
    reader = filled(made)
    window = reader.window(label)
    mine = of("execution", made, window.start_ms, window.end_ms)
    view, agents = reader.overview(window), reader.agents(window)
    assert view.tasks == view.executions == len(mine) > 0
    assert (view.success.hits, view.success.n) == (sum(e["success"] for e in mine), len(mine))
    known = [e["duration_ms"] for e in mine if e["duration_ms"] is not None]
    assert view.durations.n == len(known)
    assert view.durations.mean_ms == pytest.approx(sum(known) / len(known))
    assert view.durations.p95_ms == pytest.approx(quantile(known, 0.95), rel=0.02)
    assert sum(p.ok + p.failed + p.unknown for p in view.series) == len(mine)
    assert [(item.run_id, item.tool) for item in view.feed] == [(e["id"], e["tool"]) for e in mine][:30]
    for row in agents.rows:
        own = [e for e in mine if e["agent"] == row.name]
        assert (row.tasks_are, row.tasks, sum(row.spark)) == ("executions", len(own), len(own))
        assert (row.success.hits, row.success.n) == (sum(e["success"] for e in own), len(own))
        assert row.last_ms == max(e["at"] for e in made if e["agent"] == row.name) // MINUTE * MINUTE
    cells = {(c.agent, c.task_type): c.tasks for c in agents.cells}
    assert cells == {
        (agent, kind): n for agent in ("alpha", "beta") for kind in ("", "review", "docs")
        if (n := sum((e["agent"], e["task_type"]) == (agent, kind) for e in mine))
    }  # fmt: skip


def test_of_one_task_type_and_of_one_agent(filled: Filled) -> None:
    made = executions()
    reader = filled(made)
    window = reader.window("24h")
    mine = of("execution", made, window.start_ms, window.end_ms)
    assert reader.names("task_type") == ("docs", "review")
    for row in reader.task_type("review", window):
        own = [e for e in mine if (e["agent"], e["task_type"]) == (row.name, "review")]
        assert (row.tasks, row.success.hits, row.tasks_are) == (len(own), sum(e["success"] for e in own), "executions")
    detail = reader.agent("beta", window)
    own = [e for e in mine if e["agent"] == "beta"]
    assert [(r.id, r.tool, r.task_type) for r in detail.recent] == [(e["id"], e["tool"], e["task_type"]) for e in own]
    assert sum(p.ok + p.failed + p.unknown for p in detail.series) == len(own)
    assert [row.id for row in reader.runs(window, "beta")] == [e["id"] for e in own]
    assert len(reader.runs(window)) == len(mine)


def test_an_agent_that_has_runs_does_its_work_in_them(store: Store, clock: Clock) -> None:
    """Also in a window in which none of them ended; what it executes is a sign of life."""
    recorder = store.recorder()
    recorder.task("kimi", "review", True, duration_ms=1000, at=clock.now_ms - 10 * DAY)
    recorder.execution(agent="kimi", tool="grep", success=False, at=clock.now_ms - 2 * MINUTE)
    with store.recorder().run("new") as run:
        run.execution("grep", success=True)
        view = store.reader().overview(store.reader().window("15m"))
    assert {(row.name, row.tasks, row.tasks_are) for row in view.agents} == {("new", 0, "runs")}
    row = next(r for r in store.reader().agents(store.reader().window("30d")).rows if r.name == "kimi")
    assert (row.tasks, row.success.hits, row.tasks_are, row.state) == (1, 1, "runs", "active")
    clock.advance(25 * DAY)
    recorder.execution(agent="kimi", tool="grep", success=True)
    (row,) = store.reader().agents(store.reader().window("15m")).rows
    assert (row.name, row.tasks, row.tasks_are) == ("kimi", 1, "executions")


def shares_of(made: list[Event], kind: str, end: int) -> dict[str, float]:
    """1 - (time that tasks took inside the last hour) / 1 h, each until the end of the minute in which it ended."""
    busy: dict[str, float] = {}
    for e in of(kind, made, end - HOUR, end):
        spent = e["duration_ms"] if e["duration_ms"] is not None else 0.0
        until = e["at"] // MINUTE * MINUTE + MINUTE
        busy[e["agent"]] = busy.get(e["agent"], 0.0) + min(spent, until - (end - HOUR))
    return {agent: max(0.0, 1 - spent / HOUR) for agent, spent in busy.items()}


def test_capacity_is_the_free_share_of_the_last_hour(filled: Filled) -> None:
    long = {"kind": "run", "agent": "kimi", "task_type": "", "success": True, "duration_ms": 50.0 * MINUTE}
    made: list[Event] = [
        {**long, "id": "1", "at": NOW_MS - 55 * MINUTE},
        {**long, "id": "2", "at": NOW_MS - 30 * MINUTE, "duration_ms": 10.0 * MINUTE},
        {**long, "id": "3", "agent": "swamped", "at": NOW_MS, "duration_ms": 3.0 * HOUR},
        {**long, "id": "4", "agent": "mute", "at": NOW_MS - MINUTE, "duration_ms": None},
        {**long, "id": "5", "agent": "rested", "at": NOW_MS - 5 * HOUR},
        *executions(),
    ]
    reader = filled(made)
    for label in ("15m", "24h", "all"):
        window = reader.window(label)
        expected = {**shares_of(made, "run", window.end_ms), **shares_of(made, "execution", window.end_ms)}
        expected = {**expected, "rested": 1.0, "mute": None}
        found = {row.name: row.capacity for row in reader.agents(window).rows}
        assert found == {name: pytest.approx(expected[name]) for name in found}
    assert found["kimi"] == pytest.approx(1 - (5 + 10) / 60, abs=1.1 / 60)
    assert found["swamped"] == 0.0


def test_what_goes_on_takes_time_until_it_is_silent(store: Store, clock: Clock) -> None:
    store.recorder().record({"kind": "run_state", "id": "r", "agent": "kimi", "started_at": clock.now_ms - 15 * MINUTE})
    capacity = [row.capacity for row in store.reader().agents(store.reader().window("24h")).rows]
    assert capacity == [pytest.approx(0.75, abs=1 / 60)]
    clock.advance(2 * HOUR)
    (row,) = store.reader().agents(store.reader().window("24h")).rows
    assert row.capacity is None


def both_doors(reader: Reader, engine: AnalyticsEngine) -> None:
    """Every figure of the engine that bears a word of the views is theirs."""
    view = reader.overview(reader.window("24h"))
    rows = {row.name: row for row in view.agents}
    for agent in engine.get_agents_status()["agents"]:
        row = rows.get(agent["agent_id"])
        if row is None:
            assert (agent["status"], agent["success_rate"]) == ("offline", None)
            continue
        mean = row.durations.mean_ms
        assert agent == {
            "agent_id": row.name, "status": row.state, "tasks_completed_today": agent["tasks_completed_today"],
            "avg_response_time": None if mean is None else mean / 1000, "success_rate": row.success.value,
            "last_activity": None if row.last_ms is None else iso(row.last_ms),
        }  # fmt: skip
    for agent in engine.get_predictive_capacity()["agents"]:
        share = rows[agent["agent_id"]].capacity
        assert agent["estimated_available_capacity"] == (None if share is None else round(100 * share, 1))
    pipeline = engine.get_task_pipeline()
    assert (pipeline["total_tasks"], pipeline["success_rate"]) == (view.tasks, view.success.value)
    costs: dict[str, Any] = engine.get_api_usage_and_costing()
    assert (costs["total_tasks_24h"], costs["total_tokens_24h"]) == (view.tasks, view.tokens)
    assert costs["total_spend_usd_24h"] == pytest.approx(view.cost.nano / 1e9)


@pytest.mark.parametrize("mixed", [False, True])
def test_pane_and_engine_agree(filled: Filled, mixed: bool) -> None:
    made = [*executions(), *events(seed=5)] if mixed else executions()
    reader = filled(made)
    database = reader._database
    engine = AnalyticsEngine(Store(database.path, clock=lambda: NOW_MS))
    both_doors(reader, engine)
    if not mixed:
        view = reader.overview(reader.window("24h"))
        assert {row.name: row.state for row in view.agents} == {"alpha": "active", "beta": "idle"}
        assert engine.get_api_usage_and_costing()["execution_costs"]["total_usd"] == pytest.approx(view.cost.nano / 1e9)
    engine.store.close()


def test_free_and_failed_executions_in_the_costs(store: Store, clock: Clock) -> None:
    """Thirty paid ones, five of which failed, one that cost nothing; what told of no cost is no call."""
    engine = AnalyticsEngine(store)
    for n in range(30):
        engine.record_execution(f"t{n}", "grep", 1.0, n % 6 != 0, 0.01, 10)
    engine.record_execution("t30", "grep", 1.0, True, 0.0)
    engine.record_execution("t31", "grep", 1.0, False)
    (row,) = store.reader().costs(store.reader().window("24h")).rows
    assert (row.calls, row.errors, row.cost.nano, row.input_tokens) == (31, 5, 300_000_000, 300)
    (tool,) = store.reader().tools(store.reader().window("24h")).rows
    assert tool.calls == 32
    engine.close()


def test_effort_and_browser_in_the_details(store: Store) -> None:
    engine = AnalyticsEngine(store)
    for n in range(12):
        engine.record_execution(f"t{n}", "web", 1.0, True, human_effort_level=("LOW", "HIGH", "")[n % 3],
                                browser_used=n % 4 == 0)  # fmt: skip
    reader = store.reader()
    window = reader.window("24h")
    effort = reader.agent("local", window).effort
    assert (effort.calls, effort.told, effort.low, effort.medium, effort.high, effort.browser) == (12, 8, 4, 0, 4, 3)
    assert reader.tool("web", window).effort == replace(effort)
    assert {(call.effort, call.browser_used) for call in reader.tool("web", window).recent} >= {
        ("LOW", True),
        ("", False),
    }
    newest = reader.runs(window)[0]
    assert reader.run(newest.id) == newest
    assert (newest.tool, newest.effort, newest.browser_used) == ("web", "", False)
    engine.close()
