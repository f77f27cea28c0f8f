"""Every test can fail: it checks something, and not only inside a loop over what may be nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
CHECKS = {"raises", "warns", "snap_compare", "until"}
"""Calls that fail where something is not so; `until` is the tests' own wait, which gives up after ten seconds."""

MADE_OF = {"enumerate", "range", "reversed", "sorted", "zip", "product", "permutations"}
"""What these make is empty only if what they are given is (or, as `range(0)`, written down as nothing)."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def named(call: ast.Call) -> str:
    """The last name of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def checks(node: ast.AST) -> bool:
    """Whether a node by itself is a check."""
    return isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and named(node) in CHECKS)


def surely_full(node: ast.expr, literals: dict[str, ast.expr]) -> bool:
    """Whether something that is gone through is seen, where it stands, to hold something."""
    match node:
        case ast.Constant():
            return bool(node.value)
        case ast.Tuple() | ast.List() | ast.Set():
            return any(not isinstance(element, ast.Starred) for element in node.elts)
        case ast.Dict():
            return any(key is not None for key in node.keys)
        case ast.Name():
            return node.id in literals and surely_full(literals[node.id], {})
        case ast.Call(func=ast.Attribute(attr="items" | "values" | "keys")):
            return surely_full(node.func.value, literals)
        case ast.Call() if named(node) in MADE_OF:
            return all(surely_full(part, literals) for part in node.args)
        case ast.BinOp(op=ast.Add()):
            return surely_full(node.left, literals) or surely_full(node.right, literals)
    return False


def says_all(node: ast.AST, literals: dict[str, ast.expr]) -> bool:
    """Whether a check is `assert all(… for … in …)` over what may be nothing: a loop in other words."""
    match node:
        case ast.Assert(test=ast.Call(func=ast.Name(id="all"), args=[ast.GeneratorExp() | ast.ListComp() as gone])):
            return not surely_full(gone.generators[0].iter, literals)
    return False


def surely_reached(node: ast.AST, literals: dict[str, ast.expr]) -> Iterator[ast.AST]:
    """The checks that no empty loop passes over."""
    for child in ast.iter_child_nodes(node):
        if checks(child) and not says_all(child, literals):
            yield child
        maybe_never = isinstance(child, ast.For | ast.AsyncFor) and not surely_full(child.iter, literals)
        if not maybe_never and not isinstance(child, ast.While):
            yield from surely_reached(child, literals)


def literals_of(*bodies: list[ast.stmt]) -> dict[str, ast.expr]:
    """What names stand for that are bound once in these statements."""
    bound: dict[str, list[ast.expr]] = {}
    for statement in (statement for body in bodies for statement in body):
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        value = getattr(statement, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(value, ast.expr):
                bound.setdefault(target.id, []).append(value)
    return {name: values[0] for name, values in bound.items() if len(values) == 1}


def faults(source: str) -> list[tuple[str, str]]:
    """(test, what is wrong with it) for every test of a file that cannot fail."""
    tree = ast.parse(source)
    found = []
    for test in ast.walk(tree):
        if not isinstance(test, Function) or not test.name.startswith("test_"):
            continue
        if not any(map(checks, ast.walk(test))):
            found.append((test.name, "checks nothing"))
        elif not any(surely_reached(test, literals_of(tree.body, test.body))):
            found.append((test.name, "checks only what a loop finds: first assert that there is something"))
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("test_*.py")), ids=lambda path: path.stem)
def test_every_test_can_fail(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("run()", "nothing"),
        ("for line in lines(): assert line", "loop"),
        ("while more(): assert line", "loop"),
        ("with opened() as f:\n  for line in f:\n    for part in (1, 2): assert line", "loop"),
        ("for line in (*lines(),): assert line", "loop"),
        ("assert all(line for line in lines())", "loop"),
        ("assert all(name for name in SOME)", ""),
        ("for name in NOTHING: assert name", "loop"),
        ("for name in SOME: assert name", ""),
        ("some = {'a': 1}\nfor name, n in some.items(): assert n", ""),
        ("some = [1]\nsome = []\nfor n in some: assert n", "loop"),
        ("for n in range(3): assert n", ""),
        ("for n in range(len(lines())): assert n", "loop"),
        ("assert lines()\nfor line in lines(): assert line", ""),
        ("with raises(OSError):\n  run()", ""),
        ("for line in lines():\n  with pytest.raises(OSError): run(line)", "loop"),
    ],
)
def test_what_cannot_fail_is_refused(body: str, fault: str) -> None:
    source = "NOTHING = []\nSOME = (1,)\ndef test_it():\n  " + body.replace("\n", "\n  ")
    assert [word in said for _, said in faults(source) for word in (fault,)] == ([True] if fault else [])
