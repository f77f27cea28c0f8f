"""What was recorded of a run or an execution can be read: as text, as JSON, in an export."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from fedstore import AnalyticsEngine, Store
from tests.cli.conftest import Run
from tests.conftest import Clock

Ask = Callable[..., Any]
TOLD = {"mode": "3loop", "qa": "warning", "confidence": 0.75, "quality": 0.5, "notes": "needs \x1b[31mcare"}


@pytest.fixture
def told(store: Store) -> str:
    return store.recorder().task("kimi", "review", True, **TOLD)


def test_a_run_tells_its_notes_mode_check_and_confidence(run: Run, ask: Ask, told: str) -> None:
    text = run("run", told).stdout
    for words in ("3loop", "warning", "0.75", "0.50", "needs care"):
        assert words in text
    document = ask("run", told)
    wanted = {**TOLD, "notes": "needs care", "tool": "", "effort": "", "browser_used": None}
    assert {name: document[name] for name in wanted} == wanted


def test_lists_and_exports_tell_them_too(run: Run, ask: Ask, told: str, store: Store) -> None:
    store.recorder().task("kimi", "review", True)
    newest, oldest = ask("runs")["runs"]
    assert (newest["notes"], newest["qa"]) == (None, None)
    assert (oldest["id"], oldest["notes"], oldest["qa"], oldest["confidence"]) == (told, "needs care", "warning", 0.75)
    assert "needs care" in run("runs").stdout
    (row,) = [
        row for row in csv.DictReader(io.StringIO(run("export", "csv", "--table", "runs").stdout)) if row["id"] == told
    ]
    assert (row["notes"], row["mode"], row["qa"], row["confidence"]) == ("needs care", "3loop", "warning", "0.75")


def test_what_nobody_told_has_no_column(run: Run, store: Store) -> None:
    store.recorder().task("kimi", "review", True)
    head = run("runs").stdout
    assert "Took" in head
    for word in ("Notes", "Qa", "Mode", "Effort"):
        assert word not in head


def test_executions_are_a_table_of_their_own(run: Run, store: Store, clock: Clock) -> None:
    engine = AnalyticsEngine(store)
    told = [
        engine.record_execution(f"t{n}", ("web", "grep")[n % 2], 1.5, n > 0, 0.25, 7, "LOW", n < 2) for n in range(3)
    ]
    rows = list(csv.DictReader(io.StringIO(run("export", "csv", "--table", "executions").stdout)))
    assert {row["id"] for row in rows} == set(told)
    first = next(row for row in rows if row["id"] == told[0])
    wanted = {"tool": "web", "agent": "local", "success": "false", "duration_ms": "1500.0", "cost_nano": "250000000",
              "tokens": "7", "effort": "LOW", "browser_used": "true", "task_id": "t0",
              "ended_ms": str(clock.now_ms)}  # fmt: skip
    assert {name: first[name] for name in wanted} == wanted


def test_an_execution_tells_effort_and_browser(run: Run, ask: Ask, store: Store) -> None:
    engine = AnalyticsEngine(store)
    told = [
        engine.record_execution(
            f"t{n}", "web", 1.0, True, human_effort_level=("LOW", "HIGH")[n > 0], browser_used=n > 0
        )
        for n in range(4)
    ]
    assert "Human effort:  LOW" in run("run", told[0]).stdout
    document = ask("run", told[1])
    assert (document["tool"], document["effort"], document["browser_used"]) == ("web", "HIGH", True)
    for view in (("agent", "local"), ("tools", "web")):
        text = run(*view).stdout
        assert "effort low 25 % high 75 % of 4, browser 75 % of 4" in text
        effort = ask(*view)["effort"]
        assert effort == {"calls": 4, "low": 1, "medium": 0, "high": 3, "browser": 3}
    assert "31   (executions)" not in run("dashboard").stdout
    assert "4   (executions)" in run("dashboard").stdout
    assert ask("dashboard")["overview"]["executions"] == 4
