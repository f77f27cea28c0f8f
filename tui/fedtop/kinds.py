"""The usual kinds of `Field`: names, counts, rates with their intervals, money with what it rests on, times, drawings.

A kind decides how a value is drawn, on which side it stands, which way it sorts first, and which further values are
exported beside it. What is said of a field by keyword (see `Shape`) goes before what its kind decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Generic, Literal, TypedDict, TypeVar, Unpack

from rich.text import Text

from fedtop import format as fmt
from fedtop.fields import Field, Locale, Part
from fedtop.sanitize import clean
from fedtop.values import answer_cell, money_cell, named, rate_cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from fedstore.queries.models import Money, Rate
    from fedtop.glyphs import Glyphs
    from fedtop.widgets.table_model import Align, Cell, Value

__all__ = [
    "LEAST", "Figure", "Shape", "answer", "blank_where", "count", "dollars", "drawing", "duration", "hidden",
    "hundredths", "margin", "moment", "money", "money_parts", "name", "rate", "rate_parts", "share", "text",
    "thousandths", "tokens", "whole_share",
]  # fmt: skip

R = TypeVar("R")
LEAST: Final = 8
"""How short print may cut a name."""


class Shape(TypedDict, Generic[R], total=False):
    """What may be said of a field of any kind: see `Field` and `Column`."""

    align: Align
    grow: bool
    min_width_shown: int
    sort_default: Literal["asc", "desc"]
    tooltip: str
    whole: bool
    words: Callable[[R, Locale], Cell]
    heading: str
    parts: tuple[Part[R], ...]
    rank: Callable[[R], Value]
    least: int
    spare: int
    exported: bool
    printed: bool


# --- texts ----------------------------------------------------------------------------------------------------------


def name(
    key: str,
    label: str,
    width: int,
    value: Callable[[R], str],
    *,
    state: Callable[[R], str] | None = None,
    style: Callable[[R], str] | None = None,
    limit: int = 60,
    none: str = "",
    **shape: Unpack[Shape[R]],
) -> Field[R]:
    """What something is called, cut to `limit` cells: behind the glyph of its `state`, or in a colour of its own.

    `none` stands for an empty name; without it that is the dash.
    """
    shape.setdefault("least", LEAST)

    def cell(row: R, locale: Locale) -> Cell:
        found = value(row)
        if state is not None:
            return named(state(row), found, locale.glyphs, limit)
        if not found:
            return Text(none, "$dim") if none else None
        return Text(clean(found, limit), style(row)) if style is not None else clean(found, limit)

    return Field(key, label, width, value=value, cell=cell, **shape)


def text(
    key: str,
    label: str,
    width: int,
    value: Callable[[R], str],
    *,
    limit: int = 60,
    style: str = "$dim",
    **shape: Unpack[Shape[R]],
) -> Field[R]:
    """Words beside the figures, blank where there are none."""
    shape.setdefault("least", LEAST)
    return Field(key, label, width, value=value, cell=lambda row, _: Text(clean(value(row), limit), style), **shape)


def answer(
    key: str, label: str, value: Callable[[R], bool | None], called: tuple[str, str, str], **shape: Unpack[Shape[R]]
) -> Field[R]:
    """Yes, no or not known: a glyph in the pane; in print the glyph of its state, and what the three are `called`."""

    def cell(row: R, locale: Locale) -> Cell:
        return answer_cell(value(row), locale.glyphs)

    def said(row: R, locale: Locale) -> Cell:
        at = {True: 0, False: 1, None: 2}[value(row)]
        return fmt.state_text(("ok", "alert", "unknown")[at], called[at], locale.glyphs)

    shape.setdefault("words", said)
    shape.setdefault("heading", label)
    return Field(key, "", 1, value=value, cell=cell, **shape)


def moment(
    key: str, label: str, width: int, value: Callable[[R], int | None], **shape: Unpack[Shape[R]]
) -> Field[R]:  # fmt: skip
    """A time in epoch milliseconds, newest first."""
    shape.setdefault("whole", True)
    shape.setdefault("sort_default", "desc")

    def cell(row: R, locale: Locale) -> Cell:
        at_ms = value(row)
        return None if at_ms is None else Text(locale.moment(at_ms), "$dim")

    return Field(key, label, width, value=value, cell=cell, **shape)


# --- figures --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figure:
    """The kind of a number that is written by `form`: dim or in colour where a `style` says so."""

    form: Callable[[float, Glyphs], str]

    def __call__(
        self,
        key: str,
        label: str,
        width: int,
        value: Callable[[R], float | None],
        *,
        style: Callable[[R], str] | None = None,
        **shape: Unpack[Shape[R]],
    ) -> Field[R]:
        """A field of this kind."""
        shape.setdefault("align", "right")
        shape.setdefault("sort_default", "desc")

        def cell(row: R, locale: Locale) -> Cell:
            found = value(row)
            if found is None:
                return None
            shown = self.form(found, locale.glyphs)
            return shown if style is None else Text(shown, style(row))

        return Field(key, label, width, value=value, cell=cell, **shape)


count: Final = Figure(fmt.count)
tokens: Final = Figure(fmt.tokens)
duration: Final = Figure(fmt.duration_ms)
"""Milliseconds."""
dollars: Final = Figure(lambda nano, glyphs: fmt.money(round(nano), glyphs=glyphs))
"""Nano-USD of which it is not known what they rest on."""
share: Final = Figure(lambda fraction, glyphs: fmt.rate(fraction, glyphs=glyphs))
"""A fraction of 1, in per cent."""
whole_share: Final = Figure(lambda fraction, glyphs: fmt.rate(fraction, 0, glyphs))
hundredths: Final = Figure(lambda number, _: f"{number:.2f}")
"""A threshold, a quality: from 0 to 1, and no share of anything."""
thousandths: Final = Figure(lambda number, _: f"{number:.3f}")
"""A confidence."""
margin: Final = Figure(lambda number, glyphs: fmt.delta(number, 3, glyphs=glyphs))
"""A confidence less its threshold."""


def rate(
    key: str,
    label: str,
    width: int,
    value: Callable[[R], Rate],
    form: Callable[[Rate, Glyphs], Cell] = rate_cell,
    **shape: Unpack[Shape[R]],
) -> Field[R]:
    """A rate; the ends of its 95 % interval and its n are exported beside it."""
    shape.setdefault("sort_default", "desc")
    shape.setdefault("parts", rate_parts(key, value))
    return Field(
        key, label, width, value=lambda row: value(row).value,
        cell=lambda row, locale: form(value(row), locale.glyphs), **shape,
    )  # fmt: skip


def rate_parts(key: str, value: Callable[[R], Rate]) -> tuple[Part[R], ...]:
    """The ends of a rate's 95 % interval, and its n."""
    return (
        Part(f"{key}_low", lambda row: None if (ends := value(row).interval) is None else ends.low),
        Part(f"{key}_high", lambda row: None if (ends := value(row).interval) is None else ends.high),
        Part(f"{key}_n", lambda row: value(row).n),
    )


def money(key: str, label: str, width: int, value: Callable[[R], Money], **shape: Unpack[Shape[R]]) -> Field[R]:
    """Nano-USD; what they rest on, and what is hidden by unknown prices, is exported beside them."""
    shape.setdefault("align", "right")
    shape.setdefault("sort_default", "desc")
    shape.setdefault("parts", money_parts(key.removesuffix("_nano"), value))

    def nano(row: R) -> int | None:
        cost = value(row)
        return cost.nano if cost.known else None

    return Field(
        key, label, width, value=nano, cell=lambda row, locale: money_cell(value(row), locale.glyphs), **shape
    )  # fmt: skip


def money_parts(name: str, value: Callable[[R], Money]) -> tuple[Part[R], ...]:
    """What an amount rests on, and what is not in it."""
    return (
        Part(f"{name}_mark", lambda row: None if (mark := value(row).mark) == "none" else mark),
        Part(f"{name}_at_least_calls", lambda row: value(row).at_least_calls),
        Part(f"{name}_unpriced_calls", lambda row: value(row).unpriced_calls),
        Part(f"{name}_unpriced_tokens", lambda row: value(row).unpriced_tokens),
    )


def blank_where(field: Field[R], absent: Callable[[R], bool]) -> Field[R]:
    """The field, blank in rows where there can be no such value: that is not the same as one that is not known."""

    def cell(row: R, locale: Locale) -> Cell:
        return Text("") if absent(row) else field.cell(row, locale)

    return replace(field, cell=cell)


# --- what is only seen, and what is only exported --------------------------------------------------------------------


def drawing(
    key: str,
    label: str,
    width: int,
    cell: Callable[[R], Cell],
    value: Callable[[R], float | None],
    **shape: Unpack[Shape[R]],
) -> Field[R]:
    """A bar or a line, sorted by a value that another field tells."""
    shape.setdefault("sort_default", "desc")
    shape.setdefault("exported", False)
    shape.setdefault("printed", False)
    return Field(key, label, width, value=value, cell=lambda row, _: cell(row), **shape)


def hidden(key: str, value: Callable[[R], Value]) -> Field[R]:
    """A value that is exported and not shown."""
    return Field(key, key, 0, value=value, cell=lambda *_: None, printed=False)
