"""Inputs that others reported of tools like this one: each comes to the value derived by hand.

They are not part of the project; without them (`FEDERATION_DATA`) these tests are skipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fedstore.engine.sqlite import Database
from fedstore.ingest import import_paths
from tests.ingest.helpers import data_folder

TOKENS = (
    "SELECT COUNT(*), SUM(input_tokens), SUM(cache_read_tokens), SUM(cache_write_tokens), SUM(output_tokens)"
    " FROM llm_calls"
)
COST = "SELECT ROUND(SUM(cost_nano) / 1e9, 6) FROM llm_calls"
RUNS = "SELECT agent, duration_ms, success FROM runs ORDER BY ended_ms"
DECISIONS = "SELECT id, layer, agent, confidence FROM routes ORDER BY at_ms"
ATTEMPTS = "SELECT layer, confidence, accepted, latency_us FROM route_attempts ORDER BY route_id, position"
TOOLS = "SELECT tool, success, error_class FROM tool_calls ORDER BY seq"


@pytest.mark.parametrize(
    ("folder", "query", "rows"),
    [
        ("03-codex-forks-counted-again/forked-from-id", TOKENS, [(3, 26_000, 18_500, 0, 950)]),
        ("03-codex-forks-counted-again/forked-from-id", RUNS, [("codex", 40_900, None), ("codex", 18_000, None)]),
        ("03-codex-forks-counted-again/second-boundary", TOKENS, [(3, 26_000, 18_500, 0, 950)]),
        ("11-codex-cache-writes-not-priced/t2", TOKENS, [(1, 100_000, 0, 100_000, 1_000)]),
        ("11-codex-cache-writes-not-priced/t2", COST, [(0.262,)]),
        ("14-codex-2025-session-is-one-run/o1", TOKENS, [(3, 26_000, 18_500, 0, 950)]),
        ("14-codex-2025-session-is-one-run/o1", RUNS,
         [("codex", 30_000, None), ("codex", 31_000, None), ("codex", 31_000, None)]),
        ("16-codex-tool-outcomes/t1", TOOLS, [
            ("exec_command", 0, "exit code 2"), ("exec_command", 0, "exit code 3"), ("exec_command", 0, "exit code 4"),
            ("mcp__ci__get_log", None, ""), ("mcp__ci__get_log", 0, "mcp error"), ("shell", 1, ""),
            ("local_shell", 1, ""),
        ]),
        ("07-claude-fast-mode-priced-as-standard/a3",
         "SELECT cost_nano, cost_basis, service_tier FROM llm_calls ORDER BY ended_ms",
         [(4_500_000_000, "computed", "fast"), (750_000_000, "computed", "")]),
        ("13-bedrock-names-unpriced/o4", COST, [(3.3,)]),
        ("12-price-of-the-time-of-day/o3", "SELECT cost_nano FROM llm_calls ORDER BY ended_ms",
         [(270_000_000,), (135_000_000,)]),
        ("18-confidence-a-hair-over-one/r6", DECISIONS, [
            ("e6", "semantic", "docs-agent", 1.0), ("e7", "llm", "docs-agent", 0.9),
            ("e8", "semantic", "docs-agent", 0.8),
        ]),
        ("19-routing-lines-refused-whole/layer-tried-twice", ATTEMPTS, [("semantic", 0.8, 1, 35_000)]),
        ("19-routing-lines-refused-whole/success-null", ATTEMPTS, [("semantic", 0.8, 1, 5_000)]),
    ],
)  # fmt: skip
def test_what_others_reported_comes_out_right(folder: str, query: str, rows: list[Any], tmp_path: Path) -> None:
    found = data_folder("bugs", *folder.split("/"))
    database = Database(tmp_path / "store.db")
    import_paths(database, [found])
    assert database.read(query) == rows
    database.close()


def test_a_corrected_metrics_file_is_followed(tmp_path: Path) -> None:
    folder = data_folder("bugs", "20-metrics-json-corrected")
    database = Database(tmp_path / "store.db")
    for state in ("before.json", "after.json"):
        (tmp_path / "metrics.json").write_bytes((folder / state).read_bytes())
        import_paths(database, [tmp_path / "metrics.json"])
    assert database.read("SELECT COUNT(*), SUM(success) FROM runs") == [(15, 13)]
    database.close()


def test_agents_that_are_no_metrics_are_skipped(tmp_path: Path) -> None:
    database = Database(tmp_path / "store.db")
    report = import_paths(database, [data_folder("bugs", "21-agents-is-not-metrics", "a17")])
    assert (report.skipped, report.rejected, database.read("SELECT COUNT(*) FROM rejects")) == (1, 0, [(0,)])
    database.close()
