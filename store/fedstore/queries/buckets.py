"""Sums and distributions of a window, read from the summary tables only.

A window is a few spans of buckets (see ``window.spans``), each a range of the primary key (width, start, …), so the
cost does not depend on how many facts were recorded. Each span is added up by itself: those that are over are read
once and kept (see ``past``), the last minutes are read again.
"""

from __future__ import annotations

from itertools import chain
from operator import add
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fedstore.bins import counts_of, percentiles, together
from fedstore.queries.models import Durations
from fedstore.queries.past import Past, Question
from fedstore.schema.summaries import DAY_MS, HOUR_MS, MARKS, MINUTE_MS, SPECS, WIDTHS
from fedstore.window import Span, Window, kept, spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    Counts: TypeAlias = Mapping[int, int]
    """How many of a distribution lie in each bin."""
    Cut: TypeAlias = tuple[Span, ...]
    Answers: TypeAlias = list[dict[tuple[Any, ...], Any]]
    """One per span: sums, or the counts of a distribution, by key."""
    Read: TypeAlias = Callable[["Source", Question, list[Span]], Answers]

__all__ = ["Buckets", "Counts", "Rows", "Source", "durations_of"]

T = TypeVar("T")
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


def durations_of(n: int, total_ms: float, bins: Counts) -> Durations:
    """Mean from exact sums (milliseconds), percentiles from the counts of bins of microseconds."""
    if n <= 0:
        return Durations()
    if n == 1:  # exact: a bin's middle would lie beside the only value there is
        return Durations(n, total_ms, total_ms, total_ms)
    p50, p95 = percentiles(bins, (0.5, 0.95))
    return Durations(n, total_ms / n, None if p50 is None else p50 / 1000, None if p95 is None else p95 / 1000)


class Buckets:
    """The summary tables of one store, as of one read. ``past`` is what earlier reads leave to it."""

    def __init__(self, source: Source, past: Past | None = None) -> None:
        self._source = source
        found: dict[str, int] = dict(source.read("SELECT name, at_ms FROM marks UNION ALL SELECT name, note FROM past"))
        self._marks = tuple(found[name] for name in MARKS)
        self._kept = found.get("minutes_from", 0), found.get("hours_from", 0)
        self._past = (Past() if past is None else past).as_of({table: found[table] for table in SPECS})
        self._cuts: dict[tuple[Window, int], Cut] = {}
        self._told: dict[Question, dict[Cut, Any]] = {}

    def kept(self, window: Window) -> Window:
        """The window that the sums of ``window`` are those of: longer where its narrow buckets were purged."""
        return kept(window, *self._kept)

    def step_of(self, window: Window, columns: int) -> int:
        """The shortest step, in milliseconds, that cuts the window into at most ``columns`` pieces.

        Of a time whose minutes (or hours) were purged it is an hour (a day) at least. Half a day becomes a whole one,
        because days are kept as such and half days would be read as hours.
        """
        minutes_from, hours_from = self._kept
        kept = DAY_MS if window.start_ms < hours_from else HOUR_MS if window.start_ms < minutes_from else MINUTE_MS
        wanted = max(kept, window.length_ms / max(1, columns))
        step = next((step for step in _STEPS_MS if step >= wanted), _STEPS_MS[-1])
        return DAY_MS if step == DAY_MS // 2 else step

    def sums(
        self, table: str, window: Window, by: Sequence[str], columns: Sequence[str], where: str = "", *args: Any
    ) -> Rows:
        """Rows of (by…, SUM(columns)…), one per combination of ``by``; ``where`` filters on key columns."""
        return self.sums_each(table, (window,), by, columns, where, *args)[0]

    def sums_each(
        self, table: str, windows: Iterable[Window], by: Sequence[str], columns: Sequence[str], where: str = "",
        *args: Any,
    ) -> list[Rows]:  # fmt: skip
        """The sums of each of some windows, read together."""
        asked = Question(table, tuple(by), tuple(columns), where, args)
        found: list[Rows] = self._tell(asked, [self._cut(window) for window in windows], _sums, _rows)
        return found if by else [rows or [(0,) * len(columns)] for rows in found]

    def slots(
        self, table: str, window: Window, step_ms: int, by: Sequence[str], columns: Sequence[str], where: str = "",
        *args: Any,
    ) -> Rows:  # fmt: skip
        """Rows of (slot start, by…, SUM(columns)…): the window cut into steps that start at multiples of one."""
        asked = Question(table, tuple(by), tuple(columns), where, args, step_ms)
        cut = self._cut(window, max(width for width in WIDTHS if step_ms % width == 0))
        (rows,) = self._tell(asked, [cut], _slots, _rows)
        return rows

    def distributions(
        self, table: str, window: Window, by: Sequence[str], column: str, where: str = "", *args: Any
    ) -> dict[Any, Counts]:
        """The distribution of the window, by key (a tuple, or the value of a single ``by``)."""
        asked = Question(table, tuple(by), (column,), where, args)
        (found,) = self._tell(asked, [self._cut(window)], _distributions, _joined)
        return found

    def names(self, table: str, key: str, window: Window) -> list[str]:
        """The distinct names of one key column in the window."""
        return [row[0] for row in self.sums(table, window, (key,), (_FIRST_SUM[table],))]

    def _tell(self, asked: Question, cuts: list[Cut], read: Read, fold: Callable[[Answers], T]) -> list[T]:
        """What each of some windows adds up to; what nobody has read yet of any of them in one statement."""
        told = self._told.setdefault(asked, {})
        new = [cut for cut in cuts if cut not in told]
        past = self._past[asked.table].setdefault(asked, {})
        present: dict[Span, Any] = {}
        unread = [span for span in dict.fromkeys(chain.from_iterable(new)) if span not in past]
        if unread:
            for span, answer in zip(unread, read(self._source, asked, unread), strict=True):
                (past if span.end_ms <= self._marks[0] else present)[span] = answer
        for cut in new:
            told[cut] = fold([past[span] if span in past else present[span] for span in cut])
        return [told[cut] for cut in cuts]

    def _cut(self, window: Window, widest: int = DAY_MS) -> Cut:
        """The spans of a window, none of them partly over."""
        found = self._cuts.get((window, widest))
        if found is None:
            whole = spans(window, self._marks, *self._kept, widest=widest)
            found = self._cuts[window, widest] = tuple(chain.from_iterable(map(self._halves, whole)))
        return found

    def _halves(self, span: Span) -> list[Span]:
        over = self._marks[0]
        if span.start_ms < over < span.end_ms:
            return [Span(span.width, span.start_ms, over), Span(span.width, over, span.end_ms)]
        return [span]


def _rows(answers: Answers) -> Rows:
    """Sums of several spans together, in the order of their keys."""
    first, *others = answers or [{}]
    total = dict(first)
    for answer in others:
        for key, sums in answer.items():
            have = total.get(key)
            total[key] = sums if have is None else tuple(map(add, have, sums))
    return [(*key, *total[key]) for key in sorted(total)]


def _joined(answers: Answers) -> dict[Any, Counts]:
    """Distributions of several spans together."""
    parts: dict[tuple[Any, ...], list[Counts]] = {}
    for answer in answers:
        for key, counts in answer.items():
            parts.setdefault(key, []).append(counts)
    return {key if len(key) > 1 else key[0]: together(some) for key, some in parts.items()}


def _sums(source: Source, asked: Question, unread: list[Span]) -> Answers:
    found: Answers = [{} for _ in unread]
    values = 1 + len(asked.by)
    for row in _spread(source, asked, unread, (*asked.by, *_totals(asked)), asked.by):
        found[row[0]][row[1:values]] = row[values:]
    return found


def _slots(source: Source, asked: Question, unread: list[Span]) -> Answers:
    """Grouped by start, in the order of the primary key, so that nothing has to be sorted; then added up by step."""
    found: Answers = [{} for _ in unread]
    keys = ("start", *asked.by)
    values, step = 1 + len(keys), asked.step_ms
    for row in _spread(source, asked, unread, (*keys, *_totals(asked)), keys):
        answer, start, sums = found[row[0]], row[1], row[values:]
        key = (start - start % step, *row[2:values])
        have = answer.get(key)
        answer[key] = sums if have is None else tuple(map(add, have, sums))
    return found


def _totals(asked: Question) -> Iterable[str]:
    return (f"CAST(COALESCE(SUM({column}), 0) AS BIGINT)" for column in asked.columns)


def _distributions(source: Source, asked: Question, unread: list[Span]) -> Answers:
    blobs: list[dict[Any, list[bytes]]] = [{} for _ in unread]
    for row in _spread(source, asked, unread, (*asked.by, *asked.columns)):
        some, key = blobs[row[0]], row[1:-1]
        if key in some:
            some[key].append(row[-1])
        else:
            some[key] = [row[-1]]
    return [{key: counts_of(some) for key, some in found.items()} for found in blobs]


def _spread(
    source: Source, asked: Question, unread: list[Span], columns: Sequence[str], group: Sequence[str] = ()
) -> Rows:
    """The rows of all spans, each beginning with the position of its span; each span a range of the primary key."""
    what = f"{', '.join(columns)} FROM {asked.table} WHERE width = ? AND start >= ? AND start < ?"
    which = (f" AND {asked.where}" if asked.where else "") + (f" GROUP BY {', '.join(group)}" if group else "")
    sql = " UNION ALL ".join(f"SELECT {part} AS part, {what}{which}" for part in range(len(unread)))
    return source.read(sql, [value for span in unread for value in (*span, *asked.args)])


_FIRST_SUM = {
    "agent_buckets": "runs",
    "spend_buckets": "calls",
    "tool_buckets": "calls",
    "route_buckets": "routes",
    "layer_buckets": "attempts",
}
