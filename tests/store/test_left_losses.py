"""Losses of programs that ended before the store could be written: told, taken over once, and taken away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fedstore import Recorder, Settings, Store, diagnose, maintain
from fedstore.upkeep.left_losses import left_losses
from tests.conftest import Clock

AGENT = """
import os, signal, sys
from fedstore import Recorder
recorder = Recorder(sys.argv[1])
for n in range(3):
    recorder.task(f"agent {n}")
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


def run(path: Path, how: str) -> None:
    subprocess.run([sys.executable, "-c", AGENT, str(path), how], check=False, timeout=60)


def losses(path: Path) -> list[tuple[int, str]]:
    with Store(path) as store:
        return [(count, reason) for count, reason in store.database.read("SELECT count, reason FROM losses")]


def told(path: Path) -> list[str]:
    return [finding.message for finding in diagnose(path) if finding.topic == "lost"]


@pytest.mark.parametrize(
    "how", ["ended", pytest.param("killed", marks=pytest.mark.skipif(sys.platform == "win32", reason=""))]
)
def test_the_doctor_tells_what_an_agent_lost_that_has_ended(tmp_path: Path, how: str) -> None:
    path = tmp_path / "s.db"
    path.write_text("this is no store at all, so nothing can be recorded")
    run(path, how)
    (message,) = told(path)
    count = 3 if how == "ended" else 1  # a killed one had noted the first at once, the others not yet
    assert message.startswith(f"{count} fact")
    assert "is not a fedtop store" in message
    path.unlink()
    Store(path).close()
    assert told(path) == [message]
    recorder = Recorder(path)
    for _ in range(2):
        recorder.task("the next one")
    assert told(path) == []
    assert [count for count, _ in losses(path)] == [count]
    assert [file.name for file in tmp_path.iterdir() if ".lost" in file.name] == []


def test_maintain_takes_over_what_ended_programs_lost(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "s.db"
    path.write_text("no store")
    run(path, "ended")
    path.unlink()
    with Store(path, clock=clock) as store:
        for _ in range(2):
            maintain(store.database, Settings(), clock())
    assert [count for count, _ in losses(path)] == [3]


def test_a_recorder_that_goes_on_takes_its_own_note_away(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_text("no store")
    recorder = Recorder(path)
    recorder.task("lost")
    recorder.close()
    assert [loss.facts for loss in left_losses(path)] == [1]
    path.unlink()
    recorder._sink._home._not_before = 0.0  # it waits a second before it tries again
    recorder.task("written")
    assert left_losses(path) == ()
    assert [count for count, _ in losses(path)] == [1]


def test_what_is_none_of_ours_beside_the_store_is_left_alone(tmp_path: Path) -> None:
    Store(tmp_path / "s.db").close()
    names = ["s.db.lost-1-1", "s.db.lost-x-1", "s.db.lost", "s.db.lost-999999999-5"]
    for name, text in zip(names, ("{", "[]", '{"facts": 1}', '{"facts": "many"}'), strict=True):
        (tmp_path / name).write_text(text)
    assert left_losses(tmp_path / "s.db") == ()
    Recorder(tmp_path / "s.db").task("a")
    assert all((tmp_path / name).exists() for name in names)
