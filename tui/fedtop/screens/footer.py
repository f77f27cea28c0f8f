"""The line at the bottom: the keys that work here, nearest first; what does not fit is left to the help.

Redrawn when the bindings change, never on a tick. A click does what the key does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from fedtop.keys import active_in_order, display
from fedtop.sanitize import clean
from fedtop.widgets.painted import Painted

if TYPE_CHECKING:
    from textual import events
    from textual.screen import Screen

__all__ = ["Hint", "KeyFooter", "paint_hints"]


@dataclass(frozen=True, slots=True)
class Hint:
    """One key as the footer shows it; `keys` is the Textual name to press."""

    key: str
    label: str
    keys: str


def paint_hints(hints: tuple[Hint, ...], width: int) -> tuple[Text, list[tuple[int, int, str]]]:
    """The line and, per hint on it, (start, end, key): whole hints only, as many as fit."""
    line, places, x = Text(" "), [], 1
    for hint in hints:
        needed = cell_len(hint.key) + 1 + cell_len(hint.label)
        if x + needed > width:
            continue
        places.append((x, x + needed, hint.keys))
        line.append(hint.key, "bold $accent")
        line.append(f" {hint.label}  ", "$dim")
        x += needed + 2
    line.truncate(width)
    return line, places


class KeyFooter(Painted):
    """See the module."""

    DEFAULT_CSS = """
    KeyFooter {
        dock: bottom;
        height: 1;
        width: 100%;
        background: $surface;
    }
    """

    def on_mount(self) -> None:
        """Follows the bindings of its screen."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)
        self._hints = hints_of(self.screen)

    _hints: tuple[Hint, ...] = ()

    def _bindings_changed(self, screen: Screen[object]) -> None:
        hints = hints_of(screen)
        if hints != self._hints:
            self._hints = hints
            self.refresh()

    def paint(self, width: int, height: int) -> list[Text]:  # noqa: ARG002
        """See `paint_hints`."""
        return [paint_hints(self._hints, width)[0]]

    async def on_click(self, event: events.Click) -> None:
        """Presses the key that was hit."""
        _, places = paint_hints(self._hints, self.content_size.width)
        hit = next((key for start, end, key in places if start <= event.x < end), None)
        if hit is not None:
            self.app.simulate_key(hit)


def hints_of(screen: Screen[object]) -> tuple[Hint, ...]:
    """The shown bindings, those of the focused widget and its panel before those of the App."""
    found: dict[str, Hint] = {}
    shown = [active for active in active_in_order(screen) if active.binding.show and active.enabled]
    for active in sorted(shown, key=lambda active: active.node is screen.app):
        binding = active.binding
        hint = Hint(binding.key_display or display(binding.key), clean(binding.description, 20).lower(), binding.key)
        found.setdefault(binding.action, hint)
    return tuple(found.values())
