"""Charts of a time whose narrow buckets were purged: they still add up to the figures beside them."""

from __future__ import annotations

import pytest

from fedstore import Settings
from fedstore.queries.models import SeriesPoint
from fedstore.retention import purge
from fedstore.store import Store
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


def tasks(series: tuple[SeriesPoint, ...]) -> int:
    return sum(point.ok + point.failed + point.unknown for point in series)
