"""What the commands share: the settings, opening a store, and the window that was asked for.

A command opens its store through ``open_store`` and gets the settings with what the command line overrides.
Views open read-only and never create a file, but bring one of an older version up to date unless --readonly forbids
it; commands that write are refused in read-only mode.
"""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal

from fedtop.cli.main import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fedstore import Alarm, Reader, Settings, Store, Window
    from fedstore.queries.models import Topic
    from fedtop.about import About
    from fedtop.cli.notice import Notice
    from fedtop.cli.options import View

__all__ = [
    "end_of", "get_settings", "now_ms", "open_store", "open_to_propose", "open_view", "standing_alarms",
    "window_of",
]  # fmt: skip

NEWEST = "newest"
READONLY = "FEDTOP_READONLY"
"""The source of facts recorded from the shell."""


def now_ms() -> int:
    """The present in UTC epoch milliseconds; one place, so that a test can set the clock."""
    from fedstore import now_ms as clock

    return clock()


def get_settings(
    view: View | None = None, *, purpose: Literal["recording", "maintaining"] | None = None, **given: object
) -> Settings:
    """The settings in force, the command line's word first; for a purpose only what it needs is read.

    Raises SettingsError, which names an option as it was typed.
    """
    from fedstore import Settings, SettingsError

    if view is not None:
        given |= {"store": view.store, "window": view.window, "ascii": view.as_ascii or None}
        given |= {"readonly": view.readonly or None}
    try:
        return Settings.load(None, purpose=purpose, **given)
    except SettingsError as error:
        raise SettingsError(re.sub(r"^command line: (\w+?)(?:_s)?: ", r"--\1: ", str(error))) from error


def open_store(settings: Settings, *, readonly: bool = False, create: bool = True) -> Store:
    """The store the settings name; without ``create`` a missing one stays missing.

    Raises StoreError; and Failure for a store that is to be written in read-only mode.
    """
    from fedstore import default_store_path

    if settings.readonly and not readonly:
        source = settings.sources.get("readonly", "")
        named = {"command line": "--readonly", READONLY: READONLY}.get(source, f"readonly in {source}")
        raise Failure(f"read-only mode ({named}): nothing was changed, since nothing may be")
    path = settings.store or default_store_path()
    return _opened(path, settings, only_read=readonly or not (create or path.exists()))


def open_to_propose(settings: Settings) -> Store:
    """The store to make a plan from: open for writing where that is allowed, so that the plan can be kept.

    Raises StoreError.
    """
    from fedstore import StoreReadOnlyError

    if not settings.readonly:
        with suppress(StoreReadOnlyError):
            return open_store(settings, create=False)
    return open_store(settings, readonly=True)


def _opened(path: Path, settings: Settings, *, only_read: bool) -> Store:
    """The store; one of an older version is first brought up to date as a writer would, where it may be written."""
    from fedstore import Store, StoreOlderError, StoreReadOnlyError

    try:
        return Store(path, readonly=only_read, settings=settings, clock=now_ms)
    except StoreOlderError:
        if settings.readonly:
            raise
    with suppress(StoreReadOnlyError):  # then it is said once more what is to be done
        Store(path).close()
    return Store(path, readonly=True, settings=settings, clock=now_ms)


@contextmanager
def open_view(view: View, topic: Topic = "any", name: str = "") -> Iterator[tuple[Reader, Window, Notice]]:
    """A reader, the window that was asked for, and what to say when it has no fact of the topic.

    Raises FedstoreError.
    """
    from fedtop.about import About
    from fedtop.cli.notice import notice_for

    about = About(topic, name)
    settings = get_settings(view)
    with open_store(settings, readonly=True) as store:
        reader = store.reader()
        window = window_of(reader, settings.window, view.at, about)
        yield reader, window, notice_for(reader, window, about)


def standing_alarms(settings: Settings) -> tuple[Alarm, ...]:
    """What the newest changes of the policy give cause for; nothing is taken back. Raises FedstoreError."""
    from fedstore import PolicyStore, Watcher

    with open_store(settings, readonly=True) as store:
        if store.reader().policy().version == 0:  # nothing was ever changed
            return ()
        return Watcher(PolicyStore(store)).look()


def window_of(reader: Reader, label: str, at: str | None, about: About) -> Window:
    """The window named ``label`` that ends at ``at`` or now; "newest" is the newest of what the view is about.

    That of all time begins with the first fact. Raises FedstoreError.
    """
    return reader.window(label, end_of(reader, at, about))


def end_of(reader: Reader, at: str | None, about: About) -> int | None:
    """The moment that `--at` names; None for the present, and for the newest fact where there is none.

    Raises FedstoreError.
    """
    from fedstore import parse_time_ms

    if at is None:
        return None
    return about.newest_ms(reader) if at == NEWEST else parse_time_ms(at)
