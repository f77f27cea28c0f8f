"""Inputs that others reported of tools like this one: each comes to the value derived by hand.

They are not part of the project; without them (`FEDERATION_DATA`) these tests are skipped. Small samples of each kind
stand beside the tests of their reader, so that the suite holds every kind without them.
"""

from __future__ import annotations

import runpy
import shutil
import subprocess
import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from fedstore.engine.sqlite import Database
from fedstore.ingest import import_paths
from fedstore.store import Store
from tests.conftest import Clock
from tests.ingest.helpers import data_folder

TOKENS = (
    "SELECT COUNT(*), SUM(input_tokens), SUM(cache_read_tokens), SUM(cache_write_tokens), SUM(output_tokens)"
    " FROM llm_calls"
)
COST = "SELECT ROUND(SUM(cost_nano) / 1e9, 6) FROM llm_calls"
COSTS = "SELECT cost_nano, cost_basis, service_tier FROM llm_calls ORDER BY ended_ms"
CALLS = "SELECT model, input_tokens, output_tokens FROM llm_calls ORDER BY ended_ms, id"
RUNS = "SELECT agent, duration_us / 1000, success FROM runs ORDER BY ended_ms"
DECISIONS = "SELECT id, layer, agent, confidence FROM routes ORDER BY at_ms"
ATTEMPTS = "SELECT layer, confidence, accepted, latency_us FROM route_attempts ORDER BY route_id, position"
TOOLS = "SELECT tool, success, error_class FROM tool_calls ORDER BY seq"
REFUSED = "SELECT line, reason FROM rejects ORDER BY line"
SONNET, GPT = ("claude-sonnet-4-6", 10, 100), ("gpt-5.5", 100, 10)

Expected = dict[str, list[Any]]

IMPORTED: dict[str, Expected] = {
    "01-one-bad-file-stops-the-import/id-over-200": {
        "SELECT COUNT(*) FROM runs": [(2,)], CALLS: [GPT, SONNET], REFUSED: [],
    },
    "01-one-bad-file-stops-the-import/type-not-text": {
        "SELECT COUNT(*) FROM runs": [(2,)], CALLS: [SONNET, SONNET], REFUSED: [(2, "type: must be text")],
    },
    "02-one-long-id-takes-its-neighbours/z4": {CALLS: [SONNET, GPT, SONNET], REFUSED: []},
    "03-codex-forks-counted-again/forked-from-id": {
        TOKENS: [(3, 26_000, 18_500, 0, 950)], RUNS: [("codex", 40_900, None), ("codex", 18_000, None)],
    },
    "03-codex-forks-counted-again/second-boundary": {
        TOKENS: [(3, 26_000, 18_500, 0, 950)], RUNS: [("codex", 40_900, None), ("codex-explorer", 18_000, None)],
    },
    "05-claude-sidechain-copies-counted-again/other-request-id": {
        TOKENS: [(2, 104_130, 102_000, 2_100, 850)], COST: [(0.051315,)],
        RUNS: [("claude-code", 5_000, None), ("claude-code-subagent", 3_000, None)],
    },
    "06-claude-advisor-tokens-dropped/a2": {
        CALLS: [("claude-sonnet-4-6", 1_004, 500), ("claude-opus-4-6", 40_000, 3_000)], COST: [(0.282812,)],
    },
    "07-claude-fast-mode-priced-as-standard/a3": {
        COSTS: [(4_500_000_000, "computed", "fast"), (750_000_000, "computed", "")],
    },
    "08-claude-forks-count-runs-again/a4": {
        TOKENS: [(3, 30, 0, 0, 300)], RUNS: [("claude-code", 9_000, None), ("claude-code", 5_000, None)],
    },
    "09-tool-ids-that-are-not-unique/across-sessions": {
        "SELECT tool, success, COUNT(*) FROM tool_calls GROUP BY tool, success": [("Bash", 0, 1), ("Bash", 1, 3)],
    },
    "10-tool-ids-over-200-characters/z6": {TOOLS: [("Bash", 0, "exit code 1")], REFUSED: []},
    "11-codex-cache-writes-not-priced/t2": {TOKENS: [(1, 100_000, 0, 100_000, 1_000)], COST: [(0.262,)]},
    "12-price-of-the-time-of-day/o3": {COSTS: [(270_000_000, "computed", ""), (135_000_000, "computed", "")]},
    "13-bedrock-names-unpriced/o4": {COST: [(3.3,)]},
    "14-codex-2025-session-is-one-run/o1": {
        TOKENS: [(3, 26_000, 18_500, 0, 950)],
        RUNS: [("codex", 30_000, None), ("codex", 31_000, None), ("codex", 31_000, None)],
    },
    "15-torn-lines-lose-the-whole-record/claude": {
        "SELECT output_tokens FROM llm_calls ORDER BY ended_ms": [(111,), (222,), (333,)],
        "SELECT line FROM rejects": [(2,)],
    },
    "16-codex-tool-outcomes/t1": {
        TOOLS: [
            ("exec_command", 0, "exit code 2"), ("exec_command", 0, "exit code 3"), ("exec_command", 0, "exit code 4"),
            ("mcp__ci__get_log", None, ""), ("mcp__ci__get_log", 0, "mcp error"), ("shell", 1, ""),
            ("local_shell", 1, ""),
        ],
    },
    "18-confidence-a-hair-over-one/r6": {
        DECISIONS: [
            ("e6", "semantic", "docs-agent", 1.0), ("e7", "llm", "docs-agent", 0.9),
            ("e8", "semantic", "docs-agent", 0.8),
        ],
    },
    "19-routing-lines-refused-whole/layer-tried-twice": {ATTEMPTS: [("semantic", 0.8, 1, 35_000)], REFUSED: []},
    "19-routing-lines-refused-whole/success-null": {ATTEMPTS: [("semantic", 0.8, 1, 5_000)], REFUSED: []},
    "21-agents-is-not-metrics/a17": {"SELECT COUNT(*) FROM runs": [(0,)], REFUSED: []},
    "22-stream-json-refused-line-by-line/a15": {REFUSED: []},
    "23-qwen-code-told-as-claude-code/a16": {REFUSED: []},
}  # fmt: skip
"""Folder to query to rows. What its readers say of a file of no known format is asked below."""
BY_NAME = (
    "18-confidence-a-hair-over-one", "20-metrics-json-corrected", "21-agents-is-not-metrics",
    "22-stream-json-refused-line-by-line", "23-qwen-code-told-as-claude-code", "25-wrong-line-named",
    "28-rotation-by-rename-loses-lines", "29-linked-project-folders-not-read",
)  # fmt: skip
"""Those whose value needs more than an import; each has a test of its own here."""
ELSEWHERE = ("26-pane-in-a-latin-1-locale", "27-times-an-hour-off-across-dst", "30-dumb-terminal-gets-the-full-screen")
"""Those that no reader sees: they are about the pane."""


def test_every_reported_input_has_its_value_here() -> None:
    root = data_folder("bugs")
    known = {name.partition("/")[0] for name in IMPORTED}.union(BY_NAME, ELSEWHERE)
    assert known == {path.name for path in root.iterdir() if path.is_dir()}
    samples = {str(path.relative_to(root)) for path in root.glob("*/*") if path.is_dir()}
    asked = {*IMPORTED, "27-times-an-hour-off-across-dst/o5", "29-linked-project-folders-not-read/real"}
    assert samples <= asked


@pytest.mark.parametrize("folder", IMPORTED)
def test_what_others_reported_comes_out_right(folder: str, tmp_path: Path) -> None:
    database = Database(tmp_path / "store.db")
    import_paths(database, [data_folder("bugs", *folder.split("/"))])
    asked = IMPORTED[folder]
    assert {query: database.read(query) for query in asked} == asked
    again = import_paths(database, [data_folder("bugs", *folder.split("/"))], again=True)
    assert again.taken == 0
    database.close()


def test_a_perfect_match_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FEDTOP_STORE", str(tmp_path / "store.db"))
    runpy.run_path(str(data_folder("bugs", "18-confidence-a-hair-over-one") / "cascade.py"))
    assert capsys.readouterr().out.split() == ["research-agent", "semantic", "1.0"]


def test_a_corrected_metrics_file_is_followed(tmp_path: Path) -> None:
    folder = data_folder("bugs", "20-metrics-json-corrected")
    database = Database(tmp_path / "store.db")
    for state in ("before.json", "after.json"):
        (tmp_path / "metrics.json").write_bytes((folder / state).read_bytes())
        import_paths(database, [tmp_path / "metrics.json"])
    assert database.read("SELECT COUNT(*), SUM(success) FROM runs") == [(15, 13)]
    database.close()


@pytest.mark.parametrize(
    ("folder", "skipped", "words"),
    [
        ("21-agents-is-not-metrics/a17", 1, []),
        ("22-stream-json-refused-line-by-line/a15", 0, ["stream-json"]),
        ("23-qwen-code-told-as-claude-code/a16", 0, ["Qwen Code"]),
    ],
)
def test_what_is_not_read_is_said_once(folder: str, skipped: int, words: list[str], tmp_path: Path) -> None:
    database = Database(tmp_path / "store.db")
    report = import_paths(database, [data_folder("bugs", *folder.split("/"))])
    assert (report.taken, report.rejected, report.skipped) == (0, 0, skipped)
    assert [word in file.note for word, file in zip(words, report.files, strict=True)] == [True] * len(words)
    database.close()


def test_a_response_of_the_future_is_refused_with_its_own_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(data_folder("bugs", "25-wrong-line-named") / "k3.py"))
    database = Database(tmp_path / "store.db")
    import_paths(database, [tmp_path / "k3.jsonl"])
    ((line, reason),) = database.read(REFUSED)
    assert (line, "in the future" in reason) == (3, True), "three hours; the one of three days is held back"
    database.close()


def test_lines_written_right_before_a_rotation_are_read(
    store: Store, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reported script as it is, with `fedtop` as a thread and all of its seconds a tenth as long."""
    monkeypatch.chdir(tmp_path)
    clock.now_ms = 1_800_000_000_000
    wait = time.sleep
    ended = Event()

    class Follower:
        def __init__(self, words: list[str]) -> None:
            self.thread = Thread(
                target=import_paths, args=(store, words[3:]),
                kwargs={"follow": True, "stop": ended.is_set, "sleep": lambda seconds: wait(seconds / 10)},
            )  # fmt: skip
            self.thread.start()

        def send_signal(self, _number: int) -> None:
            ended.set()

        def wait(self, seconds: float) -> None:
            self.thread.join(seconds)

    monkeypatch.setattr(subprocess, "Popen", Follower)
    monkeypatch.setattr(time, "sleep", lambda seconds: wait(seconds / 10))
    runpy.run_path(str(data_folder("bugs", "28-rotation-by-rename-loses-lines") / "repro.py"))
    assert store.database.read("SELECT id FROM routes ORDER BY id") == [(f"rot{i}",) for i in range(7)]


def test_linked_project_folders_are_read(tmp_path: Path) -> None:
    real = tmp_path / "real"
    shutil.copytree(data_folder("bugs", "29-linked-project-folders-not-read", "real"), real)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "-home-dev-shop").symlink_to("../real")
    (real / "loop").symlink_to("../root")
    database = Database(tmp_path / "store.db")
    import_paths(database, [tmp_path / "root"])
    assert database.read("SELECT COUNT(*) FROM llm_calls") == [(2,)]
    database.close()
