"""Whether a clock may purge, and what mends a store that a wrong clock has marked.

A clock that is wrong once (a machine that boots with another date, a test that moves the time) must not delete what is
not old. The store therefore remembers the newest time that it believes: a look moves it forward by up to a day, and
further only when recordings have gone on for a day at the new time, while nobody has recorded at the former one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.facts.kinds import FACTS, SUMMARIES
from fedstore.facts.summaries import begin_generation
from fedstore.ids import FUTURE_SLACK_MS
from fedstore.widths import DAY_MS, HOUR_MS, MARKS

if TYPE_CHECKING:
    from fedstore.engine.protocol import Engine, Tx

__all__ = ["is_believed", "marks_ahead", "set_marks_back"]

JUMP_MS = DAY_MS + 2 * HOUR_MS
"""So far ahead of the newest believed time a clock is believed at once."""
_SOME = 2_000
_BELIEVED, _DOUBTED = "clock", "clock_doubted"
_KEPT_FROM = ("minutes_from", "hours_from")
_SET = "INSERT INTO marks (name, at_ms) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at_ms = excluded.at_ms"


def is_believed(database: Engine, now_ms: int) -> bool:
    """Whether `now_ms` is a time that the store's recordings make plausible; notes the look. Raises StoreError."""
    with database.write() as tx:
        marks = _marks(tx)
        known = marks.get(_BELIEVED)
        if known is None:
            known = _newest_before(tx, now_ms - HOUR_MS, now_ms)
        doubted = marks.get(_DOUBTED)
        if now_ms <= known + JUMP_MS:
            tx.execute(_SET, (_BELIEVED, max(known, now_ms)))
            if doubted is not None and now_ms < doubted:  # somebody still records at the former time
                tx.execute("DELETE FROM marks WHERE name = ?", (_DOUBTED,))
            return True
        if doubted is not None and doubted + DAY_MS <= now_ms:
            tx.execute(_SET, (_BELIEVED, now_ms))
            tx.execute("DELETE FROM marks WHERE name = ?", (_DOUBTED,))
            return True
        tx.execute(_SET, (_BELIEVED, known))
        tx.execute(_SET, (_DOUBTED, now_ms if doubted is None else min(doubted, now_ms)))
        return False


def marks_ahead(database: Engine, now_ms: int) -> int | None:
    """The latest mark that lies beyond the present UTC day, in epoch milliseconds; None where none does."""
    names = (*MARKS, *_KEPT_FROM, "purged")
    marks: dict[str, int] = dict(database.read("SELECT name, at_ms FROM marks"))
    latest = max(marks.get(name, 0) for name in names)
    return latest if latest > _tomorrow(now_ms + FUTURE_SLACK_MS) else None


def set_marks_back(database: Engine, now_ms: int) -> bool:
    """Bring marks that a wrong clock has set ahead back to the present; whether there were any.

    While minutes and hours were not kept, only days have grown: then they begin anew with the next UTC day.
    """
    if marks_ahead(database, now_ms) is None:
        return False
    with database.write() as tx:
        marks = _marks(tx)
        tomorrow = _tomorrow(now_ms)
        kept_from = max(marks.get(name, 0) for name in _KEPT_FROM)
        lost = kept_from > now_ms - now_ms % DAY_MS
        for name, width in MARKS.items():
            back = tomorrow if lost else now_ms - now_ms % width
            if marks[name] > back:
                _roll_back(tx, width, max(back, kept_from - kept_from % DAY_MS + DAY_MS if lost else back))
                tx.execute(_SET, (name, back))
        for name in _KEPT_FROM:
            if marks.get(name, 0) > tomorrow:
                tx.execute(_SET, (name, tomorrow))
        if marks.get("purged", 0) > now_ms:
            tx.execute(_SET, ("purged", now_ms))
        tx.execute(_SET, (_BELIEVED, now_ms))
        tx.memo.clear()
        begin_generation(tx)
    return True


def _tomorrow(now_ms: int) -> int:
    return now_ms - now_ms % DAY_MS + DAY_MS


def _roll_back(tx: Tx, width: int, since: int) -> None:
    """Forget what was rolled up too early: the narrower buckets hold it, and are rolled up when it is time."""
    for table in SUMMARIES:
        tx.execute(f"DELETE FROM {table} WHERE width = ? AND start >= ?", (width, since))


def _marks(tx: Tx) -> dict[str, int]:
    return dict(tx.execute("SELECT name, at_ms FROM marks"))


def _newest_before(tx: Tx, before_ms: int, otherwise_ms: int) -> int:
    """When the newest facts were recorded that are older than `before_ms`, as far as the newest rows tell."""
    newest = 0
    for kind in FACTS:
        table = kind.table.name
        sql = f"SELECT recorded_ms FROM {table} ORDER BY seq DESC LIMIT ?"
        newest = max([newest, *(row[0] for row in tx.execute(sql, (_SOME,)) if row[0] < before_ms)])
    return newest or otherwise_ms
