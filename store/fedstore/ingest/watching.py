"""Which files below some paths to look at: all of them once, then those that may have changed.

A folder tells by its own time of change that something came or went, so what is looked at every second is the files
that somebody wrote to lately, and of all others and of the folders a share each time, in turn: thousands of old files
cost next to nothing. Everything is walked again now and then, for file systems whose folders do not tell.

Standard library only: the shell's quick lane walks too.
"""

from __future__ import annotations

import os
import stat as modes
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias

    Seen: TypeAlias = tuple[int, int, int, int]
    """A file as it was: device, number on it, size in bytes, and when it was changed (nanoseconds)."""
    Found: TypeAlias = tuple[str, Seen]

__all__ = ["Watch", "seen_of"]

_SKIPPED_FOLDERS = frozenset({".git", "node_modules", "__pycache__", ".venv"})
COMPRESSED = (".jsonl.zst", ".jsonl.gz")
"""How the names of compressed files end; where the plain file lies beside one, it is read in its place."""
HOT_S = 600.0
"""So long after its last change a file or folder is looked at each time."""
COLD_FILES = 15
"""Each other file is looked at once in so many times."""
COLD_FOLDERS = 4
"""And each other folder."""
WALK_S = 180.0
"""So often, in seconds, everything is walked again."""
_COARSE_NS = 2_000_000_000
"""What a file system with coarse times may hide: two changes within it can have the same time."""
_SIGNED = 1 << 63


def seen_of(stat: os.stat_result) -> Seen:
    """What tells a file, as it is now, from any other and from itself once it has changed."""
    return stat.st_dev % _SIGNED, stat.st_ino % _SIGNED, stat.st_size, stat.st_mtime_ns


def _below(
    root: str, entered: set[tuple[int, int]], on_error: Callable[[OSError], None], folders: dict[str, int]
) -> Iterator[Found]:
    """The files at or below a path; its folders, with their times of change, are added to `folders`.

    Links are followed; a folder that is reached in several ways is entered once, so loops end.
    """
    try:
        stat = os.stat(root)
    except OSError as error:
        on_error(error)
        return
    if modes.S_ISREG(stat.st_mode):
        yield root, seen_of(stat)
    waiting = [(root, stat)] if modes.S_ISDIR(stat.st_mode) else []
    while waiting:
        folder, stat = waiting.pop()
        identity = seen_of(stat)[:2]
        if identity[1] and identity in entered:
            continue
        entered.add(identity)
        folders[folder] = stat.st_mtime_ns
        for path, inside in sorted(_inside(folder, on_error), reverse=True):
            if modes.S_ISREG(inside.st_mode):
                yield path, seen_of(inside)
            elif modes.S_ISDIR(inside.st_mode) and os.path.basename(path) not in _SKIPPED_FOLDERS:
                waiting.append((path, inside))


def _inside(folder: str, on_error: Callable[[OSError], None]) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    yield entry.path, entry.stat()
                except OSError:  # a link to nothing, or gone meanwhile
                    continue
    except OSError as error:
        on_error(error)


class _Turns:
    """Names that take turns: a share of them each time, so that all come up once in so many times."""

    def __init__(self, times: int) -> None:
        self._times = times
        self._names: list[str] = []
        self._known: set[str] = set()
        self._next = 0

    def add(self, name: str) -> None:
        if name not in self._known:
            self._known.add(name)
            self._names.append(name)

    def drop(self, name: str) -> None:
        self._known.discard(name)

    def share(self) -> list[str]:
        names, first = self._names, self._next
        if first >= len(names):
            self._names = names = [name for name in names if name in self._known]
            first = 0
        size = -(-len(names) // self._times)
        self._next = first + size
        return [name for name in names[first : first + size] if name in self._known]


class Watch:
    """Regular files at or below some paths, each once, looked at again and again. `now` is in seconds since 1970."""

    def __init__(self, roots: Sequence[str], now: Callable[[], float] = time.time) -> None:
        self.errors: list[OSError] = []
        """Folders that could not be read when everything was walked last."""
        self._roots = roots
        self._now = now
        self._files: dict[str, Seen] = {}
        self._paths: dict[tuple[int, int], str] = {}
        self._names: dict[str, set[str]] = {}
        self._folders: dict[str, int] = {}
        self._hot_files: dict[str, float] = {}
        self._hot_folders: dict[str, float] = {}
        self._cold_files = _Turns(COLD_FILES)
        self._cold_folders = _Turns(COLD_FOLDERS)
        self._walked = 0.0

    def all(self) -> list[Found]:
        """Every file; from now on `changed` tells what is different."""
        self._walked = self._now()
        self.errors = []
        self._files, self._paths, self._names = {}, {}, {}
        folders: dict[str, int] = {}
        entered: set[tuple[int, int]] = set()
        found = []
        for root in self._roots:
            for path, seen in sorted(_below(root, entered, self.errors.append, folders)):
                if self._is_first(path, seen):
                    self._note(path, seen)
                    found.append((path, seen))
        for folder, changed_ns in folders.items():
            self._note_folder(folder, changed_ns)
        for folder in self._folders.keys() - folders.keys():
            self._forget_folder(folder)
        return found

    def changed(self) -> list[tuple[str, Seen | None]]:
        """The files that are new or have changed since they were looked at last; None for one that is gone."""
        before = self._files
        if self._now() - self._walked >= WALK_S:
            found = dict(self.all())
            gone = [(path, None) for path in before if path not in found]
            return [*gone, *((path, seen) for path, seen in found.items() if before.get(path) != seen)]
        news: dict[str, Seen | None] = {}
        for folder in dict.fromkeys((*_cooling(self._hot_folders, self._now()), *self._cold_folders.share())):
            self._look_into(folder, news)
        named = [root for root in self._roots if root not in self._folders]
        hot = _cooling(self._hot_files, self._now())
        for path in dict.fromkeys((*named, *hot, *self._cold_files.share())):
            if path not in news:
                self._look_at(path, news)
        return sorted(news.items())

    # --- one file, one folder ------------------------------------------------------------------------------

    def _look_at(self, path: str, news: dict[str, Seen | None]) -> None:
        try:
            stat = os.stat(path)
        except OSError:
            stat = None
        if stat is None or not modes.S_ISREG(stat.st_mode):
            if self._files.pop(path, None) is not None:
                self._forget(path)
                news[path] = None
            return
        seen = seen_of(stat)
        if self._files.get(path) != seen and self._is_first(path, seen):
            self._note(path, seen)
            news[path] = seen

    def _look_into(self, folder: str, news: dict[str, Seen | None]) -> None:
        try:
            changed_ns = os.stat(folder).st_mtime_ns
        except OSError:
            self._forget_folder(folder)
            return
        known = self._folders.get(folder)
        recent = self._now() * 1e9 - changed_ns < _COARSE_NS
        if changed_ns == known and not recent:
            return
        self._note_folder(folder, changed_ns)
        for path, stat in sorted(_inside(folder, self.errors.append)):
            if modes.S_ISREG(stat.st_mode):
                seen = seen_of(stat)
                if self._files.get(path) != seen and self._is_first(path, seen):
                    self._note(path, seen)
                    news[path] = seen
            elif modes.S_ISDIR(stat.st_mode) and path not in self._folders:
                self._look_below(path, news)
        for path in self._names.get(folder, set()) - news.keys():
            self._look_at(path, news)

    def _look_below(self, folder: str, news: dict[str, Seen | None]) -> None:
        """A folder that is new, with all that lies in it."""
        if os.path.basename(folder) in _SKIPPED_FOLDERS:
            return
        entered = set()
        for known in self._folders:
            try:
                entered.add(seen_of(os.stat(known))[:2])
            except OSError:
                continue
        folders: dict[str, int] = {}
        for path, seen in sorted(_below(folder, entered, self.errors.append, folders)):
            if self._is_first(path, seen):
                self._note(path, seen)
                news[path] = seen
        for path, changed_ns in folders.items():
            self._note_folder(path, changed_ns)

    def _is_first(self, path: str, seen: Seen) -> bool:
        """Whether a file has no other known name that still is its own, and is no copy of a plain one beside it."""
        if path.endswith(COMPRESSED) and path.rpartition(".")[0] in self._files:
            return False
        other = self._paths.get(seen[:2])
        if other is None or other == path or not seen[1]:
            return True
        try:
            return seen_of(os.stat(other))[:2] != seen[:2]
        except OSError:
            return True

    def _note(self, path: str, seen: Seen) -> None:
        self._files[path] = seen
        self._paths[seen[:2]] = path
        self._names.setdefault(os.path.dirname(path), set()).add(path)
        self._cold_files.add(path)
        if self._now() - seen[3] / 1e9 < HOT_S:
            self._hot_files[path] = seen[3] / 1e9 + HOT_S

    def _forget(self, path: str) -> None:
        self._names[os.path.dirname(path)].discard(path)
        self._hot_files.pop(path, None)
        self._cold_files.drop(path)

    def _note_folder(self, folder: str, changed_ns: int) -> None:
        self._folders[folder] = changed_ns
        self._cold_folders.add(folder)
        if self._now() - changed_ns / 1e9 < HOT_S:
            self._hot_folders[folder] = changed_ns / 1e9 + HOT_S

    def _forget_folder(self, folder: str) -> None:
        self._folders.pop(folder, None)
        self._hot_folders.pop(folder, None)
        self._cold_folders.drop(folder)


def _cooling(hot: dict[str, float], now: float) -> list[str]:
    """The names that are still hot; the others are dropped."""
    for name in [name for name, until in hot.items() if until < now]:
        del hot[name]
    return list(hot)
