"""Claude Code transcripts as they really come: copies, forks, side conversations, proxies, lines in odd order."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedstore.engine.sqlite import Database
from fedstore.ingest import import_paths
from fedstore.store import Store
from tests.conftest import Clock
from tests.ingest.helpers import contents, count, lines
from tests.ingest.transcripts import MODEL, Session, request_id, use, working_day

DAY_MS = 86_400_000


def imported(store: Store, clock: Clock, folder: Path, **files: Session) -> Any:
    """The report of importing sessions as files of these names, long after their last entry."""
    clock.now_ms = max(session.at for session in files.values()) + DAY_MS
    for name, session in files.items():
        path = folder / "projects" / f"{name.replace('__', '/')}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lines(*session.entries))
    return import_paths(store, [folder / "projects"])


def tools(store: Store) -> list[tuple[Any, ...]]:
    return store.database.read("SELECT tool, agent, success, duration_us / 1000 FROM tool_calls ORDER BY seq")


# --- ids --------------------------------------------------------------------------------------------------------------


def test_ids_that_a_model_counts_within_a_turn_are_told_apart(store: Store, clock: Clock, tmp_path: Path) -> None:
    """Two sessions of three turns, each with the tool ids Bash_0 and Bash_1; the last call of each fails."""
    files = {}
    for name in ("s1", "s2"):
        s = files[name] = Session(name)
        for turn in range(3):
            s.prompt()
            for number in range(2):
                s.reply(f"chatcmpl-{turn}{number}", raw_use(f"Bash_{number}"))
                s.result_of(f"Bash_{number}", error=turn == 2 and number == 1)
    imported(store, clock, tmp_path, **files)
    found = tools(store)
    assert len(found) == 12
    assert [success for _, _, success, _ in found].count(0) == 2
    assert import_paths(store, [tmp_path / "projects"], again=True).taken == 0


def test_the_same_id_in_two_conversations_at_once_is_matched_in_each(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    s, sub = Session(), Session(agent_id="a1")
    s.prompt()
    s.reply("m1", raw_use("Bash_0", "Edit"))
    sub.at = s.at
    s.entries += [sub.prompt(), sub.reply("n1", raw_use("Bash_0", "Grep")), sub.result_of("Bash_0", tick=5)]
    s.result_of("Bash_0", tick=20)
    imported(store, clock, tmp_path, s1=s)
    assert [(name, ms) for name, _, _, ms in tools(store)] == [("Grep", 5_000), ("Edit", 20_000)]


def test_a_fork_of_such_a_session_counts_nothing_again(store: Store, clock: Clock, tmp_path: Path) -> None:
    s = Session("s1")
    s.prompt("First")
    s.reply("chatcmpl-1", raw_use("Bash_0"))["requestId"] = ""
    s.result_of("Bash_0")
    fork = Session("s2")
    for entry in s.entries:
        origin = {"sessionId": "s1", "messageUuid": entry["uuid"]}
        fork.entries.append({**entry, "sessionId": "s2", "forkedFrom": origin})
    fork.at = s.at
    fork.prompt("Second")
    fork.reply("chatcmpl-2")["requestId"] = ""
    imported(store, clock, tmp_path, s1=s, s2=fork)
    assert [count(store.database, table) for table in ("runs", "llm_calls", "tool_calls")] == [2, 2, 1]


def test_a_turn_is_known_by_its_first_response_wherever_a_copy_of_it_stands(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    """A fork keeps the ids of entries; a side conversation writes the entries again under ids of its own."""
    files = {name: Session(name) for name in ("s1", "s2", "s3")}
    for number, s in enumerate(files.values()):
        for turn in range(2):
            s.prompt(f"{turn}", uuid=f"{number}{turn}aaaaaaaa-0000-4000-8000-1234567890ab")
            s.reply(f"msg_01TurnNumber{turn}000000000")
    imported(store, clock, tmp_path, **files)
    assert count(store.database, "runs") == 2
    assert count(store.database, "llm_calls") == 2


def test_long_ids_cost_nothing(store: Store, clock: Clock, tmp_path: Path) -> None:
    s = Session()
    s.prompt()
    s.reply("msg_01AbcdefGhijklmno234567")
    s.reply("resp_" + "bGl0ZWxsbQ" * 40, raw_use("call_7f3a__thought__" + "Cs8QkJD" * 200))["requestId"] = ""
    s.result_of("call_7f3a__thought__" + "Cs8QkJD" * 200, "Exit code 1", error=True)
    s.reply("msg_01AbcdefGhijklmno234568")
    report = imported(store, clock, tmp_path, s1=s)
    assert (report.taken, report.rejected) == (5, 0)
    assert store.database.read("SELECT success, error_class FROM tool_calls") == [(0, "exit code 1")]


def raw_use(tool_id: str, name: str = "Bash") -> dict[str, Any]:
    """A call under an id that the API did not issue."""
    return {"type": "tool_use", "id": tool_id, "name": name, "input": {}}


# --- order ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [False, True])
def test_a_result_that_stands_before_its_call(store: Store, clock: Clock, tmp_path: Path, cut: bool) -> None:
    """Also when the file was read between the two."""
    s = Session()
    s.prompt()
    early = s.result("t1", "Exit code 2", error=True)
    s.at -= 3
    s.reply("m1", use("t1", "Read"), tick=0)
    s.reply("m2")
    path = tmp_path / "s1.jsonl"
    if cut:
        path.write_bytes(lines(*s.entries[: s.entries.index(early) + 1]))
        import_paths(store, [path])
    path.write_bytes(lines(*s.entries))
    clock.now_ms = s.at + DAY_MS
    import_paths(store, [path])
    assert tools(store) == [("Read", "claude-code", 0, 3)]
    ((ended,),) = store.database.read("SELECT ended_ms FROM runs")
    assert ended == s.at, "a call whose result is there keeps no turn open"
    assert count(store.database, "active_runs") == 0


def test_what_comes_late_still_finds_its_call(store: Store, clock: Clock, tmp_path: Path) -> None:
    """A prompt was typed while a tool ran; its result stands behind the prompt."""
    s = Session()
    s.prompt()
    s.reply("m1", use("t1"))
    s.prompt("And this")
    s.result("t1", tick=4)
    s.reply("m2")
    imported(store, clock, tmp_path, s1=s)
    assert tools(store) == [("Bash", "claude-code", 1, 5_000)]


# --- side conversations -----------------------------------------------------------------------------------------------


def nameless(parent: Session, prompt: str, tick: float = 0) -> Session:
    """A side conversation of older releases: entries of the session itself, told apart by what they answer."""
    side = Session(parent.session)
    side.at = parent.at + round(tick * 1000)
    side.prompt(prompt)
    return side


def test_parallel_subagents_without_ids_are_told_apart(store: Store, clock: Clock, tmp_path: Path) -> None:
    s = Session()
    s.prompt()
    asked = {"Explore": "Look for the parser", "Plan": "Plan the change"}
    s.reply("m1", *(use(f"task{kind}", "Task", subagent_type=kind, prompt=text) for kind, text in asked.items()))
    sides = [nameless(s, text) for text in asked.values()]
    for number, side in enumerate(sides):
        side.reply(f"n{number}", raw_use("Bash_0", "Grep" if number else "Read"))
        side.result_of("Bash_0", tick=3 + number)
        side.reply(f"o{number}")
        for at, entry in enumerate(side.entries):
            entry["isSidechain"] = True
            entry["uuid"] = f"side-{number}-{at}"
            entry["parentUuid"] = f"side-{number}-{at - 1}" if at else None
    s.entries += [entry for pair in zip(*(side.entries for side in sides), strict=True) for entry in pair]
    s.at = max(side.at for side in sides)
    for kind in asked:
        s.result(f"task{kind}")
    s.reply("m2")
    imported(store, clock, tmp_path, s1=s)
    assert sorted(tools(store)) == [
        ("Grep", "Plan", 1, 4_000), ("Read", "Explore", 1, 3_000),
        ("Task", "claude-code", 1, 9_000), ("Task", "claude-code", 1, 11_000),
    ]  # fmt: skip
    runs = store.database.read("SELECT agent, COUNT(*) FROM runs GROUP BY agent ORDER BY agent")
    assert runs == [("Explore", 1), ("Plan", 1), ("claude-code", 1)]
    calls = store.database.read("SELECT agent, COUNT(*) FROM llm_calls GROUP BY agent ORDER BY agent")
    assert calls == [("Explore", 2), ("Plan", 2), ("claude-code", 2)]


@pytest.mark.parametrize("first", ["s1", "side"])
@pytest.mark.parametrize("request_of_copy", ["req_011CopyOfTheCopy0000001", ""])
def test_what_a_side_conversation_repeats_counts_once_and_as_the_session_s(
    store: Store, clock: Clock, tmp_path: Path, first: str, request_of_copy: str
) -> None:
    """It writes the conversation so far again, under ids of its own; whichever of the two files is read first."""
    s, side = Session(), Session(agent_id="btw1")
    for session in (s, side):
        session.prompt("Add a button")
        session.reply("msg_01HowTheButtonWasAdded00", raw_use("Bash_0"), usage=(10, 500, 20, 80), stop="tool_use")
    side.entries[-1]["requestId"] = request_of_copy
    side.prompt("What is it called?")
    side.reply("msg_01WhatTheButtonIsCalled0", usage=(20, 520, 0, 5), stop="end_turn")
    clock.now_ms = side.at + DAY_MS
    for name in (first, "s1" if first == "side" else "side"):
        path = tmp_path / f"{name}.jsonl"
        path.write_bytes(lines(*(s if name == "s1" else side).entries))
        import_paths(store, [path])
    calls = store.database.read("SELECT agent, output_tokens FROM llm_calls ORDER BY ended_ms")
    assert calls == [("claude-code", 80), ("claude-code-subagent", 5)]
    assert sorted(store.database.read("SELECT agent FROM runs")) == [("claude-code",), ("claude-code-subagent",)]
    assert store.database.read("SELECT SUM(calls), SUM(output_tokens) FROM spend_buckets WHERE width = 60000") == [
        (2, 85)
    ]


def test_a_response_and_a_turn_that_went_on_after_quiet_come_to_the_same(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    """What was read live, and taken for ended, is as if it had been read at once."""
    s = Session()
    s.prompt()
    s.reply("m1", usage=(3, 0, 0, 3))
    s.reply("m1", usage=(3, 0, 0, 7_576), stop="tool_use", tick=218)
    s.reply("m2", usage=(3, 0, 0, 9), stop="end_turn", tick=3_000)
    path, once = tmp_path / "s1.jsonl", Database(tmp_path / "once.db")
    for end in range(1, len(s.entries) + 1):
        path.write_bytes(lines(*s.entries[:end]))
        for quiet in (0, 90_000, 700_000):
            clock.now_ms = iso_ms(s.entries[end - 1]["timestamp"]) + quiet
            import_paths(store, [path])
    clock.now_ms = s.at + DAY_MS
    import_paths(store, [path])
    import_paths(once, [path], clock=lambda: clock.now_ms)
    assert contents(store.database) == contents(once)
    assert store.database.read("SELECT output_tokens FROM llm_calls ORDER BY id") == [(7_576,), (9,)]
    assert store.database.read("SELECT duration_us / 1000 FROM runs") == [(3_219_000,)]
    once.close()


def iso_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 20 * 3_600)), max_size=8))
def test_a_transcript_read_live_at_any_times_gives_the_same_store(
    tmp_path_factory: pytest.TempPathFactory, looks: list[tuple[int, int]]
) -> None:
    """Each look sees some bytes of it, at some time after the last of them."""
    folder = tmp_path_factory.mktemp("live")
    s = working_day()
    data = lines(*s.entries)
    path = folder / "s1.jsonl"
    live, once = Database(folder / "a.db"), Database(folder / "b.db")
    for cut, seconds in sorted((cut % (len(data) + 1), seconds) for cut, seconds in looks):
        path.write_bytes(data[:cut])
        import_paths(live, [path], clock=lambda seconds=seconds: s.at + 1_000 * seconds)  # type: ignore[misc]
    path.write_bytes(data)
    for database in (live, once):
        import_paths(database, [path], clock=lambda: s.at + 30 * DAY_MS)
    assert contents(live) == contents(once)
    assert count(live, "active_runs") == 0
    live.close()
    once.close()


def test_what_claude_code_asks_for_itself_is_no_run_but_costs(store: Store, clock: Clock, tmp_path: Path) -> None:
    s, own = Session(), Session(agent_id="acompact-1f2e3d")
    s.prompt()
    s.reply("m1")
    own.prompt("Summarise what was said")
    own.reply("n1", usage=(5, 0, 0, 900), stop="end_turn")
    imported(store, clock, tmp_path, **{"s1": s, "s1__subagents__agent-acompact-1f2e3d": own})
    assert store.database.read("SELECT agent FROM runs") == [("claude-code",)]
    assert store.database.read("SELECT agent, run_id, output_tokens FROM llm_calls WHERE id LIKE '%n1'") == [
        ("claude-code", "", 900)
    ]


def test_the_agent_of_a_result_is_not_that_of_the_conversation(store: Store, clock: Clock, tmp_path: Path) -> None:
    """A result in the session's own conversation may name the subagent that gave it."""
    s = Session()
    s.prompt()
    s.reply("m1", use("t1", "Task"))
    s.result("t1")["agentId"] = "a99"
    s.reply("m2")
    imported(store, clock, tmp_path, s1=s)
    assert len(tools(store)) == 1
    assert store.database.read("SELECT DISTINCT agent FROM runs") == [("claude-code",)]


# --- tokens -----------------------------------------------------------------------------------------------------------


def usage_of(store: Store) -> list[tuple[Any, ...]]:
    return store.database.read(
        "SELECT model, input_tokens, cache_read_tokens, output_tokens, output_is_minimum FROM llm_calls ORDER BY seq"
    )


@pytest.mark.parametrize(
    ("said", "tier"),
    [
        ({"speed": "fast"}, "fast"),
        ({"service_tier": "priority"}, "priority"),
        ({"service_tier": "standard"}, ""),
        ({}, ""),
    ],
)
def test_a_call_keeps_as_what_it_was_charged(
    store: Store, clock: Clock, tmp_path: Path, said: dict[str, str], tier: str
) -> None:
    s = Session()
    s.prompt()
    s.reply("m1", stop="end_turn", model="claude-opus-4-6", usage=(100, 0, 0, 10))["message"]["usage"] |= said
    imported(store, clock, tmp_path, s1=s)
    ((found, usd),) = store.database.read("SELECT service_tier, cost_nano / 1e9 FROM llm_calls")
    standard = 100 * 5e-6 + 10 * 25e-6
    assert (found, usd) == (tier, pytest.approx(standard * 6 if tier == "fast" else standard))


def test_advisors_are_calls_of_their_own(store: Store, clock: Clock, tmp_path: Path) -> None:
    """Other rounds of the same response are in its usage already."""
    s = Session()
    s.prompt()
    message = s.reply("m1", usage=(4, 1_000, 0, 500), stop="end_turn")["message"]
    message["usage"]["iterations"] = [
        {"type": "message", "input_tokens": 2, "output_tokens": 100},
        {"type": "advisor_message", "model": "claude-opus-4-6", "input_tokens": 30_000, "output_tokens": 2_000,
         "cache_read_input_tokens": 500},
        {"type": "fallback_message", "model": "claude-haiku-4-5", "input_tokens": 9, "output_tokens": 9},
        {"type": "advisor_message", "model": "claude-opus-4-6", "input_tokens": 7, "output_tokens": 8},
        "nonsense",
    ]  # fmt: skip
    s.entries.append(s.entries[-1])
    imported(store, clock, tmp_path, s1=s)
    assert usage_of(store) == [
        (MODEL, 1_004, 1_000, 500, 0), ("claude-opus-4-6", 30_500, 500, 2_000, 0), ("claude-opus-4-6", 7, 0, 8, 0),
    ]  # fmt: skip
    assert store.database.read("SELECT DISTINCT run_id FROM llm_calls") == [("claude:s1:s1--0",)]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"input_tokens": 1200.0, "output_tokens": "34"}, (1_200, 34, 0)),
        ({"input_tokens": "1200", "output_tokens": 34.0, "cache_read_input_tokens": None}, (1_200, 34, 0)),
        ({"input_tokens": 1_200, "output_tokens": -1}, (1_200, 0, 1)),
        ({"input_tokens": 1_200, "output_tokens": None}, (1_200, 0, 1)),
        ({"input_tokens": [5], "output_tokens": 34}, (0, 34, 1)),
        ({"input_tokens": 1_200, "output_tokens": 34, "cache_creation_input_tokens": True}, (1_200, 34, 1)),
        ({"input_tokens": 1_200, "output_tokens": 34, "cache_creation": "x", "iterations": 7}, (1_200, 34, 0)),
    ],
)
def test_counts_as_proxies_write_them(
    store: Store, clock: Clock, tmp_path: Path, counts: dict[str, Any], expected: tuple[int, ...]
) -> None:
    """What is unknown makes a call cost at least what is known; the tool beside it is counted whatever stands there."""
    s = Session()
    s.prompt()
    s.reply("m1", use("t1"), stop="tool_use")["message"]["usage"] = counts
    s.result("t1")
    report = imported(store, clock, tmp_path, s1=s)
    assert report.rejected == 0
    assert [(given, out, least) for _, given, _, out, least in usage_of(store)] == [expected]
    assert len(tools(store)) == 1


@pytest.mark.parametrize(
    "usage", [{"input_tokens": 10**13, "output_tokens": 5}, {"input_tokens": 5, "output_tokens": 10**40}]
)
def test_a_count_that_cannot_be_costs_its_call_only(
    store: Store, clock: Clock, tmp_path: Path, usage: dict[str, Any]
) -> None:
    s = Session()
    s.prompt()
    s.reply("m1")
    s.reply("m2", use("t1"))["message"]["usage"] = usage
    s.result("t1")
    s.reply("m3")
    s.prompt()
    s.reply("m4")
    report = imported(store, clock, tmp_path, s1=s)
    assert [line for line, _ in report.files[0].reasons] == [3]
    assert [row[0] for row in store.database.read("SELECT id FROM llm_calls ORDER BY seq")] == [
        request_id(name) for name in ("m1", "m3", "m4")
    ]
    assert len(tools(store)) == 1
    assert count(store.database, "runs") == 2


@pytest.mark.parametrize(
    ("text", "out", "stop", "least"),
    [
        ("x" * 600, 20, None, True),
        ("x" * 80, 20, None, False),
        ("x" * 600, 20, "end_turn", False),
        ("x", 8, None, True),
    ],
)
def test_output_is_a_minimum_where_more_was_seen_than_it_can_hold(
    store: Store, clock: Clock, tmp_path: Path, text: str, out: int, stop: str | None, least: bool
) -> None:
    s = Session()
    s.reply("m1", {"type": "text", "text": text[:300]}, usage=(1, 0, 0, out))
    s.reply("m1", {"type": "tool_use", "id": "t", "name": "Edit", "input": {"new": text[300:]}}, usage=(1, 0, 0, out),
            stop=stop)  # fmt: skip
    imported(store, clock, tmp_path, s1=s)
    assert [row[-1] for row in usage_of(store)] == [least]


@pytest.mark.parametrize("cost", [0, -1, "free", True, 10**9, float("nan")])
def test_a_cost_that_makes_no_sense_is_computed_instead(store: Store, clock: Clock, tmp_path: Path, cost: Any) -> None:
    s = Session()
    s.reply("m1", costUSD=cost, stop="end_turn")
    imported(store, clock, tmp_path, s1=s)
    assert store.database.read("SELECT cost_basis, cost_nano > 0 FROM llm_calls") == [("computed", 1)]


# --- lines that make no sense -----------------------------------------------------------------------------------------


def test_a_block_that_is_none_costs_itself(store: Store, clock: Clock, tmp_path: Path) -> None:
    s = Session()
    s.prompt()
    s.reply("m1", {"type": "tool_use", "name": "x"}, use("t1"), {"type": "tool_use", "id": 5, "name": ["x"]})
    s.result("t1")
    report = imported(store, clock, tmp_path, s1=s)
    assert report.rejected == 1
    assert [line for line, _ in report.files[0].reasons] == [2, 2]
    assert len(tools(store)) == len(usage_of(store)) == 1


def test_a_clock_that_stood_still_costs_the_lines_it_stamped(store: Store, clock: Clock, tmp_path: Path) -> None:
    s = Session()
    s.prompt()
    s.reply("m1")["timestamp"] = "1970-01-01T00:00:07.000Z"
    s.prompt(timestamp="9999-12-31T23:59:59.999+00:00")
    s.reply("m2")
    s.prompt()
    s.reply("m3")
    report = imported(store, clock, tmp_path, s1=s)
    assert [line for line, _ in report.files[0].reasons] == [2, 3]
    assert [row[0] for row in store.database.read("SELECT id FROM llm_calls")] == [request_id("m2"), request_id("m3")]
    assert count(store.database, "active_runs") == 0


def test_a_time_of_the_future_costs_its_line_only(store: Store, clock: Clock, tmp_path: Path) -> None:
    s = Session()
    s.prompt()
    s.reply("m1", stop="end_turn")
    end = s.at
    s.add("system", tick=30 * 86_400, subtype="note")
    clock.now_ms = end + DAY_MS
    (tmp_path / "s1.jsonl").write_bytes(lines(*s.entries))
    import_paths(store, [tmp_path / "s1.jsonl"])
    assert store.database.read("SELECT ended_ms FROM runs") == [(end,)]
    assert count(store.database, "llm_calls") == 1


def test_half_of_a_character_is_replaced(store: Store, clock: Clock, tmp_path: Path) -> None:
    s = Session(cwd="/home/dev/shop\ud83d")
    s.prompt(uuid="u\ud800")
    s.reply("m1", use("t1", "Ba\udc00sh"))
    s.result("t1")
    assert imported(store, clock, tmp_path, s1=s).rejected == 0
    assert tools(store)[0][0] == "Ba\ufffdsh"
    assert store.database.read("SELECT project FROM runs") == [("shop\ufffd",)]


def test_two_records_on_a_torn_line(store: Store, clock: Clock, tmp_path: Path) -> None:
    s = Session()
    for name in ("m1", "m2", "m3"):
        s.prompt()
        s.reply(name)
    torn = json.dumps(s.entries[0])[:60].encode()
    raw = lines(*s.entries[:2]) + torn + lines(*s.entries[2:4]) + b"\0" * 800 + lines(*s.entries[4:])
    clock.now_ms = s.at + DAY_MS
    (tmp_path / "s1.jsonl").write_bytes(raw)
    report = import_paths(store, [tmp_path / "s1.jsonl"], keep_content=True)
    assert (report.taken, report.rejected) == (6, 1)
    assert store.database.read("SELECT line, text FROM rejects") == [(3, torn.decode())]


def test_the_state_of_an_older_version_is_left(store: Store, clock: Clock, tmp_path: Path) -> None:
    s = Session()
    s.prompt()
    s.reply("m1")
    clock.now_ms = s.at
    path = tmp_path / "s1.jsonl"
    path.write_bytes(lines(*s.entries))
    import_paths(store, [path])
    with store.database.write() as tx:
        tx.execute(
            "UPDATE import_marks SET state = ?", ('{"chains": {"main": {"call": null, "run": 5}}, "tools": {}}',)
        )
    s.reply("m2")
    path.write_bytes(lines(*s.entries))
    clock.now_ms = s.at + DAY_MS
    assert import_paths(store, [path]).taken == 1
