"""A part of a panel: a title on a thin rule, and below it whatever it is about. `z` gives it the whole screen.

The title of the part that has the keyboard is marked, by a glyph and by colour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text
from textual.containers import Vertical

from fedtop.sanitize import clean
from fedtop.widgets.painted import Painted

if TYPE_CHECKING:
    from textual.widget import Widget

__all__ = ["Section", "SectionTitle", "paint_title"]


def paint_title(title: str, note: str, width: int, line: str, *, active: bool = False) -> Text:
    """`title ─────── note`, exactly `width` cells; the note goes first when there is no room."""
    title, note = clean(title, width), clean(note, width)
    if cell_len(title) + cell_len(note) + 6 > width:
        note = ""
    rule = width - cell_len(title) - 1 - (cell_len(note) + 1 if note else 0)
    style = "bold $accent" if active else "bold $dim"
    found = Text.assemble((title, style), (f" {line * max(0, rule)}", "$rule"), (f" {note}" if note else "", "$dim"))
    found.truncate(width)
    return found


class SectionTitle(Painted):
    """The line of a section."""

    DEFAULT_CSS = """
    SectionTitle { height: 1; padding: 0 1 0 0; }
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title, self._note, self._active = title, "", False

    def set_text(self, title: str, note: str) -> None:
        """Shows another title and note."""
        if (title, note) != (self._title, self._note):
            self._title, self._note = title, note
            self.refresh()

    def set_active(self, active: bool) -> None:
        """Marks it, or takes the mark away."""
        if active is not self._active:
            self._active = active
            self.refresh()

    def paint(self, width: int, height: int) -> list[Text]:  # noqa: ARG002 - one line whatever the height
        """The mark in the cell before the title; see `paint_title`."""
        glyphs = self.glyphs
        title = paint_title(self._title, self._note, width - 1, glyphs.h_line, active=self._active)
        return [Text.assemble((glyphs.cursor if self._active else " ", "$accent"), title)]


class Section(Vertical):
    """See the module. The id names the section in the stylesheet of its panel."""

    ALLOW_MAXIMIZE = True

    def __init__(self, title: str, *content: Widget, id: str | None = None, classes: str = "") -> None:  # noqa: A002
        self._line = SectionTitle(title)
        self._title = title
        super().__init__(self._line, *content, id=id, classes=f"section {classes}".strip())

    @property
    def title(self) -> str:
        """What stands at the left end of the rule."""
        return self._title

    def on_descendant_focus(self) -> None:
        """What it holds has the keyboard."""
        self._line.set_active(True)

    def on_descendant_blur(self) -> None:
        """The keyboard went elsewhere, maybe to another widget of its own."""
        self._line.set_active(self.has_focus_within)

    def set_note(self, note: str, title: str | None = None) -> None:
        """What stands at the right end of the rule; with `title` another title."""
        self._title = self._title if title is None else title
        self._line.set_text(self._title, note)
