"""Recording from the shell: every flag reaches the fact, every refusal is one line and leaves nothing behind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedstore import Execution, Job, Route, RunState, Store, Usage, Verdict
from fedstore import Run as RunEvent
from tests.cli.conftest import Run, refused
from tests.conftest import Clock

TASK = ("record", "--agent", "kimi", "--task", "implementation", "--success", "true")


def rows(path: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a table, by column name, through another program's eyes."""
    import sqlite_utils

    database = sqlite_utils.Database(str(path))
    found = list(database[table].rows)
    database.close()
    return found


def test_a_task_with_all_flags(run: Run, path: Path, clock: Clock) -> None:
    result = run(*TASK, "--duration", "25.5", "--notes", "went well", "--id", "t-1", "--project", "atlas")
    assert result.exit_code == 0, result.output
    assert result.stdout == "Recorded: task t-1\n"
    (row,) = rows(path, "runs")
    assert (row["id"], row["agent"], row["task_type"], row["project"]) == ("t-1", "kimi", "implementation", "atlas")
    assert (row["success"], row["rework"], row["duration_us"]) == (1, 0, 1_530_000_000)
    assert row["ended_ms"] == clock.now_ms
    assert row["source"] == "shell"


def test_rework_counts_against_success(run: Run, ask: Callable[..., Any]) -> None:
    run(*TASK)
    run(*TASK, "--rework")
    row = ask("agent", "kimi")["row"]
    assert (row["success"]["hits"], row["success"]["n"]) == (1, 2)
    assert (row["rework"]["hits"], row["rework"]["n"]) == (1, 2)  # a task without the flag was not done again


def test_truth_as_other_languages_spell_it(run: Run, path: Path) -> None:
    assert run(*TASK[:-1], "True").exit_code == 0
    assert run(*TASK[:-1], "FALSE").exit_code == 0
    assert [row["success"] for row in rows(path, "runs")] == [1, 0]


def test_the_same_id_counts_once(run: Run, ask: Callable[..., Any]) -> None:
    assert run(*TASK, "--id", "x").stdout == "Recorded: task x\n"
    assert run(*TASK, "--id", "x").stdout == "Already recorded: task x\n"
    assert ask("dashboard")["overview"]["tasks"] == 1


def test_an_execution(run: Run, path: Path) -> None:
    result = run("record", "execution", "--tool", "bash", "--success", "false", "--duration", "2.5", "--cost", "0.0015",
                 "--tokens", "120", "--effort", "low", "--browser", "--error", "exit_code", "--task-id", "t",
                 "--run-id", "r", "--id", "e")  # fmt: skip
    assert result.exit_code == 0, result.output
    (row,) = rows(path, "tool_calls")
    assert (row["agent"], row["tool"], row["task_id"], row["run_id"]) == ("local", "bash", "t", "r")
    assert (row["success"], row["duration_us"], row["cost_nano"], row["tokens"]) == (0, 2_500_000, 1_500_000, 120)
    assert (row["effort"], row["browser_used"], row["error_class"]) == ("LOW", 1, "exit_code")


def test_a_usage(run: Run, path: Path) -> None:
    result = run("record", "usage", "--agent", "kimi", "--model", "some-model", "--provider", "p",
                 "--input-tokens", 900, "--cache-read-tokens", 400, "--cache-write-tokens", 100,
                 "--output-tokens", 50, "--reasoning-tokens", 5,
                 "--cost", "0.25", "--duration", "1.5", "--task", "review", "--operation", "chat")  # fmt: skip
    assert result.exit_code == 0, result.output
    (row,) = rows(path, "llm_calls")
    assert [row[f"{kind}_tokens"] for kind in ("input", "cache_read", "cache_write", "output", "reasoning")] == [
        900, 400, 100, 50, 5,
    ]  # fmt: skip
    assert (row["cost_nano"], row["cost_basis"], row["duration_us"]) == (250_000_000, "reported", 1_500_000)
    assert (row["task_type"], row["model"], row["provider"]) == ("review", "some-model", "p")


def test_a_route_and_its_outcome(run: Run, path: Path) -> None:
    result = run("record", "route", "--agent", "claude", "--layer", "semantic", "--confidence", "0.91",
                 "--latency", 45.3, "--id", "r1", "--task-id", "t1", "--attempt", "keyword,0.82,0.85,kimi,3.2",
                 "--attempt", "semantic,0.91,0.7")  # fmt: skip
    assert result.exit_code == 0, result.output
    first, second = rows(path, "route_attempts")
    assert (first["layer"], first["agent"], first["accepted"], first["latency_us"]) == ("keyword", "kimi", 0, 3200)
    assert (second["confidence"], second["threshold"], second["accepted"]) == (0.91, 0.7, 1)
    assert run("record", "outcome", "r1", "--correct", "false", "--correct-agent", "codex", "--completed", "true",
               "--quality", "0.4", "--duration", "45").exit_code == 0  # fmt: skip
    (row,) = rows(path, "routes")
    assert (row["correct"], row["correct_agent"], row["completed"], row["quality"]) == (0, "codex", 1, 0.4)
    assert row["completion_ms"] == 45 * 60_000


def test_a_run_judged_later(run: Run, path: Path) -> None:
    run(*TASK, "--id", "t")
    assert run("record", "outcome", "t", "--rework", "true", "--qa", "failed").exit_code == 0
    (row,) = rows(path, "runs")
    assert (row["rework"], row["qa"], row["success"]) == (1, "failed", 1)
    assert run("record", "outcome", "t", "--run", "--quality", "0.3").exit_code == 0
    assert rows(path, "runs")[0]["quality"] == 0.3


def test_a_job(run: Run, path: Path, clock: Clock) -> None:
    run("record", "job", "j1", "queued", "--name", "nightly", "--project", "atlas")
    clock.advance(1_000)
    assert run("record", "job", "j1", "failed", "--error", "timeout").exit_code == 0
    (row,) = rows(path, "jobs")
    assert (row["state"], row["error_class"]) == ("failed", "timeout")


def test_a_given_time(run: Run, path: Path, clock: Clock) -> None:
    assert run(*TASK, "--at", "2026-03-10T13:00:00+02:00").exit_code == 0
    assert run(*TASK, "--at", str(clock.now_ms - 5)).exit_code == 0
    assert [row["ended_ms"] for row in rows(path, "runs")] == [1_773_140_400_000, clock.now_ms - 5]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["record"], "--agent, --task, --success"),
        (["record", "--agent", "kimi"], "--task, --success"),
        ([*TASK[:-1], "maybe"], "'maybe' is not one of"),
        ([*TASK, "--duration", "nan"], "'--duration': nan is no length of time: give MINUTES from 0 to 527,040"),
        ([*TASK, "--duration", "-1"], "'--duration': -1 is no length of time"),
        ([*TASK, "--duration", "soon"], "not a valid float"),
        ([*TASK, "--at", "2026-03-10T13:00:00"], "time zone"),
        ([*TASK, "--at", "2031-01-01T00:00:00Z"], "in the future"),
        ([*TASK, "--at", "0001-01-01T00:00:00Z"], "at"),
        ([*TASK, "--at", "²"], "--at: must be epoch milliseconds"),
        ([*TASK, "--at", "1" * 5000], "--at: "),
        (["record", "--agent", "", "--task", "t", "--success", "true"], "--agent: "),
        (["record", "--agent", "kimi", "job", "j", "queued"], "--agent belongs after job"),
        (["record", "execution", "--tool", "bash", "--cost", "-3"], "--cost: must be between"),
        (["record", "execution", "--tool", "bash", "--duration", "1e12"], "SECONDS from 0 to 31,622,400"),
        (["record", "execution", "--tool", "bash", "--error", "x" * 201], "--error: "),
        (["record", "execution", "--tool", "bash", "--task", "x" * 201], "--task: "),
        (
            ["record", "usage", "--agent", "a", "--model", "m", "--cache-read-tokens", "5"],
            "--input-tokens must include --cache-read-tokens and --cache-write-tokens",
        ),
        (["record", "route", "--agent", "a", "--layer", "l", "--attempt", "l"], "LAYER,CONFIDENCE,THRESHOLD"),
        (["record", "route", "--agent", "a", "--layer", "l", "--attempt", "l,high,0.5"], "are numbers"),
        (["record", "route", "--agent", "a", "--layer", "l", "--confidence", "1.5"], "--confidence: "),
        (["record", "route", "--agent", "a", "--layer", "l", "--latency", "-1"], "--latency: "),
        (
            ["record", "route", "--agent", "a", "--layer", "l", "--attempt", "k,0.5,0.5", "--attempt", "l,2,0.5"],
            "--attempt 2: CONFIDENCE: ",
        ),
        (
            ["record", "route", "--agent", "a", "--layer", "l", *(["--attempt", "l,0.5,0.5"] * 2)],
            "--attempt names a layer twice",
        ),
        (["record", "outcome", "x"], "say what became of it"),
        (["record", "outcome", "", "--correct", "true"], "ID: "),
        (["record", "outcome", "x", "--duration", "-1"], "'--duration': -1"),
        (
            ["record", "outcome", "x", "--rework", "true", "--correct", "true"],
            "--rework is of a run, --correct of a routing decision",
        ),
        (["record", "outcome", "x", "--run", "--completed", "true"], "--run is of a run, --completed of a routing"),
        (["record", "job", "j", "lost"], "is not one of"),
        (["record", "job", "", "running"], "ID: "),
        (["record", "moon"], "fedtop record --help"),
    ],
)
def test_refusal_is_one_line_and_writes_nothing(run: Run, path: Path, store: Store, args: list[str], said: str) -> None:
    assert said in refused(run(*args))
    for table in ("runs", "llm_calls", "tool_calls", "routes", "verdicts", "jobs"):
        assert rows(path, table) == []


def test_read_only_refuses(run: Run, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDTOP_READONLY", "1")
    assert "read-only" in refused(run(*TASK))


@pytest.mark.parametrize("text", ["window = 5", '[keymap]\n"time.pause" = 5', "nonsense = 1"])
@pytest.mark.parametrize(
    "args",
    [
        [*TASK], ["record", "execution", "--tool", "t"], ["record", "usage", "--agent", "a", "--model", "m"],
        ["record", "route", "--agent", "a", "--layer", "l"], ["record", "outcome", "r", "--correct", "true"],
        ["record", "job", "j", "queued"], ["record", "event"],
    ],
    ids=lambda args: args[1],
)  # fmt: skip
def test_a_mistake_in_a_setting_of_the_pane_costs_no_fact(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], text: str
) -> None:
    (tmp_path / "config.toml").write_text(text)
    monkeypatch.setenv("FEDTOP_CONFIG", str(tmp_path / "config.toml"))
    result = run(*args, stdin='{"kind": "job", "id": "j", "state": "queued"}' if args[-1] == "event" else None)
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("hostile", ["\x1b]52;c;aGk=\a", "\x1b]0;title\x1b\\", "\x9b31m", "\u202egnp"])
@pytest.mark.parametrize(
    ("args", "table"),
    [
        ([*TASK, "--notes", "n"], "runs"), (["record", "execution", "--tool", "t"], "tool_calls"),
        (["record", "job", "JOB", "running"], "jobs"),
        (["record", "outcome", "ROUTE", "--correct", "true"], "verdicts"),
    ],
    ids=lambda value: value[1] if isinstance(value, list) else "",
)  # fmt: skip
def test_what_is_said_of_an_id_is_the_id_that_is_stored(
    run: Run, path: Path, args: list[str], table: str, hostile: str
) -> None:
    name, given = f"a{hostile}b", [arg for arg in args if arg not in ("JOB", "ROUTE")]
    place = 2 if len(given) < len(args) else len(given)
    result = run(*given[:place], *([name] if place == 2 else ["--id", name]), *given[place:])
    assert result.exit_code == 0, result.output
    (row,) = rows(path, table)
    assert result.stdout.rstrip("\n").endswith(f" {row.get('subject_id', row['id'])}")
    assert result.stdout.rstrip("\n").isprintable()


def test_store_after_or_before_the_sub_command(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    assert run("record", "--store", other, "job", "a", "queued").exit_code == 0
    assert run("record", "job", "b", "queued", "--store", other).exit_code == 0
    assert sorted(row["id"] for row in rows(other, "jobs")) == ["a", "b"]


# --- event ---------------------------------------------------------------------------------------------------------

LINES = [
    '{"kind": "run", "id": "a", "agent": "kimi", "success": true}',
    "",
    "nope",
    '{"kind": "run"}',
    '{"kind": "run", "id": "a", "agent": "kimi", "success": true}',
    '{"kind": "run", "agent": "kimi", "quality": NaN}',
    "[1, 2]",
    '{"kind": "moon"}',
    '{"kind": "usage", "agent": "kimi", "model": "m", "input_tokens": 3, "at": "2026-03-10T12:00:00Z"}',
]


def test_events_are_taken_known_or_rejected(run: Run, path: Path) -> None:
    result = run("record", "event", "--json", stdin="\n".join(LINES))
    assert result.exit_code == 2
    found = json.loads(result.stdout)
    assert (found["taken"], found["known"], found["rejected"]) == (2, 1, 5)
    assert [reason["line"] for reason in found["reasons"]] == [3, 4, 6, 7, 8]
    assert len(rows(path, "runs")) == 1
    assert len(rows(path, "llm_calls")) == 1
    assert [(row["source"], row["line"]) for row in rows(path, "rejects")] == [("shell", n) for n in (3, 4, 6, 7, 8)]


def test_events_tell_each_reason(run: Run) -> None:
    result = run("record", "event", stdin="\n".join(LINES))
    assert result.exit_code == 2
    assert result.stdout == "2 recorded, 1 already there, 5 rejected\n"
    said = result.stderr.splitlines()
    assert said[0] == "fedtop: line 3: not valid JSON (Expecting value at character 1)"
    assert said[1] == "fedtop: line 4: agent: field required"
    assert said[2] == "fedtop: line 6: quality: input should be a finite number"
    assert len(said) == 5


def test_the_fields_of_events_are_in_the_help(run: Run) -> None:
    shown = " ".join(run("record", "event", "--help").stdout.partition('Fields by "kind"')[2].split())
    for model in (RunEvent, RunState, Usage, Execution, Route, Verdict, Job):
        kind = model.model_fields["kind"].default
        told = re.split(
            r" (?:run|run_state|usage|execution|route|verdict|job) ", f"{shown.partition(f' {kind} ')[2]} "
        )[0]
        needed = {f"{name}*" for name, field in model.model_fields.items() if field.is_required()}
        assert {word for word in told.split() if word.endswith("*")} == needed
        assert {word.rstrip("*") for word in told.split()} == model.model_fields.keys() - {"kind"}


def test_events_all_rejected(run: Run) -> None:
    assert run("record", "event", stdin=b"\xff\xfe\n{\n").exit_code == 2
    assert run("record", "event", stdin="").exit_code == 0


def test_many_events_and_many_complaints(run: Run) -> None:
    good = [json.dumps({"kind": "run", "id": f"r{n}", "agent": "kimi", "success": n % 3 > 0}) for n in range(1500)]
    result = run("record", "event", stdin="\n".join([*good, *(["bad"] * 30)]))
    assert result.stdout == "1,500 recorded, 0 already there, 30 rejected\n"
    assert len(result.stderr.splitlines()) == 21
    assert "and 10 more" in result.stderr
