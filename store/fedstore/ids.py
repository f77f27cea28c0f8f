"""Time-ordered identities: 48 bits of milliseconds, then 80 random bits, as 32 hex digits (UUIDv7's order).

Random ids make the unique index of a large table 4x slower to insert into; these append. The random part is drawn
once per process and counted up, which keeps the order within a millisecond. `stable_id` derives an id from what
a fact says, for sources that give none, so that reading a source twice records once.
"""

from __future__ import annotations

import itertools
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EARLIEST_MS", "FUTURE_SLACK_MS", "LATEST_MS", "new_id", "now_ms", "stable_id"]

FUTURE_SLACK_MS = 300_000
"""Clocks differ; a fact further ahead than this is refused."""
EARLIEST_MS = 946_684_800_000
"""The year 2000: an earlier time is a mistake in the unit or the clock."""
LATEST_MS = 253_402_300_799_000


def now_ms() -> int:
    """The present in UTC epoch milliseconds."""
    return time.time_ns() // 1_000_000


def new_id(at_ms: int) -> str:
    """A fresh id that sorts by `at_ms`."""
    return (at_ms << 80 | _next()).to_bytes(16).hex()


def _draw() -> None:
    global _next
    _next = _counter()


def _counter() -> Callable[[], int]:
    return itertools.count(int.from_bytes(os.urandom(10)) >> 1).__next__


_next = _counter()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_draw)


def stable_id(at_ms: int, *parts: object) -> str:
    """The same id for the same time and parts, sorted by time."""
    import hashlib

    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=10)
    return f"{at_ms:012x}{digest.hexdigest()}"
