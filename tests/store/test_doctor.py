"""The doctor: a sound store is sound, and each illness is named with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedstore import Finding, Settings, Store, diagnose
from fedstore import doctor as module
from tests.conftest import Clock


def by_topic(store: Store | Path, clock: Clock) -> dict[str, Finding]:
    path = store.path if isinstance(store, Store) else store
    findings = diagnose(path, now=clock())
    assert all("\n" not in finding.message for finding in findings)
    assert all(finding.advice for finding in findings if finding.severity != "ok" and finding.topic != "store")
    return {finding.topic: finding for finding in findings}


def test_a_sound_store(seeded_store: Store, clock: Clock) -> None:
    found = by_topic(seeded_store, clock)
    assert {finding.severity for finding in found.values()} == {"ok"}
    assert "156 runs, 156 llm_calls, 156 tool_calls, 312 routes, 156 verdicts" in found["facts"].message
    assert set(found) == {
        "engine", "store", "size", "log", "integrity", "access", "lock", "facts", "summaries", "losses", "rejects",
    }  # fmt: skip


def test_no_store_and_no_sqlite(tmp_path: Path, clock: Clock) -> None:
    assert by_topic(tmp_path / "none.db", clock)["store"].message.startswith("there is no store")
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_text("hello, this is text")
    assert by_topic(tmp_path / "text.db", clock)["store"].severity == "alert"


def test_the_place_comes_from_the_settings(tmp_path: Path) -> None:
    Store(tmp_path / "s.db").close()
    assert str(tmp_path / "s.db") in diagnose(settings=Settings(store=tmp_path / "s.db"))[1].message


def test_losses_and_rejects(store: Store, clock: Clock) -> None:
    recorder = store.recorder(source="agent")
    recorder.record({"kind": "run", "agent": "a", "colour": 1})
    with store.database.write() as tx:
        tx.execute("INSERT INTO losses (count, reason, first_ms, recorded_ms) VALUES (1234, 'disk full', 1, 2)")
    found = by_topic(store, clock)
    assert found["losses"].severity == "alert"
    assert found["losses"].message == "1,234 facts could not be recorded; last reason: disk full"
    assert found["rejects"].severity == "warn"
    assert "colour: unknown field" in found["rejects"].message


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM agent_buckets", "DELETE FROM runs WHERE seq = 1", "UPDATE route_buckets SET routes = routes + 1"],
)
def test_summaries_that_do_not_agree(seeded_store: Store, clock: Clock, change: str) -> None:
    with seeded_store.database.write() as tx:
        tx.execute(change.replace("seq = 1", "ended_ms = (SELECT MAX(ended_ms) FROM runs)"))
    assert by_topic(seeded_store, clock)["summaries"].severity == "alert"


def test_damage(store: Store, clock: Clock) -> None:
    store.writer().write([{"kind": "run", "agent": "a" * 150, "id": str(n)} for n in range(600)])
    store.close()
    whole = store.path.read_bytes()
    half = len(whole) // 2
    store.path.write_bytes(whole[:half] + b"\x00" * 4096 + whole[half + 4096 :])
    assert by_topic(store, clock)["integrity"].severity == "alert"


def test_a_held_lock(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_TIMEOUT_S", 0.01)
    with store.database.write():
        assert by_topic(store, clock)["lock"].severity == "warn"
    assert by_topic(store, clock)["lock"].severity == "ok"


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
    finding = module._engine()
    assert version in finding.message
    assert ("lock file" in finding.message) is not safe
