"""One file that is a single document (``metrics.json``), read whole whenever it has changed.

Its watermark is known by what the document says of itself, since others rewrite it in place and its first
line is the same in every file.
"""

from __future__ import annotations

import json
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
from fedstore.ingest.marks import Mark, Reject, find_mark, label, run_is_recorded, save_mark
from fedstore.ingest.report import FileReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fedstore.engine.protocol import Engine
    from fedstore.facts.events import Event
    from fedstore.recording.writer import FactWriter

__all__ = ["Document"]

_BATCH = 1_000


class Document:
    """Reads a metrics file; ``again`` looks at one that has not changed, too."""

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

    def read(self, progress: Callable[[int], None] | None = None) -> FileReport:
        """Take the tasks that the document counts and the store does not have yet. Raises StoreError, OSError."""
        report = FileReport(label(self.path), METRICS)
        raw = self.path.read_bytes()
        try:
            value = json.loads(raw.decode("utf-8-sig"))
        except (ValueError, RecursionError):  # it was whole when its format was told: somebody is writing it
            report.unfinished = True
            return report
        try:
            found = read_federation(value)
            report.boosts = found.boosts
            self._take(found, raw, report)
        except (StoreError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever its reader raises is about what the document says
            report.rejected += 1
            report.note = clean_text(reason_of(error), 300)
            self._quarantine(raw, report.note)
        if progress is not None:
            progress(len(raw))
        return report

    def is_due(self, _now_ms: int) -> bool:
        """Whether time alone has completed something: nothing is held back."""
        return False

    def stands(self) -> bool:
        """Whether the file continues what was read of it: a document does not, and is read from the top."""
        return False

    def _take(self, found: FederationFile, raw: bytes, report: FileReport) -> None:
        head = digest(f"{METRICS}\x1f{found.identity}".encode("utf-8", "surrogatepass"))
        kept = find_mark(self._database, head)
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
        if report.rejected:  # without a mark it is tried again: a task of the future becomes one of the past
            self._quarantine(raw, report.note)
            return
        mark = Mark(
            head, report.path, METRICS, len(raw), digest(raw), raw.count(b"\n"), found.tasks, report.rejected,
            json.dumps(tally.state(), separators=(",", ":")),
        )  # fmt: skip
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
        text = clean_text(raw[: 4 * TEXT_LIMIT].decode("utf-8", "replace")) if self._keep_content else None
        mark = Mark(digest(raw), label(self.path), METRICS, body=digest(raw), rejected=1)
        save_mark(self._database, mark, [Reject(1, 0, reason, digest(raw), text)], self._clock())


def _batches(events: Iterator[Event]) -> Iterator[list[Event]]:
    while batch := list(islice(events, _BATCH)):
        yield batch
