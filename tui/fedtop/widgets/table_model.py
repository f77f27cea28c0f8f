"""What a live table shows, without any drawing: columns, rows, sorting, filtering, and the cursor that follows a row.

Pure data in, pure data out: `TableModel.replace` says which rows and cells changed, so that the widget
repaints only those. Rows are identified by key; the raw value is kept beside the formatted text so that
sorting is right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol, runtime_checkable

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fedtop.glyphs import Glyphs

__all__ = [
    "Align",
    "Cell",
    "Change",
    "Column",
    "Columns",
    "Drawable",
    "Record",
    "Row",
    "Source",
    "TableModel",
    "Value",
    "matches",
    "plain",
]

Align = Literal["left", "right"]
Value = str | int | float | bool | None
"""What a cell is of: raw, in the unit that its name ends in; None is not known."""
Record = dict[str, Value]
"""The raw values of a row by their plain names."""


@runtime_checkable
class Drawable(Protocol):
    """A cell that is drawn to the width of its column: a bar, an interval, a sparkline. Compared by value."""

    @property
    def plain(self) -> str:
        """What the cell says, in text (for filtering and for noticing a change)."""

    def draw(self, width: int, glyphs: Glyphs) -> Text:
        """At most `width` cells."""


Cell = str | Text | Drawable | None


class Source(Protocol):
    """What a row is of, for whoever exports or copies it."""

    def records(self) -> list[Record]:
        """The raw values by their names; of some rows several."""

    def text(self, column: str) -> str:
        """What a column says, in words and figures only."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `width` is in cells; a `grow` column also takes a share of the space that is left over.

    It is shown when the table is at least `min_width_shown` cells wide, and the columns with the largest
    `min_width_shown` are the first to go when the others do not fit. A `whole` column shows whole words only, such as a
    date without its time of day. `names` are what its values are exported under.
    """

    key: str
    label: str
    width: int
    align: Align = "left"
    grow: bool = False
    min_width_shown: int = 0
    sort_default: Literal["asc", "desc"] = "asc"
    tooltip: str = ""
    whole: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Its own."""
        return (self.key,)


class Columns(Protocol):
    """Columns, and the one that the rows are sorted by at first: in its own direction, None by none of them."""

    @property
    def fields(self) -> Sequence[Column]:
        """Left to right."""

    @property
    def order(self) -> str | None:
        """The key of a column."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what each column shows, and the raw value each sorts by (default: the text of the cell).

    `style` is the style of the whole row (`$dim` for one that is out of play).
    """

    key: str
    cells: Mapping[str, Cell]
    sort: Mapping[str, Value] = field(default_factory=dict)
    style: str = ""
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a `replace` did: keys of rows that look different, and whether the visible order moved."""

    rows: frozenset[str]
    order: bool

    def __bool__(self) -> bool:
        return self.order or bool(self.rows)


def plain(cell: Cell) -> str:
    """The text of a cell, without style; an absent cell is empty."""
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else cell.plain


def _same(a: Cell, b: Cell) -> bool:
    if isinstance(a, Text) and isinstance(b, Text):
        return a.plain == b.plain and a.style == b.style and a.spans == b.spans
    return type(a) is type(b) and a == b


def _changed_cells(old: Row, new: Row) -> frozenset[str]:
    return frozenset(key for key, cell in new.cells.items() if plain(cell) != plain(old.cells.get(key)))


def _looks_same(old: Row, new: Row) -> bool:
    if old is new:
        return True
    if old.style != new.style or old.cells.keys() != new.cells.keys():
        return False
    cells = new.cells
    for key, cell in old.cells.items():  # a plain loop: this line runs for every cell at every tick
        other = cells[key]
        if cell is not other and (cell != other if type(cell) is str else not _same(cell, other)):
            return False
    return True


def matches(row: Row, pattern: str) -> bool:
    """True when any cell contains `pattern`, ignoring case; with `!pattern` when none does. Always for an empty one."""
    inverse = pattern.startswith("!")
    needle = pattern[1 if inverse else 0 :].casefold()
    return not needle or any(needle in plain(c).casefold() for c in row.cells.values()) is not inverse


_NOTHING: Final = frozenset[str]()


@dataclass(frozen=True, slots=True)
class _Bare:
    """A row made by hand: what it sorts by is all that is known of it, else the text of its cells."""

    row: Row

    def records(self) -> list[Record]:
        return [{key: self.row.sort.get(key, plain(cell) or None) for key, cell in self.row.cells.items()}]

    def text(self, column: str) -> str:
        return plain(self.row.cells.get(column))


class TableModel:
    """Rows by key, the order they are seen in, and the cells that changed with the last `replace`."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self._sources: dict[str, Source | None] = {}
        self.order: list[str] = []
        self.index: dict[str, int] = {}
        self.changed: dict[str, frozenset[str]] = {}
        self.sort_key: str | None = None
        self.reverse = False
        self.filter = ""
        self.hide = True

    def replace(self, rows: Iterable[Row]) -> Change:
        """Takes the new rows; of two with the same key the later one counts. Rows that look the same stay
        as they are.
        """
        old, fresh = self.rows, {row.key: row for row in rows}
        looks = {k for k, row in fresh.items() if k not in old or not _looks_same(old[k], row)}
        stirred = {k: _changed_cells(old[k], fresh[k]) for k in looks if k in old}
        faded = self.changed.keys() & fresh.keys()
        self.changed = {k: cells for k, cells in stirred.items() if cells}
        same_members = list(old) == list(fresh)
        resort = looks or not same_members or self._sorts_differ(old, fresh)
        self._sources = {k: row.source for k, row in fresh.items()}  # what looks the same may be of other values
        self.rows = {k: old[k] if k not in looks and old[k].sort == row.sort else row for k, row in fresh.items()}
        moved = self._reorder() if resort else False
        return Change(frozenset(looks | faded), moved)

    def source(self, key: str) -> Source:
        """What a row is of, as it came last. Raises KeyError."""
        return self._sources[key] or _Bare(self.rows[key])

    def _sorts_differ(self, old: Mapping[str, Row], new: Mapping[str, Row]) -> bool:
        key = self.sort_key
        return key is not None and any(old[k].sort.get(key) != row.sort.get(key) for k, row in new.items())

    def sort_by(self, key: str | None, reverse: bool = False) -> bool:
        """Sorts by a column (None: the order given); True when the order moved."""
        self.sort_key, self.reverse = key, reverse
        return self._reorder()

    def filter_by(self, pattern: str, hide: bool = True) -> bool:
        """Keeps the rows that contain `pattern` in any cell, ignoring case; `!pattern` those that do not.

        With `hide` off every row stays and `matches` tells them apart. True when the order moved.
        """
        self.filter, self.hide = pattern, hide
        return self._reorder()

    @property
    def needle(self) -> str:
        """The text to mark in the cells: empty without a filter and for an inverse one."""
        return "" if self.filter.startswith("!") else self.filter.casefold()

    def _reorder(self) -> bool:
        keys = [k for k, row in self.rows.items() if not self.hide or self.matches(row)]
        if self.sort_key is not None:
            keys = self._sorted(keys, self.sort_key)
        if keys == self.order:
            return False
        self.order, self.index = keys, {k: i for i, k in enumerate(keys)}
        return True

    def matches(self, row: Row) -> bool:
        """True when the row satisfies the filter; always without one."""
        return matches(row, self.filter)

    def _sorted(self, keys: list[str], column: str) -> list[str]:
        """Stable, so that ties keep the order given; an unknown value is last in both directions."""
        values = {k: _rank(self.rows[k], column) for k in keys}
        known = [k for k in keys if values[k] is not None]
        known.sort(key=lambda k: values[k] or (0, 0.0, ""), reverse=self.reverse)
        return known + [k for k in keys if values[k] is None]

    def cells_changed(self, key: str) -> frozenset[str]:
        """The columns of a row whose text differs from the tick before."""
        return self.changed.get(key, _NOTHING)

    def survivor(self, key: str | None, before: list[str]) -> str | None:
        """The row the cursor belongs on: `key` if it is still there, else its nearest neighbour in the
        order before.
        """
        if key in self.index or not self.order:
            return key if key in self.index else None
        at = before.index(key) if key in before else 0
        nearest = next((k for k in before[at + 1 :] if k in self.index), None)
        nearest = nearest or next((k for k in reversed(before[:at]) if k in self.index), None)
        return nearest or self.order[min(at, len(self.order) - 1)]


def _rank(row: Row, column: str) -> tuple[int, float, str] | None:
    """A total order over numbers and text: numbers first; None and NaN have no rank."""
    value = row.sort[column] if column in row.sort else plain(row.cells.get(column)) or None
    if value is None:
        return None
    if isinstance(value, str):
        return (1, 0.0, value.casefold())
    return None if math.isnan(value) else (0, float(value), "")
