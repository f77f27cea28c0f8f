"""The costs panel's content: rows per name of a dimension, the stacked spend, tiles.

An amount whose price is not known is `?` beside the tokens it hides, never $0. Pure functions of the read
model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop.format import UNICODE, clean, count, money, money_text, rate, tokens
from fedtop.themes import HUES, hue
from fedtop.widgets.area_chart import AreaData, Series
from fedtop.widgets.interval_bar import Bar
from fedtop.widgets.live_table import Cell, Column, Row
from fedtop.widgets.tile import TileData

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.queries.models import CostRow, CostsView, Money

__all__ = [
    "DIMENSIONS",
    "DIMENSION_LABELS",
    "NAME_CELLS",
    "bytes_text",
    "chart_note",
    "cost_columns",
    "cost_rows",
    "money_cell",
    "next_dimension",
    "span_text",
    "spend_chart",
    "tiles",
]

DIMENSIONS: Final = ("model", "agent", "project", "task_type", "operation")
DIMENSION_LABELS: Final = {name: name.replace("_", " ") for name in DIMENSIONS}
NAME_CELLS: Final = 80
_OTHER: Final = "other"
NOT_SAID: Final = "(no {})"
"""What stands for a name that was not recorded; spend without a model is that of tools."""


def next_dimension(dimension: str, step: int = 1) -> str:
    """The dimension after (or before) this one, around the end."""
    return DIMENSIONS[(DIMENSIONS.index(dimension) + step) % len(DIMENSIONS)]


def cost_columns(dimension: str) -> tuple[Column, ...]:
    """The table's columns; the first one is named after the dimension."""
    return (
        Column("name", DIMENSION_LABELS[dimension], 18, grow=True),
        Column("cost", "cost", 10, "right", sort_default="desc"),
        Column("bar", "", 6, grow=True, min_width_shown=90, sort_default="desc"),
        Column("share", "share", 7, "right", sort_default="desc"),
        Column("calls", "calls", 7, "right", sort_default="desc"),
        Column("errors", "errors", 6, "right", min_width_shown=104, sort_default="desc"),
        Column("input", "input", 7, "decimal", sort_default="desc"),
        Column("read", "cached", 7, "decimal", min_width_shown=112, sort_default="desc"),
        Column("write", "written", 7, "decimal", min_width_shown=118, sort_default="desc"),
        Column("output", "output", 8, "decimal", min_width_shown=64, sort_default="desc"),
        Column(
            "hidden",
            "unpriced",
            8,
            "right",
            min_width_shown=76,
            sort_default="desc",
            tooltip="Tokens whose price is not known",
        ),
    )


def money_cell(cost: Money) -> Text:
    """The amount with the mark of its weakest basis; `?` when all of it is unpriced."""
    nano = cost.nano if cost.known else None
    text = money_text(nano, cost.mark)
    return text if nano is not None or cost.mark == "none" else Text.assemble(("?", "bold $warn"), "  ")


def cost_rows(view: CostsView) -> list[Row]:
    """A row per name; the key is the name (NUL: not said). Models have the colours of the chart."""
    if view.dimension != "model":
        return [_cost_row(row, "$info", "", view.dimension) for row in view.rows]
    styles = _styles(view.models)
    colours = [styles.get(row.name, hue(row.name)) for row in view.rows]
    return [_cost_row(row, colour, colour, "model") for row, colour in zip(view.rows, colours, strict=True)]


def _cost_row(row: CostRow, colour: str, name_style: str, dimension: str) -> Row:
    hidden = row.cost.unpriced_tokens
    name = clean(row.name, NAME_CELLS)
    cells: dict[str, Cell] = {
        "name": Text(name, name_style) if name else Text(NOT_SAID.format(DIMENSION_LABELS[dimension]), "$dim"),
        "cost": money_cell(row.cost),
        "bar": Bar(row.share, colour),
        "share": None if row.share is None else rate(row.share),
        "calls": count(row.calls),
        "errors": Text(count(row.errors), "$warn") if row.errors else Text("0", "$dim"),
        "input": tokens(row.input_tokens),
        "read": tokens(row.cache_read_tokens),
        "write": tokens(row.cache_write_tokens),
        "output": f"≥{tokens(row.output_tokens)}" if row.output_is_minimum else tokens(row.output_tokens),
        "hidden": Text(tokens(hidden), "$warn") if row.cost.unpriced_calls else Text(""),
    }
    return Row(row.name or "\x00", cells, _sort_of(row))


def _sort_of(row: CostRow) -> dict[str, str | int | float | None]:
    return {
        "name": row.name,
        "cost": row.cost.nano if row.cost.known else None,
        "bar": row.share,
        "share": row.share,
        "calls": row.calls,
        "errors": row.errors,
        "input": row.input_tokens,
        "read": row.cache_read_tokens,
        "write": row.cache_write_tokens,
        "output": row.output_tokens,
        "hidden": row.cost.unpriced_tokens,
    }


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
    styles = _styles(view.models)
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


def _styles(names: Sequence[str]) -> dict[str, str]:
    """Each model in its own hue; where two share one, the smaller spender takes a free one."""
    taken: set[str] = set()
    styles = {}
    for name in names:
        wanted = "$faint" if name == _OTHER else hue(name)
        free = (f"$hue-{i}" for i in range(HUES) if f"$hue-{i}" not in taken)
        styles[name] = wanted if wanted not in taken else next(free, wanted)
        taken.add(styles[name])
    return styles


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
    return Text(UNICODE.none) if cost.mark == "none" else money_cell(cost)


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
