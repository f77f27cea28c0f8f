"""Events as JSON lines from a pipe, written as they come: what is taken, already there, or refused and why.

Unlike a file, a pipe is read once: an event without id and time is a new one, of now. What arrives together is one
batch, so a live producer's events are in the store at once. Refused lines go to the quarantine with their number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from fedstore.cleaning import clean_name
from fedstore.errors import StoreError
from fedstore.ingest.lines import MAX_LINE_BYTES, Parsed, parse_line, too_long
from fedstore.upkeep.rejects import REFUSAL_INSERT, Reject, reject_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedstore.facts.events import Given
    from fedstore.store import Store

__all__ = ["LinesReport", "record_lines"]

MAX_REASONS = 1_000
_CHUNK_BYTES = 256 * 1024


class Pipe(Protocol):
    """A binary stream that gives what is there."""

    def read1(self, size: int, /) -> bytes:
        """At least one byte, at most `size`; none at the end."""


@dataclass(slots=True)
class LinesReport:
    """What became of some lines; the first `MAX_REASONS` reasons by line number."""

    taken: int = 0
    known: int = 0
    rejected: int = 0
    reasons: list[tuple[int, str]] = field(default_factory=list)


def record_lines(store: Store, pipe: Pipe, *, source: str = "", keep_content: bool = False) -> LinesReport:
    """Record the events of a pipe until it ends.

    Raises StoreError, which says from which line on nothing was written; what was written before stands.
    """
    writer = store.writer(source=source, keep_content=keep_content)
    report = LinesReport()
    for lines in _arrivals(pipe):
        events: list[Given] = []
        origins: list[tuple[int, bytes | None]] = []
        rejects: list[Reject] = []
        for number, raw in lines:
            parsed = Parsed([], too_long(MAX_LINE_BYTES)) if raw is None else parse_line(raw)
            if parsed.reason:
                rejects.append(_reject(source, number, parsed.torn, parsed.reason))
            events.extend(parsed.values)
            origins.extend((number, raw) for _ in parsed.values)
        try:
            receipt = writer.write(events)
        except StoreError as error:
            first = lines[0][0]
            raise type(error)(f"{error}{f' (what came before line {first:,} is recorded)' * (first > 1)}") from error
        rejects += [_reject(source, *origins[position], reason) for position, reason in receipt.rejected]
        report.taken += receipt.taken
        report.known += receipt.known
        _quarantine(store, rejects, report, keep_content)
    return report


def _arrivals(pipe: Pipe) -> Iterator[list[tuple[int, bytes | None]]]:
    """The numbered lines that came together; None for a line over the limit."""
    number, skipping, rest = 0, False, bytearray()
    while chunk := pipe.read1(_CHUNK_BYTES):
        ended, line_end, begun = chunk.rpartition(b"\n")
        if line_end:
            whole = bytes(rest + ended).split(b"\n")[skipping:]
            yield [(at, raw) for at, raw in enumerate(whole, number + 1) if raw.strip()]
            number += len(whole)
            rest, skipping = bytearray(begun), False
        elif not skipping:
            rest += chunk
        if len(rest) > MAX_LINE_BYTES:
            number += 1
            yield [(number, None)]
            rest, skipping = bytearray(), True
    if rest.strip():
        yield [(number + 1, bytes(rest))]


def _reject(source: str, number: int, raw: bytes | None, reason: str) -> Reject:
    return Reject(clean_name(source) or "lines", reason, (raw or b"").decode("utf-8", "replace"), number)


def _quarantine(store: Store, rejects: list[Reject], report: LinesReport, keep_content: bool) -> None:
    if not rejects:
        return
    rejects.sort(key=lambda reject: reject.line or 0)
    report.rejected += len(rejects)
    report.reasons += [(reject.line or 0, reject.reason) for reject in rejects[: MAX_REASONS - len(report.reasons)]]
    with store.database.write() as tx:
        tx.executemany(REFUSAL_INSERT, reject_rows(rejects, store.clock(), keep_content=keep_content))
