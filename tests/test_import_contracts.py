"""The layering of the house, held by reading the sources: who may import whom, and who may speak SQL.

`docs/architecture.md` says the same in words. A new module of the store must be given its floor in ``FLOORS``.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fedstore
from tests.source_imports import ROOT, Import, imports, modules, strings

PUBLIC_MODULES = (
    "fedstore.queries.models", "fedstore.learning.", "fedstore.recording.fast", "fedstore.ingest.unchanged",
)  # fmt: skip
"""Beside the names of `fedstore` itself: the types of the read models, the statistics, the shell's quick lanes."""

FLOORS = (
    # what everything may use; imports nothing above itself, opens nothing
    "bins cleaning errors files finding ids interrupts json_value learning numbers schema settings widths window",
    # the only room that knows the engine
    "engine",
    # facts and summaries on their way in, read models on their way out
    "facts queries",
    # what a program holds in its hand
    "cascade policy recording store upkeep",
    # other people's formats and names, and things made from all of the above
    "compat demo ingest",
)
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names.split()}

SPEAKS_SQL = [
    *("engine", "schema", "facts", "recording.sink", "recording.fast"),
    *("queries", "policy", "ingest.marks", "ingest.routing_export", "upkeep"),
]
KNOWS_THE_ENGINE = ["engine", "schema"]
FACES_OF_THE_ENGINE = ("fedstore.engine.protocol", "fedstore.engine.tables")
DRIVERS = {"sqlite3", "pysqlite3", "sqlite_utils", "psycopg"}
OF_THE_ENGINE = re.compile(r"PRAGMA|-wal\b|\bst_ino\b|sqlite_(master|schema)")
SQL = re.compile(
    r"\s*(SELECT\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|REPLACE\s+INTO\s"
    r"|CREATE\s+(TABLE|INDEX|UNIQUE|VIEW|TRIGGER)\s|(DROP|ALTER)\s+(TABLE|VIEW|INDEX)\s|PRAGMA\s|BEGIN\s+IMMEDIATE"
    r"|WITH\s+(RECURSIVE\s+)?\w+\s*(\([^)]*\)\s*)?AS\s*\()",
)

OPTIONAL = {"pysqlite3"}
"""Taken when it is installed, as sqlite-utils does: two SQLite libraries must not meet in one process."""

DISTRIBUTIONS = {"sqlite_utils": "sqlite-utils", "genai_prices": "genai-prices"}


def told(wrong: list[Import]) -> str:
    """The offending lines, one per line."""
    return "\n" + "\n".join(map(str, wrong))


def within(module: str, packages: list[str]) -> bool:
    """Whether a dotted name is one of ``packages`` (below fedstore) or lies in one."""
    return any(f"{module}.".startswith(f"fedstore.{package}.") for package in packages)


@pytest.mark.parametrize("package", ["fedstore", "fedtop"])
def test_no_relative_imports(package: str) -> None:
    wrong = [found for found in imports(package) if found.level]
    assert not wrong, told(wrong)


def test_store_knows_no_screen() -> None:
    wrong = [found for found in imports("fedstore") if found.package in ("fedtop", "textual", "rich")]
    assert not wrong, told(wrong)


def test_app_uses_public_names_only() -> None:
    wrong = [found for found in imports("fedtop") if found.package == "fedstore" and not is_public(found)]
    assert not wrong, told(wrong)


def is_public(found: Import) -> bool:
    """Names of `fedstore.__all__` come from `fedstore`; the rest from a public module's ``__all__``."""
    if not found.names:
        return found.module == "fedstore"
    if found.module == "fedstore":
        return set(found.names) <= set(fedstore.__all__)
    if not found.module.startswith(PUBLIC_MODULES) or set(found.names) & set(fedstore.__all__):
        return False
    return set(found.names) <= set(importlib.import_module(found.module).__all__)


def test_statistics_need_numpy_only() -> None:
    allowed = sys.stdlib_module_names | {"numpy"}
    wrong = [
        found
        for found in imports("fedstore")
        if found.importer.startswith("fedstore.learning")
        and found.package not in allowed
        and not within(found.module, ["learning"])
    ]
    assert not wrong, told(wrong)


def test_every_module_has_a_floor() -> None:
    unplaced = {name.split(".")[1] for name in modules("fedstore") if "." in name} - FLOOR_OF.keys()
    assert not unplaced, f"give them a floor in FLOORS: {', '.join(sorted(unplaced))}"


def test_imports_go_down() -> None:
    wrong = [found for found in imports("fedstore") if not found.types_only and goes_up(found)]
    assert not wrong, told(wrong)


def goes_up(found: Import) -> bool:
    """Whether a module of the store imports one from a floor above its own."""
    if found.package != "fedstore" or found.importer == "fedstore":
        return False
    own = FLOOR_OF.get(found.importer.split(".")[1], len(FLOORS))
    names = [found.module.split(".")[1]] if "." in found.module else list(found.names)
    return any(FLOOR_OF.get(name, len(FLOORS)) > own for name in names)


@pytest.mark.parametrize("package", ["fedstore", "fedtop"])
@pytest.mark.parametrize(("types_too", "allowed"), [(False, 0), (True, 1)], ids=["run time", "types"])
def test_rooms_do_not_import_in_circles(package: str, types_too: bool, allowed: int) -> None:
    found = circles({
        (room_of(found.importer), room)
        for found in imports(package)
        if found.package == package and "." in found.importer and (types_too or not found.types_only)
        for room in ([room_of(found.module)] if "." in found.module else found.names)
    })  # fmt: skip
    assert len(found) <= allowed, found


def room_of(module: str) -> str:
    """The folder or file of a package's root that a module belongs to."""
    return module.split(".")[1]


def circles(arrows: set[tuple[str, str]]) -> list[set[str]]:
    """The groups of more than one, each member of which leads to every other."""
    ahead: dict[str, set[str]] = {room: set() for arrow in arrows for room in arrow}
    for start in ahead:
        waiting = [start]
        while waiting:
            room = waiting.pop()
            fresh = {after for before, after in arrows if before == room} - ahead[start]
            ahead[start] |= fresh
            waiting += fresh
    groups = {frozenset(b for b in ahead[a] if a in ahead[b]) for a in ahead if a in ahead[a]}
    return [set(group) for group in groups if len(group) > 1]


def test_sql_stays_in_its_rooms() -> None:
    wrong = [
        f"{name}:{line}: {text.strip()[:60]}"
        for package in ("fedstore", "fedtop")
        for name, path in modules(package).items()
        if not within(name, SPEAKS_SQL)
        for line, text in strings(path)
        if SQL.match(text)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_only_the_engine_knows_the_engine() -> None:
    """No driver, no driver's settings and no file beside the store outside its room and the migrations' frozen text."""
    wrong = [
        str(found)
        for package in ("fedstore", "fedtop")
        for found in imports(package)
        if not found.types_only and not within(found.importer, KNOWS_THE_ENGINE) and is_of_the_engine(found)
    ]
    wrong += [
        f"{name}:{line}: {text.strip()[:60]}"
        for package in ("fedstore", "fedtop")
        for name, path in modules(package).items()
        if not within(name, KNOWS_THE_ENGINE)
        for line, text in strings(path)
        if OF_THE_ENGINE.search(text)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def is_of_the_engine(found: Import) -> bool:
    """Whether a driver is imported, or another part of the engine's room than its face and its types."""
    inside = within(found.module, ["engine"]) and found.module not in ("fedstore.engine", *FACES_OF_THE_ENGINE)
    return inside or found.package in DRIVERS


def test_rooms_that_may_speak_sql_exist() -> None:
    gone = [room for room in SPEAKS_SQL if f"fedstore.{room}" not in modules("fedstore")]
    assert not gone, f"no longer there: {', '.join(gone)}"


def test_dependencies_are_those_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[<>=!~\[ ]", line, maxsplit=1)[0] for line in project["dependencies"]}
    own = sys.stdlib_module_names | OPTIONAL | {"fedstore", "fedtop"}
    used = {found.package for package in ("fedstore", "fedtop") for found in imports(package)} - own
    assert {DISTRIBUTIONS.get(name, name) for name in used} == declared


def test_public_names_are_there_and_typed() -> None:
    face = {
        name
        for found in imports("fedstore")
        if (found.importer, found.package) == ("fedstore", "fedstore") and found.types_only
        for name in found.names
    }
    assert face == set(fedstore.__all__)
    for name in fedstore.__all__:
        assert getattr(fedstore, name) is not None


LOADED = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


def loaded_after(code: str, tmp_path: Path) -> set[str]:
    """The top-level modules that a new interpreter has loaded after running ``code``."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("FEDTOP_")}
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{LOADED}"],
        env=ours | {"FEDTOP_STORE": str(tmp_path / "fedtop.db")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


RUN = """
import sys
from fedtop.__main__ import main
sys.argv[1:] = {args}
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


RECORD = RUN.format(args=["record", "--agent", "a", "--task", "t", "--success", "true"])


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import fedstore", {"textual", "rich", "numpy", "pydantic", "sqlite_utils"}),
        ("from fedstore import Recorder; Recorder().task('a', success=True)", {"textual", "rich", "numpy"}),
        ("from fedstore import Policy; Policy().boost('a')", {"textual", "rich", "numpy", "pydantic"}),
        ("import fedtop.tabs", {"textual", "rich", "numpy", "pydantic", "click", "sqlite_utils"}),
        (RUN.format(args=["--help"]), {"textual", "rich", "numpy", "pydantic", "click"}),
        (RECORD, {"textual", "rich", "numpy", "pydantic", "click", "sqlite_utils"}),
    ],
    ids=["face", "recorder", "policy", "tabs", "help", "record"],
)
@pytest.mark.parametrize("there", [True, False], ids=["a store", "no store yet"])
def test_light_starts(code: str, unwanted: set[str], there: bool, tmp_path: Path) -> None:
    if there:
        fedstore.Store(tmp_path / "fedtop.db").close()
    heavy = unwanted & loaded_after(code, tmp_path)
    assert not heavy
