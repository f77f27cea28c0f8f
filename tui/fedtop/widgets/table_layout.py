"""How a table row becomes cells on a line: which columns fit, how they align, and where a match is marked.

Pure functions over widths and texts; every result has exactly the width asked for, whatever the text holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.text import Text

from fedtop.sanitize import clean, scrub
from fedtop.widgets.table_model import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedtop.glyphs import Glyphs
    from fedtop.widgets.table_model import Align, Cell, Column

__all__ = [
    "WIDEST",
    "Placed",
    "cells_needed",
    "fit",
    "lay_out",
    "mark_matches",
    "place_window",
    "to_text",
]

CELL_LIMIT: Final = 400
WIDEST: Final = 32
"""No content makes a column wider than this; only what nothing else wants does."""
NARROWEST: Final = 8
"""No column of texts gives up more than what is beyond this."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A column at its place: it covers cells `x` to `x + width - 1`."""

    column: Column
    x: int
    width: int


def lay_out(
    columns: Sequence[Column], width: int, gap: int = 2, margin: int = 1, needs: Mapping[str, int] | None = None
) -> list[Placed]:
    """The columns that fit into `width`, left to right, behind a margin and with a gap between them.

    Whole columns only, and none without a width of its own: those with the largest `min_width_shown` go first, of
    equals the rightmost; the first column stays in any case. What is left over goes to the columns whose content
    `needs` more cells than they have, then to the growing columns in equal parts. A figure that is cut off is a wrong
    one: its column gets what it needs before the others, if need be from them.
    """
    room, needs = width - margin, needs or {}
    visible = (c for c in columns if c.width)
    shown = [c for i, c in enumerate(visible) if i == 0 or width >= c.min_width_shown]
    shown = _fitting(shown, room, gap)
    full = [_wider(c, needs) if c.align != "left" else c for c in shown]
    if full != shown:
        full = _narrowed(_fitting(full, room, gap, optional_only=True), room, gap)
        shown = full if _needed(full, gap) <= room else shown
    return _place(_wide_enough(shown, room - _needed(shown, gap), needs), width, gap, margin)


def _fitting(columns: list[Column], room: int, gap: int, *, optional_only: bool = False) -> list[Column]:
    """The columns without those that go first when there is no room for all."""
    left = list(columns)
    while _needed(left, gap) > room:
        may_go = [c for c in left[1:] if c.min_width_shown or not optional_only]
        if not may_go:
            break
        left.remove(max(may_go, key=lambda c: (c.min_width_shown, left.index(c))))
    return left


def _narrowed(columns: list[Column], room: int, gap: int) -> list[Column]:
    """The columns, the widest of the texts as much narrower as the others need."""
    widths = {c.key: c.width for c in columns}
    texts = [c.key for c in columns if c.align == "left" and not c.whole]
    for _ in range(_needed(columns, gap) - room):
        widest = max(texts, key=lambda key: widths[key], default=None)
        if widest is None or widths[widest] <= NARROWEST:
            return columns
        widths[widest] -= 1
    return [replace(c, width=widths[c.key]) if widths[c.key] != c.width else c for c in columns]


def _wider(column: Column, needs: Mapping[str, int]) -> Column:
    needed = min(needs.get(column.key, 0), WIDEST)
    return replace(column, width=needed) if needed > column.width else column


def _wide_enough(columns: list[Column], spare: int, needs: Mapping[str, int]) -> list[Column]:
    """The columns, the spare cells given to those that need all of them or none, then one by one in turn."""
    for at, column in enumerate(columns):
        wider = _wider(column, needs) if column.whole else column
        if wider.width - column.width <= spare:
            spare -= wider.width - column.width
            columns[at] = wider
    extra = dict.fromkeys((c.key for c in columns), 0)
    short = [c for c in columns if not c.whole]
    while spare > 0:
        short = [c for c in short if c.width + extra[c.key] < min(needs.get(c.key, 0), WIDEST)][:spare]
        if not short:
            break
        for column in short:
            extra[column.key] += 1
        spare -= len(short)
    return [replace(c, width=c.width + extra[c.key]) if extra[c.key] else c for c in columns]


def place_window(columns: Sequence[Column], start: int, width: int, gap: int = 1, margin: int = 1) -> list[Placed]:
    """The first column and, from `start` (1 or more), as many of the others as fit whole: a sideways window."""
    shown = list(columns[:1])
    for column in columns[max(1, start) :]:
        if _needed([*shown, column], gap) > width - margin:
            break
        shown.append(column)
    return _place(shown, width, gap, margin)


def _needed(columns: Sequence[Column], gap: int) -> int:
    return sum(c.width for c in columns) + gap * (len(columns) - 1)


def _place(shown: Sequence[Column], width: int, gap: int, margin: int) -> list[Placed]:
    spare = width - margin - _needed(shown, gap) if shown else 0
    growing = [c.key for c in shown if c.grow]
    placed, x = [], margin
    for column in shown:
        extra = 0
        if spare > 0 and column.key in growing:
            rank = growing.index(column.key)
            extra = spare // len(growing) + (1 if rank < spare % len(growing) else 0)
        cells = max(1, min(column.width + extra, width - x))
        placed.append(Placed(column, x, cells))
        x += cells + gap
    return placed


def cells_needed(cell: str | Text) -> int:
    """How wide a text is when nothing is cut off, at most `WIDEST`."""
    return min(WIDEST, cell_len(plain(cell)[: 2 * WIDEST]))


def to_text(cell: Cell, width: int, glyphs: Glyphs) -> Text:
    """A cell as text that is safe to draw: strings and texts are cleaned, drawables draw themselves."""
    if cell is None:
        return Text(glyphs.none, "$dim")
    if isinstance(cell, str):
        return Text(glyphs.adapt(clean(cell, CELL_LIMIT)))
    text = cell.copy() if isinstance(cell, Text) else cell.draw(width, glyphs)
    text = _cleaned(text)
    if glyphs.ascii and not text.plain.isascii():
        text.plain = glyphs.adapt(text.plain)
    return text


def _cleaned(text: Text) -> Text:
    """`text` without unsafe characters, each run of characters in the style it had."""
    if scrub(text.plain) == text.plain:
        return text
    cuts = sorted({at for span in text.spans for at in (span.start, span.end)})
    safe = Text(style=text.style)
    for run in text.divide(cuts):
        part = Text(scrub(run.plain))
        for span in run.spans:
            part.stylize(span.style)
        safe.append_text(part)
    return safe


def fit(text: Text, width: int, align: Align, ellipsis: str = "…", *, whole: bool = False) -> Text:
    """`text` in exactly `width` cells; `whole` cuts between two words, where one is to be had."""
    length = cell_len(text.plain)
    if length > width:
        words = text.plain[: width + 1].rpartition(" ")[0] if whole else ""
        text = text[: len(words)] if words else _cut(text, width, ellipsis)
        length = cell_len(text.plain)
    spare = width - length
    if align == "left" or spare <= 0:
        return _padded(text, 0, max(0, spare))
    return _padded(text, spare, 0)


def _cut(text: Text, width: int, ellipsis: str) -> Text:
    cut = text.copy()
    cut.truncate(max(0, width - 1))
    cut.append(ellipsis if width > 0 else "")
    return cut


def _padded(text: Text, left: int, right: int) -> Text:
    if not left and not right:
        return text
    padded = text.copy()
    padded.pad_left(left)
    padded.pad_right(right)
    return padded


def mark_matches(text: Text, needle: str, style: str = "bold $fg on $match") -> None:
    """Marks every occurrence of `needle` (already casefolded) in place."""
    if not needle:
        return
    folded = text.plain.casefold()
    if len(folded) != len(text.plain):
        return
    at = folded.find(needle)
    while at >= 0:
        text.stylize(style, at, at + len(needle))
        at = folded.find(needle, at + len(needle))
