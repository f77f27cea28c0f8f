"""The costs panel's tiles and its chart. Pure functions of the read model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop.format import UNICODE, clean, money, tokens
from fedtop.values import money_cell
from fedtop.views.costs.columns import NOT_SAID, model_styles
from fedtop.widgets.area_chart import AreaData, Series
from fedtop.widgets.tile import TileData

if TYPE_CHECKING:
    from fedstore.queries.models import CostsView, Money

__all__ = ["bytes_text", "chart_note", "span_text", "spend_chart", "tiles"]


def spend_chart(view: CostsView, only: str | None = None) -> AreaData | None:
    """Nano-USD per bucket stacked by model, largest at the bottom; `only` keeps one model. None: no data."""
    step = view.step_ms
    points = {point.start_ms: dict(point.parts) for point in view.series}
    names = [name for name in view.models if only is None or name == only]
    if not points or not names:
        return None
    first = min(points)
    first -= max(0, first - view.window.start_ms) // step * step if view.window.label != "all" else 0
    starts = range(first, max(max(points) + 1, view.window.end_ms), step)
    styles = model_styles(view.models)
    series = tuple(
        Series(
            clean(name, 40) or NOT_SAID.format("model"),
            tuple(float(points.get(at, {}).get(name, 0)) for at in starts),
            styles[name],
            i % 4,
        )
        for i, name in enumerate(names)
        if any(parts.get(name) for parts in points.values())
    )
    return AreaData(starts[0], starts[-1] + step, series)


def chart_note(view: CostsView) -> str:
    """The width of a bucket, and what the chart cannot show."""
    hidden = view.total.unpriced_tokens
    without = f"without {tokens(hidden)} unpriced tokens" if hidden else ""
    return ", ".join(part for part in (f"per {span_text(view.step_ms)}" if view.series else "", without) if part)


def tiles(view: CostsView) -> dict[str, TileData]:
    """The five figures at the top by name."""
    live = view.window.live
    return {
        "spent": TileData(_big(view.total), f"{tokens(view.tokens)} tokens", _hides(view.total)),
        "today": TileData(_big(view.today), "", _hides(view.today), title="" if live else "that day"),
        "month": TileData(_big(view.month), "", _hides(view.month), title="" if live else "that month"),
        "projected": TileData(
            None if view.month_projected_nano is None else f"{money(view.month_projected_nano)} ~",
            "",
            "too early" if view.month_projected_nano is None else "at this pace",
            state="unknown" if view.month_projected_nano is None else "ok",
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


def bytes_text(size: int) -> str:
    """`512 B`, `12.3 kB`, `1.28 MB`: decimal units, three digits."""
    return f"{tokens(size)}B" if size >= 1_000 else f"{size} B"


def span_text(milliseconds: int) -> str:
    """The width of a bucket in words: `5 min`, `1 h`, `1 d`."""
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000)):
        if milliseconds >= length:
            whole = milliseconds / length
            return f"{whole:.0f} {unit}" if whole == int(whole) else f"{whole:.1f} {unit}"
    return f"{milliseconds / 1_000:.0f} s" if milliseconds else UNICODE.none
