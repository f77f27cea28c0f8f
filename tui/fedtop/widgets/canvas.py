"""A grid of styled characters that charts draw into, and that comes out as lines of text.

Coordinates are cells, y counts from the top; anything put outside the grid is clipped.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

__all__ = ["Canvas"]


class Canvas:
    """`width` x `height` blanks to begin with; every character put must be one cell wide."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = max(0, width), max(0, height)
        self._chars = [[" "] * self.width for _ in range(self.height)]
        self._styles = [[""] * self.width for _ in range(self.height)]

    def put(self, x: int, y: int, char: str, style: str = "") -> None:
        """One character; outside the grid nothing happens."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self._chars[y][x], self._styles[y][x] = char, style

    def write(self, x: int, y: int, text: str, style: str = "") -> None:
        """A run of one-cell characters from `x` to the right; a text with wide ones is left out."""
        if cell_len(text) == len(text):
            for i, char in enumerate(text):
                self.put(x + i, y, char, style)

    def at(self, x: int, y: int) -> str:
        """The character there; a blank outside the grid."""
        return self._chars[y][x] if 0 <= x < self.width and 0 <= y < self.height else " "

    def lines(self) -> list[Text]:
        """One text per row, runs of equal style merged, trailing blanks kept."""
        return [_line(chars, styles) for chars, styles in zip(self._chars, self._styles, strict=True)]


def _line(chars: list[str], styles: list[str]) -> Text:
    line, run, style = Text(no_wrap=True, end=""), "", ""
    for char, char_style in zip(chars, styles, strict=True):
        if char_style != style and run:
            line.append(run, style)
            run = ""
        run, style = run + char, char_style
    return line.append(run, style) if run else line
