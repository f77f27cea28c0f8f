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

__all__ = ["TextLines", "bullets", "wrap_lines"]

_INDENT = "  "


def bullets(sentences: Iterable[str], glyph: str, style: str) -> list[Text]:
    """One text per sentence, behind its bullet; sentences come from outside and are cleaned."""
    return [Text.assemble((glyph, style), " ", clean(sentence, 400)) for sentence in sentences]


def wrap_lines(texts: Iterable[Text], width: int, console: Console) -> list[Text]:
    """Every text broken at blanks into lines of at most `width` cells, the second and later ones indented."""
    lines: list[Text] = []
    for text in texts:
        if cell_len(text.plain) <= width:
            lines.append(text)
            continue
        first, *rest = text.wrap(console, width)
        lines.append(first)
        if rest:
            tail = text[len(first.plain) :]
            tail = tail[len(tail.plain) - len(tail.plain.lstrip()) :]
            lines += [Text(_INDENT).append_text(line) for line in tail.wrap(console, max(4, width - 2))]
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
        self._texts: tuple[Text, ...] = ()

    def set_lines(self, texts: Sequence[Text]) -> None:
        """Shows other lines; redraws only when they differ."""
        fresh = tuple(texts)
        if _looks(fresh) != _looks(self._texts):
            self._texts = fresh
            self.refresh(layout=True)

    @property
    def plain(self) -> str:
        """All lines as text."""
        return "\n".join(text.plain for text in self._texts)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """How many lines the texts take at `width`."""
        return max(1, len(wrap_lines(self._texts, max(4, width), self.app.console)))

    def paint(self, width: int, height: int) -> list[Text]:
        """The first `height` lines."""
        return wrap_lines(self._texts, max(4, width), self.app.console)[:height]


def _looks(texts: Iterable[Text]) -> list[tuple[str, str, object]]:
    return [(text.plain, str(text.style), text.spans) for text in texts]
