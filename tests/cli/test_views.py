"""The printed views: figures counted again from the events, JSON with the read models' fields, hostile names."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fedstore import Alarm, PolicyStore, Store, Watcher
from fedstore.queries.models import AgentRow, CascadeView, CostsView, LayerRow, Overview, RunRow, ToolRow
from fedtop.format import tokens
from tests.cli.conftest import Run, refused
from tests.conftest import Clock
from tests.federation import HOUR, NOW_MS, federation_events

VIEWS = (
    ["dashboard"], ["agent", "codex"], ["task-type", "code"], ["layers"], ["costs"], ["tools"], ["tools", "browser"],
    ["runs"], ["run", "run-0003"], ["top"], ["top", "--tab", "agents"], ["top", "--tab", "tools"],
    ["layers", "semantic"],
)  # fmt: skip
DAY = 24 * HOUR


def in_window(kind: str) -> list[dict[str, Any]]:
    """The events of the 24 h that end with the minute after the pinned time."""
    end = NOW_MS - NOW_MS % 60_000 + 60_000
    return [e for e in federation_events() if e["kind"] == kind and e.get("at", 0) >= end - DAY]


def fields_of(model: type) -> set[str]:
    return {field.name for field in dataclasses.fields(model)}


@pytest.mark.parametrize("args", VIEWS, ids=" ".join)
def test_every_view_prints_text_and_json(run: Run, federation: Store, args: list[str]) -> None:
    text = run(*args)
    assert text.exit_code == 0, text.output
    assert text.stdout.strip()
    assert "None" not in text.stdout
    assert "nan" not in text.stdout
    plain = run(*args, "--json")
    assert plain.exit_code == 0
    assert isinstance(json.loads(plain.stdout), dict)


@pytest.mark.parametrize("args", VIEWS, ids=" ".join)
def test_ascii_is_ascii_and_piped_text_has_no_escapes(run: Run, federation: Store, args: list[str]) -> None:
    shown = run(*args, "--ascii").stdout
    assert shown.isascii()
    assert "\x1b" not in shown
    assert "\x1b" not in run(*args).stdout
    assert all(line == line.rstrip() for line in shown.split("\n"))


def test_dashboard_counts_what_happened(run: Run, federation: Store) -> None:
    runs = in_window("run")
    ok = sum(1 for e in runs if e["success"] and not e["rework"])
    judged = sum(1 for e in runs if e["success"] is not None)
    shown = run("dashboard").stdout
    assert re.search(rf"Total Tasks:\s+{len(runs)}\b", shown)
    assert re.search(rf"Success Rate:\s+{ok / judged * 100:.1f} % .* n={judged}\b", shown)
    assert re.search(r"Active Agents:\s+4\b", shown)
    for task_type, count in Counter(e["task_type"] for e in runs).items():
        assert re.search(rf"• {task_type}\s+{count} tasks", shown)


def test_cascade_counts_what_was_routed(run: Run, federation: Store) -> None:
    routes = in_window("route")
    shown = run("layers").stdout
    assert f"Total routes: {len(routes)}" in shown
    for position, (layer, count) in enumerate(sorted(Counter(e["layer"] for e in routes).items(), key=_order), start=1):
        share = count / len(routes) * 100
        assert re.search(rf"Layer {position} - {layer}\s+\[=+-+\]\s+{count} \({share:.1f} %\)", shown)


def _order(item: tuple[str, int]) -> int:
    return ["keyword", "semantic", "llm", "clarification"].index(item[0])


def test_json_has_the_fields_of_the_read_models(ask: Callable[..., Any], federation: Store) -> None:
    found = ask("dashboard")
    assert fields_of(Overview) <= found["overview"].keys()
    assert fields_of(CascadeView) <= found["cascade"].keys()
    assert fields_of(LayerRow) <= found["cascade"]["layers"][0].keys()
    assert fields_of(CostsView) <= ask("costs").keys()
    assert fields_of(ToolRow) <= ask("tools")["rows"][0].keys()
    assert fields_of(AgentRow) <= ask("agent", "kimi")["row"].keys()
    assert fields_of(RunRow) == ask("run", "run-0003").keys()


def test_json_rate_says_what_it_rests_on(ask: Callable[..., Any], federation: Store) -> None:
    rate = ask("agent", "kimi")["row"]["success"]
    assert rate["value"] == pytest.approx(rate["hits"] / rate["n"])
    low, high = rate["interval"]
    assert 0 <= low < rate["value"] < high <= 1


def test_unknown_stays_null_and_unpriced_is_no_zero(run: Run, ask: Callable[..., Any], federation: Store) -> None:
    rows = {row["name"]: row for row in ask("costs")["rows"]}
    unpriced = rows["no-such-model-1"]
    assert unpriced["cost"]["known"] is False
    assert unpriced["share"] is None
    head, line = (line for line in run("costs").stdout.splitlines() if re.search("Model |no-such-model-1", line))
    assert "$0" not in line
    assert head.endswith("Unpriced")
    assert line.endswith(f"  {tokens(unpriced['cost']['unpriced_tokens'])}")


def test_costs_by_another_dimension(ask: Callable[..., Any], federation: Store) -> None:
    assert {row["name"] for row in ask("costs", "--by", "project")["rows"]} == {"alpha", "beta"}
    assert {row["name"] for row in ask("costs", "--by", "task-type")["rows"]} == {"code", "docs", "review", "test"}


def test_runs_newest_first_of_one_agent(ask: Callable[..., Any], federation: Store) -> None:
    rows = ask("runs", "--agent", "kimi", "-n", 5)["runs"]
    kimi = sorted((e for e in in_window("run") if e["agent"] == "kimi"), key=lambda e: -e["at"])
    assert [row["id"] for row in rows] == [e["id"] for e in kimi[:5]]


def test_layer_analysis_counts_again(ask: Callable[..., Any], run: Run, federation: Store) -> None:
    routes = in_window("route")
    asked = [(a, e) for e in routes for a in e["attempts"] if a["layer"] == "semantic"]
    taken = [e for e in routes if e["layer"] == "semantic"]
    graded = [e for e in taken if e["outcome"]]
    right = sum(1 for e in graded if e["outcome"]["correct"])
    found = ask("layers", "semantic")
    assert found["attempts"] == len(asked)
    assert found["success"]["count"] == len(taken)
    assert (found["accuracy"]["count"], found["accuracy"]["n"]) == (right, len(graded))
    assert found["mean_confidence"] == pytest.approx(sum(a["confidence"] for a, _ in asked) / len(asked))
    text = run("layers", "semantic").stdout
    assert f"(based on {len(graded)} outcomes)" in text
    assert "Current threshold: 0.70" in text
    assert run("layers", "semantic", "-f", "json").stdout == run("layers", "semantic", "--json").stdout
    assert run("layers", "-f", "json", "-l", "semantic").stdout == run("layers", "semantic", "--json").stdout


def test_decisions_and_executions_go_out_as_csv(run: Run, federation: Store) -> None:
    found = list(csv.DictReader(io.StringIO(run("export", "csv", "--table", "decisions", "-w", "all").stdout)))
    expected = {event["id"]: event for event in federation_events() if event["kind"] == "route"}
    assert [row["id"] for row in found] == sorted(expected, key=lambda name: -expected[name]["at"])
    for row in found:
        event = expected[row["id"]]
        assert (row["agent"], row["layer"], int(row["at_ms"])) == (event["agent"], event["layer"], event["at"])
        said = (event.get("outcome") or {}).get("correct")
        assert row["correct"] == {True: "true", False: "false", None: ""}[said]
    found = list(csv.DictReader(io.StringIO(run("export", "csv", "--table", "executions", "-w", "all").stdout)))
    kept = federation.database.read("SELECT id, agent, tool FROM tool_calls ORDER BY ended_ms DESC, id DESC")
    assert [(row["id"], row["agent"], row["tool"]) for row in found] == kept


def test_examples_to_learn_from(run: Run, federation: Store) -> None:
    """Graded decisions with the right agent where it is known; the text only where it was kept."""
    found = [json.loads(line) for line in run("export", "training", "-w", "all").stdout.splitlines()]
    graded = {e["id"]: e for e in federation_events() if e["kind"] == "route" and e.get("outcome")}
    assert {line["event_id"] for line in found} == graded.keys()
    for line in found:
        outcome = graded[line["event_id"]]["outcome"]
        right = graded[line["event_id"]]["agent"] if outcome["correct"] else outcome.get("correct_agent")
        assert (line["label"], line["text"]) == (right, None)
        assert line["outcome"]["was_correct_master"] == outcome["correct"]
        assert line["learning_feedback"]["correct_routing"] == outcome["correct"]
        assert [a["layer_name"] for a in line["routing_layers"]] == [
            a["layer"] for a in graded[line["event_id"]]["attempts"]
        ]


def test_schemas_hold_what_is_read(run: Run, federation: Store) -> None:
    log = run("export", "routing", "-w", "all").stdout.splitlines()
    validator = jsonschema.Draft202012Validator(json.loads(run("schema").stdout))
    assert run("schema", "routing").stdout == run("schema").stdout
    assert log
    for line in log:
        validator.validate(json.loads(line))
    events = jsonschema.Draft202012Validator(json.loads(run("schema", "events").stdout))
    assert events.is_valid({"kind": "run", "agent": "kimi", "success": True})
    assert events.is_valid({"kind": "job", "id": "j1", "state": "running"})
    for wrong in (
        {"kind": "run"},
        {"kind": "party", "agent": "kimi"},
        {"kind": "run", "agent": "kimi", "sucess": True},
    ):
        assert not events.is_valid(wrong)


def test_the_full_analysis_has_every_layer_and_agrees_with_each_alone(
    run: Run, ask: Callable[..., Any], federation: Store
) -> None:
    whole = ask("layers", "--analysis", "-w", "all")
    assert [layer["layer"] for layer in whole["layers"]] == ["keyword", "semantic", "llm"]
    for layer in whole["layers"]:
        alone = ask("layers", layer["layer"], "-w", "all")
        assert {name: alone[name] for name in layer} == layer
        moves = [row for row in whole["recommendations"] if row["layer"] == layer["layer"]]
        assert bool(moves) is not layer["recommendation"].startswith(f"[{layer['layer']}] Keep")
    taken = sum(layer["captured"]["count"] for layer in whole["layers"]) + whole["clarified"]["count"]
    assert taken == whole["events"] == whole["clarified"]["n"] > 0
    (asked_back,) = federation.database.read("SELECT COUNT(*) FROM routes WHERE layer = 'clarification'")
    assert whole["clarified"]["count"] == asked_back[0]
    assert run("layers", "--analysis", "-f", "json").stdout == run("layers", "--analysis", "--json").stdout
    text = run("layers", "--analysis", "-w", "all").stdout
    for name in ("keyword", "semantic", "llm"):
        assert f"Threshold Analysis: {name}" in text
        assert f"   [{name}] " in text.partition("Recommendations")[2]
    some = ask("layers", "semantic", "-l", "keyword", "-w", "all")
    assert some["layers"] == whole["layers"][:2]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["layers", "moon"], "known: keyword, semantic, llm, clarification"),
        (["layers", "keyword", "-l", "moon"], "known: keyword, semantic, llm, clarification"),
        (["layers", "clarification"], "last resort"),
        (["why", "moon"], "no routing decision"),
        (["run", "moon"], "no finished run"),
        (["layers", "keyword", "--at", "2020-01-01T00:00Z"], "in this window"),
    ],
)
def test_what_is_not_there_is_one_line(run: Run, federation: Store, args: list[str], said: str) -> None:
    assert said in refused(run(*args))


def test_missing_store_is_one_line(run: Run, path: Path) -> None:
    assert "there is no store at" in refused(run("costs"))
    assert not path.exists()


def test_foreign_file_is_one_line(run: Run, path: Path) -> None:
    path.write_bytes(b"hello, I am a letter")
    assert "not a fedtop store" in refused(run("dashboard"))
    assert path.read_bytes() == b"hello, I am a letter"


def test_empty_store_tells_how_to_fill_it(run: Run, ask: Callable[..., Any], store: Store) -> None:
    shown = run("dashboard").stdout
    for way in ("fedtop record", "fedtop import", "from fedstore import Recorder", "fedtop demo"):
        assert way in shown
    assert ask("dashboard")["notice"] == "empty"


def test_old_history_is_offered(run: Run, ask: Callable[..., Any], federation: Store, clock: Clock) -> None:
    clock.advance(90 * DAY)
    shown = run("costs").stdout
    assert "before this window: add --at newest" in shown
    for args in (["dashboard"], ["layers"], ["runs"], ["agent", "kimi"], ["costs"], ["top", "--tab", "agents"]):
        told = run(*args).stdout
        assert "add --at newest" in told
        assert not re.search(r"\b0\b|0 %|\$0", told.split("\n\n", 1)[1]), told
    assert ask("costs")["notice"] == "before-window"
    found = ask("dashboard", "--at", "newest")
    assert found["notice"] is None
    assert found["overview"]["tasks"] == len(in_window("run"))
    assert found["overview"]["window"]["live"] is False


def test_later_facts_are_offered_where_a_window_of_the_past_is_empty(
    run: Run, ask: Callable[..., Any], federation: Store
) -> None:
    """Before the oldest fact, and in a gap between two times."""
    views = (
        ["dashboard"], ["layers"], ["runs"], ["agent", "kimi"], ["task-type", "code"], ["costs"], ["tools"],
        ["tools", "browser"], ["top", "--tab", "agents"], ["label"],
    )  # fmt: skip
    early = "2025-03-10T00:00Z"

    def told() -> None:
        for args in views:
            assert ask(*args, "--at", early)["notice"] == "after-window", args
            shown = run(*args, "--at", early).stdout
            assert ", after this window: add --at newest" in " ".join(shown.split()), args
            assert not re.search(r"\b0\b|0 %|\$0", shown.split("\n\n", 1)[1]), args
        assert "lies after it: add --at newest" in refused(run("layers", "keyword", "--at", early))

    told()
    for kind in ("run", "route", "execution", "usage"):
        (fact,) = [{**e, "id": f"old-{kind}", "at": e["at"] - 800 * DAY} for e in in_window(kind)[:1]]
        assert federation.writer().write([fact]).taken == 1
    told()
    for args in views:
        found = ask(*args, "--at", "2026-03-10T10:00Z")
        assert found["notice"] is None, "there is something to see, newer facts or not"


def test_what_is_left_of_a_purged_time_is_shown(run: Run, ask: Callable[..., Any], store: Store, clock: Clock) -> None:
    """Of a time that is kept by the day, the newest fact counts as its day's first minute: before such a window."""
    fact = {"kind": "run", "agent": "kimi", "success": True, "at": clock.now_ms}
    assert store.writer().write([fact]).taken == 1
    at = clock.now_ms
    clock.advance(90 * DAY)
    assert store.writer().write([{**fact, "agent": "codex", "at": clock.now_ms}]).taken == 1
    assert run("maintain").exit_code == 0
    found = ask("agent", "kimi", "--at", at, "-w", "15m")
    assert (found["notice"], found["row"]["tasks"]) == (None, 1)


def test_newest_is_that_of_what_a_command_shows(run: Run, ask: Callable[..., Any], store: Store, clock: Clock) -> None:
    route = {"kind": "route", "agent": "kimi", "layer": "keyword", "attempts": [{"layer": "keyword", "accepted": True}]}
    ended = {"kind": "run", "success": True, "task_type": "review"}
    store.writer().write(
        [
            {**route, "at": clock.now_ms - 200 * DAY},
            {**ended, "agent": "kimi", "at": clock.now_ms - 100 * DAY},
            {**ended, "agent": "codex", "at": clock.now_ms},
        ]
    )
    assert "The newest decision is from 22 Aug 2025 12:34, before this window" in run("layers").stdout
    assert ask("layers", "--at", "newest")["routes"] == 1
    assert "The newest activity of kimi is from 30 Nov 2025 12:34" in run("agent", "kimi").stdout
    assert ask("agent", "kimi", "--at", "newest")["row"]["tasks"] == 1
    assert ask("agent", "codex")["notice"] is None
    assert json.loads(run("export", "json", "--at", "newest").stdout)["overview"]["tasks"] == 1
    assert json.loads(run("export", "routing", "--at", "newest").stdout)["routing_layers"][0]["layer_name"] == "keyword"


def test_window_ends_where_it_is_told(ask: Callable[..., Any], federation: Store) -> None:
    moment = "2026-03-10T06:00:00Z"
    window = ask("dashboard", "-w", "6h", "--at", moment)["overview"]["window"]
    ms = 1_773_122_400_000
    assert window["end_ms"] - window["start_ms"] == 6 * HOUR
    assert window["start_ms"] <= ms < window["end_ms"]
    assert window["end_ms"] - ms <= 60_000


HOSTILE = "[/red]\x1b[31m<b>\u202e=cmd|' /C calc'!A0"


def test_hostile_names_are_text(run: Run, store: Store) -> None:
    store.writer().write([
        {"kind": "run", "agent": HOSTILE, "task_type": HOSTILE, "success": True, "at": NOW_MS, "id": HOSTILE},
        {"kind": "execution", "agent": HOSTILE, "tool": HOSTILE, "success": True, "at": NOW_MS},
        {"kind": "usage", "agent": HOSTILE, "model": HOSTILE, "input_tokens": 5, "at": NOW_MS},
        {"kind": "route", "agent": HOSTILE, "layer": HOSTILE, "at": NOW_MS,
         "attempts": [{"layer": HOSTILE, "confidence": 0.9, "threshold": 0.5, "accepted": True}]},
    ])  # fmt: skip
    for args in (["dashboard"], ["top", "--tab", "agents"], ["layers"], ["costs"], ["tools"], ["runs"]):
        result = run(*args)
        assert result.exit_code == 0, result.output
        assert "\x1b" not in result.stdout
        assert "\u202e" not in result.stdout
        assert "[/red]" in result.stdout
        assert "\x1b" not in run(*args, "--json").stdout


def test_ascii_by_setting(run: Run, federation: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not run("dashboard").stdout.isascii()
    monkeypatch.setenv("FEDTOP_ASCII", "1")
    for args in (["dashboard"], ["costs"], ["config"], ["optimize", "--dry-run"]):
        assert run(*args).stdout.isascii(), args


def test_hours_are_a_window_and_a_moment_may_be_milliseconds(run: Run, federation: Store, clock: Clock) -> None:
    assert "Window: 7d to" in run("costs", "-w", "168").stdout
    assert "Window: 90h to" in run("costs", "-w", "90").stdout
    then = str(clock.now_ms - 3_600_000)
    assert "to 10 Mar 11:35" in run("dashboard", "--at", then).stdout


def test_colours_only_where_asked_for(run: Run, federation: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    from fedtop.cli.options import View
    from fedtop.cli.output import look_for

    assert look_for(View()).colours
    assert not look_for(View(no_color=True)).colours
    monkeypatch.setenv("NO_COLOR", "1")
    assert not look_for(View()).colours


@pytest.mark.parametrize("width", [40, 80, 200])
def test_text_keeps_within_its_width(run: Run, federation: Store, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert len(VIEWS) > 10
    for args in VIEWS:
        lines = run(*args).stdout.splitlines()
        assert len(lines) > 1, args
        assert max(map(len, lines)) <= width, (args, max(lines, key=len))


def test_live_draws_again_until_interrupted(run: Run, federation: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", nap)
    result = run("dashboard", "--live", "-i", 2)
    assert result.exit_code == 0
    assert naps == [2, 2, 2]
    assert result.stdout.count("FEDERATION ANALYTICS DASHBOARD") == 3
    naps.clear()
    lines = run("dashboard", "--live", "--json").stdout.splitlines()
    assert [json.loads(line)["overview"]["window"]["label"] for line in lines] == ["24h"] * 3


def test_alarms_about_changes_reach_the_commands(
    run: Run, ask: Callable[..., Any], federation: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harm = Alarm(1, "alert", "change #1 (tune) does harm", "tune", advice="fedtop undo 1")
    boosts = Alarm(2, "alert", "change #2 (optimize) does harm", "optimize")
    monkeypatch.setattr(Watcher, "look", lambda _: (harm, boosts))
    assert ask("layers", "-w", "all")["alarms"] == []  # no change was ever made: nothing to watch
    PolicyStore(federation).import_file(write_config(tmp_path))
    assert ask("layers", "-w", "all")["alarms"] == ["change #1 (tune) does harm: `fedtop undo 1`"]
    shown = run("layers", "-w", "all").stdout
    assert harm.line in " ".join(shown.split())
    attention = ask("dashboard", "-w", "all")["overview"]["attention"]
    assert [text for _, text, target in attention if target.startswith("change:")] == [
        "change #1 (tune) does harm", "change #2 (optimize) does harm",
    ]  # fmt: skip


def write_config(folder: Path) -> Path:
    file = folder / "routing.json"
    file.write_text(json.dumps({"layers": [{"name": "keyword", "threshold": 0.8}]}))
    return file


def test_a_layer_of_which_the_window_knows_nothing(run: Run, federation: Store, clock: Clock) -> None:
    clock.advance(40 * 24 * HOUR)
    assert "add --at newest" in refused(run("layers", "semantic", "-w", "24h"))
    assert run("layers", "semantic", "-w", "30d", "--at", "newest").exit_code == 0
