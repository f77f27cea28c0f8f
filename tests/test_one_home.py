"""One home for each fact: a constant that two modules need is written in one of them, and the other imports it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.source_imports import modules

OWN_LIMITS = {"BATCH", "CHUNK", "FEW", "NEAR", "RECENT", "TYPE_CHECKING"}
"""What each place sets for itself, though two may have set the same."""


def constants(path: Path) -> Iterator[tuple[str, str]]:
    """Name, without its underscore, and value of each constant at the top of a module that is written out in it."""
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        value = getattr(statement, "value", None)
        if not isinstance(target, ast.Name) or not target.id.strip("_").isupper() or value is None:
            continue
        try:
            found = ast.literal_eval(value)
        except ValueError:  # computed of other constants
            continue
        if not (target.id.startswith("_") and isinstance(found, int | float)):  # a limit of its own
            yield target.id.strip("_"), repr(found)


def sources() -> dict[str, Path]:
    """The modules of both packages but the migrations, which are history and repeat what was true then."""
    found = {**modules("fedstore"), **modules("fedtop")}
    return {name: path for name, path in found.items() if not name.startswith("fedstore.schema.m")}


def test_a_constant_is_written_once() -> None:
    homes = defaultdict(list)
    for module, path in sources().items():
        for constant in constants(path):
            homes[constant].append(module)
    assert len(homes) > 200
    twice = {f"{name} = {value[:60]}": found for (name, value), found in homes.items() if len(found) > 1}
    assert {said: found for said, found in twice.items() if said.partition(" ")[0] not in OWN_LIMITS} == {}


def test_lengths_of_time_are_named() -> None:
    """Minutes, hours and days in milliseconds; the statistics import nothing of ours, and use one of them once."""
    written = re.compile(r"\b(60_?000|3_?600_?000|86_?400_?000)\b")
    found = [name for name, path in sources().items() if written.search(path.read_text(encoding="utf-8"))]
    assert found == ["fedstore.learning.tuning", "fedstore.widths"]
