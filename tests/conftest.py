"""Fixtures that every room shares: a pinned clock, an empty store, a small federation with known counts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fedstore.store import Store
from tests.federation import NOW_MS, federation_events


@dataclass
class Clock:
    """A clock that moves only when told to; call it for the present in UTC epoch milliseconds."""

    now_ms: int = NOW_MS

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, ms: int) -> None:
        """Let time pass (or, negative, be set back)."""
        self.now_ms += ms


@pytest.fixture(autouse=True)
def _pinned(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """UTC, and no settings or store of the machine's user."""
    for name in [name for name in os.environ if name.startswith("FEDTOP_")]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / "home"
    for variable, folder in {"HOME": "", "XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config"}.items():
        monkeypatch.setenv(variable, str(home / folder))
    monkeypatch.setenv("TZ", "UTC")
    if hasattr(time, "tzset"):
        time.tzset()


@pytest.fixture
def clock() -> Clock:
    """2026-03-10 12:34:56.789 UTC, a Tuesday."""
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """An empty store with the pinned clock."""
    with Store(tmp_path / "fedtop.db", clock=clock) as opened:
        yield opened


@pytest.fixture
def seeded_store(store: Store) -> Store:
    """A store with the events of ``federation.federation_events``: 26 hours that end at the pinned time."""
    receipt = store.writer(source="fixture").write(federation_events())
    assert receipt.rejected == []
    return store
