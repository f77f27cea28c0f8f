"""Stacked areas over time with axes: throughput by result, spend by model.

Heights start at zero and resolve an eighth of a cell; a value above zero is always visible, an unknown one
is a gap. The picture depends on the data, the size and the time zone only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from fedtop.format import count
from fedtop.sanitize import clean
from fedtop.widgets.axes import Scale, draw_value_axis, time_ticks
from fedtop.widgets.canvas import Canvas
from fedtop.widgets.painted import Drawn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fedtop.glyphs import Glyphs

__all__ = ["AreaChart", "AreaData", "AreaLook", "Series", "paint_area"]


_NAME_CELLS = (32, 24, 20, 16, 12, 8)


@dataclass(frozen=True, slots=True)
class Series:
    """One layer of the stack, bottom first. `fill` is 0 for solid, 1 to 3 for textures that need no colour."""

    name: str
    values: tuple[float | None, ...]
    style: str = "$info-fill"
    fill: int = 0


@dataclass(frozen=True, slots=True)
class AreaData:
    """Series of equally long buckets between two instants (epoch milliseconds)."""

    start_ms: int
    end_ms: int
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of one column, in eighths of a cell above the axis."""

    low: int
    high: int
    style: str
    fill: int


@dataclass(frozen=True, slots=True)
class AreaLook:
    """How an area chart is labelled: time zone, values, whole ticks only; `textured` tells series apart
    without colour.
    """

    tz: tzinfo = UTC
    y_format: Callable[[float], str] = count
    whole: bool = True
    textured: bool = False


def paint_area(data: AreaData, width: int, height: int, look: AreaLook, glyphs: Glyphs) -> list[Text]:
    """The chart as `height` lines of `width` cells: legend, plot, axis, times."""
    canvas = Canvas(width, height)
    legend = 1 if len(data.series) > 1 and height >= 6 else 0
    rows = height - legend - 2
    if rows < 1 or width < 12:
        return canvas.lines()
    scale = Scale.over(_peak(data.series, width), rows, look.whole)
    gutter = max(len(look.y_format(value)) for _, value in scale.ticks(rows)) + 2
    plot = max(1, width - gutter)
    draw_value_axis(canvas, scale, look.y_format, gutter, rows, legend, glyphs)
    for x in range(plot):
        parts = _stack(data.series, x, plot, rows * 8, scale.top)
        _draw_column(canvas, gutter + x, legend + rows, rows, parts, glyphs, look.textured)
    _draw_time_axis(canvas, data, gutter, legend + rows, look.tz, glyphs)
    if legend:
        _draw_legend(canvas, data.series, glyphs, look.textured)
    return canvas.lines()


def _value(values: Sequence[float | None], x: int, plot: int) -> float | None:
    """The mean of the buckets under column `x`; a bucket wider than a column is drawn as a step."""
    n = len(values)
    first = x * n // plot
    last = max(first + 1, (x + 1) * n // plot)
    known = [v for v in values[first:last] if v is not None and math.isfinite(v)]
    return sum(known) / len(known) if known else None


def _peak(series: Sequence[Series], plot: int) -> float:
    longest = max((len(s.values) for s in series), default=0)
    columns = max(1, min(plot, longest))
    return max((sum(_value(s.values, x, columns) or 0.0 for s in series) for x in range(columns)), default=0.0)


def _stack(series: Sequence[Series], x: int, plot: int, eighths: int, top: float) -> list[_Part] | None:
    """The parts of one column bottom up; None when nothing at all is known there."""
    values = [_value(s.values, x, plot) for s in series]
    if all(value is None for value in values):
        return None
    parts, total, below = [], 0.0, 0
    for line, value in zip(series, values, strict=True):
        if value is not None and value > 0:
            total += value
            above = min(eighths, max(below + 1, round(total / top * eighths)))
            parts.append(_Part(below, above, line.style, line.fill))
            below = above
    return [p for p in parts if p.high > p.low]


def _draw_column(
    canvas: Canvas, x: int, axis: int, rows: int, parts: list[_Part] | None, glyphs: Glyphs, textured: bool
) -> None:
    if parts is None:
        canvas.put(x, axis - 1, glyphs.trail, "$rule")
        return
    for row in range(rows):
        low = row * 8
        here = [
            _Part(max(p.low, low) - low, min(p.high, low + 8) - low, p.style, p.fill)
            for p in parts
            if p.low < low + 8 and p.high > low
        ]
        if here:
            char, style = _cell(here, glyphs, textured)
            canvas.put(x, axis - 1 - row, char, style)


def _cell(here: list[_Part], glyphs: Glyphs, textured: bool) -> tuple[str, str]:
    """One cell of one column: a full or partial block, or two colours that meet inside it."""
    full = here[-1].high == 8
    main = max(here, key=lambda p: p.high - p.low)
    if full and len(here) == 2 and not textured:
        return glyphs.rows[here[0].high], f"{here[0].style} on {here[1].style}"
    if full or (textured and main.fill and here[-1].high >= 4):
        return glyphs.fills[main.fill % 4 if textured else 0], main.style
    return glyphs.rows[here[-1].high], main.style


def _draw_time_axis(canvas: Canvas, data: AreaData, gutter: int, y: int, tz: tzinfo, glyphs: Glyphs) -> None:
    plot = canvas.width - gutter
    canvas.put(gutter - 1, y, glyphs.origin, "$rule")
    canvas.write(gutter, y, glyphs.h_line * plot, "$rule")
    free = 0
    for tick in time_ticks(data.start_ms, data.end_ms, plot, tz):
        x = gutter + round((tick.at - data.start_ms) / (data.end_ms - data.start_ms) * (plot - 1))
        start = max(gutter - 1, min(x - len(tick.label) // 2, canvas.width - len(tick.label)))
        canvas.put(x, y, glyphs.tick, "$rule")
        if start >= free:
            canvas.write(start, y + 1, tick.label, "$dim")
            free = start + len(tick.label) + 2


def _draw_legend(canvas: Canvas, series: Sequence[Series], glyphs: Glyphs, textured: bool) -> None:
    """Right-aligned; long names are shortened until all fit, then names are left out from the end."""
    entries: list[tuple[Series, str]] = []
    for cells in _NAME_CELLS:
        entries = [(s, clean(s.name, cells, glyphs.ellipsis)) for s in series]
        if _legend_width(entries) <= canvas.width:
            break
    while entries and _legend_width(entries) > canvas.width:
        entries.pop()
    x = canvas.width - _legend_width(entries) + 2
    for line, name in entries:
        canvas.put(x, 0, glyphs.fills[line.fill % 4 if textured else 0], line.style)
        canvas.write(x + 2, 0, name, "$dim")
        x += cell_len(name) + 4


def _legend_width(entries: Sequence[tuple[Series, str]]) -> int:
    return sum(cell_len(name) + 4 for _, name in entries)


class AreaChart(Drawn):
    """`AreaData` on the screen; `set_data` redraws only when the data differ."""

    DEFAULT_CSS = """
    AreaChart {
        height: 1fr;
        min-height: 4;
    }
    """

    def __init__(
        self,
        *,
        tz: tzinfo = UTC,
        y_format: Callable[[float], str] = count,
        whole: bool = True,
        empty: str = "no data in this window",
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.tz, self.y_format, self.whole, self.empty = tz, y_format, whole, empty
        self._data: AreaData | None = None
        self._told = False

    def set_data(self, data: AreaData | None) -> None:
        """Shows other data; None (or no known value at all) shows the empty message."""
        if data != self._data or not self._told:
            self._data, self._told = data, True
            self.refresh()

    def paint(self, width: int, height: int) -> list[Text]:
        """See `paint_area`; blank before anything was read."""
        data = self._data
        if not self._told:
            return []
        if data is None or all(v is None for s in data.series for v in s.values):
            return [Text(clean(f" {self.empty}", width), "$dim")]
        textured = self.glyphs.ascii or self.app.no_color
        look = AreaLook(self.tz, self.y_format, self.whole, textured)
        return paint_area(data, width, height, look, self.glyphs)
