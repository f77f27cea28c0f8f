"""Does a layer know what it knows? Mean confidence against accuracy per bin, with intervals, beside the diagonal.

A point whose interval holds the diagonal is calibrated (`●`); one below it is overconfident (`▼`), above it
too modest (`▲`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from fedtop.widgets.canvas import Canvas
from fedtop.widgets.painted import Drawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedtop.glyphs import Glyphs

__all__ = ["Reliability", "ReliabilityBin", "paint_reliability"]


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """One bin: mean confidence, and the accuracy of its graded decisions with its interval (all 0 to 1)."""

    confidence: float
    accuracy: float | None
    low: float
    high: float
    n: int


def paint_reliability(
    bins: Sequence[ReliabilityBin], ece: float | None, width: int, height: int, glyphs: Glyphs
) -> list[Text]:
    """The diagram as `height` lines of `width` cells; `ece` is the expected calibration error (0 to 1)."""
    canvas, rows, gutter = Canvas(width, height), height - 3, 7
    plot = width - gutter
    if rows < 2 or plot < 10:
        return canvas.lines()
    error = glyphs.none if ece is None else f"{ece:.3f}"
    canvas.write(gutter, 0, f"ECE {error}  accuracy by confidence"[:plot], "$dim")
    for share, label in ((0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")):
        canvas.write(gutter - 2 - len(label), _y(share, rows), label, "$dim")
        canvas.put(gutter - 1, _y(share, rows), glyphs.edge, "$rule")
    _draw_frame(canvas, gutter, plot, rows, glyphs)
    for point in bins:
        _draw_point(canvas, point, gutter, plot, rows, glyphs)
    return canvas.lines()


def _y(share: float, rows: int) -> int:
    return 1 + round((1 - min(1.0, max(0.0, share))) * (rows - 1))


def _draw_frame(canvas: Canvas, gutter: int, plot: int, rows: int, glyphs: Glyphs) -> None:
    for x in range(plot):
        canvas.put(gutter + x, _y(x / max(1, plot - 1), rows), glyphs.dot, "$faint")
    canvas.put(gutter - 1, rows + 1, glyphs.origin, "$rule")
    canvas.write(gutter, rows + 1, glyphs.h_line * plot, "$rule")
    for value, label in ((0.0, "0.0"), (0.5, "0.5"), (1.0, "1.0")):
        x = gutter + round(value * (plot - 1))
        canvas.put(x, rows + 1, glyphs.tick, "$rule")
        canvas.write(min(max(gutter, x - 1), canvas.width - 3), rows + 2, label, "$dim")


def _draw_point(canvas: Canvas, point: ReliabilityBin, gutter: int, plot: int, rows: int, glyphs: Glyphs) -> None:
    if point.accuracy is None:
        return
    x = gutter + round(min(1.0, max(0.0, point.confidence)) * (plot - 1))
    for y in range(_y(point.high, rows), _y(point.low, rows) + 1):
        canvas.put(x, y, glyphs.v_line, "$dim")
    if point.low <= point.confidence <= point.high:
        glyph, style = glyphs.ok, "$ok"
    elif point.accuracy < point.confidence:
        glyph, style = glyphs.down, "$warn"
    else:
        glyph, style = glyphs.up, "$info"
    canvas.put(x, _y(point.accuracy, rows), glyph, style)


class Reliability(Drawn):
    """The reliability diagram on the screen."""

    DEFAULT_CSS = """
    Reliability {
        height: 1fr;
        min-height: 5;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._bins: tuple[ReliabilityBin, ...] | None = None
        self._ece: float | None = None

    def set_data(self, bins: Sequence[ReliabilityBin] | None, ece: float | None) -> None:
        """Shows other bins, None while they are read; redraws only when they differ."""
        found = None if bins is None else tuple(bins)
        if (found, ece) != (self._bins, self._ece):
            self._bins, self._ece = found, ece
            self.refresh()

    def paint(self, width: int, height: int) -> list[Text]:
        """See `paint_reliability`; before anything was read there is nothing to say of it."""
        if self._bins is None:
            return [Text("reading…"[:width], "$dim")]
        if not any(b.accuracy is not None for b in self._bins):
            return [Text("no graded decisions in this window"[:width], "$dim")]
        return paint_reliability(self._bins, self._ece, width, height, self.glyphs)
