"""Every command block of the README and the docs runs as it stands, on a store with a few facts in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fedstore import Settings, Store
from tests.docs.blocks import README, ROOT, Block, blocks

PIP = "python3 -m venv .venv && .venv/bin/pip install -c requirements.lock -e"
TRY = (
    f"{PIP} . && .venv/bin/fedtop demo",
    "uv run fedtop demo",
    f"{PIP} '.[dev]' && .venv/bin/pytest -n auto",
    "uv run pytest -n auto",
)
"""Lines that make an environment: `.ci/run` runs those of pip word by word."""

SETUP = [block for block in blocks("bash") if block.text.strip() in TRY]
RUNNABLE = [block for block in blocks("bash") if block not in SETUP]


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one task, one tool and some hundred routing decisions."""
    path = tmp_path_factory.mktemp("seeded") / "fedtop.db"
    with Store(path, settings=Settings()) as store:
        recorder = store.recorder()
        recorder.task("kimi", "review", success=True, duration_ms=42_000)
        recorder.execution(agent="kimi", tool="search", success=True, duration_ms=900)
    run(["fedtop", "sample", "-n", "300", "--seed", "7", "--store", str(path)], path.parent)
    return path


def run(command: list[str], folder: Path, **variables: str) -> str:
    """What a command prints; it must end well, and say nothing on stderr."""
    programs = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"} | variables
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def variables(seeded: Path, tmp_path: Path) -> dict[str, str]:
    """A store of the block's own."""
    for file in seeded.parent.glob(f"{seeded.name}*"):
        shutil.copy(file, tmp_path)
    return {"FEDTOP_STORE": str(tmp_path / seeded.name)}


@pytest.mark.parametrize("block", RUNNABLE, ids=str)
def test_shell_block(block: Block, tmp_path: Path, variables: dict[str, str]) -> None:
    assert run(["bash", "-euo", "pipefail", "-c", block.text], tmp_path, **variables)


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_block(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "example.py"
    path.write_text(block.text, encoding="utf-8")
    run([sys.executable, "-W", "error", str(path)], tmp_path, FEDTOP_STORE=str(tmp_path / "fedtop.db"))
    with Store(tmp_path / "fedtop.db", readonly=True, settings=Settings()) as store:
        assert store.reader().newest_ms() is not None
        assert not store.reader().rejects(1)


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_settings_block(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(block.text, encoding="utf-8")
    assert Settings.load(path) != Settings()


def test_every_block_is_checked() -> None:
    assert {block.language for block in blocks()} == {"bash", "python", "toml"}


def test_lines_to_try_it_stand_alone_and_in_order() -> None:
    assert [block.text.strip() for block in SETUP] == list(TRY)
    assert {block.page for block in SETUP} == {README.name}


def test_ci_runs_the_lines_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (pattern,) = re.findall(r"grep -m 1 -E \"(\^.*)\\\$\" README\.md", script)
    ends = re.findall(r"\$\(readme '([^']+)'\)", script)
    lines = README.read_text(encoding="utf-8").splitlines()
    found = [next(line for line in lines if re.search(pattern.replace("$1", end) + "$", line)) for end in ends]
    assert found == [line for line in TRY if line.startswith("python3")]


def test_demo_opens_without_a_terminal(tmp_path: Path) -> None:
    assert "kimi" in run(["fedtop", "demo", "--seed", "3", "--once"], tmp_path)
