"""Fixtures that every room shares: a pinned clock, an empty store, a small federation with known counts."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from fedstore.store import Store
from tests.federation import NOW_MS, federation_events
from tests.templates import copied


@dataclass
class Clock:
    """A clock that moves only when told to; call it for the present in UTC epoch milliseconds."""

    now_ms: int = NOW_MS

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, ms: int) -> None:
        """Let time pass (or, negative, be set back)."""
        self.now_ms += ms


HOME = pytest.StashKey[tuple[pytest.MonkeyPatch, "TemporaryDirectory[str]"]]()


def pytest_configure(config: pytest.Config) -> None:
    """Before any test or fixture, and for every program they start: an empty home, and no settings of the user's."""
    patch, home = pytest.MonkeyPatch(), TemporaryDirectory(prefix="fedtop-home-")
    config.stash[HOME] = patch, home
    for name in [name for name in os.environ if name.startswith(("FEDTOP_", "XDG_"))]:
        patch.delenv(name)
    folders = {"DATA": "data", "CONFIG": "config", "CACHE": "cache", "STATE": "state"}
    for name, folder in folders.items():
        patch.setenv(f"XDG_{name}_HOME", str(Path(home.name, folder)))
    patch.setenv("HOME", home.name)
    patch.setenv("TZ", "UTC")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Gives back what was there."""
    patch, home = config.stash[HOME]
    patch.undo()
    home.cleanup()


def pytest_collection_finish() -> None:
    """What is imported stays: looking again and again for garbage in it would take a tenth of all the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(autouse=True)
def _pinned(request: pytest.FixtureRequest) -> Iterator[None]:
    """The zone of the process is the environment's, also after a test that changed it; nothing is left at home."""
    if hasattr(time, "tzset"):
        time.tzset()
    yield
    _, home = request.config.stash[HOME]
    assert not [*Path(home.name).iterdir()], "write where the test says, not in the user's home"


@pytest.fixture
def clock() -> Clock:
    """2026-03-10 12:34:56.789 UTC, a Tuesday."""
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """An empty store with the pinned clock."""
    with Store(copied(tmp_path / "fedtop.db", "empty", lambda path: Store(path).close()), clock=clock) as opened:
        yield opened


@pytest.fixture
def seeded_store(store: Store) -> Store:
    """A store with the events of ``federation.federation_events``: 26 hours that end at the pinned time."""
    assert not store.database.read("SELECT id FROM runs"), "ask for seeded_store before what is added to it"
    store.close()
    copied(store.path, "seeded", _seed)
    return store


def _seed(path: Path) -> None:
    with Store(path, clock=Clock()) as store:
        assert store.writer(source="fixture").write(federation_events()).rejected == []
