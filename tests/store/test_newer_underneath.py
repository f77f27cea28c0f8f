"""A newer fedtop brings a store up to its schema while this one has it open: nobody goes on by the old rules."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from fedstore import Policy, PolicyStore, Recorder, Settings, Store, StoreNewerError
from fedstore.engine.driver import sqlite3
from fedstore.engine.migrating import migrations
from fedstore.errors import StoreError
from fedstore.schema import MIGRATION_NAMES
from fedtop.messages import ReadFailed, SnapshotReady
from fedtop.poller import Poller, Request
from tests.conftest import Clock

FUTURE = (
    "CREATE TABLE steps (id TEXT PRIMARY KEY)",
    "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('fedstore', '9999_future', '')",
)
PAST = ("DROP TABLE steps", "DELETE FROM _sqlite_migrations WHERE name = '9999_future'")


def change(path: Path, statements: tuple[str, ...]) -> None:
    """What another program does to the file."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for statement in statements:
        other.execute(statement)
    other.execute("COMMIT")
    other.close()


REASON = "was written by a newer fedtop (it has 9999_future): upgrade fedtop to open it"


def test_a_recorder_stops_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "s.db"
    recorder = Recorder(path)
    recorder.task("a", id="before")
    change(path, FUTURE)
    with caplog.at_level(logging.WARNING, logger="fedstore"):
        for _ in range(3):
            recorder.task("a")
    assert recorder.lost == 3
    assert REASON in caplog.text
    change(path, PAST)  # as when a copy is put back
    recorder.task("a", id="after")
    recorder.close()
    with Store(path, readonly=True) as store:
        assert store.database.read("SELECT id FROM runs ORDER BY seq") == [("before",), ("after",)]
        assert store.database.read("SELECT SUM(count) FROM losses") == [(3,)]


@pytest.mark.parametrize("upgraded", [False, True])
def test_in_the_background_facts_wait(tmp_path: Path, upgraded: bool, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "s.db"
    recorder = Recorder(path, background=True)
    recorder.task("a", id="before")
    recorder.flush()
    change(path, FUTURE)
    with caplog.at_level(logging.WARNING, logger="fedstore"):
        recorder.task("a", id="then")
        recorder.flush()
    assert REASON in caplog.text
    if not upgraded:
        change(path, PAST)
    recorder.close()
    assert recorder.lost == int(upgraded)
    if upgraded:
        change(path, PAST)
    with Store(path, readonly=True) as store:
        assert store.database.read("SELECT COUNT(*) FROM runs WHERE id = 'then'") == [(int(not upgraded),)]


def test_plans_are_not_applied_to_it(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db", settings=Settings()) as store:
        policy, router = PolicyStore(store), Policy(tmp_path / "s.db", check_every_s=0)
        policy.import_content(b'{"layers": [{"name": "llm", "threshold": 0.6}]}', "config.json")
        assert router.threshold("llm") == 0.6
        change(tmp_path / "s.db", FUTURE)
        with pytest.raises(StoreNewerError):
            policy.import_content(b'{"layers": [{"name": "llm", "threshold": 0.7}]}', "config.json")
        assert router.threshold("llm") == 0.6


@pytest.mark.parametrize("readonly", [False, True])
def test_readers_refuse_it_again_and_again(tmp_path: Path, readonly: bool) -> None:
    path = tmp_path / "s.db"
    Store(path).close()
    with Store(path, readonly=readonly) as store:
        reader = store.reader()
        window = reader.window("24h")
        reader.overview(window)
        change(path, FUTURE)
        for _ in range(3):
            with pytest.raises(StoreNewerError):
                reader.change_token()
            with pytest.raises(StoreNewerError):
                reader.overview(window)
        change(path, PAST)
        reader.overview(window)


def test_the_pane_is_stale_and_says_why(tmp_path: Path, clock: Clock) -> None:
    with Store(tmp_path / "s.db", clock=clock) as store:
        store.recorder().task("a")
        posted: list[object] = []
        poller = Poller(store.reader, posted.append, clock)
        poller.look(Request(1, "24h", None))
        assert isinstance(posted[-1], SnapshotReady)
        change(tmp_path / "s.db", FUTURE)
        for _ in range(2):
            poller.look(Request(1, "24h", None))
            assert isinstance(posted[-1], ReadFailed)
            assert "written by a newer fedtop" in posted[-1].reason
        change(tmp_path / "s.db", PAST)
        poller.look(Request(1, "24h", None))
        assert isinstance(posted[-1], SnapshotReady)


def test_other_changes_of_the_schema_are_nobodys_concern(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        recorder, reader = store.recorder(), store.reader()
        recorder.task("a")
        reader.change_token()
        change(tmp_path / "s.db", ("CREATE INDEX mine ON runs (task_type)",))
        recorder.task("a")
        reader.change_token()
        assert (recorder.lost, store.database.read("SELECT COUNT(*) FROM runs")) == (0, [(2,)])


@pytest.mark.parametrize("name", MIGRATION_NAMES)
def test_every_migration_is_noticed_by_who_has_the_store_open(tmp_path: Path, name: str) -> None:
    """A migration that changed no table would not be: it has to change one all the same."""
    from sqlite_utils import Database

    database = Database(tmp_path / "s.db")
    migrations().apply(database, stop_before=name)
    ((before,),) = database.execute("PRAGMA schema_version").fetchall()
    after_it = MIGRATION_NAMES[MIGRATION_NAMES.index(name) + 1 :]
    migrations().apply(database, stop_before=after_it[0] if after_it else None)
    assert database.execute("PRAGMA schema_version").fetchall() != [(before,)]


def test_what_is_no_store_any_more(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        recorder = store.recorder()
        recorder.task("a")
        change(tmp_path / "s.db", ("DROP TABLE _sqlite_migrations",))
        recorder.task("a")
        assert recorder.lost == 1
        with pytest.raises(StoreError, match="belongs to another program"):
            store.reader().change_token()
