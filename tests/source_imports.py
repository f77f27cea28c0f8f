"""What the sources import, read from their syntax trees without running them.

``modules`` finds the files of a package, ``imports`` the import statements of one file wherever they stand: at the
top, inside a function, or under ``if TYPE_CHECKING``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {"fedstore": ROOT / "store" / "fedstore", "fedtop": ROOT / "tui" / "fedtop"}


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module, and the names taken from it (none for ``import module``)."""

    importer: str
    line: int
    module: str
    names: tuple[str, ...]
    level: int
    types_only: bool

    @property
    def package(self) -> str:
        """The first part of the imported name."""
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        taken = f" import {', '.join(self.names)}" if self.names else ""
        return f"{self.importer}:{self.line}: {'.' * self.level}{self.module}{taken}"


def modules(package: str) -> dict[str, Path]:
    """Dotted names and files of all modules of a package of the project."""
    folder = SOURCES[package]
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    assert found, f"no sources in {folder}"
    return found


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def imports(package: str) -> tuple[Import, ...]:
    """Every import of every module of a package of the project."""
    return tuple(found for name, path in modules(package).items() for found in _walk(name, tree(path), False))


def _walk(importer: str, node: ast.AST, types_only: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(importer, node.lineno, alias.name, (), 0, types_only)
    elif isinstance(node, ast.ImportFrom):
        names = tuple(alias.name for alias in node.names)
        yield Import(importer, node.lineno, node.module or "", names, node.level, types_only)
    elif isinstance(node, ast.If) and _is_type_checking(node.test):
        for child in node.body:
            yield from _walk(importer, child, True)
        for child in node.orelse:
            yield from _walk(importer, child, types_only)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _walk(importer, child, types_only)


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test).endswith("TYPE_CHECKING")


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every string that is not a docstring; of an f-string, its first piece of text."""
    skipped = {id(node) for node in _docstrings(tree(path))}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values[1:])
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


def _docstrings(module: ast.Module) -> Iterator[ast.Constant]:
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for statement in body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                yield statement.value


def circles(package: str, *, types: bool = False, rooms: bool = False) -> list[list[str]]:
    """Modules that import each other in a circle, whether at the top of a file or inside a function.

    With `types` also through what is imported for types alone; with `rooms` by the folder (or module) right below the
    package instead of by module.
    """
    known = modules(package)
    arrows: dict[str, set[str]] = {}
    for found in imports(package):
        if found.package == package and (types or not found.types_only):
            wanted = [f"{found.module}.{name}" for name in found.names]
            for target in [name if name in known else found.module for name in wanted] or [found.module]:
                ends = [".".join(name.split(".")[:2]) if rooms else name for name in (found.importer, target)]
                if ends[0] != ends[1]:
                    arrows.setdefault(ends[0], set()).add(ends[1])
    return sorted(_circles(arrows))


def _circles(arrows: dict[str, set[str]]) -> Iterator[list[str]]:
    """The sets of nodes that all reach each other, without single ones."""
    reached = {start: _reached(start, arrows) for start in arrows}
    seen: set[str] = set()
    for start in sorted(arrows):
        circle = {start, *(node for node in reached[start] if start in reached.get(node, ()))}
        if len(circle) > 1 and start not in seen:
            seen |= circle
            yield sorted(circle)


def _reached(start: str, arrows: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for node in arrows.get(waiting.pop(), ()):
            if node not in found:
                found.add(node)
                waiting.append(node)
    return found
