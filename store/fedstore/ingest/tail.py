"""One file of lines, read from where it was left: its watermark, its reader, its batches.

A `Tail` lives as long as an import or as the following of a file. It keeps the file open, so that what is written into
it before it is renamed is read. The facts of a batch are written first, then the watermark that has passed them
together with the refused lines, so that a crash loses nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from fedstore.cleaning import TEXT_LIMIT, clean_text
from fedstore.errors import StoreError
from fedstore.ids import FUTURE_SLACK_MS
from fedstore.ingest.compressed import open_lines
from fedstore.ingest.formats import format_named, reader_for
from fedstore.ingest.gathering import Gatherer, Refusal, reason_of
from fedstore.ingest.lines import (
    MAX_LINE_BYTES,
    Line,
    LineStream,
    digest,
    head_digest,
    parse_line,
    prefix_sum,
    said_sum,
    too_long,
)
from fedstore.ingest.marks import TO_BE_SEEN, Mark, label, marks_of, place_of, save_mark
from fedstore.ingest.reader import Fact, Held, Place, ungraded
from fedstore.ingest.report import FileReport
from fedstore.ingest.watching import seen_of
from fedstore.recording.writer import Receipt
from fedstore.upkeep.rejects import REASON_LIMIT, Reject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from fedstore.engine.protocol import Engine
    from fedstore.ingest.watching import Seen
    from fedstore.recording.writer import FactWriter

__all__ = ["BATCH", "Tail"]

BATCH = 1_000
_BATCH_BYTES = 16 * 1024 * 1024
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
        lines = format_named(found)
        self._one_sided = lines is not None and lines.one_sided
        self._database = database
        self._writer = writer
        self._clock = clock
        self._keep_content = keep_content
        self._again = again
        self._place = place_of(path)
        self._file: BinaryIO | None = None
        self._disk: BinaryIO | None = None
        """The file that lies at the path; `_file` holds its lines, which are others where it is compressed."""
        self._damage = ""
        self._mark: Mark | None = None
        self._checksum = 0
        self._sample = b""
        self._gatherer: Gatherer | None = None
        self._bytes = 0
        self._told: Sequence[Fact] = ()
        self._unfinished = False

    def read(self, progress: Progress | None = None) -> FileReport:
        """Take what is new in the file. Raises StoreError, OSError."""
        report = FileReport(label(self.path), self.format)
        self._unfinished = False
        file, disk = self._open()
        seen = seen_of(os.fstat(disk.fileno()))
        gatherer = self._begin(file, report)
        gatherer.latest_ms = self._clock() + FUTURE_SLACK_MS
        if progress is not None:
            progress(self._offset)
        stream = LineStream(file, self._offset, self._mark.lines if self._mark else 0, self._checksum)
        for line in stream:
            self._take(line, stream, gatherer)
            if len(gatherer.facts) + len(gatherer.refused) >= BATCH or self._bytes >= _BATCH_BYTES:
                self._commit(stream, gatherer, report)
                if progress is not None:
                    progress(stream.offset)
        self._finish(stream, gatherer, report, seen)
        file.seek(max(0, stream.offset - _SAMPLE))
        self._sample = file.read(min(_SAMPLE, stream.offset))
        if progress is not None:
            progress(seen[2])
        report.unfinished = self._unfinished
        report.note = self._damage
        return report

    def settle(self) -> FileReport:
        """Take what time alone has completed of a file that is as its mark says, without opening it.

        For a tail that nothing else is asked of. Raises StoreError, OSError.
        """
        report = FileReport(label(self.path), self.format)
        for mark in marks_of(self._database, self._place, ""):
            if mark.place == self._place:
                self._mark = mark
                report.known, report.rejected = mark.facts, mark.rejected
                gatherer = self._gathering()
                gatherer.finish(self._clock(), Place(mark.lines, mark.offset, 0))
                self._write_mark(mark, gatherer, report)
        return report

    def goes_on(self, seen: Seen) -> bool:
        """Whether the file that is now seen at the path continues what was read (it was not replaced or cut)."""
        if self._file is None or self._file is not self._disk or not self._offset:
            return False
        file = self._file
        if seen_of(os.fstat(file.fileno()))[:2] != seen[:2] or seen[2] < self._offset:
            return False
        file.seek(max(0, self._offset - _SAMPLE))
        return file.read(min(_SAMPLE, self._offset)) == self._sample

    def is_left(self, seen: Seen | None) -> bool:
        """Whether the file that was read lies elsewhere now, or nowhere."""
        return self._disk is not None and (seen is None or seen_of(os.fstat(self._disk.fileno()))[:2] != seen[:2])

    def due_ms(self) -> int | None:
        """From when on time alone completes something that the reader holds back."""
        return self._gatherer.due_ms() if self._gatherer is not None else None

    def close(self) -> None:
        """Let go of the file."""
        for file in (self._file, self._disk):
            if file is not None:
                file.close()
        self._file = self._disk = None

    def _open(self) -> tuple[BinaryIO, BinaryIO]:
        """The file of lines, and the one that lies at the path."""
        if self._file is None or self._disk is None:
            self._disk = self.path.open("rb")
            try:
                self._file, self._damage = open_lines(self.path, self._disk)
            except OSError:
                self.close()
                raise
        return self._file, self._disk

    @property
    def _offset(self) -> int:
        return self._mark.offset if self._mark is not None else 0

    # --- where to begin ------------------------------------------------------------------------------------

    def _begin(self, file: BinaryIO, report: FileReport) -> Gatherer:
        """Find the watermark on the first read; count what lies before it as already there."""
        if self._mark is None:
            self._find(file, report)
        return self._gathering()

    def _gathering(self) -> Gatherer:
        if self._gatherer is None:
            mark = self._mark or Mark(self._place, "", self.format)
            self._gatherer = Gatherer(
                lambda state: reader_for(self.format, state, self.path), self._lines_from, mark.offset, mark.lines,
                mark.state,
            )  # fmt: skip
        return self._gatherer

    def _find(self, file: BinaryIO, report: FileReport) -> None:
        head = head_digest(file)
        if head is None:  # not one whole line yet: nothing to know the file by
            return
        for mark in [] if self._again else marks_of(self._database, self._place, head):
            checksum = prefix_sum(file, mark.offset, mark.body) if self._may_be(mark, head) else None
            if checksum is not None:
                self._mark, self._checksum, self._gatherer = mark, checksum, None
                mark.place = self._place
                report.known, report.rejected = mark.facts, mark.rejected
                return
        self._mark = Mark(self._place, head, self.format)

    def _may_be(self, mark: Mark, head: str) -> bool:
        return mark.head == head and mark.format == self.format and mark.offset > 0

    def _lines_from(self, offset: int, number: int) -> Iterator[Line]:
        if self._file is None:
            try:
                yield from LineStream(self._open()[0], offset, number)
            finally:
                self.close()
            return
        here = self._file.tell()
        try:
            yield from LineStream(self._file, offset, number)
        finally:
            self._file.seek(here)

    # --- lines to facts ------------------------------------------------------------------------------------

    def _take(self, line: Line, stream: LineStream, gatherer: Gatherer) -> None:
        if line.raw is None:
            gatherer.refused.append(Refusal(Place(line.number, line.offset, line.size), too_long(MAX_LINE_BYTES)))
            return
        parsed = (gatherer.skim(line.raw) if line.whole else None) or parse_line(line.raw)
        if not line.whole:
            whole = parsed.values and not parsed.reason and all(isinstance(value, dict) for value in parsed.values)
            if not whole:  # it goes on, as even a number or a word may
                self._unfinished = bool(line.raw.strip())
                return
            stream.take(line)
        self._bytes += line.size
        gatherer.take(line, parsed)

    # --- batches -------------------------------------------------------------------------------------------

    def _commit(self, stream: LineStream, gatherer: Gatherer, report: FileReport, seen: Seen = TO_BE_SEEN) -> None:
        """Write the facts so far, then the watermark and the refused lines."""
        self._bytes = 0
        if self._mark is None:
            head = head_digest(self._file) if self._file is not None else None
            if head is None:  # nothing but a half-written line: nothing was read
                return
            self._mark = Mark(self._place, head, self.format)
        mark = self._mark
        mark.seen = seen
        mark.offset, mark.lines, mark.body = stream.offset, stream.number, said_sum(stream.checksum)
        self._checksum = stream.checksum
        self._write_mark(mark, gatherer, report)

    def _write_mark(self, mark: Mark, gatherer: Gatherer, report: FileReport) -> None:
        facts, refused = gatherer.taken(mark.offset, mark.lines)
        receipt = self._write(facts)
        refused += [Refusal(facts[position].place, reason) for position, reason in receipt.rejected]
        rejects = self._rejects(refused)
        lines = len({reject.byte_offset for reject in rejects})
        report.taken += receipt.taken
        report.known += receipt.known
        report.rejected += lines
        report.refuse((reject.line or 0, reject.reason) for reject in rejects)
        mark.facts += receipt.taken + receipt.known
        mark.rejected += lines
        mark.state, mark.due_ms = gatherer.state(), gatherer.due_ms()
        save_mark(self._database, mark, rejects, self._clock(), keep_content=self._keep_content)

    def _write(self, facts: Sequence[Held]) -> Receipt:
        """Write facts, one by one where one of them spoils the batch. Raises StoreError."""
        try:
            told: list[Fact] = [fact for fact, _ in facts]  # type: ignore[misc]
            return self._writer.write([*map(ungraded, told)] if self._one_sided else told)
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

    def _finish(self, stream: LineStream, gatherer: Gatherer, report: FileReport, seen: Seen) -> None:
        """What the end of the file completes, and the mark of the file as it was `seen`."""
        last = Place(stream.number, stream.offset, 0)
        gatherer.finish(self._clock(), last)
        saved = self._mark or Mark("", "", "")
        moved = stream.offset != saved.offset or saved.seen != seen
        if moved or gatherer.facts or gatherer.refused or gatherer.state() != saved.state:
            self._commit(stream, gatherer, report, seen)
        states = gatherer.running()
        if states and states != self._told:  # a write wakes every view
            self._write([Held(state, last) for state in states])
        self._told = states

    # --- what is refused -----------------------------------------------------------------------------------

    def _rejects(self, refused: Sequence[Refusal]) -> list[Reject]:
        found = (self._reject(refusal) for refusal in refused)
        return sorted(found, key=lambda reject: reject.line or 0)

    def _reject(self, refusal: Refusal) -> Reject:
        place, reason, raw = refusal
        if raw is None and place.size <= MAX_LINE_BYTES:  # an earlier line's
            raw = next((line.raw for line in self._lines_from(place.offset, place.number - 1)), None)
        said = digest(f"{place.offset}+{place.size}".encode()) if raw is None else digest(raw)
        text = (raw or b"")[: 4 * TEXT_LIMIT].decode("utf-8", "replace")
        return Reject(label(self.path), clean_text(reason, REASON_LIMIT), text, place.number, place.offset, said)
