"""What the file may be: each wrong one gives one clear line, and nothing is left half-written."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from fedstore import (
    Store,
    StoreBusyError,
    StoreError,
    StoreNewerError,
    StoreOlderError,
    StoreReadOnlyError,
)  # fmt: skip
from fedstore.engine.driver import sqlite3 as driver
from fedstore.engine.faults import store_error
from fedstore.engine.opening import APPLICATION_ID
from fedstore.engine.sqlite import Database
from fedstore.schema import MIGRATION_NAMES
from tests.store.older import write_older_store

RUN = {"kind": "run", "agent": "a", "success": True}


def _may_write_anything() -> bool:
    """Whether permissions do not bind this user."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o500)
        return os.access(folder, os.W_OK)


as_root = pytest.mark.skipif(_may_write_anything(), reason="root may write anything")


def one_line(error: pytest.ExceptionInfo[StoreError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_a_missing_store_is_made_but_not_for_reading(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store") as error:
        Store(tmp_path / "a" / "s.db", readonly=True)
    one_line(error)
    assert not (tmp_path / "a").exists()
    with Store(tmp_path / "a" / "s.db") as store:
        assert store.database.read("PRAGMA application_id") == [(APPLICATION_ID,)]
        assert store.database.read("PRAGMA journal_mode") == [("wal",)]


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder: name a file in it"):
        Store(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
@pytest.mark.parametrize("readonly", [False, True])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, readonly: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", os.devnull):
        with pytest.raises(StoreError, match="is a device or a pipe"):
            Store(path, readonly=readonly)


@pytest.mark.parametrize("content", [b"hello", b"PK\x03\x04" * 999, b"\x00" * 4096, b"SQLite format 2\x00" + b"x" * 99])
def test_no_sqlite_file_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is not a fedtop store") as error:
        Store(path)
    one_line(error)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_database_of_another_program_stays_as_it_is(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "s.db"
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA journal_mode = {mode}")
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    before = path.read_bytes()
    for readonly in (False, True):
        with pytest.raises(StoreError, match="belongs to another program") as error:
            Store(path, readonly=readonly).database.read("SELECT 1")
        one_line(error)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "s.db").touch()
    with Store(tmp_path / "s.db") as store:
        assert store.writer().write([RUN]).taken == 1


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store, store.database.write() as tx:
        tx.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('fedstore', '9999_future', '')"
        )
    for readonly in (False, True):
        with pytest.raises(StoreNewerError, match=r"written by a newer fedtop") as error:
            Store(tmp_path / "s.db", readonly=readonly).database.read("SELECT 1")
        one_line(error)


@pytest.mark.parametrize("stop_before", [*MIGRATION_NAMES[1:], None])
def test_every_older_version_is_brought_up_with_its_rows(tmp_path: Path, stop_before: str | None) -> None:
    path = tmp_path / "s.db"
    write_older_store(path, stop_before)
    if stop_before is not None:
        with pytest.raises(StoreOlderError, match=r"`fedtop maintain --store .* brings it up to date"):
            Store(path, readonly=True).database.read("SELECT 1")
    with Store(path) as store:
        assert store.database.read("SELECT * FROM names") == [(7, "kept")]
        assert store.writer().write([RUN]).taken == 1
        made = set(store.database.read("SELECT type, name, sql FROM sqlite_schema"))
    with Store(tmp_path / "blank.db") as blank:
        assert made == set(blank.database.read("SELECT type, name, sql FROM sqlite_schema"))


def test_a_migration_that_fails_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fedstore.schema import m0003_loop

    monkeypatch.setattr(m0003_loop, "STATEMENTS", ("CREATE TABLE half (x)", "CREATE TABLE nonsense ("))
    with pytest.raises(StoreError) as error:
        Store(tmp_path / "s.db")
    one_line(error)
    monkeypatch.undo()
    with Store(tmp_path / "s.db") as store:
        assert store.database.read("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'half'") == [(0,)]
        assert store.writer().write([RUN]).taken == 1


def test_a_damaged_header_and_a_damaged_page(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with Store(path) as store:
        store.writer().write([{**RUN, "id": str(n)} for n in range(500)])
    whole = path.read_bytes()
    path.write_bytes(whole[:40] + b"\xff" * 60 + whole[100:])
    with pytest.raises(StoreError) as error:
        Store(path).database.read("SELECT COUNT(*) FROM runs")
    one_line(error)
    path.write_bytes(whole[:2048] + b"\xa5" * (len(whole) - 2048))
    with pytest.raises(StoreError, match="is damaged") as error:
        Store(path).database.read("SELECT COUNT(*) FROM runs")
    one_line(error)


def test_a_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with Store(path) as store:
        store.writer().write([{**RUN, "id": str(n)} for n in range(500)])
    path.write_bytes(path.read_bytes()[:30_000])
    with pytest.raises(StoreError) as error:
        Store(path).database.read("SELECT SUM(length(agent)) FROM runs, tool_calls, agent_buckets")
    one_line(error)


def test_a_full_disk_writes_nothing_of_a_batch(store: Store) -> None:
    writer = store.writer()
    writer.write([{**RUN, "id": "first"}])
    with store.database.write() as tx:
        (pages,) = tx.execute("PRAGMA page_count")[0]
        tx.execute(f"PRAGMA max_page_count = {pages + 3}")
    with pytest.raises(StoreError, match="is full: free some space; nothing was half-written"):
        writer.write([{**RUN, "id": str(n), "notes": "x" * 500} for n in range(500)])
    assert store.database.read("SELECT id FROM runs") == [("first",)]
    assert store.database.read("SELECT SUM(runs) FROM agent_buckets") == [(1,)]
    with store.database.write() as tx:
        tx.execute("PRAGMA max_page_count = 1000000")
    assert writer.write([{**RUN, "id": str(n)} for n in range(500)]).taken == 500
    assert store.database.read("SELECT SUM(runs) FROM agent_buckets") == [(501,)]


def test_a_failed_transaction_rolls_back_whole(store: Store) -> None:
    def fail() -> None:
        with store.database.write() as tx:
            tx.execute("INSERT INTO names (name) VALUES ('gone')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.database.read("SELECT COUNT(*) FROM names") == [(0,)]
    assert store.writer().write([RUN]).taken == 1


def test_a_locked_store_says_so(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    Store(path).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    database = Database(path, timeout_s=0.01)
    with pytest.raises(StoreBusyError, match="is locked by another program") as error, database.write():
        pass
    one_line(error)
    holder.execute("ROLLBACK")
    holder.close()
    with database.write() as tx:
        tx.execute("INSERT INTO names (name) VALUES ('after')")
    database.close()


def test_a_writer_waits_for_another_only_so_long(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    first, second = Database(path), Database(path, timeout_s=0.01)
    with first.write(), pytest.raises(StoreBusyError, match=r"was held by another process for 0\.01 s"):
        second.write().__enter__()
    with second.write() as tx:
        tx.execute("INSERT INTO names (name) VALUES ('x')")
    first.close()
    second.close()


def test_a_write_inside_a_write_is_an_error_not_a_deadlock(store: Store) -> None:
    with store.database.write(), pytest.raises(StoreBusyError, match="inside another write"):
        store.database.write().__enter__()


def test_threads_wait_for_each_other(store: Store) -> None:
    inside: list[int] = []

    def work() -> None:
        for _ in range(20):
            with store.database.write() as tx:
                inside.append(1)
                assert len(inside) == 1
                tx.execute("INSERT INTO names (name) SELECT COUNT(*) FROM names")
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.database.read("SELECT COUNT(*) FROM names") == [(100,)]


def test_readers_of_ended_threads_are_closed(store: Store) -> None:
    for _ in range(30):
        thread = threading.Thread(target=store.database.read, args=("SELECT 1",))
        thread.start()
        thread.join()
    assert len(store.database._readers) <= 1


def test_writers_who_come_through_a_link_take_the_same_lock(tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    (tmp_path / "data").mkdir()
    link.symlink_to(tmp_path / "data" / "s.db")
    for path in (link, tmp_path / "data" / "s.db"):
        with Store(path) as store:
            assert store.writer().write([RUN]).taken == 1
    assert sorted(path.name for path in tmp_path.rglob("*.lock")) == ["s.db.lock"]


@as_root
def test_a_link_to_a_store_where_nothing_may_be_written(tmp_path: Path) -> None:  # pragma: no cover - not as root
    folder, link = tmp_path / "data", tmp_path / "link.db"
    Store(folder / "s.db").close()
    link.symlink_to(folder / "s.db")
    folder.chmod(0o500)
    try:
        with Store(link, readonly=True) as store:
            assert store.reader().layers_seen() == ()
    finally:
        folder.chmod(0o700)


def test_read_only_means_it(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    Store(path).close()
    store = Store(path, readonly=True)
    with pytest.raises(StoreReadOnlyError, match="is open read-only"):
        store.writer().write([RUN])
    with pytest.raises(StoreError):
        store.database.read("DELETE FROM runs")
    store.close()


@as_root
def test_a_file_without_permission_to_write(tmp_path: Path) -> None:  # pragma: no cover - not as root
    folder = tmp_path / "f"
    Store(folder / "s.db").close()
    (folder / "s.db").chmod(0o444)
    folder.chmod(0o555)
    try:
        with pytest.raises(StoreReadOnlyError) as error:
            Store(folder / "s.db").writer().write([RUN])
        one_line(error)
    finally:
        folder.chmod(0o755)


@as_root
def test_a_folder_without_permission_to_write_is_read_and_followed(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    with Store(folder / "s.db") as store:
        store.writer().write([RUN])
    folder.chmod(0o555)
    try:
        with Store(folder / "s.db", readonly=True) as reader:
            database, token = reader.database, reader.database.change_token()
            assert database.read("SELECT COUNT(*) FROM runs") == [(1,)]
            assert database.change_token() == token
            folder.chmod(0o755)
            with Store(folder / "s.db") as owner:
                owner.writer().write([RUN])
                folder.chmod(0o555)
                assert database.change_token() != token
                assert database.read("SELECT COUNT(*) FROM runs") == [(2,)]
                folder.chmod(0o755)
            folder.chmod(0o555)
            with database.snapshot():
                assert database.read("SELECT COUNT(*) FROM runs") == [(2,)]
    finally:
        folder.chmod(0o755)


def test_a_log_that_cannot_grow_is_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fedstore.engine import faults

    monkeypatch.setattr(faults, "LITTLE_BYTES", 1 << 62)
    assert "is full" in str(store_error(driver.OperationalError("disk I/O error"), str(tmp_path / "s.db")))


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("database is locked", StoreBusyError, "close what holds it open"),
        ("attempt to write a readonly database", StoreReadOnlyError, "check its permissions"),
        ("database or disk is full", StoreError, "free some space"),
        ("database disk image is malformed", StoreError, "restore a copy"),
        ("file is not a database", StoreError, "restore a copy"),
        ("unable to open database file", StoreError, "check that its folder exists"),
        ("disk I/O error", StoreError, "the limit on the size of files"),
        ("out of memory", StoreError, "fedtop doctor"),
    ],
)
def test_every_sqlite_error_says_what_to_do(text: str, kind: type[StoreError], words: str) -> None:
    error = store_error(driver.OperationalError(text), "x.db")
    assert type(error) is kind
    assert words in str(error)


def test_names_that_look_like_a_uri(tmp_path: Path) -> None:
    path = tmp_path / "50%25 a?b#c ü.db"
    with Store(path) as store:
        store.writer().write([RUN])
        assert store.path == path
        assert store.database.read("SELECT COUNT(*) FROM runs") == [(1,)]
    assert path.exists()


def test_a_store_may_be_used_after_close(store: Store) -> None:
    store.writer().write([RUN])
    store.close()
    assert store.database.read("SELECT COUNT(*) FROM runs") == [(1,)]


def test_the_change_token_moves_with_other_writers_only(store: Store) -> None:
    before = store.database.change_token()
    assert store.database.change_token() == before
    store.writer().write([RUN])
    assert store.database.change_token() != before


def test_a_snapshot_stays_at_its_moment(store: Store) -> None:
    with store.database.snapshot():
        assert store.database.read("SELECT COUNT(*) FROM runs") == [(0,)]
        store.writer().write([RUN])
        assert store.database.read("SELECT COUNT(*) FROM runs") == [(0,)]
    assert store.database.read("SELECT COUNT(*) FROM runs") == [(1,)]
