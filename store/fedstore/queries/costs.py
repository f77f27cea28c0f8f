"""Read model of the costs: spend by model, agent, project, task type or operation, and over time."""

from __future__ import annotations

from datetime import UTC, date, tzinfo
from typing import TYPE_CHECKING

from fedstore.errors import FedstoreError
from fedstore.queries.calendar import day_start_ms, local_date, month_start_ms, project_month
from fedstore.queries.models import COST_DIMENSIONS, OTHER, CostRow, CostsView, Money, SeriesPoint
from fedstore.widths import DAY_MS, MINUTE_MS
from fedstore.window import Window

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from fedstore.engine.protocol import Row, Value
    from fedstore.queries.answers import Rows
    from fedstore.queries.buckets import Buckets

__all__ = ["SPENT", "cost_rows", "costs_view", "projected_month", "spent_lately"]

SPENT = "reported_nano + computed_nano"
"""What is known to have been spent, of one bucket."""
_MONEY = ("reported_nano", "computed_nano", "unpriced_calls", "unpriced_tokens", "at_least_calls", "calls")
_SUMS = (
    "calls", "errors", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "minimum_calls",
    *_MONEY, "cache_write_1h_tokens",
)  # fmt: skip
_HISTORY_DAYS = 56
_STACKED_MODELS = 5


def costs_view(
    buckets: Buckets,
    window: Window,
    dimension: str,
    now_ms: int,
    tz: tzinfo | None,
    store_bytes: int,
    only: Collection[str] | None = None,
    columns: int = 60,
) -> CostsView:
    """The costs tab; with ``only`` every figure but the shares is of these names of the dimension alone.

    Raises FedstoreError for an unknown dimension.
    """
    if dimension not in COST_DIMENSIONS:
        raise FedstoreError(f"{dimension!r} is not a cost dimension: use {', '.join(COST_DIMENSIONS)}")
    spend = _Spend(buckets, dimension, only)
    rows = tuple(row for row in cost_rows(buckets, window, dimension) if spend.has(row.name))
    by_model = [row.name for row in rows] if dimension == "model" else spend.by_model(window)
    models = tuple(by_model[:_STACKED_MODELS])
    names = (*models, OTHER) if len(by_model) > len(models) else models
    today, month = spend.lately(now_ms, tz)
    step_ms = buckets.series_step(window, columns)
    return CostsView(
        window=window,
        dimension=dimension,
        rows=rows,
        total=sum((row.cost for row in rows), Money()),
        tokens=sum(row.input_tokens + row.output_tokens for row in rows) or None,
        today=today,
        month=month,
        month_projected_nano=_projected(spend.per_day(now_ms, tz), month, now_ms, tz),
        series=_series(spend.over_time(window, step_ms), names),
        step_ms=step_ms,
        models=names,
        store_bytes=store_bytes,
    )


class _Spend:
    """What was spent under some names of a dimension, or under all of them.

    The sums are read by name and the others left out here: a question is kept with its answers (see `past`), and one
    for each text that somebody types into a filter would be read anew and kept for nothing.
    """

    def __init__(self, buckets: Buckets, dimension: str, only: Collection[str] | None) -> None:
        self._buckets, self._only = buckets, None if only is None else frozenset(only)
        self._by = () if only is None else (dimension,)

    def has(self, name: str) -> bool:
        """Whether it is one of the names."""
        return self._only is None or name in self._only

    def by_model(self, window: Window) -> list[str]:
        """The models, dearest first."""
        sums = ("reported_nano", "computed_nano", "input_tokens")
        spent: dict[str, tuple[int, int]] = {}
        for *name, model, reported, computed, tokens in self._buckets.sums(
            "spend_buckets", window, (*self._by, "model"), sums
        ):
            if not name or self.has(name[0]):
                nano, before = spent.get(model, (0, 0))
                spent[model] = nano + reported + computed, before + tokens
        return sorted(spent, key=lambda model: (-spent[model][0], -spent[model][1], model))

    def lately(self, now_ms: int, tz: tzinfo | None) -> tuple[Money, Money]:
        """See `spent_lately`."""
        today, month = _lately(self._buckets, now_ms, tz, self._by)
        return self._sum(today), self._sum(month)

    def _sum(self, rows: Rows) -> Money:
        skipped = len(self._by)
        return sum((Money(*row[skipped:]) for row in rows if not skipped or self.has(row[0])), Money())

    def over_time(self, window: Window, step_ms: int) -> Sequence[tuple[int, str, int]]:
        """(slot, model, nano-USD)."""
        found = self._buckets.slots("spend_buckets", window, step_ms, (*self._by, "model"), (SPENT,))
        return [(slot, model, nano) for slot, *name, model, nano in found if not name or self.has(name[0])]

    def per_day(self, now_ms: int, tz: tzinfo | None) -> dict[date, int]:
        """Nano-USD of each day of the last weeks on which something was spent, but today."""
        daily: dict[date, int] = {}
        for slot, *name, nano in _days(self._buckets, now_ms, tz, self._by):
            if not name or self.has(name[0]):
                day = local_date(slot, UTC)
                daily[day] = daily.get(day, 0) + nano
        return daily


def cost_rows(buckets: Buckets, window: Window, dimension: str, where: str = "", *args: Value) -> tuple[CostRow, ...]:
    """Spend per name of a dimension, dearest first."""
    found = buckets.sums("spend_buckets", window, (dimension,), _SUMS, where, *args)
    total = sum(row[8] + row[9] for row in found)
    rows = [_cost_row(row, total) for row in found]
    return tuple(sorted(rows, key=lambda row: (-row.cost.nano, -row.input_tokens, row.name)))


def _cost_row(row: Row, total_nano: int) -> CostRow:
    name, calls, errors, tokens_in, cache_read, cache_write, tokens_out, minimum, *money, an_hour = row
    cost = Money(*money)
    share = cost.nano / total_nano if total_nano and cost.known else None
    return CostRow(
        name, calls, errors, tokens_in, cache_read, cache_write, tokens_out, minimum > 0, cost, share, an_hour
    )


def spent_lately(buckets: Buckets, now_ms: int, tz: tzinfo | None) -> tuple[Money, Money]:
    """What was spent today and this month, to the end of the present minute."""
    ((today,), (month,)) = _lately(buckets, now_ms, tz, ())
    return Money(*today), Money(*month)


def _lately(buckets: Buckets, now_ms: int, tz: tzinfo | None, by: Sequence[str]) -> list[Rows]:
    end = now_ms - now_ms % MINUTE_MS + MINUTE_MS
    since = (Window(start(now_ms, tz), end, "", live=False) for start in (day_start_ms, month_start_ms))
    # Not the days before and today added up: of a purged time, the bucket that midnight lies in is in both.
    return buckets.sums_each("spend_buckets", since, by, _MONEY)


def projected_month(buckets: Buckets, month: Money, now_ms: int, tz: tzinfo | None) -> int | None:
    """Nano-USD expected by the end of this month, of which ``month`` is spent.

    None while there is too little history or no prices.
    """
    daily = {local_date(slot, UTC): nano for slot, nano in _days(buckets, now_ms, tz, ())}
    return _projected(daily, month, now_ms, tz)


def _days(buckets: Buckets, now_ms: int, tz: tzinfo | None, by: Sequence[str]) -> Rows:
    # Days of the history are UTC days: local ones would need every hour's row, and kinds of days are all that counts.
    midnight = day_start_ms(now_ms, tz)
    first = midnight - _HISTORY_DAYS * DAY_MS
    history = Window(first - first % DAY_MS, midnight - midnight % DAY_MS, "", live=False)
    return buckets.slots("spend_buckets", history, DAY_MS, by, (SPENT,))


def _projected(spend: Mapping[date, int], month: Money, now_ms: int, tz: tzinfo | None) -> int | None:
    if not spend:
        return None
    today = local_date(now_ms, tz)
    whole = map(date.fromordinal, range(min(spend).toordinal() + 1, today.toordinal()))
    daily = {day: spend.get(day, 0) for day in whole}
    return project_month(month.nano, daily, today, min(1.0, (now_ms - day_start_ms(now_ms, tz)) / DAY_MS))


def _series(spent: Iterable[tuple[int, str, int]], models: Sequence[str]) -> tuple[SeriesPoint, ...]:
    slots: dict[int, dict[str, int]] = {}
    for slot, model, nano in spent:
        parts = slots.setdefault(slot, dict.fromkeys(models, 0))
        name = model if model in parts else OTHER
        parts[name] = parts.get(name, 0) + nano
    return tuple(
        SeriesPoint(slot, cost_nano=sum(parts.values()), parts=tuple(parts.items()))
        for slot, parts in sorted(slots.items())
    )
