"""Where the ticks of a chart go: round values from zero, and round local times.

Pure arithmetic. Value ticks are round and fall on the edges of rows; time ticks fall on whole minutes,
hours and days of the time zone given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from fedstore import DAY_MS, HOUR_MS, MINUTE_MS
from fedtop.format import day, hour_minute

if TYPE_CHECKING:
    from collections.abc import Callable

    from fedtop.glyphs import Glyphs
    from fedtop.widgets.canvas import Canvas

__all__ = ["Scale", "Tick", "draw_value_axis", "time_ticks"]

_MOST_TICKS: Final = 7
_STEPS: Final = (
    *(MINUTE_MS * m for m in (1, 2, 5, 10, 15, 30)),
    *(HOUR_MS * h for h in (1, 2, 3, 4, 6, 12)),
    *(DAY_MS * d for d in (1, 2, 5, 7, 10, 14, 30, 60, 90, 180, 365)),
)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark at `at` (epoch milliseconds) and what it is called."""

    at: int
    label: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A value axis from zero: `top` at the upper edge, a tick every `every` rows, `step` apart."""

    top: float
    step: float
    every: int

    @classmethod
    def over(cls, peak: float, rows: int, whole: bool = True) -> Scale:
        """The tightest scale for `peak` whose ticks are round values and fall exactly on the edges of rows.

        With `whole` the step is a whole number: half a task is no tick.
        """
        peak = peak if math.isfinite(peak) and peak > 1e-300 else 1.0
        closest = max(2, -(-rows // _MOST_TICKS))
        spacings = [k for k in range(closest, closest + 3) if k <= rows] or [max(1, rows)]
        found = [(_round_step(peak * k / rows, whole), k) for k in spacings]
        step, every = min(found, key=lambda f: (f[0] / f[1], f[1]))
        return cls(step * rows / every, step, every)

    def ticks(self, rows: int) -> list[tuple[int, float]]:
        """Pairs of (rows above the axis, value), from 0 up."""
        return [(i * self.every, i * self.step) for i in range(rows // self.every + 1)]


def _round_step(least: float, whole: bool) -> float:
    """The smallest round number at or above `least`: 1, 2, 2.5, 3, 4, 5, 6 or 8 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    if whole and power < 1:
        return 1.0
    factors = (1, 2, 2.5, 3, 4, 5, 6, 8, 10) if not whole or power > 1 else (1, 2, 3, 4, 5, 6, 8, 10)
    return next(m * power for m in factors if m * power >= least * (1 - 1e-9))


def time_ticks(start_ms: int, end_ms: int, width: int, tz: tzinfo) -> list[Tick]:
    """Round local times within the range, at least nine cells apart on an axis of `width` cells."""
    span = end_ms - start_ms
    if span <= 0 or width <= 0:
        return []
    most = max(1, width // 9)
    step = next((s for s in _STEPS if span / s <= most), _STEPS[-1] * math.ceil(span / _STEPS[-1] / most))
    ticks: list[Tick] = []
    at = _first(start_ms, step, tz)
    while at <= end_ms and len(ticks) <= most + 1:
        if at >= start_ms:
            ticks.append(Tick(at, day(at, tz) if step >= DAY_MS else hour_minute(at, tz)))
        at = _next(at, step, tz)
    return ticks


def _first(start_ms: int, step: int, tz: tzinfo) -> int:
    """The local midnight before the start, walked forward to the first tick at or after it."""
    local = datetime.fromtimestamp(start_ms / 1_000, tz)
    midnight = int(local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1_000)
    return midnight + max(0, (start_ms - midnight) // step) * step if step < DAY_MS else midnight


def _next(at: int, step: int, tz: tzinfo) -> int:
    if step < DAY_MS:
        return at + step
    later = datetime.fromtimestamp(at / 1_000, tz).replace(tzinfo=None) + timedelta(milliseconds=step)
    return int(later.replace(tzinfo=tz).timestamp() * 1_000)


def draw_value_axis(
    canvas: Canvas,
    scale: Scale,
    label: Callable[[float], str],
    gutter: int,
    rows: int,
    top: int,
    glyphs: Glyphs,
) -> None:
    """Labels right-aligned in the gutter: a tick's row is the one whose upper edge has its value."""
    for above, value in scale.ticks(rows):
        y, text = top + rows - above, label(value)[: max(0, gutter - 2)]
        canvas.write(gutter - 2 - len(text), y, text, "$dim")
        if above:
            canvas.put(gutter - 1, y, glyphs.edge, "$rule")
