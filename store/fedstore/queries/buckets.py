"""Sums and distributions of a window, read from the summary tables only.

A window is a few spans of buckets (see `window.spans`), each a range of the primary key (width, start, …), so the
cost does not depend on how many facts were recorded. The spans are read in a few pieces: those that are over are read
once and kept (see `past`), the last minutes are read again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from fedstore.bins import percentiles
from fedstore.facts.kinds import SUMMARIES
from fedstore.queries.answers import add_counts, add_sums, read_distributions, read_slots, read_sums
from fedstore.queries.closed import Past, Question
from fedstore.queries.models import Durations
from fedstore.widths import DAY_MS, HOUR_MS, MARKS, MINUTE_MS, WIDTHS
from fedstore.window import Span, Window, kept, spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    from fedstore.engine.protocol import Reads, Value
    from fedstore.queries.answers import Counts, Rows
    from fedstore.queries.closed import Answer, Piece, Total

    Read: TypeAlias = Callable[[Reads, Question, Sequence[Piece]], list[Answer]]
    Add: TypeAlias = Callable[[Sequence[Answer]], Answer]

__all__ = ["Buckets", "durations_of"]

Shaped = TypeVar("Shaped")

_STEPS_MS = tuple(
    n * unit
    for unit, counts in (
        (MINUTE_MS, (1, 2, 5, 10, 15, 30)),
        (HOUR_MS, (1, 2, 3, 6, 12)),
        (DAY_MS, (1, 2, 7, 14, 28, 91, 364, 3640)),
    )
    for n in counts
)


def durations_of(n: int, total_us: int, bins: Counts) -> Durations:
    """Mean from exact sums, percentiles from the counts of bins; both of microseconds."""
    if n <= 0:
        return Durations()
    if n == 1:  # exact: a bin's middle would lie beside the only value there is
        return Durations(n, total_us / 1000, total_us / 1000, total_us / 1000)
    p50, p95 = percentiles(bins, (0.5, 0.95))
    return Durations(n, total_us / 1000 / n, None if p50 is None else p50 / 1000, None if p95 is None else p95 / 1000)


class Buckets:
    """The summary tables of one store, as of one read. `past` is what earlier reads leave to it."""

    def __init__(self, source: Reads, past: Past | None = None) -> None:
        self._source = source
        found: dict[str, int] = dict(source.read("SELECT name, at_ms FROM marks UNION ALL SELECT name, note FROM past"))
        self._marks = tuple(found[name] for name in MARKS)
        self._kept = found.get("minutes_from", 0), found.get("hours_from", 0)
        self._past = (Past() if past is None else past).as_of({table: found[table] for table in SUMMARIES})
        self._told: dict[Question, dict[Cut, Total]] = {}

    def kept(self, window: Window) -> Window:
        """The window that the sums of `window` are those of: longer where its narrow buckets were purged."""
        return kept(window, *self._kept)

    def step_of(self, window: Window, columns: int) -> int:
        """The shortest step, in milliseconds, that cuts the window into at most `columns` pieces.

        Of a time whose minutes (or hours) were purged it is an hour (a day) at least. Half a day becomes a whole one,
        because days are kept as such and half days would be read as hours.
        """
        minutes_from, hours_from = self._kept
        kept = DAY_MS if window.start_ms < hours_from else HOUR_MS if window.start_ms < minutes_from else MINUTE_MS
        wanted = max(kept, window.length_ms / max(1, columns))
        step = next((step for step in _STEPS_MS if step >= wanted), _STEPS_MS[-1])
        return DAY_MS if step == DAY_MS // 2 else step

    def series_step(self, window: Window, columns: int) -> int:
        """The step of a series that is read as figures too: that of so many columns, of all time a day at most."""
        step = self.step_of(window, columns)
        return min(step, DAY_MS) if window.label == "all" else step

    def sums(
        self, table: str, window: Window, by: Sequence[str], columns: Sequence[str], where: str = "", *args: Value
    ) -> Rows:
        """Rows of (by…, SUM(columns)…), one per combination of `by`; `where` filters on key columns."""
        return self.sums_each(table, (window,), by, columns, where, *args)[0]

    def sums_each(
        self, table: str, windows: Iterable[Window], by: Sequence[str], columns: Sequence[str], where: str = "",
        *args: Value,
    ) -> list[Rows]:  # fmt: skip
        """The sums of each of some windows, read together."""
        asked = Question(table, tuple(by), tuple(columns), where, args)
        found = self._tell(asked, [self._cut(window) for window in windows], read_sums, add_sums, _rows)
        return found if by else [rows or [(0,) * len(columns)] for rows in found]

    def slots(
        self, table: str, window: Window, step_ms: int, by: Sequence[str], columns: Sequence[str], where: str = "",
        *args: Value,
    ) -> Rows:  # fmt: skip
        """Rows of (slot start, by…, SUM(columns)…): the window cut into steps that start at multiples of one."""
        asked = Question(table, tuple(by), tuple(columns), where, args, step_ms)
        cut = self._cut(window, max(width for width in WIDTHS if step_ms % width == 0))
        return self._tell(asked, [cut], read_slots, add_sums, _rows)[0]

    def distributions(
        self, table: str, window: Window, by: str, column: str, where: str = "", *args: Value
    ) -> dict[str, Counts]:
        """The distribution of the window, by the names in one key column."""
        asked = Question(table, (by,), (column,), where, args)
        return self._tell(asked, [self._cut(window)], read_distributions, add_counts, _by_name)[0]

    def names(self, table: str, key: str, window: Window) -> list[str]:
        """The distinct names of one key column in the window."""
        return [row[0] for row in self.sums(table, window, (key,), SUMMARIES[table].sums[:1])]

    def _tell(
        self, asked: Question, cuts: Sequence[Cut], read: Read, both: Add, shape: Callable[[Answer], Shaped]
    ) -> list[Shaped]:
        """What each of some windows adds up to; what nobody has read yet of any of them in one statement."""
        told = self._told.setdefault(asked, {})
        past = self._past[asked.table].setdefault(asked, {})
        new = [cut for cut in cuts if cut not in told]
        unread: dict[Piece, None] = {}
        for cut in new:
            if cut.over not in past:
                unread |= dict.fromkeys(piece for piece in cut.pieces if piece not in past)
            if cut.present:
                unread[cut.present] = None
        found = dict(zip(unread, read(self._source, asked, tuple(unread)), strict=True)) if unread else {}
        for cut in new:
            answer = past.get(cut.over)
            if answer is None:
                past.update((piece, found[piece]) for piece in cut.pieces if piece in found)
                answer = past[cut.over] = both([past[piece] for piece in cut.pieces])
            told[cut] = shape(both([answer, found[cut.present]]) if cut.present else answer)
        return [told[cut] for cut in cuts]

    def _cut(self, window: Window, widest: int = DAY_MS) -> Cut:
        return _cut(window, widest, self._marks, self._kept)


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A window in pieces: its minutes move on with it, while what lies between them stays the same for ten minutes."""

    pieces: tuple[Piece, ...]
    """What is over, as it is read."""
    over: Piece
    """The same as one, as it is kept added up."""
    present: Piece
    """What goes on."""


@lru_cache(256)
def _cut(window: Window, widest: int, marks: tuple[int, ...], kept_from: tuple[int, int]) -> Cut:
    whole = [part for span in spans(window, marks, *kept_from, widest=widest) for part in _halves(span, marks[0])]
    over = tuple(span for span in whole if span.end_ms <= marks[0])
    minutes = tuple(span for span in over if span.width == MINUTE_MS)
    wider = tuple(span for span in over if span.width != MINUTE_MS)
    return Cut(tuple(filter(None, (minutes, wider))), over, tuple(whole[len(over) :]))


def _halves(span: Span, over_ms: int) -> list[Span]:
    if span.start_ms < over_ms < span.end_ms:
        return [Span(span.width, span.start_ms, over_ms), Span(span.width, over_ms, span.end_ms)]
    return [span]


def _rows(answer: Answer) -> Rows:
    """Sums in the order of their keys."""
    return [(*key, *answer[key]) for key in sorted(answer)]


def _by_name(answer: Answer) -> dict[str, Counts]:
    """Distributions by name."""
    return {name: counts for (name,), counts in answer.items()}
