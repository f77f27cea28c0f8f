"""The file itself: strict tables, self-explaining names, usable by other tools, live facts in any order."""

from __future__ import annotations

import itertools
import sqlite3
from typing import Any

import pytest
import sqlite_utils
from sqlite_utils.utils import sqlite3 as their_driver

from fedstore import Store, StoreError
from fedstore.bins import add_bins, pack_bins, read_bins
from fedstore.driver import sqlite3 as our_driver
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
    assert {column.name for column in db["runs"].columns} >= {"agent", "task_type", "duration_ms", "success"}
    hours = db.query("SELECT SUM(total_tasks) AS n FROM tier2_hourly_summaries")
    assert next(iter(hours))["n"] == RUNS
    assert db["tier1_raw_metrics"].count == RUNS
    db.close()


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


def test_bins_add_up_in_their_packed_form() -> None:
    a, b = {5: 2, -1: 1, 300: 7}, {5: -2, 9: 4}
    whole = pack_bins({-1: 1, 9: 4, 300: 7})
    assert add_bins(pack_bins(a), pack_bins(b)) == whole == add_bins(pack_bins(b), pack_bins(a))
    blob = b""
    for index, count in [*a.items(), *b.items()]:
        blob = add_bins(blob, pack_bins({index: count}))
    assert blob == whole
    assert dict(read_bins(whole)) == {-1: 1, 9: 4, 300: 7}
    assert add_bins(pack_bins({3: 1}), pack_bins({3: -1})) == b""
