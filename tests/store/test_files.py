"""Files replaced whole: what a killed process left beside them is cleared away, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fedstore.errors import FedstoreError
from fedstore.files import read_json, replace_json, replace_text

KILLED = """
import os, signal, sys
from pathlib import Path
from fedstore.files import replace_text
os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
replace_text(Path(sys.argv[1]), "half")
"""
HOUR_S = 3600


def names(folder: Path) -> set[str]:
    return {found.name for found in folder.iterdir()}


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path: Path) -> None:
    target, other = tmp_path / "config.json", tmp_path / "metrics.json"
    replace_text(target, "whole")
    for path in (target, other):
        done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, timeout=60)
        assert done.returncode == -9
    assert target.read_text() == "whole"
    assert len(names(tmp_path)) == 3
    replace_text(target, "new")
    left = names(tmp_path) - {"config.json"}
    assert [name.startswith(".metrics.json.") for name in left] == [True], "those of other files are theirs to clear"
    replace_text(other, "new")
    assert names(tmp_path) == {"config.json", "metrics.json"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        replace_text(path, "text\n")
        assert os.read(reader, 100) == b"text\n"
        os.close(reader)
    assert pipe.is_fifo()
    assert link.is_symlink()


def test_what_another_process_is_writing_stays_for_an_hour(tmp_path: Path) -> None:
    live = tmp_path / f".config.json.{os.getppid()}.abc.fedtop-new"
    live.touch()
    replace_text(tmp_path / "config.json", "x")
    assert live.exists()
    before = time.time() - HOUR_S - 60
    os.utime(live, (before, before))
    replace_text(tmp_path / "config.json", "x")
    assert names(tmp_path) == {"config.json"}


@pytest.mark.parametrize(
    "name",
    [".config.json.bak", ".config.json.12345678", ".config.json.swp", "config.json.1.a.fedtop-new",
     ".config.json.x.1.a.fedtop-new", ".configXjson.1.a.fedtop-new", ".config.json.1.a.fedtop-new.bak"],
)  # fmt: skip
def test_what_is_not_of_our_naming_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    os.utime(tmp_path / name, (0, 0))
    replace_text(tmp_path / "config.json", "x")
    assert names(tmp_path) == {"config.json", name}


def test_what_cannot_be_removed_keeps_nobody_from_writing(tmp_path: Path) -> None:
    folder = tmp_path / ".config.json.1.a.fedtop-new"
    folder.mkdir()
    os.utime(folder, (0, 0))
    replace_text(tmp_path / "config.json", "x")
    assert (tmp_path / "config.json").read_text() == "x"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_write_that_ends_early_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(_descriptor: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((KeyboardInterrupt, FedstoreError)):
        replace_text(tmp_path / "config.json", "x")
    assert names(tmp_path) == set()


def test_half_a_character_in_json_stays_the_escape_it_was(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    said = {"\ud800": ["\udfff é 😀"], "plain": 1}
    replace_json(path, said)
    assert read_json(path.read_bytes()) == said
    assert "\\ud800" in path.read_text(encoding="utf-8")
    assert "é 😀" in path.read_text(encoding="utf-8")


def test_text_that_no_file_can_hold_is_one_line_and_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    replace_text(path, "whole")
    with pytest.raises(FedstoreError, match="half a character"):
        replace_text(path, "\ud800")
    assert path.read_text() == "whole"
    assert names(tmp_path) == {"a.txt"}


def test_json_too_deep_to_write_is_one_line_and_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    replace_json(path, {})
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(FedstoreError, match="nested too deeply"):
        replace_json(path, deep)
    assert read_json(path.read_bytes()) == {}
    while deep:  # level by level: to free all of it at once would nest as deeply
        deep = deep.pop()  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 200_000, "nested too deeply"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' stands twice"), ("{", "Expecting"), ("\xff", "decode"),
    ],
)  # fmt: skip
def test_json_that_cannot_be_read_for_certain(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_json(text.encode("latin-1"))
