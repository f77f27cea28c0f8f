"""Grading from the shell: a grade lands in the accuracy; the queue lists what is open, nearest first."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fedstore import Store
from tests.cli.conftest import Run, refused
from tests.federation import NOW_MS


def decision(name: str, confidence: float, agent: str = "kimi", threshold: float = 0.7) -> dict[str, Any]:
    """A decision that the one layer took."""
    attempt = {"layer": "semantic", "agent": agent, "confidence": confidence, "threshold": threshold, "accepted": True}
    return {"kind": "route", "id": name, "agent": agent, "layer": "semantic", "confidence": confidence,
            "at": NOW_MS - 60_000, "latency_ms": 3.0, "attempts": [attempt]}  # fmt: skip


@pytest.fixture
def routed(store: Store) -> Store:
    """Four decisions, one of them graded."""
    events = [decision("far", 0.99), decision("near", 0.71), decision("middle", 0.8), decision("done", 0.75)]
    events[3]["outcome"] = {"correct": True}
    assert store.writer().write(events).taken == 4
    return store


def verdict(store: Store, route_id: str) -> tuple[Any, ...]:
    return store.database.read("SELECT correct, correct_agent FROM routes WHERE id = ?", (route_id,))[0]


@pytest.mark.parametrize(
    ("said", "expected", "word"),
    [("right", (1, "kimi"), "right"), ("wrong", (0, None), "wrong"), ("codex", (0, "codex"), "wrong"),
     ("kimi", (1, "kimi"), "right")],
)  # fmt: skip
def test_a_grade_is_recorded(run: Run, routed: Store, said: str, expected: tuple[Any, ...], word: str) -> None:
    assert run("label", "near", said).stdout == f"Graded: near {word}\n"
    assert verdict(routed, "near") == expected
    assert json.loads(run("label", "near", said, "--json").stdout) == {"route_id": "near", "correct": word == "right"}


def test_a_later_grade_stands(run: Run, routed: Store, clock: Any) -> None:
    run("label", "near", "right")
    clock.advance(1)
    run("label", "near", "wrong")
    assert verdict(routed, "near")[0] == 0


def test_queue_is_nearest_first_and_without_the_graded(run: Run, ask: Callable[..., Any], routed: Store) -> None:
    found = ask("label")
    assert [item["route_id"] for item in found["queue"]] == ["near", "middle", "far"]
    assert found["queue"][0]["margin"] == pytest.approx(0.01)
    assert (found["progress"]["decisions"], found["progress"]["graded"]) == (4, 1)
    shown = run("label", "-n", 2).stdout
    assert shown.index("near") < shown.index("middle")
    assert "0.990" not in shown
    assert "fedtop grade ID right | wrong | AGENT" in shown


def test_queue_shrinks_and_accuracy_follows(run: Run, ask: Callable[..., Any], routed: Store) -> None:
    for name in ("near", "far", "middle"):
        assert run("label", name, "wrong").exit_code == 0
    found = ask("label")
    assert found["queue"] == []
    assert found["progress"]["graded"] == 4
    assert found["progress"]["accuracy"] == pytest.approx(1 / 4)
    assert "Nothing to grade" in run("label").stdout


def test_refusals(run: Run, routed: Store) -> None:
    assert "no routing decision 'moon'" in refused(run("label", "moon", "right"))
    assert "say right, wrong" in refused(run("label", "near"))
    assert "read-only" in refused(run("label", "near", "right", "--readonly"))
    assert verdict(routed, "near") == (None, None)


def test_why_shows_the_ladder(run: Run, ask: Callable[..., Any], routed: Store) -> None:
    found = ask("why", "near")
    assert found["decision"]["id"] == "near"
    assert [step["layer"] for step in found["steps"]] == ["semantic"]
    shown = run("why", "near").stdout
    assert "semantic" in shown
    assert "+0.010" in shown
    assert "accepted" in shown


def test_the_former_name_of_the_command_still_works(run: Run, ask: Callable[..., Any], store: Store) -> None:
    assert ask("label", "-w", "all") == ask("grade", "-w", "all")
    assert " label " not in run("--help").stdout
