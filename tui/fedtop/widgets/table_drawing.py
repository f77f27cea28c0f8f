"""Draws the lines of a live table as strips: header, row, and the message of an empty one.

A line depends on its row and its `Look` and on nothing else, which is what makes lines cacheable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from fedtop.widgets.table_layout import Placed, fit, mark_matches, to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

    from fedtop.glyphs import Glyphs
    from fedtop.themes import Palette
    from fedtop.widgets.table_model import Row

__all__ = ["Look", "Pen"]


@dataclass(frozen=True, slots=True)
class Look:
    """What, besides the row itself, its line depends on.

    `cursor` is empty, `blurred` or `cursor`; `column` is the column under a cell cursor.
    """

    placed: tuple[Placed, ...]
    palette: Palette
    glyphs: Glyphs
    base: Style
    width: int
    needle: str = ""
    cursor: str = ""
    column: str | None = None
    changed: frozenset[str] = frozenset()


class Pen:
    """Draws with one console; `tails` are the widest decimal tails per column."""

    def __init__(self, console: Console, tails: Mapping[str, int]) -> None:
        self.console = console
        self.tails = tails

    def row(self, row: Row, look: Look) -> Strip:
        """A row, exactly `look.width` cells wide."""
        base = look.base + look.palette.style(row.style) + _cursor_style(look)
        marker = look.palette.style("$accent" if look.cursor == "cursor" else "$dim")
        segments = [Segment(look.glyphs.cursor if look.cursor else " ", base + marker)]
        x = 1
        for place in look.placed:
            segments.append(Segment(" " * (place.x - x), base))
            segments += self._cell(row, place, look, base)
            x = place.x + place.width
        return Strip(segments).adjust_cell_length(look.width, base)

    def _cell(self, row: Row, place: Placed, look: Look, base: Style) -> Iterable[Segment]:
        column = place.column
        text = to_text(row.cells.get(column.key), place.width, look.glyphs)
        mark_matches(text, look.needle)
        tail = self.tails.get(column.key, 0)
        text = fit(text, place.width, column.align, tail, look.glyphs.ellipsis, whole=column.whole)
        text = look.palette.resolve(text)
        if column.key in look.changed:
            base += look.palette.style("on $changed")
        mark = "bold on $cursor-cell" if look.cursor == "cursor" else "underline"
        post = look.palette.style(mark) if look.column == column.key else None
        return Segment.apply_style(text.render(self.console), base, post)

    def header(self, look: Look, sort_key: str | None, reverse: bool, note: str = "") -> Strip:
        """The labels, the sorted one with an arrow; `note` stands at the right edge where there is room."""
        base = look.base + look.palette.style("$dim")
        line, x = [Segment(" ", base)], 1
        for place in look.placed:
            line.append(Segment(" " * (place.x - x), base))
            line += look.palette.resolve(_label(place, look.glyphs, sort_key, reverse)).render(self.console)
            x = place.x + place.width
        if note and x + len(note) < look.width:
            line.append(Segment(note.rjust(look.width - x), base))
        return Strip(Segment.apply_style(line, base)).adjust_cell_length(look.width, base)

    def message(self, message: str | Text, look: Look) -> Strip:
        """The line an empty table shows."""
        text = message if isinstance(message, Text) else Text(message, "$dim")
        shown = fit(to_text(text, look.width, look.glyphs), max(1, look.width - 2), "left")
        segments = Segment.apply_style(look.palette.resolve(shown).render(self.console), look.base)
        return Strip([Segment("  ", look.base), *segments]).adjust_cell_length(look.width, look.base)


def _cursor_style(look: Look) -> Style:
    if not look.cursor:
        return Style.null()
    strong = look.cursor == "cursor" and look.column is None
    return look.palette.style("bold on $cursor" if strong else "on $blurred")


def _label(place: Placed, glyphs: Glyphs, sort_key: str | None, reverse: bool) -> Text:
    column = place.column
    label = Text(glyphs.adapt(column.label), "$dim")
    if column.key == sort_key:
        arrow = glyphs.down if reverse else glyphs.up
        label = Text(f"{column.label[: max(0, place.width - 1)]}{arrow}", "bold $accent")
    return fit(label, place.width, "left" if column.align == "left" else "right", 0, glyphs.ellipsis)
