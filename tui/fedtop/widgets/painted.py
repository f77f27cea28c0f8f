"""The base of every widget that draws itself: text lines from a size, colours from the active theme.

A subclass implements `paint(width, height)` as a function of its data and size; style names in the lines are
resolved here, in ASCII mode the characters too. No timers, no state besides what was set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.segment import Segment
from rich.text import Text
from textual.strip import Strip
from textual.widget import Widget

from fedtop.glyphs import UNICODE, Glyphs
from fedtop.themes import Palette, palette_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.geometry import Region

__all__ = ["Drawn", "Painted", "glyphs_of", "join", "palette_for"]


_latest: dict[int, tuple[Mapping[str, str], Palette]] = {}
"""The palette of the theme drawn last. The app makes a new mapping per theme, so identity tells whether it changed."""


def glyphs_of(widget: Widget) -> Glyphs:
    """The glyph set the app asks for (its `glyphs` attribute), Unicode when it has none."""
    found = getattr(widget.app, "glyphs", UNICODE)
    return found if isinstance(found, Glyphs) else UNICODE


def palette_for(widget: Widget) -> Palette:
    """The palette of the app's active theme."""
    variables = widget.app.theme_variables
    known = _latest.get(id(variables))
    if known is None:
        _latest.clear()  # the mapping is kept beside its palette, so that no other can have its identity
        known = _latest[id(variables)] = (variables, palette_of(variables))
    return known[1]


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

    def painted(self) -> list[Text]:
        """The lines in the colours of the theme, and in its characters."""
        width, height = self.content_size
        if width <= 0 or height <= 0:
            return []
        lines = self.paint(width, height)[:height]
        if self.glyphs.ascii:
            for line in lines:
                line.plain = self.glyphs.adapt(line.plain)
        palette = palette_for(self)
        return [palette.resolve(line) for line in lines]

    def render(self) -> Text:
        """The painted lines as one text, which the mouse can select from."""
        return join(self.painted())


class Drawn(Painted):
    """A painted widget that is a picture: its lines go straight to cells.

    What that leaves out is the way over a text that the mouse can select from; nobody selects a chart.
    """

    _strips: tuple[object, list[Strip]] | None = None

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Paints anew."""
        self._strips = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_line(self, y: int) -> Strip:
        """One line of the picture."""
        base, width = self.rich_style, self.content_size.width
        look = (base, self.content_size, palette_for(self))
        if self._strips is None or self._strips[0] != look:
            console = self.app.console
            lines = (Segment.apply_style(line.render(console), base) for line in self.painted())
            self._strips = look, [Strip(line).adjust_cell_length(width, base) for line in lines]
        strips = self._strips[1]
        return strips[y] if y < len(strips) else Strip.blank(width, base)
