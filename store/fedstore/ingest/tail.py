"""One file of lines, read from where it was left: its watermark, its reader, its batches.

A `Tail` lives as long as an import or as the following of a file. The facts of a batch are written first,
then the watermark that has passed them together with the refused lines, so that a crash loses nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from fedstore.cleaning import TEXT_LIMIT, clean_text
from fedstore.errors import StoreError
from fedstore.ingest.formats import reader_for
from fedstore.ingest.gathering import Gatherer, Refusal, reason_of
from fedstore.ingest.lines import MAX_LINE_BYTES, Line, LineStream, digest, head_digest, new_hasher, parse_line
from fedstore.ingest.marks import Mark, Reject, find_mark, label, save_mark
from fedstore.ingest.reader import Fact, Held, Place
from fedstore.ingest.report import FileReport
from fedstore.recording.writer import Receipt

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Iterator, Sequence
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
    """Reads what a file has gained. `read` may be called again and again; `again` starts from the top."""

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
        self._gatherer: Gatherer | None = None
        self._bytes = 0
        self._told: Sequence[Fact] = ()
        self.unfinished = False

    def read(self, progress: Progress | None = None) -> FileReport:
        """Take what is new in the file. Raises StoreError, OSError."""
        report = FileReport(label(self.path), self.format)
        self.unfinished = False
        with self.path.open("rb") as file:
            gatherer = self._begin(file, report)
            if progress is not None:
                progress(self._offset)
            stream = LineStream(file, self._offset, self._mark.lines if self._mark else 0, self._hasher)
            for line in stream:
                self._take(line, stream, gatherer)
                if len(gatherer.facts) + len(gatherer.refused) >= BATCH or self._bytes >= _BATCH_BYTES:
                    self._commit(stream, gatherer, report)
                    if progress is not None:
                        progress(stream.offset)
            self._finish(stream, gatherer, report)
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

    def is_due(self, now_ms: int) -> bool:
        """Whether time alone has completed something that the reader held back."""
        due = self._gatherer.due_ms() if self._gatherer is not None else None
        return due is not None and now_ms >= due

    @property
    def _offset(self) -> int:
        return self._mark.offset if self._mark is not None else 0

    # --- where to begin ------------------------------------------------------------------------------------

    def _begin(self, file: BinaryIO, report: FileReport) -> Gatherer:
        """Find the watermark on the first read; count what lies before it as already there."""
        if self._mark is None:
            self._find(file, report)
        if self._gatherer is None:
            mark = self._mark or Mark("", "", self.format)
            self._gatherer = Gatherer(
                lambda state: reader_for(self.format, state, self.path), self._lines_from, mark.offset, mark.lines,
                mark.state,
            )  # fmt: skip
        return self._gatherer

    def _find(self, file: BinaryIO, report: FileReport) -> None:
        head = head_digest(self.path)
        if head is None:  # not one whole line yet: nothing to know the file by
            return
        fresh = Mark(head, label(self.path), self.format)
        mark = None if self._again else find_mark(self._database, head)
        hasher = _prefix(file, mark.offset) if mark is not None and mark.format == self.format else None
        if mark is None or hasher is None or hasher.hexdigest() != mark.body:
            self._mark = fresh
            return
        self._mark, self._hasher, self._gatherer = mark, hasher, None
        mark.path = fresh.path
        report.known, report.rejected = mark.facts, mark.rejected

    def _remember(self, file: BinaryIO, offset: int) -> None:
        file.seek(max(0, offset - _SAMPLE))
        self._sample = file.read(min(_SAMPLE, offset))

    def _lines_from(self, offset: int, number: int) -> Iterator[Line]:
        with self.path.open("rb") as file:
            yield from LineStream(file, offset, number)

    # --- lines to facts ------------------------------------------------------------------------------------

    def _take(self, line: Line, stream: LineStream, gatherer: Gatherer) -> None:
        if line.raw is None:
            reason = f"line longer than {MAX_LINE_BYTES // 1024 // 1024} MiB"
            gatherer.refused.append(Refusal(Place(*line[:2], line.size), reason))
            return
        parsed = parse_line(line.raw)
        if not line.whole:
            whole = parsed.values and not parsed.reason and all(isinstance(value, dict) for value in parsed.values)
            if not whole:  # it goes on, as even a number or a word may
                self.unfinished = bool(line.raw.strip())
                return
            stream.take(line)
        self._bytes += line.size
        gatherer.take(line, parsed)

    # --- batches -------------------------------------------------------------------------------------------

    def _commit(self, stream: LineStream, gatherer: Gatherer, report: FileReport) -> None:
        """Write the facts so far, then the watermark and the refused lines."""
        self._bytes = 0
        facts, refused = gatherer.taken(stream.offset, stream.number)
        receipt = self._write(facts)
        refused += [Refusal(facts[position].place, reason) for position, reason in receipt.rejected]
        if self._mark is None:
            head = head_digest(self.path)
            if head is None:  # nothing but a half-written line: nothing was read
                return
            self._mark = Mark(head, label(self.path), self.format)
        rejects = self._rejects(refused)
        lines = len({reject.offset for reject in rejects})
        report.taken += receipt.taken
        report.known += receipt.known
        report.rejected += lines
        report.refuse((reject.line, reject.reason) for reject in rejects)
        mark = self._mark
        mark.offset, mark.lines, mark.body = stream.offset, stream.number, stream.hasher.hexdigest()
        mark.facts += receipt.taken + receipt.known
        mark.rejected += lines
        mark.state = gatherer.state()
        save_mark(self._database, mark, rejects, self._clock())

    def _write(self, facts: Sequence[Held]) -> Receipt:
        """Write facts, one by one where one of them spoils the batch. Raises StoreError."""
        try:
            return self._writer.write([fact for fact, _ in facts])  # type: ignore[misc]
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - one value that cannot be stored must cost itself only
            if len(facts) == 1:
                return Receipt(rejected=[(0, reason_of(error))])
            receipt = Receipt()
            for position, held in enumerate(facts):
                one = self._write([held])
                one.rejected = [(position, reason) for _, reason in one.rejected]
                receipt += one
            return receipt

    def _finish(self, stream: LineStream, gatherer: Gatherer, report: FileReport) -> None:
        last = Place(stream.number, stream.offset, 0)
        gatherer.finish(self._clock(), last)
        saved = self._mark.state if self._mark is not None else "{}"
        if stream.offset != self._offset or gatherer.facts or gatherer.refused or gatherer.state() != saved:
            self._commit(stream, gatherer, report)
        states = gatherer.running()
        if states and states != self._told:  # a write wakes every view
            self._write([Held(state, last) for state in states])
        self._told = states

    # --- what is refused -----------------------------------------------------------------------------------

    def _rejects(self, refused: Sequence[Refusal]) -> list[Reject]:
        found = (self._reject(refusal) for refusal in refused)
        return sorted(found, key=lambda reject: reject.line)

    def _reject(self, refusal: Refusal) -> Reject:
        place, reason, raw = refusal
        if raw is None and place.size <= MAX_LINE_BYTES:  # an earlier line's
            raw = next((line.raw for line in self._lines_from(place.offset, place.number - 1)), None)
        said = digest(f"{place.offset}+{place.size}".encode()) if raw is None else digest(raw)
        text = None
        if self._keep_content:
            text = clean_text((raw or b"")[: 4 * TEXT_LIMIT].decode("utf-8", "replace"))
        return Reject(place.number, place.offset, clean_text(reason, 500), said, text)


def _prefix(file: BinaryIO, size: int) -> hashlib.blake2b | None:
    """The hash of the first `size` bytes; None when the file is shorter."""
    if os.fstat(file.fileno()).st_size < size:
        return None
    hasher = new_hasher()
    file.seek(0)
    while size > 0 and (block := file.read(min(_BLOCK, size))):
        hasher.update(block)
        size -= len(block)
    return hasher
