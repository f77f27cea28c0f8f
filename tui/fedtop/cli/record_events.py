"""The command record event: any facts as JSON lines on stdin; what is taken, known or rejected, and why.

Exit code 2 when any line was rejected: the others are recorded all the same.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

import click

from fedstore.recording.fast import SOURCE
from fedtop.cli.common import get_settings, open_store
from fedtop.cli.main import Failure
from fedtop.cli.options import json_option, store_option

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

    from pydantic import BaseModel

    from fedstore import LinesReport

__all__ = ["event"]

_SHOWN = 20


class EventCommand(click.Command):
    """Its help lists the fields of each kind; what checks them is imported for that only."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, then the fields."""
        from fedstore import EVENT_MODELS

        super().format_options(ctx, formatter)
        with formatter.section('Fields by "kind" (* must be given)'):
            formatter.write_dl([(kind, _fields(model)) for kind, model in EVENT_MODELS.items()])


def _fields(model: type[BaseModel]) -> str:
    fields = {name: field for name, field in model.model_fields.items() if name != "kind"}
    names = sorted(fields, key=lambda name: not fields[name].is_required())
    return " ".join(f"{name}*" if fields[name].is_required() else name for name in names)


@click.command(cls=EventCommand, short_help="Any facts, as JSON lines on stdin.")
@store_option
@json_option
@click.pass_obj
def event(outer: Path | None, /, *, store: Path | None, as_json: bool) -> None:
    """Any facts, as JSON lines on stdin, each with its "kind".

    \b
    {"kind": "run", "id": "r1", "agent": "kimi", "task_type": "review", "success": true, "duration_ms": 4000}
    """
    from fedstore import record_lines

    settings = get_settings(purpose="recording", store=store or outer)
    with open_store(settings) as opened:
        pipe = cast("BufferedReader", sys.stdin.buffer)
        report = record_lines(opened, pipe, source=SOURCE, keep_content=settings.keep_content)
    _report(report, as_json=as_json)
    if report.rejected:
        raise click.exceptions.Exit(2)


def _report(report: LinesReport, *, as_json: bool) -> None:
    if as_json:
        from fedtop.cli.output import print_json

        reasons = [{"line": line, "reason": reason} for line, reason in report.reasons]
        counts = {"taken": report.taken, "known": report.known, "rejected": report.rejected}
        print_json({**counts, "reasons": reasons})
        return
    click.echo(f"{report.taken:,} recorded, {report.known:,} already there, {report.rejected:,} rejected")
    for line, reason in report.reasons[:_SHOWN]:
        _complain(f"line {line:,}: {reason}")
    if report.rejected > _SHOWN:
        _complain(f"and {report.rejected - _SHOWN:,} more (`fedtop doctor` counts them)")


def _complain(text: str) -> None:
    Failure(text).show()
