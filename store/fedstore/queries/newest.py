"""When facts begin and end: the oldest and the newest bucket, of all names or of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.facts.kinds import SUMMARIES
from fedstore.widths import DAY_MS, HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fedstore.engine.protocol import Reads

__all__ = ["newest_start", "oldest_start"]

_FOREVER_MS = 1 << 62
_LOOKED_AT = (MINUTE_MS, HOUR_MS, DAY_MS)


def oldest_start(source: Reads) -> int | None:
    """The start of the oldest bucket of any table, in epoch milliseconds: a minute where that is still kept."""
    of_width = " UNION ALL ".join(
        f"SELECT {width} AS width, MIN(start) AS start FROM {table} WHERE width = {width}"
        for width in _LOOKED_AT for table in SUMMARIES
    )  # fmt: skip
    rows = source.read(f"SELECT width, MIN(start) FROM ({of_width}) AS oldest GROUP BY width")
    starts: dict[int, int] = {width: start for width, start in rows if start is not None}
    if not starts:
        return None
    oldest, within = min((start, -width) for width, start in starts.items())
    for width in reversed(_LOOKED_AT):  # what the oldest bucket holds is in narrower ones, too
        if oldest <= starts.get(width, -1) < oldest - within:
            oldest, within = starts[width], -width
    return oldest


def newest_start(source: Reads, tables: Sequence[str] = tuple(SUMMARIES), key: str = "", name: str = "") -> int | None:
    """The start of the newest bucket of some tables, in epoch milliseconds; with `key`, of one name of it."""
    if not key:
        return _newest_of_all(source, tables)
    found = (_newest_of_name(source, table, key, name) for table in tables)
    return max((start for start in found if start is not None), default=None)


def _newest_of_all(source: Reads, tables: Sequence[str]) -> int | None:
    newest = " UNION ALL ".join(f"SELECT COALESCE({', '.join(_newest_by_width(table))}) AS start" for table in tables)
    return _one(source, f"SELECT MAX(start) FROM ({newest}) AS newest")


def _newest_by_width(table: str) -> Iterator[str]:
    """The first of them that is not null counts: where minutes were purged the hours tell, and then the days."""
    return (f"(SELECT MAX(start) FROM {table} WHERE width = {width})" for width in _LOOKED_AT)


def _one(source: Reads, sql: str) -> int | None:
    ((start,),) = source.read(sql)
    return None if start is None else int(start)


def _newest_of_name(source: Reads, table: str, key: str, name: str) -> int | None:
    """Looks at what came after the last whole day, else at the days, and then into the newest of them.

    So a name that was seen once, long ago, costs no more than the days since.
    """
    found = f"SELECT start FROM {table} WHERE width = ? AND start >= ? AND start < ? AND {key} = ?"
    sql = f"{found} ORDER BY start DESC LIMIT 1"  # unlike MAX, ends at the first row found

    def newest(width: int, since: int, until: int) -> int | None:
        rows = source.read(sql, (width, since, until, name))
        return int(rows[0][0]) if rows else None

    ((last_day,),) = source.read("SELECT at_ms FROM marks WHERE name = 'day'")
    today = newest(MINUTE_MS, last_day, _FOREVER_MS)
    if today is not None:
        return today
    day = newest(DAY_MS, 0, _FOREVER_MS)
    if day is None:
        return None
    within = (newest(width, day, day + DAY_MS) for width in (MINUTE_MS, HOUR_MS))
    return next((start for start in within if start is not None), day)
