"""A store with a tunable cascade, and the loop over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedstore.config import PolicySettings, Settings
from fedstore.policy import PolicyStore
from fedstore.store import Store
from tests.conftest import Clock
from tests.policy.synthetic import cascade_log, write_cascade, write_runs

STARTED_MS = 3_600_000
"""Evidence ends an hour before the pinned time, so that nothing is too fresh to be settled."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(policy=PolicySettings(cooldown_events=20, target=0.94))


@pytest.fixture
def store(tmp_path: Path, clock: Clock, settings: Settings) -> Store:
    return Store(tmp_path / "fedtop.db", clock=clock, settings=settings)


@pytest.fixture
def loop(store: Store) -> PolicyStore:
    return PolicyStore(store)


@pytest.fixture
def cascade_store(store: Store, clock: Clock) -> Store:
    """3,000 graded and probed decisions of a cascade that can be made cheaper at the target."""
    write_cascade(store, cascade_log("seedlike", 3_000, 7), clock.now_ms - STARTED_MS)
    return store


@pytest.fixture
def federation(store: Store, clock: Clock) -> Store:
    """Four agents of known success at two task types."""
    end = clock.now_ms - STARTED_MS
    write_runs(store, "kimi", "implementation", "+" * 39 + "-", end)
    write_runs(store, "kimi", "research", "+" * 10, end)
    write_runs(store, "claude", "research", "+" * 8 + "--", end)
    write_runs(store, "codex", "testing", "-" * 12 + "+" * 3, end)
    write_runs(store, "gemini", "testing", "+-?", end)
    return store
