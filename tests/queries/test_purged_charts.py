"""Charts of a time whose narrow buckets were purged: they still add up to the figures beside them."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from fedstore import Settings
from fedstore.queries import Reader
from fedstore.queries.models import SeriesPoint
from fedstore.store import Store
from fedstore.upkeep.retention import purge
from tests.conftest import Clock
from tests.queries.federation import NOW_MS, events

DAY_MS = 86_400_000


@pytest.mark.parametrize("label", ["15m", "1h", "24h", "7d", "all"])
@pytest.mark.parametrize("days_later", [0, 5, 12])
def test_a_chart_adds_up_to_its_figure(store: Store, clock: Clock, label: str, days_later: int) -> None:
    clock.now_ms = NOW_MS
    assert not store.writer().write(events(seed=3)).rejected
    clock.advance(days_later * DAY_MS)
    assert not store.writer().write([{"kind": "run", "agent": "kimi", "at": clock()}]).rejected
    purge(store.database, Settings(minute_days=4, hour_days=10), clock(), pause=lambda _: None)
    reader = store.reader()
    window = reader.window(label, NOW_MS)
    view, costs, agent = reader.overview(window), reader.costs(window), reader.agent("kimi", window)
    assert view.tasks > 0
    assert tasks(view.series) == view.tasks
    assert [sum(row.spark) for row in view.agents] == [row.tasks for row in view.agents]
    assert sum(point.cost_nano for point in view.series) == costs.total.nano
    assert agent.row is not None
    assert tasks(agent.series) == agent.row.tasks


@pytest.mark.parametrize(("days_later", "label", "hours"), [(0, "24h", 24), (5, "24h", 25), (12, "2d", 48)])
def test_a_view_names_the_window_that_its_figures_are_those_of(
    store: Store, clock: Clock, days_later: int, label: str, hours: int
) -> None:
    """One task an hour: the rate is the same whatever is kept of that time."""
    clock.now_ms = NOW_MS + DAY_MS
    runs = [{"kind": "run", "agent": "kimi", "at": NOW_MS + n * 3_600_000} for n in range(-96, 24)]
    assert not store.writer().write(runs).rejected
    clock.advance(days_later * DAY_MS)
    assert not store.writer().write([{"kind": "run", "agent": "kimi", "at": clock()}]).rejected
    purge(store.database, Settings(minute_days=4, hour_days=10), clock(), pause=lambda _: None)
    reader = store.reader()
    asked = reader.window("24h", NOW_MS)
    view = reader.overview(asked)
    assert view.tasks == hours
    assert view.tasks_per_minute == pytest.approx(1 / 60, rel=0.05)
    assert (view.window.label, view.window.length_ms) == (label, hours * 3_600_000)
    assert view.window.start_ms <= asked.start_ms < asked.end_ms <= view.window.end_ms
    assert reader.costs(asked).window == reader.agents(asked).window == view.window


def test_a_month_counts_no_day_twice_where_midnight_lies_in_it(store: Store, clock: Clock) -> None:
    """Only UTC days are kept of that time; the local midnight lies within one of them."""
    clock.now_ms = NOW_MS
    since = NOW_MS - 4 * DAY_MS
    spent = [{"kind": "usage", "agent": "kimi", "at": at, "cost_usd": 0.001} for at in range(since, NOW_MS, 7_200_000)]
    assert not store.writer().write(spent).rejected
    clock.advance(12 * DAY_MS)
    assert not store.writer().write([{"kind": "run", "agent": "kimi", "at": clock()}]).rejected
    purge(store.database, Settings(minute_days=4, hour_days=10), clock(), pause=lambda _: None)
    reader = Reader(store.database, clock=clock, tz=timezone(timedelta(hours=5.5)))
    costs = reader.costs(reader.window("24h", NOW_MS))
    assert costs.month.nano == len(spent) * 1_000_000
    assert 0 < costs.today.nano < costs.month.nano


def tasks(series: tuple[SeriesPoint, ...]) -> int:
    return sum(point.ok + point.failed + point.unknown for point in series)
