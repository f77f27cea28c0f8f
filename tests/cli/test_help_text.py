"""The kept help text is what Click would print."""

from __future__ import annotations

from click.testing import CliRunner
from scripts.write_help import HELP

from fedtop.cli.main import cli


def test_help_text_is_up_to_date() -> None:
    shown = CliRunner().invoke(cli, ["--help"], prog_name="fedtop", terminal_width=80).stdout
    assert HELP.read_text(encoding="utf-8") == shown, "run python scripts/write_help.py"
    assert max(map(len, shown.splitlines())) <= 80
