"""The command line in-process: a pinned clock, a store of its own, plain output 120 cells wide."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import fedstore
from fedstore import Store
from fedtop.cli.main import cli
from tests.conftest import Clock

Run = Callable[..., Result]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where FEDTOP_STORE points; the file is made by whoever writes first."""
    return tmp_path / "fedtop.db"


@pytest.fixture
def run(path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("costs", "--json")`: the result of a command on the store."""
    monkeypatch.setattr(fedstore, "now_ms", clock)
    monkeypatch.setenv("FEDTOP_STORE", str(path))
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def call(*args: object, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(cli, [str(arg) for arg in args], input=stdin, prog_name="fedtop")

    return call


@pytest.fixture
def ask(run: Run) -> Callable[..., Any]:
    """The JSON that a command prints; it must have succeeded."""

    def call(*args: object, stdin: str | None = None) -> Any:
        result = run(*args, "--json", stdin=stdin)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return call


@pytest.fixture
def federation(seeded_store: Store) -> Store:
    """The small federation, closed for writing, in the store that `run` uses."""
    return seeded_store


def refused(result: Result) -> str:
    """The one line of a command that refused, without its prefix."""
    assert result.exit_code == 2, (result.exit_code, result.output)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("fedtop: ")
    assert result.stdout == ""
    return lines[0].removeprefix("fedtop: ")
