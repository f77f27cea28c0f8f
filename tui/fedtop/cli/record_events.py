"""The command record event: any facts as JSON lines on stdin; what is taken, known or rejected, and why."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from fedtop.cli.common import SHELL_SOURCE, get_settings, open_store, store_option
from fedtop.cli.main import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["event"]

_BATCH = 1_000
_SHOWN = 20


@click.command()
@store_option
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
@click.pass_obj
def event(outer: Path | None, /, *, store: Path | None, as_json: bool) -> None:
    """Any facts, as JSON lines on stdin, each with its "kind".

    \b
    {"kind": "run", "id": "r1", "agent": "kimi", "task_type": "review", "success": true, "duration_ms": 4000}
    """
    settings = get_settings(store=store or outer)
    logging.getLogger("fedstore").addHandler(logging.NullHandler())  # every reason is told below
    with open_store(settings) as opened:
        recorder = opened.recorder(source=SHELL_SOURCE, keep_content=settings.keep_content)
        taken = known = 0
        rejected: list[tuple[int, str]] = []
        for numbers, events, refused in _batches(sys.stdin.buffer):
            receipt = recorder.record_many(events)
            if receipt.lost:
                recorder.close()
                raise Failure(f"{receipt.lost:,} facts could not be written: run `fedtop doctor`")
            taken, known = taken + receipt.taken, known + receipt.known
            rejected += refused + [(numbers[at], reason) for at, reason in receipt.rejected]
        recorder.close()
    _report_events(taken, known, sorted(rejected), as_json=as_json)
    if rejected and not taken + known:
        raise click.exceptions.Exit(2)


def _batches(lines: BinaryIO) -> Iterator[tuple[list[int], list[Any], list[tuple[int, str]]]]:
    """Line numbers and events of a batch, and the lines that are no JSON with the reason."""
    numbers: list[int] = []
    events: list[Any] = []
    refused: list[tuple[int, str]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            events.append(_parsed(line))
            numbers.append(number)
        except ValueError as error:
            refused.append((number, str(error)))
        if len(events) + len(refused) >= _BATCH:
            yield numbers, events, refused
            numbers, events, refused = [], [], []
    yield numbers, events, refused


def _parsed(line: bytes) -> Any:
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_no_number)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON ({getattr(error, 'msg', 'nested too deeply')})") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - all lines that are refused say ValueError
    return value


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a number")


def _report_events(taken: int, known: int, rejected: list[tuple[int, str]], *, as_json: bool) -> None:
    if as_json:
        from fedtop.cli.output import print_json

        reasons = [{"line": line, "reason": reason} for line, reason in rejected]
        print_json({"taken": taken, "known": known, "rejected": len(rejected), "reasons": reasons})
        return
    click.echo(f"{taken:,} recorded, {known:,} already there, {len(rejected):,} rejected")
    for line, reason in rejected[:_SHOWN]:
        _complain(f"line {line:,}: {reason}")
    if len(rejected) > _SHOWN:
        _complain(f"and {len(rejected) - _SHOWN:,} more (`fedtop doctor` counts them)")


def _complain(text: str) -> None:
    Failure(text).show()
