"""Views bring a store of an older version up to date, as writers do; where they may not, they say what does."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from fedstore import Store, StoreOlderError, StoreReadOnlyError
from fedstore.schema import MIGRATION_NAMES
from tests.cli.conftest import Run, refused
from tests.store.older import write_older_store

VIEWS = (
    ["dashboard"], ["layers"], ["costs"], ["tools"], ["runs"], ["top"], ["changes"], ["policy"], ["export", "json"],
    ["label"],
)  # fmt: skip


@pytest.fixture
def older(path: Path) -> Path:
    write_older_store(path, MIGRATION_NAMES[-1])
    return path


def is_older(path: Path) -> bool:
    try:
        Store(path, readonly=True).close()
    except StoreOlderError:
        return True
    return False


@pytest.mark.parametrize("args", VIEWS, ids=" ".join)
def test_a_view_brings_it_up_to_date_and_goes_on(run: Run, older: Path, args: list[str]) -> None:
    result = run(*args)
    assert (result.exit_code, result.stderr) == (0, "")
    with Store(older, readonly=True) as store:
        assert store.database.read("SELECT * FROM names") == [(7, "kept")]


@pytest.mark.parametrize(
    "args", [["dashboard", "--readonly"], ["top", "--readonly"], ["tune", "--dry-run", "--readonly"]]
)
def test_readonly_leaves_it_as_it_is(run: Run, older: Path, args: list[str]) -> None:
    before = older.read_bytes()
    assert f"is from an older fedtop: `fedtop maintain --store {older}` brings it up to date" in refused(run(*args))
    assert older.read_bytes() == before


def test_the_setting_readonly_does_so_too(run: Run, older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDTOP_READONLY", "1")
    assert "`fedtop maintain --store" in refused(run("changes"))
    assert is_older(older)


def test_the_line_that_mends_it_can_be_copied(run: Run, older: Path, tmp_path: Path) -> None:
    """It names the store that was asked for, not that of the settings, and is one word for a shell."""
    other = tmp_path / "of last year.db"
    older.rename(other)
    said = refused(run("dashboard", "--readonly", "--store", other))
    command, *words = shlex.split(said.split("`")[1])
    assert command == "fedtop"
    assert run(*words).exit_code == 0
    assert run("dashboard", "--readonly", "--store", other).exit_code == 0


def test_what_cannot_be_written_says_so(run: Run, older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = Store.__init__

    def opened(self: Store, *args: Any, readonly: bool = False, **given: Any) -> None:
        if not readonly:
            raise StoreReadOnlyError("no permission")
        really(self, *args, readonly=readonly, **given)

    monkeypatch.setattr(Store, "__init__", opened)
    assert "is from an older fedtop: `fedtop maintain --store" in refused(run("dashboard"))
    assert is_older(older)


def test_an_empty_file_stays_empty(run: Run, path: Path) -> None:
    path.touch()
    assert "is still empty: record something first, or try `fedtop demo`" in refused(run("dashboard"))
    assert path.read_bytes() == b""


def test_the_doctor_looks_and_leaves_it_as_it_is(run: Run, older: Path) -> None:
    result = run("doctor")
    assert result.exit_code == 0
    assert "is from an older fedtop" in " ".join(result.stdout.split())
    assert is_older(older)
