"""Counters that repeat, shrink, begin in the middle, and records of single calls beside them."""

from __future__ import annotations

from typing import Any

import pytest

from fedstore.facts.events import Usage
from tests.ingest.rollouts import event, facts, line, meta, tokens, usage

START = [meta(0, "s"), event(1, "task_started", turn_id="t"), line(2, "turn_context", model="gpt-5.6-terra")]
Count = tuple[dict[str, int] | None, dict[str, int] | None]


def record(at: int, response: str, used: dict[str, int], thread: dict[str, int] | None) -> dict[str, Any]:
    return line(at, "token_usage_record", response_id=response, usage=used, thread_token_usage=thread)


def calls(*values: Any) -> list[Usage]:
    found = [u for u in facts([*START, *values]) if isinstance(u, Usage)]
    assert len({u.id for u in found}) == len(found)
    return found


def counted(*counts: Count) -> list[tuple[int, int]]:
    found = calls(*(tokens(1_000 * at, *said) for at, said in enumerate(counts, start=1)))
    return [(u.input_tokens, u.output_tokens) for u in found]


@pytest.mark.parametrize(
    ("counts", "used"),
    [
        # told twice for one call
        ([(usage(10, out=5), usage(10, out=5))] * 2 + [(usage(30, out=9), usage(20, out=4))] * 3, [(10, 5), (20, 4)]),
        # totals that shrink to something that is no single call
        ([(usage(100), usage(100)), (usage(300), usage(200)), (usage(150), usage(20))], [(100, 0), (200, 0), (20, 0)]),
        # and go on from there
        ([(usage(300), usage(300)), (usage(150), usage(20)), (usage(180), usage(30))], [(300, 0), (20, 0), (30, 0)]),
        # a file that begins in the middle of a session
        ([(usage(906_577_798, out=9), usage(172_041, out=7)), (usage(906_577_898, out=12), usage(100, out=3))],
         [(172_041, 7), (100, 3)]),
        # a fresh start, said by zeroes, or by a last call that is all of it
        ([(usage(100), usage(100)), (usage(0), usage(0)), (usage(90), usage(90))], [(100, 0), (90, 0)]),
        ([(usage(100), usage(100)), (usage(150), usage(50)), (usage(400), usage(400))], [(100, 0), (50, 0), (400, 0)]),
        # a writer that says the totals where the last call belongs
        ([(usage(100), usage(100)), (usage(250), usage(250)), (usage(260), usage(260))], [(100, 0), (150, 0), (10, 0)]),
        # totals only: growth, a fresh start, an older count that came late
        ([(usage(1_000), None), (usage(3_000), None)], [(1_000, 0), (2_000, 0)]),
        ([(usage(1_000), None), (usage(0), None), (usage(900), None)], [(1_000, 0), (900, 0)]),
        ([(usage(1_000), None), (usage(50), None)], [(1_000, 0), (50, 0)]),
        ([(usage(1_000), None), (usage(999), None), (usage(1_100), None)], [(1_000, 0), (100, 0)]),
        # the last call only
        ([(None, usage(10)), (None, usage(10)), (None, usage(12))], [(10, 0), (12, 0)]),
        # limits without tokens
        ([(usage(10), usage(10)), ({"total_tokens": 5}, None), (None, None), (usage(15), usage(5))], [(10, 0), (5, 0)]),
    ],
)  # fmt: skip
def test_each_call_counts_once(counts: list[Count], used: list[tuple[int, int]]) -> None:
    assert counted(*counts) == used


def test_numbers_are_read_as_proxies_write_them() -> None:
    said: Any = {"input_tokens": 1200.0, "output_tokens": "30", "cached_input_tokens": None}
    assert counted((said, said)) == [(1200, 30)]


def test_what_a_cache_was_written_is_kept() -> None:
    written = usage(100_000, 20_000, 1_000, cache_write_input_tokens=80_000)
    (used,) = calls(tokens(9, written, written))
    assert (used.input_tokens, used.cache_read_tokens, used.cache_write_tokens) == (100_000, 20_000, 80_000)


def test_more_cache_than_input_is_cut_to_what_can_be() -> None:
    odd = usage(100, 90, 5, thought=70, cache_write_input_tokens=50)
    (used,) = calls(tokens(9, odd, odd))
    assert (used.cache_read_tokens, used.cache_write_tokens, used.reasoning_tokens) == (90, 10, 5)


def test_a_record_and_its_count_are_one_call() -> None:
    one, two = usage(100, 40, 10), usage(250, 100, 20)
    both = usage(350, 140, 30)
    found = calls(
        record(10, "resp_0123456789abcdef0123", one, one), tokens(20, one, one), tokens(21, one, one),
        record(30, "resp_1123456789abcdef0123", two, both), tokens(35, one, one), tokens(40, both, two),
    )  # fmt: skip
    assert [(u.id, u.input_tokens, u.output_tokens) for u in found] == [
        ("resp_0123456789abcdef0123", 100, 10), ("resp_1123456789abcdef0123", 250, 20),
    ]  # fmt: skip


def test_a_record_alone_is_a_call_and_a_count_before_it_was_one() -> None:
    one, two = usage(100), usage(50)
    assert [u.input_tokens for u in calls(record(10, "r1", one, None), record(20, "r2", two, None))] == [100, 50]
    assert [u.input_tokens for u in calls(tokens(10, one, one), record(20, "r1", one, one))] == [100]


def test_counts_without_records_go_on_after_one() -> None:
    """A thread that a newer program began and an older one resumed."""
    one = usage(100)
    found = calls(record(10, "r1", one, one), tokens(20, one, one), tokens(30, usage(130), usage(30)))
    assert [u.input_tokens for u in found] == [100, 30]
