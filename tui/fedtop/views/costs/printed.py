"""Spend as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedstore import bytes_text
from fedtop import format as fmt
from fedtop.plain.blocks import Captioned, captioned, header, heading, money, window_text
from fedtop.plain.tables import table_of
from fedtop.views.costs.columns import COSTS, DIMENSION_LABELS, cost_lines

if TYPE_CHECKING:
    from fedstore.queries.models import CostsView
    from fedtop.plain.look import Look

__all__ = ["costs"]


def costs(view: CostsView, look: Look, notice: str | None = None) -> RenderableType:
    """What was spent, by one dimension; today, this month, and where the month is going."""
    glyphs = look.glyphs
    parts: list[RenderableType] = [header("COSTS", look, window_text(view.window, look))]
    if notice and not view.month.nano:
        return Group(*parts, Text(f"\n{notice}", "$warn"))
    if notice:
        parts.append(Text(f"\n{notice}", "$warn"))
    facts: list[Captioned] = [
        ("Window", money(view.total, look)),
        ("Today" if view.window.live else "That day", money(view.today, look)),
        ("Month", money(view.month, look)),
        ("Month projected", fmt.money(view.month_projected_nano, glyphs=glyphs)),
        ("Tokens", fmt.tokens(view.tokens, glyphs)),
        ("Storage", bytes_text(view.store_bytes)),
    ]
    parts += [heading("Spend"), captioned(facts, look)]
    if view.rows:
        by = table_of(COSTS[view.dimension], cost_lines(view), look)
        parts += [heading(f"By {DIMENSION_LABELS[view.dimension]}"), by]
    parts.append(Text(look.cell("\n= reported   ~ computed from tokens   ≥ at least   ? unpriced"), "$dim"))
    return Group(*parts)
