"""Tables of printed views, fitted to the line: numbers are never cut, so what does not fit is left out and named.

A column says what becomes of it on a short line. First the columns that matter least go, by their rank; then texts
are shortened, the longest first, down to what they need to be told apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fedtop.widgets.table_layout import to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fedstore import Window
    from fedtop.fields import Table as Fields
    from fedtop.plain.look import Look
    from fedtop.widgets.table_model import Align

__all__ = ["Cell", "Column", "figures", "table", "table_of", "words"]

Cell = str | Text
R = TypeVar("R")
GAP, INDENT = 2, 3


class Column(NamedTuple):
    """A column: its label and side; ``rank`` 0 always stays, of the others the highest goes first.

    ``least`` is how short its text may be cut; None for what is of no use in part.
    """

    label: str
    side: Align
    rank: int = 0
    least: int | None = None


def figures(label: str, rank: int = 0) -> Column:
    """Figures, on the right."""
    return Column(label, "right", rank)


def words(label: str, rank: int = 0, least: int | None = None) -> Column:
    """Text, on the left."""
    return Column(label, "left", rank, least)


def table_of(fields: Fields[R], rows: Iterable[R], look: Look, window: Window | None = None) -> RenderableType:
    """The rows of a table as the pane has it, without its drawings: the columns it can best do without go first.

    A `window` where that tells its times apart.
    """
    shown, locale = fields.printed, look.locale(window)
    columns = [Column(_title(f.heading or f.label), f.align, f.spare or f.min_width_shown, f.least) for f in shown]
    cells = [[to_text(field.print_cell(row, locale), look.width, look.glyphs) for field in shown] for row in rows]
    return table(columns, cells, look)


def _title(label: str) -> str:
    """A label with a capital letter; `p95` and `n` are no words."""
    return label if label[1:2].isdigit() or len(label) == 1 else label[:1].upper() + label[1:]


def table(columns: Sequence[Column], rows: Iterable[Sequence[Cell]], look: Look) -> RenderableType:
    """Aligned columns under dim labels, nothing around them; below it what the line is too short for."""
    filled = [[Text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    widths = fit(columns, filled, look.width - INDENT)
    grid = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="$dim")
    for at, width in widths.items():
        grid.add_column(columns[at].label, justify=columns[at].side, no_wrap=True, overflow="ellipsis", width=width)
    for row in filled:
        grid.add_row(*(row[at] for at in widths))
    parts: list[RenderableType] = [grid]
    gone = [column.label for at, column in enumerate(columns) if at not in widths]
    if gone:
        parts.append(Text(f"(in {look.width} columns without {', '.join(gone)})", "$dim"))
    return Padding(Group(*parts), (0, 0, 0, INDENT))


def fit(columns: Sequence[Column], rows: Sequence[Sequence[Text]], room: int) -> dict[int, int]:
    """The columns that fit into ``room`` cells, by their place, each with its width."""
    wanted = {
        at: max(cell_len(column.label), *(row[at].cell_len for row in rows), 1) for at, column in enumerate(columns)
    }
    while _total(_shortest(columns, wanted)) > room:
        rank, last = max(((columns[at].rank, at) for at in wanted), default=(0, 0))
        if rank == 0:
            break
        del wanted[last]
    floor = _shortest(columns, wanted)
    while _total(wanted) > room:
        spare = [at for at in wanted if wanted[at] > floor[at]]
        if not spare:
            break
        wanted[max(spare, key=lambda at: wanted[at])] -= 1
    return wanted


def _shortest(columns: Sequence[Column], widths: dict[int, int]) -> dict[int, int]:
    return {at: min(width, columns[at].least or width) for at, width in widths.items()}


def _total(widths: dict[int, int]) -> int:
    return sum(widths.values()) + GAP * max(0, len(widths) - 1)
