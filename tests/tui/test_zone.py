"""Times are shown as the clocks of their day showed them."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from fedtop.format import date_time
from fedtop.options import AppOptions
from fedtop.plain.look import Look


@pytest.fixture(autouse=True)
def _new_york(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()


def ms(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (ms(2026, 7, 1, 15, 30), "2026-07-01 11:30"), (ms(2026, 7, 1, 4, 30), "2026-07-01 00:30"),
        (ms(2026, 1, 15, 16, 30), "2026-01-15 11:30"), (ms(2026, 11, 1, 5, 30), "2026-11-01 01:30"),
        (ms(2026, 11, 1, 6, 30), "2026-11-01 01:30"), (ms(2026, 3, 8, 7, 0), "2026-03-08 03:00"),
    ],
)  # fmt: skip
def test_a_moment_is_told_by_the_rule_of_its_day(at: int, shown: str) -> None:
    zone = AppOptions().tz
    local = datetime.fromtimestamp(at / 1000, zone)
    assert local.strftime("%Y-%m-%d %H:%M") == shown
    assert round(local.timestamp() * 1000) == at, "there and back, also in the hour that comes twice"


def test_pane_and_print_show_the_same() -> None:
    now = ms(2026, 12, 1)
    summer = ms(2026, 7, 1, 4, 30)
    assert Look.of(now).when(summer) == date_time(summer, AppOptions().tz, now) == "1 Jul 00:30"
