"""The ledger as rows: what was changed, what was predicted, what was measured since, and whether it does good.

Pure functions of `Change` and its effects. What cannot be told yet is the dash, never a zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop.format import UNICODE, clean, count, date_time, interval, state_text
from fedtop.views.plan.columns import value_text
from fedtop.views.plan.items import number
from fedtop.views.text_lines import bullets
from fedtop.widgets.live_table import Column, Row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from fedstore import Change, Effects, Measured
    from fedtop.glyphs import Glyphs
    from fedtop.views.text_lines import Item
    from fedtop.widgets.live_table import Cell, SortValue

__all__ = [
    "EFFECT_COLUMNS",
    "LEDGER_COLUMNS",
    "change_parts",
    "effect_notes",
    "effect_rows",
    "ledger_rows",
    "main_measure",
    "state_cell",
]

_STATES: Final = {"confirmed": "ok", "harmful": "alert", "watching": "idle"}
_SHORT: Final = {"latency_ms": "latency", "clarify": "clarified"}

LEDGER_COLUMNS: Final = (
    Column("id", "id", 4, "right", sort_default="desc"),
    Column("when", "when", 12, sort_default="desc", whole=True),
    Column("kind", "kind", 8),
    Column("items", "what changed", 16, grow=True),
    Column("who", "who", 10, min_width_shown=130),
    Column("predicted", "predicted", 16, min_width_shown=88, tooltip="What the plan expected"),
    Column("measured", "measured so far", 22, min_width_shown=104, tooltip="Under the new policy, 95 % interval"),
    Column("effect", "effect", 11, tooltip="Valid however often one looks"),
    Column("undone", "taken back", 10, min_width_shown=72, tooltip="The change that took it back"),
)


def ledger_rows(changes: Sequence[Change], tz: tzinfo, now_ms: int, glyphs: Glyphs = UNICODE) -> list[Row]:
    """A row per change, in the order given; its key is the change's id. What was taken back is dim."""
    return [_ledger_row(change, tz, now_ms, glyphs) for change in changes]


def _ledger_row(change: Change, tz: tzinfo, now_ms: int, glyphs: Glyphs) -> Row:
    cells: dict[str, Cell] = {
        "id": f"#{change.id}",
        "when": date_time(change.at_ms, tz, now_ms),
        "kind": change.kind,
        "items": _items_text(change, glyphs),
        "who": clean(change.who, 40) or None,
        "predicted": _predicted(change),
        "measured": _measured(change, glyphs),
        "effect": None if change.effects is None else state_cell(change.effects, glyphs),
        "undone": None if change.undone_by is None else f"by #{change.undone_by}",
    }
    sort: dict[str, SortValue] = {"id": change.id, "when": change.at_ms, "undone": change.undone_by}
    return Row(str(change.id), cells, sort, style="" if change.stands else "$dim")


def _items_text(change: Change, glyphs: Glyphs) -> str:
    """`semantic 0.70→0.66, rag …`, or what it takes back."""
    shown = [
        f"{clean(item.label, 40)} {number(item.key, item.old)}{glyphs.arrow}{number(item.key, item.new)}"
        for item in change.plan.items
    ]
    lead = "" if len(shown) < 4 else f"{len(shown)}: "
    if change.undoes is not None:
        lead = f"takes back #{change.undoes}: "
    return lead + (", ".join(shown) or "nothing")


def main_measure(effects: Effects) -> str | None:
    """The measure a change is judged by: accuracy or success; latency where no outcome is known."""
    for name in ("success", "accuracy", "latency_ms"):
        if effects.now.predicted.get(name) is not None or effects.now.values.get(name) is not None:
            return name
    return None


def _predicted(change: Change) -> str | None:
    effects = change.effects
    name = main_measure(effects) if effects is not None else None
    value = effects.now.predicted.get(name) if effects is not None and name is not None else None
    return None if name is None or value is None else f"{_SHORT.get(name, name)} {value_text(name, value)}"


def _measured(change: Change, glyphs: Glyphs) -> Text | None:
    effects = change.effects
    name = main_measure(effects) if effects is not None else None
    if effects is None or name is None or effects.now.values.get(name) is None:
        return None
    return measure_cell(effects.now, name, glyphs)


def measure_cell(found: Measured, name: str, glyphs: Glyphs = UNICODE) -> Text | None:
    """`96.1 % 94.8–97.2`, or milliseconds with theirs; None when nothing was measured."""
    value = found.values.get(name)
    if value is None:
        return None
    text, span = Text(value_text(name, value)), found.intervals.get(name)
    if span is not None and name.endswith("_ms"):
        text.append(f" {max(0.0, span[0]):.0f}{glyphs.none}{span[1]:.0f}", "$dim")
    elif span is not None:
        text.append(f" {interval(*span, glyphs=glyphs)}", "$dim")
    return text


def state_cell(effects: Effects, glyphs: Glyphs = UNICODE) -> Text:
    """Watching, confirmed or harmful; replay assumptions that are broken show as a warning."""
    if effects.broken and effects.state == "watching":
        return state_text("warn", "watching", glyphs)
    return state_text(_STATES.get(effects.state, "unknown"), effects.state, glyphs)


# --- one change -----------------------------------------------------------------------------------------------------


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


EFFECT_COLUMNS: Final = (
    Column("horizon", "since then", 12),
    Column("success", "success", 22),
    Column("accuracy", "accuracy", 20),
    Column("latency_ms", "latency", 18),
    Column("clarify", "clarified", 18, min_width_shown=84),
    Column("graded", "graded", 8, "right", min_width_shown=60),
    Column("n", "of", 9, "right"),
)
MEASURES: Final = ("success", "accuracy", "latency_ms", "clarify")


def effect_columns(effects: Effects) -> tuple[Column, ...]:
    """The columns of the measures that this kind of change has."""
    names = {name for found in effects.measured for name in found.values} | set(effects.now.predicted)
    return tuple(column for column in EFFECT_COLUMNS if column.key not in MEASURES or column.key in names)


def effect_rows(effects: Effects, glyphs: Glyphs = UNICODE) -> list[Row]:
    """What was predicted, then what was measured after 1 h, 24 h, 7 d and now."""
    predicted: dict[str, Cell] = {"horizon": Text("predicted", "$info"), "graded": "", "n": ""}
    for name, value in effects.now.predicted.items():
        predicted[name] = None if value is None else Text(value_text(name, value), "$info")
    return [Row("predicted", predicted), *(_effect_row(found, glyphs) for found in effects.measured)]


def _effect_row(found: Measured, glyphs: Glyphs) -> Row:
    so_far = not found.complete and found.horizon != "now"
    cells: dict[str, Cell] = {
        "horizon": Text.assemble(found.horizon, (" so far" if so_far else "", "$dim")),
        "graded": count(found.graded),
        "n": count(found.n),
    }
    for name in MEASURES:
        cells[name] = measure_cell(found, name, glyphs)
    return Row(found.horizon, cells)


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
