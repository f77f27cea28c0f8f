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
    named = ", right would be codex" if said == "codex" else ""
    assert run("grade", "near", said).stdout == f"Graded: near {word}{named}\n"
    assert verdict(routed, "near") == expected
    told = json.loads(run("label", "near", said, "--json").stdout)
    assert (told["route_id"], told["correct"]) == ("near", word == "right")
    assert (told["was"], told["agent"]) == (f"{word}{named}", "codex" if named else None)


def test_a_grade_is_taken_back(run: Run, routed: Store, clock: Any) -> None:
    run("grade", "near", "wrong")
    assert run("grade", "near", "clear").stdout == "Graded: near no verdict (was wrong)\n"
    assert verdict(routed, "near") == (None, None)
    assert "nothing to clear" in refused(run("grade", "near", "clear"))
    assert "nothing to clear" in refused(run("grade", "done", "clear")), "what the router said is not this judge's"


def test_a_run_is_graded_with_the_same_words(run: Run, routed: Store) -> None:
    for name, at in (("first", 9_000), ("second", 5_000)):
        routed.writer().write([{"kind": "run", "id": name, "agent": "kimi", "at": NOW_MS - at}])
    assert run("grade", "last", "rework").stdout == "Graded: second rework\n"
    assert json.loads(run("grade", "fir", "wrong", "--json").stdout)["run_id"] == "first"
    assert routed.database.read("SELECT id, success, rework FROM runs ORDER BY id") == [
        ("first", 0, None), ("second", 1, 1),
    ]  # fmt: skip
    assert "a run is right, rework or wrong" in refused(run("grade", "last", "codex"))
    assert "rework is said of a run" in refused(run("grade", "near", "rework"))


def test_an_id_that_names_a_run_and_a_decision_is_no_id(run: Run, routed: Store) -> None:
    routed.writer().write([{"kind": "run", "id": "near", "agent": "kimi"}])
    assert "'near' is both a run and a decision" in refused(run("grade", "near", "right"))
    assert run("grade", "nea", "right").exit_code == 2
    assert "Graded: middle right" in run("grade", "mid", "right").stdout


def test_a_later_grade_stands(run: Run, routed: Store, clock: Any) -> None:
    run("grade", "near", "right")
    clock.advance(1)
    run("grade", "near", "wrong")
    assert verdict(routed, "near")[0] == 0


def test_queue_is_nearest_first_and_without_the_graded(run: Run, ask: Callable[..., Any], routed: Store) -> None:
    found = ask("grade")
    assert [item["route_id"] for item in found["queue"]] == ["near", "middle", "far"]
    assert found["queue"][0]["margin"] == pytest.approx(0.01)
    assert (found["progress"]["decisions"], found["progress"]["graded"]) == (4, 1)
    shown = run("grade", "-n", 2).stdout
    assert shown.index("near") < shown.index("middle")
    assert "0.990" not in shown
    assert "fedtop grade ID right | wrong | AGENT | clear" in shown


def test_queue_shrinks_and_accuracy_follows(run: Run, ask: Callable[..., Any], routed: Store) -> None:
    for name in ("near", "far", "middle"):
        assert run("grade", name, "wrong").exit_code == 0
    found = ask("grade")
    assert found["queue"] == []
    assert found["progress"]["graded"] == 4
    assert found["progress"]["accuracy"] == pytest.approx(1 / 4)
    assert "Nothing to grade" in run("grade").stdout


def test_refusals(run: Run, routed: Store) -> None:
    assert "neither a run nor a decision 'moon'" in refused(run("grade", "moon", "right"))
    assert "say right, rework, wrong" in refused(run("grade", "near"))
    assert "read-only" in refused(run("grade", "near", "right", "--readonly"))
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
