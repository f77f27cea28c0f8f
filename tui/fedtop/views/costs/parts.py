"""The costs panel's tiles and its chart. Pure functions of the read model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedstore import bytes_text
from fedtop.format import UNICODE, clean, counted, money, tokens
from fedtop.values import money_cell, span
from fedtop.views.costs.columns import DIMENSION_LABELS, NAME_CELLS, NOT_SAID, model_styles
from fedtop.widgets.area_chart import AreaData, Series
from fedtop.widgets.tile import TileData

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.queries.models import CostsView, Money

__all__ = ["Selection", "chart_note", "spend_chart", "table_note", "tiles"]

_TEXT_CELLS: Final = 40


@dataclass(frozen=True, slots=True)
class Selection:
    """What the figures are of: the `names` of a dimension that a filter's `text` is found with; all without one."""

    dimension: str
    text: str = ""
    names: tuple[str, ...] = ()

    @property
    def _shown(self) -> str:
        return clean(self.text, _TEXT_CELLS)

    @property
    def of(self) -> str:
        """` of atlas`, or of how many names with which text; nothing without a filter."""
        if not self.text:
            return ""
        label = DIMENSION_LABELS[self.dimension]
        if len(self.names) == 1:
            return f" of {clean(self.names[0], NAME_CELLS) or NOT_SAID.format(label)}"
        how = "without" if self.text.startswith("!") else "with"
        return f" of {counted(len(self.names), label)} {how} “{self._shown.removeprefix('!')}”"

    def title(self, what: str) -> str:
        """The title of a tile: `today / atlas`, `month / atlas` for short."""
        return f"{what.split()[-1]} / {self._shown}" if self.text else what


def spend_chart(view: CostsView, first_of_all: Sequence[str] = ()) -> AreaData | None:
    """Nano-USD per bucket stacked by model, largest at the bottom. None: no data.

    The models that are the first of all spend keep the colours that they have there.
    """
    step = view.step_ms
    points = {point.start_ms: dict(point.parts) for point in view.series}
    if not points or not view.models:
        return None
    first = min(points)
    first -= max(0, first - view.window.start_ms) // step * step if view.window.label != "all" else 0
    starts = range(first, max(max(points) + 1, view.window.end_ms), step)
    styles = model_styles(view.models) | model_styles(first_of_all)
    series = tuple(
        Series(
            clean(name, 40) or NOT_SAID.format("model"),
            tuple(float(points.get(at, {}).get(name, 0)) for at in starts),
            styles[name],
            i % 4,
        )
        for i, name in enumerate(view.models)
        if any(parts.get(name) for parts in points.values())
    )
    return AreaData(starts[0], starts[-1] + step, series)


def chart_note(view: CostsView) -> str:
    """The width of a bucket, and what the chart cannot show."""
    hidden = view.total.unpriced_tokens
    without = f"without {tokens(hidden)} unpriced tokens" if hidden else ""
    return ", ".join(part for part in (f"per {span(view.step_ms)}" if view.series else "", without) if part)


def table_note(view: CostsView, all_names: int) -> str:
    """What stands over the table: how many of the names are in sight, their calls and tokens."""
    calls = counted(sum(row.calls for row in view.rows), "call")
    left_out = "" if len(view.rows) == all_names else f"{len(view.rows)} of {all_names}: "
    return f"{left_out}{calls}, {tokens(view.tokens)} tokens"


def tiles(view: CostsView, selection: Selection | None = None) -> dict[str, TileData]:
    """The five figures at the top by name; the titles of all but that of the store say of what they are."""
    live = view.window.live
    title = (selection or Selection(view.dimension)).title
    return {
        "spent": TileData(_big(view.total), f"{tokens(view.tokens)} tokens", _hides(view.total), title=title("window")),
        "today": TileData(_big(view.today), "", _hides(view.today), title=title("today" if live else "that day")),
        "month": TileData(
            _big(view.month), "", _hides(view.month), title=title("this month" if live else "that month")
        ),
        "projected": TileData(
            None if view.month_projected_nano is None else f"{money(view.month_projected_nano)} ~",
            "",
            "too early" if view.month_projected_nano is None else "at this pace",
            state="unknown" if view.month_projected_nano is None else "ok",
            title=title("projected"),
        ),
        "store": TileData(bytes_text(view.store_bytes), "", "on disk"),
    }


def _big(cost: Money) -> Text:
    """The amount of a tile; where nobody told of a call nothing is known."""
    return money_cell(cost) or Text(UNICODE.none)


_BASES: Final = {"reported": "all reported", "computed": "priced here", "at least": "and more", "none": ""}


def _hides(cost: Money) -> str:
    """What the mark means: the basis, or the tokens without a price."""
    if cost.unpriced_calls:
        return f"? {tokens(cost.unpriced_tokens)} tokens"
    return _BASES[cost.mark]
