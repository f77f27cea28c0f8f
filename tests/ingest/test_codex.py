"""Codex rollouts: calls, tools by id, turns; any split of a file; and real sessions against an independent count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedstore.engine.sqlite import Database
from fedstore.errors import EventError
from fedstore.facts.events import Execution, Run, Usage
from fedstore.ingest import import_paths
from fedstore.ingest.codex import CodexReader
from fedstore.store import Store
from tests.conftest import Clock
from tests.ingest.helpers import contents, data_folder, lines
from tests.ingest.rollouts import LATER, T0, call, event, events, facts, line, meta, output, spawned, tokens, usage
from tests.templates import copied

META = meta(0, "s1")
CONTEXT = line(1, "turn_context", model="gpt-5.3-codex")
SESSION = [
    META,
    event(1, "task_started", turn_id="01a23166-68c8-7a91-b33d-178c7edcbbdf"),
    CONTEXT,
    event(2, "token_count", info=None),
    call(1_000, "call_c1", "exec_command", arguments="{}"),
    tokens(1_000, usage(100, 40, 10, 4), usage(100, 40, 10, 4)),
    output(3_500, "call_c1", "Wall time: 2 s\nProcess exited with code 7\nOutput:\nno"),
    tokens(3_600, usage(100, 40, 10, 4), usage(100, 40, 10, 4)),
    call(4_000, "call_c2", "apply_patch", type="custom_tool_call"),
    output(4_200, "call_c2", json.dumps({"output": "Done", "metadata": {"exit_code": 0}}), "custom_tool_call_output"),
    tokens(5_000, usage(350, 140, 30, 9), usage(250, 100, 20, 5)),
    event(5_100, "task_complete", turn_id="01a23166-68c8-7a91-b33d-178c7edcbbdf", duration_ms=5_050),
    event(60_000, "task_started", turn_id="b"),
    call(61_000, "call_c3", "view"),
    output(61_500, "call_c3", "text"),
    tokens(62_000, usage(50, 20, 5), usage(50, 20, 5)),
    call(62_100, "call_c4", "exec_command", arguments='{"cmd": "make"}'),
    output(62_300, "call_c4", "Wall time: 0.2 seconds\nProcess running with session ID 7\nOutput:\n"),
    event(62_900, "exec_command_end", call_id="call_c4", exit_code=2),
    event(63_000, "turn_aborted", reason="interrupted"),
    event(70_000, "user_message", message="go on"),
    event(71_000, "error", message="quota", codex_error_info="usage_limit_exceeded"),
    line(72_000, "world_state", anything=[1]),
]  # fmt: skip
FIRST, SECOND, THIRD = (
    "codex:s1:01a23166-68c8-7a91-b33d-178c7edcbbdf",
    f"codex:s1:b.{T0 + 60_000}",
    f"codex:s1:{T0 + 70_000}",
)


def test_one_call_per_growth_of_the_counters() -> None:
    calls = [found for found in facts(SESSION) if isinstance(found, Usage)]
    assert [(u.input_tokens, u.cache_read_tokens, u.output_tokens, u.reasoning_tokens, u.run_id) for u in calls] == [
        (100, 40, 10, 4, FIRST), (250, 100, 20, 5, FIRST), (50, 20, 5, 0, SECOND),
    ]  # fmt: skip
    assert {(u.agent, u.model, u.provider, u.project) for u in calls} == {("codex", "gpt-5.3-codex", "openai", "shop")}
    assert len({u.id for u in calls}) == 3


def test_tools_succeed_fail_or_stay_unknown() -> None:
    tools = [found for found in facts(SESSION) if isinstance(found, Execution)]
    assert [(e.id, e.tool, e.duration_ms, e.success, e.error_class, e.run_id) for e in tools] == [
        ("call_c1", "exec_command", 2_500, False, "exit code 7", FIRST),
        ("call_c2", "apply_patch", 200, True, "", FIRST),
        ("call_c3", "view", 500, None, "", SECOND),
        ("call_c4", "exec_command", 800, False, "exit code 2", SECOND),
    ]  # fmt: skip


def test_a_turn_never_tells_that_it_succeeded() -> None:
    runs = [found for found in facts(SESSION) if isinstance(found, Run)]
    assert [(r.id, r.success, r.error_class, r.duration_ms) for r in runs] == [
        (FIRST, None, "", 5_050), (SECOND, None, "interrupted", None), (THIRD, None, "usage_limit_exceeded", None),
    ]  # fmt: skip


def test_sessions_of_2025_have_a_run_per_prompt() -> None:
    """They have no lines that begin or end a turn; each prompt's turn lasts to the last line before the next."""
    day = 86_400_000
    prompts = [0, 3_600_000, day]
    values = [meta(0, "old")]
    for number, at in enumerate(prompts, start=1):
        values += [
            event(at + 1, "user_message", message="fix it", kind="plain"),
            event(at + 1, "user_message", message="<environment_context>", kind="environment_context"),
            line(at + 2, "turn_context", turn_id="turn-1", model="gpt-5-codex"),
            tokens(at + 20_000, usage(100 * number), usage(100)),
            event(at + 30_001, "agent_message", message="done"),
        ]
    found = facts(values, now=T0 + 2 * day)
    runs = [r for r in found if isinstance(r, Run)]
    assert [(r.started_at, r.at) for r in runs] == [(T0 + at + 1, T0 + at + 30_001) for at in prompts]
    assert [u.run_id for u in found if isinstance(u, Usage)] == [r.id for r in runs]


def test_a_prompt_said_into_a_turn_or_just_before_its_start_is_no_turn_of_its_own() -> None:
    values = [
        META, event(1, "user_message", message="do it"), event(5, "task_started", turn_id="a"), CONTEXT,
        event(900, "user_message", message="and that"), tokens(1_000, usage(10), usage(10)),
        event(2_000, "task_complete", turn_id="a"),
    ]  # fmt: skip
    assert [r.id for r in facts(values) if isinstance(r, Run)] == [f"codex:s1:a.{T0 + 5}"]


def test_the_end_of_an_earlier_turn_does_not_end_this_one() -> None:
    values = [
        META, event(1, "task_started", turn_id="a"), event(9, "task_complete", turn_id="a"),
        event(20, "task_started", turn_id="b"), event(30, "turn_aborted", turn_id="a"),
        tokens(1_000, usage(10), usage(10)), event(2_000, "task_complete", turn_id="b", duration_ms=1_980),
    ]  # fmt: skip
    found = facts(values)
    assert [(r.error_class, r.duration_ms) for r in found if isinstance(r, Run)] == [("", None), ("", 1_980)]
    assert [u.run_id for u in found if isinstance(u, Usage)] == [f"codex:s1:b.{T0 + 20}"]


def test_an_open_turn_waits_and_shows() -> None:
    reader = CodexReader({}, Path("x.jsonl"))
    for value in SESSION[:5]:
        reader.read(value)
    assert reader.due_ms() is not None
    assert [(state["id"], state["agent"]) for state in reader.running()] == [(FIRST, "codex")]  # type: ignore[index]
    assert reader.finish(T0 + 3_600_000) == [], "its tool may still be running"
    assert [type(found) for found in events(reader.finish(T0 + 13 * 3_600_000))] == [Run]
    assert (reader.due_ms(), reader.running()) == (None, [])


def test_what_comes_after_a_long_silence_still_belongs_to_its_turn() -> None:
    half = 3 * 3_600_000
    values = [META, event(1, "task_started", turn_id="a"), tokens(10, usage(10), usage(10)),
              tokens(half, usage(30), usage(20)), event(half + 1, "task_complete", turn_id="a")]  # fmt: skip
    reader = CodexReader({}, Path("x.jsonl"))
    live = events(found for value in values[:3] for found in reader.read(value))
    live += events(reader.finish(T0 + half // 2))
    assert reader.due_ms() is None
    live += events(found for value in values[3:] for found in reader.read(value))
    late = facts(values)
    assert {u.id: u for u in live if isinstance(u, Usage)} == {u.id: u for u in late if isinstance(u, Usage)}
    first, *rest = [r for r in live if isinstance(r, Run)]
    assert (first.at, rest) == (T0 + 10, [r for r in late if isinstance(r, Run)]), "told as far as it went, then whole"
    assert first.id == rest[0].id


@pytest.mark.parametrize(
    ("source", "agent"),
    [
        ("cli", "codex"), ("exec", "codex"), (None, "codex"), ({"custom": 1}, "codex"),
        (spawned(agent_nickname="Euclid", agent_role="explorer"), "codex-explorer"),
        (spawned(agent_nickname="Euclid", agent_role=None), "codex-Euclid"), (spawned(), "codex-subagent"),
        ({"subagent": "review"}, "codex-review"), ({"subagent": {"other": "guardian"}}, "codex-guardian"),
    ],
)  # fmt: skip
def test_sub_agents_are_agents_of_their_own(source: Any, agent: str) -> None:
    values = [meta(0, "s9", source=source), event(1, "task_started", turn_id="t"), tokens(9, usage(5), usage(5))]
    assert {found.agent for found in facts(values)} == {agent}


def test_files_without_a_thread_are_told_apart_by_how_they_begin() -> None:
    def part(start: int) -> list[Any]:
        return [line(start, "turn_context", model="m"), event(start + 1, "task_started", turn_id="x"),
                tokens(start + 9, usage(7), usage(7))]  # fmt: skip

    one, other = facts(part(0)), facts(part(50_000))
    assert facts(part(0)) == one
    assert not {found.id for found in one} & {found.id for found in other}


def test_ids_that_come_again_in_a_thread_are_told_apart() -> None:
    """Models behind other providers count their calls anew in every turn."""
    values: list[Any] = [meta(0, "k", model_provider="moonshot")]
    for turn in range(3):
        at = turn * 10_000
        values += [
            event(at + 1, "task_started", turn_id=f"t{turn}"), call(at + 2, "functions.exec_command:0", "exec_command"),
            output(at + 5, "functions.exec_command:0", f"Exit code: {turn // 2}\nOutput:\n"),
        ]  # fmt: skip
    tools = [found for found in facts(values) if isinstance(found, Execution)]
    assert len({e.id for e in tools}) == 3
    assert [e.success for e in tools] == [True, True, False]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (5, "object"),
        ({"type": ["event_msg"], "payload": {}}, "type: must be text"),
        ({"type": "event_msg", "payload": {}}, "timestamp: missing"),
        ({"type": "event_msg", "payload": {}, "timestamp": "soon"}, "timestamp"),
        ({"type": "event_msg", "payload": {}, "timestamp": "1970-01-01T00:00:00Z"}, "timestamp"),
        (tokens(0, usage(-1)), "total_token_usage.input_tokens"),
        (tokens(0, usage("many")), "total_token_usage.input_tokens"),  # type: ignore[arg-type]
        (tokens(0, usage(9), usage(True)), "last_token_usage.input_tokens"),
    ],
)
def test_lines_that_make_no_sense_are_refused(value: Any, words: str) -> None:
    with pytest.raises(EventError, match=words):
        CodexReader({}, Path("x.jsonl")).read(value)


@pytest.mark.parametrize("value", [{}, {"type": "compacted"}, {"type": "event_msg", "payload": 4}, {"type": None}])
def test_other_lines_are_ignored(value: dict[str, Any]) -> None:
    assert CodexReader({}, Path("x.jsonl")).read(value) == []


SAID = [
    line(2_000, "response_item", type="reasoning", summary=[], content=None, encrypted_content='x", "timestamp": 1'),
    line(2_100, "response_item", type="message", role="user", content=[{"type": "input_text", "text": "{}"}]),
    event(2_200, "agent_message", message="done"),
    {"ordinal": 7, **event(2_300, "agent_reasoning", text="so")},
]  # fmt: skip


def compact(value: Any) -> bytes:
    """As Codex writes it."""
    value = {name: value[name] for name in ("timestamp", "ordinal", "type", "payload") if name in value}
    return json.dumps(value, separators=(",", ":")).encode()


@pytest.mark.parametrize("value", SAID)
def test_what_is_only_glanced_at_tells_what_the_whole_line_tells(value: Any) -> None:
    skimmed, parsed = CodexReader({}, Path("x.jsonl")), CodexReader({}, Path("x.jsonl"))
    assert skimmed.skim(compact(value)) is None, "the first line tells which file this is"
    for reader in (skimmed, parsed):
        reader.read(META)
        reader.read(event(1, "task_started", turn_id="a"))
    glance = skimmed.skim(compact(value))
    assert glance is not None
    assert skimmed.read(glance) == parsed.read(value)
    assert skimmed.state() == parsed.state()
    torn = compact(value)[:-9]
    assert skimmed.skim(torn) is None
    assert skimmed.skim(torn + compact(SAID[1])) is None, "the second record must not get lost"


def test_pages_and_ordinals_change_nothing() -> None:
    """As newer releases write them: a mode of the history, and the number of each line."""
    paged = [{"ordinal": number, **value} for number, value in enumerate(SESSION)]
    paged[0] = {"ordinal": 0, **meta(0, "s1", history_mode="paginated")}
    assert facts(paged) == facts(SESSION)


def test_a_state_of_an_earlier_release_is_gone_on_with() -> None:
    left = {
        "session": "s1", "project": "shop", "provider": "openai", "model": "gpt-5.3-codex", "first": T0,
        "replay": False, "seen": T0 + 900, "calls": 1, "turns": 1,
        "totals": {"input_tokens": 100, "cached_input_tokens": 40, "output_tokens": 10, "reasoning_output_tokens": 4},
        "turn": {"id": "codex:s1:a", "start": T0, "error": "", "ms": None},
        "tools": {"call_c1": ["exec_command", T0 + 800, "codex:s1:a"]},
    }  # fmt: skip
    reader = CodexReader(left, Path("x.jsonl"))
    values = [
        output(1_000, "call_c1", "Exit code: 0\nOutput:\n"),
        tokens(2_000, usage(150, 60, 15), usage(50, 20, 5)),
        event(3_000, "task_complete", turn_id="a", duration_ms=2_999),
    ]
    tool, used, run = events(found for value in values for found in reader.read(value))
    assert isinstance(tool, Execution)
    assert (tool.id, tool.success, tool.run_id) == ("call_c1", True, "codex:s1:a")
    assert isinstance(used, Usage)
    assert (used.input_tokens, used.output_tokens, used.run_id) == (50, 5, "codex:s1:a")
    assert isinstance(run, Run)
    assert (run.id, run.duration_ms) == ("codex:s1:a", 2_999)


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


@pytest.mark.parametrize("seconds", [True, False])
def test_cut_anywhere_and_looked_at_long_after_it_gives_the_same_store(tmp_path: Path, seconds: bool) -> None:
    """Also behind a prompt, between two lines of one time, and while a command outlives its first output."""
    values = [{**value, "timestamp": f"{value['timestamp'][:17]}00Z"} if seconds else value for value in SESSION]
    whole = Database(tmp_path / "whole.db")
    path = tmp_path / "rollout.jsonl"
    path.write_bytes(lines(*values))
    import_paths(whole, [path], clock=lambda: LATER)
    expected = contents(whole)
    whole.close()
    assert len(expected["runs"]) == 3
    for cut in range(1, len(values)):
        pieces = Database(copied(tmp_path / f"{cut}.db", "empty", lambda made: Store(made).close()))
        for end in (cut, len(values)):
            path.write_bytes(lines(*values[:end]))
            import_paths(pieces, [path], clock=lambda: LATER)
        assert contents(pieces) == expected, values[cut - 1]
        pieces.close()


def test_a_time_of_the_future_costs_its_line_only(store: Store, clock: Clock, tmp_path: Path) -> None:
    """The turn goes on as long as its other lines say, and is over when they are old."""
    clock.now_ms = T0 + 86_400_000
    path = tmp_path / "rollout.jsonl"
    far = tokens(10 * 86_400_000, usage(30), usage(20))
    path.write_bytes(lines(META, event(1, "task_started", turn_id="a"), tokens(5_000, usage(10), usage(10)), far))
    report = import_paths(store, [path])
    assert report.rejected == 1
    assert store.database.read("SELECT ended_ms FROM runs") == [(T0 + 5_000,)]
    assert store.database.read("SELECT input_tokens FROM llm_calls") == [(10,)]


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


@pytest.mark.parametrize(
    ("settings_line", "tier"),
    [
        (
            event(2, "thread_settings_applied", thread_settings={"model": "gpt-5.4", "service_tier": "priority"}),
            "priority",
        ),
        (event(2, "thread_settings_applied", thread_settings={"model": "gpt-5.4"}), ""),
        (event(2, "thread_settings_applied", thread_settings={"model": "gpt-5.4", "service_tier": "default"}), ""),
        (line(2, "turn_context", model="gpt-5.4", service_tier="flex"), "flex"),
    ],
)
def test_the_service_tier_of_a_call_is_that_of_the_settings_in_force(settings_line: Any, tier: str) -> None:
    values = [META, event(1, "task_started", turn_id="a"), settings_line, tokens(9, usage(50), usage(50)),
              event(20, "thread_settings_applied", thread_settings={"model": "gpt-5.4"}),
              tokens(30, usage(70), usage(20))]  # fmt: skip
    assert [u.service_tier for u in facts(values) if isinstance(u, Usage)] == [tier, ""]
