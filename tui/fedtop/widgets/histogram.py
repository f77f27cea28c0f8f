"""How confident a layer was, split by what became of it: right, wrong, not known; with its threshold as a
line.

The bins are equal parts of 0 to 1. Colour and texture both tell the three apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from rich.text import Text

from fedtop.format import count
from fedtop.widgets.axes import draw_value_axis, nice_ticks
from fedtop.widgets.canvas import Canvas
from fedtop.widgets.painted import Painted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedtop.glyphs import Glyphs

__all__ = ["Bin", "Histogram", "Threshold", "paint_histogram"]

_KINDS: Final = (("right", "$ok", 0), ("wrong", "$alert", 2), ("not known", "$dim", 3))


@dataclass(frozen=True, slots=True)
class Bin:
    """Decisions of one confidence bin, by outcome."""

    right: int = 0
    wrong: int = 0
    unknown: int = 0

    def __add__(self, other: Bin) -> Bin:
        return Bin(self.right + other.right, self.wrong + other.wrong, self.unknown + other.unknown)

    @property
    def total(self) -> int:
        """All decisions of the bin."""
        return self.right + self.wrong + self.unknown


@dataclass(frozen=True, slots=True)
class Threshold:
    """A vertical line at `value`: where the threshold is, or where it has been moved to."""

    value: float
    kind: Literal["now", "moved"] = "now"


def paint_histogram(
    bins: Sequence[Bin], thresholds: Sequence[Threshold], width: int, height: int, glyphs: Glyphs
) -> list[Text]:
    """Legend, bars, axis and the labels of axis and lines, as `height` lines of `width` cells."""
    canvas, rows = Canvas(width, height), height - 3
    if rows < 1 or width < 16 or not bins:
        return canvas.lines()
    gutter = len(count(max(1, *(b.total for b in bins)))) + 2
    shown = _merged(bins, width - gutter)
    span = (width - gutter) // len(shown) * len(shown)
    ticks = nice_ticks(max(b.total for b in shown), max(1, min(3, rows // 2)))
    labels = [(tick / ticks[-1], count(tick)) for tick in ticks if tick == int(tick)]
    gutter = max(gutter, max(len(label) for _, label in labels) + 2)
    span = min(span, width - gutter)
    draw_value_axis(canvas, labels, gutter, rows, 1)
    for x in range(span):
        _draw_bar(canvas, gutter + x, rows, shown[x * len(shown) // span], ticks[-1], glyphs)
    _draw_legend(canvas, gutter, glyphs)
    _draw_axis(canvas, gutter, span, rows + 1, glyphs)
    _draw_thresholds(canvas, thresholds, gutter, span, rows, glyphs)
    return canvas.lines()


def _merged(bins: Sequence[Bin], cells: int) -> list[Bin]:
    """Neighbouring bins summed until each has a cell of its own."""
    every = -(-len(bins) // max(1, cells))
    return [sum(bins[i : i + every], Bin()) for i in range(0, len(bins), every)]


def _draw_bar(canvas: Canvas, x: int, rows: int, bin_: Bin, top: float, glyphs: Glyphs) -> None:
    eighths, below = [], 0
    for number in (bin_.right, bin_.wrong, bin_.unknown):
        height = 0 if number == 0 else max(1, round((number / top) * rows * 8))
        eighths.append((below, below := min(rows * 8, below + height)))
    for row in range(-(-below // 8)):
        low = row * 8
        shares = [max(0, min(high, low + 8) - max(start, low)) for start, high in eighths]
        _, style, fill = _KINDS[max(range(3), key=lambda i: shares[i])]
        filled = sum(shares)
        char = glyphs.fills[fill] if filled == 8 or (fill and filled >= 4) else glyphs.rows[filled]
        canvas.put(x, rows - row, char, style)


def _draw_legend(canvas: Canvas, gutter: int, glyphs: Glyphs) -> None:
    x = gutter
    for name, style, fill in _KINDS:
        canvas.write(x, 0, name, "$dim")
        canvas.put(x + len(name) + 1, 0, glyphs.fills[fill], style)
        x += len(name) + 4


def _draw_axis(canvas: Canvas, gutter: int, span: int, y: int, glyphs: Glyphs) -> None:
    canvas.put(gutter - 1, y, "+" if glyphs.ascii else "┼", "$rule")
    canvas.write(gutter, y, glyphs.h_line * span, "$rule")
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = gutter + round(value * (span - 1))
        label = f"{value:.2f}" if value % 0.5 else f"{value:.1f}"
        canvas.put(x, y, glyphs.tick, "$rule")
        canvas.write(min(max(gutter, x - 1), canvas.width - len(label)), y + 1, label, "$faint")


def _draw_thresholds(
    canvas: Canvas, thresholds: Sequence[Threshold], gutter: int, span: int, rows: int, glyphs: Glyphs
) -> None:
    """Lines over the bars; a moved one is drawn last, its label wins where two would meet."""
    y = rows + 2
    for line in sorted(thresholds, key=lambda t: t.kind == "moved"):
        moved = line.kind == "moved"
        x = gutter + round(min(1.0, max(0.0, line.value)) * (span - 1))
        style = "bold $accent" if moved else "$fg"
        for row in range(1, rows + 2):
            canvas.put(x, row, glyphs.v_moved if moved else glyphs.v_now, style)
        label = f"{line.value:.2f}"
        start = min(max(gutter, x - 2), canvas.width - len(label))
        canvas.write(start - 1, y, f" {label} "[: canvas.width - start + 1], style)


class Histogram(Painted):
    """Bins and threshold lines on the screen."""

    DEFAULT_CSS = """
    Histogram {
        height: 1fr;
        min-height: 5;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._bins: tuple[Bin, ...] = ()
        self._thresholds: tuple[Threshold, ...] = ()

    def set_data(self, bins: Sequence[Bin], thresholds: Sequence[Threshold] = ()) -> None:
        """Shows other bins and lines; redraws only when they differ."""
        if (tuple(bins), tuple(thresholds)) != (self._bins, self._thresholds):
            self._bins, self._thresholds = tuple(bins), tuple(thresholds)
            self.refresh()

    def paint(self, width: int, height: int) -> list[Text]:
        """See `paint_histogram`."""
        if not any(b.total for b in self._bins):
            return [Text("no attempts in this window"[:width], "$dim")]
        return paint_histogram(self._bins, self._thresholds, width, height, self.glyphs)
