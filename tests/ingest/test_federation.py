"""The federation metrics file: a run per counted task, growth, contradictions, boosts."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedstore.engine.sqlite import Database
from fedstore.errors import EventError
from fedstore.ingest import ImportReport, import_paths
from fedstore.ingest.federation import read_federation
from fedstore.store import Store
from tests.conftest import Clock
from tests.ingest.helpers import contents, count

EXAMPLE: dict[str, Any] = {
    "version": "1.0",
    "initialized": "2026-02-05T08:00:00",
    "last_updated": "2026-02-06T09:30:00Z",
    "agents": {
        "kimi": {
            "total_tasks": 15, "successful_tasks": 14, "failed_tasks": 1, "success_rate": 0.93, "routing_boost": 0.05,
            "task_types": {"implementation": {"count": 10, "successes": 10, "success_rate": 1.0}},
        },
        "claude": {"total_tasks": 3, "successful_tasks": 1, "failed_tasks": 2},
    },
    "optimization_history": [{"timestamp": "2026-02-05T10:00:00", "type": "agent_boost"}],
}  # fmt: skip


def write(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document, indent=2))
    return path


def totals(report: ImportReport) -> tuple[int, int, int]:
    return report.taken, report.known, report.rejected


def counted(database: Database) -> list[tuple[Any, ...]]:
    return database.read(
        "SELECT agent, task_type, success, COUNT(*) FROM runs GROUP BY agent, task_type, success ORDER BY 1, 2, 3"
    )


def test_each_counted_task_is_one_run(store: Store, tmp_path: Path) -> None:
    report = import_paths(store, [write(tmp_path / "metrics.json", EXAMPLE)])
    assert totals(report) == (18, 0, 0)
    assert counted(store.database) == [
        ("claude", "", 0, 2), ("claude", "", 1, 1), ("kimi", "", 0, 1), ("kimi", "", 1, 4),
        ("kimi", "implementation", 1, 10),
    ]  # fmt: skip
    assert store.database.read("SELECT DISTINCT ended_ms, duration_us / 1000, rework, source FROM runs") == [
        (1_770_370_200_000, None, None, "metrics.json")
    ]
    assert report.boosts == {"kimi": {"": 0.05}}


def test_a_file_that_has_grown_adds_its_growth(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "metrics.json", EXAMPLE)
    import_paths(store, [path])
    assert totals(import_paths(store, [path])) == (0, 18, 0)
    assert totals(import_paths(store, [path], again=True)) == (0, 18, 0)
    grown = copy.deepcopy(EXAMPLE)
    grown["last_updated"] = "2026-02-07T00:00:00Z"
    grown["agents"]["kimi"].update(total_tasks=17, successful_tasks=15, failed_tasks=2)
    grown["agents"]["kimi"]["task_types"]["implementation"].update(count=12, successes=11)
    assert totals(import_paths(store, [write(path, grown)])) == (2, 18, 0)
    assert counted(store.database)[2:] == [
        ("kimi", "", 0, 1), ("kimi", "", 1, 4), ("kimi", "implementation", 0, 1), ("kimi", "implementation", 1, 11),
    ]  # fmt: skip
    assert totals(import_paths(store, [write(tmp_path / "copy.json", grown)])) == (0, 20, 0)


def test_another_file_counts_for_itself(store: Store, tmp_path: Path) -> None:
    import_paths(store, [write(tmp_path / "a.json", EXAMPLE)])
    other = {**EXAMPLE, "initialized": "2026-02-05T08:00:01"}
    assert totals(import_paths(store, [write(tmp_path / "b.json", other)])) == (18, 0, 0)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("agents", "kimi", "task_types", "implementation", "successes"), 11, "more successes than tasks"),
        (("agents", "kimi", "total_tasks"), 10, "more successful and failed"),
        (("agents", "kimi", "successful_tasks"), -1, "successful_tasks"),
        (("agents", "kimi", "successful_tasks"), "14", "successful_tasks"),
        (("agents", "kimi", "successful_tasks"), 10**7, "successful_tasks"),
        (("agents", "kimi", "routing_boost"), float("nan"), "routing_boost"),
        (("agents", "kimi"), [], "kimi"),
        (("agents", ""), {}, "agents"),
        (("last_updated",), "yesterday", "last_updated"),
        (("last_updated",), 17, "last_updated"),
    ],
)
def test_contradictions_are_refused_whole(
    store: Store, tmp_path: Path, path: tuple[str, ...], value: Any, words: str
) -> None:
    broken = copy.deepcopy(EXAMPLE)
    at = broken
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    report = import_paths(store, [write(tmp_path / "metrics.json", broken)])
    assert totals(report) == (0, 0, 1)
    assert words in report.files[0].note
    assert count(store.database, "runs") == 0
    ((reason,),) = store.database.read("SELECT reason FROM rejects")
    assert words in reason


def document(good: int, bad: int, at: str = "2026-02-06T09:30:00Z", **kimi: Any) -> dict[str, Any]:
    counted = {"total_tasks": good + bad, "successful_tasks": good, "failed_tasks": bad,
               "task_types": {"code": {"count": good + bad, "successes": good}}}  # fmt: skip
    return {**EXAMPLE, "last_updated": at, "agents": {"kimi": {**counted, **kimi}}}


def judged(store: Store) -> dict[int | None, int]:
    return dict(store.database.read("SELECT success, COUNT(*) FROM runs GROUP BY success"))


def test_a_file_that_takes_something_back_is_followed(store: Store, tmp_path: Path) -> None:
    """Tasks turn out badly, and well again, and more come: counts are those of the file after every step."""
    path = tmp_path / "metrics.json"
    for step, (good, bad) in enumerate([(14, 1), (13, 2), (15, 2), (16, 1), (12, 5), (12, 5), (17, 0), (18, 3)]):
        import_paths(store, [write(path, document(good, bad, f"2026-02-06T{step + 10}:00:00Z"))])
        found = judged(store)
        assert (found.get(1, 0), found.get(0, 0)) == (good, bad), step
    summed = store.database.read("SELECT SUM(runs), SUM(ok), SUM(failed) FROM agent_buckets WHERE width = 60000")
    assert summed == [(21, 18, 3)]


def test_tasks_that_are_no_longer_counted_stay_and_that_is_said(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "metrics.json", document(14, 1))
    import_paths(store, [path])
    report = import_paths(store, [write(path, document(10, 2, "2026-02-07T00:00:00Z"))])
    assert report.files[0].note == "counts fewer tasks than before (3): they stay"
    assert judged(store) == {1: 13, 0: 2}


def test_an_older_state_of_a_file_takes_nothing_back(store: Store, tmp_path: Path) -> None:
    import_paths(store, [write(tmp_path / "new.json", document(14, 3, "2026-02-07T00:00:00Z"))])
    report = import_paths(store, [write(tmp_path / "backup.json", document(9, 1))])
    assert (totals(report), report.files[0].note) == ((0, 10, 0), "an older state of a file that was read already")
    assert judged(store) == {1: 14, 0: 3}


def recent(number: int, *, success: bool = True, minutes: float | None = 10, **more: Any) -> dict[str, Any]:
    return {"timestamp": f"2026-02-05T12:{number:02}:00.5", "agent": "kimi", "task_type": "code", "success": success,
            "duration_min": minutes, "rework_required": False, "notes": None, **more}  # fmt: skip


def test_the_last_tasks_keep_their_times_durations_rework_and_notes(store: Store, tmp_path: Path) -> None:
    tasks = [recent(2, notes="second try"), recent(1, success=False, rework_required=True, minutes=None), recent(0)]
    path = write(tmp_path / "metrics.json", {**document(2, 1), "recent_tasks": tasks})
    assert totals(import_paths(store, [path])) == (3, 0, 0)
    noon = 1_770_292_800_500
    columns = "ended_ms, duration_us / 1000, success, rework, notes"
    assert store.database.read(f"SELECT {columns} FROM runs ORDER BY ended_ms") == [
        (noon, 600_000, 1, 0, None), (noon + 60_000, None, 0, 1, None), (noon + 120_000, 600_000, 1, 0, "second try"),
    ]  # fmt: skip


def test_what_the_last_tasks_do_not_tell_is_spread_over_the_others(store: Store, tmp_path: Path) -> None:
    """Nine tasks of 220 minutes, of which two are told one by one: the mean is right, and the rework."""
    types = {"code": {"count": 9, "successes": 7, "total_duration": 220}}
    told = document(7, 2, rework_count=1, total_duration_min=220, task_types=types)
    path = write(tmp_path / "metrics.json", {**told, "recent_tasks": [recent(1), recent(0)]})
    import_paths(store, [path])
    assert store.database.read(
        "SELECT COUNT(*), COUNT(duration_us), ROUND(SUM(duration_us) / 1e3), SUM(rework) FROM runs"
    ) == [(9, 9, 220 * 60_000, 1)]  # but for a microsecond each: 200 minutes do not divide by seven
    assert store.database.read("SELECT success FROM runs WHERE rework = 1") == [(0,)]
    types = {"code": {"count": 10, "successes": 8, "total_duration": 245}}
    grown = {**document(8, 2, "2026-02-07T00:00:00Z", rework_count=1, total_duration_min=245, task_types=types)}
    import_paths(store, [write(path, {**grown, "recent_tasks": [recent(2, minutes=25), recent(1), recent(0)]})])
    assert store.database.read("SELECT COUNT(*), ROUND(SUM(duration_us) / 1e3), SUM(rework) FROM runs") == [
        (10, 245 * 60_000, 1)
    ]


def test_only_a_mean_is_enough(store: Store, tmp_path: Path) -> None:
    import_paths(store, [write(tmp_path / "metrics.json", document(8, 1, avg_duration_min=22, rework_count=0))])
    assert store.database.read("SELECT AVG(duration_us / 1000), SUM(rework), COUNT(rework) FROM runs") == [
        (1_320_000.0, 0, 9)
    ]


def test_durations_that_nobody_told_are_not_zero(store: Store, tmp_path: Path) -> None:
    types = {"code": {"count": 3, "successes": 3, "total_duration": 0}}
    import_paths(
        store,
        [write(tmp_path / "metrics.json", document(3, 0, total_duration_min=0, avg_duration_min=0, task_types=types))],
    )
    assert store.database.read("SELECT COUNT(*), COUNT(duration_us / 1000) FROM runs") == [(3, 0)]


def test_the_last_tasks_that_move_on_are_not_counted_again(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    for tasks in range(1, 8):  # the file keeps the last three
        last = [recent(number) for number in reversed(range(tasks))][:3]
        import_paths(store, [write(path, {**document(tasks, 0, f"2026-02-06T1{tasks}:00:00Z"), "recent_tasks": last})])
    assert judged(store) == {1: 7}
    assert store.database.read("SELECT COUNT(DISTINCT ended_ms) FROM runs") == [(7,)]


def test_a_task_whose_result_is_corrected_gets_a_verdict(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "metrics.json", {**document(2, 0), "recent_tasks": [recent(1), recent(0)]})
    import_paths(store, [path])
    corrected = {**document(1, 1, "2026-02-07T00:00:00Z"), "recent_tasks": [recent(1, success=False), recent(0)]}
    import_paths(store, [write(path, corrected)])
    assert store.database.read("SELECT success FROM runs ORDER BY ended_ms") == [(1,), (0,)]


@pytest.mark.parametrize("value", [7, {}, {"agent": "kimi"}, recent(0, minutes=-1), recent(0, timestamp="soon")])
def test_a_task_that_makes_no_sense_is_only_counted(store: Store, tmp_path: Path, value: Any) -> None:
    path = write(tmp_path / "metrics.json", {**document(2, 0), "recent_tasks": [recent(1), value]})
    report = import_paths(store, [path])
    assert (totals(report), report.files[0].note) == (
        (2, 0, 0),
        "recent tasks that cannot be read (1) are only counted",
    )


def test_a_store_that_an_earlier_release_counted_in_is_gone_on_with(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "metrics.json", document(14, 1))
    import_paths(store, [path])
    with store.database.write() as tx:
        tx.execute("UPDATE import_marks SET state = '{}'")
    later = {**document(14, 3, "2026-02-07T00:00:00Z"), "recent_tasks": [recent(0)]}
    assert totals(import_paths(store, [write(path, later)])) == (2, 15, 0)
    assert judged(store) == {1: 14, 0: 3}


def test_without_any_time_it_is_refused() -> None:
    with pytest.raises(EventError, match="not known"):
        read_federation({"agents": {}})


def test_tasks_in_the_future_are_refused(store: Store, clock: Clock, tmp_path: Path) -> None:
    future = {**EXAMPLE, "last_updated": "2027-01-01T00:00:00Z"}
    report = import_paths(store, [write(tmp_path / "metrics.json", future)])
    assert (report.taken, report.rejected) == (0, 18)
    assert "future" in report.files[0].note
    assert count(store.database, "rejects") == 1


def test_a_million_tasks_are_the_limit() -> None:
    agents = {f"a{n}": {"successful_tasks": 600_000} for n in range(2)}
    with pytest.raises(EventError, match="1200000 tasks"):
        read_federation({"initialized": "2026-01-01T00:00:00Z", "agents": agents})


COUNTS = st.integers(0, 4)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(COUNTS, COUNTS, COUNTS, COUNTS), min_size=1, max_size=4))
def test_growth_in_steps_ends_where_one_import_ends(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("growth")
    stepwise, once = Database(folder / "a.db"), Database(folder / "b.db")
    good = bad = plain_good = plain_bad = 0
    path = folder / "metrics.json"
    for more in steps:
        good, bad, plain_good, plain_bad = good + more[0], bad + more[1], plain_good + more[2], plain_bad + more[3]
        kimi = {
            "total_tasks": good + bad + plain_good + plain_bad, "successful_tasks": good + plain_good,
            "failed_tasks": bad + plain_bad, "task_types": {"code": {"count": good + bad, "successes": good}},
        }  # fmt: skip
        import_paths(stepwise, [write(path, {**EXAMPLE, "agents": {"kimi": kimi}})])
    import_paths(once, [path])
    expected = [("kimi", "", 0, plain_bad), ("kimi", "", 1, plain_good), ("kimi", "code", 0, bad),
                ("kimi", "code", 1, good)]  # fmt: skip
    assert counted(stepwise) == [row for row in expected if row[3]]
    assert contents(stepwise) == contents(once)
    stepwise.close()
    once.close()
