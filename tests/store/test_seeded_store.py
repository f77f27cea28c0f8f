"""The shared fixture says what it claims to say."""

from __future__ import annotations

from fedstore import Store
from tests.federation import ROUTES, RUNS


def test_every_event_is_there_once(seeded_store: Store) -> None:
    counts = {
        table: seeded_store.database.read(f"SELECT count(*) FROM {table}")[0][0]
        for table in ("runs", "llm_calls", "tool_calls", "routes", "active_runs", "jobs", "rejects")
    }
    assert counts == {
        "runs": RUNS, "llm_calls": RUNS, "tool_calls": RUNS, "routes": ROUTES, "active_runs": 2,
        "jobs": 1, "rejects": 0,
    }  # fmt: skip
