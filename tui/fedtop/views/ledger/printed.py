"""The ledger as text, newest first: what changed, and what happened since each change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import header, heading, lines
from fedtop.views.ledger.columns import EFFECT_STATES
from fedtop.views.plan.items import number
from fedtop.views.plan.measures import MEASURES, value_text

if TYPE_CHECKING:
    from fedstore import Change, Measured, Plan
    from fedtop.plain.look import Look

__all__ = ["changes"]

_FACTS = {"optimize": "task", "tune": "decision"}


def changes(found: tuple[Change, ...], look: Look) -> RenderableType:
    """The ledger, newest first, with what happened since each change."""
    if not found:
        return Group(header("CHANGES", look), Text("\nNothing was changed yet: try `fedtop tune --dry-run`.", "$dim"))
    parts: list[RenderableType] = [header("CHANGES", look)]
    for change in found:
        parts += _change(change, look)
    return Group(*parts)


def _change(change: Change, look: Look) -> list[RenderableType]:
    when = look.when(change.at_ms)
    words = [f"#{change.id}", change.kind, when, look.name(change.who, 40).plain]
    words.append(f"policy version {change.old_version} {look.glyphs.arrow} {change.new_version}")
    if change.undoes is not None:
        words.append(f"takes back #{change.undoes}")
    if change.undone_by is not None:
        words.append(f"taken back by #{change.undone_by}")
    rows: list[str | Text] = [
        f"{look.name(item.label, 40).plain}: {number(item.key, item.old, look.glyphs)} {look.glyphs.arrow} "
        f"{number(item.key, item.new, look.glyphs)}"
        for item in change.plan.items
    ]
    if change.plan.extent is not None:
        rows.append(Text(f"plan {_rests_on(change.plan, look)}", "$dim"))
    rows += [Text(look.name(line, 200).plain, "$warn") for line in change.warnings]
    rows += _effects(change, look)
    return [heading("  ".join(words)), lines(rows)]


def _rests_on(found: Plan, look: Look) -> str:
    """A plan's name, rule and conclusion, and the evidence it was made from."""
    extent = found.extent
    counts = "" if extent is None else f"{fmt.counted(extent.facts, _FACTS[found.kind])}, {extent.graded:,} graded"
    rule = f"rule {look.name(found.rule, 20).plain}"
    return ", ".join(
        part for part in (found.id, rule, found.conclusion, f"window {found.window_label}", counts) if part
    )


def _effects(change: Change, look: Look) -> list[Text]:
    effects = change.effects
    if effects is None:
        return []
    told = f"since then: {effects.state}"
    state = fmt.state_text(EFFECT_STATES.get(effects.state, "unknown"), told, look.glyphs)
    broken = [fmt.state_text("warn", look.name(text, 200).plain, look.glyphs) for text in effects.broken]
    # A horizon that has not passed says what "now" says, one without a fact only what was predicted.
    passed = [found for found in effects.measured if (found.complete and found.n) or found is effects.now]
    measured = [_measured(found, look) for found in passed]
    return [state, *broken, *measured, *(Text(f"  {look.name(text, 200).plain}", "$dim") for text in effects.notes)]


def _measured(found: Measured, look: Look) -> Text:
    words = [found.horizon]
    for name, value in found.values.items():
        expected = found.predicted.get(name)
        told = f"{MEASURES.get(name, name)} {value_text(name, value, look.glyphs)}{_span(name, found, look)}"
        words.append(told if expected is None else f"{told} (predicted {value_text(name, expected, look.glyphs)})")
    graded = f", {found.graded:,} graded" if found.graded != found.n else ""
    return Text(f"  {'  '.join(words)}  n={found.n:,}{graded}", "$dim")


def _span(name: str, found: Measured, look: Look) -> str:
    """The interval behind a figure; that of a time in whole milliseconds."""
    pair = found.intervals.get(name)
    if pair is None:
        return ""
    if name.endswith("_ms"):
        return look.cell(f" {max(0.0, pair[0]):.0f}–{pair[1]:.0f}")
    return f" {fmt.interval(*pair, glyphs=look.glyphs)}"
