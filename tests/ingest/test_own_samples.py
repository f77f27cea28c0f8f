"""The small samples in ``tests/data``, made by this project: one folder that holds every format."""

from __future__ import annotations

import json
from pathlib import Path

from fedstore.ingest import import_paths
from fedstore.store import Store
from tests.ingest.helpers import count

DATA = Path(__file__).parents[1] / "data"


def test_a_folder_of_every_format(store: Store) -> None:
    report = import_paths(store, [DATA])
    assert {file.format for file in report.files} == {
        "routing-log", "metrics.json", "claude-code", "codex", "events",
    }  # fmt: skip
    assert (report.known, report.rejected, report.skipped) == (0, 1, 2), "README.md and former plans"
    expected = {
        "routes": len((DATA / "performance.jsonl").read_text().splitlines()),
        "runs": 18 + 4 + 3 + 2,  # counted tasks, turns of Claude Code, turns of Codex, own events
        "llm_calls": 6 + 3 + 1,
        "tool_calls": 4 + 3 + 1,
    }
    assert {table: count(store.database, table) for table in expected} == expected
    ((reason,),) = store.database.read("SELECT reason FROM rejects")
    assert "agent" in reason
    assert report.boosts == {"kimi": {"": 0.05}}
    again = import_paths(store, [DATA])
    assert (again.taken, again.known) == (0, report.taken)


def test_the_samples_hold_nothing_of_a_machine() -> None:
    files = [path for path in DATA.rglob("*") if path.is_file()]
    assert len(files) >= 5
    for path in files:
        text = path.read_text("utf-8")
        assert "/work" not in text
        assert "/root" not in text
        assert len(text) < 40_000
        if path.suffix == ".jsonl":
            assert [json.loads(line) for line in text.splitlines()]
