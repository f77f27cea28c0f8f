"""A plan as text: what would change, on which evidence, what is predicted, what other rules say; and the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedstore.learning.boosts import REPLACES
from fedtop import format as fmt
from fedtop.plain.blocks import header, heading, lines
from fedtop.plain.tables import table_of
from fedtop.views.plan.columns import BOOSTS_SET, PREDICTED, THRESHOLDS_SET, Forecast, printed_table
from fedtop.views.plan.items import boost_name
from fedtop.views.plan.lines import boost_lines, plan_lines
from fedtop.views.plan.measures import MEASURES, value_text

if TYPE_CHECKING:
    from fedstore import Alternative, FlipCounts, Plan, PolicyBody
    from fedtop.plain.look import Look

__all__ = ["in_force", "plan"]


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
    lines_of = boost_lines(found, {}) if found.kind == "optimize" else plan_lines(found)
    changed = [line for line in lines_of if line.item is not None]
    shown: list[RenderableType] = [table_of(printed_table(found), changed, look)]
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


def _predictions(found: Plan, look: Look) -> RenderableType:
    predicted = [Forecast(name, value) for name, value in found.predicted.items()]
    effects = [line for line in predicted if not line.is_expected]
    expected = lines(_expected(line, look) for line in predicted if line.is_expected)
    return Group(expected, table_of(PREDICTED, effects, look)) if effects else expected


def _expected(line: Forecast, look: Look) -> str:
    low, high = line.found.now_interval or (None, None)
    now, new = (value_text(line.measure, value, look.glyphs) for value in (line.found.now, line.found.new))
    seen = f"{now} ({fmt.interval(low, high, glyphs=look.glyphs)}) seen"
    return f"{MEASURES.get(line.measure, line.measure)}: {seen}, {new} to be expected"


def _flips(counts: FlipCounts, look: Look) -> Text:
    told = {name: getattr(counts, name) for name in counts.__dataclass_fields__ if name != "total"}
    words = [f"{count:,} {name.replace('_', ' ')}" for name, count in told.items() if count]
    return Text(look.cell(f"{counts.total:,}: {', '.join(words)}"))


def _alternatives(found: Plan, look: Look) -> RenderableType:
    """What would come of each other rule, as far as can be told, and what kind of rule it is."""
    rows: list[Text] = []
    for other in _others(found):
        measures = ", ".join(
            f"{MEASURES.get(name, name)} {value_text(name, value, look.glyphs, digits=2 if name == 'accuracy' else 1)}"
            for name, value in other.predicted.items()
        )  # a hundredth of a point may be what it misses the target by
        rows.append(Text(f"{look.name(other.rule, 20).plain}: {measures}" if measures else other.rule))
        rows += [Text(f"  {look.name(part, 200).plain}", "$dim") for part in other.note.split("; ") if part]
    return lines(rows)


def in_force(version: int, body: PolicyBody, look: Look) -> RenderableType:
    """The policy in force, item by item."""
    told = f"version {version}" if version else "no change was applied yet: routers use their own values"
    parts: list[RenderableType] = [header("POLICY", look, told)]
    if version and not (body.thresholds or body.boosts or body.locked):
        parts.append(Text("\nNothing is set: routers use their own values.", "$dim"))
    if body.thresholds:
        thresholds = [(layer, value, layer in body.disabled) for layer, value in body.thresholds.items()]
        parts += [heading("Thresholds"), table_of(THRESHOLDS_SET, thresholds, look)]
    if boosts := [(key, value) for key, value in sorted(body.values().items()) if key.startswith("agent:")]:
        parts += [heading("Boosts"), table_of(BOOSTS_SET, boosts, look)]
    if body.locked:
        parts += [heading("Locked"), lines(boost_name(key) for key in body.locked)]
    return Group(*parts)
