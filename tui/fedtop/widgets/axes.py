"""Where the ticks of a chart go: round values from zero, and round local times.

Pure arithmetic. Value ticks are 1, 2 or 5 times a power of ten; time ticks fall on whole minutes, hours and
days of the time zone given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from fedtop.format import day, hour_minute

if TYPE_CHECKING:
    from fedtop.widgets.canvas import Canvas

__all__ = ["Tick", "draw_value_axis", "nice_ticks", "time_ticks"]

_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_STEPS: Final = (
    *(_MINUTE * m for m in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * h for h in (1, 2, 3, 4, 6, 12)),
    *(_DAY * d for d in (1, 2, 5, 7, 10, 14, 30, 60, 90, 180, 365)),
)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark at `at` (epoch milliseconds) and what it is called."""

    at: int
    label: str


def nice_ticks(top: float, count: int = 4) -> list[float]:
    """Round values from 0 to the first at or above `top`, about `count` steps; at least two of them."""
    if not math.isfinite(top) or top <= 0:
        return [0.0, 1.0]
    raw = top / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9))
    return [i * step for i in range(math.ceil(top / step - 1e-9) + 1)]


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
            ticks.append(Tick(at, day(at, tz) if step >= _DAY else hour_minute(at, tz)))
        at = _next(at, step, tz)
    return ticks


def _first(start_ms: int, step: int, tz: tzinfo) -> int:
    """The local midnight before the start, walked forward to the first tick at or after it."""
    local = datetime.fromtimestamp(start_ms / 1_000, tz)
    midnight = int(local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1_000)
    return midnight + max(0, (start_ms - midnight) // step) * step if step < _DAY else midnight


def _next(at: int, step: int, tz: tzinfo) -> int:
    if step < _DAY:
        return at + step
    later = datetime.fromtimestamp(at / 1_000, tz).replace(tzinfo=None) + timedelta(milliseconds=step)
    return int(later.replace(tzinfo=tz).timestamp() * 1_000)


def draw_value_axis(
    canvas: Canvas, labels: list[tuple[float, str]], gutter: int, rows: int, top: int = 0, tick: str = "┤"
) -> None:
    """Writes labels right-aligned in the gutter; each pair is a share of the height (0 to 1) and its text."""
    used: set[int] = set()
    for share, label in reversed(labels):
        y = top + rows - max(1, round(share * rows)) if share > 0 else top + rows
        if y not in used and (y + 1 not in used or share == 0):
            used.add(y)
            canvas.write(max(0, gutter - 2 - len(label)), y, label[: max(0, gutter - 2)], "$dim")
            if share > 0:
                canvas.put(gutter - 1, y, tick, "$rule")
