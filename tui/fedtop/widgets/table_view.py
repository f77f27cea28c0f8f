"""The part of a live table that shows: rows reconciled by key, lines drawn only where they changed.

The cursor stays on its row and, when rows re-sort, at its line of the screen. Nothing changed: nothing is
drawn. What a user may do with it is `LiveTable`'s affair.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from fedtop.widgets.painted import glyphs_of, palette_for
from fedtop.widgets.table_drawing import Look, Order, Pen
from fedtop.widgets.table_layout import Placed, cells_needed, lay_out
from fedtop.widgets.table_model import Column, Row, TableModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fedtop.widgets.table_model import Columns

__all__ = ["TableView"]

_CACHED_LINES: Final = 1_000


class TableView(ScrollView):
    """See the module; `LiveTable` is the widget to use."""

    DEFAULT_CSS = """
    TableView {
        height: 1fr;
        width: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
    }
    """

    GAP: ClassVar[int] = 2

    def __init__(
        self,
        columns: Sequence[Column] | Columns,
        *,
        empty: str | Text = "nothing here yet",
        show_header: bool = True,
        show_cursor: bool = True,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.model = TableModel()
        fields, order = (columns, None) if isinstance(columns, Sequence) else (columns.fields, columns.order)
        self.columns: tuple[Column, ...] = tuple(fields)
        self.model.sort_by(order, self._sorts_down(order))
        self._comes_by = order, self.model.reverse
        self.empty = empty
        self.show_header = show_header
        self.show_cursor = show_cursor
        self._cursor: str | None = None
        self._column: str | None = None
        self._touched = False
        self._told = False
        self._needs: dict[str, int] = {}
        self._layout: tuple[object, tuple[Placed, ...]] = (None, ())
        self._lines: dict[str, tuple[Row, Look, Strip]] = {}
        self._grow_canvas()

    # What is shown

    def set_rows(self, rows: Iterable[Row]) -> None:
        """Shows these rows. Cursor and scroll stay; only lines that look different are drawn again."""
        before, seen = self.model.order, self._visible_keys()
        change = self.model.replace(rows)
        wider, first = self._measure(change.rows), not self._told
        self._told = True
        self._settle(before)
        if wider or first:
            self.refresh()
        elif change:
            self._refresh_lines_of(seen, change.rows)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Shows other columns; rows and cursor stay."""
        if tuple(columns) == self.columns:
            return
        self.columns = tuple(columns)
        self._needs.clear()
        self._measure(self.model.rows)
        self.refresh()

    def sort_by(self, column: str | None, reverse: bool | None = None) -> None:
        """Sorts by a column key (`reverse` None: as the column says); None restores the order given."""
        before = self.model.order
        self.model.sort_by(column, self._sorts_down(column) if reverse is None else reverse)
        self._settle(before)
        self.refresh()

    def _sorts_down(self, column: str | None) -> bool:
        return any(c.sort_default == "desc" for c in self.columns if c.key == column)

    def set_filter(self, pattern: str, *, hide: bool = True) -> None:
        """Hides (or with `hide` off only passes over) rows without `pattern`; `!pattern` inverts; `""` shows all."""
        before = self.model.order
        self.model.filter_by(pattern, hide)
        self._settle(before)
        self.refresh()

    def _measure(self, keys: Iterable[str]) -> bool:
        """Needs only ever grow: a column that shifted with each value would be restless.

        Whether a column needs more cells than before.
        """
        before = sum(self._needs.values())
        for key in keys:
            for column, cell in self.model.rows[key].cells.items():
                if isinstance(cell, (str, Text)):
                    self._needs[column] = max(cells_needed(cell), self._needs.get(column, 0))
        return sum(self._needs.values()) != before

    @property
    def names(self) -> tuple[str, ...]:
        """What the values of a row are exported under, of columns out of sight too."""
        return tuple(name for column in self.columns for name in column.names)

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
        """The cursor came to rest elsewhere; whoever has a user tells."""

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
        """After the order moved: the cursor on its row (or the nearest left), at the same line of the screen."""
        top, old = round(self.scroll_y), self._cursor
        index = self.model.index
        at = before.index(old) if old is not None and before is not self.model.order and old in before else None
        self._grow_canvas()
        self._cursor = self.model.survivor(old, before)
        now = self.cursor_index
        if at is not None and now is not None and self.size:
            seen = top <= at < top + self.page_rows
            self._scroll_rows(now - (at - top) if seen and self._touched and old in index else top)
        self._keep_in_sight(now)
        if self._cursor != old:
            self._show_cursor()
            self._announce()

    def _keep_in_sight(self, now: int | None) -> None:
        """Until the user moves it, a cursor that other rows would push off the screen goes to the first line."""
        top = round(self.scroll_y)
        if not self._touched and now is not None and self.size and not top <= now < top + self.page_rows:
            self._cursor = self.model.order[min(top, self.row_count - 1)]

    def _grow_canvas(self) -> None:
        lines = self.row_count or int(self._told and bool(self.empty))
        size = Size(0, lines + self._head)
        if size != self.virtual_size:
            self.virtual_size = size

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
        # a number that touches the scrollbar reads like another one
        width = self.scrollable_content_region.width - int(self.show_vertical_scrollbar)
        key = (width, self.columns, sum(self._needs.values()))
        if self._layout[0] != key:
            self._layout = (key, tuple(lay_out(self.columns, width, self.GAP, needs=self._needs)))
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
            return self._pen.header(self._look(), self._order(), self.note())
        if index < self.row_count:
            return self._row_strip(self.model.order[index])
        if not self.row_count and line == 0 and self._told:
            return self._pen.message("no row matches" if self.model.rows else self.empty, self._look())
        return Strip.blank(self.scrollable_content_region.width, self.rich_style)

    def _order(self) -> Order | None:
        """What the rows are sorted by; where there are none, by nothing."""
        key, reverse = self.model.sort_key, self.model.reverse
        return Order(key, reverse, (key, reverse) != self._comes_by) if key is not None and self.row_count else None

    def note(self) -> str:
        """What the header says at its right edge."""
        return ""

    @property
    def _pen(self) -> Pen:
        return Pen(self.app.console)

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
