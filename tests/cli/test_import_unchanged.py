"""The quick lane of `fedtop import`: the very text of the whole command line, or nothing at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fedstore import Store, import_paths
from fedtop.fast_import import parse, try_import
from tests.ingest.helpers import lines
from tests.ingest.test_importer import ROUTES, event, mixed
from tests.ingest.transcripts import Session

ENTRY = "import sys; from fedtop.__main__ import main; sys.exit(main())"
WATCHED = """
import os, sys
opened = []
def note(name, given):
    if name == "open" and isinstance(given[0], str):
        opened.append(given[0])
sys.addaudithook(note)
from fedtop.__main__ import main
try:
    main()
finally:
    root = os.environ["ROOT"]
    print([path for path in opened if path.startswith(root)], file=sys.stderr)
    loaded = {"click", "pydantic", "sqlite_utils", "orjson", "rich", "textual", "numpy", "typing_extensions"}
    print(sorted(loaded & {name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """The environment of a shell that has a store and no settings file."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("FEDTOP_")}
    return {**ours, "FEDTOP_STORE": str(tmp_path / "s.db"), "FEDTOP_CONFIG": str(tmp_path / "c.toml")}


def said(shell: dict[str, str], *words: object, code: str = ENTRY) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, "import", *map(str, words)], env=shell, capture_output=True, text=True, check=False
    )


def test_it_says_what_the_whole_command_line_says_and_opens_nothing(shell: dict[str, str], tmp_path: Path) -> None:
    root = mixed(tmp_path / "root")
    said(shell, root)
    whole = said({**shell, "FEDTOP_ASCII": "false"}, root)  # a variable that the quick lane leaves to the other
    quick = said({**shell, "ROOT": str(root)}, root, code=WATCHED)
    assert quick.stderr.splitlines() == ["[]", "[]"]
    assert (quick.returncode, quick.stdout) == (whole.returncode, whole.stdout)
    assert quick.stdout.splitlines()[-2].startswith("4 files: 0 taken, 6 already there, 1 rejected, 1 file of no known")


@pytest.fixture
def imported(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log that was read into the store that the environment names."""
    for name in [name for name in os.environ if name.startswith("FEDTOP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FEDTOP_STORE", str(store.path))
    monkeypatch.setenv("FEDTOP_CONFIG", str(tmp_path / "c.toml"))
    root = tmp_path / "logs"
    root.mkdir()
    (root / "log.jsonl").write_bytes(lines(*ROUTES[:3]))
    import_paths(store, [root])
    return root


def test_it_leaves_to_the_other_what_may_have_something_new(
    imported: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(imported)]
    assert try_import(words) == 0
    assert capsys.readouterr().out == "1 file: 0 taken, 3 already there, 0 rejected\n"
    log = imported / "log.jsonl"
    os.utime(log, (1, 1))
    assert try_import(words) is None
    import_paths(store, words)
    assert try_import(words) == 0
    (imported / "new.jsonl").write_bytes(lines(event(1)))
    assert try_import(words) is None
    (imported / "new.jsonl").unlink()
    log.rename(imported / "moved.jsonl")
    assert try_import(words) is None


def test_it_leaves_to_the_other_what_time_has_completed(imported: Path, store: Store) -> None:
    s = Session()
    s.prompt()
    s.reply("m1")
    path = imported / "s1.jsonl"
    path.write_bytes(lines(*s.entries))
    import_paths(store, [path], clock=lambda: s.at)
    assert try_import([str(imported)]) is None
    import_paths(store, [path])
    assert try_import([str(imported)]) == 0


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--follow", "x"],
        ["x", "--json"],
        ["--store"],
        ["--store", "--again", "x"],
        ["--store=a", "x"],
        ["~/x"],
        ["a/../b"],
        [""],
    ],
)
def test_it_takes_the_simple_form_only(words: list[str]) -> None:
    assert parse(words) is None
    assert try_import(words) is None


def test_the_simple_form() -> None:
    assert parse(["a/", "/b", "--store", "s.db", "c"]) == ("s.db", ["a", "/b", "c"])


def test_it_stands_back_where_something_is_the_matter(
    imported: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = imported / "letter.txt"
    letter.write_text("Dear reader")
    import_paths(store, [imported])
    assert try_import([str(imported)]) == 0
    assert try_import([str(letter)]) is None, "it is named, so it is told"
    assert try_import([str(tmp_path / "missing")]) is None
    (tmp_path / "c.toml").write_text("readonly = true")
    assert try_import([str(imported)]) is None
    (tmp_path / "c.toml").write_text("not toml [")
    assert try_import([str(imported)]) is None
    (tmp_path / "c.toml").unlink()
    for odd in ("no-store.db", "empty.db"):
        (tmp_path / "empty.db").touch()
        monkeypatch.setenv("FEDTOP_STORE", str(tmp_path / odd))
        assert try_import([str(imported)]) is None
