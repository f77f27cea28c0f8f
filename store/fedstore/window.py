"""Windows of time: what a screen or command looks at, and which summary buckets it is made of.

A window is `[start, end)` in UTC epoch milliseconds, aligned to whole minutes; `end` is the next minute
after the present, or the moment that `--at` names. `spans` splits it into days, hours, tens and minutes, so that
any window is exact and costs at most its days and some 46 hours, 10 tens and 18 minutes of rows per name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from fedstore.errors import FedstoreError
from fedstore.widths import DAY_MS, HOUR_MS, MINUTE_MS, WIDTHS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["WINDOW_LABELS", "Span", "Window", "iso", "kept", "parse_duration_ms", "parse_time_ms", "spans"]

WINDOW_LABELS = ("15m", "1h", "6h", "24h", "7d", "30d", "all")
_UNITS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}
_EPOCH_MS = 946_684_800_000  # nothing is recorded before the year 2000


@dataclass(frozen=True, slots=True)
class Window:
    """`[start_ms, end_ms)`; `label` names it (168 hours are 7d), `live` tells whether it ends at the present."""

    start_ms: int
    end_ms: int
    label: str
    live: bool = True

    @property
    def length_ms(self) -> int:
        """Its length in milliseconds."""
        return self.end_ms - self.start_ms

    def before(self) -> Window:
        """The window of the same length that ends where this one starts."""
        return Window(self.start_ms - self.length_ms, self.start_ms, self.label, live=False)

    def rolling(self, days: int = 30) -> Window:
        """The days that end where this one ends, by default those that trust in tools rests on.

        Their first one is left out unless it is whole (in UTC).
        """
        start = self.end_ms - days * DAY_MS
        return Window(start + -start % DAY_MS, self.end_ms, f"{days}d", self.live)

    @classmethod
    def ending(cls, label: str, end_ms: int, *, live: bool = True) -> Window:
        """The window named `label` (15m, 24h, 7d, a number of hours, all) that contains `end_ms`.

        Its label has a unit: that of 168 hours is `7d`, that of 5 hours `5h`.
        """
        end = end_ms - end_ms % MINUTE_MS + MINUTE_MS
        if label == "all":
            return cls(_EPOCH_MS, end, label, live)
        length = parse_duration_ms(label)
        return cls(max(_EPOCH_MS, end - length), end, _named(label.strip(), length), live)


def parse_duration_ms(text: str) -> int:
    """Milliseconds of `15m`, `6h`, `7d`, `2w` or a plain number of hours. Raises FedstoreError."""
    found = re.fullmatch(r"\s*(\d{1,6})\s*([mhdw]?)\s*", text)
    if found is None or int(found[1]) == 0:
        raise FedstoreError(f"{text!r} is not a window: use 15m, 6h, 7d, a number of hours, or all")
    return int(found[1]) * _UNITS[found[2] or "h"]


def _named(label: str, length_ms: int) -> str:
    """The name of a window given as a number of hours: of those that views offer where it is one of them."""
    if not label.isdecimal():
        return label
    offered = (name for name in WINDOW_LABELS[:-1] if parse_duration_ms(name) == length_ms)
    return next(offered, f"{int(label)}h")


def parse_time_ms(text: str) -> int:
    """Epoch milliseconds of an ISO 8601 time, local where it has no zone, or as they are. Raises FedstoreError."""
    if re.fullmatch(r"\d{12,14}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
        return round(moment.astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise FedstoreError(f"{text!r} is not a time: use 2026-01-31 12:00, with Z or an offset, or newest") from None


class Span(NamedTuple):
    """Buckets of one `width` with `start_ms <= start < end_ms`."""

    width: int
    start_ms: int
    end_ms: int


def spans(
    window: Window, marks: Sequence[int], minutes_from: int = 0, hours_from: int = 0, widest: int = DAY_MS
) -> list[Span]:
    """The buckets that make up a window, without gap or overlap, each as wide as its mark (and `widest`) allows.

    `marks` are those of ten minutes, hours and days. `minutes_from` and `hours_from` tell since when minutes
    and hours are kept; an edge before that snaps outwards to the next wider bucket.
    """
    start, end = _edges(window, minutes_from, hours_from)
    levels = [(width, mark) for width, mark in zip(WIDTHS[1:], marks, strict=True) if width <= widest]
    return [span for span in _split(start, end, levels) if span.start_ms < span.end_ms]


def kept(window: Window, minutes_from: int, hours_from: int) -> Window:
    """The window as `spans` reads it: where minutes or hours were purged, to the edges of what is kept there.

    It is named anew where that makes it longer by more than a tenth: 24 hours can become `2d`.
    """
    start, end = _edges(window, minutes_from, hours_from)
    if (start, end) == (window.start_ms, window.end_ms):
        return window
    whole = replace(window, start_ms=start, end_ms=end)
    if window.label == "all" or whole.length_ms <= window.length_ms * 1.1:
        return whole
    days, rest = divmod(whole.length_ms, DAY_MS)
    return replace(whole, label=f"{whole.length_ms // HOUR_MS}h" if rest else f"{days}d")


def _edges(window: Window, minutes_from: int, hours_from: int) -> tuple[int, int]:
    start, end = window.start_ms, window.end_ms
    return (
        _down(start, DAY_MS if start < hours_from else HOUR_MS if start < minutes_from else MINUTE_MS),
        _up(end, DAY_MS if end < hours_from else HOUR_MS if end < minutes_from else MINUTE_MS),
    )


def _split(start: int, end: int, levels: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """The widest complete buckets in the middle, what is left on both sides in the next narrower ones."""
    if not levels:
        yield Span(MINUTE_MS, start, end)
        return
    *narrower, (width, mark) = levels
    first, last = _up(start, width), min(_down(end, width), mark)
    if first < last:
        yield from _split(start, first, narrower)
        yield Span(width, first, last)
        yield from _split(last, end, narrower)
    else:
        yield from _split(start, end, narrower)


def _down(ms: int, width: int) -> int:
    return ms - ms % width


def _up(ms: int, width: int) -> int:
    return ms + -ms % width


def iso(at_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds where there are any: `2026-01-31T12:00:00.250Z`."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)
    return moment.isoformat(timespec="milliseconds" if at_ms % 1000 else "seconds").replace("+00:00", "Z")
