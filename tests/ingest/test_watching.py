"""Which files are looked at: each once however it is reached, and every change within its time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedstore.ingest import watching
from fedstore.ingest.watching import COLD_FILES, COLD_FOLDERS, HOT_S, WALK_S, Watch

if TYPE_CHECKING:
    import pytest

NOW = 1_773_140_000.0
OLD = NOW - 10 * HOT_S


class Times:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        return self.at


def put(path: Path, text: str = "x", at: float = OLD) -> Path:
    """A file that was changed then, in folders that were."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (at, at))
    return path


def age(root: Path) -> None:
    """Everything was changed long ago."""
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            os.utime(path, (OLD, OLD))


def names(found: list[tuple[str, object]], root: Path) -> list[str]:
    return [os.path.relpath(path, root) for path, _ in found]


def seen_within(watch: Watch, times: int) -> dict[str, object]:
    """What so many looks find."""
    found: dict[str, object] = {}
    for _ in range(times):
        found |= dict(watch.changed())
    return found


def test_files_come_in_order_and_folders_of_tools_are_left_out(tmp_path: Path) -> None:
    for name in ("b/2.jsonl", "b.jsonl", "a/1.jsonl", ".git/x", "b/node_modules/y", "b/deep/3.jsonl"):
        put(tmp_path / name)
    expected = ["a/1.jsonl", "b.jsonl", "b/2.jsonl", "b/deep/3.jsonl"]
    assert names(Watch([str(tmp_path)]).all(), tmp_path) == expected


def test_links_are_followed_and_what_is_reached_twice_is_taken_once(tmp_path: Path) -> None:
    """A link to a folder elsewhere, to one inside, to the root itself, to a file, to nothing; and a hard link."""
    root, elsewhere = tmp_path / "root", tmp_path / "real"
    put(elsewhere / "shop" / "1.jsonl")
    put(root / "own" / "2.jsonl")
    put(tmp_path / "alone.jsonl")
    (root / "a-link").symlink_to(elsewhere / "shop", target_is_directory=True)
    (root / "b-link").symlink_to(elsewhere / "shop", target_is_directory=True)
    (root / "own" / "loop").symlink_to(root, target_is_directory=True)
    (root / "own" / "self").symlink_to(root / "own", target_is_directory=True)
    (root / "z-file.jsonl").symlink_to(tmp_path / "alone.jsonl")
    (root / "broken").symlink_to(tmp_path / "nothing")
    os.link(root / "own" / "2.jsonl", root / "own" / "3.jsonl")
    watch = Watch([str(root)])
    assert names(watch.all(), root) == ["a-link/1.jsonl", "own/2.jsonl", "z-file.jsonl"]
    assert watch.errors == []
    assert Watch([str(root), str(root / "own"), str(elsewhere)]).all() == Watch([str(root)]).all()


def test_a_file_that_was_written_to_lately_is_looked_at_each_time(tmp_path: Path) -> None:
    times = Times()
    file = put(tmp_path / "a.jsonl", at=NOW - 5)
    watch = Watch([str(tmp_path)], times)
    watch.all()
    assert watch.changed() == []
    put(file, "xx", at=NOW)
    assert names(watch.changed(), tmp_path) == ["a.jsonl"]
    assert watch.changed() == []


def test_every_change_of_a_quiet_tree_is_found_in_its_turn(tmp_path: Path) -> None:
    times = Times()
    root = tmp_path / "root"
    files = [put(root / f"p{n % 7}" / f"{n}.jsonl") for n in range(60)]
    age(root)
    watch = Watch([str(root)], times)
    watch.all()
    assert seen_within(watch, 2 * COLD_FILES) == {}
    put(files[33], "xx")
    assert names([*seen_within(watch, COLD_FILES + 1).items()], root) == ["p5/33.jsonl"]
    put(root / "p3" / "new.jsonl")
    put(root / "new" / "deep" / "er.jsonl")
    files[7].unlink()
    files[8].rename(root / "p2" / "moved.jsonl")
    found = seen_within(watch, COLD_FOLDERS + 1)
    assert sorted(names([*found.items()], root)) == [
        "new/deep/er.jsonl", "p0/7.jsonl", "p1/8.jsonl", "p2/moved.jsonl", "p3/new.jsonl",
    ]  # fmt: skip
    assert found[str(files[7])] is None
    assert found[str(files[8])] is None


def test_what_no_folder_tells_is_found_by_walking_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = Times()
    put(tmp_path / "a" / "1.jsonl")
    age(tmp_path)
    watch = Watch([str(tmp_path)], times)
    watch.all()
    put(tmp_path / "a" / "2.jsonl")
    (tmp_path / "a" / "1.jsonl").unlink()
    age(tmp_path)
    monkeypatch.setattr(Watch, "_look_into", lambda *_: None)
    monkeypatch.setattr(Watch, "_look_at", lambda *_: None)
    assert watch.changed() == []
    times.at += WALK_S
    found = dict(watch.changed())
    assert found[str(tmp_path / "a" / "1.jsonl")] is None
    assert found[str(tmp_path / "a" / "2.jsonl")] is not None


def test_a_named_file_is_looked_at_each_time_also_where_another_takes_its_place(tmp_path: Path) -> None:
    times = Times()
    file = put(tmp_path / "performance.jsonl")
    watch = Watch([str(file)], times)
    watch.all()
    file.rename(tmp_path / "performance-1.jsonl")
    assert watch.changed() == [(str(file), None)]
    put(file, "yy")
    assert names(watch.changed(), tmp_path) == ["performance.jsonl"]


def test_thousands_of_old_files_cost_few_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    for n in range(600):
        put(root / f"p{n % 40}" / f"{n}.jsonl")
    age(root)
    watch = Watch([str(root)], Times())
    watch.all()
    looks: list[str] = []
    stat = os.stat
    monkeypatch.setattr(watching.os, "stat", lambda path: looks.append(path) or stat(path))
    monkeypatch.setattr(watching.os, "scandir", None)
    for _ in range(5):
        looks.clear()
        assert watch.changed() == []
        assert len(looks) <= 600 / COLD_FILES + 41 / COLD_FOLDERS + 2


Step = tuple[str, int]
steps = st.lists(st.tuples(st.sampled_from(["write", "new", "gone", "move", "folder"]), st.integers(0, 9)), max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_whatever_happens_it_comes_to_what_is_there(tmp_path_factory: pytest.TempPathFactory, todo: list[Step]) -> None:
    """What was found, kept up to date by what is told to have changed, is in the end what a new walk finds."""
    root = tmp_path_factory.mktemp("root")
    times = Times()
    times.at = root.stat().st_mtime + HOT_S * 3
    for n in range(5):
        put(root / f"p{n % 2}" / f"{n}.jsonl", at=times.at - 2 * HOT_S)
    watch = Watch([str(root)], times)
    known = dict(watch.all())
    for number, (what, n) in enumerate(todo):
        path = root / f"p{n % 2}" / f"{n}.jsonl"
        if what == "new" or (what == "write" and path.exists()):
            put(path, "x" * (number + 2), at=times.at)
        elif what == "gone":
            path.unlink(missing_ok=True)
        elif what == "move" and path.exists():
            path.replace(root / f"p{(n + 1) % 2}" / f"{n}.jsonl")
        elif what == "folder":
            put(root / f"q{n}" / "deep" / "f.jsonl", at=times.at - 2 * HOT_S)
        for path_, seen in watch.changed():
            known[path_] = seen  # type: ignore[assignment]
        times.at += 1
    for _ in range(COLD_FILES + COLD_FOLDERS):
        known |= dict(watch.changed())  # type: ignore[arg-type]
    assert {path: seen for path, seen in known.items() if seen is not None} == dict(Watch([str(root)]).all())
