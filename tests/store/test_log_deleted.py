"""Somebody deletes the write-ahead log under a program that has the store open: it is noticed, said, and saved."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from fedstore import Recorder, Store
from fedstore.engine.sqlite import LOOK_S

if sys.platform == "win32":
    pytest.skip("an open file cannot be deleted there", allow_module_level=True)

FILES = pytest.mark.parametrize("endings", [("-wal",), ("-wal", "-shm")], ids=["log", "log and index"])


def delete(path: Path, endings: Sequence[str]) -> None:
    """Delete them, and let the next write look."""
    for ending in endings:
        path.with_name(path.name + ending).unlink()
    time.sleep(2 * LOOK_S)


def in_a_process(path: Path, code: str) -> str:
    """What another program prints; `path` is the store."""
    done = subprocess.run(
        [sys.executable, "-c", f"path = {str(path)!r}\n{textwrap.dedent(code)}"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    return done.stdout.strip()


COUNT = """
    from fedstore import Store
    with Store(path, readonly=True) as store:
        print(store.database.read("SELECT COUNT(*) FROM runs")[0][0])
        print(store.database.read("PRAGMA quick_check")[0][0])
"""


@FILES
def test_what_it_held_is_saved(tmp_path: Path, endings: Sequence[str], caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "s.db"
    recorder = Recorder(path)
    for _ in range(20):
        recorder.task("a")
    delete(path, endings)
    with caplog.at_level(logging.WARNING, logger="fedstore"):
        for _ in range(20):
            recorder.task("a")
    assert recorder.lost == 0
    assert caplog.text.count("was deleted while it was open: what it held was saved; leave the -wal") == 1
    assert in_a_process(path, COUNT) == "40\nok"
    recorder.close()
    assert in_a_process(path, COUNT) == "40\nok"


KILLED = """
    import os, time
    from fedstore import Recorder
    recorder = Recorder(path)
    for _ in range(20):
        recorder.task("a")
    for ending in {endings!r}:
        os.unlink(path + ending)
    time.sleep({pause})
    recorder.task("a")
    os._exit(0)
"""


@FILES
def test_kill_9_afterwards_costs_nothing(tmp_path: Path, endings: Sequence[str]) -> None:
    path = tmp_path / "s.db"
    in_a_process(path, KILLED.format(endings=endings, pause=2 * LOOK_S))
    assert in_a_process(path, COUNT) == "21\nok"


def test_a_reader_follows(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    Store(path).close()
    with Store(path, readonly=True) as watching:
        assert watching.database.read("SELECT COUNT(*) FROM runs") == [(0,)]
        in_a_process(path, KILLED.format(endings=("-wal",), pause=2 * LOOK_S))
        watching.database.change_token()
        assert watching.database.read("SELECT COUNT(*) FROM runs") == [(21,)]


@FILES
def test_closing_saves_it_too(tmp_path: Path, endings: Sequence[str]) -> None:
    path = tmp_path / "s.db"
    with Store(path) as watching:
        watching.database.read("SELECT 1 FROM runs")
        recorder = Recorder(path)
        recorder.task("a")
        delete(path, endings)
        recorder.close()
    assert in_a_process(path, COUNT) == "1\nok"


def test_two_writers_share_what_was_saved(tmp_path: Path) -> None:
    """The other one had the same log open: it sees that the log was left, and follows."""
    path = tmp_path / "s.db"
    other = subprocess.Popen(
        [sys.executable, "-c", f"path = {str(path)!r}\n{textwrap.dedent(OTHER)}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdin is not None
    assert other.stdout is not None
    try:
        assert other.stdout.readline() == "20\n"
        recorder = Recorder(path)
        for _ in range(20):
            recorder.task("mine")
        delete(path, ("-wal",))
        for _ in range(5):
            recorder.task("mine")
        other.stdin.write("go\n")
        other.stdin.flush()
        assert other.stdout.readline() == "20\n"
        recorder.task("mine")
        told = in_a_process(path, COUNT).split()
    finally:
        other.communicate("end\n", timeout=60)
    lost = int((tmp_path / "lost").read_text())
    assert told == [str(66 - lost - recorder.lost), "ok"]
    assert lost + recorder.lost <= 1


OTHER = """
    import sys
    from pathlib import Path
    from fedstore import Recorder
    recorder = Recorder(path)
    while True:
        for _ in range(20):
            recorder.task("other")
        print(20, flush=True)
        if sys.stdin.readline() == "end\\n":
            break
    recorder.close()
    Path(path).with_name("lost").write_text(str(recorder.lost))
"""


def test_a_reader_in_the_way_is_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedstore.engine.sqlite.SAVE_AGAIN_S", 0.0)
    path = tmp_path / "s.db"
    recorder = Recorder(path)
    recorder.task("a")
    with Store(path, readonly=True) as watching, caplog.at_level(logging.WARNING, logger="fedstore"):
        with watching.database.snapshot():
            assert watching.database.read("SELECT COUNT(*) FROM runs") == [(1,)]
            recorder.task("a")
            delete(path, ("-wal",))
            recorder.task("a")
            assert "a reader keeps what it holds from being saved" in caplog.text
        recorder.task("a")
    assert "what it held was saved" in caplog.text
    assert recorder.lost == 0
    assert in_a_process(path, COUNT) == "4\nok"
    recorder.close()


def test_another_log_in_its_place_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "s.db"
    recorder = Recorder(path)
    recorder.task("a")
    log = path.with_name("s.db-wal")
    log.rename(tmp_path / "aside")
    log.write_bytes(b"\0" * 4_096)
    time.sleep(2 * LOOK_S)
    with caplog.at_level(logging.WARNING, logger="fedstore"):
        recorder.task("a")
    assert recorder.lost == 1
    assert "another program has begun a new one: what was recorded just before may be lost" in caplog.text
    recorder.task("a")
    assert recorder.lost == 1
    recorder.close()
    with Store(path, readonly=True) as store:
        assert store.database.read("SELECT SUM(count) FROM losses") == [(1,)]
        assert store.database.read("PRAGMA quick_check") == [("ok",)]


def test_it_is_there_as_long_as_nobody_deletes_it(tmp_path: Path) -> None:
    """Through checkpoints, and other programs that come and go."""
    path = tmp_path / "s.db"
    with Store(path) as store:
        recorder = store.recorder()
        for _ in range(3):
            recorder.task("a")
            writer = store.database.write()
            assert writer.log.is_there()
            writer.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            in_a_process(path, "from fedstore import Recorder; r = Recorder(path); r.task('b'); r.close()")
            assert writer.log.is_there()
            recorder.task("a")
            assert store.database.write() is writer
