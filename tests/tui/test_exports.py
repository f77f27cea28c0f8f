"""What leaves the pane: plain names, raw values, nothing where nothing is known, and the same as `fedtop export`.

The figures are counted again from the events, without the store's code.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest
from click.testing import CliRunner

import fedstore
import fedtop.views
from fedstore.learning.intervals import wilson
from fedstore.store import Store
from fedtop.cli.main import cli
from fedtop.export import copy_of, csv_text, records_of
from fedtop.fields import Table
from fedtop.glyphs import UNICODE
from fedtop.widgets.interval_bar import Spark
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.table_model import Row
from tests.conftest import Clock
from tests.federation import HOUR, NOW_MS, federation_events
from tests.tui.frames import read_anew, running, table

END = NOW_MS - NOW_MS % 60_000 + 60_000
SIGNS = set("●▲✖◆○◌▼✓·") | set(UNICODE.rows[1:]) | set(UNICODE.columns[1:])


def events_of(kind: str, **wanted: Any) -> list[dict[str, Any]]:
    """The events of the 24 hours that end with the pinned minute."""
    found = [e for e in federation_events() if e["kind"] == kind and END - 24 * HOUR <= e["at"] < END]
    return [e for e in found if all(e[key] == value for key, value in wanted.items())]


def parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def unsorted(records: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(record, sort_keys=True) for record in records)


@pytest.fixture
def exported(seeded_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, str]]]:
    """`exported("agents")`: the rows of `fedtop export csv --table agents`."""
    monkeypatch.setattr(fedstore, "now_ms", clock)
    monkeypatch.setenv("FEDTOP_STORE", str(seeded_store.path))

    def call(name: str, *args: str) -> list[dict[str, str]]:
        result = CliRunner().invoke(cli, ["export", "csv", "--table", name, *args])
        assert result.exit_code == 0, result.output
        return parsed(result.stdout)

    return call


TABLES = [
    ("agents", "agents", "#agents-table"), ("task-types", "agents", "#agents-matrix"), ("layers", "cascade", "#layers"),
    ("costs", "costs", "#costs-table"), ("tools", "tools", "#tools-table"), ("agents", "overview", "#agents"),
    ("layers", "overview", "#funnel"),
]  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80", "200"])
@pytest.mark.parametrize(("name", "tab", "selector"), TABLES, ids=[f"{tab} {at}" for _, tab, at in TABLES])
async def test_pane_and_command_export_the_same(
    seeded_store: Store, clock: Clock, exported: Callable[..., list[dict[str, str]]], name: str, tab: str,
    selector: str, size: tuple[int, int],
) -> None:  # fmt: skip
    """However much of it the terminal has room for."""
    async with running(seeded_store, clock, tab=tab, size=size) as (app, _):
        shown = table(app, selector)
        rows = parsed(csv_text(shown.names, records_of(shown)))
    from_shell = exported(name)
    assert rows
    assert list(rows[0]) == list(from_shell[0])
    if (name, tab) == ("agents", "overview"):  # which reads no proposals: not known there
        from_shell = [{**row, "boost_proposed": ""} for row in from_shell]
    assert unsorted(rows) == unsorted(from_shell)


async def test_the_runs_of_an_agent_are_those_of_the_command(
    seeded_store: Store, clock: Clock, exported: Callable[..., list[dict[str, str]]]
) -> None:
    async with running(seeded_store, clock, size=(160, 60)) as (app, pilot):
        app.open_target("agent:kimi")
        await pilot.pause()
        await read_anew(app, pilot)
        shown = table(app, "#agent-runs-table")
        rows = parsed(csv_text(shown.names, records_of(shown)))
    from_shell = [row for row in exported("runs") if row["agent"] == "kimi"]
    assert rows == from_shell[: len(rows)]
    (first, *_) = sorted(events_of("run", agent="kimi"), key=lambda e: -e["at"])
    assert (rows[0]["id"], rows[0]["ended_ms"]) == (first["id"], str(first["at"]))


def test_figures_of_an_agent_are_those_of_its_events(exported: Callable[..., list[dict[str, str]]]) -> None:
    rows = {row["agent"]: row for row in exported("agents")}
    assert rows.keys() == {"claude", "codex", "gemini", "kimi"}
    for agent, row in rows.items():
        runs = events_of("run", agent=agent)
        judged = [e for e in runs if e["success"] is not None]
        good = sum(e["success"] and not e["rework"] for e in judged)
        low, high = wilson(good, len(judged)) or (None, None)
        assert int(row["tasks"]) == len(runs)
        assert int(row["success_n"]) == len(judged)
        assert float(row["success"]) == pytest.approx(good / len(judged))
        assert [float(row["success_low"]), float(row["success_high"])] == pytest.approx([low, high])
        assert float(row["duration_mean_ms"]) == pytest.approx(sum(e["duration_ms"] for e in runs) / len(runs))
        going_on = [e["at"] for e in events_of("run_state", agent=agent) if e["id"] not in {r["id"] for r in runs}]
        executed = [e["at"] // 60_000 * 60_000 for e in events_of("execution", agent=agent) if e["at"] >= END - HOUR]
        assert int(row["last_ms"]) == max([e["at"] for e in runs] + going_on + executed)
    cents = sum(round(float(e["cost_usd"]) * 100) for e in events_of("usage", agent="codex"))
    assert int(rows["codex"]["cost_nano"]) == cents * 10**7
    assert rows["codex"]["cost_mark"] == "reported"


def test_pairs_of_agent_and_task_type_are_those_of_the_events(exported: Callable[..., list[dict[str, str]]]) -> None:
    rows = exported("task-types")
    assert {(r["agent"], r["task_type"]) for r in rows} == {(e["agent"], e["task_type"]) for e in events_of("run")}
    for row in rows:
        runs = events_of("run", agent=row["agent"], task_type=row["task_type"])
        judged = [e["success"] and not e["rework"] for e in runs if e["success"] is not None]
        assert (int(row["tasks"]), int(row["success_n"])) == (len(runs), len(judged))
        assert float(row["success"]) == pytest.approx(sum(judged) / len(judged))


def test_layers_are_those_of_the_events(exported: Callable[..., list[dict[str, str]]]) -> None:
    routes, rows = events_of("route"), exported("layers")
    assert [row["layer"] for row in rows] == ["keyword", "semantic", "llm", "clarification"]
    for row in rows:
        taken = [e for e in routes if e["layer"] == row["layer"]]
        right = [e["outcome"]["correct"] for e in taken if e["outcome"]]
        assert int(row["attempts"]) == sum(a["layer"] == row["layer"] for e in routes for a in e["attempts"])
        assert float(row["captured"]) == pytest.approx(len(taken) / len(routes))
        assert int(row["accuracy_n"]) == len(right)
        accuracy = float(row["accuracy"]) if row["accuracy"] else None
        assert accuracy == (pytest.approx(sum(right) / len(right)) if right else None)


def test_tools_and_models_are_those_of_the_events(exported: Callable[..., list[dict[str, str]]]) -> None:
    tools, models = exported("tools"), exported("costs")
    assert {row["tool"] for row in tools} == {"bash", "browser", "edit", "search"}
    for row in tools:  # the rolling 30 days: all of it
        calls = [e for e in federation_events() if e["kind"] == "execution" and e["tool"] == row["tool"]]
        failed = sum(not e["success"] for e in calls)
        assert (int(row["calls"]), int(row["failed"]), int(row["success_n"])) == (len(calls), failed, len(calls))
    assert {row["model"] for row in models} == {e["model"] for e in events_of("usage")}
    for row in models:
        calls = events_of("usage", model=row["model"])
        for name in ("input_tokens", "cache_read_tokens", "output_tokens"):
            assert int(row[name]) == sum(e[name] for e in calls)


def test_what_is_not_known_is_empty_and_never_zero(
    exported: Callable[..., list[dict[str, str]]], seeded_store: Store, clock: Clock
) -> None:
    rows = {row["model"]: row for row in exported("costs")}
    assert (rows["no-such-model-1"]["cost_nano"], rows["no-such-model-1"]["share"]) == ("", "")
    assert rows["no-such-model-1"]["cost_mark"] == "unpriced"
    assert int(rows["no-such-model-1"]["cost_unpriced_calls"]) == len(events_of("usage", model="no-such-model-1"))
    unjudged = {"kind": "run", "agent": "new", "task_type": "", "at": clock.now_ms}
    assert seeded_store.writer().write([unjudged]).taken == 1
    (row,) = (row for row in exported("agents") if row["agent"] == "new")
    unknown = {
        "success", "success_low", "success_high", "rework", "duration_mean_ms", "duration_p95_ms", "tokens",
        "cost_nano", "cost_mark", "quality", "capacity", "boost", "boost_proposed", "success_before",
    }  # fmt: skip
    assert {key for key in unknown if row[key]} == set()
    assert (row["tasks"], row["success_n"]) == ("1", "0")
    (pair,) = (row for row in exported("task-types") if row["agent"] == "new")
    assert (pair["task_type"], pair["success"]) == ("", "")


async def test_both_forms_are_written_with_the_same_names_and_values(
    seeded_store: Store, clock: Clock, tmp_path: Path
) -> None:
    async with running(seeded_store, clock, tab="agents", export_dir=tmp_path / "out") as (_, pilot):
        await pilot.press("slash", *"kimi", "enter", "e", "E")
        await pilot.pause()
    stem = tmp_path / "out" / "fedtop-agents-20260310-123456"
    (row,) = parsed(stem.with_suffix(".csv").read_text(encoding="utf-8"))
    found = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
    (record,) = found["rows"]
    assert list(record) == list(row)
    assert {key: "" if value is None else str(value) for key, value in record.items()} == row
    assert (record["agent"], record["status"], record["boost"]) == ("kimi", "ok", None)
    assert record["tasks"] == len(events_of("run", agent="kimi"))
    assert found["window"] == {"label": "24h", "start": "2026-03-09T12:35:00.000Z", "end": "2026-03-10T12:35:00.000Z"}
    assert (found["view"], found["filter"], found["taken_at"]) == ("agents", "kimi", "2026-03-10T12:34:56.789Z")


@pytest.mark.parametrize("place", [
    "tab:overview", "tab:agents", "tab:cascade", "tab:costs", "tab:tools", "agent:kimi", "task_type:code",
    "layer:semantic", "tool:browser", "why:route-0005", "alarms", "grading:",
])  # fmt: skip
async def test_no_glyph_and_no_drawing_leaves_any_table(seeded_store: Store, clock: Clock, place: str) -> None:
    """Neither in a file nor on the clipboard; a head has no name twice, and every record all of them."""
    async with running(seeded_store, clock, size=(200, 60)) as (app, pilot):
        app.open_target(place)
        await pilot.pause()
        await read_anew(app, pilot)
        await app.workers.wait_for_complete()
        await pilot.pause()
        filled = 0
        for shown in app.screen.query(LiveTable):
            records = records_of(shown)
            filled += bool(records)
            assert len(set(shown.names)) == len(shown.names)
            for record in records:
                assert tuple(record) == tuple(shown.names)
                assert not SIGNS & set("".join(str(value) for value in record.values()))
            assert not SIGNS & set(copy_of(shown))
        assert filled


async def test_copy_takes_the_row_under_the_cursor_in_words(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, tab="agents", size=(200, 50)) as (app, pilot):
        await pilot.press("y")
        name, state, tasks, *rest = app.clipboard.split("\t")
        assert name == table(app, "#agents-table").cursor_key
        assert state == ("busy 1" if name == "claude" else "idle" if name != "kimi" else "wait 1")
        assert int(tasks) == len(events_of("run", agent=name))
        row = table(app, "#agents-table").model.rows[name]
        assert any(isinstance(cell, Spark) for cell in row.cells.values()), "there is one to be left out"
        assert len(rest) == len(row.cells) - 3


async def test_what_looks_the_same_is_exported_as_it_is_now(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, tab="costs") as (app, pilot):
        shown = table(app, "#costs-table")
        (before,) = (r for r in records_of(shown) if r["model"] == "gpt-5")
        again = {**events_of("usage", model="gpt-5")[-1], "id": "more", "cost_usd": "0", "output_tokens": 0}
        assert seeded_store.writer().write([{**again, "input_tokens": 1, "cache_read_tokens": 0}]).taken == 1
        app.demand()
        await read_anew(app, pilot)
        (after,) = (r for r in records_of(shown) if r["model"] == "gpt-5")
    assert after["calls"] == int(str(before["calls"])) + 1
    assert after["input_tokens"] == int(str(before["input_tokens"])) + 1


def test_a_row_made_by_hand_tells_what_it_sorts_by() -> None:
    shown = LiveTable(())
    shown.model.replace(
        [Row("a", {"name": "kimi", "cost": "$1.00"}, {"cost": 10**9}), Row("b", {"name": "", "n": None})]
    )
    assert records_of(shown) == [{"name": "kimi", "cost": 10**9}, {"name": None, "n": None}]


# --- every table -----------------------------------------------------------------------------------------------------


def tables() -> dict[str, Table[Any]]:
    """Every table of every view."""
    found: dict[str, Table[Any]] = {}
    for module in walk_packages(fedtop.views.__path__, "fedtop.views."):
        if module.name.endswith((".columns", ".errors")):
            for name, value in vars(import_module(module.name)).items():
                several = value if isinstance(value, dict) else {"": value}
                found |= {f"{name}{key}": one for key, one in several.items() if isinstance(one, Table)}
    return found


UNITS = {"duration": "_ms", "latency": "_ms", "cost": ("_nano", "_mark", "_calls", "_tokens"), "ended": "_ms",
         "started": "_ms", "seen": "_ms", "last": "_ms"}  # fmt: skip


@pytest.mark.parametrize("name", sorted(tables()))
def test_names_are_plain_said_once_and_end_in_their_unit(name: str) -> None:
    names = tables()[name].names
    assert len(set(names)) == len(names)
    for key in names:
        assert key.isidentifier()
        assert key.islower()
        first = key.partition("_")[0]
        assert key == "duration_n" or key.endswith(UNITS.get(first, "")), key


def test_there_are_tables() -> None:
    assert {"AGENTS", "LAYERS", "COSTSmodel", "TOOLS", "RUNS", "LEDGER", "QUEUE", "LADDER", "READINGS"} <= set(tables())
