"""Claude Code transcripts: one fact per response, tool execution and turn, however the file is split."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedstore.engine.sqlite import Database
from fedstore.errors import EventError
from fedstore.facts.events import Event, Execution, Run, RunState, Usage
from fedstore.ingest import import_paths
from fedstore.ingest.claude_code import ClaudeCodeReader
from fedstore.ingest.reader import Held, Told
from fedstore.recording.writer import validated
from fedstore.store import Store
from tests.conftest import Clock
from tests.ingest.helpers import contents, count, lines
from tests.ingest.transcripts import MODEL, T0, Session, request_id, tool, use, working_day

DAY_MS = 86_400_000
LATER = T0 + 2 * DAY_MS


def facts(session: Session, path: Path = Path("s1.jsonl"), now: int = LATER) -> list[Event]:
    reader = ClaudeCodeReader({}, path)
    found = [event for entry in session.entries for event in told(reader.read(entry))]
    return found + told(reader.finish(now))


def told(parts: Iterable[Told]) -> list[Event]:
    """What a reader gives, as it is recorded."""
    facts = [part.fact if isinstance(part, Held) else part for part in parts]
    assert not [fact for fact in facts if isinstance(fact, EventError)]
    return [validated(fact) for fact in facts]


def of(kind: type, events: list[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_a_response_of_several_lines_is_one_call_with_its_largest_usage() -> None:
    s = Session()
    s.prompt()
    s.reply("m1", usage=(3, 100, 20, 1), hour=15)
    s.reply("m1", use("t1"), usage=(3, 100, 20, 240), hour=15)
    s.reply("m1", usage=(3, 100, 20, 2), hour=15, stop="tool_use")
    (usage,) = of(Usage, facts(s))
    assert (usage.id, usage.model, usage.provider, usage.agent, usage.project) == (
        request_id("m1"), MODEL, "anthropic", "claude-code", "shop",
    )  # fmt: skip
    assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens, usage.cache_write_1h_tokens) == (
        123, 100, 20, 15,
    )  # fmt: skip
    assert (usage.output_tokens, usage.output_is_minimum, usage.at) == (240, False, T0 + 4_000)
    assert usage.run_id == "claude:s1:s1--0"


def test_responses_without_request_id_go_by_their_message_id() -> None:
    s = Session()
    for message_id in ("m1", "m1", "m2"):
        del s.reply(message_id)["requestId"]
    assert [usage.id for usage in of(Usage, facts(s))] == ["s1:m1", "s1:m2"]


def test_request_ids_that_a_proxy_counts_up_do_not_make_calls_of_two_sessions_one() -> None:
    ids = []
    for message_id in ("m1", "m2"):
        s = Session()
        s.reply(message_id)["requestId"] = "req_001"
        ids += [usage.id for usage in of(Usage, facts(s))]
    assert ids == ["s1:m1:req_001", "s1:m2:req_001"]


def test_entries_without_an_id_are_told_apart_and_known_again() -> None:
    def read() -> list[str | None]:
        s = Session()
        for text in ("One", "Two"):
            for entry in (s.prompt(text), s.reply("")):
                del entry["uuid"]
            del entry["message"]["id"], entry["requestId"]
        return [event.id for event in facts(s)]

    first = read()
    assert len(set(first)) == len(first) == 4
    assert read() == first


@pytest.mark.parametrize(
    ("out", "stop", "minimum"), [(1, None, True), (8, None, True), (9, None, False), (1, "end_turn", False)]
)
def test_output_is_a_minimum_when_the_response_was_never_seen_to_end(out: int, stop: str | None, minimum: bool) -> None:
    s = Session()
    s.reply("m1", usage=(1, 0, 0, out), stop=stop)
    assert of(Usage, facts(s))[0].output_is_minimum is minimum


def test_a_reported_cost_is_preferred(store: Store, tmp_path: Path, clock: Clock) -> None:
    s = Session()
    s.reply("m1", costUSD=0.25)
    s.reply("m2")
    s.reply("m3", model="some-local-model")
    path = tmp_path / "s1.jsonl"
    path.write_bytes(lines(*s.entries))
    import_paths(store, [path])
    rows = store.database.read("SELECT id, cost_nano, cost_basis FROM llm_calls ORDER BY id")
    assert rows[0] == (request_id("m1"), 250_000_000, "reported")
    assert rows[1][2] == "computed"
    # 3 fresh at $3, 100 read at $0.30, 20 written at $3.75 and 5 out at $15 per million
    assert rows[1][1] == 3 * 3_000 + 100 * 300 + 20 * 3_750 + 5 * 15_000
    assert rows[2] == (request_id("m3"), None, "unpriced")


def test_tools_are_matched_by_id_and_timed() -> None:
    s = Session()
    s.prompt()
    s.reply("m1", use("t1"), use("t2", "Read"), use("t3", "Edit"), use("t4", "WebFetch"))
    s.result("t2", tick=2)
    s.result("t1", "Exit code 127\nno such command", error=True, tick=3)
    s.result("t3", "<tool_use_error>File not read</tool_use_error>", error=True)
    s.result("unknown")
    found = of(Execution, facts(s))
    assert [(e.id, e.tool, e.duration_ms, e.success, e.error_class) for e in found] == [
        (tool("t2"), "Read", 2_000, True, ""), (tool("t1"), "Bash", 5_000, False, "exit code 127"),
        (tool("t3"), "Edit", 7_000, False, "tool_use_error"),
    ]  # fmt: skip
    assert {(e.agent, e.project, e.run_id) for e in found} == {("claude-code", "shop", "claude:s1:s1--0")}


def test_a_turn_runs_from_its_prompt_to_its_last_entry() -> None:
    s = Session()
    s.add("user", isMeta=True, message={"role": "user", "content": "<local-command-caveat>"})
    s.prompt("<local-command-stdout>done</local-command-stdout>")
    s.prompt("/help")
    s.prompt([{"type": "text", "text": "Do it"}])
    s.reply("m1", use("t1"))
    s.result("t1", tick=5)
    s.reply("m2", tick=4)
    s.add("user", 600, message={"role": "user", "content": "More"})
    s.reply("m3")
    s.add("system", 9, subtype="turn_duration", durationMs=7_500)
    runs = of(Run, facts(s))
    assert [(r.id, r.success, r.agent, r.project, r.task_type) for r in runs] == [
        ("claude:s1:s1--3", None, "claude-code", "shop", ""), ("claude:s1:s1--7", None, "claude-code", "shop", ""),
    ]  # fmt: skip
    assert runs[0].at - runs[0].started_at == 10_000
    assert runs[1].duration_ms == 7_500


def test_api_errors_are_failed_calls_and_leave_open_whether_their_turn_succeeded() -> None:
    s = Session()
    s.prompt()
    s.add("system", subtype="api_error", error={"status": 529}, retryAttempt=1)
    s.add("assistant", message={"model": "<synthetic>", "content": [], "usage": {"input_tokens": 0}},
          isApiErrorMessage=True, error="rate_limit")  # fmt: skip
    s.prompt()
    s.reply("m1")
    s.add("assistant", message={"model": "<synthetic>", "content": [], "usage": {"input_tokens": 0}})
    found = facts(s)
    calls = of(Usage, found)
    assert [(u.error_class, u.input_tokens, u.model) for u in calls] == [
        ("api_error 529", 0, ""), ("api_error rate_limit", 0, ""), ("", 123, MODEL),
    ]  # fmt: skip
    assert [(r.success, r.error_class) for r in of(Run, found)] == [(None, "api_error rate_limit"), (None, "")]


def test_an_interrupted_turn_is_neither_success_nor_failure() -> None:
    s = Session()
    s.prompt()
    s.reply("m1")
    s.prompt("[Request interrupted by user for tool use]")
    s.prompt("")
    assert [(r.success, r.error_class) for r in of(Run, facts(s))] == [(None, "interrupted")]


def subagent_session() -> tuple[Session, Session]:
    """A parent that repeats part of its subagent's entries, and the subagent's own transcript."""
    parent, sub = Session(), Session(agent_id="a77")
    parent.prompt("Research")
    parent.reply("m1", use("task", "Task", subagent_type="Explore"))
    sub.at = parent.at
    repeated = [sub.prompt("Look"), sub.reply("n1", use("t3", "Grep")), sub.result("t3")]
    sub.reply("n2")
    for inner in repeated:
        parent.progress("task", inner)
    parent.at = sub.at
    parent.result("task", tick=3)
    parent.reply("m2")
    return parent, sub


def test_a_subagent_counts_once_in_two_transcripts(store: Store, tmp_path: Path) -> None:
    parent, sub = subagent_session()
    (tmp_path / "s1.jsonl").write_bytes(lines(*parent.entries))
    folder = tmp_path / "s1" / "subagents"
    folder.mkdir(parents=True)
    (folder / "agent-a77.jsonl").write_bytes(lines(*sub.entries))
    (folder / "agent-a77.meta.json").write_text(json.dumps({"agentType": "Explore", "description": "x"}))
    report = import_paths(store, [tmp_path])
    assert report.rejected == 0
    calls = store.database.read("SELECT id, agent FROM llm_calls ORDER BY id")
    assert calls == [
        (request_id("m1"), "claude-code"), (request_id("m2"), "claude-code"), (request_id("n1"), "Explore"),
        (request_id("n2"), "Explore"),
    ]  # fmt: skip
    assert store.database.read("SELECT id, agent, tool FROM tool_calls ORDER BY id") == [
        (tool("t3"), "Explore", "Grep"), (tool("task"), "claude-code", "Task"),
    ]  # fmt: skip
    assert store.database.read("SELECT agent, COUNT(*) FROM runs GROUP BY agent ORDER BY agent") == [
        ("Explore", 1), ("claude-code", 1),
    ]  # fmt: skip


def test_the_type_of_a_subagent_comes_from_the_launching_call_or_stays_open() -> None:
    parent, sub = subagent_session()
    agents = {event.id: event.agent for event in facts(parent) if isinstance(event, Usage)}
    assert agents[request_id("n1")] == "Explore"
    assert {event.agent for event in facts(sub) if isinstance(event, Usage)} == {"claude-code-subagent"}
    sub.entries[0]["attributionAgent"] = "Plan"
    assert {event.agent for event in facts(sub) if isinstance(event, Usage)} == {"Plan"}


def test_what_is_open_waits_for_quiet() -> None:
    s = Session()
    s.prompt()
    s.reply("m1", use("t1"))
    reader = ClaudeCodeReader({}, Path("s1.jsonl"))
    assert [event for entry in s.entries for event in reader.read(entry)] == []
    assert reader.finish(s.at + 60_000) == []
    assert reader.due_ms() == s.at + 60_001
    (state,) = told(reader.running())
    assert isinstance(state, RunState)
    assert (state.id, state.agent, state.started_at, state.at) == ("claude:s1:s1--0", "claude-code", T0 + 1_000, s.at)
    assert [type(event) for event in told(reader.finish(s.at + 60_001))] == [Usage]
    assert reader.finish(s.at + 11 * 3_600_000) == [], "its tool may still be running"
    assert [type(event) for event in told(reader.finish(s.at + 13 * 3_600_000))] == [Run]
    assert reader.due_ms() is None
    assert reader.running() == []


def test_a_live_turn_shows_as_running_until_it_ends(store: Store, clock: Clock, tmp_path: Path) -> None:
    s = working_day()
    path = tmp_path / "s1.jsonl"
    clock.now_ms = T0 + 5_000
    path.write_bytes(lines(*s.entries[:4]))
    import_paths(store, [path])
    assert store.database.read("SELECT agent, state, project FROM active_runs") == [("claude-code", "running", "shop")]
    assert count(store.database, "runs") == 0
    clock.now_ms = s.at + 20 * 60_000
    path.write_bytes(lines(*s.entries))
    import_paths(store, [path])
    assert count(store.database, "active_runs") == 0
    assert count(store.database, "runs") == 4


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (17, "object"),
        ({"type": {"name": "custom"}}, "type: must be text"),
        ({"type": ["user"]}, "type: must be text"),
        ({"type": 7}, "type: must be text"),
        ({"type": "user", "timestamp": "2026-01-01T00:00:00Z", "message": "text"}, "message"),
        ({"type": "user", "message": {}}, "timestamp: missing"),
        ({"type": "user", "timestamp": "soon", "message": {}}, "timestamp"),
        ({"type": "user", "timestamp": "2026-01-01T00:00:00", "message": {}}, "time zone"),
        ({"type": "user", "timestamp": "1970-01-01T00:00:00Z", "message": {}}, "years 2000"),
    ],
)
def test_entries_that_make_no_sense_are_refused(entry: Any, words: str) -> None:
    with pytest.raises(EventError, match=words):
        ClaudeCodeReader({}, Path("x.jsonl")).read(entry)


@pytest.mark.parametrize(
    "entry",
    [
        {}, {"type": None}, {"silly": "this"}, {"type": "summary"},
        {"type": "progress"}, {"type": "progress", "data": 3},
        {"type": "progress", "data": {"type": "agent_progress", "message": "x"}}, {"type": "a-type-of-tomorrow"},
    ],
)  # fmt: skip
def test_unknown_entries_are_ignored(entry: dict[str, Any]) -> None:
    assert list(ClaudeCodeReader({}, Path("x.jsonl")).read(entry)) == []


def test_progress_that_says_nothing_is_only_glanced_at() -> None:
    common = {"parentUuid": "p-1", "isSidechain": False, "userType": "external", "cwd": "/home/dev", "sessionId": "s"}
    reader = ClaudeCodeReader({}, Path("x.jsonl"))

    def raw(data: dict[str, Any], **more: Any) -> bytes:
        return json.dumps({**common, **more, "type": "progress", "data": data}, separators=(",", ":")).encode()

    hook = raw({"type": "hook_progress", "command": 'x {"parentUuid": 1}'})
    glance = reader.skim(hook)
    assert list(reader.read(glance)) == list(reader.read(json.loads(hook))) == []
    assert reader.state() == ClaudeCodeReader({}, Path("x.jsonl")).state()
    for other in (
        raw({"type": "agent_progress", "message": {}}), raw({"type": "hook_progress"}, isSidechain=True), hook[:-1],
        hook[:-9] + raw({"type": "bash_progress"}), b"{}" + hook, raw({"type": "a-type-of-tomorrow"}),
    ):  # fmt: skip
        assert reader.skim(other) is None


def test_an_older_usage_and_one_that_only_tells_the_lives_of_cache_writes() -> None:
    s = Session()
    for usage in (
        {"input_tokens": 5, "output_tokens": 6, "service_tier": None},
        {"input_tokens": 5, "output_tokens": 6,
         "cache_creation": {"ephemeral_1h_input_tokens": 7, "ephemeral_5m_input_tokens": 4}},
    ):  # fmt: skip
        s.reply(f"m{len(s.entries)}", stop="end_turn")["message"]["usage"] = usage
    counts = [
        (u.input_tokens, u.cache_read_tokens, u.cache_write_tokens, u.cache_write_1h_tokens, u.output_tokens)
        for u in of(Usage, facts(s))
    ]
    assert counts == [(5, 0, 0, 0, 6), (16, 0, 11, 7, 6)]


def test_the_working_day_by_hand(store: Store, clock: Clock, tmp_path: Path) -> None:
    s = working_day()
    clock.now_ms = LATER
    path = tmp_path / "s1.jsonl"
    path.write_bytes(lines(*s.entries))
    report = import_paths(store, [path])
    assert report.rejected == 0
    assert store.database.read(
        "SELECT id, input_tokens, output_tokens, error_class FROM llm_calls WHERE error_class = '' ORDER BY id"
    ) == [
        (request_id("m1"), 1003, 77, ""), (request_id("m2"), 1052, 210, ""), (request_id("m3"), 1061, 60, ""),
        (request_id("m4"), 39, 30, ""),
        (request_id("n1"), 305, 1, ""),
    ]  # fmt: skip
    assert store.database.read("SELECT id, success FROM tool_calls ORDER BY id") == [
        (tool("t1"), 1), (tool("t2"), 0), (tool("t3"), 1), (tool("task"), 1),
    ]  # fmt: skip
    assert store.database.read("SELECT agent, success, error_class FROM runs ORDER BY ended_ms") == [
        ("claude-code", None, ""), ("Explore", None, ""), ("claude-code", None, "api_error 529"),
        ("claude-code", None, "interrupted"),
    ]  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 10**6), max_size=8))
def test_any_split_of_a_live_transcript_gives_the_same_store(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("split")
    s = working_day()
    data = lines(*s.entries)
    path = folder / "s1.jsonl"
    pieces, whole = Database(folder / "a.db"), Database(folder / "b.db")
    for cut in sorted(cut % (len(data) + 1) for cut in cuts):
        path.write_bytes(data[:cut])
        import_paths(pieces, [path], clock=lambda: s.at)
    path.write_bytes(data)
    for database in (pieces, whole):
        import_paths(database, [path], clock=lambda: LATER)
    assert contents(pieces) == contents(whole)
    assert count(pieces, "active_runs") == 0
    pieces.close()
    whole.close()


def test_following_a_quiet_transcript_writes_nothing(store: Store, clock: Clock, tmp_path: Path) -> None:
    s = Session()
    s.prompt()
    s.reply("m1", use("t1"))
    path = tmp_path / "s1.jsonl"
    path.write_bytes(lines(*s.entries))
    clock.now_ms = s.at + 1_000
    tokens: list[int] = []

    def sleep(_seconds: float) -> None:
        clock.advance(1_000)
        tokens.append(store.database.change_token())

    import_paths(store, [path], follow=True, sleep=sleep, stop=lambda: len(tokens) == 6)
    assert len(set(tokens[1:])) == 1
    assert count(store.database, "active_runs") == 1
    assert count(store.database, "llm_calls") == 0
    clock.advance(120_000)
    tokens.clear()
    import_paths(store, [path], follow=True, sleep=sleep, stop=lambda: len(tokens) == 2)
    assert count(store.database, "llm_calls") == 1
