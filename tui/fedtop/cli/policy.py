"""The command policy: what is in force, for people and for routers, and taking over what a router has."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fedstore import POLICY_FORMS
from fedtop.cli.common import get_settings, open_store
from fedtop.cli.main import Failure
from fedtop.cli.options import View, plain_options, store_option
from fedtop.cli.output import emit
from fedtop.saying import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedtop.plain.look import Look

__all__ = ["policy"]

STDIN = Path("-")


@click.group(invoke_without_command=True)
@plain_options
def policy(view: View) -> None:
    """The boosts and thresholds in force."""
    context = click.get_current_context()
    context.obj = view
    if context.invoked_subcommand is not None:
        return
    from fedstore import PolicyStore

    with open_store(get_settings(view), readonly=True) as opened:
        version, body = PolicyStore(opened).current()

    def draw(look: Look) -> RenderableType:
        from fedtop.views.plan.printed import in_force

        return in_force(version, body, look)

    emit(view, {"version": version, **body.to_dict()}, draw)


@policy.command(short_help="Write it in a form that a router reads.")
@click.option("--format", "form", type=click.Choice(POLICY_FORMS), default="json", show_default=True,
              help="JSON, shell variables, a routing config.json, or a metrics.json.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="A file; of an existing config.json or metrics.json only the values change [stdout].")  # fmt: skip
@store_option
@click.pass_obj
def export(outer: View, /, *, form: str, output: Path | None, store: Path | None) -> None:
    """Write the policy in force in a form that a router reads."""
    from fedstore import export_policy

    with open_store(get_settings(store=store or outer.store), readonly=True) as opened:
        text = export_policy(opened, form, output)
    click.echo(text.rstrip("\n") if output is None else f"Exported to {printable(str(output))}")


@policy.command(name="import", short_help="Take over what a router has.")
@click.argument(
    "file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default=STDIN, metavar="[FILE]"
)
@store_option
@click.pass_obj
def import_policy(outer: View, /, *, file: Path, store: Path | None) -> None:
    """Take over the thresholds of a routing config.json or the boosts of a metrics.json, as a change of the ledger.

    Without FILE, or with -, what comes on stdin.
    """
    from fedstore import PolicyStore

    if file == STDIN and sys.stdin.isatty():
        raise click.UsageError("name a FILE, or give it on stdin")
    if file != STDIN and not file.exists():
        raise Failure(f"there is no file {file}: check the path")
    with open_store(get_settings(store=store or outer.store)) as opened:
        policies = PolicyStore(opened)
        if file == STDIN:
            change = policies.import_content(sys.stdin.buffer.read(), "stdin", who="import")
        else:
            change = policies.import_file(file, who="import")
    click.echo(f"Imported: change #{change.id}, policy version {change.new_version}")


@policy.command(short_help="Write it again to the files that follow it.")
@store_option
@click.pass_obj
def sync(outer: View, /, *, store: Path | None) -> None:
    """Write the policy in force again to the files that follow it, after one of them was lost or not writable."""
    from fedstore import PolicyStore

    settings = get_settings(store=store or outer.store)
    with open_store(settings, create=False) as opened:
        unwritten = PolicyStore(opened).bring_in_line()
        files = [opened.path.with_name(f"{opened.path.name}.policy.json")]
    if unwritten:
        raise Failure("; ".join(unwritten))
    files += [file for file in (settings.routing_config_json, settings.metrics_json) if file is not None]
    for file in files:
        click.echo(f"In line: {printable(str(file))}")
