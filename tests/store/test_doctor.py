"""The doctor: a sound store is sound, and each illness is named with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedstore import Finding, Settings, Store, diagnose, purge
from fedstore.engine import health as module
from fedstore.facts.kinds import SUMMARIES
from tests.conftest import Clock


def by_topic(store: Store | Path) -> dict[str, Finding]:
    path = store.path if isinstance(store, Store) else store
    clock = store.clock if isinstance(store, Store) else Clock()
    findings = diagnose(path, clock=clock)
    assert all("\n" not in finding.message for finding in findings)
    assert all(finding.advice for finding in findings if finding.severity != "ok" and finding.topic != "store")
    return {finding.topic: finding for finding in findings}


def test_a_sound_store(seeded_store: Store) -> None:
    found = by_topic(seeded_store)
    assert {finding.severity for finding in found.values()} == {"ok"}
    assert "156 runs, 156 llm_calls, 156 tool_calls, 312 routes, 156 verdicts" in found["facts"].message
    assert set(found) == {
        "engine", "store", "size", "disk", "log",
        "integrity", "access", "lock", "facts", "summaries", "losses", "rejects",
    }  # fmt: skip


def test_no_store_and_no_sqlite(tmp_path: Path) -> None:
    assert by_topic(tmp_path / "none.db")["store"].message.startswith("there is no store")
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_text("hello, this is text")
    assert by_topic(tmp_path / "text.db")["store"].severity == "alert"


def test_the_place_comes_from_the_settings(tmp_path: Path) -> None:
    Store(tmp_path / "s.db").close()
    assert str(tmp_path / "s.db") in diagnose(settings=Settings(store=tmp_path / "s.db"))[1].message


def test_losses_and_rejects(store: Store, clock: Clock) -> None:
    clock.now_ms = 1_767_225_660_000
    recorder = store.recorder(source="agent")
    recorder.record({"kind": "run", "agent": "a", "colour": 1})
    with store.database.write() as tx:
        tx.execute(
            "INSERT INTO losses (count, reason, first_ms, recorded_ms) VALUES (1234, 'disk full', ?, ?)",
            (clock() - 60_000, clock()),
        )
    found = by_topic(store)
    assert found["losses"].severity == "warn"
    assert "send or import the facts again" in found["losses"].advice
    assert found["losses"].message == (
        "1,234 facts could not be recorded, the last between 2026-01-01 00:00 UTC and 2026-01-01 00:01 UTC: disk full"
    )
    assert found["rejects"].severity == "warn"
    assert found["rejects"].message.startswith("1 fact was refused, the last at 2026-01-01 00:01 UTC (agent): colour: ")
    clock.advance(24 * 3_600_000 - 1)
    assert {by_topic(store)[topic].severity for topic in ("losses", "rejects")} == {"warn"}
    clock.advance(1)
    after = by_topic(store)
    assert {after[topic].severity for topic in ("losses", "rejects")} == {"info"}
    assert after["losses"].message == found["losses"].message
    assert after["losses"].advice == "the counts of that time are too low"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DELETE FROM agent_buckets", "agent_buckets: runs is 0 and should be 156"),
        ("DELETE FROM runs WHERE ended_ms = (SELECT MAX(ended_ms) FROM runs)", "agent_buckets: runs is 156"),
        ("UPDATE route_buckets SET routes = routes + 1", "route_buckets: routes is "),
        ("UPDATE agent_buckets SET ok = ok + 1 WHERE width = 60000", "agent_buckets: ok is "),
        ("UPDATE spend_buckets SET reported_nano = reported_nano * 2", "spend_buckets: reported_nano is "),
        ("UPDATE tool_calls SET tokens = 5 WHERE seq = 1", "tool_buckets: tokens is "),
        ("UPDATE layer_buckets SET accepted = 0", "layer_buckets: accepted is 0 "),
        ("UPDATE agent_buckets SET runs = 0 WHERE width = 3600000", "agent_buckets by the hour: runs is 0 "),
        ("DELETE FROM layer_buckets WHERE width = 86400000", "layer_buckets by the day: attempts is 0 "),
    ],
)
def test_summaries_that_do_not_agree(seeded_store: Store, change: str, said: str) -> None:
    with seeded_store.database.write() as tx:
        tx.execute(change)
    finding = by_topic(seeded_store)["summaries"]
    assert finding.severity == "alert"
    assert said in finding.message


_COLUMNS = [(name, column) for name, summary in SUMMARIES.items() for column in (*summary.sums, *summary.bins)]


@pytest.mark.parametrize(("table", "column"), _COLUMNS)
def test_no_column_of_a_summary_is_taken_on_trust(seeded_store: Store, table: str, column: str) -> None:
    """Every one is held against the facts, in a minute of their time."""
    other = f"{column} + 1" if column in SUMMARIES[table].sums else "x'0700000003000000'"
    with seeded_store.database.write() as tx:
        ((start,),) = tx.execute(f"SELECT MAX(start) FROM {table} WHERE width = 60000")
        tx.executemany(f"UPDATE {table} SET {column} = {other} WHERE width = 60000 AND start = ?", [(start,)])
    finding = by_topic(seeded_store)["summaries"]
    assert finding.severity == "alert"
    assert f"{table}: {column} " in finding.message


def test_a_damaged_distribution_is_told(seeded_store: Store) -> None:
    with seeded_store.database.write() as tx:
        tx.execute("UPDATE agent_buckets SET duration_bins = x'070000' WHERE width = 60000")
    assert "agent_buckets: duration_bins cannot be read" in by_topic(seeded_store)["summaries"].message


@pytest.mark.parametrize(
    ("free", "severity", "said"),
    [(0, "alert", "is full"), (65_535, "alert", "is full"), (65_536, "warn", "65.5 kB left"), (2e7, "ok", "20.0 MB")],
)  # fmt: skip
def test_a_full_disk(seeded_store: Store, monkeypatch: pytest.MonkeyPatch, free: int, severity: str, said: str) -> None:
    monkeypatch.setattr(module, "free_bytes", lambda _: free)
    finding = by_topic(seeded_store)["disk"]
    assert finding.severity == severity
    assert said in finding.message


def test_a_disk_that_cannot_be_asked(seeded_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "free_bytes", lambda _: None)
    assert "disk" not in by_topic(seeded_store)


def test_what_was_purged_is_not_missed(seeded_store: Store, clock: Clock) -> None:
    hour, settings = 3_600_000, Settings()
    for hours in (30, 20 * 24, 40 * 24):
        clock.advance(hours * hour)
        seeded_store.writer().write(
            [{**fact, "id": f"{clock()}-{n}-{fact['kind']}"} for n in range(3) for fact in (
                {"kind": "execution", "agent": "a", "tool": "t", "at": clock() - n * 40 * hour, "tokens": 3},
                {"kind": "usage", "agent": "a", "at": clock() - n, "operation": "tool t", "cost_usd": 0.5},
                {"kind": "run", "agent": "a", "at": clock() - 100 * hour * n, "success": n > 0},
            )]
        )  # fmt: skip
        purge(seeded_store.database, settings, clock(), pause=lambda _: None)
        finding = by_topic(seeded_store)["summaries"]
        assert (finding.severity, "since" in finding.message) == ("ok", True), finding


def test_damage(store: Store) -> None:
    store.writer().write([{"kind": "run", "agent": "a" * 150, "id": str(n)} for n in range(600)])
    store.close()
    whole = store.path.read_bytes()
    half = len(whole) // 2
    store.path.write_bytes(whole[:half] + b"\x00" * 4096 + whole[half + 4096 :])
    assert by_topic(store)["integrity"].severity == "alert"


def test_a_held_lock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_TIMEOUT_S", 0.01)
    with store.database.write():
        assert by_topic(store)["lock"].severity == "warn"
    assert by_topic(store)["lock"].severity == "ok"


@pytest.mark.parametrize(
    ("version", "safe"),
    [("3.40.1", False), ("3.44.5", False), ("3.44.6", True), ("3.45.0", False), ("3.50.7", True), ("3.51.2", False),
     ("3.51.3", True), ("3.52.0", True)],
)  # fmt: skip
def test_versions_of_the_engine(monkeypatch: pytest.MonkeyPatch, version: str, safe: bool) -> None:
    class Driver:
        sqlite_version = version
        sqlite_version_info = tuple(map(int, version.split(".")))

    monkeypatch.setattr(module, "sqlite3", Driver)
    finding = module.version()
    assert version in finding.message
    assert ("lock file" in finding.message) is not safe
