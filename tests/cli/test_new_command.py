"""A command is one module and one line in the table: what follows from the line is shown by really adding one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.source_imports import ROOT

COMMAND = '''
import click


@click.command()
@click.argument("name")
def greet(*, name):
    """Greet somebody."""
    click.echo(f"hello {name}")
'''
LINE = '    "greet": CommandSpec(_KEEP, "greeting", "greet", "Greet somebody."),\n'


def test_a_new_command_is_a_module_and_a_line(tmp_path: Path) -> None:
    copy = tmp_path / "fedtop"
    shutil.copytree(ROOT / "tui" / "fedtop", copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "cli" / "greeting.py").write_text(COMMAND)
    table = copy / "cli" / "main.py"
    before, begins, after = table.read_text().partition("COMMANDS: dict[str, CommandSpec] = {\n")
    assert begins
    table.write_text(f"{before}{begins}{LINE}{after}")

    def printed(*arguments: str) -> str:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT / "store")))}
        done = subprocess.run(
            [sys.executable, "-m", "fedtop", *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert not done.returncode, done.stderr
        return done.stdout

    assert printed("greet", "kimi") == "hello kimi\n"
    assert "Greet somebody." in printed("greet", "--help")
