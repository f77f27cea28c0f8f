"""The command as a process: exit codes, quiet pipes, narrow encodings, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fedstore import Store

START = "from fedtop.cli.main import cli; cli(prog_name='fedtop')"


def process(path: Path, *args: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command on the store in an interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-c", START, *args], input=stdin, capture_output=True, text=True, check=False, timeout=60,
        env=os.environ | {"FEDTOP_STORE": str(path)} | environment,
    )  # fmt: skip


def test_record_then_look(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    done = process(path, "record", "--agent", "kimi", "--task", "review", "--success", "true", "--id", "x")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Recorded: task x\n", "")
    shown = process(path)
    assert shown.returncode == 0
    assert "kimi" in shown.stdout
    assert shown.stderr == ""


def test_refusal_is_one_line(tmp_path: Path) -> None:
    done = process(tmp_path / "none.db", "costs")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_the_output(seeded_store: Store, encoding: str) -> None:
    done = process(seeded_store.path, "dashboard", "--at", "newest", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert "FEDERATION ANALYTICS DASHBOARD" in done.stdout
    assert "kimi" in done.stdout


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START, "sample", "-n", "20000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"FEDTOP_STORE": str(tmp_path / "a.db")},
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline().startswith(b"{")
        running.stdout.close()
        assert running.stderr.read() == b""
        running.wait(timeout=60)


RECORD = "record --agent kimi --task review --success true"


@pytest.mark.parametrize("args", ["--help", "dashboard", RECORD, "record event", ""])
@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", ">&- 2>&- <&-"])
def test_closed_streams_are_no_fault(seeded_store: Store, args: str, closed: str) -> None:
    done = shell(f"{sys.executable} -m fedtop {args} {closed}", seeded_store.path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("args", ["--help", "dashboard", RECORD, "record event"])
def test_output_that_cannot_be_written_is_one_line(seeded_store: Store, args: str) -> None:
    done = shell(f"{sys.executable} -m fedtop {args} > /dev/full", seeded_store.path)
    assert done.returncode == 2
    assert done.stderr.startswith("fedtop: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("args", ["--help", RECORD, "dashboard"])
def test_a_reader_that_has_gone_is_no_fault(seeded_store: Store, args: str) -> None:
    done = shell(f"(sleep 0.5; {sys.executable} -m fedtop {args}; echo $? >&2) | true", seeded_store.path)
    assert done.stderr == "1\n"


def shell(line: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of bash whose fedtop uses the store."""
    return subprocess.run(
        ["bash", "-c", line], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
        env=os.environ | {"FEDTOP_STORE": str(path)},
    )  # fmt: skip


def test_demo_once(tmp_path: Path) -> None:
    code = f"import fedtop.cli.top as top; top.DEMO_HOURS = 1; {START}"
    done = subprocess.run(
        [sys.executable, "-c", code, "demo", "--once", "--ascii"], capture_output=True, text=True, check=False,
        timeout=60, env=os.environ | {"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert "Routing Cascade Overview" in done.stdout
    assert list(tmp_path.iterdir()) == []
