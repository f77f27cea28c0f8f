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
