"""Retention: what has outlived its time goes, in small transactions that keep no writer waiting.

Facts count from when they were recorded, so that imported history is not lost at once; their summaries stay, by the
minute and the hour for a while, by the day for good. The newest row of every table of facts stays, so that its number
is never given again. Freed pages are used again; the file is never rebuilt under its readers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from fedstore.facts.kind import Kept
from fedstore.facts.kinds import FACTS, STATES, SUMMARIES
from fedstore.facts.purged import MOVE_MARK, remember
from fedstore.facts.summaries import begin_generation, roll_up
from fedstore.facts.verdict import VERDICT
from fedstore.widths import DAY_MS, HOUR_MS, MINUTE_MS, TEN_MS

if TYPE_CHECKING:
    from fedstore.engine.protocol import Engine, Tx
    from fedstore.facts.kind import Kind
    from fedstore.settings.config import Settings

__all__ = ["CHUNK", "PAUSE_S", "due", "purge", "purge_steps"]

CHUNK = 2_000
"""Facts per transaction: a writer then waits 3 to 28 ms, where one big DELETE would block it for most of a second."""
PAUSE_S = 0.02
EVERY_MS = HOUR_MS

Step = tuple[str, int]
"""A table and how many of its rows went in one transaction."""

_JUDGED = tuple(kind for kind in FACTS if kind.judge is not None)
_ORPHAN = " AND ".join(
    f"NOT EXISTS (SELECT 1 FROM {kind.table.name}"
    f" WHERE verdicts.subject_kind = '{kind.name}' AND {kind.table.name}.id = verdicts.subject_id)"
    for kind in _JUDGED
)
"""Of a verdict: its subject is not there (any more)."""
_OTHERS = {
    "rejects": ("seq", "recorded_ms < ?"),
    "losses": ("seq", "recorded_ms < ?"),
    "plans": ("id", "made_ms < ? AND id NOT IN (SELECT plan_id FROM changes)"),
}
"""What is no fact: its key, and the condition under which it goes."""


def purge(
    database: Engine, settings: Settings, now_ms: int, *, pause: Callable[[float], None] = time.sleep
) -> dict[str, int]:
    """Everything that has outlived its retention; rows that went, by table. Raises StoreError.

    `pause` is called with seconds between two transactions, so that writers get their turn.
    """
    gone: dict[str, int] = {}
    for table, count in purge_steps(database, settings, now_ms):
        gone[table] = gone.get(table, 0) + count
        if count:
            pause(PAUSE_S)
    return gone


def due(database: Engine, now_ms: int) -> bool:
    """Whether the last purge that went to the end is more than an hour ago."""
    found = database.read("SELECT at_ms FROM marks WHERE name = 'purged'")
    return not found or now_ms - found[0][0] >= EVERY_MS


def purge_steps(database: Engine, settings: Settings, now_ms: int, *, chunk: int = CHUNK) -> Iterator[Step]:
    """The same one small transaction at a time, so that a caller can do something else in between."""
    for kind in FACTS:
        if (cutoff := _cutoff(settings, kind, now_ms)) is not None:
            yield from _facts(database, kind, cutoff, chunk)
    for kind in STATES:
        if (cutoff := _before(settings, kind.kept, now_ms)) is not None:
            yield from _others(database, kind.table.name, "id", kind.ends, cutoff, chunk)
    if (cutoff := _before(settings, Kept(), now_ms)) is not None:
        for table, (key, condition) in _OTHERS.items():
            yield from _others(database, table, key, condition, cutoff, chunk)
    yield from _summaries(database, settings, now_ms, chunk)
    with database.write() as tx:
        tx.execute(MOVE_MARK, ("purged", now_ms))


def _cutoff(settings: Settings, kind: Kind, now_ms: int) -> int | None:
    """What was recorded before that goes; None for nothing. A verdict stays as long as anything it could speak of."""
    if kind is not VERDICT:
        return _before(settings, kind.kept, now_ms)
    cutoffs = [_before(settings, judged.kept, now_ms) for judged in _JUDGED]
    return None if None in cutoffs else min(cutoff for cutoff in cutoffs if cutoff is not None)


def _before(settings: Settings, kept: Kept, now_ms: int) -> int | None:
    length: int | str = getattr(settings, kept.setting)
    return None if isinstance(length, str) else now_ms - length * kept.unit_ms


def _facts(database: Engine, kind: Kind, cutoff: int, chunk: int) -> Iterator[Step]:
    """Old facts with what hangs on them, oldest first, until a chunk has none (a clock set back mixes a few)."""
    table, last = kind.table.name, 0
    while True:
        with database.write() as tx:
            found = tx.execute(
                f"SELECT seq, recorded_ms FROM {table} WHERE seq > ? AND seq < (SELECT MAX(seq) FROM {table})"
                " ORDER BY seq LIMIT ?",
                (last, chunk),
            )
            if not any(recorded < cutoff for _, recorded in found):
                return
            bounds = (found[0][0], found[-1][0], cutoff)
            count = _delete_facts(tx, kind, bounds)
        last = bounds[1]
        yield table, count


def _delete_facts(tx: Tx, kind: Kind, bounds: tuple[int, int, int]) -> int:
    """Delete facts with their parts and verdicts, and remember them; an orphaned verdict is not worth that."""
    which = f"FROM {kind.table.name} WHERE seq >= ? AND seq <= ? AND recorded_ms < ?"
    if kind is VERDICT:
        return tx.executemany(f"DELETE {which} AND {_ORPHAN}", [bounds])
    remember(tx, kind.table.name, tx.execute(f"SELECT id, recorded_ms {which}", bounds))
    for alias, _ in kind.table.aliases:
        known = tx.execute(f"SELECT {alias}, recorded_ms {which} AND {alias} <> ''", bounds)
        remember(tx, f"{kind.table.name} {alias}", known)
    for part, key in kind.parts.items():
        tx.executemany(f"DELETE FROM {part} WHERE {key} IN (SELECT id {which})", [bounds])
    if kind.judge is not None:
        of_these = f"subject_kind = '{kind.name}' AND subject_id IN (SELECT id {which})"
        tx.executemany(f"DELETE FROM verdicts WHERE {of_these}", [bounds])
    return tx.executemany(f"DELETE {which}", [bounds])


def _others(database: Engine, table: str, key: str, condition: str, cutoff: int, chunk: int) -> Iterator[Step]:
    some = f"SELECT {key} FROM {table} WHERE {condition} ORDER BY {key} LIMIT ?"
    count = chunk
    while count == chunk:
        with database.write() as tx:
            count = tx.executemany(f"DELETE FROM {table} WHERE {key} IN ({some})", [(cutoff, chunk)])
        yield table, count


def _summaries(database: Engine, settings: Settings, now_ms: int, chunk: int) -> Iterator[Step]:
    """Old minutes and hours, whose sums are in the days.

    Not for as long after a backfill as minutes are kept: imported history was just as lately recorded.
    """
    with database.write() as tx:
        roll_up(tx, now_ms)  # a store that nobody has written to for days has not done it
    marks: dict[str, int] = dict(database.read("SELECT name, at_ms FROM marks"))
    if now_ms - marks.get("backfill", 0) < settings.minute_days_ms:
        return
    for widths, name, kept_ms, wider in (
        ((MINUTE_MS, TEN_MS), "minutes_from", settings.minute_days_ms, marks["hour"]),
        ((HOUR_MS,), "hours_from", settings.hour_days_ms, marks["day"]),
    ):
        cutoff = min(now_ms - kept_ms, wider)
        cutoff -= cutoff % DAY_MS
        with database.write() as tx:  # first the mark: from now on nothing is added to what is going to vanish
            tx.execute(MOVE_MARK, (name, cutoff))
            tx.memo.pop("purged", None)  # what this process has noted of the marks, which no other has changed
        for table in SUMMARIES:
            for width in widths:
                yield from _buckets(database, table, width, cutoff, chunk)


def _buckets(database: Engine, table: str, width: int, cutoff: int, chunk: int) -> Iterator[Step]:
    while True:
        with database.write() as tx:
            starts = tx.execute(
                f"SELECT start FROM {table} WHERE width = ? AND start < ? ORDER BY width, start LIMIT ?",
                (width, cutoff, chunk),
            )
            if not starts:
                return
            count = tx.executemany(f"DELETE FROM {table} WHERE width = ? AND start <= ?", [(width, starts[-1][0])])
            begin_generation(tx, (table,))
        yield table, count
