"""Every message that crosses widgets, one small dataclass each.

The poller's reports replace older ones of their kind that nobody has handled yet: only the newest counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from fedtop.about import ANYTHING, About

if TYPE_CHECKING:
    from fedstore import Window

__all__ = ["Demanded", "FilterChanged", "ReadFailed", "Snapshot", "SnapshotReady", "Tick"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One reading of the store for one request: what the panel asked for, and the newest fact there is.

    `window` is the one that its figures are those of: longer than what was asked for where that was purged in part.
    `newest_ms` is when the newest fact happened (to the minute), `recorded_ms` when the last one came in;
    `newest_about_ms` is when the newest one happened of those that the panel is `about`.
    """

    serial: int
    window: Window
    data: object
    taken_ms: int
    newest_ms: int | None
    recorded_ms: int | None = None
    about: About = ANYTHING
    newest_about_ms: int | None = None
    refused: str = ""
    """Of a store without any fact: what was refused, in one line."""


@dataclass
class SnapshotReady(Message):
    """The store changed, time moved the window, or another view was asked for: here is what it shows now."""

    snapshot: Snapshot

    def can_replace(self, message: Message) -> bool:
        """A newer reading makes an older one void."""
        return isinstance(message, SnapshotReady)


@dataclass
class Tick(Message):
    """The store was looked at and is as it was; only ages move."""

    now_ms: int

    def can_replace(self, message: Message) -> bool:
        """Only the latest time counts."""
        return isinstance(message, Tick)


@dataclass
class ReadFailed(Message):
    """The store could not be read; what is shown stays and is marked stale."""

    reason: str

    def can_replace(self, message: Message) -> bool:
        """Only the latest reason counts."""
        return isinstance(message, ReadFailed)


@dataclass
class Demanded(Message):
    """A panel wants other data, or another panel came to the top."""

    def can_replace(self, message: Message) -> bool:
        """One answer serves all."""
        return isinstance(message, Demanded)


@dataclass
class FilterChanged(Message):
    """The text in the filter line changed."""

    text: str
