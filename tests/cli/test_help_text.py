"""The kept help text is what Click would print."""

from __future__ import annotations

from click.testing import CliRunner
from scripts.write_help import HELP

from fedstore import Settings
from fedtop.cli.main import cli
from fedtop.options import AppOptions
from fedtop.themes import THEMES


def test_the_defaults_in_the_help_are_those_of_the_pane() -> None:
    shown = " ".join(CliRunner().invoke(cli, ["top", "--help"], terminal_width=400).stdout.split())
    plain = Settings()
    assert f"How often to look for news [{plain.interval_s:g}, or the setting]" in shown
    assert f"[{plain.window}, or the setting]" in shown
    assert f"[{plain.theme}, or the setting]" in shown
    start = AppOptions()
    assert (start.interval_s, start.window, start.theme) == (plain.interval_s, plain.window, plain.theme)
    assert start.theme in {theme.name for theme in THEMES}


def test_help_text_is_up_to_date() -> None:
    shown = CliRunner().invoke(cli, ["--help"], prog_name="fedtop", terminal_width=80).stdout
    assert HELP.read_text(encoding="utf-8") == shown, "run python scripts/write_help.py"
    assert max(map(len, shown.splitlines())) <= 80
