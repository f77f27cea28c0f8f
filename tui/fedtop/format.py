"""How the pane and the commands write values: money, tokens, durations, rates, intervals, ages and times.

Pure functions of their arguments; numbers in, `str` or `rich.text.Text` out. None is always the dash (or
`?` where a basis says that the value is hidden), never 0. Texts carry style names such as `$dim` that
`themes.Palette` resolves.
"""

from __future__ import annotations

import math
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedstore import DAY_MS
from fedstore.learning.percent import counted
from fedtop.glyphs import ASCII, UNICODE, Basis, Glyphs, State
from fedtop.sanitize import clean, csv_cell, truncate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore import Window
    from fedstore.learning.stratified import WeightedRate

__all__ = [
    "ASCII",
    "MONTHS",
    "UNICODE",
    "Basis",
    "Glyphs",
    "State",
    "age",
    "bar",
    "boost",
    "clean",
    "clock",
    "count",
    "counted",
    "csv_cell",
    "date_time",
    "day",
    "delta",
    "delta_points",
    "duration_ms",
    "duration_us",
    "hour_minute",
    "interval",
    "moment",
    "money",
    "money_text",
    "n_of",
    "rate",
    "rate_text",
    "sparkline",
    "state_text",
    "tokens",
    "truncate",
    "ungraded_layers",
    "within_a_day",
]

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NANO: Final = 1_000_000_000


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _signless(value: float, digits: int) -> str:
    return f"{abs(value):,.{digits}f}"


def money(nano_usd: int | None, *, basis: Basis | None = None, whole: bool = False, glyphs: Glyphs = UNICODE) -> str:
    """Integer nano-USD as dollars: `$4.10`, `$0.0042`, `<$0.0001`, `$1,234`; with `basis` its mark: `$4.10 ~`.

    `whole` drops the cents (budgets). An unknown amount with a basis is `?`: it exists but cannot be told.
    """
    if nano_usd is None:
        return glyphs.none if basis is None else "?"
    sign = glyphs.minus if nano_usd < 0 else ""
    text = sign + _dollars(abs(nano_usd), whole)
    return text if basis is None else f"{text} {glyphs.basis(basis)}"


def _dollars(nano: int, whole: bool) -> str:
    if whole or nano >= 10_000 * _NANO:
        return f"${_rounded(nano, _NANO):,}"
    if 0 < nano < 100_000:
        return "<$0.0001"
    if 0 < nano < _NANO // 100:
        return f"$0.{_rounded(nano, 100_000):04d}"
    cents = _rounded(nano, _NANO // 100)
    return f"${cents // 100:,}.{cents % 100:02d}"


def _rounded(value: int, unit: int) -> int:
    """Integer division, half up: exact for any size, as sums of money must be."""
    return (value + unit // 2) // unit


def money_text(nano_usd: int | None, basis: Basis, *, whole: bool = False, glyphs: Glyphs = UNICODE) -> Text:
    """`money` with the provenance mark dimmed, in a column of its own; `–` for what rests on nothing."""
    shown = "?" if nano_usd is None and basis != "none" else money(nano_usd, whole=whole, glyphs=glyphs)
    mark = " " if nano_usd is None else glyphs.basis(basis)
    return Text.assemble(shown, (f" {mark}", "$dim"))


def count(value: float | None, glyphs: Glyphs = UNICODE) -> str:
    """A whole number with thousands separators: `1,284`."""
    if value is None or not math.isfinite(value):
        return glyphs.none
    return (glyphs.minus if value < 0 else "") + f"{abs(round(value)):,}"


def tokens(value: float | None, glyphs: Glyphs = UNICODE) -> str:
    """Three significant digits with a unit: `512`, `12.3 k`, `1.28 M`, `3.40 G`."""
    if value is None or not math.isfinite(value):
        return glyphs.none
    if abs(value) < 1_000:
        return count(value, glyphs)
    for unit, scale in (("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12)):
        scaled = abs(value) / scale
        if scaled < 999.5 or unit == "T":
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return (glyphs.minus if value < 0 else "") + f"{scaled:,.{digits}f} {unit}"
    raise AssertionError  # pragma: no cover


def duration_us(microseconds: float | None, glyphs: Glyphs = UNICODE) -> str:
    """Microseconds as `850 µs`, `0.9 ms`, `31.0 ms`, `412 ms`, `4.2 s`, `41 s`, `2m 10s`, `1h 05m`, `2d 3h`."""
    if microseconds is None or not math.isfinite(microseconds):
        return glyphs.none
    sign, us = (glyphs.minus, -microseconds) if microseconds < 0 else ("", microseconds)
    return sign + (_short(us, glyphs) if us < 119_500_000 else _long(round(us / 1e6)))


def _short(us: float, glyphs: Glyphs) -> str:
    if us < 99.5:
        return f"{us:.0f} {'us' if glyphs.ascii else 'µs'}"
    if us < 99_950:
        return f"{us / 1e3:.1f} ms"
    if us < 999_500:
        return f"{us / 1e3:.0f} ms"
    return f"{us / 1e6:.1f} s" if us < 9_950_000 else f"{us / 1e6:.0f} s"


def _long(seconds: int) -> str:
    if seconds < 3600:
        return f"{seconds // 60}m {seconds % 60:02d}s"
    if seconds < 86_400:
        return f"{seconds // 3600}h {seconds % 3600 // 60:02d}m"
    return f"{seconds // 86_400:,}d {seconds % 86_400 // 3600}h"


def duration_ms(milliseconds: float | None, glyphs: Glyphs = UNICODE) -> str:
    """As `duration_us`, from milliseconds; what was measured as none of them is `<1 ms`."""
    if milliseconds == 0:
        return "<1 ms"
    return duration_us(None if milliseconds is None else milliseconds * 1_000, glyphs)


def age(seconds: float | None, glyphs: Glyphs = UNICODE) -> str:
    """How long ago, one unit: `2 s`, `4 min`, `3 h`, `5 d`. A time in the future counts as now."""
    if seconds is None or not math.isfinite(seconds):
        return glyphs.none
    whole = max(0, int(seconds))
    for limit, scale, unit in ((90, 1, "s"), (5_400, 60, "min"), (172_800, 3_600, "h")):
        if whole < limit:
            return f"{whole // scale} {unit}"
    return f"{whole // 86_400:,} d"


def rate(fraction: float | None, digits: int = 1, glyphs: Glyphs = UNICODE) -> str:
    """A fraction as per cent: `89.4 %`; exact 0 and 1 are `0 %` and `100 %`, and nothing else is rounded to them."""
    if fraction is None or not math.isfinite(fraction):
        return glyphs.none
    return f"{_percent(fraction, digits)} %"


def _percent(fraction: float, digits: int) -> str:
    if fraction in (0, 1):
        return f"{fraction * 100:.0f}"
    text, step = f"{fraction * 100:.{digits}f}", 10.0**-digits
    if 0 < fraction < 1 and float(text) == 0:
        return f"<{step:.{digits}f}"
    if 0 < fraction < 1 and float(text) == 100:
        return f">{100 - step:.{digits}f}"
    return text


def interval(low: float | None, high: float | None, digits: int = 1, glyphs: Glyphs = UNICODE) -> str:
    """Two fractions as per cent: `87.6–91.0`; the dash alone when either end is unknown."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return glyphs.none
    return f"{low * 100:.{digits}f}{glyphs.none}{high * 100:.{digits}f}"


def n_of(n: int | None, glyphs: Glyphs = UNICODE) -> str:
    """The sample size a figure rests on: `n=1,284`."""
    return f"n={count(n, glyphs)}"


def rate_text(
    fraction: float | None,
    low: float | None,
    high: float | None,
    n: int | None = None,
    *,
    digits: int = 1,
    glyphs: Glyphs = UNICODE,
) -> Text:
    """A rate, then (dim) its interval and, if given, the sample size: `89.4 % 87.6–91.0 n=1,284`."""
    text = Text(f"{rate(fraction, digits, glyphs):>7}" if _known(fraction) else f"{glyphs.none:>5}  ")
    if low is not None and high is not None:
        text.append(f" {interval(low, high, digits, glyphs)}", "$dim")
    if n is not None:
        text.append(f" {n_of(n, glyphs)}", "$dim")
    return text


def ungraded_layers(accuracy: WeightedRate) -> str:
    """What a rate over all layers does not speak of: ` (23 % in ungraded layers)`; nothing where that is none."""
    return f" ({rate(accuracy.silent, 0)} in ungraded layers)" if 0 < accuracy.silent < 1 else ""


def delta(value: float | None, digits: int = 1, unit: str = "", glyphs: Glyphs = UNICODE) -> str:
    """A change with its sign: `+5.1`, `−0.4`, `0.0` (no sign when it rounds to nothing)."""
    if value is None or not math.isfinite(value):
        return glyphs.none
    text = _signless(value, digits)
    sign = "" if float(text.replace(",", "")) == 0 else "+" if value > 0 else glyphs.minus
    return f"{sign}{text}{f' {unit}' if unit else ''}"


def delta_points(fraction: float | None, digits: int = 1, glyphs: Glyphs = UNICODE) -> str:
    """A change of a fraction, in percentage points: 0.051 is `+5.1`."""
    return delta(None if fraction is None else fraction * 100, digits, glyphs=glyphs)


def boost(value: float | None, glyphs: Glyphs = UNICODE) -> str:
    """A routing boost: `+0.05`, `−0.03`, `0`."""
    text = delta(value, 2, glyphs=glyphs)
    return "0" if text == "0.00" else text


def _local(epoch_ms: int, tz: tzinfo) -> datetime | None:
    try:
        return datetime.fromtimestamp(epoch_ms / 1_000, tz)
    except (OverflowError, ValueError, OSError):
        return None


def clock(epoch_ms: int | None, tz: tzinfo, glyphs: Glyphs = UNICODE) -> str:
    """Local time of day to the second: `14:35:21`. `epoch_ms` is UTC epoch milliseconds."""
    at = None if epoch_ms is None else _local(epoch_ms, tz)
    return glyphs.none if at is None else f"{at.hour:02d}:{at.minute:02d}:{at.second:02d}"


def hour_minute(epoch_ms: int | None, tz: tzinfo, glyphs: Glyphs = UNICODE) -> str:
    """Local time of day: `14:31`."""
    return glyphs.none if epoch_ms is None else clock(epoch_ms, tz, glyphs)[:5]


def day(epoch_ms: int | None, tz: tzinfo, glyphs: Glyphs = UNICODE) -> str:
    """Local date without the year: `27 Nov`. Month names are English in every locale."""
    at = None if epoch_ms is None else _local(epoch_ms, tz)
    return glyphs.none if at is None else f"{at.day} {MONTHS[at.month - 1]}"


def date_time(epoch_ms: int | None, tz: tzinfo, now_ms: int | None = None, glyphs: Glyphs = UNICODE) -> str:
    """`27 Nov 02:32`, with the year before the time when it is not `now_ms`'s: a short column leaves the time out."""
    at = None if epoch_ms is None else _local(epoch_ms, tz)
    if at is None:
        return glyphs.none
    now = None if now_ms is None else _local(now_ms, tz)
    year = f" {at.year}" if now is not None and now.year != at.year else ""
    return f"{at.day} {MONTHS[at.month - 1]}{year} {at.hour:02d}:{at.minute:02d}"


def within_a_day(window: Window) -> bool:
    """Whether the time of day tells a moment of a window."""
    return window.length_ms <= DAY_MS


def moment(epoch_ms: int, tz: tzinfo, window: Window, glyphs: Glyphs = UNICODE) -> str:
    """When in a window: the time of day is enough where that is a day at most, else it is a `date_time`."""
    if within_a_day(window):
        return clock(epoch_ms, tz, glyphs)
    return date_time(epoch_ms, tz, window.end_ms - 1, glyphs)


def state_text(state: State | str, label: str = "", glyphs: Glyphs = UNICODE) -> Text:
    """The state's glyph in its colour, then the label."""
    style = {"idle": "$dim", "unknown": "$dim"}.get(state, f"${state}")
    text = Text(glyphs.state(state), style if state in _STATES else "$dim")
    return Text.assemble(text, f" {label}") if label else Text.assemble(text)


_STATES: Final = frozenset({"ok", "warn", "alert", "info", "idle", "unknown"})


def sparkline(
    values: Sequence[float | None],
    width: int | None = None,
    top: float | None = None,
    glyphs: Glyphs = UNICODE,
) -> str:
    """The last `width` values as blocks whose height starts at zero; an unknown value is a gap.

    `top` is the value of a full block (default: the largest value). Anything above zero shows at least one
    eighth.
    """
    shown = list(values) if width is None else list(values)[-width:] if width > 0 else []
    known = [v for v in shown if v is not None and math.isfinite(v)]
    peak = top if top is not None and top > 0 else max(known, default=0.0)
    return "".join(_spark(v, peak, glyphs) for v in shown)


def _spark(value: float | None, peak: float, glyphs: Glyphs) -> str:
    if value is None or not math.isfinite(value):
        return " "
    if value <= 0 or peak <= 0:
        return glyphs.rows[1]
    return glyphs.rows[min(8, max(1, math.ceil(value / peak * 8 - 1e-9)))]


def bar(fraction: float | None, width: int, glyphs: Glyphs = UNICODE) -> str:
    """A horizontal bar in eighths of a cell, without padding; anything above zero shows at least one eighth."""
    if fraction is None or not math.isfinite(fraction) or fraction <= 0 or width <= 0:
        return ""
    eighths = min(width * 8, max(1, round(min(fraction, 1.0) * width * 8)))
    if glyphs.ascii:
        return glyphs.columns[8] * max(1, round(eighths / 8))
    full, rest = divmod(eighths, 8)
    return glyphs.columns[8] * full + (glyphs.columns[rest] if rest else "")
