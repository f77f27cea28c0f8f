"""The rows of one transaction, and how they are written so that every summary stays exact.

Rows are made when events are added, before the transaction begins, so that the lock is held for the writing only.
A fact that is already there changes nothing, and a fact that occurs twice in a batch counts once. Events come in as
their valid fields, so that whoever has them can do without pydantic.
"""

from __future__ import annotations

from fedstore.errors import EventError, Reason
from fedstore.facts.kind import Writing, check_start
from fedstore.facts.kinds import BY_NAME, JUDGES, KINDS
from fedstore.facts.purged import MOVE_MARK
from fedstore.facts.summaries import drop_empty, write_deltas
from fedstore.facts.summary import Deltas
from fedstore.ids import FUTURE_SLACK_MS
from fedstore.widths import DAY_MS, HOUR_MS, MINUTE_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from fedstore.engine.protocol import Tx
    from fedstore.facts.kind import Fields, Made, Stamp

__all__ = ["BACKFILL_MS", "Batch"]

BACKFILL_MS = DAY_MS
"""A fact that old when it is recorded is history: minutes and hours are then kept longer, see `retention`."""


class Batch:
    """Rows by kind of event."""

    def __init__(self, stamp: Stamp) -> None:
        self.size = 0
        self._stamp = stamp
        self._latest = stamp.recorded_ms + FUTURE_SLACK_MS
        self._oldest = stamp.recorded_ms
        self._rows: dict[str, list[Made]] = {}
        self._named: dict[str, list[str]] = {}

    def add(self, events: Iterable[Fields]) -> list[tuple[int, Reason]]:
        """Take the fields of valid events; the positions and reasons of those that are refused.

        That is a time in the future, or fields that contradict each other.
        """
        stamp, refused, position = self._stamp, [], -1
        now, latest, oldest, former = stamp.recorded_ms, self._latest, self._oldest, None
        for position, fields in enumerate(events):
            name, at = fields["kind"], fields["at"]
            if name != former:
                former, kind = name, BY_NAME[name]
                check, make_row, adds_up = kind.check, kind.row, kind.sums
                keep = self._rows.setdefault(name, []).append
            try:
                if at is None:
                    at = now
                    if fields.get("started_at"):
                        check_start(fields["started_at"], now, FUTURE_SLACK_MS)
                elif at > latest:
                    ahead = Reason(f"lies {_ahead(at - now)} in the future: check the clock", "at")
                    raise EventError(ahead)  # noqa: TRY301 - refused like all that the checks refuse
                if check is not None:
                    check(fields)
            except EventError as error:
                refused.append((position, error.reason))
                continue
            keep(make_row(fields, at, stamp))
            if at < oldest and adds_up:
                oldest = at
            if fields["id"] is not None:
                self._named.setdefault(name, []).append(fields["id"])
        self._oldest = oldest
        self.size += position + 1 - len(refused)
        return refused

    def write(self, tx: Tx) -> int:
        """Write the rows; how many events were new."""
        deltas, now = Deltas(), self._stamp.recorded_ms
        writing = Writing(tx, deltas, now, JUDGES)
        taken = 0
        for kind in KINDS if len(self._rows) > 1 else map(BY_NAME.__getitem__, self._rows):
            rows = self._rows.get(kind.name)
            if rows:
                taken += kind.write(writing, rows, self._named.get(kind.name, ()))
        if deltas.minutes:
            write_deltas(tx, deltas, now)
        if writing.emptied:
            drop_empty(tx, writing.emptied)
        if taken and now - self._oldest > BACKFILL_MS:
            tx.execute(MOVE_MARK, ("backfill", now))
        return taken


def _ahead(ms: int) -> str:
    hours = ms / HOUR_MS
    return f"{ms / MINUTE_MS:.0f} min" if hours < 1 else f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"
