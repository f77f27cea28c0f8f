"""The command palette: every key of the frame, of the panel on top and of its table, every tab, every theme.

What is not available (read-only mode, a view that does not exist) is not listed; nor are the keys that only move the
cursor.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.widgets import OptionList

from fedtop.frame import Frame
from fedtop.keys import display

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.binding import Binding
    from textual.types import IgnoreReturnCallbackType

__all__ = ["CommandScreen", "FedtopCommands"]

_HIDDEN = frozenset({"app.palette", "app.interrupt", "view.back"})
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


class FedtopCommands(Provider):
    """See the module."""

    def _commands(self) -> Iterator[tuple[str, str, IgnoreReturnCallbackType]]:
        """(name, help, what it does)."""
        app = self.app
        assert isinstance(app, Frame)
        seen: set[str] = set()
        for active in app.base.active_bindings.values():
            binding = active.binding
            if active.enabled and _offered(binding.id or "") and binding.action not in seen:
                seen.add(binding.action)
                yield _name(binding), binding.tooltip, partial(app.run_action, binding.action, active.node)
        for theme in app.available_themes:
            yield f"Theme: {theme}", "Use this theme", partial(setattr, app, "theme", theme)

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for name, help_text, command in self._commands():
            yield DiscoveryHit(Text(name), command, text=name, help=help_text)

    async def search(self, query: str) -> Hits:
        """What matches, best first."""
        matcher = self.matcher(query)
        for name, help_text, command in self._commands():
            score = matcher.match(f"{name} {help_text}")
            if score > 0:
                yield Hit(score, Text(name), command, text=name, help=help_text)


def _offered(name: str) -> bool:
    moves = name.startswith(("table.", "matrix.")) and name not in _OF_TABLES
    return bool(name) and name not in _HIDDEN and not moves


def _name(binding: Binding) -> str:
    label = binding.description[:1].upper() + binding.description[1:]
    return f"{label}  ({display(binding.key)})"
