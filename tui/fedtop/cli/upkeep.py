"""The commands maintain, doctor, config and completion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fedtop.cli.common import get_settings, now_ms, open_store
from fedtop.cli.main import Failure
from fedtop.cli.options import View, json_option, plain_options, store_option
from fedtop.cli.output import emit, plain_fields, plain_value, print_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pydantic import BaseModel
    from rich.console import RenderableType

    from fedstore import Upkeep
    from fedtop.plain.look import Look

__all__ = ["completion", "config", "doctor", "maintain"]

SHELLS = ("bash", "zsh", "fish")
_ZSH_REGISTERS = "    compdef _fedtop_completion fedtop"
_MENDED = (
    ('string split "," ', 'string split --max 1 "," '),  # fish: names and explanations were cut at a comma
    # zsh: a ~/.zshrc of few lines has not started its completion yet
    (_ZSH_REGISTERS, f"    (( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit; }}\n{_ZSH_REGISTERS}"),
)
"""What Click's scripts lack."""


@click.command()
@store_option
@click.option("--force", is_flag=True, help="Purge though the clock is far ahead of the newest recordings.")
@json_option
def maintain(*, store: Path | None, force: bool, as_json: bool) -> None:
    """Purge what has outlived its retention, and watch what was changed: for cron or a timer.

    Purging goes in small steps that keep no writer waiting; sums stay. A change of the policy that does harm is
    told on stderr with exit code 2, and taken back where the setting auto_rollback says so. Nothing is purged by a
    clock that is more than a day ahead of the newest recordings, until they go on at its time; marks that a wrong
    clock has left in the future are set back.
    """
    from fedstore import PolicyStore, Watcher
    from fedstore import maintain as look_after

    settings = get_settings(purpose="maintaining", store=store)
    with open_store(settings, create=False) as opened:
        alarms = Watcher(PolicyStore(opened)).act()
        done = look_after(opened.database, settings, now_ms(), force=force)
    if as_json:
        print_json({**plain_fields(done), "alarms": [plain_value(alarm) for alarm in alarms]})
    else:
        _print_upkeep(done, [alarm.line for alarm in alarms if alarm.severity != "alert"], force=force)
    harm = [alarm.line for alarm in alarms if alarm.severity == "alert"]
    if harm:
        raise Failure("; ".join(harm))


def _print_upkeep(done: Upkeep, warnings: Sequence[str], *, force: bool) -> None:
    counts = done.purged
    if done.marks_set_back:
        click.echo("marks that a wrong clock had set ahead were set back")
    if not done.clock_believed and not force:
        click.echo(
            "nothing purged: the clock is more than a day ahead of the newest recordings. Check it; where it is right,"
            " `fedtop maintain --force` purges at once, and recorders do after a day"
        )
        return
    for kind, count in counts.items():
        if count:
            click.echo(f"  {kind}: {count:,} purged")
    from fedstore.learning.percent import counted
    from fedtop.sanitize import scrub

    click.echo(f"{counted(sum(counts.values()), 'row')} purged")
    for text in warnings:
        click.echo(scrub(text))


@click.command()
@plain_options
def doctor(view: View) -> None:
    """Check the store and say what to do.

    Exit code 2 when something has to be done now: the store cannot be opened, is damaged, or its sums are wrong.
    What only deserves a look is a warning. Facts that were lost or refused are one for 24 hours; then they are a note
    of when that was, as long as it is kept (30 days, or the setting).
    """
    from fedstore import diagnose

    settings = get_settings(view)
    findings = diagnose(settings.store, settings=settings, clock=now_ms)

    def draw(look: Look) -> RenderableType:
        from fedtop.plain.upkeep import findings as page

        return page(findings, look)

    emit(view, {"findings": findings}, draw)
    if any(finding.severity == "alert" for finding in findings):
        raise click.exceptions.Exit(2)


@click.command()
@plain_options
def config(view: View) -> None:
    """The settings in force, where each comes from, and what it means."""
    from fedstore import default_config_path, default_store_path

    settings = get_settings(view)
    place = settings.store or default_store_path()
    values = settings.model_dump(mode="json") | {"store": str(place)}
    rows = [(name, value, _source(name, settings.sources)) for name, value in _flat(values)]

    def draw(look: Look) -> RenderableType:
        from fedtop.plain.upkeep import settings_list

        return settings_list(str(default_config_path()), rows, _meanings(type(settings)), look)

    plain = {name: {"value": value, "source": source} for name, value, source in rows}
    emit(view, {"file": str(default_config_path()), "settings": plain}, draw)


def _source(name: str, sources: Mapping[str, str]) -> str:
    return str(sources.get(name) or sources.get(name.partition(".")[0]) or "default")


def _flat(values: Mapping[str, object], prefix: str = "") -> list[tuple[str, object]]:
    """Nested settings by dotted name; an empty table is a value."""
    found: list[tuple[str, object]] = []
    for name, value in values.items():
        if isinstance(value, dict) and value:
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", value))
    return found


def _meanings(model: type[BaseModel], prefix: str = "") -> dict[str, str]:
    """What each setting means, by dotted name."""
    from pydantic import BaseModel

    found: dict[str, str] = {}
    for name, field in model.model_fields.items():
        found[f"{prefix}{name}"] = field.description or ""
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= _meanings(kind, f"{prefix}{name}.")
    return found


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(*, shell: str) -> None:
    """The script that completes fedtop's commands in SHELL.

    \b
    bash   echo 'eval "$(fedtop completion bash)"' >> ~/.bashrc
    zsh    echo 'eval "$(fedtop completion zsh)"' >> ~/.zshrc
    fish   fedtop completion fish > ~/.config/fish/completions/fedtop.fish
    """
    from click.shell_completion import ShellComplete, get_completion_class

    from fedtop.cli.main import cli

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"there is no completion for {shell}")
    # Not bash's own source(): it would run bash to ask for its version.
    script = ShellComplete.source(found(cli, {}, "fedtop", "_FEDTOP_COMPLETE"))
    for wrong, right in _MENDED:
        script = script.replace(wrong, right)
    click.echo(script)
