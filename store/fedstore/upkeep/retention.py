"""Retention: what has outlived its time goes, in small transactions that keep no writer waiting.

Facts count from when they were recorded, so that imported history is not lost at once; their summaries stay, by the
minute and the hour for a while, by the day for good. The newest row of every table of facts stays, so that its number
is never given again. Freed pages are used again; the file is never rebuilt under its readers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from fedstore.facts.purged import remember
from fedstore.facts.summaries import begin_generation, roll_up
from fedstore.schema.summaries import DAY_MS, HOUR_MS, MINUTE_MS, SPECS, TEN_MS

if TYPE_CHECKING:
    from fedstore.engine.protocol import Engine, Tx
    from fedstore.settings.config import Settings

__all__ = ["CHUNK", "PAUSE_S", "due", "purge", "purge_steps"]

CHUNK = 2_000
"""Facts per transaction: a writer then waits 3 to 28 ms, where one big DELETE would block it for most of a second."""
PAUSE_S = 0.02
EVERY_MS = HOUR_MS

Step = tuple[str, int]
"""A table and how many of its rows went in one transaction."""

_CHILDREN = {
    "runs": (("verdicts", "subject_kind = 'run' AND subject_id"),),
    "routes": (("route_attempts", "route_id"), ("verdicts", "subject_kind = 'route' AND subject_id")),
    "llm_calls": (),
    "tool_calls": (),
}
_ORPHAN = (
    "NOT EXISTS (SELECT 1 FROM runs WHERE verdicts.subject_kind = 'run' AND runs.id = verdicts.subject_id)"
    " AND NOT EXISTS (SELECT 1 FROM routes WHERE verdicts.subject_kind = 'route' AND routes.id = verdicts.subject_id)"
)
_OTHERS = {
    "rejects": ("seq", "recorded_ms < ?"),
    "losses": ("seq", "recorded_ms < ?"),
    "active_runs": ("id", "seen_ms < ?"),
    "jobs": ("id", "state IN ('completed', 'failed', 'cancelled') AND recorded_ms < ?"),
    "plans": ("id", "made_ms < ? AND id NOT IN (SELECT plan_id FROM changes)"),
}
_SET_MARK = (
    "INSERT INTO marks (name, at_ms) VALUES (?, ?)"
    " ON CONFLICT (name) DO UPDATE SET at_ms = excluded.at_ms WHERE excluded.at_ms > marks.at_ms"
)


def purge(
    database: Engine, settings: Settings, now_ms: int, *, pause: Callable[[float], None] = time.sleep
) -> dict[str, int]:
    """Everything that has outlived its retention; rows that went, by table. Raises StoreError.

    ``pause`` is called with seconds between two transactions, so that writers get their turn.
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
    kept = {
        "runs": _cutoff(now_ms, settings.retention_runs_days, DAY_MS),
        "routes": _cutoff(now_ms, settings.retention_routes_days, DAY_MS),
        "llm_calls": _cutoff(now_ms, settings.retention_llm_days, DAY_MS),
        "tool_calls": _cutoff(now_ms, settings.retention_executions_hours, HOUR_MS),
    }
    for table, cutoff in kept.items():
        if cutoff is not None:
            yield from _facts(database, table, cutoff, chunk)
    if kept["runs"] is not None and kept["routes"] is not None:
        yield from _facts(database, "verdicts", min(kept["runs"], kept["routes"]), chunk, _ORPHAN)
    other = _cutoff(now_ms, settings.retention_other_days, DAY_MS)
    if other is not None:
        for table in _OTHERS:
            yield from _others(database, table, other, chunk)
    yield from _summaries(database, settings, now_ms, chunk)
    with database.write() as tx:
        tx.execute(_SET_MARK, ("purged", now_ms))


def _cutoff(now_ms: int, kept: int | str, unit_ms: int) -> int | None:
    return None if isinstance(kept, str) else now_ms - kept * unit_ms


def _facts(database: Engine, table: str, cutoff: int, chunk: int, condition: str = "1 = 1") -> Iterator[Step]:
    """Old facts with what hangs on them, oldest first, until a chunk has none (a clock set back mixes a few)."""
    last = 0
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
            count = _delete_facts(tx, table, bounds, condition)
        last = bounds[1]
        yield table, count


def _delete_facts(tx: Tx, table: str, bounds: tuple[int, int, int], condition: str) -> int:
    which = f"FROM {table} WHERE seq >= ? AND seq <= ? AND recorded_ms < ? AND {condition}"
    if table in _CHILDREN:
        remember(tx, table, tx.execute(f"SELECT id, recorded_ms {which}", bounds))
    for child, key in _CHILDREN.get(table, ()):
        tx.executemany(f"DELETE FROM {child} WHERE {key} IN (SELECT id {which})", [bounds])
    return tx.executemany(f"DELETE {which}", [bounds])


def _others(database: Engine, table: str, cutoff: int, chunk: int) -> Iterator[Step]:
    key, condition = _OTHERS[table]
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
            tx.execute(_SET_MARK, (name, cutoff))
            tx.memo.pop("purged", None)  # what this process has noted of the marks, which no other has changed
        for table in SPECS:
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
