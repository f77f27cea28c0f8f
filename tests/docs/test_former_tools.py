"""Every row of the table of other tools' commands: what it names here runs, and what is not built is not there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import fedstore
from fedstore import Settings, Store
from fedtop.cli.main import cli
from tests.docs.blocks import ROOT, quoted, table

PAGE = ROOT / "docs" / "former-tools.md"
ROWS = table(PAGE, "Tool")
DATA = ROOT / "tests" / "data"
TOOLS = {"federation", "engine", "runs", "routing", "monitoring"}
NOT_RUN = {"-d", "--once", "run.usage", "run.tool", "run_logs", "metrics_json", "routing_config_json", "archive/",
           "fedstore/compat/schemas"}  # fmt: skip
"""Words of a remark: settings, options, attributes."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of a few facts of each kind, and the files of other programs."""
    found = tmp_path_factory.mktemp("former")
    shutil.copy(DATA / "performance.jsonl", found)
    metrics = json.loads((DATA / "metrics.json").read_text(encoding="utf-8"))
    next(iter(metrics["agents"].values()))["routing_boost"] = 0.03
    (found / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    layers = [{"layer_name": "keyword", "confidence_threshold": 0.8}]
    (found / "config.json").write_text(json.dumps({"routing_layers": layers}), encoding="utf-8")
    with Store(found / "fedtop.db", settings=Settings()) as store:
        recorder = store.recorder()
        for n in range(30):
            recorder.task("kimi", "implementation", n < 29, duration_ms=42_000)
            recorder.task("claude", "implementation", n < 9, duration_ms=42_000)
        recorder.execution(agent="kimi", tool="search", success=True, duration_ms=900)
        recorder.usage(agent="kimi", model="gpt-4o", input_tokens=100, output_tokens=50)
    done = CliRunner().invoke(cli, ["sample", "-n", "300", "--seed", "7", "--store", str(found / "fedtop.db")])
    assert done.exit_code == 0
    return found


@pytest.fixture
def here(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, which is the present one."""
    shutil.copytree(folder, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("FEDTOP_STORE", str(tmp_path / "here" / "fedtop.db"))
    return tmp_path / "here"


def runnable(cell: str) -> list[str]:
    return [text for text in quoted(cell) if text not in NOT_RUN]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: re.sub(r"\W+", "-", row[1])[:60].strip("-"))
def test_what_a_row_names_runs(row: list[str], here: Path) -> None:
    tool, there, cell = row
    assert tool in TOOLS
    assert there
    found = runnable(cell)
    assert found or "not built" in cell or "by itself" in cell
    with Store(here / "fedtop.db", settings=Settings()) as store:
        for text in found:
            if text.startswith("fedtop "):
                if text.startswith("fedtop undo"):
                    continue  # needs a change of its own: see below
                done = CliRunner().invoke(cli, shlex.split(text)[1:], prog_name="fedtop")
                assert done.exit_code == 0, f"{text}: {done.output}"
            else:
                evaluated(text, store)


def evaluated(text: str, store: Store) -> None:
    """Runs an expression; nothing that it records may be refused."""
    names = {name: getattr(fedstore, name) for name in ("Policy",)}
    tracker = fedstore.RoutingPerformanceTracker(store=store, log_path=None)
    if not text.startswith("tracker.start_routing"):
        tracker.start_routing(task_description="Fix bug")
    if text.startswith("tracker.record_outcome"):
        tracker.finalize_routing("cicd-master", "keyword", 0.88)
    names |= {"store": store, "engine": fedstore.AnalyticsEngine(store), "tracker": tracker,
              "recorder": store.recorder(), "reader": store.reader()}  # fmt: skip
    eval(text, names)
    assert not store.reader().rejects(1)


def test_a_change_can_be_taken_back(here: Path) -> None:
    for command in ("optimize", "undo"):
        done = CliRunner().invoke(cli, [command], prog_name="fedtop")
        assert done.exit_code == 0, done.output
    assert here.exists()


def test_what_is_not_built_is_not_there() -> None:
    """A call whose row says so and names nothing else: when it is built, its row is written anew."""
    unbuilt = [there for _, there, cell in ROWS if cell.startswith("not built")]
    named = {name for there in unbuilt for text in quoted(there) for name in re.findall(r"^[A-Za-z_]+", text)}
    assert {"get_analytics", "AgentDebuggingTools"} <= named
    assert not named & set(fedstore.__all__)


def test_every_class_of_the_engine_has_its_decision() -> None:
    decided = {name for row in table(PAGE, "Class") for name in quoted(row[0])}
    parts = {name for name in fedstore.__all__ if name in decided}
    assert parts == decided
    homes = {"engine_parts", "engine_records"}
    assert decided >= {
        name for name in fedstore.__all__
        if getattr(getattr(fedstore, name), "__module__", "").rpartition(".")[2] in homes and name != "ConfidenceLevel"
    }  # fmt: skip
