"""Codex rollouts: growth of totals, tools by id, turns; and real sessions against an independent count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedstore.engine.sqlite import Database
from fedstore.errors import EventError
from fedstore.facts.events import Event, Execution, Run, Usage
from fedstore.ingest import import_paths
from fedstore.ingest.codex import CodexReader
from fedstore.ingest.routing_log import iso
from tests.ingest.helpers import contents, data_folder, lines

T0 = 1_771_847_000_000
LATER = T0 + 86_400_000


def line(at: int, kind: str, **payload: Any) -> dict[str, Any]:
    return {"timestamp": iso(T0 + at), "type": kind, "payload": payload}


def tokens(at: int, read: int, cached: int, out: int, thought: int = 0) -> dict[str, Any]:
    totals = {
        "input_tokens": read, "cached_input_tokens": cached, "output_tokens": out, "reasoning_output_tokens": thought,
    }  # fmt: skip
    return line(at, "event_msg", type="token_count", info={"total_token_usage": totals, "last_token_usage": totals})


META = line(0, "session_meta", id="s1", cwd="/home/dev/shop", model_provider="openai", source="cli")
CONTEXT = line(1, "turn_context", model="gpt-5.3-codex")
SESSION = [
    META,
    line(1, "event_msg", type="task_started", turn_id="a"),
    CONTEXT,
    line(2, "event_msg", type="token_count", info=None),
    line(1_000, "response_item", type="function_call", name="exec_command", call_id="c1", arguments="{}"),
    tokens(1_000, 100, 40, 10, 4),
    line(3_500, "response_item", type="function_call_output", call_id="c1", output="Wall time: 2 s\nProcess exited"
         " with code 7\nOutput:\nno"),
    tokens(3_600, 100, 40, 10, 4),
    line(4_000, "response_item", type="custom_tool_call", name="apply_patch", call_id="c2"),
    line(4_200, "response_item", type="custom_tool_call_output", call_id="c2",
         output=json.dumps({"output": "Done", "metadata": {"exit_code": 0}})),
    tokens(5_000, 350, 140, 30, 9),
    line(5_100, "event_msg", type="task_complete", turn_id="a", duration_ms=5_050),
    line(60_000, "event_msg", type="task_started", turn_id="b"),
    line(61_000, "response_item", type="function_call", name="view", call_id="c3"),
    line(61_500, "response_item", type="function_call_output", call_id="c3", output="text"),
    tokens(62_000, 50, 20, 5, 0),
    line(63_000, "event_msg", type="turn_aborted", reason="interrupted"),
    line(70_000, "event_msg", type="user_message", message="go on"),
    line(71_000, "event_msg", type="error", message="quota"),
    line(72_000, "world_state", anything=[1]),
]  # fmt: skip


def facts(values: list[Any], now: int = LATER) -> list[Event]:
    reader = CodexReader({}, Path("rollout-x.jsonl"))
    return [event for value in values for event in reader.read(value)] + reader.finish(now)


def test_usage_is_the_growth_of_the_totals() -> None:
    calls = [event for event in facts(SESSION) if isinstance(event, Usage)]
    assert [(u.input_tokens, u.cache_read_tokens, u.output_tokens, u.reasoning_tokens) for u in calls] == [
        (100, 40, 10, 4), (250, 100, 20, 5), (50, 20, 5, 0),
    ]  # fmt: skip
    assert {(u.agent, u.model, u.provider, u.project) for u in calls} == {("codex", "gpt-5.3-codex", "openai", "shop")}
    assert [u.id for u in calls] == ["codex:s1:1", "codex:s1:2", "codex:s1:3"]


def test_tools_succeed_fail_or_stay_unknown_by_their_exit_code() -> None:
    tools = [event for event in facts(SESSION) if isinstance(event, Execution)]
    assert [(e.id, e.tool, e.duration_ms, e.success, e.error_class, e.run_id) for e in tools] == [
        ("c1", "exec_command", 2_500, False, "exit code 7", "codex:s1:a"),
        ("c2", "apply_patch", 200, True, "", "codex:s1:a"),
        ("c3", "view", 500, None, "", "codex:s1:b"),
    ]  # fmt: skip


def test_turns() -> None:
    runs = [event for event in facts(SESSION) if isinstance(event, Run)]
    assert [(r.id, r.success, r.error_class, r.duration_ms) for r in runs] == [
        ("codex:s1:a", None, "", 5_050), ("codex:s1:b", None, "interrupted", None),
        ("codex:s1:3", False, "api_error", None),
    ]  # fmt: skip


def test_an_open_turn_waits_and_shows() -> None:
    reader = CodexReader({}, Path("x.jsonl"))
    for value in SESSION[:5]:
        reader.read(value)
    assert reader.holding
    assert [(state.id, state.agent) for state in reader.running()] == [("codex:s1:a", "codex")]
    assert reader.finish(T0 + 3_600_000) == [], "its tool may still be running"
    assert [type(event) for event in reader.finish(T0 + 13 * 3_600_000)] == [Run]
    assert (reader.holding, reader.running()) == (False, [])


def test_a_subagent_does_not_count_the_history_it_repeats() -> None:
    spawned = line(0, "session_meta", id="s2", cwd="/x", source={"subagent": {"thread_spawn": {"depth": 1}}})
    history = [
        spawned, META, CONTEXT, line(5, "event_msg", type="task_started", turn_id="old"), tokens(10, 1_000, 500, 100),
        line(12, "response_item", type="function_call", name="old", call_id="o"),
        line(13, "response_item", type="function_call_output", call_id="o", output=""),
    ]  # fmt: skip
    own = [line(2_000, "event_msg", type="task_started", turn_id="new"), tokens(3_000, 1_200, 600, 150)]
    found = facts([*history, *own])
    assert [(u.id, u.input_tokens, u.output_tokens) for u in found if isinstance(u, Usage)] == [("codex:s2:2", 200, 50)]
    assert [r.id for r in found if isinstance(r, Run)] == ["codex:s2:new"]
    assert not [e for e in found if isinstance(e, Execution)]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (5, "object"),
        ({"type": "event_msg", "payload": {}}, "timestamp: missing"),
        ({"type": "event_msg", "payload": {}, "timestamp": "soon"}, "timestamp"),
        (tokens(0, -1, 0, 0), "input_tokens"),
        (tokens(0, "many", 0, 0), "input_tokens"),  # type: ignore[arg-type]
    ],
)
def test_lines_that_make_no_sense_are_refused(value: Any, words: str) -> None:
    with pytest.raises(EventError, match=words):
        CodexReader({}, Path("x.jsonl")).read(value)


@pytest.mark.parametrize("value", [{}, {"type": "compacted"}, {"type": "event_msg", "payload": 4}])
def test_other_lines_are_ignored(value: dict[str, Any]) -> None:
    assert CodexReader({}, Path("x.jsonl")).read(value) == []


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 10**6), max_size=6))
def test_any_split_gives_the_same_store(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    folder = tmp_path_factory.mktemp("split")
    data = lines(*SESSION)
    path = folder / "rollout.jsonl"
    pieces, whole = Database(folder / "a.db"), Database(folder / "b.db")
    for cut in sorted(cut % (len(data) + 1) for cut in cuts):
        path.write_bytes(data[:cut])
        import_paths(pieces, [path], clock=lambda: T0 + 72_000)
    path.write_bytes(data)
    for database in (pieces, whole):
        import_paths(database, [path], clock=lambda: LATER)
    assert contents(pieces) == contents(whole)
    pieces.close()
    whole.close()


def test_real_sessions_come_to_their_last_totals(tmp_path: Path) -> None:
    """The counters of these sessions never shrink, so what was used is what the last one says."""
    files = sorted(data_folder("transcripts", "codex").rglob("*.jsonl"))
    assert files
    for number, path in enumerate(files):
        values = [json.loads(raw) for raw in path.read_text().splitlines()]
        infos = [v["payload"]["info"] for v in values if v["payload"].get("type") == "token_count"]
        last = [info["total_token_usage"] for info in infos if info][-1]
        outputs = {v["payload"]["call_id"] for v in values if str(v["payload"].get("type")).endswith("_call_output")}
        started = [v for v in values if v["payload"].get("type") == "task_started"]
        database = Database(tmp_path / f"{number}.db")
        report = import_paths(database, [path])
        assert report.rejected == 0
        assert database.read(
            "SELECT SUM(input_tokens), SUM(cache_read_tokens), SUM(output_tokens), SUM(reasoning_tokens) FROM llm_calls"
        ) == [
            (last["input_tokens"], last["cached_input_tokens"], last["output_tokens"], last["reasoning_output_tokens"])
        ]
        assert database.read("SELECT COUNT(*) FROM tool_calls") == [(len(outputs),)]
        assert database.read("SELECT COUNT(*) FROM runs") == [(len(started),)]
        database.close()
