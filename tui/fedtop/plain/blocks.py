"""The building blocks of printed views: headings, fields, rates and bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.tables import INDENT, Cell
from fedtop.sanitize import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fedstore import Window
    from fedstore.learning.stratified import WeightedRate
    from fedstore.queries.models import Money, Rate, Ungraded
    from fedtop.plain.look import Look

__all__ = [
    "Captioned", "bar_width", "captioned", "header", "heading", "lines", "money", "no_verdict", "rate", "share_bar",
    "tasks", "tight", "window_text",
]  # fmt: skip

Captioned = tuple[str, Cell | None]
BAR_WIDTH = 28


def header(title: str, look: Look, *facts: str) -> RenderableType:
    """The title of a view, in a frame where there are colours, then one line of facts."""
    top: RenderableType = Text(title, "bold")
    if look.colours and not look.glyphs.ascii:
        top = Panel(Text(title, "bold", justify="center"), box=box.DOUBLE, width=min(look.width, 70))
    shown = "  |  ".join(fact for fact in facts if fact)
    return Group(top, Text(clean(shown, None), "$dim")) if shown else top


def heading(title: str) -> Text:
    """The title of a section, a blank line before it."""
    return Text.assemble("\n", (title, "bold"))


def captioned(rows: Iterable[Captioned], look: Look) -> RenderableType:
    """``Label:   value`` lines; a value that is None is the dash."""
    grid = Table.grid(padding=(0, 2))
    for label, value in rows:
        shown = look.glyphs.none if value is None else value
        grid.add_row(f"{label}:", Text(shown) if isinstance(shown, str) else tight(shown))
    return Padding(grid, (0, 0, 0, INDENT))


def lines(rows: Iterable[Cell]) -> RenderableType:
    """One line each."""
    return Padding(Group(*(Text(row) if isinstance(row, str) else row for row in rows)), (0, 0, 0, INDENT))


def rate(value: Rate | WeightedRate, look: Look, *, n: bool = True) -> Text:
    """``89.4 % 87.6–91.0 n=1,284``."""
    low, high = value.interval or (None, None)
    return fmt.rate_text(value.value, low, high, value.n if n else None, glyphs=look.glyphs)


def tasks(number: int, executions: int, look: Look) -> str:
    """``3,056``, or ``31   (executions)`` and ``40   (9 executions)`` where tasks are executions of tools."""
    shown = fmt.count(number, look.glyphs)
    if not executions:
        return shown
    return f"{shown}   ({'' if executions == number else f'{executions:,} '}executions)"


def no_verdict(ungraded: Ungraded) -> list[Captioned]:
    """A line on the runs that no rate speaks of; none where all were graded."""
    return [("No Verdict", ungraded.text)] if ungraded.runs else []


def tight(text: Text) -> Text:
    """Without the blanks that align it in a column."""
    return text[len(text.plain) - len(text.plain.lstrip()) :]


def money(value: Money, look: Look) -> Text:
    """``$4.10 ~``; what is unpriced is told with the tokens it hides, never as $0."""
    text = fmt.money_text(value.nano if value.known else None, value.mark, glyphs=look.glyphs)
    if value.unpriced_calls:
        text.append(f" + {fmt.tokens(value.unpriced_tokens, look.glyphs)} tokens unpriced", "$dim")
    return text


def share_bar(fraction: float | None, width: int = BAR_WIDTH) -> str:
    """``[=====-----]``, in the characters that every terminal and every log file has."""
    full = 0 if fraction is None else min(width, max(0, round(fraction * width)))
    if fraction and not full:
        full = 1
    return f"[{'=' * full}{'-' * (width - full)}]"


def bar_width(look: Look, beside: int) -> int:
    """How long a bar may be with so many cells on both its sides."""
    return max(8, min(BAR_WIDTH, look.width - INDENT - beside - 2))


def window_text(window: Window, look: Look) -> str:
    """``24h to 27 Nov 14:36``, or ``all``."""
    end = look.when(window.end_ms)
    return f"Window: {window.label} to {end}"
