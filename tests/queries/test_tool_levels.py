"""Tools whose outcomes are not told, or can only be one way, are unknown and not "MEDIUM, safe"; a few are too few."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from click.testing import CliRunner

import fedstore
from fedstore import AnalyticsEngine
from fedstore.queries.reader import Reader
from fedstore.queries.ungraded import told_rate
from fedstore.store import Store
from fedtop.cli.main import cli
from fedtop.views.tools.parts import daily_chart, levels_line, verdict_lines
from tests.conftest import Clock

TOLD: dict[str, list[bool | None]] = {
    "exec": [None] * 304,
    "plan": [False] * 3 + [None] * 40,  # refusals are told, successes never
    "broken": [False] * 12 + [None] * 2,
    "grep": [True] * 60,
    "fetch": [True] * 9,
    "rare": [False, True],
    "mixed": [True] * 17 + [False] * 3 + [None] * 40,
}
LEVELS = {
    "exec": "UNKNOWN", "plan": "UNKNOWN", "broken": "LOW", "grep": "HIGH", "fetch": "FEW", "rare": "FEW",
    "mixed": "MEDIUM",
}  # fmt: skip


@pytest.fixture
def told(store: Store, clock: Clock) -> Store:
    made: list[dict[str, Any]] = [
        {"kind": "execution", "agent": "codex", "tool": tool, "success": success, "at": clock() - n * 60_000}
        for tool, outcomes in TOLD.items()
        for n, success in enumerate(outcomes)
    ]
    assert store.writer().write(made).taken == len(made)
    return store


def test_levels_rest_on_outcomes_that_can_be_both_ways(told: Store) -> None:
    reader = told.reader()
    view = reader.tools(reader.window("24h"))
    assert {row.name: row.level for row in view.rows} == LEVELS
    rows = {row.name: row for row in view.rows}
    assert rows["exec"].reason == "304 runs, none with an outcome"
    assert rows["plan"].reason == "43 runs, 3 failed, successes are not told"
    assert [(user.agent, user.success.n, user.runs) for user in rows["plan"].agents] == [("codex", 0, 43)]
    assert [row.split(":")[0] for row in view.recommendations] == ["broken"]
    used = {tool.tool: (tool.calls, tool.success.n) for tool in reader.agent("codex", reader.window("24h")).tools}
    judged = {tool: sum(outcome is not None for outcome in some) for tool, some in TOLD.items()} | {"plan": 0}
    assert used == {tool: (len(some), judged[tool]) for tool, some in TOLD.items()}
    assert levels_line(view.rows).plain == "● 1 high   ▲ 1 medium   ✖ 1 low   · 2 too few   ◌ 2 unknown"


def test_the_chart_and_the_agents_count_runs_without_an_outcome(told: Store) -> None:
    reader = told.reader()
    detail = reader.tool("exec", reader.window("24h"))
    chart = daily_chart(detail)
    assert chart is not None
    assert [(line.name, sum(line.values)) for line in chart.series] == [("ok", 0), ("failed", 0), ("no outcome", 304)]
    assert detail.row is not None
    assert [user.runs for user in detail.row.agents] == [304]
    head = verdict_lines(detail.row)[0]
    assert str(head).startswith("◌ unknown  how they ended is not told: 304 runs, none with an outcome")


def test_the_seeds_rule_knows_three_classes(told: Store, clock: Clock) -> None:
    reader = Reader(told.database, clock=clock, tool_rule=lambda: "seed")
    levels = {row.name: row.level for row in reader.tools(reader.window("24h")).rows}
    assert levels == {**LEVELS, "exec": "MEDIUM", "plan": "MEDIUM", "fetch": "HIGH", "rare": "LOW"}
    engine = AnalyticsEngine(told, clock=clock)
    learning = engine.get_system_learning()
    assert learning["confidence_distribution"] == {"HIGH": 1, "MEDIUM": 5, "LOW": 1}
    assert {name: found["confidence_level"] for name, found in learning["tool_profiles"].items()} == {
        name: level if level in ("HIGH", "LOW") else "MEDIUM" for name, level in LEVELS.items()
    }


@pytest.mark.parametrize(
    ("runs", "ok", "failed", "n"),
    [(304, 0, 0, 0), (43, 0, 3, 0), (7, 0, 3, 0), (6, 0, 3, 3), (3, 0, 3, 3), (99, 1, 3, 4)],
)
def test_failures_alone_make_a_rate_only_where_most_runs_are_told(runs: int, ok: int, failed: int, n: int) -> None:
    assert told_rate(runs, ok, failed).n == n


def test_print_json_and_csv_say_the_same_levels(told: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fedstore, "now_ms", clock)
    monkeypatch.setenv("COLUMNS", "120")
    given = ["--store", str(told.path)]
    said = json.loads(CliRunner().invoke(cli, ["tools", *given, "--json"]).output)
    assert {row["name"]: row["level"] for row in said["rows"]} == LEVELS
    table = CliRunner().invoke(cli, ["export", "csv", "--table", "tools", *given]).output
    assert {row["tool"]: row["level"] for row in csv.DictReader(io.StringIO(table))} == LEVELS
    shown = {"FEW": "too few", "UNKNOWN": "unknown"}
    printed = CliRunner().invoke(cli, ["tools", *given]).output
    for tool, level in LEVELS.items():
        assert any(f" {shown.get(level, level)}" in line and f" {tool} " in line for line in printed.splitlines()), tool
