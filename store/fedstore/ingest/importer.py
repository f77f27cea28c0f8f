"""Import of files and folders: find what is of a known format, take what is new in it, say what was done.

Importing twice changes nothing: a watermark per file says how far it was read and as what (a file that still is so is
not opened), and ids tell facts apart where a file was copied or rewritten. Everything is read as a stream, so a file
may be larger than memory.
"""

from __future__ import annotations

import json
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from fedstore.errors import StoreBusyError, StoreError
from fedstore.ids import now_ms
from fedstore.ingest.document import Document
from fedstore.ingest.formats import METRICS, detect, formats_id, not_read
from fedstore.ingest.gathering import reason_of
from fedstore.ingest.marks import Known, known_marks, label, place_of, save_unknown
from fedstore.ingest.report import FileReport, ImportFailedError, ImportReport
from fedstore.ingest.tail import Tail
from fedstore.ingest.watching import Watch
from fedstore.recording.writer import FactWriter
from fedstore.store import Store

if TYPE_CHECKING:
    from fedstore.engine.protocol import Engine
    from fedstore.ingest.watching import Seen

__all__ = ["import_paths"]

POLL_S = 1.0
_OPEN_FILES = 64
"""So many files stay open while they are followed: those written to last."""
_KEEPS_OPEN = os.name != "nt"
"""On Windows nobody could rename a file that we hold."""
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

    `progress` gets (bytes done, bytes in all). `keep_content` also stores task descriptions and the text of
    refused lines. `again` reads files from the top whatever was read before. `follow` goes on with what is appended and
    with new files until `stop` says so: within a second or four for files and folders that somebody wrote to lately,
    within a quarter of a minute for others. `on_round` gets a report after every round that found something. A store
    that others keep locked is waited for while following.
    Raises ImportFailedError for a path that does not exist, StoreError.
    """
    importer = _Importer(store, paths, keep_content=keep_content, again=again, follow=follow, clock=clock)
    try:
        report = importer.round(progress)
        if on_round is not None:
            on_round(report)
        waiting = report.waiting
        while follow and not stop():
            sleep(POLL_S)
            news = importer.round(None)
            if on_round is not None and (news.taken or news.rejected or (news.waiting and not waiting)):
                on_round(news)
            waiting = news.waiting
            report.add(news)
    finally:
        importer.close()
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
        follow: bool,
        clock: Callable[[], int] | None,
    ) -> None:
        self._database = store.database if isinstance(store, Store) else store
        self._clock = clock or (store.clock if isinstance(store, Store) else now_ms)
        roots = [Path(path).expanduser() for path in paths]
        for root in roots:
            if not root.exists():
                raise ImportFailedError(f"there is no file or folder {label(root)}: check the path")
            if not (root.is_dir() or root.is_file()):
                raise ImportFailedError(f"{label(root)} is neither a file nor a folder: nothing to import from it")
        self._named = {str(root) for root in roots}
        self._watch = Watch([str(root) for root in roots])
        self._keep_content = keep_content
        self._again = again
        self._follow = follow
        self._sources: OrderedDict[str, Tail | Document] = OrderedDict()
        self._due: dict[str, tuple[int, str]] = {}
        self._waiting: dict[str, Seen | None] = {}
        self._unknown: list[tuple[str, Seen, str, str]] = []
        self._first = True

    def round(self, progress: Progress | None) -> ImportReport:
        """Look at every file that may have something new, at first at all. Raises StoreError.

        While following, a store that others keep locked is waited for; the report says so then.
        """
        report = ImportReport()
        try:
            self._look(report, progress)
        except StoreBusyError as error:
            if not self._follow:
                raise
            report.waiting = str(error)
        return report

    def close(self) -> None:
        """Let go of all files."""
        while self._sources:
            self._sources.popitem()[1].close()

    # --- what to look at -----------------------------------------------------------------------------------

    def _look(self, report: ImportReport, progress: Progress | None) -> None:
        self._waiting |= self._all(report) if self._first else dict(self._watch.changed())
        self._first = False
        ready = {}
        for path, seen in list(self._waiting.items()):
            kind = self._make_ready(path, seen, report)
            if seen is None or kind is None:
                del self._waiting[path]
            else:
                ready[path] = kind, seen[2]
        done, total = 0, sum(size for _, size in ready.values())
        for path, (kind, size) in ready.items():
            if path not in self._sources:
                self._sources[path] = self._source(path, kind)
            self._read(path, report, None if progress is None else _step(progress, done, total))
            self._keep(path)
            del self._waiting[path]
            done += size
            if progress is not None:
                progress(done, total)
        for path in [path for path, (due_ms, _) in self._due.items() if due_ms <= self._clock()]:
            self._settle(path, report)
        if self._unknown:
            save_unknown(self._database, self._unknown, formats_id(), self._clock())
            self._unknown = []
        self._again = False

    def _all(self, report: ImportReport) -> dict[str, Seen]:
        """The files that are not as their marks say; the others are told as they are known."""
        known = {} if self._again else known_marks(self._database, formats_id())
        found = {}
        for path, seen in self._watch.all():
            mark = known.get(place_of(path))
            if mark is None or mark.seen != seen:
                found[path] = seen
            else:
                self._tell_known(path, mark, report)
        for error in self._watch.errors:
            self._unreadable(str(error.filename), error, report)
        return found

    def _tell_known(self, path: str, mark: Known, report: ImportReport) -> None:
        if not mark.format:
            self._leave_out(path, None, report)
            return
        if mark.due_ms is not None:
            self._due[path] = mark.due_ms, mark.format
            if mark.due_ms <= self._clock():
                return
        file = FileReport(label(path), mark.format, known=mark.facts, rejected=mark.rejected)
        file.unfinished = mark.unfinished
        if mark.said:
            said = json.loads(mark.said)
            file.boosts, file.note = said["boosts"], said["note"]
        report.files.append(file)

    # --- one file ------------------------------------------------------------------------------------------

    def _make_ready(self, path: str, seen: Seen | None, report: ImportReport) -> str | None:
        """The format of what is to be read at a path; what was read there and lies elsewhere now is read to its end."""
        former = self._sources.get(path)
        if former is not None and former.is_left(seen):
            self._read(path, report, None)
        if seen is None:
            self._due.pop(path, None)
            self._let_go(path)
            return None
        if former is not None and former.goes_on(seen):
            return former.format
        self._let_go(path)
        return self._format(path, seen, former, report)

    def _format(self, path: str, seen: Seen, former: Tail | Document | None, report: ImportReport) -> str | None:
        """The format of a file that is to be read; one that is being written keeps the former one's."""
        try:
            kind = detect(Path(path)) or (former.format if former is not None else None)
        except OSError as error:
            self._unreadable(path, error, report)
            return None
        except Exception as error:  # noqa: BLE001 - a file that nobody can tell must not keep out the others
            report.files.append(FileReport(label(path), "", note=f"not of a known format ({reason_of(error)})"))
            return None
        if kind is not None and not not_read(kind):
            return kind
        said = {"boosts": {}, "note": not_read(kind) if kind else ""}
        self._unknown.append((place_of(path), seen, kind or "", json.dumps(said)))
        self._leave_out(path, kind, report)
        return None

    def _leave_out(self, path: str, kind: str | None, report: ImportReport) -> None:
        report.skipped += kind is None
        if kind is not None:
            report.files.append(FileReport(label(path), kind, note=not_read(kind)))
        elif path in self._named:
            report.files.append(FileReport(label(path), "", note="not of a known format"))

    def _unreadable(self, path: str, error: OSError, report: ImportReport) -> None:
        report.files.append(FileReport(label(path), "", note=f"cannot be read: {error.strerror}"))

    def _source(self, path: str, kind: str) -> Tail | Document:
        writer = FactWriter(self._database, source=kind, keep_content=self._keep_content, clock=self._clock)
        given = self._database, writer, self._clock
        if kind == METRICS:
            return Document(Path(path), *given, keep_content=self._keep_content, again=self._again)
        return Tail(Path(path), kind, *given, keep_content=self._keep_content, again=self._again)

    def _read(self, path: str, report: ImportReport, step: Callable[[int], None] | None) -> None:
        source = self._sources[path]
        try:
            report.files.append(source.read(step))
        except OSError as error:
            report.files.append(FileReport(label(path), source.format, note=f"cannot be read: {error.strerror}"))
        except StoreError:  # what was gathered could not be written: it is read again from its watermark
            self._let_go(path)
            raise
        except Exception as error:  # noqa: BLE001 - a file that cannot be read must not keep out the others
            self._let_go(path)
            note = f"cannot be read further: {reason_of(error)}"
            report.files.append(FileReport(label(path), source.format, note=note))

    def _keep(self, path: str) -> None:
        """Keep a file that is followed open; let go of the one that was written to longest ago."""
        source = self._sources.get(path)
        if source is None:
            return
        self._await(path, source)
        if not (self._follow and _KEEPS_OPEN):
            self._let_go(path)
            return
        self._sources.move_to_end(path)
        others = [name for name in self._sources if name not in self._named]
        if len(others) > _OPEN_FILES:
            self._let_go(others[0])

    def _let_go(self, path: str) -> None:
        if path in self._sources:
            self._sources.pop(path).close()

    def _await(self, path: str, source: Tail | Document) -> None:
        due_ms = source.due_ms()
        if due_ms is None:
            self._due.pop(path, None)
        else:
            self._due[path] = due_ms, source.format

    def _settle(self, path: str, report: ImportReport) -> None:
        """Take what time alone has completed of a file."""
        if path in self._sources:
            self._read(path, report, None)
            self._keep(path)
            return
        tail = self._source(path, self._due[path][1])
        try:
            report.files.append(tail.settle())
        except (StoreError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - as for any file
            report.files.append(FileReport(label(path), tail.format, note=f"cannot be read: {reason_of(error)}"))
        self._await(path, tail)


def _step(progress: Progress, done: int, total: int) -> Callable[[int], None]:
    def step(offset: int) -> None:
        progress(min(done + offset, total), total)

    return step
