"""What readers share about values from outside: counts as proxies write them, times, and ids that tell facts apart.

A program's own id of a call is often unique only within a turn or a session, or as long as a paragraph; only one that
an API drew at random tells a call from all others by itself.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fedstore.cleaning import short_id
from fedstore.errors import EventError
from fedstore.facts.events import epoch_ms
from fedstore.ids import EARLIEST_MS, LATEST_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NAME_CUT", "count_of", "fact_id", "is_issued", "last_part", "text_of", "time_of", "utc_ms"]

NAME_CUT = 200
"""Names from outside are cut to so many characters."""

_PREFIX = re.compile(r"(?:[a-z]+[_-])*")
_DRAWN = re.compile(r"(?=.*\d)[A-Za-z0-9_-]{16,}")
_DISTINCT = 8
_PARTS = re.compile(r"[/\\]")


def count_of(counts: Mapping[str, object], name: str, where: str = "usage") -> int:
    """A count of tokens: a whole number, also as `1200.0` or `"1200"`; 0 where it is missing or null.

    Raises EventError for anything else, naming it as `where.name`.
    """
    value = counts.get(name)
    if type(value) is int and value >= 0:
        return value
    if value is None:
        return 0
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}(\.0{1,9})?", value.strip()):
        value = int(value.strip().partition(".")[0])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise EventError(f"{where}.{name}: must be a whole number of tokens")
    return value


def text_of(value: object) -> str:
    """A text, or nothing. The lines of a file hold no half of a surrogate pair: `lines` has replaced it."""
    return value if isinstance(value, str) else ""


def time_of(value: object) -> int:
    """Epoch milliseconds of a line's `timestamp`, which has a zone. Raises EventError."""
    if not isinstance(value, str):
        raise EventError("timestamp: missing")
    try:
        at = epoch_ms(datetime.fromisoformat(value))
    except ValueError as error:
        raise EventError(f"timestamp: {error}") from None
    if not EARLIEST_MS <= at <= LATEST_MS:
        raise EventError("timestamp: is outside the years 2000 to 9999")
    return at


def last_part(path: str) -> str:
    """The last part of a path of any system: how a project is called."""
    return _PARTS.split(path.rstrip("/\\"))[-1][:NAME_CUT]


def utc_ms(text: str) -> int:
    """Epoch milliseconds of an ISO 8601 time; one without a zone is in UTC, as programs write it that ask for UTC.

    Raises ValueError.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be an ISO 8601 time such as 2026-01-31T12:00:00Z") from None
    at = epoch_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    if not EARLIEST_MS <= at <= LATEST_MS:
        raise ValueError("is outside the years 2000 to 9999")
    return at


def is_issued(text: str) -> bool:
    """Whether an id was drawn at random (`toolu_01Ab…`, `call_x9…`, a UUID), so that no other call has it."""
    prefix = _PREFIX.match(text)
    drawn = text if prefix is None else text[prefix.end() :]
    return _DRAWN.fullmatch(drawn) is not None and len(set(drawn)) >= _DISTINCT


def fact_id(*parts: str) -> str:
    """The id of a fact from what tells it apart: as it reads, or its beginning and a hash where that is too long."""
    return short_id(":".join(parts))
