"""A key figure: a title in a rounded frame, the value big, beside it a note, below it a sparkline and a second note.

The state is in the title's glyph and in the colour of frame and value (class `-warn`, `-alert`, …).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.text import Text

from fedtop.format import sparkline
from fedtop.widgets.painted import Painted
from fedtop.widgets.table_layout import fit, to_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedtop.glyphs import Glyphs, State

__all__ = ["Tile", "TileData", "paint_tile"]


@dataclass(frozen=True, slots=True)
class TileData:
    """What a tile says. `side` stands right of the value, `sub` right of the sparkline; both may be dropped.

    `title` replaces that of the tile.
    """

    value: str | Text | None
    side: str | Text = ""
    sub: str | Text = ""
    spark: tuple[float | None, ...] = ()
    state: State = "ok"
    title: str = ""


_LOUD: Final = frozenset({"warn", "alert"})


def paint_tile(data: TileData, width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """The inside of a tile, `height` lines of `width` cells."""
    value = to_text(data.value, width, glyphs)
    value.stylize(f"bold ${data.state}" if data.state in _LOUD else "dim" if data.state == "unknown" else "bold")
    lines = [_pair(value, to_text(data.side, width, glyphs), width, glyphs)]
    if height > 1:
        sub = to_text(data.sub, width, glyphs)
        room = width - (cell_len(sub.plain) + 1 if sub.plain else 0)
        spark = Text(sparkline(data.spark, max(0, room), glyphs=glyphs), "$info")
        lines.append(_pair(spark, sub, width, glyphs) if data.spark else fit(_dim(sub), width, "left"))
    return lines


def _dim(text: Text) -> Text:
    text.stylize_before("$dim")
    return text


def _pair(left: Text, right: Text, width: int, glyphs: Glyphs) -> Text:
    """Left and right on one line; the right one goes when there is no room for both."""
    room = width - cell_len(left.plain)
    if not right.plain or room < cell_len(right.plain) + 1:
        return fit(left, width, "left", glyphs.ellipsis)
    return Text.assemble(left, fit(_dim(right), room, "right"))


class Tile(Painted):
    """A `TileData` in a frame; `set_data` redraws only when it differs."""

    DEFAULT_CSS = """
    Tile {
        height: 4;
        width: 1fr;
        padding: 0 1;
        border: round $foreground 25%;
        border-title-color: $foreground 65%;
    }
    Tile.-ascii {
        border: ascii $foreground 25%;
    }
    Tile.-warn {
        border: round $warning 70%;
        border-title-color: $warning;
    }
    Tile.-alert {
        border: round $error 80%;
        border-title-color: $error;
    }
    Tile.-ascii.-warn {
        border: ascii $warning;
    }
    Tile.-ascii.-alert {
        border: ascii $error;
    }
    """

    def __init__(
        self,
        title: str,
        data: TileData | None = None,
        *,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.title = title
        self._data = data or TileData(None, state="unknown")

    def on_mount(self) -> None:
        """The frame shows the first state."""
        self._dress()

    def set_data(self, data: TileData) -> None:
        """Shows another figure."""
        if not _same_tile(data, self._data):
            self._data = data
            self._dress()
            self.refresh()

    def _dress(self) -> None:
        for state in ("warn", "alert", "unknown"):
            self.set_class(self._data.state == state, f"-{state}")
        self.set_class(self.glyphs.ascii, "-ascii")
        loud = f"{self.glyphs.state(self._data.state)} " if self._data.state in _LOUD else ""
        self.border_title = Text(f"{loud}{self._data.title or self.title}")

    def paint(self, width: int, height: int) -> list[Text]:
        """See `paint_tile`."""
        return paint_tile(self._data, width, height, self.glyphs)


def _same_tile(a: TileData, b: TileData) -> bool:
    return a == b and _styles((a.value, a.side, a.sub)) == _styles((b.value, b.side, b.sub))


def _styles(parts: Sequence[str | Text | None]) -> list[str]:
    return [str(part.style) if isinstance(part, Text) else "" for part in parts]
