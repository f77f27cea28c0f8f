"""The commands top and demo: the live pane, or one print of it where there is no terminal to draw on."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fedstore import StartSettings
from fedtop.cli.common import get_settings, now_ms, open_store, window_of
from fedtop.cli.main import Failure
from fedtop.cli.options import (
    SET_WINDOW,
    FiniteRange,
    Function,
    View,
    once_option,
    readonly_option,
    seed_option,
    store_named,
    store_option,
    taking_view,
    window_options,
)
from fedtop.cli.printing import print_tab
from fedtop.signals import ENDING, ended_by
from fedtop.tabs import TABS, tab_ids, tab_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fedstore import Settings, Store

__all__ = ["demo", "top"]

DEMO_HOURS = 48
_START = StartSettings()


def pane_options(command: Function, store: Callable[[Function], Function] = store_option) -> Function:
    """The options of a view, and ``-i --tab --theme``; ``store`` is the option of that name."""
    return taking_view(
        command,
        click.option("-i", "--interval", type=FiniteRange(0.1, 3600), metavar="SECONDS",
                     help=f"How often to look for news [{_START.interval_s:g}, or the setting]."),
        click.option("--tab", type=click.Choice(tab_ids()), default=TABS[0].id, show_default=True,
                     help="The tab to begin with."),
        click.option("--theme", metavar="NAME",
                     help="fedtop-dark, fedtop-light, fedtop-contrast, or one of Textual's"
                     f" [{_START.theme}, or the setting]."),
        window_options(SET_WINDOW),
        once_option("Print it once and end, as where there is no terminal."),
        readonly_option("Hide and refuse everything that changes something."),
        store=store,
    )  # fmt: skip


def demo_options(command: Function) -> Function:
    """The same, with a store of the demonstration's own."""
    return pane_options(command, store_named("A new file that is kept [none]."))


@click.command()
@pane_options
def top(view: View, *, interval: float | None, tab: str, theme: str | None) -> None:
    """The live pane; printed once with --once, --json, or where there is no terminal."""
    if wants_print(view):
        get_settings(view, interval_s=interval, theme=theme)  # what makes no sense is refused here too
        print_tab(view, tab)
        return
    with _opened(view, interval, theme) as (start, store):
        run_pane(view, start, store, tab)


@contextmanager
def _opened(view: View, interval: float | None, theme: str | None) -> Iterator[tuple[Settings | StartSettings, Store]]:
    """The store and what the pane begins with; where nothing was ever set, without importing what checks settings."""
    from fedstore import Store, default_store_path, start_settings

    start = start_settings(
        store=view.store, window=view.window, interval_s=interval, theme=theme,
        ascii=view.as_ascii or None, readonly=view.readonly or None,
    )  # fmt: skip
    if start is None:
        settings = get_settings(view, interval_s=interval, theme=theme)
        with open_store(settings, readonly=settings.readonly) as store:
            yield settings, store
        return
    with Store(start.store or default_store_path(), readonly=start.readonly, clock=now_ms) as store:
        yield start, store


@click.command()
@seed_option("federation")
@click.option("--speed", type=FiniteRange(0.1, 100), metavar="TIMES", default=1.0, show_default=True,
              help="How many times as fast as life.")  # fmt: skip
@demo_options
def demo(view: View, *, seed: int, speed: float, interval: float | None, tab: str, theme: str | None) -> None:
    """The pane on a simulated federation of agents that keeps recording while you watch.

    Nothing to set up, nothing left behind: its store is temporary, unless --store names a new file.
    """
    settings = get_settings(view, interval_s=interval, theme=theme)
    with _demo_settings(settings, view.store) as own, open_store(_writing(own)) as store:
        from fedstore import Simulation

        simulation = Simulation(store, seed, now_ms, hours=DEMO_HOURS, speed=speed)
        if wants_print(view):
            simulation.backfill()
            simulation.stop()
            print_tab(replace(view, store=store.path), tab)
            return
        with simulation:
            run_pane(view, own, store, tab)


def _writing(settings: Settings) -> Settings:
    """The same of a store that the simulation fills, though whoever watches may change nothing."""
    return settings.model_copy(update={"readonly": False})


@contextmanager
def _demo_settings(settings: Settings, path: Path | None) -> Iterator[Settings]:
    """Settings whose store is a new file; simulated facts are never mixed with real ones."""
    from tempfile import TemporaryDirectory

    if path is not None:
        if path.exists():
            raise Failure(f"{path} exists: a demonstration fills a store of its own, so name a new file")
        yield settings.model_copy(update={"store": path})
        return
    with _ended_by_signals(), TemporaryDirectory(prefix="fedtop-demo-", ignore_cleanup_errors=True) as folder:
        yield settings.model_copy(update={"store": Path(folder, "demo.db")})


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """A closed terminal or `kill` ends the block as an exception does, so that it cleans up after itself."""
    before = {name: signal.signal(name, lambda number, _frame: sys.exit(ended_by(number))) for name in ENDING}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def wants_print(view: View) -> bool:
    """Whether to print once: asked for, or no terminal to draw on (one that says it is dumb shows text only)."""
    drawn = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return view.as_json or view.once or not drawn


def run_pane(view: View, settings: Settings | StartSettings, store: Store, tab: str) -> None:
    """Open the pane and stay until it is left."""
    if view.no_color:
        os.environ["NO_COLOR"] = "1"
    gc.disable()  # nothing of what is imported now is garbage: the rounds over it are a tenth of the start
    from fedtop.about import About
    from fedtop.app import FedtopApp
    from fedtop.cli.output import can_encode
    from fedtop.options import AppOptions

    about = About(tab_named(tab).topic)
    window = None if view.at is None else window_of(store.reader(), settings.window, view.at, about)
    options = AppOptions(
        window=settings.window, interval_s=settings.interval_s,
        at_ms=None if window is None or window.live else window.end_ms - 1,
        readonly=settings.readonly, theme=settings.theme,
        ascii=settings.ascii or not can_encode(), tab=tab, clock=now_ms, keymap=settings.keymap,
    )  # fmt: skip
    app = FedtopApp(store, options)
    app.run()
    if app.fault is not None:
        raise app.fault
    if app.ended_by is not None:
        sys.exit(ended_by(app.ended_by))
