"""Where a store is: a relative path is that of the constructor, wherever the process goes before the first use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fedstore import AnalyticsEngine, Cascade, Policy, PolicyStore, Recorder, RoutingPerformanceTracker, Settings, Store

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
