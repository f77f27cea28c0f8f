"""The group: lazy, with one line for every error, and forgiving about where options stand."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from fedtop.cli import main
from fedtop.cli.main import COMMANDS, Failure, LazyGroup, cli, with_command
from tests.cli.conftest import Run, refused


def test_help_names_every_command(run: Run) -> None:
    shown = run("--help").stdout
    assert len(COMMANDS) > 20
    for name, spec in COMMANDS.items():
        assert f"  {name} " in shown
        assert spec.help in " ".join(shown.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_command_loads_and_explains_itself(name: str) -> None:
    context = click.Context(cli)
    command = cli.get_command(context, name)
    assert command is not None
    assert command.name == name
    result = CliRunner().invoke(cli, [name, "--help"], prog_name="fedtop")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: fedtop {name}")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    nested = list(command.commands.values()) if isinstance(command, click.Group) else []
    for each in (command, *nested):
        assert each is not None
        assert each.help
        assert [p.name for p in each.params if isinstance(p, click.Option) and not p.help] == []


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from fedtop.cli.main import cli\n"
        "try: cli(['--help'], prog_name='fedtop')\n"
        "except SystemExit: pass\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & "
        "{'rich', 'textual', 'numpy', 'pydantic', 'sqlite_utils', 'fedstore'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["agnet"], "did you mean `fedtop agent`"),
        (["zzzz"], "see `fedtop --help`"),
        (["costs", "--by", "moon"], "fedtop costs --help"),
        (["costs", "--bogus"], "fedtop costs --help"),
        (["agent"], "fedtop agent --help"),
        (["dashboard", "-w", "9x"], "is not a window"),
        (["dashboard", "-w", "0h"], "is not a window"),
        (["dashboard", "--at", "yesterday"], "is not a time"),
        (["top", "--tab", "moon"], "fedtop top --help"),
        (["tune", "--target", "1.5"], "fedtop tune --help"),
        (["label", "r1"], "say right, rework, wrong"),
        (["sample", "-n", "0"], "fedtop sample --help"),
    ],
)
def test_bad_usage_is_one_line(run: Run, federation: object, args: list[str], said: str) -> None:
    assert said in refused(run(*args))


def test_options_may_stand_before_the_command() -> None:
    assert with_command(["--store", "x", "costs", "--json"]) == ["costs", "--store", "x", "--json"]
    assert with_command(["-w", "7d"]) == ["top", "-w", "7d"]
    assert with_command([]) == ["top"]
    assert with_command(["--help"]) == ["--help"]
    assert with_command(["--store", "tools"]) == ["top", "--store", "tools"]
    assert with_command(["agent", "--json"]) == ["agent", "--json"]


WORDS = ["--json", "-w", "7d", "--store", "x", "costs", "agent", "--help", "kimi"]


@given(st.lists(st.sampled_from(WORDS), max_size=6))
@settings(max_examples=60, deadline=None)
def test_no_argument_is_lost(args: list[str]) -> None:
    found = with_command(args)
    assert sorted(found) in (sorted(args), sorted(["top", *args]))
    assert found[0] in {"--help", "kimi", "7d", "x"} | COMMANDS.keys()


def _group_with(error: BaseException) -> LazyGroup:
    @click.command()
    def boom() -> None:
        raise error

    class Group(LazyGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return boom

    return Group("fedtop")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyError("secret"), 70, "unexpected KeyError"),
        (PermissionError(13, "Permission denied", "/no/where"), 2, "/no/where: Permission denied"),
        (Failure("two\nlines"), 2, "two lines"),
        (RuntimeError("\x1b[31mred\nline"), 70, "?[31mred line"),
    ],
)
def test_error_becomes_one_line(error: Exception, code: int, said: str) -> None:
    result = CliRunner().invoke(_group_with(error), ["top"])
    assert result.exit_code == code
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "\x1b" not in result.stderr
    assert "Traceback" not in result.output


def test_interrupt_ends_quietly() -> None:
    result = CliRunner().invoke(_group_with(KeyboardInterrupt()), ["top"])
    assert result.exit_code == main.INTERRUPT_CODE
    assert result.output == ""


def test_debug_shows_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDTOP_DEBUG", "1")
    result = CliRunner().invoke(_group_with(KeyError("secret")), ["top"])
    assert isinstance(result.exception, KeyError)
