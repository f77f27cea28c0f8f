"""The schema: landed migrations stay as they are, and a new store, an older one and the code agree on the columns."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from fedstore import Database, Store
from fedstore.engine.driver import sqlite3
from fedstore.engine.tables import MOST
from fedstore.facts import route, run
from fedstore.facts.kinds import KINDS, SUMMARIES
from fedstore.facts.table import Table
from fedstore.schema import MIGRATION_NAMES, steps
from fedstore.upkeep.audit import disagreements
from tests.store.older import write_older_store
from tests.store.recount import MINUTE

NOW_MS = 1_773_146_096_789
LANDED = {
    "0001_facts": "5f27406bf0a096e9efeb2fe27f3580da3db932c902f4b36002cfa519db5147a9",
    "0002_summaries": "07e98ba49a15b010ffd13f6e522236f6bee440c7e6ff975e85b0c2a97ab335ca",
    "0003_loop": "781cb87e0c750fc202d8808f851d5d013d6f1e428eb7660e7ce99f37836ad0db",
    "0004_purged": "4850bb3251ef320c5087a7098ef88f318de65e6897f6c85766d00ae46d66ab56",
    "0005_tool_profiles": "4acef6d9163ada7497dcf742aa2ed5e939e3278d84d2757e8d1a9d4f140a6ccc",
    "0006_past": "7d7b581aa3400b31cf3a70170e49aaf993bd7d301a1df6c482b43bcf373eb3a7",
    "0007_import_marks": "61bcdd6ab9d7fe5b5642b29a938db3b3d7f8d915c73e1658fcf6657bc51cac53",
    "0008_call_prices": "a4d755e26f736c5dd012ee22a61f491f7c81eb9502be96384d1527dd350cc0fa",
    "0009_response_ids": "7ff12c6db8a99b6ab195606ab31460a7a5adf15312d2f66a02bfba6260dc8b1f",
    "0010_microseconds": "a922cf6ceb5e694e5201eb58bc583bf3d68320539d9fbbe3c3c3fc7c8fd2dbcb",
    "0011_clears": "254bbaf85f1b0f6a9aa1b833094bf7f1b4b4d28f6e3a38d58f9a10b36c516577",
    "0013_lone_executions": "a39af70bafe2c8c3805b88e2047d9994cc0bde6a8e25c4e51ff81b630cfd6a5d",
    "0014_one_sided": "92793e815b7f5f52bb9c678bc8165b31b3121c1c3ee36a6f2273ec0829d23440",
    "0015_counts": "d9f97c8d95ed0c90af7b07a0a2eaec4cdff73593aff6f2ce1532883ac26afe47",
}
"""Of each migration the digest of its text. A landed one is history: write the next one instead of editing it."""


def test_landed_migrations_are_as_they_were() -> None:
    found = {name: hashlib.sha256("\n;\n".join(steps).encode()).hexdigest() for name, steps in steps().items()}
    assert found == LANDED


def shape(database: Database) -> dict[str, Any]:
    """What other programs see of each table and view: its columns, and the columns of its indexes."""
    read = database.read
    names = [name for (name,) in read("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")]
    return {
        name: (
            read(f"PRAGMA table_info({name})"),
            {
                index: (unique, [row[2] for row in read(f"PRAGMA index_info({index})")])
                for _, index, unique, *_ in read(f"PRAGMA index_list({name})")
            },
        )
        for name in names
    }


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with Store(tmp_path_factory.mktemp("blank") / "s.db") as store:
        return shape(store.database)


@pytest.mark.parametrize("stop_before", MIGRATION_NAMES[1:])
def test_an_older_store_gets_the_columns_of_a_new_one(tmp_path: Path, stop_before: str, blank: dict[str, Any]) -> None:
    write_older_store(tmp_path / "s.db", stop_before)
    with Store(tmp_path / "s.db") as store:
        assert shape(store.database) == blank


def test_durations_of_an_older_store_stay_what_they_were(tmp_path: Path) -> None:
    write_older_store(tmp_path / "s.db", "0010_microseconds")
    with sqlite3.connect(tmp_path / "s.db") as older:
        older.execute("INSERT INTO marks (name, at_ms) VALUES ('backfill', 0)")
        older.execute(
            "INSERT INTO runs (id, agent, task_type, project, mode, ended_ms, duration_ms, error_class, source,"
            " recorded_ms) VALUES ('r', 'a', '', '', '', ?, 1500, '', '', ?)",
            (NOW_MS - 1, NOW_MS - 1),
        )
        older.executemany(
            "INSERT INTO agent_buckets VALUES (60000, ?, ?, '', '', 1, 0, 0, 0, 0, 1, ?, 0, 0, 0, 0, 0, 0, x'')",
            [(NOW_MS - NOW_MS % 60_000, "a", 1500), (NOW_MS - NOW_MS % 60_000, "saturated", MOST)],
        )
    older.close()
    with Store(tmp_path / "s.db", clock=lambda: NOW_MS) as store:
        reader, read = store.reader(), store.database.read
        rows = {row.name: row.durations.mean_ms for row in reader.agents(reader.window("1h")).rows}
        assert rows == {"a": 1500.0, "saturated": MOST / 1000}
        assert [item.duration_ms for item in reader.overview(reader.window("1h")).feed] == [1500.0]
        assert read("SELECT duration_ms FROM agent_execution_metrics") == [(1500.0,)]


def test_calls_of_an_older_store_that_cost_at_least_what_is_said_are_counted(tmp_path: Path) -> None:
    """Those that are still there by what they say; of those that were purged, the ones whose output was a minimum."""
    with Store(tmp_path / "s.db", clock=lambda: NOW_MS) as store:
        call = {"kind": "usage", "agent": "a", "model": "gpt-4o", "input_tokens": 10, "output_tokens": 5}
        events = [{**call, "at": NOW_MS - n, "output_is_minimum": n % 2 == 0} for n in range(5)]
        assert store.writer().write(events).taken == 5
        counted = store.database.read("SELECT width, at_least_calls FROM spend_buckets ORDER BY width")
        assert counted[0] == (60_000, 3)
    with sqlite3.connect(tmp_path / "s.db") as older:
        older.execute("UPDATE spend_buckets SET at_least_calls = 0")
        older.execute("DELETE FROM _sqlite_migrations WHERE name = '0015_counts'")
        older.execute("ALTER TABLE rejects DROP COLUMN count")
        older.execute(
            "INSERT INTO spend_buckets (width, start, agent, model, project, task_type, operation, calls, errors,"
            " input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, minimum_calls,"
            " duration_n, duration_us, reported_nano, computed_nano, unpriced_calls, unpriced_tokens)"
            " VALUES (86400000, 0, 'old', '', '', '', '', 2, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 7, 0, 0)"
        )
    older.close()
    with Store(tmp_path / "s.db", clock=lambda: NOW_MS) as store:
        read = store.database.read
        assert read("SELECT width, at_least_calls FROM spend_buckets WHERE agent = 'a' ORDER BY width") == counted
        assert read("SELECT at_least_calls FROM spend_buckets WHERE agent = 'old'") == [(1,)]


TABLES = {table.name: table for table in (*(kind.table for kind in KINDS), route._ATTEMPTS, run._REPORTS)}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_kind_fills_its_table_and_leaves_empty_what_may_be(table: Table, blank: dict[str, Any]) -> None:
    columns = {name: bool(required or part) for _, name, _, required, _, part in blank[table.name][0] if name != "seq"}
    assert set(table.columns) == set(columns)
    assert {name for name, required in columns.items() if not required} == table.nullable


@pytest.mark.parametrize("table", SUMMARIES)
def test_a_summary_has_the_columns_of_its_table(table: str, blank: dict[str, Any]) -> None:
    spec = SUMMARIES[table]
    kinds = {"INTEGER": ("width", "start", *spec.sums), "TEXT": spec.keys, "BLOB": spec.bins}
    wanted = {column: (kind, 1) for kind, columns in kinds.items() for column in columns}
    columns, _ = blank[table]
    assert {name: (kind, required) for _, name, kind, required, _, _ in columns} == wanted
    key = sorted((part, name) for _, name, _, _, _, part in columns if part)
    assert [name for _, name in key] == ["width", "start", *spec.keys]


def test_the_past_of_every_summary_has_a_generation(store: Store) -> None:
    assert {name for (name,) in store.database.read("SELECT name FROM past")} == set(SUMMARIES)


def test_executions_that_an_older_version_counted_are_counted_as_now(tmp_path: Path) -> None:
    """Failures of paid executions, free ones, effort and browser: in minutes and in what is wider."""
    path, now = tmp_path / "s.db", NOW_MS - NOW_MS % 86_400_000 + 7 * 3_600_000 + 21 * MINUTE
    write_older_store(path, "0013_lone_executions")
    calls = [  # minutes ago, success, nano-USD, effort, browser
        (400, 0, 5, "LOW", 1), (400, 1, 5, "HIGH", 0), (130, 0, 0, "LOW", 0), (1, 1, 0, "", 1), (1, None, None, "", 0),
    ]  # fmt: skip
    connection = sqlite3.connect(path, isolation_level=None)
    for n, (minutes, success, nano, effort, browser) in enumerate(calls):
        connection.execute(
            "INSERT INTO tool_calls (id, run_id, task_id, agent, tool, task_type, project, ended_ms, success,"
            " cost_nano, effort, browser_used, error_class, source, recorded_ms)"
            " VALUES (?, '', '', 'a', 'grep', '', '', ?, ?, ?, ?, ?, '', '', ?)",
            (str(n), now - minutes * MINUTE, success, nano, effort, browser, now),
        )
    for width, name in ((MINUTE, ""), (10 * MINUTE, "ten"), (60 * MINUTE, "hour"), (1440 * MINUTE, "day")):
        mark = now - now % width if name else now + MINUTE
        connection.execute("UPDATE marks SET at_ms = ? WHERE name = ?", (mark, name))
        of = {}
        for minutes, success, nano, *_ in calls:
            at = now - minutes * MINUTE
            if at < mark:
                row = of.setdefault(at - at % width, [0] * 6)
                told = 1, success == 1, success == 0, nano is not None, nano or 0, bool(nano)
                of[at - at % width] = [a + b for a, b in zip(row, told, strict=True)]
        for start, (n, ok, failed, priced, nano, paid) in of.items():
            connection.execute(
                "INSERT INTO tool_buckets VALUES (?, ?, 'grep', 'a', ?, ?, ?, 0, 0, ?, ?, 0, x'')",
                (width, start, n, ok, failed, priced, nano),
            )
            if paid:
                connection.execute(
                    "INSERT INTO spend_buckets"
                    " VALUES (?, ?, 'a', '', '', '', 'tool grep', ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, ?, 0, 0, 0, 0, 0)",
                    (width, start, paid, nano),
                )
    connection.close()
    with Store(path, clock=lambda: now) as store:
        assert disagreements(store.database) == []
        rows = "SELECT SUM(calls), SUM(errors), SUM(reported_nano) FROM spend_buckets WHERE width = ?"
        assert store.database.read(rows, (MINUTE,)) == [(4, 2, 10)]
        assert store.database.read(rows, (60 * MINUTE,)) == [(3, 2, 10)]
        told = "SELECT SUM(effort_low), SUM(effort_high), SUM(browser) FROM tool_buckets WHERE width = ?"
        assert store.database.read(told, (MINUTE,)) == [(2, 1, 2)]
        assert store.database.read(told, (10 * MINUTE,)) == [(2, 1, 1)]
