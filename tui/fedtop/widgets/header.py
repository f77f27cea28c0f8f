"""The one line at the top: name, tabs, window, state of the data, their age, the store.

What does not fit goes by importance: the store's name first, then the labels of the tabs that are not
active, then the age. Tabs answer to the mouse.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from rich.cells import cell_len
from rich.text import Text
from textual.message import Message

from fedtop.sanitize import clean
from fedtop.widgets.painted import Drawn

if TYPE_CHECKING:
    from textual import events

    from fedtop.glyphs import Glyphs

__all__ = ["HeaderData", "HeaderLine", "Placement", "paint_header"]

Feed = Literal["live", "paused", "stale", "as_of"]


@dataclass(frozen=True, slots=True)
class HeaderData:
    """What the header says; texts are formatted, e.g. `detail` `2s`, `14:31`, `40 s` or `27 Nov 02:32`."""

    tabs: tuple[tuple[str, str], ...]
    active: str
    window: str = ""
    feed: Feed = "live"
    detail: str = ""
    age: str = ""
    store: str = ""
    name: str = "fedtop"


@dataclass(frozen=True, slots=True)
class Placement:
    """Cells `start` to `end` (exclusive) belong to tab `key`."""

    key: str
    start: int
    end: int


_FEEDS: Final = {
    "live": ("live", "$ok"),
    "paused": ("paused", "$warn"),
    "stale": ("stale", "$warn"),
    "as_of": ("as of", "$info"),
}


def paint_header(data: HeaderData, width: int, glyphs: Glyphs) -> tuple[Text, list[Placement]]:
    """The line, exactly `width` cells, and where the tabs are on it."""
    for labels, age, store in (
        (2, True, True),
        (2, True, False),
        (1, True, False),
        (1, False, False),
        (0, False, False),
    ):
        left, places = _tabs(data.name, data.tabs, data.active, labels)
        right = _status(data, glyphs, age, store)
        spare = width - cell_len(left.plain) - cell_len(right.plain)
        if spare >= 1:
            return Text.assemble(left, " " * spare, right), [*places]
    line = Text.assemble(left, " ", right)
    line.truncate(width, pad=True)
    return line, [p for p in places if p.end <= width]


@lru_cache(maxsize=8)
def _tabs(name: str, tabs: tuple[tuple[str, str], ...], active: str, labels: int) -> tuple[Text, tuple[Placement, ...]]:
    """`labels` 2: all tabs with their names; 1: the active one; 0: numbers only."""
    line, places = Text.assemble((f" {clean(name, 20)} ", "bold $accent"), " "), []
    for number, (key, label) in enumerate(tabs, 1):
        named = labels == 2 or (labels == 1 and key == active)
        text = f" {number} {clean(label, 20)} " if named else f" {number} "
        start = cell_len(line.plain)
        line.append(text, "bold $accent on $cursor" if key == active else "$dim")
        places.append(Placement(key, start, start + cell_len(text)))
    return line, tuple(places)


def _status(data: HeaderData, glyphs: Glyphs, age: bool, store: bool) -> Text:
    word, style = _FEEDS[data.feed]
    glyph = {"live": glyphs.ok, "paused": glyphs.pause, "stale": glyphs.unknown, "as_of": glyphs.clock}[data.feed]
    parts = [
        Text(clean(data.window, 24), "$fg"),
        Text(f"{glyph} {word} {clean(data.detail, 24)}".rstrip(), style),
    ]
    if age and data.age:
        parts.append(Text(f"data {clean(data.age, 16)} old", "$dim"))
    if store and data.store:
        parts.append(Text(clean(data.store, 32), "$dim"))
    return Text.assemble(Text("  ").join(p for p in parts if p.plain), " ")


class HeaderLine(Drawn):
    """`HeaderData` on one line; a click on a tab posts `HeaderLine.TabClicked`."""

    DEFAULT_CSS = """
    HeaderLine {
        dock: top;
        height: 1;
        width: 100%;
        background: $surface;
    }
    """

    class TabClicked(Message):
        """The tab with this key was clicked."""

        def __init__(self, header: HeaderLine, key: str) -> None:
            super().__init__()
            self.header, self.key = header, key

        @property
        def control(self) -> HeaderLine:
            """The header that sent it."""
            return self.header

    def __init__(self, data: HeaderData, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._data = data

    def set_data(self, data: HeaderData) -> None:
        """Shows another state; redraws only when it differs."""
        if data != self._data:
            self._data = data
            self.refresh()

    def paint(self, width: int, height: int) -> list[Text]:
        """See `paint_header`."""
        return [paint_header(self._data, width, self.glyphs)[0]] * min(1, height)

    def on_click(self, event: events.Click) -> None:
        """Tells which tab was hit."""
        _, places = paint_header(self._data, self.content_size.width, self.glyphs)
        hit = next((p.key for p in places if p.start <= event.x < p.end), None)
        if hit is not None:
            self.post_message(self.TabClicked(self, hit))
