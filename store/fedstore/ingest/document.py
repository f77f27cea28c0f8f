"""One file that is a single document (`metrics.json`), read whole whenever it has changed.

What was counted of it is known by what the document says of itself, since others rewrite it in place and its first
line is the same in every file; a second mark says as what the file was read.
"""

from __future__ import annotations

import json
import os
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from fedstore.cleaning import TEXT_LIMIT, clean_text
from fedstore.errors import StoreError
from fedstore.ingest.federation import FederationFile, read_federation
from fedstore.ingest.federation_tally import Tally
from fedstore.ingest.formats import METRICS
from fedstore.ingest.gathering import reason_of
from fedstore.ingest.lines import digest
from fedstore.ingest.marks import TO_BE_SEEN, Mark, label, marks_of, place_of, run_is_recorded, save_mark
from fedstore.ingest.report import FileReport
from fedstore.ingest.watching import seen_of
from fedstore.upkeep.rejects import Reject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fedstore.engine.protocol import Engine
    from fedstore.facts.events import Event
    from fedstore.ingest.watching import Seen
    from fedstore.recording.writer import FactWriter

__all__ = ["Document"]

_BATCH = 1_000


class Document:
    """Reads a metrics file; `again` looks at one that has not changed, too."""

    format = METRICS

    def __init__(
        self,
        path: Path,
        database: Engine,
        writer: FactWriter,
        clock: Callable[[], int],
        *,
        keep_content: bool = False,
        again: bool = False,
    ) -> None:
        self.path = path
        self._database = database
        self._writer = writer
        self._clock = clock
        self._keep_content = keep_content
        self._again = again
        self._seen = TO_BE_SEEN

    def read(self, progress: Callable[[int], None] | None = None) -> FileReport:
        """Take the tasks that the document counts and the store does not have yet. Raises StoreError, OSError."""
        report = FileReport(label(self.path), METRICS)
        with self.path.open("rb") as file:
            self._seen = seen_of(os.fstat(file.fileno()))
            raw = file.read()
        try:
            value = json.loads(raw.decode("utf-8-sig"))
        except (ValueError, RecursionError):  # it was whole when its format was told: somebody is writing it
            report.unfinished = True
            return report
        try:
            found = read_federation(value)
            report.boosts = found.boosts
            self._take(found, raw, report)
            if not report.rejected:  # else it is tried again: a task of the future becomes one of the past
                self._remember(report)
        except (StoreError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever its reader raises is about what the document says
            report.rejected += 1
            report.note = clean_text(reason_of(error), 300)
            self._quarantine(raw, report.note)
        if progress is not None:
            progress(len(raw))
        return report

    def settle(self) -> FileReport:
        """What time alone has completed: nothing."""
        return FileReport(label(self.path), METRICS)

    def due_ms(self) -> int | None:
        """From when on time alone completes something: never, as nothing is held back."""
        return None

    def goes_on(self, _seen: Seen) -> bool:
        """Whether the file continues what was read of it: a document does not, and is read from the top."""
        return False

    def is_left(self, _seen: Seen | None) -> bool:
        """Whether what was read lies elsewhere now: it is not kept open."""
        return False

    def close(self) -> None:
        """Nothing is kept open."""

    def _take(self, found: FederationFile, raw: bytes, report: FileReport) -> None:
        head = digest(f"{METRICS}\x1f{found.identity}".encode("utf-8", "surrogatepass"))
        place = f"{METRICS} {head}"
        kept = next(iter(marks_of(self._database, place, head)), None)
        if kept is not None and kept.body == digest(raw) and not self._again:
            report.known = kept.facts
            return
        if found.exported_from and run_is_recorded(self._database, found.exported_from):
            report.known = found.tasks
            report.note = "an export of this store: its tasks are here already"
            return
        tally = Tally({} if kept is None else json.loads(kept.state))
        if kept is not None and kept.state == "{}":
            tally.adopt(found, partial(run_is_recorded, self._database))
        if tally.is_older(found):
            report.known = found.tasks
            report.note = "an older state of a file that was read already"
            return
        self._write(tally, found, report)
        if report.rejected:
            self._quarantine(raw, report.note)
            return
        mark = Mark(
            place, head, METRICS, len(raw), digest(raw), raw.count(b"\n"), found.tasks,
            state=json.dumps(tally.state(), separators=(",", ":")),
        )  # fmt: skip
        save_mark(self._database, mark, (), self._clock())

    def _remember(self, report: FileReport) -> None:
        """Note that the file, as it is, holds nothing new, and what is told of it: it need not be opened again."""
        said = json.dumps({"boosts": report.boosts, "note": report.note})
        counted = report.taken + report.known
        mark = Mark(place_of(self.path), "", METRICS, self._seen[2], facts=counted, state=said, seen=self._seen)
        save_mark(self._database, mark, (), self._clock())

    def _write(self, tally: Tally, found: FederationFile, report: FileReport) -> None:
        for batch in _batches(tally.events(found)):
            receipt = self._writer.write(batch)
            report.taken += receipt.taken
            report.rejected += len(receipt.rejected)
            if receipt.rejected:
                report.note = receipt.rejected[0][1]
        report.known = max(0, found.tasks - report.taken - report.rejected)
        if tally.gone:
            report.note = report.note or f"counts fewer tasks than before ({tally.gone}): they stay"
        elif found.unread:
            report.note = report.note or f"recent tasks that cannot be read ({found.unread}) are only counted"

    def _quarantine(self, raw: bytes, reason: str) -> None:
        text = raw[: 4 * TEXT_LIMIT].decode("utf-8", "replace")
        mark = Mark(place_of(self.path), "", METRICS, rejected=1, seen=TO_BE_SEEN)
        refused = Reject(label(self.path), reason, text, 1, 0, digest(raw))
        save_mark(self._database, mark, [refused], self._clock(), keep_content=self._keep_content)


def _batches(events: Iterator[Event]) -> Iterator[list[Event]]:
    while batch := list(islice(events, _BATCH)):
        yield batch
