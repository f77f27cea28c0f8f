"""The options that commands share, each under one name with one wording, and the View they are handed over as.

Text in square brackets is what holds where an option is not given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import click

from fedstore import WINDOW_LABELS, StartSettings

__all__ = [
    "SET_WINDOW", "Command", "FiniteRange", "Function", "View", "fact_options", "json_option", "limit_option",
    "once_option", "plain_options", "readonly_option", "seed_option", "store_named", "store_option", "taking_view",
    "view_options", "window_options",
]  # fmt: skip

Function: TypeAlias = Callable[..., object]
Command = TypeVar("Command", bound=Function)


class FiniteRange(click.FloatRange):
    """A range of numbers; unlike Click's it has no place for NaN and infinity, which no comparison keeps out."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


SET_WINDOW = f"{StartSettings().window}, or the setting"
WINDOW_HELP = f"{', '.join(WINDOW_LABELS)}, or hours such as 168"


def store_named(text: str) -> Callable[[Command], Command]:
    """``--store PATH``."""
    path = click.Path(readable=False, path_type=Path)  # the store itself says what is wrong with it, and what to do
    return click.option("--store", type=path, metavar="PATH", help=text)


store_option = store_named("The store file [FEDTOP_STORE, else one in your data folder].")


def json_option(command: Command) -> Command:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print the same fields as JSON.")(command)


def window_options(default: str, *, hidden: bool = False) -> Callable[[Command], Command]:
    """``-w --at``; ``default`` is what holds without ``-w``."""

    def add(command: Command) -> Command:
        at = "Where the window ends: a time, or newest (the newest of what is shown) [now]."
        command = click.option("--at", metavar="TIME", hidden=hidden, help=at)(command)
        text = f"{WINDOW_HELP} [{default}]."
        return click.option("-w", "--window", metavar="WINDOW", hidden=hidden, help=text)(command)

    return add


def limit_option(default: int, most: int) -> Callable[[Command], Command]:
    """``-n --limit``."""
    kind = click.IntRange(1, most)
    return click.option(
        "-n", "--limit", type=kind, metavar="N", default=default, show_default=True, help="At most so many."
    )


def seed_option(what: str) -> Callable[[Command], Command]:
    """``--seed`` of something made up."""
    return click.option(
        "--seed", type=int, metavar="N", default=0, show_default=True, help=f"The same seed gives the same {what}."
    )


def readonly_option(text: str) -> Callable[[Command], Command]:
    """``--readonly``."""
    return click.option("--readonly", is_flag=True, help=text)


def once_option(text: str) -> Callable[[Command], Command]:
    """``--once``."""
    return click.option("--once", is_flag=True, help=text)


@dataclass(frozen=True, slots=True)
class View:
    """The options every view takes."""

    store: Path | None = None
    window: str | None = None
    at: str | None = None
    as_json: bool = False
    as_ascii: bool | None = None
    no_color: bool = False
    readonly: bool = False
    once: bool = False

    def with_json(self) -> View:
        """The same with --json."""
        return replace(self, as_json=True)


def taking_view(
    command: Function, *options: Callable[[Function], Function], store: Callable[[Function], Function] = store_option
) -> Function:
    """The command with these options and ``--store --json --ascii --no-color``; it gets what a View holds as one."""

    def wrapped(**given: Any) -> object:
        view = View(**{name: given.pop(name) for name in View.__dataclass_fields__ if name in given})
        return command(view, **given)

    wrapped.__doc__, wrapped.__name__ = command.__doc__, command.__name__
    vars(wrapped)["__click_params__"] = list(vars(command).get("__click_params__", []))  # where Click keeps options
    plain = (
        json_option,
        click.option("--ascii", "as_ascii", is_flag=True, default=None, help="Draw with ASCII characters only."),
        click.option("--no-color", is_flag=True, help="No colours (as NO_COLOR does)."),
    )
    every: tuple[Callable[[Function], Function], ...] = (store, *options, *plain)
    found: Function = wrapped
    for option in reversed(every):
        found = option(found)
    return found


_AS_EVER = (
    once_option("Print once and end (what this command does anyway)."),
    readonly_option("Leave the store as it is: one of an older version is not brought up to date."),
)


def plain_options(command: Function) -> Function:
    """The options of what is printed and knows no window."""
    return taking_view(command)


def view_options(command: Function) -> Function:
    """The options of a view of a window."""
    return taking_view(command, window_options(SET_WINDOW), *_AS_EVER)


def fact_options(command: Function) -> Function:
    """The options of a view of one fact, which has no window: one that is given does not matter."""
    return taking_view(command, window_options(SET_WINDOW, hidden=True), *_AS_EVER)
