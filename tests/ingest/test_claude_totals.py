"""Totals of real transcripts against an independent count that shares no code with the importer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fedstore.engine.sqlite import Database
from fedstore.ingest import import_paths
from tests.ingest.helpers import data_folder

CLAUDE = ("transcripts", "claude")


def independent(files: list[Path]) -> dict[str, int]:
    """Per (message id, request id) the line with the most tokens, main and subagent lines alike; tools by id."""
    best: dict[tuple[str, str], tuple[int, int, int, int]] = {}
    uses: set[str] = set()
    results: dict[str, bool] = {}
    for path in files:
        for raw in path.read_text(errors="replace").splitlines():
            try:
                entry = json.loads(raw)
            except ValueError:
                continue
            if not isinstance(entry, dict):
                continue
            data = entry.get("data")
            if entry.get("type") == "progress" and isinstance(data, dict) and data.get("type") == "agent_progress":
                entry = data["message"]
            message = entry.get("message")
            if not isinstance(message, dict):
                continue
            content = message.get("content")
            for block in content if isinstance(content, list) else []:
                if isinstance(block, dict) and block.get("type") == "tool_use":
                    uses.add(block["id"])
                elif isinstance(block, dict) and block.get("type") == "tool_result":
                    results[block["tool_use_id"]] = block.get("is_error") is True
            usage = message.get("usage")
            if entry.get("type") != "assistant" or not usage or message.get("model") == "<synthetic>":
                continue
            read, written = usage.get("cache_read_input_tokens", 0), usage.get("cache_creation_input_tokens", 0)
            row = (usage["input_tokens"] + read + written, read, written, usage["output_tokens"])
            key = (message["id"], entry.get("requestId", ""))
            if key not in best or row[0] + row[3] > best[key][0] + best[key][3]:
                best[key] = row
    paired = uses & set(results)
    sums = [sum(column) for column in zip(*best.values(), strict=True)] if best else [0, 0, 0, 0]
    return {
        "calls": len(best), "input": sums[0], "read": sums[1], "written": sums[2], "output": sums[3],
        "tools": len(paired), "failed": sum(results[tool] for tool in paired),
    }  # fmt: skip


def imported(database: Database) -> dict[str, int]:
    ((calls, *sums),) = database.read(
        "SELECT COUNT(*), SUM(input_tokens), SUM(cache_read_tokens), SUM(cache_write_tokens), SUM(output_tokens)"
        " FROM llm_calls WHERE error_class = ''"
    )
    ((tools, good),) = database.read("SELECT COUNT(*), SUM(success) FROM tool_calls")
    total, read, written, out = (value or 0 for value in sums)
    return {
        "calls": calls, "input": total, "read": read, "written": written, "output": out, "tools": tools,
        "failed": tools - (good or 0),
    }  # fmt: skip


def test_every_session_comes_to_its_independent_totals(tmp_path: Path) -> None:
    files = sorted(data_folder(*CLAUDE).rglob("*.jsonl"))
    assert files
    for number, path in enumerate(files):
        database = Database(tmp_path / f"{number}.db")
        import_paths(database, [path])
        assert imported(database) == independent([path]), path.name
        database.close()


@pytest.mark.parametrize("name", ["", "marot-spotter"])
def test_a_folder_counts_each_call_once(tmp_path: Path, name: str) -> None:
    folder = data_folder(*CLAUDE, name)
    database = Database(tmp_path / "a.db")
    import_paths(database, [folder])
    assert imported(database) == independent(sorted(folder.rglob("*.jsonl")))
    summed = database.read(
        "SELECT SUM(input_tokens), SUM(output_tokens), SUM(calls) FROM spend_buckets WHERE width = 60000"
    )
    assert summed[0][:2] == (imported(database)["input"], imported(database)["output"])
    ((wall, n),) = database.read("SELECT MIN(duration_us / 1000), COUNT(*) FROM tool_calls")
    assert wall >= 0
    assert n > 100
    database.close()


@pytest.mark.parametrize("name", ["entireio-cli", "marot-spotter", "daaain-claude-code-log"])
def test_importing_real_sessions_twice_changes_nothing(tmp_path: Path, name: str) -> None:
    folder = data_folder(*CLAUDE, name)
    database = Database(tmp_path / "a.db")
    first = import_paths(database, [folder])
    before = imported(database)
    second = import_paths(database, [folder], again=True)
    assert (second.taken, second.known) == (0, first.taken + first.known)
    assert imported(database) == before
    database.close()
