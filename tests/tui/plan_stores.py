"""Stores with something to propose, and a proposer that waits until it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fedstore.policy import Plan
from fedstore.settings.config import PolicySettings, Settings
from fedstore.store import Store
from fedtop.loop import Cancelled, Wish
from tests.conftest import Clock
from tests.policy.synthetic import cascade_log, write_cascade, write_runs
from tests.templates import copied

HOUR_MS = 3_600_000
DECISIONS = 800
CERTIFIED, TOO_LITTLE, RECOVER = 0.90, 0.95, 0.975
"""Targets for which 800 decisions of the scenario are certified, too few, and out of reach."""


def loop_store(path: Path, clock: Clock, target: float = CERTIFIED, **settings: Any) -> Store:
    """800 decisions of a cascade and 160 tasks of three agents, one of which has a hostile name."""
    rules = PolicySettings(target=target, cooldown_events=20)
    copied(path, ("loop", clock.now_ms), partial(_fill, now_ms=clock.now_ms))
    return Store(path, clock=clock, settings=Settings(policy=rules, **settings))


def _fill(path: Path, now_ms: int) -> None:
    end = now_ms - HOUR_MS
    with Store(path, clock=Clock(now_ms), settings=Settings()) as store:
        write_cascade(store, cascade_log("seedlike", DECISIONS, 7), end)
        write_runs(store, "kimi", "review", "+" * 58 + "--", end)
        write_runs(store, "kimi", "docs", "+-" * 10, end)
        write_runs(store, "codex", "testing", "+-" * 20, end)
        write_runs(store, "[/b]\x1b[31m", "docs", "+" * 30 + "-" * 10, end)


class SlowProposer:
    """Counts its calls; each waits for `go` or for being cancelled, then answers with the plan given for its turn."""

    def __init__(self, *plans: Plan) -> None:
        self.plans = plans
        self.calls: list[Wish] = []
        self.go = [threading.Event() for _ in range(len(plans) + 1)]
        self.ended: list[str] = []

    def __call__(
        self, source: Any, wish: Wish, progress: Callable[[float], None], cancelled: Callable[[], bool]
    ) -> Plan:
        turn = len(self.calls)
        self.calls.append(wish)
        progress(0.4)
        while not self.go[turn].wait(0.005):
            if cancelled():
                self.ended.append("cancelled")
                raise Cancelled
        self.ended.append("answered")
        return self.plans[turn]


class Deaf(SlowProposer):
    """A proposer that never looks whether it was cancelled."""

    def __call__(
        self, source: Any, wish: Wish, progress: Callable[[float], None], cancelled: Callable[[], bool]
    ) -> Plan:
        return super().__call__(source, wish, progress, lambda: False)
