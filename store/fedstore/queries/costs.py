"""Read model of the costs: spend by model, agent, project, task type or operation, and over time."""

from __future__ import annotations

from datetime import UTC, date, tzinfo
from typing import TYPE_CHECKING, Any

from fedstore.errors import FedstoreError
from fedstore.queries.calendar import day_start_ms, local_date, month_start_ms, project_month
from fedstore.queries.models import CostRow, CostsView, Money, SeriesPoint
from fedstore.widths import DAY_MS, MINUTE_MS
from fedstore.window import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.queries.buckets import Buckets

__all__ = ["DIMENSIONS", "SPENT", "cost_rows", "costs_view", "projected_month", "spent_lately"]

SPENT = "reported_nano + computed_nano"
"""What is known to have been spent, of one bucket."""
DIMENSIONS = ("model", "agent", "project", "task_type", "operation")
_MONEY = ("reported_nano", "computed_nano", "unpriced_calls", "unpriced_tokens", "at_least_calls", "calls")
_SUMS = (
    "calls", "errors", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "minimum_calls",
    *_MONEY, "cache_write_1h_tokens",
)  # fmt: skip
_HISTORY_DAYS = 56
_STACKED_MODELS = 5
OTHER = "other"


def costs_view(
    buckets: Buckets,
    window: Window,
    dimension: str,
    now_ms: int,
    tz: tzinfo | None,
    store_bytes: int,
    columns: int = 60,
) -> CostsView:
    """The costs tab. Raises FedstoreError for an unknown dimension."""
    if dimension not in DIMENSIONS:
        raise FedstoreError(f"{dimension!r} is not a cost dimension: use {', '.join(DIMENSIONS)}")
    rows = cost_rows(buckets, window, dimension)
    by_model = rows if dimension == "model" else cost_rows(buckets, window, "model")
    models = tuple(row.name for row in by_model[:_STACKED_MODELS])
    names = (*models, OTHER) if len(by_model) > len(models) else models
    today, month = spent_lately(buckets, now_ms, tz)
    step_ms = buckets.step_of(window, columns)
    return CostsView(
        window=window,
        dimension=dimension,
        rows=rows,
        total=sum((row.cost for row in rows), Money()),
        tokens=sum(row.input_tokens + row.output_tokens for row in rows) if rows else None,
        today=today,
        month=month,
        month_projected_nano=projected_month(buckets, month, now_ms, tz),
        series=_series(buckets, window, names, step_ms),
        step_ms=step_ms,
        models=names,
        store_bytes=store_bytes,
    )


def cost_rows(buckets: Buckets, window: Window, dimension: str, where: str = "", *args: Any) -> tuple[CostRow, ...]:
    """Spend per name of a dimension, dearest first."""
    found = buckets.sums("spend_buckets", window, (dimension,), _SUMS, where, *args)
    total = sum(row[8] + row[9] for row in found)
    rows = [_cost_row(row, total) for row in found]
    return tuple(sorted(rows, key=lambda row: (-row.cost.nano, -row.input_tokens, row.name)))


def _cost_row(row: Sequence[Any], total_nano: int) -> CostRow:
    name, calls, errors, tokens_in, cache_read, cache_write, tokens_out, minimum, *money, an_hour = row
    cost = Money(*money)
    share = cost.nano / total_nano if total_nano and cost.known else None
    return CostRow(
        name, calls, errors, tokens_in, cache_read, cache_write, tokens_out, minimum > 0, cost, share, an_hour
    )


def spent_lately(buckets: Buckets, now_ms: int, tz: tzinfo | None) -> tuple[Money, Money]:
    """What was spent today and this month, to the end of the present minute."""
    end = now_ms - now_ms % MINUTE_MS + MINUTE_MS
    since = (Window(start(now_ms, tz), end, "", live=False) for start in (day_start_ms, month_start_ms))
    # Not the days before and today added up: of a purged time, the bucket that midnight lies in is in both.
    ((today,), (month,)) = buckets.sums_each("spend_buckets", since, (), _MONEY)
    return Money(*today), Money(*month)


def projected_month(buckets: Buckets, month: Money, now_ms: int, tz: tzinfo | None) -> int | None:
    """Nano-USD expected by the end of this month, of which ``month`` is spent.

    None while there is too little history or no prices.
    """
    today = local_date(now_ms, tz)
    midnight = day_start_ms(now_ms, tz)
    # Days of the history are UTC days: local ones would need every hour's row, and kinds of days are all that counts.
    first = midnight - _HISTORY_DAYS * DAY_MS
    history = Window(first - first % DAY_MS, midnight - midnight % DAY_MS, "", live=False)
    spend = {
        local_date(slot, UTC): nano for slot, nano in buckets.slots("spend_buckets", history, DAY_MS, (), (SPENT,))
    }
    if not spend:
        return None
    whole = map(date.fromordinal, range(min(spend).toordinal() + 1, today.toordinal()))
    daily = {day: spend.get(day, 0) for day in whole}
    return project_month(month.nano, daily, today, min(1.0, (now_ms - midnight) / DAY_MS))


def _series(buckets: Buckets, window: Window, models: Sequence[str], step_ms: int) -> tuple[SeriesPoint, ...]:
    slots: dict[int, dict[str, int]] = {}
    for slot, model, nano in buckets.slots("spend_buckets", window, step_ms, ("model",), (SPENT,)):
        parts = slots.setdefault(slot, dict.fromkeys(models, 0))
        name = model if model in parts else OTHER
        parts[name] = parts.get(name, 0) + nano
    return tuple(
        SeriesPoint(slot, cost_nano=sum(parts.values()), parts=tuple(parts.items()))
        for slot, parts in sorted(slots.items())
    )
