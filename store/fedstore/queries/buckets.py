"""Sums and distributions of a window, read from the summary tables only.

Every query touches at most the buckets of one window (see ``window.spans``) and is answered by the primary key
(width, start, …), so its cost does not depend on how many facts were recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from fedstore.bins import merge_bins, percentiles
from fedstore.queries.models import Durations
from fedstore.schema.summaries import DAY_MS, HOUR_MS, MARKS, MINUTE_MS, SPECS, WIDTHS
from fedstore.window import Span, Window, spans

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Buckets", "Rows", "Source", "durations_of", "step_of"]

FOREVER_MS = 1 << 62
Rows = list[tuple[Any, ...]]
_STEPS_MS = tuple(
    n * unit
    for unit, counts in (
        (MINUTE_MS, (1, 2, 5, 10, 15, 30)),
        (HOUR_MS, (1, 2, 3, 6, 12)),
        (DAY_MS, (1, 2, 7, 14, 28, 91, 364, 3640)),
    )
    for n in counts
)


class Source(Protocol):
    """What a read model needs of a database."""

    def read(self, sql: str, parameters: Any = ()) -> Rows: ...


def step_of(window: Window, columns: int) -> int:
    """The shortest step, in milliseconds, that cuts the window into at most ``columns`` pieces.

    Half a day becomes a whole one, because days are kept as such and half days would be read as hours.
    """
    wanted = window.length_ms / max(1, columns)
    step = next((step for step in _STEPS_MS if step >= wanted), _STEPS_MS[-1])
    return DAY_MS if step == DAY_MS // 2 else step


def durations_of(n: int, total_ms: float, bins: bytes) -> Durations:
    """Mean from exact sums (milliseconds), percentiles from packed bins of microseconds."""
    if n <= 0:
        return Durations()
    if n == 1:  # exact: a bin's middle would lie beside the only value there is
        return Durations(n, total_ms, total_ms, total_ms)
    p50, p95 = percentiles(bins, (0.5, 0.95))
    return Durations(n, total_ms / n, None if p50 is None else p50 / 1000, None if p95 is None else p95 / 1000)


class Buckets:
    """The summary tables of one store, as of one read: what was asked once is answered from memory after that."""

    def __init__(self, source: Source) -> None:
        self._source = source
        found = {name: int(at) for name, at in source.read("SELECT name, at_ms FROM marks")}
        self._marks = tuple(found[name] for name in MARKS)
        self._kept = found.get("minutes_from", 0), found.get("hours_from", 0)
        self._known: dict[tuple[str, tuple[Any, ...]], Rows] = {}
        self._merged: dict[tuple[str, tuple[Any, ...]], dict[Any, bytes]] = {}

    def sums(
        self,
        table: str,
        window: Window,
        by: Sequence[str],
        columns: Sequence[str],
        where: str = "",
        *args: Any,
    ) -> Rows:
        """Rows of (by…, SUM(columns)…), one per combination of ``by``; ``where`` filters on key columns."""
        spread, parameters = self._spread(table, self._spans(window), (*by, *columns), where, args)
        names = ", ".join(by)
        totals = ", ".join(f"CAST(COALESCE(SUM({c}), 0) AS BIGINT) AS {c}" for c in columns)
        group = f" GROUP BY {names}" if by else ""
        return self._read(f"SELECT {names}{', ' if by else ''}{totals} FROM ({spread}) AS spread{group}", parameters)

    def slots(
        self, table: str, window: Window, step_ms: int, by: Sequence[str], columns: Sequence[str], where: str = "",
        *args: Any,
    ) -> Rows:  # fmt: skip
        """Rows of (slot start, by…, SUM(columns)…): the window cut into steps that start at multiples of one."""
        cut = spans(window, self._marks, *self._kept, widest=max(w for w in WIDTHS if step_ms % w == 0))
        spread, parameters = self._spread(table, cut, ("start", *by, *columns), where, args)
        names = "".join(f", {name}" for name in by)
        totals = ", ".join(f"CAST(SUM({c}) AS BIGINT) AS {c}" for c in columns)
        return self._read(
            f"SELECT start - start % ? AS slot{names}, {totals} FROM ({spread}) AS spread"
            f" GROUP BY start - start % ?{names}",
            (step_ms, *parameters, step_ms),
        )

    def blobs(
        self, table: str, window: Window, by: Sequence[str], column: str, where: str = "", *args: Any
    ) -> dict[Any, bytes]:
        """The packed distribution of the window, by key (a tuple, or the value of a single ``by``)."""
        spread, parameters = self._spread(table, self._spans(window), (*by, column), where, args)
        asked = spread, tuple(parameters)
        if asked not in self._merged:
            found: dict[Any, list[bytes]] = {}
            for *key, blob in self._source.read(*asked):
                found.setdefault(key[0] if len(by) == 1 else tuple(key), []).append(blob)
            self._merged[asked] = {key: merge_bins(blobs) for key, blobs in found.items()}
        return self._merged[asked]

    def names(self, table: str, key: str, window: Window) -> list[str]:
        """The distinct names of one key column in the window."""
        return [row[0] for row in self.sums(table, window, (key,), (_FIRST_SUM[table],))]

    def oldest_start(self) -> int | None:
        """The start of the oldest bucket of any table, in epoch milliseconds."""
        starts = [
            start
            for table in SPECS
            for width in (MINUTE_MS, HOUR_MS, DAY_MS)
            for (start,) in self._source.read(f"SELECT MIN(start) FROM {table} WHERE width = ?", (width,))
            if start is not None
        ]
        return min(starts, default=None)

    def newest_start(self, tables: Sequence[str] = tuple(SPECS), key: str = "", name: str = "") -> int | None:
        """The start of the newest bucket of some tables, in epoch milliseconds; with ``key``, of one name of it."""
        find = self._newest_of_all if not key else self._newest_of_name
        return max((start for table in tables if (start := find(table, key, name)) is not None), default=None)

    def _newest_of_all(self, table: str, *_: str) -> int | None:
        for width in (MINUTE_MS, HOUR_MS, DAY_MS):
            ((start,),) = self._source.read(f"SELECT MAX(start) FROM {table} WHERE width = ?", (width,))
            if start is not None:
                return int(start)
        return None

    def _newest_of_name(self, table: str, key: str, name: str) -> int | None:
        """Looks at what came after the last whole day, else at the days, and then into the newest of them.

        So a name that was seen once, long ago, costs no more than the days since.
        """
        found = f"SELECT start FROM {table} WHERE width = ? AND start >= ? AND start < ? AND {key} = ?"
        sql = f"{found} ORDER BY start DESC LIMIT 1"  # unlike MAX, ends at the first row found

        def newest(width: int, since: int, until: int) -> int | None:
            rows = self._source.read(sql, (width, since, until, name))
            return int(rows[0][0]) if rows else None

        today = newest(MINUTE_MS, self._marks[-1], FOREVER_MS)
        if today is not None:
            return today
        day = newest(DAY_MS, 0, FOREVER_MS)
        if day is None:
            return None
        within = (newest(width, day, day + DAY_MS) for width in (MINUTE_MS, HOUR_MS))
        return next((start for start in within if start is not None), day)

    def _read(self, sql: str, parameters: Sequence[Any]) -> Rows:
        asked = sql, tuple(parameters)
        if asked not in self._known:
            self._known[asked] = self._source.read(*asked)
        return self._known[asked]

    def _spans(self, window: Window) -> list[Span]:
        return spans(window, self._marks, *self._kept)

    @staticmethod
    def _spread(
        table: str, cut: Sequence[Span], columns: Sequence[str], where: str, args: Sequence[Any]
    ) -> tuple[str, list[Any]]:
        """One SELECT per span, joined by UNION ALL, so that each is a range of the primary key."""
        condition = f" AND {where}" if where else ""
        parts, parameters = [], []
        for span in cut or [Span(MINUTE_MS, 0, 0)]:
            parts.append(
                f"SELECT {', '.join(columns)} FROM {table} WHERE width = ? AND start >= ? AND start < ?{condition}"
            )
            parameters += [span.width, span.start_ms, span.end_ms, *args]
        return " UNION ALL ".join(parts), parameters


_FIRST_SUM = {
    "agent_buckets": "runs",
    "spend_buckets": "calls",
    "tool_buckets": "calls",
    "route_buckets": "routes",
    "layer_buckets": "attempts",
}
