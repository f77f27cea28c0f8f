"""What a table holds, told once: a `Field` for each figure of a row, and a `Table` of them that knows its rows' keys.

The pane's columns and rows, the order of a sort, the printed table, CSV, JSON and a copied row all follow from it. A
field has a plain name that ends in its unit and a raw value, None where that is not known; whether and how it is drawn
is a second matter. A row may be of any type `R`: a read model, or a small record of a read model and what stands beside
it. The usual kinds of field are in `kinds`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from fedtop.format import date_time, moment
from fedtop.glyphs import UNICODE, Glyphs
from fedtop.sanitize import clean, scrub
from fedtop.widgets.table_model import Column, Drawable, Record, Row, Value, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fedstore import Window
    from fedtop.widgets.table_model import Cell

__all__ = ["KEY_GAP", "Export", "Field", "Locale", "Part", "Table"]

KEY_GAP: Final = "\x1f"
"""Stands between the parts of a row's key: no stored name holds a control character."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Locale:
    """How values are written here: the characters, the time zone, the present, and the window that is told of."""

    glyphs: Glyphs = UNICODE
    tz: tzinfo = UTC
    now_ms: int | None = None
    window: Window | None = None

    def moment(self, at_ms: int) -> str:
        """A time: in a window of a day at most that of the day, else a date, with its year where that is another."""
        if self.window is not None:
            return moment(at_ms, self.tz, self.window, self.glyphs)
        return date_time(at_ms, self.tz, self.now_ms, self.glyphs)


class Export(NamedTuple):
    """A table to be written out: the names at its head, and its records."""

    names: tuple[str, ...]
    records: list[Record]


@dataclass(frozen=True, slots=True)
class Part(Generic[R]):
    """What is exported beside a field's own value, such as an end of its interval."""

    key: str
    value: Callable[[R], Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(Column, Generic[R]):
    """One figure of a row and, as a `Column`, its place in the pane; with a width of 0 the pane does not show it.

    It and its `parts` are exported under their keys. It sorts by `rank` where that is not its value. Where the pane has
    room for a bare glyph, print shows `words` under a `heading`. On a short line print does first without what it can
    `spare` most (0: `min_width_shown`), then cuts texts to `least` cells (None: not at all).
    """

    value: Callable[[R], Value]
    cell: Callable[[R, Locale], Cell]
    heading: str = ""
    words: Callable[[R, Locale], Cell] | None = None
    parts: tuple[Part[R], ...] = ()
    rank: Callable[[R], Value] | None = None
    least: int | None = None
    spare: int = 0
    exported: bool = True
    printed: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """What its values are exported under."""
        return (self.key, *(part.key for part in self.parts)) if self.exported else ()

    def sorts_by(self, row: R) -> Value:
        """What a row sorts by."""
        return (self.rank or self.value)(row)

    def print_cell(self, row: R, locale: Locale) -> Cell:
        """What print shows."""
        return (self.words or self.cell)(row, locale)

    def record(self, row: R) -> Record:
        """The raw values by their names."""
        if not self.exported:
            return {}
        return {self.key: _safe(self.value(row)), **{part.key: _safe(part.value(row)) for part in self.parts}}


def _safe(value: Value) -> Value:
    """A string without control characters; an empty one says nothing, nor does a number that is none."""
    if isinstance(value, str):
        return scrub(value) or None
    return value if not isinstance(value, float) or math.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class Table(Generic[R]):
    """The fields of a kind of row, the `key` that tells rows apart, and the `style` of a whole row.

    `order` names the field by which rows come sorted, in its own direction; None: by nothing that a column shows.
    """

    fields: tuple[Field[R], ...]
    key: Callable[[R], str]
    style: Callable[[R], str] = lambda _: ""
    order: str | None = None

    def __getitem__(self, key: str) -> Field[R]:
        """The field of that name. Raises KeyError."""
        for field in self.fields:
            if field.key == key:
                return field
        raise KeyError(key)

    @property
    def names(self) -> tuple[str, ...]:
        """The head of an export."""
        return tuple(name for field in self.fields for name in field.names)

    @property
    def printed(self) -> tuple[Field[R], ...]:
        """The fields that print shows."""
        return tuple(field for field in self.fields if field.printed)

    def rows(self, rows: Iterable[R], locale: Locale) -> list[Row]:
        """What the pane shows of each row."""
        shown = tuple(field for field in self.fields if field.width)
        return [
            Row(
                self.key(row),
                {field.key: field.cell(row, locale) for field in shown},
                {field.key: field.sorts_by(row) for field in shown},
                self.style(row),
                _RowSource(self, row, locale),
            )
            for row in rows
        ]

    def records(self, rows: Iterable[R]) -> list[Record]:
        """The raw values of each row by their names, in the order of the head."""
        return [{name: value for f in self.fields for name, value in f.record(row).items()} for row in rows]

    def export(self, rows: Iterable[R]) -> Export:
        """The head, and a record for each row."""
        return Export(self.names, self.records(rows))

    # Other tables of the same rows

    def showing(self, *keys: str) -> Table[R]:
        """The same with only these fields in sight; the others are exported still."""
        return self.hiding(*(field.key for field in self.fields if field.key not in keys))

    def hiding(self, *keys: str) -> Table[R]:
        """The same with these fields out of sight; they are exported still."""
        fields = (replace(f, width=0, printed=False) if f.key in keys else f for f in self.fields)
        return replace(self, fields=tuple(fields))

    def hiding_untold(self, rows: Iterable[R], *keys: str) -> Table[R]:
        """The same with those of these fields out of sight that no row tells of: empty, false or not known."""
        told = {key for row in rows for key in keys if self[key].value(row)}
        return self.hiding(*(key for key in keys if key not in told))

    def without(self, *keys: str) -> Table[R]:
        """The same without these fields."""
        return replace(self, fields=tuple(field for field in self.fields if field.key not in keys))

    def with_also(self, *fields: Field[R]) -> Table[R]:
        """The same with these fields at its end."""
        return replace(self, fields=(*self.fields, *fields))

    def changed(self, *fields: Field[R]) -> Table[R]:
        """The same with these fields in the place of those of their names."""
        new = {field.key: field for field in fields}
        return replace(self, fields=tuple(new.get(field.key, field) for field in self.fields))


@dataclass(frozen=True, slots=True)
class _RowSource(Generic[R]):
    """See `table_model.Source`."""

    table: Table[R]
    row: R
    locale: Locale

    def records(self) -> list[Record]:
        return self.table.records([self.row])

    def text(self, column: str) -> str:
        field, locale = self.table[column], replace(self.locale, glyphs=UNICODE)
        if isinstance(field.cell(self.row, locale), Drawable):
            return ""
        value = field.value(self.row)
        return clean(value) if isinstance(value, str) else _without_signs(plain(field.print_cell(self.row, locale)))


_SIGNS: Final = str.maketrans(dict.fromkeys(
    (UNICODE.ok, UNICODE.warn, UNICODE.alert, UNICODE.info, UNICODE.idle, UNICODE.unknown, UNICODE.up, UNICODE.down,
     UNICODE.check, UNICODE.dot), " ",
))  # fmt: skip


def _without_signs(text: str) -> str:
    """The words and figures of a cell."""
    return " ".join(text.translate(_SIGNS).split())
