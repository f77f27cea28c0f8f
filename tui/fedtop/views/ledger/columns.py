"""The ledger as a table: what was changed, what was predicted, what was measured since, and whether it does good; and
the measurements of one change. What cannot be told yet is the dash, never a zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop import kinds
from fedtop.fields import Field, Locale, Part, Table
from fedtop.format import UNICODE, clean, interval, state_text
from fedtop.glyphs import ASCII
from fedtop.views.plan.items import number
from fedtop.views.plan.measures import value_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from fedstore import Change, Effects, Measured
    from fedtop.glyphs import Glyphs

__all__ = [
    "EFFECTS",
    "EFFECT_STATES",
    "LEDGER",
    "EffectLine",
    "effect_lines",
    "effects_of",
    "main_measure",
    "state_cell",
]

EFFECT_STATES: Final = {"confirmed": "ok", "harmful": "alert", "watching": "idle"}
_SHORT: Final = {"latency_ms": "latency", "clarify": "clarified"}


def main_measure(effects: Effects) -> str | None:
    """The measure a change is judged by: accuracy or success; latency where no outcome is known."""
    for name in ("success", "accuracy", "latency_ms"):
        if effects.now.predicted.get(name) is not None or effects.now.values.get(name) is not None:
            return name
    return None


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
    return state_text(EFFECT_STATES.get(effects.state, "unknown"), effects.state, glyphs)


# --- the ledger -----------------------------------------------------------------------------------------------------


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


def _main(change: Change) -> tuple[Measured, str] | None:
    """What was measured since, and the measure that it is judged by."""
    name = None if change.effects is None else main_measure(change.effects)
    return None if change.effects is None or name is None else (change.effects.now, name)


def _measure(change: Change) -> str | None:
    found = _main(change)
    return None if found is None else found[1]


def _predicted(change: Change) -> float | None:
    found = _main(change)
    return None if found is None else found[0].predicted.get(found[1])


def _predicted_cell(change: Change, _: Locale) -> str | None:
    name, value = _measure(change), _predicted(change)
    return None if name is None or value is None else f"{_SHORT.get(name, name)} {value_text(name, value)}"


def _measured(change: Change) -> float | None:
    found = _main(change)
    return None if found is None else found[0].values.get(found[1])


def _end(change: Change, which: int) -> float | None:
    found = _main(change)
    ends = None if found is None else found[0].intervals.get(found[1])
    return None if ends is None else ends[which]


def _measured_cell(change: Change, locale: Locale) -> Text | None:
    found = _main(change)
    return None if found is None else measure_cell(*found, locale.glyphs)


LEDGER: Final[Table[Change]] = Table(
    (
        Field("id", "id", 4, "right", sort_default="desc", value=lambda c: c.id, cell=lambda c, _: f"#{c.id}"),
        Field(
            "at_ms", "when", 12, sort_default="desc", whole=True, value=lambda c: c.at_ms,
            cell=lambda c, locale: locale.moment(c.at_ms),
        ),
        kinds.name("kind", "kind", 8, lambda c: c.kind),
        Field(
            "items", "what changed", 16, grow=True, value=lambda c: _items_text(c, ASCII),
            cell=lambda c, locale: _items_text(c, locale.glyphs),
        ),
        kinds.name("who", "who", 10, lambda c: c.who, limit=40, min_width_shown=130),
        Field(
            "predicted", "predicted", 16, min_width_shown=88, tooltip="What the plan expected",
            value=_predicted, cell=_predicted_cell, parts=(Part("measure", _measure),),
        ),
        Field(
            "measured", "measured so far", 22, min_width_shown=104, tooltip="Under the new policy, 95 % interval",
            value=_measured, cell=_measured_cell, parts=(
                Part("measured_low", lambda c: _end(c, 0)), Part("measured_high", lambda c: _end(c, 1)),
            ),
        ),
        Field(
            "effect", "effect", 11, tooltip="Valid however often one looks",
            value=lambda c: None if c.effects is None else c.effects.state,
            cell=lambda c, locale: None if c.effects is None else state_cell(c.effects, locale.glyphs),
        ),
        Field(
            "undone_by", "taken back", 10, min_width_shown=72, tooltip="The change that took it back",
            value=lambda c: c.undone_by, cell=lambda c, _: None if c.undone_by is None else f"by #{c.undone_by}",
        ),
        kinds.hidden("undoes", lambda c: c.undoes),
        kinds.hidden("plan_id", lambda c: c.plan_id),
        kinds.hidden("old_version", lambda c: c.old_version),
        kinds.hidden("new_version", lambda c: c.new_version),
    ),
    key=lambda c: str(c.id),
    style=lambda c: "" if c.stands else "$dim",
    order="id",
)  # fmt: skip
"""The changes, newest first; what was taken back is dim."""


# --- one change -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EffectLine:
    """What was measured up to a horizon; with `promised` instead what the plan predicted."""

    found: Measured
    promised: bool = False

    def value(self, name: str) -> float | None:
        """A measure; None where it is not known."""
        return (self.found.predicted if self.promised else self.found.values).get(name)

    def end(self, name: str, which: int) -> float | None:
        """An end of its interval; a prediction's is that of the plan."""
        ends = None if self.promised else self.found.intervals.get(name)
        return None if ends is None else ends[which]


def effect_lines(effects: Effects) -> list[EffectLine]:
    """What was predicted, then what was measured after 1 h, 24 h, 7 d and now."""
    return [EffectLine(effects.now, promised=True), *(EffectLine(found) for found in effects.measured)]


def _up_to(line: EffectLine) -> str:
    return "predicted" if line.promised else line.found.horizon


def _horizon(line: EffectLine, _: Locale) -> Text:
    if line.promised:
        return Text("predicted", "$info")
    so_far = not line.found.complete and line.found.horizon != "now"
    return Text.assemble(line.found.horizon, (" so far" if so_far else "", "$dim"))


def _effect(name: str, label: str, width: int, min_width_shown: int = 0) -> Field[EffectLine]:
    def cell(line: EffectLine, locale: Locale) -> Text | None:
        if not line.promised:
            return measure_cell(line.found, name, locale.glyphs)
        value = line.value(name)
        return None if value is None else Text(value_text(name, value), "$info")

    stem, unit = name.removesuffix("_ms"), "_ms" if name.endswith("_ms") else ""
    return Field(
        name, label, width, min_width_shown=min_width_shown, value=lambda line: line.value(name), cell=cell,
        parts=(
            Part(f"{stem}_low{unit}", lambda e: e.end(name, 0)), Part(f"{stem}_high{unit}", lambda e: e.end(name, 1)),
        ),
    )  # fmt: skip


def _counted(
    name: str, label: str, width: int, value: Callable[[EffectLine], int], min_width_shown: int = 0
) -> Field[EffectLine]:
    field: Field[EffectLine] = kinds.count(
        name, label, width, lambda e: None if e.promised else value(e), min_width_shown=min_width_shown
    )
    return kinds.blank_where(field, lambda e: e.promised)


MEASURES: Final = ("success", "accuracy", "latency_ms", "clarify")
EFFECTS: Final[Table[EffectLine]] = Table(
    (
        Field("horizon", "since then", 12, value=_up_to, cell=_horizon),
        _effect("success", "success", 22),
        _effect("accuracy", "accuracy", 20),
        _effect("latency_ms", "latency", 18),
        _effect("clarify", "clarified", 18, 84),
        _counted("graded", "graded", 8, lambda e: e.found.graded, 60),
        _counted("n", "of", 9, lambda e: e.found.n),
    ),
    key=_up_to,
)  # fmt: skip


def effects_of(effects: Effects) -> Table[EffectLine]:
    """The table with the measures in sight that this kind of change has."""
    names = {name for found in effects.measured for name in found.values} | set(effects.now.predicted)
    return EFFECTS.hiding(*(name for name in MEASURES if name not in names))
