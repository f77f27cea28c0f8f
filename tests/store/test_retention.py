"""Retention: what goes and what stays, in small steps, with every sum as it was."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from fedstore import Settings, Store, new_id, purge, stable_id
from fedstore.facts.kinds import SUMMARIES
from fedstore.upkeep.retention import due, purge_steps
from tests.conftest import Clock
from tests.federation import NOW_MS

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
ROUTE = {
    "kind": "route", "agent": "a", "layer": "L", "outcome": {"correct": True},
    "attempts": [{"layer": "K", "agent": "b"}, {"layer": "L", "agent": "a", "accepted": True, "confidence": 0.9}],
}  # fmt: skip


def counts(store: Store, *tables: str) -> tuple[int, ...]:
    return tuple(store.database.read(f"SELECT COUNT(*) FROM {table}")[0][0] for table in tables)


def summaries(store: Store, width: int | None = None) -> dict[str, list[tuple[Any, ...]]]:
    where = "" if width is None else f" WHERE width = {width}"
    return {table: store.database.read(f"SELECT * FROM {table}{where} ORDER BY 1, 2, 3, 4") for table in SUMMARIES}


def write(store: Store, *events: dict[str, Any]) -> None:
    receipt = store.writer().write(list(events))
    assert receipt.rejected == []


def test_each_kind_has_its_time(store: Store, clock: Clock) -> None:
    for _ in range(3):
        write(
            store, {"kind": "run", "agent": "a"}, {"kind": "usage", "agent": "a", "cost_usd": 1},
            {"kind": "execution", "agent": "a", "tool": "t"}, ROUTE,
        )  # fmt: skip
    before = summaries(store, 60_000)
    tables = ("runs", "llm_calls", "tool_calls", "routes", "route_attempts", "verdicts")
    assert purge(store.database, Settings(), clock(), pause=lambda _: None) == {
        "rejects": 0, "losses": 0, "active_runs": 0, "jobs": 0, "plans": 0,
    }  # fmt: skip
    clock.advance(24 * HOUR + 1)
    purge(store.database, Settings(), clock(), pause=lambda _: None)
    assert counts(store, *tables) == (3, 3, 1, 3, 6, 3)
    clock.advance(29 * DAY)
    purge(store.database, Settings(retention_runs_days="keep"), clock(), pause=lambda _: None)
    assert counts(store, *tables) == (3, 1, 1, 1, 2, 1)
    purge(store.database, Settings(), clock(), pause=lambda _: None)
    assert counts(store, "runs") == (1,)
    assert summaries(store, 60_000) == before


def test_the_newest_number_is_never_given_again(store: Store, clock: Clock) -> None:
    write(store, *[{"kind": "run", "agent": "a"}] * 5)
    clock.advance(400 * DAY)
    purge(store.database, Settings(), clock(), pause=lambda _: None)
    assert store.database.read("SELECT seq FROM runs") == [(5,)]
    write(store, {"kind": "run", "agent": "a"})
    assert store.database.read("SELECT seq FROM runs ORDER BY seq") == [(5,), (6,)]


def test_imported_history_counts_from_its_recording(store: Store, clock: Clock) -> None:
    long_ago = NOW_MS - 300 * DAY
    write(store, *[{"kind": "run", "agent": "a", "at": long_ago + n} for n in range(3)])
    before = summaries(store)
    clock.advance(29 * DAY)
    purge(store.database, Settings(), clock(), pause=lambda _: None)
    assert counts(store, "runs") == (3,)
    assert summaries(store) == before  # by the minute still, though it happened 300 days before
    clock.advance(2 * DAY)
    purge(store.database, Settings(), clock(), pause=lambda _: None)
    assert counts(store, "runs") == (1,)
    assert summaries(store, DAY) == {table: [row for row in rows if row[0] == DAY] for table, rows in before.items()}
    assert store.database.read("SELECT SUM(runs) FROM agent_buckets WHERE width = 86400000") == [(3,)]


@pytest.mark.parametrize("days", [30, 3])
def test_the_hours_of_other_programs_are_whole_for_as_long_as_minutes_are_kept(
    store: Store, clock: Clock, days: int
) -> None:
    made = []
    for _ in range(40 * 3):
        clock.advance(8 * HOUR)
        calls = [{"kind": "execution", "agent": "a", "tool": "t", "at": clock() - n * 10 * MINUTE} for n in range(9)]
        made += [call["at"] for call in calls]
        write(store, *calls)
    purge(store.database, Settings(minute_days=days), clock(), pause=lambda _: None)
    first = (clock() - days * DAY) // DAY * DAY
    expected = Counter(at // HOUR * HOUR // 1000 for at in made if at >= first)
    told = dict(store.database.read("SELECT hour_timestamp, total_tasks FROM tier2_hourly_summaries"))
    assert told == expected
    assert len(told) >= days * 3


def test_small_steps_with_pauses_between(store: Store, clock: Clock) -> None:
    write(store, *[{"kind": "run", "agent": "a"}] * 11)
    clock.advance(31 * DAY)
    steps = [count for table, count in purge_steps(store.database, Settings(), clock(), chunk=4) if table == "runs"]
    assert steps == [4, 4, 2]
    write(store, *[{"kind": "run", "agent": "a"}] * 5)
    clock.advance(31 * DAY)
    write(store, *[{"kind": "job", "id": f"j{n}", "state": "failed"} for n in range(9)])
    clock.advance(31 * DAY)
    steps = [count for table, count in purge_steps(store.database, Settings(), clock(), chunk=4) if table == "jobs"]
    assert steps == [4, 4, 1]
    write(store, *[{"kind": "run", "agent": "a"}] * 5)
    clock.advance(31 * DAY)
    pauses: list[float] = []
    purge(store.database, Settings(), clock(), pause=pauses.append)
    assert len(pauses) >= 1
    assert all(seconds > 0 for seconds in pauses)


def test_a_writer_gets_its_turn_between_two_steps(store: Store, clock: Clock) -> None:
    write(store, *[{"kind": "run", "agent": "a"}] * 9)
    clock.advance(31 * DAY)
    for table, _ in purge_steps(store.database, Settings(), clock(), chunk=2):
        if table == "runs":
            write(store, {"kind": "run", "agent": "b"})
    assert store.database.read("SELECT COUNT(*) FROM runs WHERE agent = 'a'") == [(0,)]
    assert store.database.read("SELECT SUM(runs) FROM agent_buckets WHERE width = 60000 AND agent = 'b'")[0][0] >= 4


def test_rows_of_a_clock_set_back_do_not_stop_it(store: Store, clock: Clock) -> None:
    write(store, {"kind": "run", "agent": "old", "id": "1"})
    clock.advance(100 * DAY)
    write(store, {"kind": "run", "agent": "ahead", "id": "2", "at": NOW_MS})
    clock.advance(-100 * DAY)
    write(store, *({"kind": "run", "agent": "old", "id": f"3{n}"} for n in range(3)))
    clock.advance(40 * DAY)
    purge(store.database, Settings(), clock(), pause=lambda _: None)
    assert store.database.read("SELECT id FROM runs ORDER BY seq") == [("2",), ("32",)]


def test_a_verdict_about_a_purged_fact_changes_nothing(store: Store, clock: Clock) -> None:
    write(store, {"kind": "run", "agent": "a", "id": "gone", "success": True}, {"kind": "run", "agent": "a"})
    clock.advance(31 * DAY)
    purge(store.database, Settings(), clock(), pause=lambda _: None)
    before = summaries(store)
    write(store, {"kind": "verdict", "subject": "run", "subject_id": "gone", "success": False})
    assert summaries(store) == before
    clock.advance(31 * DAY)
    write(store, {"kind": "verdict", "subject": "run", "subject_id": "gone", "rework": True})
    purge(store.database, Settings(), clock(), pause=lambda _: None)
    assert counts(store, "verdicts") == (1,)  # the orphan that is the newest stays


def test_minutes_and_hours_go_by_age_and_never_come_back(store: Store, clock: Clock) -> None:
    write(store, {"kind": "run", "agent": "a", "id": "r", "success": True})
    clock.advance(2 * DAY)
    write(store, {"kind": "run", "agent": "a"})
    clock.advance(29 * DAY)
    settings = Settings(retention_runs_days="keep")
    purge(store.database, settings, clock(), pause=lambda _: None)
    minutes = "SELECT COUNT(*) FROM agent_buckets WHERE width = ?"
    assert [store.database.read(minutes, (width,)) for width in (60_000, HOUR, DAY)] == [[(1,)], [(2,)], [(2,)]]
    clock.advance(10 * DAY)
    purge(store.database, settings, clock(), pause=lambda _: None)
    write(store, {"kind": "verdict", "subject": "run", "subject_id": "r", "rework": True})
    found = store.database.read("SELECT width, start, runs, ok, failed FROM agent_buckets ORDER BY start")
    day = NOW_MS - NOW_MS % DAY
    assert found == [(DAY, day, 1, 0, 1), (DAY, day + 2 * DAY, 1, 0, 0)]


def test_history_after_a_purge_goes_to_the_days_only(store: Store, clock: Clock) -> None:
    """Also in a process that wrote history before it purged, and remembers how far back minutes went then."""
    write(store, {"kind": "run", "agent": "a", "at": NOW_MS - 100 * DAY})
    clock.advance(31 * DAY)
    purge(store.database, Settings(), clock(), pause=lambda _: None)
    write(store, {"kind": "run", "agent": "a", "at": NOW_MS - 90 * DAY})
    widths = [row[0] for row in store.database.read("SELECT width FROM agent_buckets")]
    assert widths == [DAY, DAY]


def test_what_is_not_a_fact_goes_too(store: Store, clock: Clock) -> None:
    write(
        store, {"kind": "job", "id": "done", "state": "failed"}, {"kind": "job", "id": "on", "state": "running"},
        {"kind": "run_state", "id": "stuck", "agent": "a"},
    )  # fmt: skip
    recorder = store.recorder()
    recorder.record({"kind": "run"})
    with store.database.write() as tx:
        for plan in ("t-1", "t-2"):
            tx.execute("INSERT INTO plans VALUES (?, 'tune', '{}', 0, '', ?)", (plan, NOW_MS))
        tx.execute("INSERT INTO changes VALUES (1, 'tune', 'me', ?, 't-2', NULL, 0, 1, 0, '{}')", (NOW_MS,))
    clock.advance(31 * DAY)
    purge(store.database, Settings(), clock(), pause=lambda _: None)
    assert counts(store, "jobs", "active_runs", "rejects", "plans") == (1, 0, 0, 1)
    assert store.database.read("SELECT id FROM plans") == [("t-2",)]


def test_once_an_hour_is_enough(store: Store, clock: Clock) -> None:
    assert due(store.database, clock())
    purge(store.database, Settings(), clock(), pause=lambda _: None)
    assert not due(store.database, clock())
    clock.advance(HOUR)
    assert due(store.database, clock())


@pytest.mark.parametrize("kept", ["retention_runs_days", "retention_executions_hours", "minute_days"])
def test_settings_are_checked(kept: str) -> None:
    with pytest.raises(ValueError, match=kept):
        Settings(**{kept: 0})


AT = NOW_MS - HOUR
IDS = ("run-1", "0b6f9d8e4c3a4f0f9a53a3c5b1d2e4f6", new_id(AT), stable_id(AT, "x"), "ü")


def of_each_kind(fact_id: str, at: int | None) -> list[dict[str, Any]]:
    common: dict[str, Any] = {"id": fact_id} if at is None else {"id": fact_id, "at": at}
    return [
        {"kind": "run", "agent": "a", "success": True, **common},
        {"kind": "usage", "agent": "a", "cost_usd": 1, **common},
        {"kind": "execution", "agent": "a", "tool": "t", **common},
        {**ROUTE, **common},
    ]


@pytest.mark.parametrize("at", [AT, None], ids=["timed", "now"])
def test_a_purged_fact_sent_again_counts_no_second_time(store: Store, clock: Clock, at: int | None) -> None:
    facts = [event for fact_id in IDS for event in of_each_kind(fact_id, at)]
    write(store, *facts, *of_each_kind("newest", None))
    clock.advance(25 * DAY)
    purge(store.database, Settings(), clock(), pause=lambda _: None)
    assert counts(store, "tool_calls", "runs") == (1, 6)
    clock.advance(20 * DAY)
    purge(store.database, Settings(), clock(), pause=lambda _: None)
    assert counts(store, "runs", "llm_calls", "tool_calls", "routes") == (1, 1, 1, 1)
    before = summaries(store)
    receipt = store.writer().write([*facts, *of_each_kind("new", None)])
    assert (receipt.taken, receipt.known, receipt.rejected) == (4, 20, [])
    again = store.writer().write(facts)
    assert (again.taken, again.known) == (0, 20)
    after = summaries(store)
    minute = clock() - clock() % 60_000
    for table, rows in before.items():
        assert [row for row in after[table] if row[1] < minute - DAY] == [row for row in rows if row[1] < minute - DAY]
    reader = store.reader()
    assert reader.overview(reader.window("all")).tasks == 7


def test_facts_that_are_kept_leave_nothing_behind(store: Store, clock: Clock) -> None:
    write(store, *of_each_kind("a", None), *of_each_kind("b", None))
    clock.advance(400 * DAY)
    keep = {f"retention_{name}": "keep" for name in ("runs_days", "routes_days", "llm_days", "executions_hours")}
    purge(store.database, Settings(**keep), clock(), pause=lambda _: None)
    assert counts(store, "purged") == (0,)
