"""Import of files and folders: find what is of a known format, take what is new in it, say what was done.

Importing twice changes nothing: a watermark per file says how far it was read, and ids tell facts apart where
a file was copied or rewritten. Everything is read as a stream, so a file may be larger than memory.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fedstore.errors import StoreBusyError, StoreError
from fedstore.ids import now_ms
from fedstore.ingest.document import Document
from fedstore.ingest.formats import METRICS, detect, not_read
from fedstore.ingest.gathering import reason_of
from fedstore.ingest.marks import label
from fedstore.ingest.report import FileReport, ImportFailedError, ImportReport
from fedstore.ingest.tail import Tail
from fedstore.recording.writer import FactWriter
from fedstore.store import Store

if TYPE_CHECKING:
    from fedstore.engine.protocol import Engine

__all__ = ["import_paths"]

POLL_S = 1.0
_SKIPPED_FOLDERS = {".git", "node_modules", "__pycache__", ".venv"}
Progress = Callable[[int, int], None]


def import_paths(
    store: Store | Engine,
    paths: Iterable[str | Path],
    *,
    progress: Progress | None = None,
    keep_content: bool = False,
    follow: bool = False,
    again: bool = False,
    on_round: Callable[[ImportReport], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], int] | None = None,
) -> ImportReport:
    """Take the facts of files and folders (searched through) into the store.

    ``progress`` gets (bytes done, bytes in all). ``keep_content`` also stores task descriptions and the text of
    refused lines. ``again`` reads files from the top whatever was read before. ``follow`` goes on polling for
    what is appended and for new files until ``stop`` says so; ``on_round`` gets a report after every round that
    found something. A store that others keep locked is waited for while following.
    Raises ImportFailedError for a path that does not exist, StoreError.
    """
    importer = _Importer(store, paths, keep_content=keep_content, again=again, clock=clock)
    report = importer.round(progress, patient=follow)
    if on_round is not None:
        on_round(report)
    waiting = report.waiting
    while follow and not stop():
        sleep(POLL_S)
        news = importer.round(None, patient=True)
        if on_round is not None and (news.taken or news.rejected or (news.waiting and not waiting)):
            on_round(news)
        waiting = news.waiting
        report.add(news)
    return report


class _Importer:
    """The files of one import and what has been read of each."""

    def __init__(
        self,
        store: Store | Engine,
        paths: Iterable[str | Path],
        *,
        keep_content: bool,
        again: bool,
        clock: Callable[[], int] | None,
    ) -> None:
        self._database = store.database if isinstance(store, Store) else store
        self._clock = clock or (store.clock if isinstance(store, Store) else now_ms)
        self._roots = [Path(path).expanduser() for path in paths]
        self._keep_content = keep_content
        self._again = again
        self._open: dict[Path, Tail | Document] = {}
        self._stats: dict[Path, tuple[int, int]] = {}
        self._other: dict[Path, tuple[int, int]] = {}
        self._rounds = 0
        for root in self._roots:
            if not root.exists():
                raise ImportFailedError(f"there is no file or folder {label(root)}: check the path")
            if not (root.is_dir() or root.is_file()):
                raise ImportFailedError(f"{label(root)} is neither a file nor a folder: nothing to import from it")

    def round(self, progress: Progress | None, *, patient: bool = False) -> ImportReport:
        """Look at every file once. Raises StoreError; when `patient`, a report of waiting for a locked store."""
        report = ImportReport()
        try:
            self._look(report, progress)
        except StoreBusyError as error:
            if not patient:
                raise
            report.waiting = str(error)
        return report

    def _look(self, report: ImportReport, progress: Progress | None) -> None:
        found = list(self._due(report))
        total = sum(size for _, _, (_, size) in found)
        done = 0
        for path, kind, seen in found:
            step = None if progress is None else _step(progress, done, total)
            report.files.append(self._read(path, kind, step))
            self._stats[path] = seen
            done += seen[1]
            if progress is not None:
                progress(done, total)
        self._rounds += 1

    def _due(self, report: ImportReport) -> Iterator[tuple[Path, str, tuple[int, int]]]:
        """The files worth reading: their path, format, and time of change and size."""
        for path, named in self._walk(report):
            try:
                stat = path.stat()
                seen = (stat.st_mtime_ns, stat.st_size)
                if self._other.get(path) == seen or (self._stats.get(path) == seen and not self._waits(path)):
                    continue
                kind = self._format(path)
            except OSError as error:
                self._unreadable(path, error, report)
                continue
            except Exception as error:  # noqa: BLE001 - a file that nobody can tell must not keep out the others
                self._other[path] = seen
                report.files.append(FileReport(label(path), "", note=f"not of a known format ({reason_of(error)})"))
                continue
            if kind is None or not_read(kind):
                self._other[path] = seen
                self._leave_out(path, kind, named, report)
                continue
            yield path, kind, seen

    def _format(self, path: Path) -> str | None:
        """The format of a file: it may have been replaced since by one of another. Raises OSError."""
        source = self._open.get(path)
        if source is not None and source.stands():
            return source.format
        return detect(path) or (source.format if source is not None else None)

    def _waits(self, path: Path) -> bool:
        """Whether time alone has completed facts that a file held back."""
        source = self._open.get(path)
        return source is not None and source.is_due(self._clock())

    def _leave_out(self, path: Path, kind: str | None, named: bool, report: ImportReport) -> None:
        report.skipped += kind is None
        if kind is not None:
            report.files.append(FileReport(label(path), kind, note=not_read(kind)))
        elif named:
            report.files.append(FileReport(label(path), "", note="not of a known format"))

    def _unreadable(self, path: Path, error: OSError, report: ImportReport) -> None:
        if self._rounds == 0:
            report.files.append(FileReport(label(path), "", note=f"cannot be read: {error.strerror}"))

    def _walk(self, report: ImportReport) -> Iterator[tuple[Path, bool]]:
        """Regular files below the roots, in a fixed order, each once; and whether the user named it."""
        seen: set[Path] = set()
        closed: list[OSError] = []
        for root in self._roots:
            for path in sorted(_files(root, closed.append), key=str):
                if path not in seen:
                    seen.add(path)
                    yield path, path == root
        for error in closed:
            self._unreadable(Path(error.filename), error, report)

    def _read(self, path: Path, kind: str, step: Callable[[int], None] | None) -> FileReport:
        source = self._open.get(path)
        if source is None or source.format != kind or not source.stands():
            source = self._open[path] = self._source(path, kind)
        try:
            return source.read(step)
        except OSError as error:
            return FileReport(label(path), kind, note=f"cannot be read: {error.strerror}")
        except StoreError:
            self._forget(path)
            raise
        except Exception as error:  # noqa: BLE001 - a file that cannot be read must not keep out the others
            self._open.pop(path)
            return FileReport(label(path), kind, note=f"cannot be read further: {reason_of(error)}")

    def _forget(self, path: Path) -> None:
        """Read a file again from its watermark: what was gathered since could not be written."""
        self._open.pop(path, None)
        self._stats.pop(path, None)

    def _source(self, path: Path, kind: str) -> Tail | Document:
        writer = FactWriter(self._database, source=kind, keep_content=self._keep_content, clock=self._clock)
        again = self._again and self._rounds == 0
        if kind == METRICS:
            return Document(path, self._database, writer, self._clock, keep_content=self._keep_content, again=again)
        return Tail(path, kind, self._database, writer, self._clock, keep_content=self._keep_content, again=again)


def _step(progress: Progress, done: int, total: int) -> Callable[[int], None]:
    def step(offset: int) -> None:
        progress(min(done + offset, total), total)

    return step


def _files(root: Path, on_error: Callable[[OSError], None]) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for folder, folders, names in os.walk(root, onerror=on_error):
        folders[:] = [name for name in folders if name not in _SKIPPED_FOLDERS]
        for name in names:
            path = Path(folder, name)
            if path.is_file():
                yield path
