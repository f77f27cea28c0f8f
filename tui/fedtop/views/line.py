"""One line of text inside a panel, cut to its width."""

from __future__ import annotations

from rich.text import Text

from fedtop.widgets.painted import Painted

__all__ = ["Line"]


class Line(Painted):
    """`set_text` redraws only when the text differs."""

    DEFAULT_CSS = """
    Line { height: 1; padding: 0 1; }
    """

    def __init__(self, text: Text | None = None, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._text = text or Text("")

    def set_text(self, text: Text) -> None:
        """Shows another text."""
        if text != self._text or text.style != self._text.style:
            self._text = text
            self.refresh()

    def paint(self, width: int, height: int) -> list[Text]:  # noqa: ARG002 - one line whatever the height
        """The text."""
        line = self._text.copy()
        line.truncate(width, overflow="ellipsis")
        return [line]
