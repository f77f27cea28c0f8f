"""The command palette: every key of the frame, of the panel on top and of its table, every tab, every theme; and by its
name every agent, layer, tool and type of task of the store, and every window.

What is not available (read-only mode, a view that does not exist) is not listed; nor are the keys that only move the
cursor.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial
from heapq import nlargest
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.text import Text
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.widgets import OptionList

from fedstore import WINDOW_LABELS, FedstoreError, Window, parse_duration_ms
from fedtop.finding import matches, score
from fedtop.frame import Frame
from fedtop.keys import display
from fedtop.sanitize import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.binding import Binding
    from textual.types import IgnoreReturnCallbackType

    from fedstore import Store
    from fedstore.queries.models import NameKind

__all__ = ["CommandScreen", "Entry", "FedtopCommands"]

_HIDDEN = frozenset({"app.palette", "app.interrupt", "view.back"})
_KINDS: Final[dict[NameKind, str]] = {"agent": "Agent", "layer": "Layer", "tool": "Tool", "task_type": "Task type"}
_SAID: Final = {"1h": "hour", "24h": "day", "7d": "week", "30d": "month"}
"""How people say the length of a window."""
_MOST: Final = 20
_OF_TABLES = frozenset({"table.open", "table.sort", "table.reverse", "table.next", "table.previous"})


class CommandScreen(CommandPalette):
    """Textual's, which ends the app when it is paged through in a terminal too low to show one line of it.

    Style sheets go by the names of classes: Textual has a CommandList, which is hidden until it is filled.
    """

    def __init__(self) -> None:
        super().__init__(id="--command-palette")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No paging where nothing of the list is seen."""
        if action == "command_list":
            return any(found.scrollable_content_region for found in self.query(OptionList))
        return super().check_action(action, parameters)


class Entry(NamedTuple):
    """One line of the palette: its name, what it is for, other words that lead to it, and what it does."""

    name: str
    help: str
    run: IgnoreReturnCallbackType
    words: str = ""


class FedtopCommands(Provider):
    """See the module."""

    _names: tuple[tuple[NameKind, str], ...] = ()

    async def startup(self) -> None:
        """Reads what there is, once, while the palette is already open."""
        with suppress(FedstoreError):
            self._names = await asyncio.to_thread(_read_names, self._frame.source)

    @property
    def _frame(self) -> Frame:
        assert isinstance(self.app, Frame)
        return self.app

    def commands(self) -> Iterator[Entry]:
        """Everything that can be done here, whatever is in the store."""
        app = self._frame
        seen: set[str] = set()
        for active in app.base.active_bindings.values():
            binding = active.binding
            if active.enabled and _offered(binding.id or "") and binding.action not in seen:
                seen.add(binding.action)
                yield Entry(_name(binding), binding.tooltip, partial(app.run_action, binding.action, active.node))
        if app.may_open("grading"):
            yield Entry("Grade decisions", "The decisions that settle most", partial(app.open_target, "grading:"))
        for theme in app.available_themes:
            yield Entry(f"Theme: {theme}", "Use this theme", partial(setattr, app, "theme", theme))

    def _named(self, typed: str) -> Iterator[Entry]:
        """Things of the store, by their names, and windows."""
        app = self._frame
        for kind, name in self._names:
            shown = f"{_KINDS[kind]} {clean(name, 60)}"
            yield Entry(shown, f"Open this {_KINDS[kind].lower()}", partial(app.open_target, f"{kind}:{name}"))
        own = [typed.strip()] if _is_window(typed) and typed.strip() not in WINDOW_LABELS else []
        for label in (*own, *WINDOW_LABELS):
            step = partial(app.change_view, replace(app.view, window=Window.ending(label, 0).label))
            yield Entry(f"Window {label}", f"Look at {_span(label)}", step, f"{label} {_SAID.get(label, '')}")

    async def discover(self) -> Hits:
        """Every command, before anything is typed."""
        for command in self.commands():
            yield DiscoveryHit(Text(command.name), command.run, text=command.name, help=command.help)

    async def search(self, query: str) -> Hits:
        """What matches, best first; of things of the store no more than can be looked through."""
        found = [(self._score(query, command), command) for command in self.commands()]
        named = ((self._score(query, command), command) for command in self._named(query))
        found += nlargest(_MOST, named, key=itemgetter(0))
        for how_well, command in found:
            if how_well > 0:
                line = Text(command.name)
                for start, end in matches(query, command.name):
                    line.stylize("bold underline", start, end)
                yield Hit(how_well, line, command.run, text=command.name, help=command.help)

    def _score(self, query: str, command: Entry) -> float:
        return max(score(query, command.name, f"{command.help} {command.words}"), score(query, command.words) * 0.95)


def _read_names(store: Store) -> tuple[tuple[NameKind, str], ...]:
    """Every agent, layer, tool and type of task in the store, with what it is."""
    reader = store.reader()
    return tuple((kind, name) for kind in _KINDS for name in reader.names(kind) if name)


def _is_window(typed: str) -> bool:
    """Whether it is a length with its unit: of a mere number nobody knows whether it means hours."""
    try:
        return not typed.strip().isdecimal() and parse_duration_ms(typed) > 0
    except FedstoreError:
        return False


def _span(label: str) -> str:
    return "all there is" if label == "all" else f"the last {label}"


def _offered(name: str) -> bool:
    moves = name.startswith(("table.", "matrix.")) and name not in _OF_TABLES
    return bool(name) and name not in _HIDDEN and not moves


def _name(binding: Binding) -> str:
    label = binding.description[:1].upper() + binding.description[1:]
    return f"{label}  ({display(binding.key)})"
