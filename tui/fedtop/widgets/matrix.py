"""Agents against task types as a heat matrix: the success rate shades the cell, beside it stands the boost that a
router adds (dim where it is the agent's own), an arrow proposes another one.

The cursor moves on two axes; columns that do not fit are reached by moving to them. A rate with too few
tasks behind it is dim and unshaded, with the `·` mark: the colour claims only what the data can say.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from fedtop.format import boost, rate
from fedtop.themes import heat
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.table_layout import Placed, place_window
from fedtop.widgets.table_model import Column, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fedtop.glyphs import Glyphs
    from fedtop.widgets.table_model import Source

__all__ = ["HeatCell", "Matrix", "MatrixRow"]

_WITH_ADDED = 14
"""The width from which on a cell has room for the boost that is added."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One agent at one task type: success rate (None: never tried), tasks, by how much its boost should move (None: not
    at all), whether its tasks are few; the boost that is added now, and whether that is the agent's own.
    """

    rate: float | None
    n: int = 0
    boost: float | None = None
    few: bool = False
    added: float = 0.0
    inherited: bool = False

    @property
    def plain(self) -> str:
        """The rate in per cent."""
        return rate(self.rate, 0)

    def draw(self, width: int, glyphs: Glyphs) -> Text:
        """Rate and arrow, shaded over the whole cell."""
        if self.rate is None:
            return Text(f"{glyphs.none:>6}   ".center(width)[:width], "$faint")
        shade = "$dim" if self.few else f"$fg on {heat(self.rate)}"
        move = glyphs.trend(self.boost) if self.boost else glyphs.dot if self.few else " "
        body = Text(f"{rate(self.rate, 0, glyphs):>6}{glyphs.dot if self.few and self.boost else ' '}")
        body.append(f"{move} ", f"bold {_sign(self.boost)}" if self.boost else "")
        if width >= _WITH_ADDED:
            added = boost(self.added, glyphs) if self.added else ""
            body.append(f"{added:>5}", "$dim" if self.inherited else _sign(self.added))
        left = max(0, (width - len(body.plain)) // 2)
        text = Text.assemble(" " * left, body)
        text.pad_right(max(0, width - len(text.plain)))
        text.stylize_before(shade)
        return text[:width]


def _sign(value: float | None) -> str:
    return "" if not value else "$ok" if value > 0 else "$alert"


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One agent: its key, label, and a cell per task-type key."""

    key: str
    label: str | Text
    cells: Mapping[str, HeatCell] = field(default_factory=dict)
    source: Source | None = None


class Matrix(LiveTable):
    """A live table with a cell cursor. `Matrix.Selected` has `row` and `column` (the task type)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "column(-1)", "Left", id="matrix.left", show=False, tooltip="Column to the left"),
        Binding("right,l", "column(1)", "Right", id="matrix.right", show=False, tooltip="Column to the right"),
    ]

    GAP: ClassVar[int] = 1
    HEAD: ClassVar[str] = "\x00row"
    """The key of the column of labels; that of a task type holds no control character."""

    class Selected(LiveTable.Selected):
        """Enter or a double click on a cell."""

        @property
        def row(self) -> str:
            """The row's key."""
            return self.key

    class Highlighted(LiveTable.Highlighted):
        """The cursor came to rest on another cell."""

        @property
        def row(self) -> str:
            """The row's key."""
            return self.key

    def __init__(
        self,
        *,
        corner: str = "",
        empty: str | Text = "nothing here yet",
        label_width: int = 14,
        cell_width: int = 11,
        names: Sequence[str] = (),
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        self._first = Column(self.HEAD, corner, label_width)
        self._cell_width = cell_width
        self._names = tuple(names)
        self._start = 1
        super().__init__([self._first], empty=empty, id=id, classes=classes)

    def set_matrix(self, columns: Sequence[tuple[str, str]], rows: Iterable[MatrixRow]) -> None:
        """Shows a matrix: columns as (key, label), rows with their cells. Cursor and scroll stay."""
        across = [Column(k, label, self._cell_width, "right", sort_default="desc") for k, label in columns]
        self.set_columns([self._first, *across])
        keys = [k for k, _ in columns]
        if self._column not in keys:
            self._column = keys[0] if keys else None
        self.set_rows(_table_row(row, keys) for row in rows)

    @property
    def names(self) -> tuple[str, ...]:
        """What the cells are exported under: a record for each, not a column."""
        return self._names or super().names

    @property
    def cursor_column(self) -> str | None:
        """The key of the column under the cursor."""
        return self._column

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where there is nothing, there is nothing to move to."""
        return len(self.columns) > 1 if action == "column" else super().check_action(action, parameters)

    def action_column(self, step: int) -> None:
        """Moves the cursor sideways; stops at either edge."""
        keys = [c.key for c in self.columns[1:]]
        if self._column in keys:
            self._to_column(keys[max(0, min(len(keys) - 1, keys.index(self._column) + step))])

    def _to_column(self, key: str) -> None:
        if key == self._column:
            return
        self._column = key
        self._reveal()
        self.refresh()
        self._announce()

    def _enter_column(self, placed: Placed | None) -> None:
        if placed is not None and placed.column.key != self.HEAD:
            self._to_column(placed.column.key)

    def _reveal(self) -> None:
        """Moves the sideways window until it holds the cursor's column."""
        keys = [c.key for c in self.columns]
        at = keys.index(self._column) if self._column in keys else 1
        self._start = min(self._start, at)
        while self._start < at and self._column not in {p.column.key for p in self._window(self._start)}:
            self._start += 1

    def _window(self, start: int) -> list[Placed]:
        """The columns from `start`. Where some are left out, room for the note that says so: from the labels, as far
        as they are shorter than their column, else in the place of one column more.
        """
        width = self.scrollable_content_region.width
        placed = place_window(self.columns, start, width, self.GAP)
        note = self._beyond(start, len(placed))
        lacking = len(note) + 1 - (width - placed[-1].x - placed[-1].width) if note and placed else 0
        if lacking <= 0:
            return placed
        head = self.columns[0]
        narrow = replace(head, width=max(self._needs.get(head.key, 0), head.width - lacking))
        fewer = place_window([narrow, *self.columns[1:]], start, width - len(note) - 1, self.GAP)
        return fewer if len(fewer) > 1 else placed

    def _beyond(self, start: int, shown: int) -> str:
        """How many columns lie beyond either edge, where `shown` are seen."""
        left, right = start - 1, max(0, len(self.columns) - start - shown + 1)
        return "  ".join([f"‹ {left}"] * bool(left) + [f"{right} ›"] * bool(right))

    def placed(self) -> tuple[Placed, ...]:
        """The label column and the window of the others that holds the cursor."""
        self._reveal()
        return tuple(self._window(self._start))

    def note(self) -> str:
        """How many columns lie beyond either edge."""
        return self._beyond(self._start, len(self._window(self._start)))


def _table_row(row: MatrixRow, keys: Sequence[str]) -> Row:
    cells = {key: row.cells.get(key, HeatCell(None)) for key in keys}
    return Row(
        row.key, {Matrix.HEAD: row.label, **cells}, {key: cell.rate for key, cell in cells.items()}, source=row.source
    )
