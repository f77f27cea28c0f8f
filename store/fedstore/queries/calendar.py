"""Local days and months, and where a month's spend is heading.

The projection follows the kind of day (weekday or weekend): the weighted mean of the last days of each kind
(half-life 14 days) for every day that remains, plus what was spent already. It is a middle estimate.
"""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["day_start_ms", "local_date", "month_start_ms", "project_month"]

HALF_LIFE_DAYS = 14
MIN_DAYS = 3


def local_date(ms: int, tz: tzinfo | None) -> date:
    """The calendar day of a moment in a zone (None: this machine's)."""
    return datetime.fromtimestamp(ms / 1000, tz).date()


def _midnight_ms(day: date, tz: tzinfo | None) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=tz)
    return round((midnight if tz else midnight.astimezone()).timestamp() * 1000)


def day_start_ms(ms: int, tz: tzinfo | None) -> int:
    """Local midnight before a moment."""
    return _midnight_ms(local_date(ms, tz), tz)


def month_start_ms(ms: int, tz: tzinfo | None) -> int:
    """Local midnight of the first of the month."""
    return _midnight_ms(local_date(ms, tz).replace(day=1), tz)


def project_month(spent_nano: int, daily: Mapping[date, int], today: date, today_share: float) -> int | None:
    """Nano-USD expected by the end of the month; None with fewer than three full days of history.

    `daily` is the spend of full days before `today`; `today_share` the part of today that is over.
    """
    if len(daily) < MIN_DAYS:
        return None
    means = {weekend: _mean(daily, today, weekend) for weekend in (False, True)}
    last = calendar.monthrange(today.year, today.month)[1]
    expected = float(spent_nano) + (1 - today_share) * means[today.weekday() >= 5]
    for number in range(today.day + 1, last + 1):
        expected += means[today.replace(day=number).weekday() >= 5]
    return round(expected)


def _mean(daily: Mapping[date, int], today: date, weekend: bool) -> float:
    """Weighted mean of the days of one kind; of all days while that kind was not seen."""
    days = [day for day in daily if (day.weekday() >= 5) == weekend] or list(daily)
    weights: list[float] = [0.5 ** ((today - day) / timedelta(days=HALF_LIFE_DAYS)) for day in days]
    return sum(w * daily[day] for w, day in zip(weights, days, strict=True)) / sum(weights)
