"""A view that is printed once: the same figures for `--json` and for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedstore import Alarm, Reader, Window
    from fedstore.queries.models import AgentRow
    from fedtop.plain.look import Look

__all__ = ["Alarms", "Page", "PageOf", "did_something"]

Alarms = Callable[[], "tuple[Alarm, ...]"]
"""Reads the alarms about applied changes, for whoever shows them."""


@dataclass(frozen=True, slots=True)
class Page:
    """What was read, and how it is drawn.

    `figures` is a read model, or several by name; `more` stands beside its fields in the JSON document. `found` says
    whether the window held a fact. `draw` makes the text of a look; its second argument is the sentence for a window
    without a fact, None where there is nothing to say.
    """

    figures: object
    found: bool
    draw: Callable[[Look, str | None], RenderableType]
    more: Mapping[str, object] = field(default_factory=dict)


class PageOf(Protocol):
    """Reads a page as of a window. Runs on the thread that prints."""

    def __call__(self, reader: Reader, window: Window, alarms: Alarms) -> Page:
        """The page. Raises FedstoreError."""


def did_something(*rows: AgentRow) -> bool:
    """Whether any of the agents did or spent something in the window; what only goes on may be older."""
    return any(row.tasks or row.tokens or row.cost.nano for row in rows)
