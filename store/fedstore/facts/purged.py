"""Facts whose rows have been purged, each remembered by a hash of its id: sent again, it is not counted again.

Eight bytes per fact are what stays of it beside the summaries. A fact with an id of our own making (see `ids`) that
is younger than everything purged is not even looked up, so that recording costs what it did.
"""

from __future__ import annotations

from fedstore.ids import FUTURE_SLACK_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fedstore.engine.protocol import Row, Tx

__all__ = ["MOVE_MARK", "not_purged", "remember"]

_ID_LENGTH, _TIME_DIGITS = 32, 12
_CHUNK = 400
MOVE_MARK = (
    "INSERT INTO marks (name, at_ms) VALUES (?, ?)"
    " ON CONFLICT (name) DO UPDATE SET at_ms = excluded.at_ms WHERE excluded.at_ms > marks.at_ms"
)
"""Sets a mark, by its name, to a later time."""
_REMEMBER = "INSERT INTO purged (fact) VALUES (?) ON CONFLICT DO NOTHING"


def remember(tx: Tx, table: str, facts: Iterable[tuple[str, int]]) -> None:
    """Note (id, time of recording) of facts whose rows are deleted in the same transaction."""
    newest = 0
    hashes = []
    for fact_id, recorded_ms in facts:
        hashes.append((_hash(table, fact_id),))
        newest = max(newest, recorded_ms)
    if hashes:
        tx.executemany(_REMEMBER, hashes)
        tx.execute(MOVE_MARK, ("facts_purged", newest))
        tx.memo.pop("facts_purged", None)


def not_purged(tx: Tx, table: str, rows: list[Row], newest_ms: int, now_ms: int, at: int = 0) -> list[Row]:
    """The rows (their id is at position `at`) whose fact was not purged; the newest that was is of `newest_ms`."""
    suspects = [row[at] for row in rows if row[at] and not _is_younger(row[at], newest_ms, now_ms)]
    gone = _gone(tx, table, suspects) if suspects else None
    return [row for row in rows if row[at] not in gone] if gone else rows


def _is_younger(fact_id: str, than_ms: int, now_ms: int) -> bool:
    """Whether an id of our own form says that its fact came after `than_ms`."""
    if len(fact_id) != _ID_LENGTH:
        return False
    try:
        at_ms = int(fact_id[:_TIME_DIGITS], 16)
    except ValueError:
        return False
    return than_ms + FUTURE_SLACK_MS < at_ms <= now_ms + FUTURE_SLACK_MS


def _gone(tx: Tx, table: str, ids: Sequence[str]) -> set[str]:
    by_hash = {_hash(table, fact_id): fact_id for fact_id in ids}
    hashes = list(by_hash)
    found: set[str] = set()
    for start in range(0, len(hashes), _CHUNK):
        some = hashes[start : start + _CHUNK]
        sql = f"SELECT fact FROM purged WHERE fact IN ({', '.join('?' * len(some))})"
        found.update(by_hash[fact] for (fact,) in tx.execute(sql, some))
    return found


def _hash(table: str, fact_id: str) -> int:
    import hashlib

    digest = hashlib.blake2b(f"{table} {fact_id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
