"""The grading queue as text: which ungraded decisions would tell most, and what the grades so far say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import Captioned, captioned, header, heading, window_text
from fedtop.plain.tables import table_of
from fedtop.views.grading.columns import ORDER, QUEUE
from fedtop.views.grading.parts import UNTOLD

if TYPE_CHECKING:
    from fedstore import GradeItem, GradeProgress, Window
    from fedtop.plain.look import Look

__all__ = ["queue"]


def queue(
    items: tuple[GradeItem, ...], progress: GradeProgress, window: Window, look: Look, notice: str | None = None
) -> RenderableType:
    """The state of the grades, then the decisions nearest to a threshold."""
    parts: list[RenderableType] = [header("GRADING QUEUE", look, window_text(window, look))]
    if notice:
        return Group(*parts, Text(f"\n{notice}", "$warn"))
    parts += [heading("Grades so far"), captioned(_progress(progress, look), look)]
    if not items:
        return Group(*parts, Text("\nNothing to grade: every decision of this window is graded.", "$dim"))
    how = "fedtop grade ID right | wrong | AGENT | clear"
    told = any(item.description for item in items)
    how = how if told else f"{how}\n{UNTOLD}"
    return Group(
        *parts, heading(f"{ORDER[:1].upper()}{ORDER[1:]}"), table_of(QUEUE, items, look), Text(f"\n{how}", "$dim")
    )


def _progress(found: GradeProgress, look: Look) -> list[Captioned]:
    low, high = found.interval or (None, None)
    glyphs = look.glyphs
    return [
        ("Decisions", fmt.count(found.decisions, glyphs)),
        ("Graded", fmt.count(found.graded, glyphs)),
        ("Near a threshold", f"{fmt.count(found.near, glyphs)}, {fmt.count(found.near_graded, glyphs)} of them graded"),
        ("Accuracy", fmt.rate_text(found.accuracy, low, high, found.graded, glyphs=glyphs)),
        ("Covered", fmt.rate(found.covered, 0, glyphs)),
    ]
