"""What the ingest tests share: the contents of a store as plain values, JSON lines, and the real data if present."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from fedstore.engine.sqlite import Database
from fedstore.facts.kinds import SUMMARIES

FACTS = {
    "runs": "id, agent, task_type, project, started_ms, ended_ms, duration_us / 1000, success, error_class, source",
    "llm_calls": (
        "id, run_id, agent, model, provider, project, ended_ms, input_tokens, cache_read_tokens, cache_write_tokens,"
        " output_tokens, output_is_minimum, cost_nano, cost_basis, error_class"
    ),
    "tool_calls": "id, run_id, agent, tool, project, ended_ms, duration_us / 1000, success, error_class",
    "routes": (
        "id, task_id, description, agent, layer, confidence, at_ms, latency_us, correct, correct_agent, completed,"
        " quality, completion_ms"
    ),
    "route_attempts": (
        "route_id, position, layer, agent, confidence, threshold, accepted, shadow, shadow_rate, error_class,"
        " latency_us"
    ),
    "verdicts": "subject_kind, subject_id, id, at_ms, correct, correct_agent, completed, quality, completion_ms",
    "rejects": "source, line, byte_offset, reason, digest, text",
}


def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Facts and summaries, each table in a fixed order, without what depends on when they were recorded."""
    found = {table: database.read(f"SELECT {columns} FROM {table}") for table, columns in FACTS.items()}
    for table, spec in SUMMARIES.items():
        columns = ", ".join(("width", "start", *spec.keys, *spec.sums, *spec.bins))
        # By the minute only: when minutes are summed up to hours depends on the clock, not on the facts.
        found[table] = database.read(f"SELECT {columns} FROM {table} WHERE width = 60000")
    return {table: sorted(rows, key=repr) for table, rows in found.items()}


def count(database: Database, table: str) -> int:
    ((found,),) = database.read(f"SELECT COUNT(*) FROM {table}")
    return int(found)


def lines(*values: Any) -> bytes:
    """JSON lines."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def data_folder(*parts: str) -> Path:
    """A folder of the recorded data that is not part of the project; skips the test without it."""
    root = Path(os.environ.get("FEDERATION_DATA") or Path(__file__).parents[3] / "shared" / "data")
    path = root.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs recorded data: set FEDERATION_DATA to the folder that holds {'/'.join(parts)}")
    return path
