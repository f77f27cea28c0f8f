"""The shell's quick lane writes what the whole command line writes, and leaves everything unusual to it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedstore import EventError, Store, default_config_path, default_store_path
from fedstore.engine import sqlite as database
from fedstore.recording import fast
from fedstore.recording.writer import validated
from fedtop.fast_record import parse, try_record
from tests.conftest import Clock
from tests.federation import NOW_MS

PLAIN = ["--agent", "kimi", "--task", "code", "--success", "true"]
TABLES = ("runs", "agent_buckets", "active_runs", "verdicts", "marks")

odd = ["true", "false", "1", "1.5", "-1", "nan", " x ", "a\tb", "é"]
words = st.text(min_size=1, max_size=12) | st.sampled_from(odd)
flags = st.sampled_from(["--agent", "--task", "--success", "--duration", "--notes", "--id", "--project"])
pairs = st.tuples(flags, words)
lines = st.lists(pairs.map(list) | pairs.map(lambda pair: ["=".join(pair)]) | st.just(["--rework"]), max_size=4).map(
    lambda parts: [*PLAIN, *(word for part in parts for word in part)]
)


def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    return {table: store.database.read(f"SELECT * FROM {table} ORDER BY 1") for table in TABLES}


def whole_lane(store: Store, arguments: list[str]) -> None:
    """What `record` does with these arguments, through Click and every validation."""
    from click.testing import CliRunner

    from fedtop.cli.main import cli

    done = CliRunner().invoke(cli, ["record", *arguments, "--store", str(store.path)], prog_name="fedtop")
    assert done.exit_code == 0, done.output


@given(arguments=lines)
@settings(max_examples=60, deadline=None)
def test_both_lanes_write_the_same(arguments: list[str]) -> None:
    found = parse(arguments)
    if found is None:
        return
    _, task = found
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for module in ("fedstore.ids", "fedstore.recording.fast", "fedtop.cli.common"):
            patch.setattr(f"{module}.now_ms", Clock())
        quick, whole = Store(Path(folder) / "quick.db"), Store(Path(folder) / "whole.db")
        assert fast.record_task(str(quick.path), task) is False
        assert fast.record_task(str(quick.path), task) is True
        whole_lane(whole, [*arguments, "--id", task.id])
        assert contents(quick) == contents(whole)
        quick.close()
        whole.close()


@given(
    agent=st.text(max_size=210), task_type=st.text(max_size=210), project=st.text(max_size=9),
    notes=st.none() | st.text(), id=st.text(min_size=1, max_size=9), duration_ms=st.none() | st.floats(),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_what_is_plain_is_what_validation_leaves_as_it_is(**fields: Any) -> None:
    if not fast.Task(**fields).is_plain():
        return
    event = validated({"kind": "run", **fields})
    assert {name: getattr(event, name) for name in fields} == fields


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["--help"], ["execution"], PLAIN[:4], ["--agent", "a", "--task", "t", "--success", "yes"],
        [*PLAIN, "--agent", "b"], [*PLAIN, "--duration", "nan"], [*PLAIN, "--duration", "-1"],
        [*PLAIN, "--duration", "1e99"], [*PLAIN, "--duration", "1_0"], [*PLAIN, "--duration", "9" * 30],
        [*PLAIN, "--rework", "--rework"], [*PLAIN, "--at", "2026-01-01"], [*PLAIN, "--notes", "a\x1b[31m"],
        [*PLAIN, "--project", " padded "], [*PLAIN, "--id"], [*PLAIN, "--id", ""], [*PLAIN, "--success=maybe"],
        ["--agent", "a\u202eb", "--task", "t", "--success", "true"], ["--agent", "[red]" * 50, *PLAIN[2:]],
        [*PLAIN, "stray"],
    ],
)  # fmt: skip
def test_anything_unusual_is_left_alone(arguments: list[str]) -> None:
    assert parse(arguments) is None


def test_the_lane_keeps_out_when_it_must_not_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.db"
    config = tmp_path / "config.toml"
    monkeypatch.setenv("FEDTOP_CONFIG", str(config))
    arguments = [*PLAIN, "--store", str(path)]
    config.write_text("readonly = true")
    assert try_record(arguments) is None
    config.write_text("this is not toml")
    assert try_record(arguments) is None
    config.write_text("")
    monkeypatch.setenv("FEDTOP_READONLY", "1")
    assert try_record(arguments) is None
    monkeypatch.delenv("FEDTOP_READONLY")
    assert not path.exists()
    path.mkdir()
    assert try_record(arguments) is None
    path.rmdir()
    assert try_record(arguments) == 0


def test_the_store_of_the_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'store = "{tmp_path / "named.db"}"')
    monkeypatch.setenv("FEDTOP_CONFIG", str(config))
    assert fast.store_for(None) == str(tmp_path / "named.db")
    assert default_store_path() == tmp_path / "named.db"
    monkeypatch.setenv("FEDTOP_STORE", "~/other.db")
    assert default_store_path() == Path("~/other.db").expanduser()


@pytest.mark.parametrize("value", ["", " ", "/somewhere/else"])
def test_folders_are_those_of_platformdirs(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", value)
    monkeypatch.setenv("XDG_DATA_HOME", value)
    assert default_config_path() == platformdirs.user_config_path("fedtop", appauthor=False) / "config.toml"
    assert default_store_path() == platformdirs.user_data_path("fedtop", appauthor=False) / "fedtop.db"


def test_a_task_refused_by_the_lane_is_refused_by_the_whole(store: Store) -> None:
    with pytest.raises(EventError):
        validated({"kind": "run", "agent": "", "at": NOW_MS})
    assert not fast.Task("").is_plain()


SMOKE = """
import sys
from fedtop.__main__ import main
sys.argv[1:] = {arguments}
main()
sys.stderr.write(str(sorted(sys.modules)))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["record", *PLAIN]])
def test_the_lanes_import_little(tmp_path: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDTOP_STORE", str(tmp_path / "s.db"))
    Store(tmp_path / "s.db").close()
    done = subprocess.run(
        [sys.executable, "-c", SMOKE.format(arguments=arguments)], capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.translate(str.maketrans("", "", "[]',")).split())
    assert "fedtop.__main__" in loaded
    assert not loaded & {"click", "pydantic", "sqlite_utils", "rich", "textual", "numpy", "platformdirs", "pathlib"}


def test_the_help_text_is_what_click_prints() -> None:
    from click.testing import CliRunner

    from fedtop import __main__ as entry
    from fedtop.cli.main import cli

    printed = CliRunner().invoke(cli, ["--help"], prog_name="fedtop", terminal_width=80).output
    kept = Path(entry.__file__).with_name("help.txt").read_text(encoding="utf-8")
    assert kept == printed, "run scripts/write_help.py"


def test_a_store_that_stays_locked_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.db"
    monkeypatch.setattr(fast, "open_engine", partial(database.Database, timeout_s=0.01))
    monkeypatch.delenv("FEDTOP_READONLY", raising=False)
    with Store(path) as store, store.database.write():
        assert try_record([*PLAIN, "--store", str(path)]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith("fedtop: ")
    assert "held by another" in said.err
    with Store(path) as store:
        assert store.database.read("SELECT COUNT(*) FROM runs") == [(0,)]
