"""What the README and the docs say about keys, commands, settings, events and dependencies is what the sources say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from fedstore import EVENT_MODELS
from fedtop.cli.main import COMMANDS
from fedtop.keys import KEYS, display
from fedtop.tabs import TABS
from fedtop.widgets.live_table import LiveTable
from tests.docs.blocks import PAGES, README, ROOT, quoted, table
from tests.source_imports import modules, strings

if TYPE_CHECKING:
    from pydantic import BaseModel

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RECORDING = ROOT / "docs" / "recording.md"


def known_keys() -> set[str]:
    """All keys of the frame and of a table, as people write them."""
    named = [key.keys for key in KEYS]
    named += [binding.key for binding in LiveTable.BINDINGS]
    return {display(key) for keys in named for key in keys.split(",")}


def test_keys_are_bound_and_those_in_the_footer_are_told() -> None:
    told = {key for row in table(README, "Key") for key in quoted(row[0])} | {"!text"}
    ranges = {str(number) for number in range(1, len(TABS) + 1)}
    assert told - {"!text"} <= known_keys(), told - known_keys()
    shown = {display(key.keys.split(",")[0]) for key in KEYS if key.show}
    assert shown <= told | ranges, shown - told


def test_tabs_are_told_in_order() -> None:
    (row,) = (row for row in table(README, "Key") if quoted(row[0])[:1] == ["1"])
    assert quoted(row[0])[1] == str(len(TABS))
    assert row[1] == ", ".join(tab.label.lower() for tab in TABS)


def test_commands_are_all_there() -> None:
    told = [name for row in table(README, "Command") for name in quoted(row[0])]
    assert sorted(told) == sorted(COMMANDS)


def test_dependencies_are_explained() -> None:
    told = [name for row in table(README, "Package") for name in quoted(row[0])]
    assert sorted(told) == sorted(Requirement(line).name for line in PROJECT["dependencies"])


def test_lock_fits_the_project() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    names = {re.sub(r"[-_.]+", "-", name).lower(): Version(version) for name, version in pins.items()}
    assert {"textual", "pytest"} <= set(names)
    for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]:
        wanted = Requirement(line)
        assert names[wanted.name] in wanted.specifier, line


def test_source_archive_holds_what_the_tests_and_the_readme_need() -> None:
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    packed = hatch["build"]["targets"]["sdist"]["include"]
    assert all((ROOT / name).exists() for name in packed)
    assert {"store", "tui", "tests", "docs", "scripts", "bench", "screenshots", ".ci", "requirements.lock"} <= {*packed}


def test_variables_are_those_of_the_sources() -> None:
    known = {
        found
        for package in ("fedstore", "fedtop")
        for path in modules(package).values()
        for _, text in strings(path)
        for found in re.findall(r"^(FEDTOP_[A-Z_]+)=?$", text)
    }
    told = {found for page in PAGES for found in re.findall(r"FEDTOP_[A-Z_]+", page.read_text(encoding="utf-8"))}
    assert told == known - {"FEDTOP_DEBUG"}


def test_events_are_told_field_by_field() -> None:
    told = {row[0].strip("`"): (set(quoted(row[2])), set(quoted(row[3]))) for row in table(RECORDING, "`kind`")}
    assert told == {kind: fields(model) for kind, model in EVENT_MODELS.items()}


def fields(model: type[BaseModel]) -> tuple[set[str], set[str]]:
    """Names a model must be given, and names it may be given."""
    must = {name for name, field in model.model_fields.items() if field.is_required()}
    return must, set(model.model_fields) - must - {"kind"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    gone = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not gone


def test_contributors_are_told_the_line_that_runs_the_tests() -> None:
    pages = [page.read_text(encoding="utf-8") for page in (README, ROOT / "CONTRIBUTING.md")]
    line = re.compile(r"^python3 -m venv .*pytest -n auto$", re.MULTILINE)
    readme, contributing = (line.findall(page) for page in pages)
    assert readme == contributing
    assert len(readme) == 1


def test_files_that_contributors_are_sent_to_are_there() -> None:
    named = [name for row in table(ROOT / "CONTRIBUTING.md", "To add") for cell in row[1:] for name in quoted(cell)]
    folders = ("", "store/fedstore", "tui/fedtop", "tui/fedtop/views/agents")
    gone = [name for name in named if not any((ROOT / folder / name).exists() for folder in folders)]
    assert named
    assert gone == []
