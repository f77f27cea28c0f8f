"""A table for data that changes while it is read: it draws only the visible lines, and only those that
changed.

Rows are set whole (`set_rows`) and reconciled by key. The cursor stays on its row and, when rows re-sort,
at its line of the screen; a changed cell is highlighted until the next `set_rows`. Nothing changed: nothing
is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from fedtop.widgets.painted import glyphs_of, palette_for
from fedtop.widgets.table_drawing import Look, Pen
from fedtop.widgets.table_layout import Placed, lay_out, tail_length
from fedtop.widgets.table_model import Cell, Column, Drawable, Row, SortValue, TableModel, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.text import Text
    from textual import events


__all__ = ["Cell", "Column", "Drawable", "LiveTable", "Row", "SortValue"]

_CACHED_LINES: Final = 1_000


class LiveTable(ScrollView, can_focus=True):
    """See the module. `columns` are fixed for the table's life unless `set_columns` is called."""

    DEFAULT_CSS = """
    LiveTable {
        height: 1fr;
        width: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", id="table.up", show=False, tooltip="Move to the row above"),
        Binding("down,j", "move(1)", "Down", id="table.down", show=False, tooltip="Move to the row below"),
        Binding("pageup", "page(-1)", "Page up", id="table.page_up", show=False, tooltip="One page up"),
        Binding(
            "pagedown", "page(1)", "Page down", id="table.page_down", show=False, tooltip="One page down"
        ),
        Binding("home,g", "first", "First", id="table.first", show=False, tooltip="Move to the first row"),
        Binding("end,G", "last", "Last", id="table.last", show=False, tooltip="Move to the last row"),
        Binding("enter", "select", "Open", id="table.open", tooltip="Open what is under the cursor"),
        Binding("s", "sort_next", "Sort", id="table.sort", tooltip="Sort by the next column"),
        Binding("S", "sort_reverse", "Reverse", id="table.reverse", show=False, tooltip="Reverse the order"),
        Binding("n", "match(1)", "Next match", id="table.next", show=False, tooltip="Next row that matches"),
        Binding(
            "N", "match(-1)", "Previous match", id="table.previous", show=False, tooltip="Previous match"
        ),
    ]

    GAP: ClassVar[int] = 2

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

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: str | Text = "nothing here yet",
        show_header: bool = True,
        show_cursor: bool = True,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.model = TableModel()
        self.columns: tuple[Column, ...] = tuple(columns)
        self.empty = empty
        self.show_header = show_header
        self.show_cursor = show_cursor
        self._cursor: str | None = None
        self._column: str | None = None
        self._touched = False
        self._tails: dict[str, int] = {}
        self._layout: tuple[object, tuple[Placed, ...]] = (None, ())
        self._lines: dict[str, tuple[Row, Look, Strip]] = {}
        self._grow_canvas()

    # What is shown

    def set_rows(self, rows: Iterable[Row]) -> None:
        """Shows these rows. Cursor and scroll stay; only lines that look different are drawn again."""
        before, seen = self.model.order, self._visible_keys()
        change = self.model.replace(rows)
        self._measure_tails(change.rows)
        self._settle(before)
        if change:
            self._refresh_lines_of(seen, change.rows)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Shows other columns; rows and cursor stay."""
        if tuple(columns) == self.columns:
            return
        self.columns = tuple(columns)
        self._tails.clear()
        self._measure_tails(self.model.rows)
        self.refresh()

    def sort_by(self, column: str | None, reverse: bool | None = None) -> None:
        """Sorts by a column key (`reverse` None: as the column says); None restores the order given."""
        default = next((c.sort_default == "desc" for c in self.columns if c.key == column), False)
        before = self.model.order
        self.model.sort_by(column, default if reverse is None else reverse)
        self._settle(before)
        self.refresh()

    def set_filter(self, pattern: str, *, hide: bool = True) -> None:
        """Hides (or with `hide` off only passes over) rows without `pattern`; `!pattern` inverts; `""`
        shows all.
        """
        before = self.model.order
        self.model.filter_by(pattern, hide)
        self._settle(before)
        self.refresh()

    def _measure_tails(self, keys: Iterable[str]) -> None:
        """Tails only ever grow: a column that shifted with each value would be restless."""
        decimals = [c.key for c in self.columns if c.align == "decimal"]
        for key in keys:
            cells = self.model.rows[key].cells
            for column in decimals:
                tail = tail_length(plain(cells.get(column)))
                self._tails[column] = max(tail, self._tails.get(column, 0))

    # Cursor

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor; None only when no row is visible."""
        return self._cursor

    @property
    def cursor_index(self) -> int | None:
        """The position of that row in the order shown."""
        return None if self._cursor is None else self.model.index.get(self._cursor)

    @property
    def row_count(self) -> int:
        """Rows shown (after the filter)."""
        return len(self.model.order)

    @property
    def page_rows(self) -> int:
        """Rows that fit on the screen."""
        return max(1, self.scrollable_content_region.height - self._head)

    @property
    def _head(self) -> int:
        return 1 if self.show_header else 0

    def move_cursor(self, key: str) -> None:
        """Puts the cursor on a row and shows it; an unknown key is ignored."""
        if key in self.model.index:
            self._touched = True
            self._go_to(key)

    def _go_to(self, key: str | None) -> None:
        old, self._cursor = self._cursor, key
        self._show_cursor()
        if key != old:
            self._refresh_keys({k for k in (old, key) if k is not None})
            self._announce()

    def _announce(self) -> None:
        if self._cursor is not None:
            self.post_message(self.Highlighted(self, self._cursor, self._column))

    def _show_cursor(self) -> None:
        index, top, page = self.cursor_index, round(self.scroll_y), self.page_rows
        if index is None or not self.size:
            return
        if index < top:
            self._scroll_rows(index)
        elif index >= top + page:
            self._scroll_rows(index - page + 1)

    def _scroll_rows(self, top: int) -> None:
        target = max(0, min(top, self.row_count - self.page_rows))
        if target != round(self.scroll_y):
            self.scroll_to(y=target, animate=False, force=True)

    def _settle(self, before: list[str]) -> None:
        """After the order moved: the cursor on its row (or the nearest left), at the same line of the
        screen.
        """
        top, old = round(self.scroll_y), self._cursor
        index = self.model.index
        at = (
            before.index(old)
            if old is not None and before is not self.model.order and old in before
            else None
        )
        self._grow_canvas()
        self._cursor = self.model.survivor(old, before)
        now = self.cursor_index
        if at is not None and now is not None and self.size:
            seen = top <= at < top + self.page_rows
            self._scroll_rows(now - (at - top) if seen and self._touched and old in index else top)
        if self._cursor != old:
            self._show_cursor()
            self._announce()

    def _grow_canvas(self) -> None:
        size = Size(0, self.row_count + self._head)
        if size != self.virtual_size:
            self.virtual_size = size

    # Actions

    def action_move(self, step: int) -> None:
        """Moves the cursor by rows; stops at either end."""
        self._step(step)

    def action_page(self, pages: int) -> None:
        """Moves the cursor by screens."""
        self._step(pages * max(1, self.page_rows - 1))

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

    def on_resize(self) -> None:
        """A smaller pane still shows the cursor."""
        self._show_cursor()

    def on_focus(self) -> None:
        """The cursor is stronger in the focused table."""
        self._refresh_keys({self._cursor} if self._cursor else set())

    def on_blur(self) -> None:
        """See `on_focus`."""
        self.on_focus()

    # Drawing

    def placed(self) -> tuple[Placed, ...]:
        """The columns shown at the present width, and where."""
        width = self.scrollable_content_region.width
        key = (width, self.columns)
        if self._layout[0] != key:
            self._layout = (key, tuple(lay_out(self.columns, width, self.GAP)))
        return self._layout[1]

    def _visible_keys(self) -> list[str]:
        top = round(self.scroll_y)
        return self.model.order[top : top + self.page_rows]

    def _refresh_lines_of(self, seen: list[str], changed: frozenset[str]) -> None:
        now = self._visible_keys()
        for line in range(max(len(seen), len(now))):
            key = now[line] if line < len(now) else None
            if key is None or line >= len(seen) or seen[line] != key or key in changed:
                self._refresh_line(line)

    def _refresh_keys(self, keys: set[str]) -> None:
        for line, key in enumerate(self._visible_keys()):
            if key in keys:
                self._refresh_line(line)

    def _refresh_line(self, line: int) -> None:
        self.refresh(Region(0, line + self._head, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """One line of the screen: header, row, the message of an empty table, or blank."""
        line = y - self._head
        index = line + round(self.scroll_y)
        if line < 0:
            return self._pen.header(self._look(), self.model.sort_key, self.model.reverse, self.note())
        if index < self.row_count:
            return self._row_strip(self.model.order[index])
        if not self.row_count and line == 0:
            return self._pen.message(self.empty, self._look())
        return Strip.blank(self.scrollable_content_region.width, self.rich_style)

    def note(self) -> str:
        """What the header says at its right edge."""
        return ""

    @property
    def _pen(self) -> Pen:
        return Pen(self.app.console, self._tails)

    def _look(self, key: str | None = None) -> Look:
        at_cursor = self.show_cursor and key is not None and key == self._cursor
        cursor = ("cursor" if self.has_focus else "blurred") if at_cursor else ""
        return Look(
            placed=self.placed(),
            palette=palette_for(self),
            glyphs=glyphs_of(self),
            base=self.rich_style,
            width=self.scrollable_content_region.width,
            needle=self.model.needle,
            cursor=cursor,
            column=self._column if at_cursor else None,
            changed=self.model.cells_changed(key) if key is not None else frozenset(),
        )

    def _row_strip(self, key: str) -> Strip:
        row, look = self.model.rows[key], self._look(key)
        cached = self._lines.get(key)
        if cached is not None and cached[0] is row and cached[1] == look:
            return cached[2]
        if len(self._lines) >= _CACHED_LINES:
            self._lines.clear()
        strip = self._pen.row(row, look)
        self._lines[key] = (row, look, strip)
        return strip
