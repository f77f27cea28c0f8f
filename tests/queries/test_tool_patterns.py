"""Whom a tool fails: told in failures, and only where it is no accident."""

from __future__ import annotations

import pytest

from fedstore.facts.events import Execution
from fedstore.store import Store
from tests.conftest import Clock


def use(store: Store, clock: Clock, agent: str, failed: int, n: int) -> None:
    calls = [
        Execution(id=f"{agent}{i}", agent=agent, tool="bash", success=i >= failed, at=clock.now_ms - i * 1000)
        for i in range(n)
    ]
    assert store.writer().write(calls).taken == n


@pytest.mark.parametrize(
    ("failed", "told"), [(30, ("bash fails codex more often than others: 30 of 40 against 5 of 100",)), (4, ())]
)
def test_failures_that_gather_at_an_agent(store: Store, clock: Clock, failed: int, told: tuple[str, ...]) -> None:
    use(store, clock, "codex", failed, 40)
    use(store, clock, "kimi", 5, 100)
    reader = store.reader()
    assert reader.tools(reader.window("24h")).patterns == told


@pytest.mark.parametrize(("failed", "told"), [(1, False), (4, True)])
def test_one_failure_of_seven_is_no_pattern(store: Store, clock: Clock, failed: int, told: bool) -> None:
    use(store, clock, "qwen", failed, 7)
    use(store, clock, "kimi", 28, 1_767)
    reader = store.reader()
    assert bool(reader.tools(reader.window("24h")).patterns) is told


def test_what_an_agent_called_is_counted_though_no_outcome_is_known(store: Store, clock: Clock) -> None:
    called = [{"kind": "execution", "agent": "codex", "tool": "exec", "at": clock() - n} for n in range(1, 6)]
    called += [{**called[0], "tool": "edit", "success": n > 0, "at": clock() - n - 1} for n in range(3)]
    assert not store.writer().write(called).rejected
    reader = store.reader()
    tools = reader.agent("codex", reader.window("24h")).tools
    assert [(used.tool, used.calls, used.success.hits, used.success.n) for used in tools] == [
        ("exec", 5, 0, 0), ("edit", 3, 2, 3),
    ]  # fmt: skip


DAY_MS = 86_400_000
OLDER, NEWER = 20 * DAY_MS, 2 * DAY_MS
"""How long ago, for both halves of the thirty days."""


def calls(store: Store, clock: Clock, tool: str, ago: int, ok: int, n: int, usd: float | None = None) -> None:
    """Records n calls of a tool within half a minute, the first of them good, each at a cost."""
    made = [
        Execution(agent="kimi", tool=tool, success=i < ok, cost_usd=usd, at=clock.now_ms - ago - i * 100)
        for i in range(n)
    ]
    assert store.writer().write(made).taken == n


@pytest.mark.parametrize(
    ("older", "newer", "trend"),
    [
        ((90, 100), (70, 100), "declining"),  # 80 % in all, z = 0.2 / √(0.8 · 0.2 · 2/100) = 3.54
        ((70, 100), (90, 100), "improving"),
        ((80, 100), (67, 100), "declining"),  # 73.5 % in all, z = 0.13 / 0.0624 = 2.08, p = 0.037
        ((80, 100), (69, 100), "stable"),  # 74.5 % in all, z = 0.11 / 0.0616 = 1.78, p = 0.074
        ((69, 100), (80, 100), "stable"),
        ((100, 100), (100, 100), "stable"),
        ((10, 10), (1, 10), "declining"),
        ((10, 10), (0, 9), "unknown"),
        ((9, 9), (1, 10), "unknown"),
    ],
)
def test_the_trend_compares_the_halves_of_the_thirty_days(
    store: Store, clock: Clock, older: tuple[int, int], newer: tuple[int, int], trend: str
) -> None:
    calls(store, clock, "bash", OLDER, *older)
    calls(store, clock, "bash", NEWER, *newer)
    reader = store.reader()
    found = reader.tools(reader.window("24h"))
    (row,) = found.rows
    assert row.trend == trend
    assert ("bash is failing more often than two weeks ago" in found.patterns) == (trend == "declining")


def test_a_tool_that_declines_is_to_be_looked_at_while_it_is_still_trusted(store: Store, clock: Clock) -> None:
    calls(store, clock, "browser", OLDER, 1_000, 1_000)
    calls(store, clock, "browser", NEWER, 95, 100)
    calls(store, clock, "search", OLDER, 60, 100)
    calls(store, clock, "search", NEWER, 40, 100)
    reader = store.reader()
    found = reader.tools(reader.window("24h"))
    assert [(row.name, row.level, row.trend) for row in found.rows] == [
        ("search", "LOW", "declining"), ("browser", "HIGH", "declining"),
    ]  # fmt: skip
    fallback, look = found.recommendations
    assert fallback.startswith("search: give it a fallback (")
    assert fallback.endswith("; it hurts kimi")
    assert look == "browser: look at its newest errors before it drops below 80 %"


@pytest.mark.parametrize(
    ("n", "usd", "told"),
    [
        (10, 0.05, ["search costs 2.5 times its average of the days before"]),
        (10, 0.041, ["search costs 2.0 times its average of the days before"]),  # 2.05
        (10, 0.04, []),  # just twice as dear
        (10, 0.02, []),
        (10, 0.004, []),
        (9, 0.5, []),
    ],
)
def test_a_tool_whose_price_rose_is_told_with_the_ratio(
    store: Store, clock: Clock, n: int, usd: float, told: list[str]
) -> None:
    """Since yesterday's midnight against the days before: 40 calls at two cents."""
    calls(store, clock, "search", 9 * DAY_MS, 40, 40, 0.02)
    calls(store, clock, "search", 3_600_000, n, n, usd)
    calls(store, clock, "bash", 9 * DAY_MS, 40, 40)  # of no known price, then dear: nothing to compare with
    calls(store, clock, "bash", 3_600_000, 40, 40, 9.0)
    reader = store.reader()
    assert list(reader.tools(reader.window("24h")).patterns) == told


def test_a_rise_is_told_from_yesterdays_midnight_on(store: Store, clock: Clock) -> None:
    calls(store, clock, "search", 9 * DAY_MS, 40, 40, 0.02)
    yesterday = clock.now_ms % DAY_MS + DAY_MS  # from now to yesterday's midnight
    calls(store, clock, "search", yesterday - 10_000, 20, 20, 0.06)
    reader = store.reader()
    assert reader.tools(reader.window("24h")).patterns == ("search costs 3.0 times its average of the days before",)
    clock.advance(DAY_MS)  # now the day of the dear calls is one of those before: (40 · 2 + 20 · 6) ct / 60 = 3.33 ct
    calls(store, clock, "search", 3_600_000, 10, 10, 0.06)
    assert reader.tools(reader.window("24h")).patterns == ()
