"""Names that a user types: what was never recorded is told with the nearest, and the shell completes what was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fedstore import Store
from fedtop.cli.main import COMMANDS
from tests.cli.conftest import Run, refused
from tests.conftest import Clock

COMPLETE = """
eval "$(fedtop completion bash)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_fedtop_completion fedtop
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["agent", "kimmi"], "there is no agent 'kimmi' in this store: did you mean 'kimi'?"),
        (["runs", "--agent", "kimmi"], "did you mean 'kimi'?"),
        (["task-type", "reveiw"], "there is no task type 'reveiw' in this store: did you mean 'review'?"),
        (["tools", "zzz"], "there is no tool 'zzz' in this store: known: "),
        (["layers", "semantc"], "did you mean 'semantic'?"),
    ],
)
@pytest.mark.parametrize("window", ["24h", "all"])
def test_a_name_never_recorded_is_told(run: Run, federation: Store, args: list[str], said: str, window: str) -> None:
    assert said in refused(run(*args, "-w", window))
    assert said in refused(run(*args, "-w", window, "--json"))


def test_a_known_name_without_a_fact_in_the_window_is_no_mistake(run: Run, federation: Store, clock: Clock) -> None:
    for args in (["agent", "kimi"], ["task-type", "review"], ["runs", "--agent", "kimi"]):
        result = run(*args, "-w", "15m", "--at", "2026-03-10T00:20Z")
        assert (result.exit_code, result.stderr) == (0, ""), args


def test_an_agent_that_only_started_something_is_known(run: Run, store: Store) -> None:
    events = [{"kind": "run_state", "id": "r", "agent": "solo"}, {"kind": "run", "id": "x", "agent": "kimi"}]
    assert store.writer().write(events).taken == 2
    assert run("agent", "solo", "-w", "15m", "--at", "2026-03-01").exit_code == 0


def complete(path: Path, *words: str) -> list[str]:
    """What bash offers for the last word."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", COMPLETE, "bash", "fedtop", *words], capture_output=True, text=True, check=True,
        env=environment | {"FEDTOP_STORE": str(path)},
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_options_and_names(seeded_store: Store, tmp_path: Path) -> None:
    path = seeded_store.path
    assert complete(path, "") == list(COMMANDS)
    assert complete(path, "da") == ["dashboard"]
    assert complete(path, "--read") == ["--readonly"]
    assert complete(path, "costs", "--by", "m") == ["model"]
    assert complete(path, "policy", "ex") == ["export"]
    assert complete(path, "agent", "k") == ["kimi"]
    assert complete(path, "layers", "sem") == ["semantic"]
    assert complete(path, "agent", "--store", str(tmp_path / "none.db"), "") == []


def test_the_beginning_of_an_id_is_enough(run: Run, store: Store) -> None:
    route = {"kind": "route", "agent": "kimi", "layer": "keyword", "attempts": [{"layer": "keyword", "accepted": True}]}
    store.writer().write([
        *({"kind": "run", "id": name, "agent": "kimi"} for name in ("a1", "a1-b", "a2", "b\U0010fffe")),
        {**route, "id": "r-1"},
    ])  # fmt: skip
    assert "a2" in run("run", "a2").stdout
    assert "a1-b" in run("run", "a1-").stdout
    assert "a1-b" not in run("run", "a1").stdout, "a whole id is meant, not what begins with it"
    assert run("run", "b").exit_code == 0
    assert "more than one finished run begins with 'a' (a1, a1-b …): say more of its id" in refused(run("run", "a"))
    assert "there is no finished run '' in this store" in refused(run("run", ""))
    assert "r-1" in run("why", "r").stdout
    assert "Graded: r-1 right" in run("label", "r", "right").stdout


@pytest.mark.parametrize("args", [["agent", "\udcff"], ["run", "\udcff"], ["why", "x\udcff"], ["tools", "\udcff"]])
def test_bytes_that_are_no_text_name_nothing(run: Run, federation: Store, args: list[str]) -> None:
    assert "is no text (UTF-8), so nothing is recorded under it" in refused(run(*args))
