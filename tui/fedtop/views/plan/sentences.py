"""A plan in sentences: its head line, what is predicted, what would flip, what other rules say, why not.

Pure functions of a `Plan`; everything that may come from outside is cleaned. A plan that nothing certifies says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedstore.learning.boosts import REPLACES
from fedtop.format import UNICODE, clean, count, counted, rate
from fedtop.views.plan.columns import Forecast
from fedtop.views.plan.items import item_lines, number
from fedtop.views.plan.measures import MEASURES, change_text, value_text
from fedtop.views.text_lines import bullets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore import Alternative, BoostEvidence, Plan, Predicted
    from fedtop.glyphs import Glyphs
    from fedtop.views.text_lines import Item

__all__ = [
    "apply_lines",
    "caution",
    "flips_parts",
    "note_items",
    "predicted_parts",
    "predicted_text",
    "title_parts",
]

_CONCLUSIONS: Final = {
    "certified": ("ok", "certified"),
    "estimated": ("warn", "estimated, not certified"),
    "recover": ("warn", "recovers, not certified"),
    "insufficient": ("unknown", "too little evidence"),
    "keep": ("idle", "nothing better found"),
    "proposed": ("info", "proposed"),
    "nothing": ("idle", "nothing to change"),
    "given": ("info", "set by hand"),
}
_FACTS: Final = {"runs": "task", "routes": "decision"}


# --- the head -------------------------------------------------------------------------------------------------------


def title_parts(plan: Plan, glyphs: Glyphs = UNICODE) -> tuple[Text, ...]:
    """`Plan t-4f2a`, kind and rule, window, what it rests on, the conclusion: parts that stay whole when wrapped."""
    parts = [
        Text.assemble(("Plan ", "$dim"), (clean(plan.id, 40), "bold $accent")),
        Text(plan.kind) if plan.is_given else Text(f"{plan.kind}, rule {clean(plan.rule, 24)}"),
    ]
    if plan.window_label:
        parts.append(Text(clean(plan.window_label, 16)))
    if plan.extent is not None:
        facts = f"{counted(plan.extent.facts, _FACTS[plan.extent.table])}, {count(plan.extent.graded)} graded"
        parts.append(Text(facts, "$dim"))
    return (*parts, conclusion_text(plan, glyphs))


def conclusion_text(plan: Plan, glyphs: Glyphs = UNICODE) -> Text:
    """The conclusion with its glyph; a certificate says what it promises."""
    state, words = _CONCLUSIONS.get(plan.conclusion, ("unknown", clean(plan.conclusion, 40)))
    style = {"ok": "$ok", "warn": "$warn", "info": "$info"}.get(state, "$dim")
    return Text(f"{glyphs.state(state)} {words}{_promise(plan)}", style)


def _promise(plan: Plan) -> str:
    settings = plan.tuning
    if plan.conclusion != "certified" or settings is None:
        return ""
    if plan.tuned is not None and plan.tuned.guard == "no-worse":
        kept = f"at most {rate(settings.margin)} of the decisions get worse"
    else:
        kept = f"accuracy ≥ {rate(settings.target)}"
    return f" for {kept} ({rate(settings.confidence, 0)} confidence)"


def caution(plan: Plan) -> str:
    """What must be said before applying a plan that is not certified; empty for one that is."""
    if plan.kind == "optimize":
        loose = sum(item.grade != "certified" for item in plan.items)
        of_all = f"{loose} of {counted(len(plan.items), 'boost')}"
        they = "it is an estimate" if loose == 1 else "they are estimates"
        told = f"not certified: no claim holds for {of_all}, {they}"
        return told if loose else ""
    if plan.kind != "tune" or plan.conclusion == "certified":
        return ""
    promised = "its target" if plan.tuning is None else f"the target of {rate(plan.tuning.target)}"
    if plan.conclusion == "recover":
        return f"not certified: accuracy misses {promised} now, and may still miss it with this change"
    return f"not certified: nothing bounds the risk that accuracy falls below {promised}"


# --- the prediction -------------------------------------------------------------------------------------------------


def predicted_text(name: str, found: Predicted, glyphs: Glyphs = UNICODE) -> Text:
    """`accuracy 97.4 % → 96.8 % (−0.9 … −0.2)`; without a change's interval, what was seen and what to expect."""
    text = Text.assemble((f"{MEASURES.get(name, clean(name, 24))} ", "$dim"), value_text(name, found.now))
    if Forecast(name, found).is_expected and found.now_interval is not None:
        low, high = found.now_interval
        text.append(f" ({value_text(name, low)} {glyphs.ellipsis} {value_text(name, high)}) seen, ", "$dim")
        return text.append(value_text(name, found.new), "bold").append(" to be expected", "$dim")
    text.append(f" {glyphs.arrow} ", "$dim").append(value_text(name, found.new), "bold")
    if found.change_interval is not None:
        least, most = (change_text(name, value, glyphs) for value in found.change_interval)
        unit = " ms" if name.endswith("_ms") else ""
        text.append(f" ({least} {glyphs.ellipsis} {most}{unit})", "$dim")
    return text


def predicted_parts(plan: Plan, glyphs: Glyphs = UNICODE) -> tuple[Text, ...]:
    """`predicted`, then each measure; empty for a plan that predicts nothing."""
    found = tuple(predicted_text(name, value, glyphs) for name, value in plan.predicted.items())
    return (Text("predicted", "bold $dim"), *found) if found else ()


# --- what would flip ------------------------------------------------------------------------------------------------


def flips_parts(plan: Plan) -> tuple[Text, ...]:
    """`184 decisions would go elsewhere: 171 same agent, 9 now right, 4 now wrong`."""
    if plan.flips is None:
        return ()
    flips, total = plan.flips, plan.flips.total
    if not total:
        return (Text("no decision of the window would go elsewhere", "$dim"),)
    counts = (
        (flips.same_agent, "same agent", ""),
        (flips.now_right, "now right", "$ok"),
        (flips.now_wrong, "now wrong", "$alert"),
        (flips.same_verdict, "as right or wrong as before", ""),
        (flips.unknown, "unknown", "$dim"),
    )
    parts = [Text(f"{count(n)} {words}", style) for n, words, style in counts if n]
    head = Text.assemble((count(total), "bold"), f" {'decision' if total == 1 else 'decisions'} would go elsewhere:")
    return (head, *parts, Text.assemble(("f", "bold $accent"), (" lists them", "$dim")))


# --- why, and what else ---------------------------------------------------------------------------------------------


def note_items(plan: Plan, glyphs: Glyphs = UNICODE) -> list[Item]:
    """Everything below the table: prediction, flips, claims, other rules, reasons, warnings, what is missing."""
    items: list[Item] = [parts for parts in (predicted_parts(plan, glyphs), flips_parts(plan)) if parts]
    items += claim_items(plan)
    items += [Text(REPLACES, "$dim")] if any(rests.task_type for rests in plan.proposals.values()) else []
    items += rule_items(plan) if plan.kind == "tune" else []
    items += bullets(plan.reasons, glyphs.dot, "$info")
    items += missing_items(plan, glyphs)
    items += bullets(plan.warnings, glyphs.warn, "$warn")
    return items


def missing_items(plan: Plan, glyphs: Glyphs = UNICODE) -> list[Text]:
    """How many more graded facts would settle it, where that is known."""
    if not plan.more_needed:
        return []
    one, what = ("decision", "it") if plan.kind == "tune" else ("task", "a claim")
    wanted = counted(plan.more_needed, f"more graded {one}")
    return bullets([f"about {wanted} would settle {what}"], glyphs.dot, "$info")


def claim_items(plan: Plan) -> list[Item]:
    """The agents for which a claim holds, apart from the boosts: high performers, low performers."""
    found: list[Item] = []
    proposals = plan.proposals.values()
    for claim, style in (("high", "$ok"), ("low", "$alert")):
        names = [_claimed(rests) for rests in proposals if rests.claim == claim]
        if names:
            who = f"{claim} performer{'s' if len(names) > 1 else ''}"
            found.append((Text(f"{who}, with 90 % confidence:", style), *names))
    if proposals and not found:
        found.append(Text("no claim of a high or low performer holds (a boost needs none)", "$dim"))
    return found


def _claimed(rests: BoostEvidence) -> Text:
    name = clean(rests.agent, 40)
    kind = f" for {clean(rests.task_type, 40)}" if rests.task_type else ""
    return Text.assemble(f"{name}{kind}", (f" {rate(rests.rate, 0)} of {count(rests.n)}", "$dim"))


def rule_items(plan: Plan) -> list[Text]:
    """A sentence per set of moves that the other rules would make; rules that agree share one."""
    now = {} if plan.tuned is None else plan.tuned.thresholds()
    names: dict[tuple[tuple[str, float | None], ...], list[Alternative]] = {}
    for other in plan.alternatives:
        moves = tuple((key, value) for key, value in other.values.items() if value != now.get(key))
        names.setdefault(moves, []).append(other)
    return [_rule_text(moves, others) for moves, others in names.items()]


def _rule_text(moves: Sequence[tuple[str, float | None]], others: Sequence[Alternative]) -> Text:
    """`seed-accuracy and seed-count would set semantic 0.65 (accuracy 94.5 %: misses the target)`."""
    who = " and ".join(clean(other.rule, 24) for other in others)
    text = Text.assemble((f"{who} would ", "$dim"))
    if not moves:
        return text.append("change nothing")
    text.append("set ", "$dim")
    text.append(", ".join(f"{clean(key.removeprefix('layer:'), 24)} {number(key, value)}" for key, value in moves))
    accuracy, note = others[0].predicted.get("accuracy"), clean(others[0].note, 120)
    words = [f"accuracy {rate(accuracy)}"] * (accuracy is not None) + [note] * bool(note)
    return text.append(f" ({': '.join(words)})" if words else "", "$warn" if note else "$dim")


def apply_lines(plan: Plan, follows: Sequence[str] = (), glyphs: Glyphs = UNICODE) -> list[Item]:
    """What applying a plan does, item by item: repeated before it is done. `follows` are files written too."""
    lines: list[Item] = list(item_lines(plan.items, glyphs))
    if plan.pins:
        kept = ", ".join(f"{clean(key.partition(':')[2], 40)} {number(key, value)}" for key, value in plan.pins.items())
        lines.append(Text(f"stays, but is written down: {kept}", "$dim"))
    lines.append(Text(f"policy version {plan.policy_version} becomes {plan.policy_version + 1}", "$dim"))
    lines += [Text(f"also written to {clean(path, 200)}", "$dim") for path in follows]
    predicted = predicted_parts(plan, glyphs)
    return [*lines, predicted] if predicted else lines
