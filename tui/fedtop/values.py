"""Values of the read models as cells: a rate with what it rests on, money with its basis, a trend, a state.

Pure functions; an unknown value is None, which a table shows as the dash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from fedstore import DAY_MS, HOUR_MS, MINUTE_MS
from fedstore.learning.targets import FEW, SUCCESS_ALERT, SUCCESS_TARGET
from fedtop.format import clean, money_text, rate, rate_text, state_text
from fedtop.glyphs import UNICODE, Glyphs

if TYPE_CHECKING:
    from collections.abc import Callable

    from fedstore.queries.models import Money, Rate

__all__ = [
    "FEW", "answer_cell", "bare_rate", "known", "money_cell", "named", "quality_cell", "rate_cell", "short_rate",
    "span", "success_style",
]  # fmt: skip


def known(value: float | None, form: Callable[[float], str]) -> str | None:
    """The formatted value, or None."""
    return None if value is None else form(value)


def success_style(value: Rate) -> str:
    """The colour of a success rate: bad or doubtful only when its whole interval says so."""
    interval = value.interval
    if interval is None or value.n < FEW:
        return ""
    return "$alert" if interval.high < SUCCESS_ALERT else "$warn" if interval.high < SUCCESS_TARGET else ""


def rate_cell(value: Rate, glyphs: Glyphs = UNICODE, *, coloured: bool = True) -> Text | None:
    """`89.4 % 87.6–91.0`, the interval dim; nothing graded is unknown."""
    interval = value.interval
    if value.value is None or interval is None:
        return None
    text = rate_text(value.value, interval.low, interval.high, glyphs=glyphs)
    if value.n < FEW:
        text.stylize("$dim")
    elif coloured and (style := success_style(value)):
        text.stylize(style, 0, 7)
    return text


def short_rate(value: Rate, glyphs: Glyphs = UNICODE, *, coloured: bool = True) -> Text | None:
    """`89.4 %` alone, with the `·` mark when it rests on too few."""
    if value.value is None:
        return None
    few = value.n < FEW
    style = "$dim" if few else success_style(value) if coloured else ""
    return Text.assemble((rate(value.value, glyphs=glyphs), style), (f" {glyphs.dot if few else ' '}", "$dim"))


def bare_rate(value: Rate, glyphs: Glyphs = UNICODE) -> str | None:
    """`89.4 %` and nothing beside it."""
    return None if value.value is None else rate(value.value, glyphs=glyphs)


def money_cell(cost: Money, glyphs: Glyphs = UNICODE) -> Text | None:
    """`$4.10 =`; `?` when all of it is unpriced, None when nobody told of a call."""
    if cost.mark == "none":
        return None
    if not cost.known:
        return Text.assemble(("?", "bold $warn"), "  ")
    return money_text(cost.nano, cost.mark, glyphs=glyphs)


def answer_cell(value: bool | None, glyphs: Glyphs = UNICODE) -> Text:
    """Yes, no, or not known: right or wrong, succeeded or failed."""
    if value is None:
        return Text(glyphs.dot, "$dim")
    return Text(glyphs.check, "$ok") if value else Text(glyphs.alert, "$alert")


def quality_cell(value: float | None, trend: str, glyphs: Glyphs = UNICODE) -> Text | None:
    """`0.91 ▲`: the mean quality, and where it goes."""
    if value is None:
        return None
    arrow, style = {"improving": (glyphs.up, "$ok"), "declining": (glyphs.down, "$alert")}.get(trend, (" ", ""))
    return Text.assemble(f"{value:.2f}", (f" {arrow}", style))


def named(state: str, name: str, glyphs: Glyphs = UNICODE, limit: int = 60) -> Text:
    """`▲ codex`: the state's glyph, then the name."""
    return state_text(state, clean(name, limit, glyphs.ellipsis), glyphs)


def span(milliseconds: int) -> str:
    """The length of a time slot, one unit: `30 min`, `6 h`, `1 d`."""
    for unit, size in (("d", DAY_MS), ("h", HOUR_MS)):
        if milliseconds >= size and milliseconds % size == 0:
            return f"{milliseconds // size} {unit}"
    return f"{max(1, milliseconds // MINUTE_MS)} min"
