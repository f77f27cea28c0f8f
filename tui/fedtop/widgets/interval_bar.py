"""Cells that are drawn to the width of their column: a bar, a sparkline, an interval on a common axis.

All are values: equal ones look the same, which is how a live table knows that nothing changed.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from fedtop.format import bar, interval, rate, sparkline
from fedtop.glyphs import UNICODE, Glyphs
from fedtop.widgets.canvas import Canvas

__all__ = ["Bar", "IntervalBar", "Spark"]


@dataclass(frozen=True, slots=True)
class Bar:
    """A share of 0 to 1 as a bar; None draws nothing. `mark` is a position (0 to 1) to compare it with."""

    fraction: float | None
    style: str = "$info"
    mark: float | None = None

    @property
    def plain(self) -> str:
        """The share in per cent."""
        return rate(self.fraction)

    def draw(self, width: int, glyphs: Glyphs = UNICODE) -> Text:
        """The bar over `width` cells."""
        canvas = Canvas(width, 1)
        canvas.write(0, 0, bar(self.fraction, width, glyphs), self.style)
        if self.mark is not None:
            x = round(min(1.0, max(0.0, self.mark)) * (width - 1))
            filled = canvas.at(x, 0) == glyphs.columns[8]
            canvas.put(x, 0, glyphs.v_line, f"bold $bg on {self.style}" if filled else "bold $fg")
        return canvas.lines()[0] if width > 0 else Text()


_WIDEST_VALUE = 4


@dataclass(frozen=True, slots=True)
class Spark:
    """A sparkline from zero: as many of the latest values as fit, or each of them several cells wide."""

    values: tuple[float | None, ...]
    style: str = "$dim"
    top: float | None = None

    @property
    def plain(self) -> str:
        """The line at its full length."""
        return sparkline(self.values, top=self.top)

    def draw(self, width: int, glyphs: Glyphs = UNICODE) -> Text:
        """At most `width` cells, the latest value last."""
        each = max(1, min(_WIDEST_VALUE, width // len(self.values))) if self.values else 1
        shown = [value for value in self.values for _ in range(each)]
        return Text(sparkline(shown, width, self.top, glyphs), self.style)


@dataclass(frozen=True, slots=True)
class IntervalBar:
    """An interval and its estimate on an axis from `axis_low` to `axis_high`, with lines to compare it with.

    All numbers are fractions. `style` is the colour of the verdict; an unknown interval leaves the bare axis.
    """

    low: float | None
    high: float | None
    value: float | None = None
    style: str = "$info"
    references: tuple[float, ...] = (0.80, 0.95)
    axis_low: float = 0.0
    axis_high: float = 1.0

    @property
    def plain(self) -> str:
        """Estimate and interval in per cent."""
        return f"{rate(self.value)} {interval(self.low, self.high)}"

    def _x(self, value: float, width: int) -> int:
        share = (value - self.axis_low) / (self.axis_high - self.axis_low)
        return round(min(1.0, max(0.0, share)) * (width - 1))

    def draw(self, width: int, glyphs: Glyphs = UNICODE) -> Text:
        """The axis over `width` cells."""
        canvas = Canvas(width, 1)
        canvas.write(0, 0, glyphs.dot * width, "$rule")
        for reference in self.references:
            canvas.put(self._x(reference, width), 0, glyphs.v_now, "$dim")
        if self.low is not None and self.high is not None:
            for x in range(self._x(self.low, width), self._x(self.high, width) + 1):
                on_reference = canvas.at(x, 0) == glyphs.v_now
                canvas.put(x, 0, _stroke(glyphs, on_reference), self.style)
        if self.value is not None:
            canvas.put(self._x(self.value, width), 0, glyphs.ok, f"bold {self.style}")
        return canvas.lines()[0] if width > 0 else Text()


def _stroke(glyphs: Glyphs, crossing: bool) -> str:
    if glyphs.ascii:
        return "+" if crossing else "="
    return "┿" if crossing else "━"
