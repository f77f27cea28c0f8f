"""The file itself: strict tables, self-explaining names, usable by other tools, live facts in any order."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlite_utils
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils.utils import sqlite3 as their_driver

from fedstore import Store, StoreError
from fedstore.bins import GROWTH, add_bins, duration_once, join_bins, pack_bins, read_bins
from fedstore.engine.driver import sqlite3 as our_driver
from fedstore.facts.kinds import SUMMARIES
from fedstore.learning.confidence import tool_confidence
from tests.federation import NOW_MS, ROUTES, RUNS


def test_one_sqlite_library_in_the_process() -> None:
    assert our_driver is their_driver


def test_every_table_is_strict_and_refuses_other_types(store: Store) -> None:
    tables = store.database.read("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
    ours = {name for name, sql in tables if "STRICT" in sql}
    assert {name for name, _ in tables} - ours <= {"_sqlite_migrations", "sqlite_sequence"}
    for values in ("('many', 'x')", "(1, NULL)"):
        with pytest.raises(StoreError), store.database.write() as tx:
            tx.execute(f"INSERT INTO names (code, name) VALUES {values}")
    with pytest.raises(StoreError, match="cannot store TEXT value in INTEGER column"), store.database.write() as tx:
        tx.execute("INSERT INTO marks (name, at_ms) VALUES ('x', 'soon')")


def test_sqlite_utils_reads_it(seeded_store: Store) -> None:
    seeded_store.close()
    db = sqlite_utils.Database(seeded_store.path)
    facts = {"runs", "llm_calls", "tool_calls", "routes", "route_attempts", "verdicts"}
    assert facts | {"agent_buckets"} <= set(db.table_names())
    assert {"tier1_raw_metrics", "tier2_hourly_summaries", "agent_execution_metrics"} <= set(db.view_names())
    assert db["runs"].count == RUNS
    assert next(db["routes"].rows)["layer"]
    assert {column.name for column in db["runs"].columns} >= {"agent", "task_type", "duration_us", "success"}
    hours = db.query("SELECT SUM(total_tasks) AS n FROM tier2_hourly_summaries")
    assert next(iter(hours))["n"] == RUNS
    assert db["tier1_raw_metrics"].count == RUNS
    db.close()


def test_the_schema_explains_itself_to_other_programs(seeded_store: Store) -> None:
    """What a column's name does not tell stands beside it: units, what is summed, what NULL means."""
    tables = dict(seeded_store.database.read("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"))
    hints = ("width", "start", "success", "rework", "correct", "cost_nano", "quality", "qa", "trail", "confidence")
    told = {}
    for table in ("runs", "llm_calls", "tool_calls", "routes", "verdicts", *SUMMARIES):
        for line in tables[table].splitlines():
            name = line.split()[0]
            if name in hints or name.endswith(("_n", "_ppm", "_nano", "_us", "_bins")):
                told[table, name] = "-- " in line
    assert set(hints) <= {name for _, name in told}
    plain = {(table, "duration_us") for table in ("runs", "llm_calls", "tool_calls")}  # of one fact: the name tells all
    assert [column for column, said in told.items() if not said and column not in plain] == []


@pytest.mark.parametrize("view", ["tier1_raw_metrics", "tier2_hourly_summaries", "agent_execution_metrics",
                                  "token_usage_metrics", "tier3_tool_profiles"])  # fmt: skip
def test_every_view_is_read_with_facets_by_plain_sqlite(seeded_store: Store, view: str) -> None:
    connection = sqlite3.connect(f"file:{seeded_store.path}?mode=ro", uri=True)
    try:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({view})")]
        (rows,) = connection.execute(f"SELECT COUNT(*) FROM {view}").fetchone()
        assert rows or view == "tier3_tool_profiles"  # that of the last 30 days by the machine's clock
        for column in columns:  # as Datasette asks for the values to choose from
            sql = f"SELECT {column}, COUNT(*) FROM (SELECT * FROM {view}) GROUP BY {column} ORDER BY 2 DESC"
            assert sum(n for _, n in connection.execute(sql)) == rows
    finally:
        connection.close()


def test_plain_sqlite_reads_while_we_write(seeded_store: Store) -> None:
    reader = sqlite3.connect(f"file:{seeded_store.path}?mode=ro", uri=True)
    assert reader.execute("SELECT COUNT(*) FROM routes").fetchone() == (ROUTES,)
    seeded_store.writer().write([{"kind": "run", "agent": "a"}])
    assert reader.execute("SELECT COUNT(*) FROM runs").fetchone() == (RUNS + 1,)
    reader.close()


LIVE: list[dict[str, Any]] = [
    {"kind": "run_state", "id": "r", "agent": "a", "at": NOW_MS, "started_at": NOW_MS - 9},
    {"kind": "run_state", "id": "r", "agent": "a", "at": NOW_MS + 5, "state": "waiting", "reason": "x"},
    {"kind": "run_state", "id": "r", "agent": "a", "at": NOW_MS + 5, "state": "running"},
    {"kind": "run_state", "id": "s", "agent": "b", "at": NOW_MS},
    {"kind": "run", "id": "s", "agent": "b", "at": NOW_MS},
]


@pytest.mark.parametrize("order", itertools.permutations(range(len(LIVE))))
def test_live_runs_do_not_depend_on_the_order(store: Store, order: tuple[int, ...]) -> None:
    for n in order:
        store.writer().write([LIVE[n]])
    assert store.database.read("SELECT id, agent, state, reason, started_ms, seen_ms FROM active_runs") == [
        ("r", "a", "waiting", "x", NOW_MS - 9, NOW_MS + 5)
    ]


def test_the_newest_state_of_a_job_stands(store: Store) -> None:
    states = [("queued", 0), ("running", 1), ("failed", 2), ("completed", 2)]
    for order in itertools.permutations(states):
        identity = "-".join(state for state, _ in order)
        for state, at in order:
            store.writer().write([{"kind": "job", "id": identity, "state": state, "at": NOW_MS + at}])
    assert store.database.read("SELECT DISTINCT state FROM jobs") == [("failed",)]


counts = st.dictionaries(st.integers(-1, 600), st.integers(-3, 9).filter(bool), max_size=8)


@given(parts=st.lists(counts, min_size=1, max_size=6), added=counts)
@settings(max_examples=300, deadline=None)
def test_bins_add_up_in_their_packed_form(parts: list[dict[int, int]], added: dict[int, int]) -> None:
    total: Counter[int] = Counter()
    for part in parts:
        total.update(part)
    there = join_bins(map(pack_bins, parts))
    assert dict(read_bins(there)) == {index: count for index, count in sorted(total.items()) if count}
    assert list(dict(read_bins(there))) == sorted(dict(read_bins(there)))
    at_once, one_by_one = add_bins(there, pack_bins(added)), there
    for index, count in added.items():
        one_by_one = add_bins(one_by_one, pack_bins({index: count}))
    assert at_once == one_by_one == join_bins([pack_bins(added), there]) == add_bins(pack_bins(added), there)


@given(us=st.integers(1, 366 * 86_400 * 10**6))
@settings(max_examples=300, deadline=None)
def test_the_bin_of_a_duration_is_the_one_whose_edges_hold_it(us: int) -> None:
    ((index, count),) = read_bins(duration_once(us))
    assert count == 1
    assert GROWTH**index <= us * (1 + 1e-9)
    assert us < GROWTH ** (index + 1) * (1 + 1e-9)


def test_the_views_of_other_programs_say_what_was_recorded(seeded_store: Store) -> None:
    """Money in USD and durations in seconds there, summed here a second time from the facts."""
    read = seeded_store.database.read
    found = read(
        "SELECT hour_timestamp, total_tasks, successful, failed, total_cost, total_tokens, tool_counts"
        " FROM tier2_hourly_summaries ORDER BY 1"
    )
    hours: dict[int, list[Any]] = {}
    tools: dict[str, list[tuple[Any, ...]]] = {}
    for row in read(
        "SELECT timestamp, tool_name, success, cost_actual, tokens_used, duration_seconds FROM tier1_raw_metrics"
    ):
        hours.setdefault(int(row[0]) // 3600 * 3600, []).append(row)
        tools.setdefault(row[1], []).append(row)
    assert [row[0] for row in found] == sorted(hours)
    for hour, tasks, good, bad, cost, tokens, counts in found:
        rows = hours[hour]
        assert (tasks, good, bad) == (len(rows), sum(r[2] == 1 for r in rows), sum(r[2] == 0 for r in rows))
        assert cost == pytest.approx(sum(r[3] or 0 for r in rows))
        assert tokens == sum(r[4] or 0 for r in rows)
        assert json.loads(counts) == Counter(r[1] for r in rows)
    # this view looks back from the real present
    sql = read("SELECT sql FROM sqlite_schema WHERE name = 'tier3_tool_profiles'")[0][0]
    now = f"CAST({NOW_MS // 1000} AS INTEGER)"
    profiles = read(sql.partition(" AS\n")[2].replace("CAST(strftime('%s', 'now') AS INTEGER)", now))
    assert {row[0] for row in profiles} == set(tools)
    for tool, executions, successes, rate, cost, duration, level, risks in profiles:
        rows = tools[tool]
        graded = [r[2] for r in rows if r[2] is not None]
        assert (executions, successes) == (len(rows), sum(graded))
        assert rate == pytest.approx(sum(graded) / len(graded))
        assert level == tool_confidence(sum(graded), len(graded)).level
        failed = graded.count(0)
        assert json.loads(risks) == ([f"{failed} of {len(graded)} executions failed"] if failed else [])
        assert cost == pytest.approx(_mean([r[3] for r in rows]))
        assert duration == pytest.approx(_mean([r[5] for r in rows]))
    ((agents, seconds),) = read("SELECT COUNT(*), SUM(end_time - start_time) FROM agent_execution_metrics")
    assert (agents, seconds) == (RUNS, pytest.approx(read("SELECT SUM(duration_us) / 1e6 FROM runs")[0][0]))
    ((tokens, cost),) = read("SELECT SUM(total_tokens), SUM(cost) FROM token_usage_metrics")
    ((used, nano),) = read("SELECT SUM(input_tokens + output_tokens), SUM(cost_nano) FROM llm_calls")
    assert (tokens, cost) == (used, pytest.approx(nano / 1e9))


def test_the_level_of_a_tool_profile_is_that_of_the_bounds(tmp_path: Path) -> None:
    seen = [(good, n) for n in (*range(13), 19, 20, 21, 30, 40, 60, 100) for good in range(n + 1)]
    with Store(tmp_path / "now.db") as store:
        store.writer().write(
            {"kind": "execution", "agent": "a", "tool": f"{good}/{n}", "success": number < good}
            for good, n in seen
            for number in range(n)
        )
        found = dict(store.database.read("SELECT tool_name, confidence_level FROM tier3_tool_profiles"))
    assert found == {f"{good}/{n}": tool_confidence(good, n).level for good, n in seen if n}


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
