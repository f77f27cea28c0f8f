"""What is asked of all time begins with the first fact and is told day by day."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fedstore import Store
from tests.conftest import Clock

Ask = Callable[..., Any]
DAY = 86_400_000
DAYS = 100


@pytest.fixture
def moments(store: Store, clock: Clock) -> list[int]:
    """When runs ended and calls were made: on each of many days one more than on the day before, up to three."""
    made = [clock.now_ms - day * DAY - n * 1000 for day in range(DAYS) for n in range(1 + day % 3)]
    recorder = store.recorder()
    recorder.record_many({"kind": "run", "agent": "kimi", "success": True, "at": at} for at in made)
    recorder.record_many({"kind": "usage", "agent": "kimi", "cost_usd": 0.5, "at": at} for at in made)
    return made


def series(ask: Ask) -> Iterator[tuple[dict[str, Any], Callable[[dict[str, Any]], int]]]:
    """Each view with a series, and what is counted in one of its points."""

    def runs(point: dict[str, Any]) -> int:
        return int(point["ok"])

    def calls(point: dict[str, Any]) -> int:
        return int(point["cost_nano"]) // 500_000_000

    yield ask("dashboard", "-w", "all")["overview"], runs
    yield ask("agent", "kimi", "-w", "all"), runs
    yield ask("costs", "-w", "all"), calls


def test_every_series_of_all_time_is_by_day(ask: Ask, moments: list[int]) -> None:
    days = Counter(at // DAY * DAY for at in moments)
    views = [*series(ask)]
    assert views
    for view, counted in views:
        assert view["step_ms"] == DAY
        assert view["window"]["start_ms"] // 60_000 == min(moments) // 60_000
        assert {point["start_ms"]: counted(point) for point in view["series"]} == days


def test_the_export_of_all_views_too(run: Callable[..., Any], moments: list[int]) -> None:
    document = json.loads(run("export", "json", "-w", "all").stdout)
    days = Counter(at // DAY * DAY for at in moments)
    for name in ("overview", "costs"):
        assert len(document[name]["series"]) == len(days)
        assert document[name]["window"]["start_ms"] // 60_000 == min(moments) // 60_000
