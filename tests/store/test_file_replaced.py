"""A store whose file is deleted, replaced or damaged while it is open, and put back."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fedstore import Store, StoreError, Window, read_decisions
from fedstore.engine import sqlite as database
from fedstore.engine.sqlite import Database


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOOK_S", 0.0)


def run_of(agent: str) -> dict[str, object]:
    return {"kind": "run", "agent": agent, "success": True, "at": 1_773_146_000_000}


def agents(reader: Database) -> list[str]:
    return sorted(name for (name,) in reader.read("SELECT DISTINCT agent FROM runs"))


def a_store(path: Path, agent: str) -> None:
    with Store(path) as store:
        assert store.writer().write([run_of(agent)]).rejected == []


@pytest.mark.parametrize("readonly", [True, False])
def test_a_deleted_file_is_noticed_and_followed_when_it_is_back(tmp_path: Path, readonly: bool) -> None:
    path, aside = tmp_path / "s.db", tmp_path / "aside.db"
    a_store(path, "first")
    with Store(path, readonly=readonly) as store:
        database = store.database
        token = database.change_token()
        assert database.change_token() == token
        path.rename(aside)
        for _ in range(2):
            with pytest.raises(StoreError, match=r"there is no store at .* any more: put it back"):
                database.change_token()
        assert not path.exists()
        aside.rename(path)
        assert database.change_token() != token
        assert agents(database) == ["first"]


def test_a_file_put_in_its_place_is_the_one_that_is_read(tmp_path: Path) -> None:
    path, other = tmp_path / "s.db", tmp_path / "other.db"
    a_store(path, "first")
    a_store(other, "second")
    with Store(path, readonly=True) as store:
        assert agents(store.database) == ["first"]
        token = store.database.change_token()
        other.replace(path)
        with store.database.snapshot():
            assert agents(store.database) == ["second"]
        assert store.database.change_token() != token


def test_a_foreign_file_in_its_place_is_refused_until_it_is_gone(tmp_path: Path) -> None:
    path, aside = tmp_path / "s.db", tmp_path / "aside.db"
    a_store(path, "first")
    with Store(path) as store:
        path.rename(aside)
        path.write_bytes(b"no store " * 1_000)
        with pytest.raises(StoreError, match="is not a fedtop store"):
            store.database.change_token()
        aside.replace(path)
        store.database.change_token()
        assert agents(store.database) == ["first"]


def test_a_file_damaged_and_restored_in_place_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    a_store(path, "first")
    whole = path.read_bytes()
    with Store(path, readonly=True) as store:
        path.write_bytes(b"\x13" * len(whole))
        with pytest.raises(StoreError, match=r"is damaged|is not a fedtop store"):
            store.reader().newest_ms()
        path.write_bytes(whole)
        assert agents(store.database) == ["first"]


def test_a_copy_restored_after_damage_is_read_though_several_threads_had_the_file_open(tmp_path: Path) -> None:
    path, copy = tmp_path / "s.db", tmp_path / "copy.db"
    a_store(copy, "first")
    a_store(path, "second")
    with Store(path) as store, ThreadPoolExecutor(1) as other:
        assert store.writer().write([run_of("third")]).rejected == []
        assert other.submit(agents, store.database).result() == agents(store.database) == ["second", "third"]
        path.write_bytes(b"\x13" * path.stat().st_size)
        (tmp_path / "s.db-wal").write_bytes(b"\x13" * 10_000)
        with pytest.raises(StoreError, match=r"is damaged|is not a fedtop store|I/O error"):
            store.reader().agents(Window.ending("30d", 1_773_146_096_789))
        for file in ("s.db-wal", "s.db-shm"):
            (tmp_path / file).unlink(missing_ok=True)
        path.write_bytes(copy.read_bytes())
        assert agents(store.database) == ["first"]
        assert other.submit(agents, store.database).result() == ["first"]
        assert store.writer().write([run_of("fourth")]).rejected == []
        assert agents(store.database) == ["first", "fourth"]


def test_what_is_recorded_after_a_deletion_begins_a_new_store(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with Store(path) as store:
        recorder = store.recorder()
        recorder.task("before", "", True)
        for file in tmp_path.iterdir():
            file.unlink()
        recorder.task("after", "", True)
        assert recorder.lost == 0
        with Store(path, readonly=True) as another:
            assert agents(another.database) == ["after"]
        assert agents(store.database) == ["before"]  # a plain read goes on with what it has
        store.database.change_token()
        assert agents(store.database) == ["after"]


def test_decisions_recorded_after_a_deletion_know_their_names(tmp_path: Path) -> None:
    """Trails hold codes, and the new file has given none of those that the old one gave."""
    path = tmp_path / "s.db"
    route = {"kind": "route", "agent": "kimi", "layer": "keyword", "at": 1_773_146_000_000,
             "attempts": [{"layer": "keyword", "agent": "kimi", "confidence": 0.9, "accepted": True}]}  # fmt: skip
    with Store(path) as store:
        recorder = store.recorder()
        assert recorder.record(route).taken == 1
        for file in tmp_path.iterdir():
            file.unlink()
        assert recorder.record(route).taken == 1
        with Store(path, readonly=True) as another:
            log = read_decisions(another.database, Window(0, 2_000_000_000_000, "all"), ["keyword"])
            assert [log.agents[code] for code in log.final] == ["kimi"]


def test_a_store_named_relatively_stays_where_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with Store("s.db") as store:
        os.chdir("elsewhere")
        store.recorder().task("a", "", True)
        store.database.change_token()
        assert agents(store.database) == ["a"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_moved_away_while_others_watch_it_leaves_room_for_the_next(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with Store(path) as watching:
        watching.recorder().task("before", "", True)  # now it holds a writer's connection as well
        assert agents(watching.database) == ["before"]
        path.rename(tmp_path / "moved.db")
        with pytest.raises(StoreError, match="there is no store at"):
            watching.database.change_token()
        a_store(path, "after")
        watching.database.change_token()
        assert agents(watching.database) == ["after"]
        assert watching.recorder().task("later", "", True) is not None
        assert agents(watching.database) == ["after", "later"]


def test_a_closed_store_whose_file_is_gone_is_made_whole_when_it_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = Store(path)
    store.close()
    path.unlink()
    assert store.writer().write([run_of("a")]).rejected == []
    assert agents(store.database) == ["a"]
    store.close()
