"""Styled sentences on the screen: wrapped to the width, indented under their bullet, in the theme's colours.

For findings and explanations; a table is for figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from fedtop.sanitize import clean
from fedtop.widgets.painted import Painted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console
    from textual.geometry import Size

__all__ = ["Item", "TextLines", "bullets", "wrap_lines"]

_INDENT = "  "
_GAP = "   "

Item = Text | tuple[Text, ...]
"""A sentence, or parts that stay whole."""


def bullets(sentences: Iterable[str], glyph: str, style: str) -> list[Text]:
    """One text per sentence, behind its bullet; sentences come from outside and are cleaned."""
    return [Text.assemble((glyph, style), " ", clean(sentence, 400)) for sentence in sentences]


def wrap_lines(items: Iterable[Item], width: int, console: Console) -> list[Text]:
    """The items as lines of at most `width` cells: sentences broken at blanks, parts only between them."""
    lines: list[Text] = []
    for item in items:
        lines += _wrap(item, width, console) if isinstance(item, Text) else _flow(item, width, console)
    return lines


def _wrap(text: Text, width: int, console: Console) -> list[Text]:
    """One sentence; its second and later lines are indented."""
    if cell_len(text.plain) <= width:
        return [text]
    first, *rest = text.wrap(console, width)
    if not rest:
        return [first]
    tail = text[len(first.plain) :]
    tail = tail[len(tail.plain) - len(tail.plain.lstrip()) :]
    return [first, *(Text(_INDENT).append_text(line) for line in tail.wrap(console, max(4, width - 2)))]


def _flow(parts: Iterable[Text], width: int, console: Console) -> list[Text]:
    """As many parts on a line as fit whole."""
    lines: list[Text] = []
    for part in parts:
        joined = Text(_GAP).join([lines[-1], part]) if lines else None
        if joined is not None and cell_len(joined.plain) <= width:
            lines[-1] = joined
        else:
            lines += _wrap(part, width, console)
    return lines


class TextLines(Painted):
    """Lines set with `set_lines`; as high as they are when wrapped."""

    DEFAULT_CSS = """
    TextLines {
        height: auto;
        padding: 0 1;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._items: tuple[Item, ...] = ()

    def set_lines(self, items: Sequence[Item]) -> None:
        """Shows other lines; redraws only when they differ."""
        fresh = tuple(items)
        if _looks(fresh) != _looks(self._items):
            before, self._items = self._height(), fresh
            self.refresh(layout=self._height() != before)

    @property
    def plain(self) -> str:
        """All lines as text."""
        return "\n".join(text.plain for text in _texts(self._items))

    def _height(self) -> int:
        width = self.content_size.width
        return len(wrap_lines(self._items, width, self.app.console)) if width > 0 else 0

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """How many lines the texts take at `width`."""
        return max(1, len(wrap_lines(self._items, max(4, width), self.app.console)))

    def paint(self, width: int, height: int) -> list[Text]:
        """The first `height` lines."""
        return wrap_lines(self._items, max(4, width), self.app.console)[:height]


def _texts(items: Iterable[Item]) -> list[Text]:
    return [text for item in items for text in ((item,) if isinstance(item, Text) else item)]


def _looks(items: Iterable[Item]) -> list[tuple[str, str, object]]:
    return [(text.plain, str(text.style), text.spans) for text in _texts(items)]
