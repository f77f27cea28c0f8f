"""The base of every widget that draws itself: text lines from a size, colours from the active theme.

A subclass implements `paint(width, height)` as a function of its data and size; style names in the lines are
resolved here, in ASCII mode the characters too. No timers, no state besides what was set.
"""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual.widget import Widget

from fedtop.glyphs import UNICODE, Glyphs
from fedtop.themes import Palette, palette_of

__all__ = ["Painted", "glyphs_of", "join", "palette_for"]


_latest: list[Any] = [None, None]  # the app makes a new mapping per theme, so identity tells whether it changed


def glyphs_of(widget: Widget) -> Glyphs:
    """The glyph set the app asks for (its `glyphs` attribute), Unicode when it has none."""
    found = getattr(widget.app, "glyphs", UNICODE)
    return found if isinstance(found, Glyphs) else UNICODE


def palette_for(widget: Widget) -> Palette:
    """The palette of the app's active theme."""
    variables = widget.app.theme_variables
    if _latest[0] is not variables:
        _latest[:] = [variables, palette_of(variables)]
    palette: Palette = _latest[1]
    return palette


def join(lines: list[Text]) -> Text:
    """Lines as one text that neither wraps nor ends in a line feed."""
    return Text("\n", no_wrap=True, end="").join(lines)


class Painted(Widget):
    """A widget whose content is `paint(width, height)`: at most `height` lines of at most `width` cells."""

    DEFAULT_CSS = """
    Painted {
        height: auto;
        width: 1fr;
    }
    """

    @property
    def glyphs(self) -> Glyphs:
        """The character set to draw with."""
        return glyphs_of(self)

    def paint(self, width: int, height: int) -> list[Text]:
        """The lines to show; style names (`$ok`) are welcome."""
        raise NotImplementedError

    def render(self) -> Text:
        """The painted lines in the colours of the theme."""
        width, height = self.content_size
        if width <= 0 or height <= 0:
            return Text("")
        text = join(self.paint(width, height)[:height])
        if self.glyphs.ascii:
            text.plain = "\n".join(self.glyphs.adapt(line) for line in text.plain.split("\n"))
        return palette_for(self).resolve(text)
