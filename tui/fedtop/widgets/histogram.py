"""How confident a layer was, split by what became of it: right, wrong, not known; with its threshold as a line.

The bins are equal parts of 0 to 1. Colour and texture both tell the three apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from rich.text import Text

from fedtop.format import count
from fedtop.widgets.axes import Scale, draw_value_axis
from fedtop.widgets.canvas import Canvas
from fedtop.widgets.painted import Drawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedtop.glyphs import Glyphs

__all__ = ["Bin", "Histogram", "Threshold", "paint_histogram"]

_KINDS: Final = (("right", "$ok-fill", 0), ("wrong", "$alert", 2), ("not known", "$dim", 3))


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
    gutter = len(count(sum(b.total for b in bins))) + 2
    shown = _merged(bins, width - gutter)
    span = (width - gutter) // len(shown) * len(shown)
    scale = Scale.over(max(b.total for b in shown), rows)
    draw_value_axis(canvas, scale, count, gutter, rows, 1, glyphs)
    for x in range(span):
        _draw_bar(canvas, gutter + x, rows, shown[x * len(shown) // span], scale.top, glyphs)
    _draw_legend(canvas, gutter, glyphs)
    _draw_lines(canvas, thresholds, gutter, span, rows, glyphs)
    _draw_axis(canvas, gutter, span, rows + 1, glyphs)
    return canvas.lines()


def _merged(bins: Sequence[Bin], cells: int) -> list[Bin]:
    """Neighbouring bins summed: the finest division that fits, or a coarser one if it fills the width much better."""
    best, filled = len(bins), 0
    for every in (m for m in range(1, len(bins) + 1) if len(bins) % m == 0):
        parts = len(bins) // every
        used = cells // parts * parts
        if used > filled * 1.15 and (parts >= 10 or not filled):
            best, filled = every, used
    return [sum(bins[i : i + best], Bin()) for i in range(0, len(bins), best)]


def _draw_bar(canvas: Canvas, x: int, rows: int, bin_: Bin, top: float, glyphs: Glyphs) -> None:
    eighths, below = [], 0
    for number in (bin_.right, bin_.wrong, bin_.unknown):
        height = 0 if number == 0 else max(1, round((number / top) * rows * 8))
        eighths.append((below, below := min(rows * 8, below + height)))
    for row in range(-(-below // 8)):
        low = row * 8
        shares = [max(0, min(high, low + 8) - max(start, low)) for start, high in eighths]
        canvas.put(x, rows - row, *_cell(shares, glyphs))


def _cell(shares: Sequence[int], glyphs: Glyphs) -> tuple[str, str]:
    """One cell that holds so many eighths of each kind: where right ends inside it, it ends at that height."""
    filled = sum(shares)
    if filled == 8 and 0 < shares[0] < 8:
        return glyphs.rows[shares[0]], f"{_KINDS[0][1]} on {'$alert' if shares[1] >= shares[2] else '$rule'}"
    _, style, fill = _KINDS[max(range(3), key=lambda i: shares[i])]
    return glyphs.fills[fill] if filled == 8 or (fill and filled >= 4) else glyphs.rows[filled], style


def _draw_legend(canvas: Canvas, gutter: int, glyphs: Glyphs) -> None:
    x = gutter
    for name, style, fill in _KINDS:
        canvas.write(x, 0, name, "$dim")
        canvas.put(x + len(name) + 1, 0, glyphs.fills[fill], style)
        x += len(name) + 4


def _draw_axis(canvas: Canvas, gutter: int, span: int, y: int, glyphs: Glyphs) -> None:
    canvas.put(gutter - 1, y, glyphs.origin, "$rule")
    for x in range(gutter, gutter + span):
        if canvas.at(x, y) == " ":
            canvas.put(x, y, glyphs.h_line, "$rule")
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = gutter + _x(value, span)
        label = f"{value:.2f}" if value % 0.5 else f"{value:.1f}"
        if canvas.at(x, y) == glyphs.h_line:
            canvas.put(x, y, glyphs.tick, "$rule")
        start = min(max(gutter, x - 1), canvas.width - len(label))
        if all(canvas.at(i, y + 1) == " " for i in range(start - 1, start + len(label) + 1)):
            canvas.write(start, y + 1, label, "$dim")


def _draw_lines(
    canvas: Canvas, thresholds: Sequence[Threshold], gutter: int, span: int, rows: int, glyphs: Glyphs
) -> None:
    """Lines over the bars; a moved one is drawn over one that stands, and its label has the first choice."""
    for line in sorted(thresholds, key=lambda t: t.kind == "moved"):
        char, style = (glyphs.v_moved, "bold $accent") if line.kind == "moved" else (glyphs.v_now, "$fg")
        for row in range(1, rows + 2):
            canvas.put(gutter + _x(line.value, span), row, char, style)
    taken: tuple[int, float] | None = None
    for line in sorted(thresholds, key=lambda t: (t.kind != "moved", t.value)):
        label, x = f"{line.value:.2f}", gutter + _x(line.value, span)
        wanted = x - 1 if taken is None else _beside(x, taken[0], line.value >= taken[1])
        start = min(max(gutter, wanted), canvas.width - 4)
        if taken is not None and abs(start - taken[0]) < 5:
            continue  # no room on its side of the first label
        canvas.write(start, rows + 2, label, "bold $accent" if line.kind == "moved" else "$fg")
        taken = (start, line.value)


def _x(value: float, span: int) -> int:
    return round(min(1.0, max(0.0, value)) * (span - 1))


def _beside(x: int, taken: int, above: bool) -> int:
    """Where a four-cell label near `x` goes when cells `taken` to `taken + 3` are in use: on the side that
    its value is on.
    """
    if taken - 5 < x - 1 < taken + 5:
        return taken + 5 if above else taken - 5
    return x - 1


class Histogram(Drawn):
    """Bins and threshold lines on the screen."""

    DEFAULT_CSS = """
    Histogram {
        height: 1fr;
        min-height: 5;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._bins: tuple[Bin, ...] | None = None
        self._thresholds: tuple[Threshold, ...] = ()

    def set_data(self, bins: Sequence[Bin], thresholds: Sequence[Threshold] = ()) -> None:
        """Shows other bins and lines; redraws only when they differ."""
        if (tuple(bins), tuple(thresholds)) != (self._bins, self._thresholds):
            self._bins, self._thresholds = tuple(bins), tuple(thresholds)
            self.refresh()

    def paint(self, width: int, height: int) -> list[Text]:
        """See `paint_histogram`; before anything was read there is nothing to say of it."""
        if self._bins is None:
            return [Text("reading…"[:width], "$dim")]
        if not any(b.total for b in self._bins):
            return [Text("no attempts in this window"[:width], "$dim")]
        return paint_histogram(self._bins, self._thresholds, width, height, self.glyphs)
