"""Why a decision went where it went: one rung per layer, its confidence as a bar with the threshold as a tick on it.

`✓` marks the rung it stopped at; rungs it never reached are ghosts, probed ones (run beside the live path)
are marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from rich.text import Text

from fedtop.format import delta, duration_us
from fedtop.sanitize import clean
from fedtop.themes import hue
from fedtop.widgets.interval_bar import Bar
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.table_model import Cell, Column, Row

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Ladder", "Rung", "rung_row"]

Outcome = Literal["accepted", "passed", "failed", "not_reached", "shadow"]


@dataclass(frozen=True, slots=True)
class Rung:
    """One layer of one decision. Confidence and threshold are 0 to 1, the time is in microseconds.

    `outcome`: `accepted` here, `passed` on, `failed` (error or timeout), `not_reached`, or `shadow` (probed
    only).
    """

    layer: str
    confidence: float | None
    threshold: float | None
    time_us: float | None
    outcome: Outcome
    note: str = ""


_COLUMNS: Final = (
    Column("layer", "layer", 13),
    Column("mark", "", 1),
    Column("bar", "confidence 0 to 1, threshold │", 20, grow=True),
    Column("confidence", "conf", 6, "right"),
    Column("threshold", "needs", 6, "right"),
    Column("margin", "margin", 7, "right"),
    Column("time", "time", 8, "decimal", min_width_shown=76),
    Column("note", "", 20, min_width_shown=100),
)
_SAYS: Final = {
    "accepted": ("✓", "$ok", "accepted"),
    "passed": ("↓", "$dim", "passed on"),
    "failed": ("✖", "$alert", "failed"),
    "not_reached": ("·", "$faint", "not reached"),
    "shadow": ("◌", "$info", "probed in shadow"),
}


def rung_row(rung: Rung) -> Row:
    """The rung as a table row; its key is the layer."""
    glyph, style, says = _SAYS[rung.outcome]
    ghost = rung.outcome == "not_reached"
    colour = "$faint" if ghost else "$dim" if rung.outcome == "shadow" else hue(rung.layer)
    known = rung.confidence is not None and rung.threshold is not None
    margin = rung.confidence - rung.threshold if known else None  # type: ignore[operator]
    cells: dict[str, Cell] = {
        "layer": Text(clean(rung.layer, 24), colour),
        "mark": Text(glyph, style),
        "bar": Bar(rung.confidence, colour, mark=rung.threshold),
        "confidence": None if rung.confidence is None else f"{rung.confidence:.3f}",
        "threshold": None if rung.threshold is None else Text(f"{rung.threshold:.2f}", "$dim"),
        "margin": None if margin is None else Text(delta(margin, 3), "$ok" if margin >= 0 else "$dim"),
        "time": None if rung.time_us is None else duration_us(rung.time_us),
        "note": Text(clean(rung.note or says, 60), "$dim" if rung.outcome != "failed" else "$alert"),
    }
    if ghost:
        cells |= {key: Text("") for key in ("confidence", "margin", "time")}
    return Row(rung.layer, cells, style="$faint" if ghost else "")


class Ladder(LiveTable):
    """The rungs of one decision, in cascade order."""

    DEFAULT_CSS = """
    Ladder {
        height: auto;
    }
    """

    def __init__(
        self,
        *,
        show_cursor: bool = False,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(_COLUMNS, empty="no attempts recorded", show_cursor=show_cursor, id=id, classes=classes)

    def set_rungs(self, rungs: Iterable[Rung]) -> None:
        """Shows these rungs, top to bottom."""
        self.set_rows(rung_row(rung) for rung in rungs)
