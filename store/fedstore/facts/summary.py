"""What a summary is, and what one transaction adds to it.

A summary is a table of buckets: how much of something there was per minute, ten minutes, hour and day, by some keys.
Its columns are sums and packed distributions, which add up across buckets and facts. How buckets are written and rolled
up stands in `fedstore.facts.summaries`.
"""

from __future__ import annotations

from collections import defaultdict

from fedstore.bins import duration_once
from fedstore.engine.tables import SummaryTable
from fedstore.widths import MINUTE_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    Key: TypeAlias = tuple[str, ...]
    """The values of a summary's keys."""
    Start: TypeAlias = tuple[int, *tuple[str, ...]]
    """When a bucket begins, and its keys."""
    Part: TypeAlias = tuple[int | bytes | bytearray, ...]
    """What one fact, or one narrower bucket, adds: the sums of a summary, then its packed distributions."""

__all__ = ["NOTHING", "Deltas", "Summary", "duration_part", "share_part"]

NOTHING = (0, 0)
"""Of how many facts a value is known, and their sum, where it is not."""
_NO_DURATION = (0, 0, bytearray())
_PPM = 1_000_000


class Summary:
    """A summary: what its rows are about (`keys`), what they add up, which distributions they hold.

    `topics` are what a view can be about that this tells of, each with the key that has its names ("" for none).
    """

    __slots__ = ("bins", "keys", "name", "sums", "table", "topics")

    def __init__(
        self,
        name: str,
        *,
        keys: tuple[str, ...],
        sums: tuple[str, ...],
        bins: tuple[str, ...] = (),
        topics: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.keys = keys
        self.sums = sums
        self.bins = bins
        self.topics = topics or {}
        self.table = SummaryTable(name, ("width", "start", *keys), sums, bins)


class Deltas:
    """What the facts of one transaction add, per summary and minute."""

    __slots__ = ("minutes",)

    def __init__(self) -> None:
        self.minutes: dict[Summary, defaultdict[Start, list[Part]]] = {}
        """By the start of the minute and the keys."""

    def add(self, summary: Summary, at_ms: int, key: Key, part: Part) -> None:
        """Add a part to the minute of `at_ms`."""
        rows = self.minutes.get(summary)
        if rows is None:
            rows = self.minutes[summary] = defaultdict(list)
        rows[(at_ms - at_ms % MINUTE_MS, *key)].append(part)


def share_part(share: float | None) -> tuple[int, int]:
    """What a share of 0 to 1 adds: of how many facts it is known, and their sum in millionths."""
    return NOTHING if share is None else (1, round(share * _PPM))


def duration_part(duration_us: int | None) -> tuple[int, int, bytearray]:
    """What a duration in microseconds adds: of how many facts it is known, their sum, their distribution."""
    return _NO_DURATION if duration_us is None else (1, duration_us, duration_once(duration_us))
