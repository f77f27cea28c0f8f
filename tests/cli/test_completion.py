"""Completion as zsh and fish see it: their own interpreters run the script, which asks the command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fedstore import Store
from tests.cli.conftest import Run

Complete = Callable[[str], dict[str, str]]

# What zsh's completion system would be handed is printed instead: it works at a prompt only.
ZSH = """
compdef() {}
_describe() { print -rl -- "${(@P)3}" }
compadd() { print -rl -- "${(@P)@[-1]}" }
_path_files() { print -r -- "a file" }
source $1
words=("${(@Q)${(z)2}}")
[[ $2 == *' ' ]] && words+=('')
CURRENT=$#words
_fedtop_completion
"""
FISH = "source $argv[1]; complete -C $argv[2]"
SHELLS = {"zsh": (["zsh", "-f", "-c", ZSH, "zsh"], ":"), "fish": (["fish", "-N", "-c", FISH, "--"], "\t")}


@pytest.fixture(params=sorted(SHELLS))
def complete(request: pytest.FixtureRequest, run: Run, store: Store, tmp_path: Path) -> Complete:
    """What a shell offers after a line: each word with its explanation."""
    command, between = SHELLS[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    agents = ("codex", "claude, the second", "two words", "$dollar")
    facts = [{"kind": "run", "agent": name, "task_type": "docs", "success": True} for name in agents]
    assert store.writer().write(facts).taken == len(agents)
    script = tmp_path / "script"
    script.write_text(run("completion", request.param).stdout)
    program = tmp_path / "bin" / "fedtop"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m fedtop "$@"\n')
    program.chmod(0o755)
    environment = os.environ | {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}

    def ask(line: str) -> dict[str, str]:
        done = subprocess.run(
            [*command, str(script), line], env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.stderr == ""
        return dict(offer.partition(between)[::2] for offer in done.stdout.splitlines())

    return ask


def test_commands_with_what_they_do(complete: Complete) -> None:
    assert complete("fedtop ag") == {"agent": "One agent: totals, task types, tools, models, peers."}
    assert {"top", "record", "tune", "undo"} <= complete("fedtop ").keys()


def test_options_and_their_values(complete: Complete) -> None:
    assert list(complete("fedtop costs --js")) == ["--json"]
    assert list(complete("fedtop tune --rule seed")) == ["seed-accuracy", "seed-count"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_takes_the_script_before_its_completion_was_started(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(run("completion", "zsh").stdout)
    line = f'source {script}; print -r -- "$_comps[fedtop]"'
    environment = os.environ | {"HOME": str(tmp_path), "ZDOTDIR": str(tmp_path)}
    done = subprocess.run(
        ["zsh", "-f", "-c", line], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("_fedtop_completion\n", "")


def test_names_from_the_store(complete: Complete) -> None:
    assert set(complete("fedtop agent ")) == {"codex", "claude, the second", "two words", "$dollar"}
    assert list(complete("fedtop agent co")) == ["codex"]
    assert list(complete("fedtop agent cl")) == ["claude, the second"]
    assert list(complete("fedtop agent two\\ w")) == ["two words"]
