"""One file of lines, read from where it was left: its watermark, its reader, its batches.

A ``Tail`` lives as long as an import or as the following of a file. The facts of a batch are written first,
then the watermark that has passed them together with the refused lines, so that a crash loses nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from fedstore.cleaning import TEXT_LIMIT, clean_text
from fedstore.errors import EventError
from fedstore.facts.events import Event, RunState
from fedstore.ingest.formats import LineReader, reader_for
from fedstore.ingest.lines import MAX_LINE_BYTES, Line, LineStream, digest, head_digest, new_hasher, parse_line
from fedstore.ingest.marks import Mark, Reject, find_mark, label, save_mark
from fedstore.ingest.report import FileReport

if TYPE_CHECKING:
    import hashlib
    from pathlib import Path

    from fedstore.engine.protocol import Engine
    from fedstore.recording.writer import FactWriter

__all__ = ["BATCH", "Tail"]

BATCH = 1_000
_BATCH_BYTES = 16 * 1024 * 1024
_BLOCK = 1024 * 1024
_SAMPLE = 4_096

Progress = Callable[[int], None]


class Tail:
    """Reads what a file has gained. ``read`` may be called again and again; ``again`` starts from the top."""

    def __init__(
        self,
        path: Path,
        found: str,
        database: Engine,
        writer: FactWriter,
        clock: Callable[[], int],
        *,
        keep_content: bool = False,
        again: bool = False,
    ) -> None:
        self.path = path
        self.format = found
        self._database = database
        self._writer = writer
        self._clock = clock
        self._keep_content = keep_content
        self._again = again
        self._mark: Mark | None = None
        self._hasher = new_hasher()
        self._sample = b""
        self._reader: LineReader = reader_for(found, {}, path)
        self._events: list[tuple[Event, Line]] = []
        self._bytes = 0
        self._rejects: list[Reject] = []
        self._saved_state = "{}"
        self._told: list[RunState] = []
        self.unfinished = False

    def read(self, progress: Progress | None = None) -> FileReport:
        """Take what is new in the file. Raises StoreError, OSError."""
        report = FileReport(label(self.path), self.format)
        self.unfinished = False
        with self.path.open("rb") as file:
            self._begin(file, report)
            if progress is not None:
                progress(self._offset)
            stream = LineStream(file, self._offset, self._mark.lines if self._mark else 0, self._hasher)
            for line in stream:
                self._take(line, stream)
                if len(self._events) + len(self._rejects) >= BATCH or self._bytes >= _BATCH_BYTES:
                    self._commit(stream, report)
                    if progress is not None:
                        progress(stream.offset)
            self._finish(stream, report)
            self._remember(file, stream.offset)
            if progress is not None:
                progress(os.fstat(file.fileno()).st_size)
        report.unfinished = self.unfinished
        return report

    def stands(self) -> bool:
        """Whether the file still continues what was read of it (it was not replaced or cut)."""
        if not self._offset:
            return False
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._offset:
                    return False
                file.seek(max(0, self._offset - _SAMPLE))
                return file.read(min(_SAMPLE, self._offset)) == self._sample
        except OSError:
            return False

    @property
    def holding(self) -> bool:
        """Whether the reader holds back facts that time alone completes."""
        return bool(getattr(self._reader, "holding", False))

    @property
    def _offset(self) -> int:
        return self._mark.offset if self._mark is not None else 0

    # --- where to begin ------------------------------------------------------------------------------------

    def _begin(self, file: BinaryIO, report: FileReport) -> None:
        """Find the watermark on the first read; count what lies before it as already there."""
        if self._mark is not None:
            return
        head = head_digest(self.path)
        if head is None:  # not one whole line yet: nothing to know the file by
            return
        fresh = Mark(head, label(self.path), self.format)
        mark = None if self._again else find_mark(self._database, head)
        hasher = _prefix(file, mark.offset) if mark is not None and mark.format == self.format else None
        if mark is None or hasher is None or hasher.hexdigest() != mark.body:
            self._mark = fresh
            return
        self._mark, self._hasher = mark, hasher
        mark.path = fresh.path
        report.known, report.rejected = mark.facts, mark.rejected
        self._saved_state = mark.state
        self._reader = reader_for(self.format, json.loads(mark.state), self.path)

    def _remember(self, file: BinaryIO, offset: int) -> None:
        file.seek(max(0, offset - _SAMPLE))
        self._sample = file.read(min(_SAMPLE, offset))

    # --- lines to events -----------------------------------------------------------------------------------

    def _take(self, line: Line, stream: LineStream) -> None:
        if line.raw is None:
            self._reject(line, f"line longer than {MAX_LINE_BYTES // 1024 // 1024} MiB")
            return
        try:
            values = parse_line(line.raw)
        except EventError as error:
            if line.whole:
                self._reject(line, str(error))
            else:
                self.unfinished = True
            return
        if not line.whole:
            if not all(isinstance(value, dict) for value in values):
                self.unfinished = True  # a number or a word may go on
                return
            stream.take(line)
        self._bytes += line.size
        for value in values:
            try:
                self._events.extend((event, line) for event in self._reader.read(value))
            except EventError as error:
                self._reject(line, str(error))

    def _reject(self, line: Line, reason: str) -> None:
        raw = line.raw or b""
        said = digest(raw) if line.raw is not None else digest(f"{line.offset}+{line.size}".encode())
        text = clean_text(raw[: 4 * TEXT_LIMIT].decode("utf-8", "replace")) if self._keep_content else None
        self._rejects.append(Reject(line.number, line.offset, clean_text(reason, 500), said, text))

    # --- batches -------------------------------------------------------------------------------------------

    def _commit(self, stream: LineStream, report: FileReport) -> None:
        """Write the facts so far, then the watermark and the refused lines."""
        events, self._events, self._bytes = self._events, [], 0
        receipt = self._writer.write([event for event, _ in events])
        for position, reason in receipt.rejected:
            self._reject(events[position][1], reason)
        rejects, self._rejects = self._rejects, []
        refused = len({reject.offset for reject in rejects})
        report.taken += receipt.taken
        report.known += receipt.known
        report.rejected += refused
        report.refuse((reject.line, reject.reason) for reject in rejects)
        state = json.dumps(self._reader.state(), separators=(",", ":"))
        if self._mark is None:
            head = head_digest(self.path)
            if head is None:  # nothing but a half-written line: nothing was read
                return
            self._mark = Mark(head, label(self.path), self.format)
        mark = self._mark
        mark.offset, mark.lines, mark.body = stream.offset, stream.number, stream.hasher.hexdigest()
        mark.facts += receipt.taken + receipt.known
        mark.rejected += refused
        mark.state = self._saved_state = state
        save_mark(self._database, mark, rejects, self._clock())

    def _finish(self, stream: LineStream, report: FileReport) -> None:
        now = self._clock()
        line = Line(stream.number, stream.offset, b"", 0, whole=True)
        self._events.extend((event, line) for event in self._reader.finish(now))
        moved = stream.offset != self._offset or self._events or self._rejects
        if moved or json.dumps(self._reader.state(), separators=(",", ":")) != self._saved_state:
            self._commit(stream, report)
        states: list[RunState] = getattr(self._reader, "running", list)()
        if states and states != self._told:  # a write wakes every view
            self._writer.write(states)
        self._told = states


def _prefix(file: BinaryIO, size: int) -> hashlib.blake2b | None:
    """The hash of the first ``size`` bytes; None when the file is shorter."""
    if os.fstat(file.fileno()).st_size < size:
        return None
    hasher = new_hasher()
    file.seek(0)
    while size > 0 and (block := file.read(min(_BLOCK, size))):
        hasher.update(block)
        size -= len(block)
    return hasher
