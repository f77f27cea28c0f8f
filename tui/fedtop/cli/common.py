"""What the commands share: the options of a view, opening a store, and the window that was asked for.

A command opens its store through ``open_store`` and gets the settings with what the command line overrides.
Views open read-only and never create a file; commands that write say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from fedstore import Alarm, Reader, Settings, Store, Window
    from fedstore.queries.models import Topic
    from fedtop.about import About
    from fedtop.cli.output import Notice

__all__ = [
    "PLAIN_OPTIONS", "SHELL_SOURCE", "View", "get_settings", "now_ms", "open_store", "open_view", "plain_options",
    "standing_alarms", "store_option", "view_options", "window_of",
]  # fmt: skip

Command = TypeVar("Command", bound=Callable[..., Any])

NEWEST = "newest"
SHELL_SOURCE = "shell"
"""The source of facts recorded from the shell."""
PLAIN_OPTIONS = (
    click.option("--json", "as_json", is_flag=True, help="Print the same fields as JSON."),
    click.option("--ascii", "as_ascii", is_flag=True, default=None, help="Draw with ASCII characters only."),
    click.option("--no-color", is_flag=True, help="No colours (as NO_COLOR does)."),
)


def store_option(command: Command) -> Command:
    """``--store PATH``."""
    return click.option(
        "--store", type=click.Path(path_type=Path), metavar="PATH", help="The store file (FEDTOP_STORE)."
    )(command)


def plain_options(command: Command) -> Command:
    """``--json --ascii --no-color``."""
    for option in reversed(PLAIN_OPTIONS):
        command = option(command)
    return command


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


def view_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a view; the command gets them as one ``View`` first."""

    def wrapped(**given: Any) -> Any:
        view = View(**{name: given.pop(name) for name in View.__dataclass_fields__})
        return command(view, **given)

    wrapped.__doc__ = command.__doc__
    wrapped.__name__ = command.__name__
    options = [
        click.option("-w", "--window", metavar="WINDOW", help="15m, 1h, 6h, 24h, 7d, 30d, hours, or all."),
        click.option(
            "--at", metavar="TIME", help="Where the window ends: a time, or newest (the newest fact of the view)."
        ),
        click.option("--once", is_flag=True, help="Print once and end (what this command does anyway)."),
        click.option("--readonly", is_flag=True, help="Open the store for reading only (as views do anyway)."),
    ]
    wrapped.__click_params__ = list(getattr(command, "__click_params__", []))  # type: ignore[attr-defined]
    for option in (*PLAIN_OPTIONS[::-1], *options[::-1]):
        wrapped = option(wrapped)
    return store_option(wrapped)


def now_ms() -> int:
    """The present in UTC epoch milliseconds; one place, so that a test can set the clock."""
    from fedstore import now_ms as clock

    return clock()


def get_settings(view: View | None = None, **given: Any) -> Settings:
    """The settings in force, the command line's word first. Raises SettingsError."""
    from fedstore import Settings

    if view is not None:
        given |= {"store": view.store, "window": view.window, "ascii": view.as_ascii or None}
        given |= {"readonly": view.readonly or None}
    return Settings.load(**given)


@contextmanager
def open_store(settings: Settings, *, readonly: bool = False, create: bool = True) -> Iterator[Store]:
    """The store the settings name; without ``create`` a missing one stays missing. Raises StoreError."""
    from fedstore import Store, default_store_path

    path = settings.store or default_store_path()
    only_read = readonly or settings.readonly or not (create or path.exists())
    with Store(path, readonly=only_read, settings=settings, clock=now_ms) as store:
        yield store


@contextmanager
def open_view(view: View, topic: Topic = "any", name: str = "") -> Iterator[tuple[Reader, Window, Notice]]:
    """A reader, the window that was asked for, and what to say when facts of the topic all lie before it.

    Raises FedstoreError.
    """
    from fedtop.about import About
    from fedtop.cli.output import notice_for

    about = About(topic, name)
    settings = get_settings(view)
    with open_store(settings, readonly=True) as store:
        reader = store.reader()
        window = window_of(reader, settings.window, view.at, about)
        yield reader, window, notice_for(reader, window, about)


def standing_alarms(settings: Settings) -> tuple[Alarm, ...]:
    """What the newest changes of the policy give cause for; nothing is taken back. Raises FedstoreError."""
    from fedstore import PolicyStore

    with open_store(settings, readonly=True) as store:
        if store.reader().policy().version == 0:  # nothing was ever changed
            return ()
        return PolicyStore(store).watch()


def window_of(reader: Reader, label: str, at: str | None, about: About) -> Window:
    """The window named ``label`` that ends at ``at`` or now; "newest" is the newest of what the view is about.

    Raises FedstoreError.
    """
    from fedstore import Window, parse_time_ms

    if at is None:
        return Window.ending(label, now_ms())
    end = about.newest_ms(reader) if at == NEWEST else parse_time_ms(at)
    if end is None:
        return Window.ending(label, now_ms())
    return Window.ending(label, end, live=False)
