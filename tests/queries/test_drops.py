"""When a rate surely fell, and what an agent's status follows from; the p-values in the margins are done by hand."""

from __future__ import annotations

import pytest

from fedstore.facts.events import Run
from fedstore.queries.agents import agent_status, dropped
from fedstore.queries.models import Rate
from fedstore.store import Store
from tests.conftest import Clock

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("before", "now", "surely"),
    [
        ((90, 100), (75, 100), True),  # 82.5 % in all, z = 0.15 / √(0.825 · 0.175 · 2/100) = 2.79, p = 0.0053
        ((90, 100), (77, 100), False),  # z = 0.13 / 0.0525 = 2.48, p = 0.013
        ((75, 100), (90, 100), False),  # a rise
        ((9_000, 10_000), (8_600, 10_000), False),  # sure, but four points only
        ((9_000, 10_000), (8_400, 10_000), True),
        ((10, 10), (3, 10), True),  # z = 0.7 / 0.213 = 3.28
        ((10, 10), (2, 9), False),  # fewer than ten tell nothing
        ((9, 9), (2, 10), False),
        ((0, 0), (0, 50), False),
        ((50, 50), (0, 0), False),
    ],
)
def test_a_drop_is_more_than_five_points_and_no_accident(
    before: tuple[int, int], now: tuple[int, int], surely: bool
) -> None:
    assert dropped(Rate(*now), Rate(*before)) is surely


@pytest.mark.parametrize(
    ("success", "before", "idle", "status"),
    [
        ((75, 100), (90, 100), False, "alert"),  # 65.7 to 82.5 %: not below 65 %, but a sure drop
        ((77, 100), (90, 100), False, "warn"),  # 67.8 to 84.2 %: surely below 85 %, and no sure drop
        ((79, 100), (90, 100), False, "ok"),  # 70.0 to 85.8 %
        ((50, 100), (50, 100), False, "alert"),  # 40.4 to 59.6 %: surely below 65 %
        ((56, 100), (56, 100), False, "warn"),  # 46.2 to 65.3 %
        ((10, 10), (0, 0), False, "ok"),
        ((9, 9), (0, 0), False, "few"),
        ((0, 9), (90, 100), False, "few"),  # 0 to 30 %, of nine
        ((0, 10), (0, 0), False, "alert"),
        ((0, 0), (90, 100), False, "unknown"),
        ((50, 100), (90, 100), True, "idle"),
    ],
)
def test_a_status_says_only_what_is_sure(
    success: tuple[int, int], before: tuple[int, int], idle: bool, status: str
) -> None:
    assert agent_status(Rate(*success), Rate(*before), idle=idle) == status


@pytest.mark.parametrize(
    ("rework", "status"),
    [((35, 100), "warn"), ((23, 100), "warn"), ((21, 100), "ok"), ((9, 9), "ok"), ((10, 10), "warn"), ((0, 100), "ok")],
)
def test_rework_alarms_only_when_surely_above_its_target(rework: tuple[int, int], status: str) -> None:
    """By Wilson's formula, written out."""
    assert agent_status(Rate(95, 100), Rate(0, 0), idle=False, rework=Rate(*rework)) == status
    hits, n = rework
    p, z2 = hits / n, 1.959964**2
    low = (p + z2 / (2 * n) - (z2 * (p * (1 - p) / n + z2 / (4 * n * n))) ** 0.5) / (1 + z2 / n)
    assert (low > 0.15 and n >= 10) == (status == "warn")


@pytest.mark.parametrize(("now_ok", "status"), [(75, "alert"), (79, "ok")])
def test_an_agent_is_compared_with_itself_in_the_window_before(
    store: Store, clock: Clock, now_ok: int, status: str
) -> None:
    made = [
        Run(agent="kimi", success=i < good, at=clock.now_ms - ago - i)
        for good, ago in ((90, DAY_MS + 3_600_000), (now_ok, 3_600_000))
        for i in range(100)
    ]
    assert store.writer().write(made).taken == 200
    reader = store.reader()
    (row,) = reader.agents(reader.window("24h")).rows
    assert (row.success_before, row.success) == (Rate(90, 100), Rate(now_ok, 100))
    assert row.status == status
