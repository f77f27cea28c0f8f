"""One change of the ledger in lines: its head, and what is to be said of what happened since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from fedtop.format import UNICODE, clean, date_time
from fedtop.views.ledger.columns import main_measure, state_cell
from fedtop.views.plan.measures import value_text
from fedtop.views.text_lines import bullets

if TYPE_CHECKING:
    from datetime import tzinfo

    from fedstore import Change
    from fedtop.glyphs import Glyphs
    from fedtop.views.text_lines import Item

__all__ = ["change_parts", "effect_notes"]


def change_parts(change: Change, tz: tzinfo, now_ms: int, glyphs: Glyphs = UNICODE) -> tuple[Text, ...]:
    """`Change #12`, kind, when, who, versions, whether it stands."""
    parts = [
        Text.assemble(("Change ", "$dim"), (f"#{change.id}", "bold $accent")),
        Text(change.kind),
        Text(date_time(change.at_ms, tz, now_ms)),
        Text(f"by {clean(change.who, 40)}" if change.who else "by nobody named", "$dim"),
        Text(f"plan {clean(change.plan_id, 40)}", "$dim"),
        Text(f"policy version {change.old_version} {glyphs.arrow} {change.new_version}", "$dim"),
    ]
    if change.undoes is not None:
        parts.append(Text(f"takes back #{change.undoes}", "$info"))
    if change.undone_by is not None:
        parts.append(Text(f"taken back by #{change.undone_by}", "$warn"))
    return tuple(parts)


def effect_notes(change: Change, glyphs: Glyphs = UNICODE) -> list[Item]:
    """Where it stands in a sentence, broken assumptions, notes, then the plan's own reasons and warnings."""
    effects = change.effects
    items: list[Item] = []
    if effects is not None:
        text = state_cell(effects, glyphs)
        if effects.reference is not None:
            name = main_measure(effects)
            least = value_text(name, effects.reference) if name not in (None, "latency_ms") else ""
            text.append(f"  at least {least} is expected; this holds with 95 % confidence" if least else "", "$dim")
        items.append(text)
        items += bullets(effects.broken, glyphs.warn, "$warn")
        items += bullets(effects.notes, glyphs.dot, "$dim")
    items += bullets(change.plan.reasons, glyphs.dot, "$info")
    return [*items, *bullets(change.plan.warnings, glyphs.warn, "$warn")]
