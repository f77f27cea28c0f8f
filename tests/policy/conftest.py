"""A store with a tunable cascade, and the loop over it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from fedstore.policy import PolicyStore
from fedstore.settings.config import PolicySettings, Settings
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


@pytest.fixture(scope="session")
def cascade_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of ``cascade_store``, written once."""
    path = tmp_path_factory.mktemp("cascade") / "cascade.db"
    clock = Clock()
    with Store(path, clock=clock, settings=Settings()) as store:
        write_cascade(store, cascade_log("seedlike", 3_000, 7), clock.now_ms - STARTED_MS)
    return path


@pytest.fixture
def cascade_store(store: Store, cascade_rows: Path) -> Store:
    """3,000 graded and probed decisions of a cascade that can be made cheaper at the target."""
    source, target = sqlite3.connect(cascade_rows), sqlite3.connect(store.path)
    held = target.execute("SELECT COUNT(*) FROM runs").fetchone()[0]
    assert not held, "ask for cascade_store before what is added to it"
    store.close()
    source.backup(target)
    source.close()
    target.close()
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
