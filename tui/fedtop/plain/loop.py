"""Plans and the ledger as text: what would change and on which evidence; what changed and what happened since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import Column, header, heading, lines, table

if TYPE_CHECKING:
    from fedstore import Alternative, Change, Measured, Plan, PlanItem, Predicted
    from fedtop.plain.look import Look

__all__ = ["changes", "number", "plan"]

MEASURES = {
    "accuracy": "accuracy",
    "latency_ms": "latency",
    "clarify": "clarification",
    "cost_ms": "cost",
    "success": "success of what is boosted",
}
VERDICT_STATES = {"confirmed": "ok", "harmful": "alert", "watching": "idle"}


def plan(found: Plan, look: Look, *, dry_run: bool) -> RenderableType:
    """A plan: what changes, the evidence, the prediction, what other rules would say."""
    parts: list[RenderableType] = [header(_title(found), look, *_facts(found, look, dry_run=dry_run))]
    if found.items:
        parts += [heading("Changes"), _items(found, look)]
    else:
        parts.append(Text("\nNothing to change.", "bold"))
    if found.predicted:
        parts += [heading("Predicted"), _predictions(found, look)]
    if found.flips and found.flips.get("total"):
        parts += [heading("Decisions that would go elsewhere"), lines([_flips(found.flips, look)])]
    for title, sentences, style in (("Reasons", found.reasons, ""), ("Warnings", found.warnings, "$warn")):
        if sentences:
            parts += [heading(title), lines(Text(look.name(line, 400).plain, style) for line in sentences)]
    if found.more_needed:
        needed = f"{found.more_needed:,} more graded outcomes would settle it (`fedtop label` lists the most telling)."
        parts += [heading("Missing"), lines([needed])]
    if found.alternatives:
        parts += [heading("Other rules would say"), _alternatives(found.alternatives, look)]
    return Group(*parts)


def number(value: float | None, look: Look, *, signed: bool) -> str:
    """A boost with its sign, or a threshold; the dash when nothing is set."""
    if value is None:
        return look.glyphs.none
    return look.cell(fmt.delta(value, 2, glyphs=look.glyphs)) if signed else f"{value:.2f}"


def _title(found: Plan) -> str:
    return f"Plan {found.id}" if found.id else "Plan"


def _facts(found: Plan, look: Look, *, dry_run: bool) -> list[str]:
    extent = found.window_label and f"window {found.window_label}"
    kept = "dry run: nothing is changed" if dry_run else ""
    return [found.kind, look.name(f"by the rule {found.policy!r}", 60).plain, extent, found.verdict, kept]


def _signed(found: Plan) -> bool:
    return found.kind == "optimize"


def _items(found: Plan, look: Look) -> RenderableType:
    columns: list[Column] = [
        ("Item", "left"), ("Now", "right"), ("New", "right"), ("Grade", "left"), ("n", "right"),
        ("95 % interval", "right"), ("Evidence", "left"),
    ]  # fmt: skip
    return table(columns, [_item(item, look) for item in found.items], wrap_last=True)


def _item(item: PlanItem, look: Look) -> tuple[str | Text, ...]:
    signed = item.key.startswith("agent:")
    low, high = item.interval or (None, None)
    return (
        look.name(item.label, 32),
        number(item.old, look, signed=signed),
        Text(number(item.new, look, signed=signed), "bold"),
        item.grade or look.glyphs.none,
        fmt.count(item.n, look.glyphs),
        fmt.interval(low, high, glyphs=look.glyphs),
        look.name(item.evidence, 200),
    )


def _predictions(found: Plan, look: Look) -> RenderableType:
    columns: list[Column] = [
        ("Measure", "left"), ("Now", "right"), ("New", "right"), ("Change", "right"), ("95 % interval", "right"),
    ]  # fmt: skip
    rows = [_prediction(name, value, look) for name, value in found.predicted.items()]
    return table(columns, rows)


def _prediction(name: str, found: Predicted, look: Look) -> tuple[str, ...]:
    in_ms = name.endswith("_ms")
    low, high = found.change_interval or (None, None)
    glyphs = look.glyphs
    if in_ms:
        span = f"{fmt.delta(low, 1, glyphs=glyphs)} {glyphs.none} {fmt.delta(high, 1, 'ms', glyphs=glyphs)}"
        change = fmt.delta(found.change, 1, "ms", glyphs=glyphs)
        now, new = fmt.duration_ms(found.now, glyphs), fmt.duration_ms(found.new, glyphs)
    else:
        span = f"{fmt.delta_points(low, 2, glyphs)} {glyphs.none} {fmt.delta_points(high, 2, glyphs)}"
        change = fmt.delta_points(found.change, 2, glyphs)
        now, new = fmt.rate(found.now, glyphs=glyphs), fmt.rate(found.new, glyphs=glyphs)
    return MEASURES.get(name, name), now, new, change, span if low is not None else glyphs.none


def _flips(counts: object, look: Look) -> Text:
    told = dict(counts)  # type: ignore[call-overload]
    total = told.pop("total", 0)
    words = [f"{count:,} {name.replace('_', ' ')}" for name, count in told.items() if count]
    return Text(look.cell(f"{total:,}: {', '.join(words)}"))


def _alternatives(found: tuple[Alternative, ...], look: Look) -> RenderableType:
    rows = []
    for other in found:
        values = ", ".join(f"{_label(key)} {_plain(key, value, look)}" for key, value in other.values.items())
        measures = ", ".join(
            f"{MEASURES.get(name, name)} {_measure(name, value, look)}" for name, value in other.predicted.items()
        )
        rows.append((look.name(other.policy, 20), look.name(values or "nothing", 120), look.name(measures, 80),
                     look.name(other.note, 200)))  # fmt: skip
    columns: list[Column] = [("Rule", "left"), ("Would set", "left"), ("Predicted", "left"), ("", "left")]
    return table(columns, rows, wrap_last=True)


def _label(key: str) -> str:
    from fedstore import label_of

    return label_of(key)


def _plain(key: str, value: float | None, look: Look) -> str:
    return number(value, look, signed=key.startswith("agent:"))


def _measure(name: str, value: float | None, look: Look) -> str:
    return fmt.duration_ms(value, look.glyphs) if name.endswith("_ms") else fmt.rate(value, glyphs=look.glyphs)


# --- the ledger -----------------------------------------------------------------------------------------------------


def changes(found: tuple[Change, ...], look: Look) -> RenderableType:
    """The ledger, newest first, with what happened since each change."""
    if not found:
        return Group(header("CHANGES", look), Text("\nNothing was changed yet: try `fedtop tune --dry-run`.", "$dim"))
    parts: list[RenderableType] = [header("CHANGES", look)]
    for change in found:
        parts += _change(change, look)
    return Group(*parts)


def _change(change: Change, look: Look) -> list[RenderableType]:
    when = fmt.date_time(change.at_ms, look.tz, glyphs=look.glyphs)
    words = [f"#{change.id}", change.kind, when, look.name(change.who, 40).plain, f"policy version {change.new_version}"]
    if change.undoes is not None:
        words.append(f"takes back #{change.undoes}")
    if change.undone_by is not None:
        words.append(f"taken back by #{change.undone_by}")
    rows: list[str | Text] = [
        f"{look.name(item.label, 40).plain}: {_plain(item.key, item.old, look)} {look.glyphs.arrow} "
        f"{_plain(item.key, item.new, look)}"
        for item in change.plan.items
    ]
    rows += [Text(look.name(line, 200).plain, "$warn") for line in change.warnings]
    rows += _effects(change, look)
    return [heading("  ".join(words)), lines(rows)]


def _effects(change: Change, look: Look) -> list[Text]:
    effects = change.effects
    if effects is None:
        return []
    state = fmt.state_text(VERDICT_STATES.get(effects.verdict, "unknown"), f"since then: {effects.verdict}", look.glyphs)
    return [state, *(_measured(found, look) for found in effects.measured)]


def _measured(found: Measured, look: Look) -> Text:
    words = [found.horizon]
    for name, value in found.values.items():
        expected = found.predicted.get(name)
        told = f"{MEASURES.get(name, name)} {_measure(name, value, look)}"
        words.append(told if expected is None else f"{told} (predicted {_measure(name, expected, look)})")
    return Text(f"  {'  '.join(words)}  n={found.n:,}", "$dim")
