"""What a command's text says its JSON says too, and a plan says what it rests on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fedstore import PolicyStore, Store
from tests.cli.conftest import Run

Ask = Callable[..., Any]


def record(store: Store, agent: str, task_type: str, good: int, bad: int = 0) -> None:
    recorder = store.recorder()
    for n in range(good + bad):
        recorder.task(agent, task_type, n < good)


def test_a_task_type_recommends_in_json_as_in_text(run: Run, ask: Ask, store: Store) -> None:
    record(store, "kimi", "review", 40)
    record(store, "claude", "review", 2, 20)
    record(store, "codex", "review", 3)
    rows = {row["name"]: row for row in ask("task-type", "review")["agents"]}
    said = {"kimi": "high performer", "claude": "low performer", "codex": "too few to tell"}
    assert {name: row["recommendation"] for name, row in rows.items()} == said
    assert (rows["kimi"]["tasks"], rows["kimi"]["success"]["hits"]) == (40, 40)
    text = run("task-type", "review").stdout
    for agent, words in said.items():
        assert any(agent in line and words in line for line in text.splitlines())


def test_an_agent_shows_the_boosts_that_a_router_adds(run: Run, ask: Ask, store: Store) -> None:
    record(store, "kimi", "review", 10)
    record(store, "kimi", "docs", 10)
    boosts = {"routing_boost": 0.02, "task_types": {"review": {"routing_boost": 0.05}}}
    PolicyStore(store).import_content(json.dumps({"agents": {"kimi": boosts}}).encode(), "metrics.json")
    document = ask("agent", "kimi")
    assert document["routing_boost"] == 0.02
    assert document["boosts_by_task_type"] == {"docs": 0.02, "review": 0.05}
    text = run("agent", "kimi").stdout
    assert "+0.02   review +0.05" in text
    table = [line for line in text.splitlines() if line.strip().startswith(("docs", "review"))]
    assert [line.split()[-1] for line in sorted(table)] == ["+0.02", "+0.05"]


def test_a_plan_of_boosts_tells_what_was_seen_and_what_to_expect(run: Run, store: Store) -> None:
    record(store, "kimi", "review", 20)
    record(store, "claude", "review", 5, 15)
    text = run("optimize", "--dry-run").stdout
    line = next(line for line in text.splitlines() if "success of what is boosted" in line)
    assert "100 % (83.9–100.0) seen" in line
    assert line.endswith("to be expected")
    assert "Measure" not in text


def test_nothing_to_optimize_says_why(run: Run, store: Store) -> None:
    record(store, "kimi", "review", 1)
    text = run("optimize", "--dry-run").stdout
    assert "No boost is in force, and the evidence (1 graded task of 1 agent) asks for none." in text
    record(store, "kimi", "review", 20)
    record(store, "claude", "review", 0, 20)
    assert run("optimize").exit_code == 0
    assert "The boosts in force already say what this evidence says." in run("optimize", "--dry-run").stdout
