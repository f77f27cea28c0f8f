"""A table for data that changes while it is read: sorted, filtered and walked through by key and mouse.

Rows are set whole (`set_rows`) and reconciled by key; a changed cell is highlighted until the next
`set_rows`. Posts `Highlighted` when the cursor comes to rest on another row, `Selected` on Enter or a
double click, `Sorted` on another order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from fedtop.widgets.table_model import Cell, Column, Drawable, Row, Value
from fedtop.widgets.table_view import TableView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual import events

    from fedtop.widgets.table_layout import Placed

__all__ = ["Cell", "Column", "Drawable", "LiveTable", "Row", "Value"]


class LiveTable(TableView, can_focus=True):
    """See the module. `columns` are fixed for the table's life unless `set_columns` is called."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", id="table.up", show=False, tooltip="Move to the row above"),
        Binding("down,j", "move(1)", "Down", id="table.down", show=False, tooltip="Move to the row below"),
        Binding("pageup", "page(-1)", "Page up", id="table.page_up", show=False, tooltip="One page up"),
        Binding("pagedown", "page(1)", "Page down", id="table.page_down", show=False, tooltip="One page down"),
        Binding("ctrl+u", "page(-0.5)", "Half up", id="table.half_up", show=False, tooltip="Half a page up"),
        Binding("ctrl+d", "page(0.5)", "Half down", id="table.half_down", show=False, tooltip="Half a page down"),
        Binding("home,g", "first", "First", id="table.first", show=False, tooltip="Move to the first row"),
        Binding("end,G", "last", "Last", id="table.last", show=False, tooltip="Move to the last row"),
        Binding("enter", "select", "Open", id="table.open", tooltip="Open what is under the cursor"),
        Binding("s", "sort_next", "Sort", id="table.sort", tooltip="Sort by the next column"),
        Binding("S", "sort_reverse", "Reverse", id="table.reverse", show=False, tooltip="Reverse the order"),
        Binding("n", "match(1)", "Next match", id="table.next", show=False, tooltip="Next row that matches"),
        Binding("N", "match(-1)", "Previous match", id="table.previous", show=False, tooltip="Previous match"),
    ]

    WAITS: ClassVar[bool] = False
    """True: it takes the keyboard before its first row is there, since its keys may be typed ahead."""

    def allow_focus(self) -> bool:
        """A table without any row has nothing for the keyboard to do; one whose rows are filtered away has."""
        return super().allow_focus() and (self.WAITS or bool(self.model.rows))

    class _About(Message):
        def __init__(self, table: LiveTable, key: str, column: str | None) -> None:
            super().__init__()
            self.table, self.key, self.column = table, key, column

        @property
        def control(self) -> LiveTable:
            """The table that sent it."""
            return self.table

    class Selected(_About):
        """Enter or a double click on a row: `key`, and in cell mode the `column`."""

    class Highlighted(_About):
        """The cursor came to rest on another row (or cell)."""

        def can_replace(self, message: Message) -> bool:
            """Only the last place counts."""
            return isinstance(message, LiveTable.Highlighted) and message.table is self.table

    class Sorted(Message):
        """The user chose another order."""

        def __init__(self, table: LiveTable, column: str, reverse: bool) -> None:
            super().__init__()
            self.table, self.column, self.reverse = table, column, reverse

        @property
        def control(self) -> LiveTable:
            """The table that sent it."""
            return self.table

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Without rows nothing can be opened or sorted, without a filter nothing matches; in a `-plain` table no row
        opens anything.
        """
        if action == "select":
            return self.row_count > 0 and not self.has_class("-plain")
        if action == "match":
            return bool(self.model.filter)
        return self.row_count > 0 if action in ("sort_next", "sort_reverse") else True

    def set_rows(self, rows: Iterable[Row]) -> None:
        """See `TableView`; the keys follow when the first row comes or the last one goes."""
        had_rows = self.row_count > 0
        super().set_rows(rows)
        if had_rows is not (self.row_count > 0) and self.has_focus:
            self.refresh_bindings()

    def _announce(self) -> None:
        if self._cursor is not None:
            self.post_message(self.Highlighted(self, self._cursor, self._column))

    # Actions

    def action_move(self, step: int) -> None:
        """Moves the cursor by rows; stops at either end."""
        self._step(step)

    def action_page(self, pages: float) -> None:
        """Moves the cursor by screens."""
        self._step(round(pages * max(2, self.page_rows - 1)))

    def action_first(self) -> None:
        """Moves the cursor to the first row."""
        self._step(-self.row_count)

    def action_last(self) -> None:
        """Moves the cursor to the last row."""
        self._step(self.row_count)

    def _step(self, step: int) -> None:
        index = self.cursor_index
        if index is not None:
            self.move_cursor(self.model.order[max(0, min(self.row_count - 1, index + step))])

    def action_match(self, step: int) -> None:
        """Moves to the next (1) or previous (-1) row that satisfies the filter, around the end."""
        order, index = self.model.order, self.cursor_index
        if index is None or not self.model.filter:
            return
        around = (order[(index + step * i) % len(order)] for i in range(1, len(order) + 1))
        found = next((k for k in around if self.model.matches(self.model.rows[k])), None)
        if found is not None:
            self.move_cursor(found)

    def action_select(self) -> None:
        """Opens the row under the cursor."""
        if self._cursor is not None:
            self.post_message(self.Selected(self, self._cursor, self._column))

    def action_sort_next(self) -> None:
        """Sorts by the column right of the one sorted by now, around the end."""
        keys = [p.column.key for p in self.placed()]
        at = keys.index(self.model.sort_key) if self.model.sort_key in keys else -1
        if keys:
            self._sort_chosen(keys[(at + 1) % len(keys)], None)

    def action_sort_reverse(self) -> None:
        """Turns the order around."""
        if self.model.sort_key is not None:
            self._sort_chosen(self.model.sort_key, not self.model.reverse)

    def _sort_chosen(self, column: str, reverse: bool | None) -> None:
        self.sort_by(column, reverse)
        self.post_message(self.Sorted(self, column, self.model.reverse))

    # Mouse

    def on_click(self, event: events.Click) -> None:
        """A click on the header sorts, on a row moves the cursor, a double click opens."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        placed = next((p for p in self.placed() if p.x <= offset.x < p.x + p.width + self.GAP), None)
        if offset.y < self._head:
            self._click_header(placed)
        else:
            self._click_row(offset.y - self._head + round(self.scroll_y), placed, event.chain)

    def _click_header(self, placed: Placed | None) -> None:
        if placed is not None:
            key = placed.column.key
            self._sort_chosen(key, not self.model.reverse if key == self.model.sort_key else None)

    def _click_row(self, index: int, placed: Placed | None, chain: int) -> None:
        if index < self.row_count:
            self._enter_column(placed)
            self.move_cursor(self.model.order[index])
            if chain == 2:
                self.action_select()

    def _enter_column(self, placed: Placed | None) -> None:
        """Where a second cursor axis takes a click; a table of rows has none."""

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The header explains its columns."""
        over = next((p for p in self.placed() if p.x <= event.x < p.x + p.width), None)
        tip = over.column.tooltip if over is not None and event.y < self._head else ""
        if (tip or None) != self.tooltip:
            self.tooltip = tip or None
