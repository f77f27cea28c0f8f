"""Where a store is: a relative path is that of the constructor, wherever the process goes before the first use."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fedstore import (
    AnalyticsEngine,
    Cascade,
    Policy,
    PolicyStore,
    Recorder,
    RoutingPerformanceTracker,
    Settings,
    Store,
    StoreError,
)

Use = Callable[[], object]


def recorder(path: str | None) -> Use:
    made = Recorder(path)
    return lambda: (made.task("a"), made.close())


def background(path: str | None) -> Use:
    made = Recorder(path, background=True)
    return lambda: (made.task("a"), made.close())


def store(path: str | None) -> Use:
    made = Store(path)
    return lambda: (made.recorder().task("a"), made.close())


def engine(path: str | None) -> Use:
    made = AnalyticsEngine(path)
    return lambda: (made.record_execution("t", "bash", 1.0, True), made.get_task_pipeline(), made.close())


def engine_moved(path: str | None) -> Use:
    made = AnalyticsEngine()
    made.storage_manager.db_path = path or os.environ["FEDTOP_STORE"]
    return lambda: (made.record_execution("t", "bash", 1.0, True), made.close())


def tracker(path: str | None) -> Use:
    made = RoutingPerformanceTracker("routing.jsonl", path)

    def use() -> None:
        made.start_routing("task")
        made.finalize_routing("a", "llm", 0.9)
        made.threshold("llm")
        made.close()

    return use


def cascade(path: str | None) -> Use:
    made = Cascade([("llm", lambda task: ("a", 0.9))], store=path)
    return lambda: (made.route("task"), made.close())


@pytest.mark.parametrize("named", [True, False], ids=["named", "by default"])
@pytest.mark.parametrize("make", [recorder, background, store, engine, engine_moved, tracker, cascade])
def test_relative_paths_mean_the_folder_of_the_constructor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[str | None], Use], named: bool
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("FEDTOP_STORE", "fed.db")
    use = make("fed.db" if named else None)
    os.chdir(there)
    use()
    assert list(there.iterdir()) == []
    with Store(here / "fed.db", readonly=True) as written:
        assert written.reader().last_recorded_ms() is not None


def test_a_router_asks_the_store_of_its_constructor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store("fed.db", settings=Settings()) as there:
        PolicyStore(there).import_content(b'{"layers": [{"name": "llm", "threshold": 0.6}]}', "config.json")
    router, by_copy = Policy("fed.db"), Policy("fed.db")
    (tmp_path / "elsewhere").mkdir()
    os.chdir("elsewhere")
    assert router.threshold("llm") == 0.6
    (tmp_path / "fed.db").unlink()
    assert by_copy.threshold("llm") == 0.6


def test_files_that_follow_are_those_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text('{"layers": [{"name": "llm", "threshold": 0.5}]}')
    settings = Settings(routing_config_json=Path("config.json"), store=Path("fed.db"))
    (tmp_path / "elsewhere").mkdir()
    os.chdir("elsewhere")
    with Store(settings=settings) as there:
        PolicyStore(there).import_content(b'{"layers": [{"name": "llm", "threshold": 0.6}]}', "config.json")
    assert "0.6" in (tmp_path / "config.json").read_text()
    assert (tmp_path / "fed.db").exists()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_recorder_in_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    recorder = Recorder("fed.db")
    recorder.task("a")
    assert recorder.lost == 1
    recorder = Recorder(tmp_path / "fed.db")
    recorder.task("a")
    assert recorder.lost == 0
    recorder.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such permissions there")
class TestWhoMayRead:
    def test_a_new_store_is_its_owners_alone(self, tmp_path: Path) -> None:
        former = os.umask(0o022)
        try:
            with Store(tmp_path / "new" / "fed.db") as store:
                store.recorder().task("a")
                assert mode(tmp_path / "new") == 0o700
                found = {path.name: mode(path) for path in (tmp_path / "new").iterdir()}
        finally:
            os.umask(former)
        assert found == dict.fromkeys(("fed.db", "fed.db-shm", "fed.db-wal", "fed.db.lock"), 0o600)

    def test_what_is_there_keeps_its_permissions(self, tmp_path: Path) -> None:
        """Who shares a store says so once; what is made beside it later is shared likewise."""
        (tmp_path / "shared").mkdir(mode=0o755)
        path = tmp_path / "shared" / "fed.db"
        Store(path).close()
        path.chmod(0o664)
        path.with_name("fed.db.lock").unlink()
        with Store(path) as store:
            store.recorder().task("a")
            assert mode(path.parent) == 0o755
            assert {mode(file) for file in path.parent.iterdir()} == {0o664}

    def test_a_link_to_a_store_that_is_not_there_yet(self, tmp_path: Path) -> None:
        (tmp_path / "link.db").symlink_to(tmp_path / "far" / "fed.db")
        with Store(tmp_path / "link.db") as store:
            store.recorder().task("a")
        assert mode(tmp_path / "far") == 0o700
        assert mode(tmp_path / "far" / "fed.db") == 0o600


def test_a_path_in_a_message_says_nothing_of_the_fault(tmp_path: Path) -> None:
    (tmp_path / "full").write_text("")
    with pytest.raises(StoreError, match=r"cannot be opened \((Not a directory|File exists)\)"):
        Store(tmp_path / "full" / "fed.db")
