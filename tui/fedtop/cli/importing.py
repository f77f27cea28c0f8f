"""The commands import and sample."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fedstore import HOUR_MS
from fedstore.learning.percent import counted
from fedtop.cli.common import get_settings, now_ms, open_store
from fedtop.cli.main import INTERRUPT_CODE, Failure
from fedtop.cli.options import json_option, seed_option, store_option
from fedtop.import_words import BOOSTS, file_line, total_line
from fedtop.saying import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fedstore import FileReport, ImportReport

__all__ = ["import_command", "sample"]

FORMATS = "routing log, metrics.json, Claude Code or Codex transcript, fedtop events"
GOES_ON = "what was taken is kept, and importing again goes on there"
_REASONS = 3
SAMPLE_HOURS = 23.0
"""With an end that is at most an hour ago, all of them lie in the window of 24 hours."""


@click.command(name="import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--follow", is_flag=True, help="Go on with what is appended, until Ctrl-C.")
@click.option("--content", is_flag=True, help="Also store task descriptions and the text of rejected lines.")
@click.option("--again", is_flag=True, help="Read files from the top, whatever was read before.")
@store_option
@json_option
def import_command(
    paths: tuple[Path, ...], *, follow: bool, content: bool, again: bool, as_json: bool, store: Path | None
) -> None:
    """Read files and folders of any known format: routing logs, metrics.json, transcripts, fedtop events.

    Importing twice changes nothing. Lines that cannot be read are kept aside with the reason.
    """
    from fedstore import StoreError, import_paths

    settings = get_settings(purpose="recording", store=store)
    told = False
    with open_store(settings) as opened, ExitStack() as bar:

        def tell(report: ImportReport) -> None:
            nonlocal told
            bar.close()
            told = True
            if report.waiting:
                _tell_waiting(report.waiting)
            else:
                _report(report, as_json=as_json)

        try:
            report = import_paths(
                opened, paths, progress=bar.enter_context(_progress()), keep_content=content or settings.keep_content,
                follow=follow, again=again, on_round=tell,
            )  # fmt: skip
        except KeyboardInterrupt:
            bar.close()
            if told:  # following is ended in this way
                return
            raise Failure(f"interrupted: {GOES_ON}", INTERRUPT_CODE) from None
        except StoreError as error:
            bar.close()
            raise Failure(f"{error}; {GOES_ON}") from error
    if not report.taken + report.known:
        _complain(report)


def _tell_waiting(reason: str) -> None:
    from fedtop.sanitize import clean

    click.echo(f"fedtop: waiting for the store, then going on: {clean(reason, None)}", err=True)


def _complain(report: ImportReport) -> None:
    """Fail when all lines were rejected, or no file could be read at all."""
    if report.rejected:
        raise Failure("nothing was taken: every line was rejected")
    if not any(file.format and not file.note for file in report.files):
        raise Failure(f"nothing was taken: no file that can be read is of a known format ({FORMATS})")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on stderr where that is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("importing"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("import", total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _report(report: ImportReport, *, as_json: bool) -> None:
    if as_json:
        from fedtop.cli.output import print_json

        facts = {"taken": report.taken, "known": report.known, "rejected": report.rejected}
        print_json({**facts, "skipped": report.skipped, "files": report.files})
        return
    for file in report.files:
        if file.taken or file.rejected or file.note or file.unfinished:
            click.echo(_file_line(file))
            _tell_reasons(file)
    click.echo(total_line(len(report.files), report.taken, report.known, report.rejected, report.skipped))
    if report.boosts:
        click.echo(BOOSTS)


def _file_line(file: FileReport) -> str:
    from fedtop.sanitize import clean

    path, counts = clean(file.path, None), (file.taken, file.known, file.rejected)
    return file_line(path, file.format, *counts, file.note, unfinished=file.unfinished)


def _tell_reasons(file: FileReport) -> None:
    from fedtop.sanitize import clean

    for line, reason in file.reasons[:_REASONS]:
        click.echo(f"    line {line:,}: {clean(reason, None)}")
    if file.rejected > _REASONS and file.reasons:
        click.echo(f"    and {file.rejected - _REASONS:,} more, in the table `rejects` of the store")


@click.command()
@click.option(
    "-n", "number", type=click.IntRange(1, 5_000_000), metavar="N", default=500, show_default=True, help="How many."
)
@seed_option("decisions")
@click.option("--end", metavar="TIME", help="When the last one was made [the last full hour].")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write them as a routing log [stdout].")  # fmt: skip
@click.option("--record", is_flag=True, help="Record them in the store instead.")
@store_option
def sample(*, number: int, seed: int, end: str | None, output: Path | None, record: bool, store: Path | None) -> None:
    """Generate routing decisions that behave as the cascade's table says, to try things on.

    With --store (or --record) they go into the store, else to FILE or stdout as a routing log.
    """
    from fedstore import parse_time_ms, replace_text, sample_routes

    if output is not None and (store is not None or record):
        raise click.UsageError("-o and --store exclude each other: one of them")
    now = now_ms()
    end_ms = now - now % HOUR_MS if end is None else parse_time_ms(end)  # the same command twice: the same bytes
    routes = sample_routes(number, seed, end_ms, hours=SAMPLE_HOURS)
    if store is not None or record:
        _record(routes, store)
    elif output is None:
        for route in routes:
            click.echo(json.dumps(route))
    else:
        replace_text(output, _as_log(routes))
        click.echo(f"{counted(len(routes), 'decision')} in {printable(str(output))}")


def _as_log(routes: Sequence[Mapping[str, object]]) -> str:
    return "".join(json.dumps(route) + "\n" for route in routes)


def _record(routes: Sequence[Mapping[str, object]], store: Path | None) -> None:
    """Through a file and the importer, so that they go in exactly as a router's log would."""
    from tempfile import TemporaryDirectory

    from fedstore import import_paths

    settings = get_settings(store=store)
    with TemporaryDirectory() as folder, open_store(settings) as opened:
        log = Path(folder, "performance.jsonl")
        log.write_text(_as_log(routes), encoding="utf-8")
        report = import_paths(opened, [log])
    click.echo(f"{report.taken:,} taken, {report.known:,} already there")
