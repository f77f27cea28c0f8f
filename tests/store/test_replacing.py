"""A fact that is told again as more takes the place of what was told: exactly, in whatever order the copies come."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedstore import Settings, Store, purge
from fedstore.facts.kinds import SUMMARIES
from tests.conftest import Clock
from tests.federation import NOW_MS
from tests.store.recount import recount, unpacked
from tests.store.test_summaries_exact import MINUTE, TABLES, recorded, recordings, verdicts

AT = NOW_MS - 30 * 60 * MINUTE
DAY_MS = 86_400_000
agents = st.sampled_from(["a", "b"])
moments = st.sampled_from([AT, AT + 10, AT + 3 * MINUTE, AT + 5 * 60 * MINUTE])


@st.composite
def calls(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Copies of a few calls; some are told under several ids, then with the API's name of the answer."""
    found = []
    for number in range(draw(st.integers(1, 3))):
        response = draw(st.sampled_from(["", f"answer-{number}"]))
        ids = [f"call-{number}-{n}" for n in range(1 if not response else draw(st.integers(1, 2)))]
        for _ in range(draw(st.integers(1, 4))):
            found.append({
                "kind": "usage", "id": draw(st.sampled_from(ids)), "response_id": response, "agent": draw(agents),
                "model": "no-such-model", "at": draw(moments), "input_tokens": draw(st.integers(1, 2)),
                "output_tokens": draw(st.integers(0, 2)), "output_is_minimum": draw(st.booleans()),
                "source": draw(st.sampled_from(["s", "s side"])), "cost_usd": draw(st.sampled_from([None, 0.5])),
            })  # fmt: skip
    return found


@st.composite
def uses(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Copies of a few executions: who looked early did not know how they ended."""
    return [
        {
            "kind": "execution", "id": f"use-{draw(st.integers(1, 2))}", "agent": draw(agents), "tool": "t",
            "at": draw(moments), "source": draw(st.sampled_from(["s", "s side"])),
            **({"success": draw(st.booleans()), "duration_ms": float(draw(st.integers(1, 2)))} if known else {}),
        }
        for known in draw(st.lists(st.booleans(), max_size=5))
    ]  # fmt: skip


@st.composite
def turns(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Copies of a few runs, with verdicts on them."""
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 2))):
        for _ in range(draw(st.integers(1, 4))):
            found.append({
                "kind": "run", "id": f"run-{number}", "agent": draw(agents), "started_at": AT - MINUTE,
                "at": (at := draw(moments)), "source": draw(st.sampled_from(["s", "s side"])),
                "duration_ms": at - AT + MINUTE, "success": {AT: None, AT + 10: True}.get(at, False),
            })  # fmt: skip
        said = draw(st.lists(verdicts("run", [f"run-{number}"]), max_size=2))
        found += [{**verdict, "id": f"v{number}.{at}"} for at, verdict in enumerate(said)]
    return found


def standing(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each fact the copy that is to stand, by the words of the docs; and all verdicts."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    rest = []
    for event in events:
        if event["kind"] == "verdict":
            rest.append(event)
        else:
            groups.setdefault((event["kind"], event.get("response_id") or event["id"]), []).append(event)
    best = []
    for copies in groups.values():
        if copies[0]["kind"] == "usage":
            copies.sort(key=lambda e: (e["source"], e["agent"], e["id"]))
            copies.sort(key=lambda e: (e["output_tokens"], e["input_tokens"], not e["output_is_minimum"],
                                       e["cost_usd"] is not None, e["at"]), reverse=True)  # fmt: skip
        elif copies[0]["kind"] == "execution":
            copies.sort(key=lambda e: (e["source"], e["agent"]))
            copies.sort(key=lambda e: ("success" in e, e.get("success") is False, e.get("duration_ms", -1), e["at"]),
                        reverse=True)  # fmt: skip
        else:
            copies.sort(key=lambda e: (e["source"], e["agent"]))
            copies.sort(key=lambda e: e["at"], reverse=True)
        best.append(copies[0])
    return best + rest


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_which_copy_stands_does_not_depend_on_the_order(data: st.DataObject) -> None:
    """Nor on repetitions, on where batches are cut, or on when each was written."""
    events = data.draw(calls()) + data.draw(turns()) + data.draw(uses())
    one, other = (recorded(data.draw(recordings(events))) for _ in range(2))
    assert one == other


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_summaries_are_those_of_the_copies_that_stand(data: st.DataObject) -> None:
    events = data.draw(calls()) + data.draw(turns()) + data.draw(uses())
    tables = recorded(data.draw(recordings(events)))
    counted = recount(standing([{k: v for k, v in e.items() if v is not None or k == "cost_usd"} for e in events]))
    assert counted
    for short, table in TABLES.items():
        keys, bins = len(SUMMARIES[table].keys), len(SUMMARIES[table].bins)
        found = {}
        for row in tables[table]:
            key, value = unpacked(row[1:], keys, bins)
            found |= {key: value} if row[0] == MINUTE else {}
        assert found == counted[short]


def usage(**more: Any) -> dict[str, Any]:
    return {"kind": "usage", "agent": "a", "model": "m", "at": AT, "input_tokens": 5, "cost_usd": 0.5, **more}


def test_a_partial_count_is_replaced_by_the_whole_one(store: Store) -> None:
    writer = store.writer()
    assert writer.write([usage(id="c", output_tokens=3, output_is_minimum=True)]).taken == 1
    grown = writer.write([usage(id="c", output_tokens=700, cost_usd=2)])
    assert (grown.taken, grown.known) == (1, 0)
    assert (writer.write([usage(id="c", output_tokens=3)] * 2)).known == 2
    assert store.database.read("SELECT output_tokens, output_is_minimum, cost_nano FROM llm_calls") == [
        (700, 0, 2_000_000_000)
    ]
    assert store.database.read("SELECT calls, output_tokens, minimum_calls FROM spend_buckets WHERE width = 60000") == [
        (1, 700, 0)
    ]


def test_an_execution_whose_end_came_late_is_told_by_it(store: Store) -> None:
    writer, told = store.writer(), {"kind": "execution", "id": "x", "agent": "a", "tool": "t"}
    assert writer.write([{**told, "at": AT}]).taken == 1
    assert writer.write([{**told, "at": AT + 9, "success": False, "duration_ms": 9, "error_class": "e"}]).taken == 1
    assert writer.write([{**told, "at": AT}]).known == 1
    assert store.database.read("SELECT ended_ms, success, error_class FROM tool_calls") == [(AT + 9, 0, "e")]
    assert store.database.read("SELECT calls, ok, failed FROM tool_buckets WHERE width = 60000") == [(1, 0, 1)]


def test_a_run_of_one_end_stands_as_it_was_told(store: Store) -> None:
    """A look between two lines of one time knows neither the error nor the duration that the second tells."""
    writer, run = store.writer(), {"kind": "run", "id": "r", "agent": "a", "started_at": AT - 5_000, "at": AT}
    for more in ({}, {"duration_ms": 4_999}, {"duration_ms": 4_999, "error_class": "interrupted"}, {}):
        writer.write([{**run, **more}])
    assert store.database.read("SELECT duration_us, error_class FROM runs") == [(4_999_000, "interrupted")]


def test_a_call_that_two_programs_told_under_names_of_their_own_is_one_once_somebody_knows_both(store: Store) -> None:
    writer = store.writer()
    writer.write([usage(id="request-1", output_tokens=9), usage(id="copy", response_id="answer", output_tokens=9)])
    assert store.database.read("SELECT COUNT(*) FROM llm_calls") == [(2,)]
    writer.write([usage(id="request-1", response_id="answer", output_tokens=9, source="z")])
    assert store.database.read("SELECT SUM(calls) FROM spend_buckets WHERE width = 60000") == [(1,)]


def test_a_run_that_did_not_end_after_all_keeps_its_grade(store: Store) -> None:
    run = {"kind": "run", "id": "r", "agent": "a", "started_at": AT}
    writer = store.writer()
    writer.write([{**run, "at": AT + 1_000}])
    writer.write([{"kind": "verdict", "subject": "run", "subject_id": "r", "success": True, "at": AT + 2_000}])
    writer.write([{**run, "at": AT + 90_000}])
    assert store.database.read("SELECT duration_us / 1000, success FROM runs") == [(90_000, 1)]
    assert store.database.read("SELECT runs, ok, duration_us / 1000 FROM agent_buckets WHERE width = 60000") == [
        (1, 1, 90_000)
    ]
    writer.write([{**run, "at": AT + 200_000, "started_at": AT + 100_000}])
    assert store.database.read("SELECT duration_us / 1000 FROM runs") == [(90_000,)], "another start is another telling"


@pytest.mark.parametrize("copy_id", ["c", "other"])
def test_a_copy_of_what_was_purged_is_not_counted_again(store: Store, clock: Clock, copy_id: str) -> None:
    writer = store.writer()
    writer.write([usage(id="c", response_id="answer", output_tokens=5), usage(id="last", at=NOW_MS)])
    clock.advance(40 * DAY_MS)
    purge(store.database, Settings(), clock.now_ms, pause=lambda _: None)
    assert store.database.read("SELECT id FROM llm_calls") == [("last",)]
    assert writer.write([usage(id=copy_id, response_id="answer", output_tokens=50)]).taken == 0
