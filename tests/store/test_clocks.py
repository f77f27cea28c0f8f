"""A clock that is wrong once deletes nothing and leaves nothing behind; a right one purges in time."""

from __future__ import annotations

import pytest

from fedstore import Settings, Store, Window, diagnose, maintain, purge
from fedstore.upkeep.audit import disagreements
from fedstore.upkeep.clocks import is_believed, marks_ahead
from tests.conftest import Clock

HOUR, DAY = 3_600_000, 86_400_000


def record(store: Store, count: int, agent: str = "a") -> None:
    """Runs and executions, by the store's clock."""
    for _ in range(count):
        store.writer().write([{"kind": "run", "agent": agent}, {"kind": "execution", "agent": agent, "tool": "t"}])


def count(store: Store, table: str = "runs") -> int:
    return int(store.database.read(f"SELECT COUNT(*) FROM {table}")[0][0])


@pytest.mark.parametrize("ahead", [2 * DAY, 45 * DAY, 800 * DAY])
def test_a_recorder_whose_clock_is_ahead_purges_nothing(store: Store, clock: Clock, ahead: int) -> None:
    record(store, 50)
    store.recorder().task("a")  # looks at the clock, as every recorder does
    before = count(store), count(store, "tool_calls")
    wrong = Store(store.path, clock=lambda: clock() + ahead)
    recorder = wrong.recorder()
    for _ in range(5):
        recorder._sink._next_slice = 0.0
        recorder.task("x")
    wrong.close()
    assert (count(store), count(store, "tool_calls")) == (before[0] + 5, before[1])
    assert marks_ahead(store.database, clock() + ahead) is None
    marks = dict(store.database.read("SELECT name, at_ms FROM marks"))
    assert marks.get("minutes_from", 0) <= clock()
    assert disagreements(store.database) == []


def test_the_first_recorder_of_an_older_store_purges_nothing_either(store: Store, clock: Clock) -> None:
    record(store, 50)
    store.database.read("SELECT 1")
    wrong = Store(store.path, clock=lambda: clock() + 45 * DAY)
    wrong.recorder().task("x")
    wrong.close()
    assert count(store, "tool_calls") == 50


def test_a_right_clock_purges_after_a_day_and_after_a_pause(store: Store, clock: Clock) -> None:
    record(store, 3)
    assert is_believed(store.database, clock())
    clock.advance(25 * HOUR)
    assert is_believed(store.database, clock())
    clock.advance(60 * DAY)
    assert not is_believed(store.database, clock())
    clock.advance(23 * HOUR)
    assert not is_believed(store.database, clock())
    clock.advance(HOUR)
    assert is_believed(store.database, clock())


def test_who_records_at_the_former_time_speaks_against_the_other(store: Store, clock: Clock) -> None:
    record(store, 3)
    for _ in range(60):  # two and a half days of both
        assert is_believed(store.database, clock())
        assert not is_believed(store.database, clock() + 45 * DAY)
        clock.advance(HOUR)


def test_maintain_does_not_purge_by_a_clock_ahead_unless_told(store: Store, clock: Clock) -> None:
    record(store, 10)
    is_believed(store.database, clock())
    done = maintain(store.database, Settings(), clock() + 45 * DAY)
    assert (done.clock_believed, done.purged, count(store)) == (False, {}, 10)
    assert maintain(store.database, Settings(), clock() + 45 * DAY, force=True).purged["runs"] == 9


@pytest.mark.parametrize("purged", [False, True], ids=["rolled up", "purged"])
def test_marks_in_the_future_are_told_and_set_back(store: Store, clock: Clock, purged: bool) -> None:
    record(store, 10)
    clock.advance(60 * DAY)
    record(store, 1, "ahead")  # rolls up to that time
    if purged:
        purge(store.database, Settings(), clock(), pause=lambda _: None)
    clock.advance(-60 * DAY)
    record(store, 4, "after")
    found = {finding.topic: finding for finding in diagnose(store.path, clock=clock)}
    assert found["clock"].severity == "alert"
    done = maintain(store.database, Settings(), clock())
    assert done.marks_set_back
    assert marks_ahead(store.database, clock()) is None
    assert "clock" not in {f.topic for f in diagnose(store.path, clock=clock)}
    for _ in range(5):
        clock.advance(7 * HOUR)
        record(store, 2, "later")
    assert disagreements(store.database) == []
    reader = store.reader()
    assert sum(row.tasks for row in reader.agents(Window.ending("7d", clock() + 1)).rows) == 24
    hour = reader.agents(Window.ending("1h", clock() + 60_000)).rows
    assert sum(row.tasks for row in hour) == 2
