"""Writes the text of `fedtop --help` as Click would print it at 80 columns, so that it can be shown without Click.

Run it after changing a command's line in the help: ``python scripts/write_help.py``.
"""

from __future__ import annotations

from pathlib import Path

import click

import fedtop
from fedtop.cli.main import cli

HELP = Path(fedtop.__file__).with_name("help.txt")


def help_text() -> str:
    """What `fedtop --help` prints, with its last newline."""
    settings = {**cli.context_settings, "terminal_width": 80}
    return cli.get_help(click.Context(cli, info_name="fedtop", **settings)) + "\n"


if __name__ == "__main__":
    HELP.write_text(help_text(), encoding="utf-8")
