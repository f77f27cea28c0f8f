"""The command palette: every key of the frame and of the panel on top, every tab, agent views, every theme.

What is not available (read-only mode, a view that does not exist) is not listed.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from fedtop.keys import display

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.binding import Binding
    from textual.types import IgnoreReturnCallbackType

    from fedtop.app import FedtopApp

__all__ = ["FedtopCommands"]

_HIDDEN = frozenset({"app.palette", "view.back"})


class FedtopCommands(Provider):
    """See the module."""

    def _commands(self) -> Iterator[tuple[str, str, IgnoreReturnCallbackType]]:
        """(name, help, what it does)."""
        app = cast("FedtopApp", self.app)
        seen: set[str] = set()
        for active in app.base.active_bindings.values():
            binding = active.binding
            offered = binding.id and binding.id not in _HIDDEN and binding.action not in seen
            if offered and active.enabled and not (binding.id or "").startswith(("table.", "matrix.")):
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


def _name(binding: Binding) -> str:
    label = binding.description[:1].upper() + binding.description[1:]
    return f"{label}  ({display(binding.key)})"
