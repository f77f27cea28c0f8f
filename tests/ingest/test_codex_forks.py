"""What a forked Codex thread copied from its parent is not counted again, in whichever way it was copied."""

from __future__ import annotations

from typing import Any

import pytest

from fedstore.facts.events import Execution, Run, Usage
from tests.ingest.rollouts import T0, call, event, facts, line, meta, output, spawned, tokens, usage

FORK = 600_000
"""The fork comes ten minutes after its parent began."""
CONTEXT = line(1, "turn_context", model="gpt-5.5")


def timed_id(at: int, end: str) -> str:
    """A UUIDv7 of ``at`` milliseconds after T0."""
    stamp = f"{T0 + at:012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7abc-8def-{end:0>12}"


def parent(turn: str = "p1", **started: Any) -> list[tuple[int, str, dict[str, Any]]]:
    """The parent's lines as (time, type, payload), so that a fork can copy them under other times."""
    lines = [
        meta(0, "parent"), event(100, "task_started", turn_id=turn, **started), CONTEXT,
        call(5_000, "call_p", "shell"), output(6_000, "call_p", "Exit code: 1\nOutput:\n"),
        tokens(10_000, usage(100_000, 50_000, 1_000), usage(100_000, 50_000, 1_000)),
        tokens(20_000, usage(300_000, 250_000, 3_000), usage(200_000, 200_000, 2_000)),
        event(21_000, "task_complete", turn_id=turn, duration_ms=20_900),
    ]  # fmt: skip
    return [(number, found["type"], found["payload"]) for number, found in enumerate(lines)]


def own(turn: str = "c1", at: int = FORK + 300_000, total: int = 350_000, **started: Any) -> list[dict[str, Any]]:
    return [
        event(at, "task_started", turn_id=turn, **started), line(at + 100, "turn_context", model="gpt-5.5"),
        call(at + 3_000, "call_c", "shell"), output(at + 4_000, "call_c", "Exit code: 0\nOutput:\n"),
        tokens(at + 9_000, usage(total, max(10_000, total - 90_000), 3_400), usage(50_000, 10_000, 400)),
        event(at + 9_100, "task_complete", turn_id=turn),
    ]  # fmt: skip


def copied(times: list[int], **of: Any) -> list[dict[str, Any]]:
    return [line(at, kind, **payload) for at, (_, kind, payload) in zip(times, parent(**of), strict=True)]


def of_fork(values: list[Any]) -> tuple[list[int], list[str], list[str]]:
    """Tokens of each call, runs, tools."""
    found = facts(values)
    return (
        [u.input_tokens for u in found if isinstance(u, Usage)],
        [r.id.rpartition(".")[0] or r.id for r in found if isinstance(r, Run)],
        [e.id for e in found if isinstance(e, Execution)],
    )


AT_ONCE = [FORK + 2] * 8
OVER_A_SECOND = [FORK + ms for ms in (1, 1, 2, 500, 600, 999, 1_001, 1_004)]
SLOWLY = [FORK + 700 * number for number in range(8)]
OLD_TIMES = [0, 100, 200, 5_000, 6_000, 10_000, 20_000, 21_000]
SUBAGENT: dict[str, Any] = {"source": spawned()}
BY_USER = {"forked_from_id": "parent"}


@pytest.mark.parametrize("times", [AT_ONCE, OVER_A_SECOND, SLOWLY, OLD_TIMES], ids=["once", "second", "slowly", "old"])
@pytest.mark.parametrize(
    "mark", [SUBAGENT, BY_USER, {"parent_thread_id": "parent"}, {}], ids=["agent", "user", "id", "meta"]
)
def test_copies_are_not_counted_again(times: list[int], mark: dict[str, Any]) -> None:
    values = [meta(FORK, "child", **mark), *copied(times), *own()]
    assert of_fork(values) == ([50_000], ["codex:child:c1"], ["call_c"])


@pytest.mark.parametrize("times", [AT_ONCE, SLOWLY, OLD_TIMES], ids=["once", "slowly", "old"])
def test_a_turn_that_tells_when_it_began_ends_the_copies_at_once(times: list[int]) -> None:
    """A sub-agent works at once: no pause tells its turn from those that it copied."""
    began = (T0 + max(FORK, times[-1])) // 1_000
    values = [meta(FORK, "child", **SUBAGENT), *copied(times, started_at=T0 // 1_000),
              *own(at=max(FORK, times[-1]) + 3, started_at=began)]  # fmt: skip
    assert of_fork(values) == ([50_000], ["codex:child:c1"], ["call_c"])


def test_turn_ids_that_tell_their_time_end_the_copies() -> None:
    child, old, new = timed_id(FORK, "c"), timed_id(50, "1"), timed_id(FORK + 9, "2")
    values = [meta(FORK, child, **BY_USER), *copied(SLOWLY, turn=old), *own(new, SLOWLY[-1] + 1)]
    assert of_fork(values) == ([50_000], [f"codex:{child}:{new}"], ["call_c"])


def test_a_pause_among_copies_that_tell_their_time_ends_nothing() -> None:
    """A slow disk: the copies of old turns stand ten seconds apart."""
    apart = [FORK + 10_000 * number for number in range(8)]
    values = [meta(FORK, "child", **BY_USER), *copied(apart, started_at=T0 // 1_000),
              *own(started_at=(T0 + FORK + 300_000) // 1_000)]  # fmt: skip
    assert of_fork(values) == ([50_000], ["codex:child:c1"], ["call_c"])


def test_ids_that_only_look_timed_are_not_believed() -> None:
    """A test's ids, all alike, of another day than the thread."""
    ids = [f"019f0000-0000-7000-8000-{number:012}" for number in range(3)]
    values = [meta(FORK, ids[0], **BY_USER), *copied(AT_ONCE, turn=ids[1]), *own(ids[2])]
    assert of_fork(values)[0] == [50_000]


def test_an_ordinal_tells_exactly_where_the_history_ends() -> None:
    lines = [meta(FORK, "child", **SUBAGENT, subagent_history_start_ordinal="9"), *copied(AT_ONCE), *own(at=FORK + 3)]
    values = [{**value, "ordinal": number} for number, value in enumerate(lines)]
    assert of_fork(values) == ([50_000], ["codex:child:c1"], ["call_c"])


def test_a_thread_that_refers_to_its_history_copied_nothing() -> None:
    base = {"thread_id": "parent", "end_ordinal_exclusive": 9, "end_byte_offset": 512}
    values = [meta(FORK, "child", **BY_USER, history_base=base), *own(at=FORK + 5)]
    assert of_fork(values) == ([50_000], ["codex:child:c1"], ["call_c"])


@pytest.mark.parametrize("started", [{}, {"started_at": (T0 + FORK) // 1_000}], ids=["untold", "told"])
def test_a_sub_agent_that_copied_nothing_counts_from_its_first_second(started: dict[str, Any]) -> None:
    values = [meta(FORK + 970, "child", **SUBAGENT), line(FORK + 972, "turn_context", model="gpt-5.5"),
              *own(at=FORK + 975, total=50_000, **started)]  # fmt: skip
    assert of_fork(values) == ([50_000], ["codex:child:c1"], ["call_c"])


def test_a_sub_agent_that_names_its_parent_and_copied_nothing() -> None:
    child, turn = timed_id(FORK, "c"), timed_id(FORK + 5, "1")
    values = [meta(FORK, child, **SUBAGENT), meta(FORK + 1, "parent"), *own(turn, FORK + 6, total=50_000)]
    assert of_fork(values) == ([50_000], [f"codex:{child}:{turn}"], ["call_c"])


def test_a_first_count_that_carries_on_the_parents_is_one_call() -> None:
    values = [meta(FORK, "child", **SUBAGENT), *own()]
    assert of_fork(values)[0] == [50_000]


def test_a_fork_that_did_nothing_yet_counts_nothing() -> None:
    assert of_fork([meta(FORK, "child", **BY_USER), *copied(AT_ONCE)]) == ([], [], [])


def test_a_forks_fork_copies_more_than_one_parent() -> None:
    values = [
        meta(FORK, "grandchild", **SUBAGENT), meta(FORK + 1, "child", **BY_USER), *copied([FORK + 2] * 8), *own()
    ]  # fmt: skip
    assert of_fork(values) == ([50_000], ["codex:grandchild:c1"], ["call_c"])


def test_a_prompt_begins_the_own_turn_where_turns_have_no_lines() -> None:
    old = [value for value in copied(AT_ONCE) if value["payload"].get("type") not in ("task_started", "task_complete")]
    new = [event(FORK + 60_000, "user_message", message="go"), *own()[1:-1]]
    tokens_of, runs, tools = of_fork(
        [meta(FORK, "child", **BY_USER), event(FORK, "user_message", message="x"), *old, *new]
    )
    assert (tokens_of, tools) == ([50_000], ["call_c"])
    assert runs == [f"codex:child:{T0 + FORK + 60_000}"]


def test_the_copied_counters_are_what_growth_is_measured_from() -> None:
    """Early files told totals only, no last call."""
    values = [
        meta(FORK, "child", **BY_USER), meta(FORK, "parent"),
        event(FORK, "task_started", turn_id="p", started_at=T0 // 1_000),
        tokens(FORK, usage(236_700_000, 200_000_000, 2_000_000)),
        event(FORK + 9_000, "task_started", turn_id="c", started_at=(T0 + FORK + 9_000) // 1_000),
        tokens(FORK + 20_000, usage(236_705_000, 200_003_000, 2_000_500)),
    ]  # fmt: skip
    (used,) = [found for found in facts(values) if isinstance(found, Usage)]
    assert (used.input_tokens, used.cache_read_tokens, used.output_tokens) == (5_000, 3_000, 500)


def test_the_parent_counts_its_own() -> None:
    values = [line(at, kind, **payload) for at, (_, kind, payload) in zip(OLD_TIMES, parent(), strict=True)]
    assert of_fork(values) == ([100_000, 200_000], ["codex:parent:p1"], ["call_p"])
