"""What a plan would change, line by line: item, now, new, the effect, and the evidence it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from rich.text import Text

from fedtop.sanitize import clean
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.table_model import Cell, Column, Row

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DiffLine", "DiffTable"]

Grade = Literal["certified", "estimated", "too_few", "unchanged"]
_GRADES: Final = {
    "certified": ("●", "$ok"),
    "estimated": ("~", "$warn"),
    "too_few": ("·", "$dim"),
    "unchanged": ("=", "$faint"),
}


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One item of a plan, formatted. `direction` is the sign of the change; `grade` how well it is supported."""

    key: str
    item: str | Text
    now: str
    new: str
    change: str | Text
    evidence: str | Text
    grade: Grade = "estimated"
    direction: int = 0


_COLUMNS: Final = (
    Column("item", "item", 20, grow=True),
    Column("now", "now", 8, "right"),
    Column("arrow", "", 1),
    Column("new", "new", 8, "right"),
    Column("change", "change", 23),
    Column("grade", "", 1),
    Column("evidence", "evidence", 24, grow=True, min_width_shown=90),
)


class DiffTable(LiveTable):
    """Enter opens the evidence: `DiffTable.Selected.key` is the line's key."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(_COLUMNS, empty="the plan changes nothing", id=id, classes=classes)

    def set_lines(self, lines: Iterable[DiffLine]) -> None:
        """Shows these lines."""
        self.set_rows(_row(line) for line in lines)


def _row(line: DiffLine) -> Row:
    still = line.grade == "unchanged" or line.direction == 0
    glyph, style = _GRADES[line.grade]
    arrow = "▲" if line.direction > 0 else "▼" if line.direction < 0 else " "
    cells: dict[str, Cell] = {
        "item": line.item,
        "now": Text(clean(line.now, 16), "$dim"),
        "arrow": Text(arrow, "$accent"),
        "new": Text(clean(line.new, 16), "$dim" if still else "bold $fg"),
        "change": line.change,
        "grade": Text(glyph, style),
        "evidence": line.evidence,
    }
    return Row(line.key, cells)
