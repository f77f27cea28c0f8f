"""How far the types reach: `Any` switches them off, `cast` and `type: ignore` overrule them, so each is counted.

A figure here may only go down. `mypy --strict` says nothing of them: where a seam is `Any`, renaming what a reader
gives breaks no check on the other side.
"""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest

from tests.source_imports import circles, modules

ANY_PER_1000_LINES = {"fedstore": 2, "fedtop": 3}
OVERRULED = {"fedstore": 6, "fedtop": 12}
"""Uses of `cast` and comments `type: ignore` that there may be at most."""
CIRCLES_OF_TYPES = {"fedstore": 1, "fedtop": 0}  # a recorder, the runs it hands out, and their store
"""Circles of modules, counting what is imported for types alone."""


def any_and_lines(path: Path) -> tuple[int, int]:
    """Occurrences of the name `Any`, its imports included, and the lines with code or a docstring on them."""
    found, lines = 0, set()
    blank = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        found += token.type == tokenize.NAME and token.string == "Any"
        if token.type not in blank:
            lines.update(range(token.start[0], token.end[0] + 1))
    return found, len(lines)


@pytest.mark.parametrize("package", ["fedstore", "fedtop"])
def test_any_is_rare(package: str) -> None:
    counted = {name: any_and_lines(path) for name, path in modules(package).items()}
    found, lines = (sum(column) for column in zip(*counted.values(), strict=True))
    most = sorted(((n, name) for name, (n, _) in counted.items() if n), reverse=True)[:10]
    assert found <= ANY_PER_1000_LINES[package] * lines / 1000, f"{found} in {lines} lines, most of them in {most}"


@pytest.mark.parametrize("package", ["fedstore", "fedtop"])
def test_types_are_seldom_overruled(package: str) -> None:
    texts = {name: path.read_text(encoding="utf-8") for name, path in modules(package).items()}
    found = {name: len(re.findall(r"\bcast\(|# type: ignore", text)) for name, text in texts.items()}
    assert sum(found.values()) <= OVERRULED[package], {name: n for name, n in found.items() if n}


@pytest.mark.parametrize("package", ["fedstore", "fedtop"])
def test_no_circles_of_imports(package: str) -> None:
    assert circles(package) == []


@pytest.mark.parametrize("package", ["fedstore", "fedtop"])
def test_no_circles_of_rooms(package: str) -> None:
    assert circles(package, rooms=True) == []


@pytest.mark.parametrize("package", CIRCLES_OF_TYPES)
def test_few_circles_of_types(package: str) -> None:
    found = circles(package, types=True)
    assert len(found) <= CIRCLES_OF_TYPES[package], found
