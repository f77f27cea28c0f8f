"""The grading queue's lines: the decision under the cursor, and how much is graded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop.format import UNICODE, clean, count, rate
from fedtop.palette import hue

if TYPE_CHECKING:
    from fedstore import GradeItem, GradeProgress

__all__ = ["UNTOLD", "item_lines", "progress_parts"]

UNTOLD: Final = "To see task texts here, keep them: keep_content = true (config), or `fedtop import --content`"
"""Why no decision says what it was about."""


def item_lines(item: GradeItem | None) -> list[Text]:
    """The decision under the cursor: the task, where it went, and who else was proposed."""
    if item is None:
        return []
    sent = Text.assemble(
        ("sent to ", "$dim"),
        (clean(item.agent, 40) or UNICODE.none, "bold"),
        (" by ", "$dim"),
        (clean(item.layer, 24), hue(item.layer)),
    )
    others = [clean(name, 40) for name in item.proposals if name != item.agent]
    if others:
        sent.append("   other layers proposed ", "$dim").append(", ".join(others))
    words = clean(item.description or "", 400)
    return [Text.assemble((clean(item.task_id, 60), "$dim"), "  ", words or ("no description kept", "$dim")), sent]


def progress_parts(now: GradeProgress) -> tuple[Text, ...]:
    """How much is graded, of all and of those near a threshold; and what no grade speaks for."""
    parts = [
        Text.assemble(("graded ", "$dim"), (count(now.graded), "bold"), (f" of {count(now.decisions)}", "$dim")),
        Text.assemble(
            ("near a threshold ", "$dim"), (count(now.near_graded), "bold"), (f" of {count(now.near)}", "$dim")
        ),
    ]
    if now.decisions and now.covered < 1:
        parts.append(Text(f"no grade speaks for {rate(1 - now.covered)} of them", "$warn"))
    return tuple(parts)
