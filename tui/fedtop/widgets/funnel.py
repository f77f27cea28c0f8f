"""The cascade at a glance: one line per layer with the share of decisions it took and how often it was right.

The bars share one scale from 0 to 100 %, each in its layer's own hue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop.format import rate
from fedtop.glyphs import UNICODE, Basis, State
from fedtop.sanitize import clean
from fedtop.themes import hue
from fedtop.widgets.interval_bar import Bar
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.table_model import Cell, Column, Row

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Funnel", "FunnelLayer"]


@dataclass(frozen=True, slots=True)
class FunnelLayer:
    """One layer: the share of all decisions it took, its accuracy (None: no verdicts) and what that rests on."""

    name: str
    share: float | None
    accuracy: float | None
    basis: Basis = "none"
    state: State = "ok"


_COLUMNS: Final = (
    Column("layer", "layer", 13),
    Column("bar", "captured", 4, grow=True),
    Column("share", "share", 7, "right"),
    Column("accuracy", "accuracy", 9, "right"),
)


class Funnel(LiveTable):
    """Enter opens the layer: `Funnel.Selected.key` is its name."""

    DEFAULT_CSS = """
    Funnel {
        height: auto;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(_COLUMNS, empty="no decisions in this window", show_header=False, id=id, classes=classes)

    def set_layers(self, layers: Iterable[FunnelLayer]) -> None:
        """Shows these layers, in this order."""
        self.set_rows(_row(layer) for layer in layers)


def _row(layer: FunnelLayer) -> Row:
    colour = hue(layer.name)
    calm = layer.state in ("ok", "info")
    accuracy = Text(rate(layer.accuracy), "" if calm else f"${layer.state}", end="")
    mark = UNICODE.basis(layer.basis) if calm else UNICODE.state(layer.state)
    accuracy = Text.assemble(accuracy, (f" {mark}", "$dim" if calm else f"${layer.state}"))
    cells: dict[str, Cell] = {
        "layer": Text(clean(layer.name, 24), colour),
        "bar": Bar(layer.share, colour),
        "share": rate(layer.share),
        "accuracy": accuracy,
    }
    return Row(layer.name, cells)
