"""Spend per name of a dimension as a table.

An amount whose price is not known is `?` beside the tokens it hides, never $0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedstore.queries.models import COST_DIMENSIONS, OTHER
from fedtop import kinds
from fedtop.fields import Field, Locale, Part, Table
from fedtop.format import tokens
from fedtop.palette import HUES, hue
from fedtop.widgets.interval_bar import Bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.queries.models import CostRow, CostsView

__all__ = [
    "COSTS", "DIMENSIONS", "DIMENSION_LABELS", "NAME_CELLS", "NOT_SAID", "CostLine", "cost_lines", "model_styles",
    "next_dimension",
]  # fmt: skip

DIMENSIONS: Final = COST_DIMENSIONS
DIMENSION_LABELS: Final = {name: name.replace("_", " ") for name in DIMENSIONS}
NAME_CELLS: Final = 80
NOT_SAID: Final = "(no {})"
"""What stands for a name that was not recorded; spend without a model is that of tools."""


def next_dimension(dimension: str, step: int = 1) -> str:
    """The dimension after (or before) this one, around the end."""
    return DIMENSIONS[(DIMENSIONS.index(dimension) + step) % len(DIMENSIONS)]


@dataclass(frozen=True, slots=True)
class CostLine:
    """What one name of a dimension spent, and the colour of a model in the chart."""

    row: CostRow
    colour: str = ""


def _output(line: CostLine, locale: Locale) -> str:
    row = line.row
    return f"{'≥' if row.output_is_minimum else ''}{tokens(row.output_tokens, locale.glyphs)}"


def _hidden(line: CostLine, locale: Locale) -> Text:
    """The tokens whose price is not known; blank where there are none."""
    cost = line.row.cost
    return Text(tokens(cost.unpriced_tokens, locale.glyphs), "$warn") if cost.unpriced_calls else Text("")


def _by(dimension: str) -> Table[CostLine]:
    """The table whose first column is the dimension."""
    label = DIMENSION_LABELS[dimension]
    who: Field[CostLine] = kinds.name(
        dimension, label, 18, lambda c: c.row.name, style=lambda c: c.colour, limit=NAME_CELLS,
        none=NOT_SAID.format(label), grow=True,
    )  # fmt: skip
    return Table((who, *_FIELDS), key=lambda c: c.row.name or "\x00", order="cost_nano")


_FIELDS: Final[tuple[Field[CostLine], ...]] = (
    kinds.money(
        "cost_nano", "cost", 10, lambda c: c.row.cost, parts=kinds.money_parts("cost", lambda c: c.row.cost)[:-1],
    ),
    kinds.drawing(
        "bar", "", 6, lambda c: Bar(c.row.share, c.colour or "$info"), lambda c: c.row.share, grow=True,
        min_width_shown=90,
    ),
    kinds.share("share", "share", 7, lambda c: c.row.share),
    kinds.count("calls", "calls", 7, lambda c: c.row.calls),
    kinds.count(
        "errors", "errors", 6, lambda c: c.row.errors, style=lambda c: "$warn" if c.row.errors else "$dim",
        min_width_shown=104,
    ),
    kinds.tokens("input_tokens", "input", 7, lambda c: c.row.input_tokens),
    kinds.tokens("cache_read_tokens", "cached", 7, lambda c: c.row.cache_read_tokens, min_width_shown=112),
    kinds.tokens(
        "cache_write_tokens", "written", 7, lambda c: c.row.cache_write_tokens, min_width_shown=118,
        parts=(Part("cache_write_1h_tokens", lambda c: c.row.cache_write_1h_tokens),),
    ),
    Field(
        "output_tokens", "output", 8, "right", min_width_shown=64, sort_default="desc",
        value=lambda c: c.row.output_tokens, cell=_output,
        parts=(Part("output_is_minimum", lambda c: c.row.output_is_minimum),),
    ),
    Field(
        "cost_unpriced_tokens", "unpriced", 8, "right", min_width_shown=76, sort_default="desc",
        tooltip="Tokens whose price is not known", value=lambda c: c.row.cost.unpriced_tokens, cell=_hidden,
    ),
)  # fmt: skip

COSTS: Final = {dimension: _by(dimension) for dimension in DIMENSIONS}
"""The table of each dimension."""


def cost_lines(view: CostsView) -> list[CostLine]:
    """A line per name; models have the colours of the chart."""
    if view.dimension != "model":
        return [CostLine(row) for row in view.rows]
    styles = model_styles(view.models)
    return [CostLine(row, styles.get(row.name, hue(row.name))) for row in view.rows]


def model_styles(names: Sequence[str]) -> dict[str, str]:
    """Each model in its own hue; where two share one, the smaller spender takes a free one."""
    taken: set[str] = set()
    styles = {}
    for name in names:
        wanted = "$faint" if name == OTHER else hue(name)
        free = (f"$hue-{i}" for i in range(HUES) if f"$hue-{i}" not in taken)
        styles[name] = wanted if wanted not in taken else next(free, wanted)
        taken.add(styles[name])
    return styles
