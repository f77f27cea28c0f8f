"""Draws the lines of a live table as strips: header, row, and the message of an empty one.

A line depends on its row and its `Look` and on nothing else, which is what makes lines cacheable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from fedtop.widgets.table_layout import Placed, fit, mark_matches, to_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from fedtop.glyphs import Glyphs
    from fedtop.themes import Palette
    from fedtop.widgets.table_model import Row

__all__ = ["Look", "Order", "Pen"]


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


@dataclass(frozen=True, slots=True)
class Order:
    """What the rows are sorted by; `chosen` where that is not how they come."""

    column: str
    reverse: bool
    chosen: bool


class Pen:
    """Draws with one console."""

    def __init__(self, console: Console) -> None:
        self.console = console

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
        text = fit(text, place.width, column.align, look.glyphs.ellipsis, whole=column.whole)
        text = look.palette.resolve(text)
        if column.key in look.changed:
            base += look.palette.style("on $changed")
        mark = "bold on $cursor-cell" if look.cursor == "cursor" else "underline"
        post = look.palette.style(mark) if look.column == column.key else None
        return Segment.apply_style(text.render(self.console), base, post)

    def header(self, look: Look, order: Order | None, note: str = "") -> Strip:
        """The labels, the sorted one with an arrow; `note` stands at the right edge where there is room."""
        base = look.base + look.palette.style("$dim")
        line, x = list[Segment](), 0
        for place in look.placed:
            label, start, width = _label(place, look, order)
            line.append(Segment(" " * (start - x), base))
            line += look.palette.resolve(label).render(self.console)
            x = start + width
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


def _label(place: Placed, look: Look, order: Order | None) -> tuple[Text, int, int]:
    """A label, and the cells it covers: the arrow of the sorted column takes no letter away, but stands in the gap
    before it, or behind it where that is the side on which a text has room.
    """
    column, x, width = place.column, place.x, place.width
    label = fit(Text(look.glyphs.adapt(column.label)), width, column.align, look.glyphs.ellipsis).plain
    if order is None or order.column != column.key:
        return Text(label, "$dim"), x, width
    arrow, words = look.glyphs.down if order.reverse else look.glyphs.up, label.strip()
    style = "bold $accent" if order.chosen else "$dim"
    behind = column.align == "left" and x + cell_len(words) < look.width
    start = x if behind else x - 1
    cells = min(width + 1, look.width - start)
    return (
        fit(Text(f"{words}{arrow}" if behind else f"{arrow}{words}", style), cells, column.align),
        start,
        cells,
    )
