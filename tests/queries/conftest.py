"""A store that holds a random federation, recorded in batches as time goes by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest

from fedstore.engine.sqlite import Database
from fedstore.queries import Reader
from fedstore.recording.writer import FactWriter
from tests.queries.federation import NOW_MS, Event

Filled = Callable[..., Reader]


@pytest.fixture
def filled(tmp_path: Path) -> Filled:
    """Record events while the clock runs from three days ago to NOW_MS, and read them as of then."""

    def fill(made: list[Event], name: str = "store.db") -> Reader:
        clock = [NOW_MS - 3 * 86_400_000]
        database = Database(tmp_path / name)
        writer = FactWriter(database, clock=lambda: clock[0])
        pending = sorted(made, key=lambda event: event["at"])
        late, live = pending[::7], [e for i, e in enumerate(pending) if i % 7]
        for start in range(0, len(live), 40):
            batch = live[start : start + 40]
            clock[0] = max(clock[0], batch[-1]["at"])
            assert not writer.write(batch).rejected
        clock[0] = NOW_MS
        assert not writer.write(late).rejected  # a seventh comes late, after its hours were rolled up
        return Reader(database, clock=lambda: NOW_MS, tz=UTC)

    return fill
