"""Plans and the ledger as text: what would change and on which evidence; what changed and what happened since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedstore.learning.boosts import REPLACES
from fedtop import format as fmt
from fedtop.plain.blocks import header, heading, lines
from fedtop.plain.tables import figures, table, words

if TYPE_CHECKING:
    from fedstore import Alternative, Change, FlipCounts, Measured, Plan, PlanItem, PolicyBody, Predicted
    from fedtop.plain.look import Look

__all__ = ["changes", "in_force", "number", "plan"]

MEASURES = {
    "accuracy": "accuracy",
    "latency_ms": "latency",
    "clarify": "clarification",
    "cost_ms": "cost",
    "success": "success of what is boosted",
}
_FACTS = {"optimize": "task", "tune": "decision"}
EFFECT_STATES = {"confirmed": "ok", "harmful": "alert", "watching": "idle"}


def plan(found: Plan, look: Look, *, dry_run: bool) -> RenderableType:
    """A plan: what changes, the evidence, the prediction, what other rules would say."""
    parts: list[RenderableType] = [header(_title(found), look, *_facts(found, look, dry_run=dry_run))]
    if found.items:
        parts += [heading("Changes"), _items(found, look)]
        if found.kind != "optimize":  # its evidence stands above, in the classic wording
            parts += [heading("Evidence"), _evidence(found, look)]
    else:
        parts.append(Text("\nNothing to change.", "bold"))
    if found.predicted:
        parts += [heading("Predicted"), _predictions(found, look)]
    if found.flips and found.flips.total:
        parts += [heading("Decisions that would go elsewhere"), lines([_flips(found.flips, look)])]
    for title, sentences, style in (("Reasons", found.reasons, ""), ("Warnings", found.warnings, "$warn")):
        if sentences:
            parts += [heading(title), lines(Text(look.name(line, 400).plain, style) for line in sentences)]
    if found.more_needed:
        parts += [heading("Missing"), lines([_missing(found)])]
    if _others(found):
        parts += [heading("Other rules"), _alternatives(found, look)]
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
    tuned = found.tuned
    counts = "" if tuned is None else f"{fmt.counted(tuned.events, 'decision')}, {tuned.graded:,} graded"
    return [found.kind, look.name(f"by the rule {found.rule!r}", 60).plain, extent, counts, found.conclusion, kept]


def _items(found: Plan, look: Look) -> RenderableType:
    """What changes, with what every other rule would set beside it."""
    columns = [words("Item", least=14), figures("Now"), figures("New")]
    columns += [figures(look.name(other.rule, 14).plain, 3) for other in _others(found)]
    columns += [words("Grade", 2), figures("n", 1)]
    if any(item.interval for item in found.items):
        columns.append(figures("95 % interval"))
    if found.kind == "optimize":
        columns.append(figures("Peers"))
    shown: list[RenderableType] = [table(columns, [_item(item, found, look) for item in found.items], look)]
    if any(rests.task_type for rests in found.proposals.values()):
        shown.append(Text(f"\n{REPLACES[:1].upper()}{REPLACES[1:]}; now and new are what a router adds.", "$dim"))
    return Group(*shown)


def _evidence(found: Plan, look: Look) -> RenderableType:
    return lines(f"{look.name(item.label, 32).plain}: {look.name(item.evidence, 200).plain}" for item in found.items)


def _missing(found: Plan) -> str:
    if found.kind == "tune":
        wanted = fmt.counted(found.more_needed or 0, "more graded outcome")
        return f"{wanted} would settle it (`fedtop grade` lists the most telling)."
    wanted = fmt.counted(found.more_needed or 0, "more graded task")
    return f"{wanted} would settle whether an agent is a high or a low performer."


def _others(found: Plan) -> list[Alternative]:
    return [other for other in found.alternatives if other.rule != found.rule]


def _item(item: PlanItem, found: Plan, look: Look) -> list[str | Text]:
    rests = found.proposals.get(item.key)
    old, new = (item.old, item.new) if rests is None else (rests.now, rests.new)
    cells: list[str | Text] = [
        look.name(item.label, 32),
        _value(item.key, old, look),
        Text(_value(item.key, new, look), "bold"),
        *(_value(item.key, other.values.get(item.key), look) for other in _others(found)),
        item.grade or look.glyphs.none,
        fmt.count(item.n, look.glyphs),
    ]
    if any(each.interval for each in found.items):
        low, high = item.interval or (None, None)
        cells.append(fmt.interval(low, high, glyphs=look.glyphs))
    if found.kind == "optimize":
        cells.append(fmt.rate(None if rests is None else rests.peers, glyphs=look.glyphs))
    return cells


def _predictions(found: Plan, look: Look) -> RenderableType:
    columns = [
        words("Measure", least=10),
        figures("Now"),
        figures("New"),
        figures("Change"),
        figures("95 % interval", 1),
    ]
    seen = {name: value for name, value in found.predicted.items() if _only_expected(value)}
    rows = [_prediction(name, value, look) for name, value in found.predicted.items() if name not in seen]
    expected = lines(_expected(name, value, look) for name, value in seen.items())
    return Group(expected, table(columns, rows, look)) if rows else expected


def _only_expected(found: Predicted) -> bool:
    """Whether what was seen and what is to be expected are no effect of the plan."""
    return found.change_interval is None and found.now_interval is not None


def _expected(name: str, found: Predicted, look: Look) -> str:
    low, high = found.now_interval or (None, None)
    seen = f"{fmt.rate(found.now, glyphs=look.glyphs)} ({fmt.interval(low, high, glyphs=look.glyphs)}) seen"
    return f"{MEASURES.get(name, name)}: {seen}, {fmt.rate(found.new, glyphs=look.glyphs)} to be expected"


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


def _flips(counts: FlipCounts, look: Look) -> Text:
    told = {name: getattr(counts, name) for name in counts.__dataclass_fields__ if name != "total"}
    words = [f"{count:,} {name.replace('_', ' ')}" for name, count in told.items() if count]
    return Text(look.cell(f"{counts.total:,}: {', '.join(words)}"))


def _alternatives(found: Plan, look: Look) -> RenderableType:
    """What would come of each other rule, as far as can be told, and what kind of rule it is."""
    rows: list[Text] = []
    for other in _others(found):
        measures = ", ".join(
            f"{MEASURES.get(name, name)} {_measure(name, value, look, digits=2 if name == 'accuracy' else 1)}"
            for name, value in other.predicted.items()
        )  # a hundredth of a point may be what it misses the target by
        rows.append(Text(f"{look.name(other.rule, 20).plain}: {measures}" if measures else other.rule))
        rows += [Text(f"  {look.name(part, 200).plain}", "$dim") for part in other.note.split("; ") if part]
    return lines(rows)


def _label(key: str) -> str:
    from fedstore import label_of

    return label_of(key)


def _value(key: str, value: float | None, look: Look) -> str:
    from fedstore import word_of

    return word_of(key, value) or number(value, look, signed=key.startswith("agent:"))


def _measure(name: str, value: float | None, look: Look, digits: int = 1) -> str:
    if name.endswith("_ms"):
        return fmt.duration_ms(value, look.glyphs)
    return fmt.rate(value, digits, glyphs=look.glyphs)


def in_force(version: int, body: PolicyBody, look: Look) -> RenderableType:
    """The policy in force, item by item."""
    told = f"version {version}" if version else "no change was applied yet: routers use their own values"
    parts: list[RenderableType] = [header("POLICY", look, told)]
    if version and not (body.thresholds or body.boosts or body.locked):
        parts.append(Text("\nNothing is set: routers use their own values.", "$dim"))
    if body.thresholds:
        off = dict.fromkeys(body.disabled, " (disabled)")
        rows = [(look.name(f"{layer}{off.get(layer, '')}"), f"{value:.2f}") for layer, value in body.thresholds.items()]
        parts += [heading("Thresholds"), table([words("Layer", least=14), figures("Threshold")], rows, look)]
    boosts = [(look.name(_label(key)), number(value, look, signed=True)) for key, value in _boosts(body)]
    if boosts:
        parts += [heading("Boosts"), table([words("Agent", least=14), figures("Boost")], boosts, look)]
    if body.locked:
        parts += [heading("Locked"), lines(look.name(_label(key)) for key in body.locked)]
    return Group(*parts)


def _boosts(body: PolicyBody) -> list[tuple[str, float]]:
    return sorted((key, value) for key, value in body.values().items() if key.startswith("agent:"))


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
    when = look.when(change.at_ms)
    words = [f"#{change.id}", change.kind, when, look.name(change.who, 40).plain]
    words.append(f"policy version {change.old_version} {look.glyphs.arrow} {change.new_version}")
    if change.undoes is not None:
        words.append(f"takes back #{change.undoes}")
    if change.undone_by is not None:
        words.append(f"taken back by #{change.undone_by}")
    rows: list[str | Text] = [
        f"{look.name(item.label, 40).plain}: {_value(item.key, item.old, look)} {look.glyphs.arrow} "
        f"{_value(item.key, item.new, look)}"
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
        told = f"{MEASURES.get(name, name)} {_measure(name, value, look)}{_span(name, found, look)}"
        words.append(told if expected is None else f"{told} (predicted {_measure(name, expected, look)})")
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
