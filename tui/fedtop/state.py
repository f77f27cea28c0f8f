"""What the user is looking at, as one immutable value, and the pure steps from one such value to the next.

Everything on the screen is a function of (snapshot, view state). Times are UTC epoch milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fedstore import WINDOW_LABELS, StartSettings, Window, parse_duration_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "INTERVALS_S",
    "Sort",
    "ViewState",
    "faster",
    "filtered",
    "jumped",
    "live",
    "narrower",
    "on_tab",
    "paused",
    "resumed",
    "slower",
    "sorted_by",
    "stepped",
    "wider",
    "window_of",
]

_START = StartSettings()
INTERVALS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Sort:
    """The order of a table: a column's key, and whether it is turned around."""

    column: str
    reverse: bool


@dataclass(frozen=True, slots=True)
class ViewState:
    """`at_ms` is where the window ends (None: at the present); `paused_ms` since when the pane stands still.

    `filters` are by panel, `sorts` by panel and table (`agents/table`).
    """

    tab: str = ""
    window: str = _START.window
    interval_s: float = _START.interval_s
    at_ms: int | None = None
    paused_ms: int | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    sorts: Mapping[str, Sort] = field(default_factory=dict)

    @property
    def pinned_ms(self) -> int | None:
        """The moment the window ends at, by time travel or by pause; None while it follows the present."""
        return self.paused_ms if self.at_ms is None else self.at_ms

    def filter_of(self, panel: str) -> str:
        """The filter in force on a panel, empty without one."""
        return self.filters.get(panel, "")


def window_of(state: ViewState, now_ms: int) -> Window:
    """The window the state names. A pause holds it where it is; only time travel makes it no longer live."""
    pinned = state.pinned_ms
    return Window.ending(state.window, now_ms if pinned is None else pinned, live=state.at_ms is None)


def on_tab(state: ViewState, tab: str) -> ViewState:
    """Another tab."""
    return replace(state, tab=tab)


def wider(state: ViewState) -> ViewState:
    """The next longer window; stops at the longest."""
    length = _length(state.window)
    longer = (label for label in WINDOW_LABELS if _length(label) > length)
    return replace(state, window=next(longer, state.window))


def narrower(state: ViewState) -> ViewState:
    """The next shorter window; stops at the shortest."""
    length = _length(state.window)
    shorter = (label for label in reversed(WINDOW_LABELS) if _length(label) < length)
    return replace(state, window=next(shorter, state.window))


def _length(label: str) -> float:
    """How long a window is, in milliseconds; that over all time is longer than any."""
    return math.inf if label == "all" else parse_duration_ms(label)


def slower(state: ViewState) -> ViewState:
    """The next longer interval between looks at the store; stops at the longest."""
    longer = [s for s in INTERVALS_S if s > state.interval_s]
    return replace(state, interval_s=longer[0] if longer else state.interval_s)


def faster(state: ViewState) -> ViewState:
    """The next shorter interval; stops at the shortest."""
    shorter = [s for s in INTERVALS_S if s < state.interval_s]
    return replace(state, interval_s=shorter[-1] if shorter else state.interval_s)


def stepped(state: ViewState, steps: int, now_ms: int) -> ViewState:
    """The window moved by whole lengths of itself, back (negative) or forth; at the present it is live again.

    The window over all time has nowhere to go.
    """
    if state.window == "all":
        return state
    window = window_of(state, now_ms)
    end = window.end_ms - 1 + steps * window.length_ms
    if end >= now_ms:
        return live(state)
    return replace(state, at_ms=max(end, window.length_ms), paused_ms=None)


def jumped(state: ViewState, moment_ms: int) -> ViewState:
    """The window that ends at a moment, such as that of the newest fact."""
    return replace(state, at_ms=moment_ms, paused_ms=None)


def live(state: ViewState) -> ViewState:
    """Back to the present."""
    return replace(state, at_ms=None, paused_ms=None)


def paused(state: ViewState, now_ms: int) -> ViewState:
    """Stands still as of now."""
    return replace(state, paused_ms=now_ms)


def resumed(state: ViewState) -> ViewState:
    """Follows the store again."""
    return replace(state, paused_ms=None)


def filtered(state: ViewState, panel: str, text: str) -> ViewState:
    """Another filter for a panel; the empty text removes it."""
    rest = {key: value for key, value in state.filters.items() if key != panel}
    return replace(state, filters={**rest, panel: text} if text else rest)


def sorted_by(state: ViewState, table: str, sort: Sort) -> ViewState:
    """Another order for a table (`panel/table`)."""
    return replace(state, sorts={**state.sorts, table: sort})
