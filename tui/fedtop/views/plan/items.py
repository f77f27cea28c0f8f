"""The items of a plan in lines: what exactly each changes, and what a boost rests on. Pure functions of a `Plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.text import Text

from fedstore import word_of
from fedstore.learning.boosts import REPLACES
from fedtop.format import UNICODE, Glyphs, boost, clean, counted, delta, n_of, rate, rate_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore import BoostEvidence, Plan, PlanItem

__all__ = [
    "boost_name",
    "item_lines",
    "number",
    "setting_lines",
]

_BOOST: Final = "agent:"
_WRITTEN: Final = 5e-5
"""Half of the last digit that a policy holds."""


def number(key: str, value: float | None, glyphs: Glyphs = UNICODE) -> str:
    """A boost with its sign, a threshold with two decimals, a lock in words; the dash when nothing is set."""
    if (word := word_of(key, value)) is not None:
        return word
    if value is None:
        return glyphs.none
    return boost(value, glyphs) if key.startswith(_BOOST) else f"{value:.2f}"


def item_lines(items: Sequence[PlanItem], glyphs: Glyphs = UNICODE) -> list[Text]:
    """`semantic  0.70 → 0.66`: what exactly each item changes, the values below each other."""
    labels = [clean(item.label, 40) for item in items]
    width = max(map(cell_len, labels), default=0)
    padded = [label + " " * (width - cell_len(label)) for label in labels]
    return [_item_line(item, label, glyphs) for item, label in zip(items, padded, strict=True)]


def _item_line(item: PlanItem, label: str, glyphs: Glyphs) -> Text:
    line = Text.assemble(
        f"{label}  ",
        (f"{_exact(item.key, item.old, glyphs):>7}", "$dim"),
        (f" {glyphs.arrow} ", "$dim"),
        (f"{_exact(item.key, item.new, glyphs):>7}", "bold"),
    )
    if item.new is None and word_of(item.key, None) is None:
        known = "" if item.restores is None else f", which was {_exact(item.key, item.restores, glyphs)}"
        line.append(f"  not set: {_own(item.key)} value{known}", "$dim")
    return line


def _own(key: str) -> str:
    """Whose value holds where nothing is set: a task type follows its agent."""
    return "the agent's own" if key.startswith(_BOOST) and "/" in key else "the router's own"


def _exact(key: str, value: float | None, glyphs: Glyphs) -> str:
    """As `number`, but with every digit that is written."""
    shown = number(key, value, glyphs)
    if value is None or word_of(key, value) is not None or abs(value - round(value, 2)) < _WRITTEN:
        return shown
    return delta(value, 4, glyphs=glyphs) if key.startswith(_BOOST) else f"{value:.4f}"


def boost_name(key: str) -> str:
    """What a boost is for: `kimi`, `kimi for review`."""
    from fedstore import label_of

    return clean(label_of(key), 60)


def _claim(claim: str | None) -> Text:
    return Text(claim or "", {"high": "$ok", "low": "$alert"}.get(claim or "", ""))


def setting_lines(plan: Plan, key: str, glyphs: Glyphs = UNICODE) -> list[Text]:
    """What one boost rests on, in sentences: the item, the tasks, each rule, the claim, what is missing."""
    rests = plan.proposals.get(key)
    if rests is None:
        return [Text("Nothing is known of this pair in the window: no graded task.", "$dim")]
    item = next((item for item in plan.items if item.key == key), None)
    low, high = rests.interval or (None, None)
    stays = Text.assemble((boost_name(key), "bold"), ("  stays as it is", "$dim"))
    lines = [stays] if item is None else item_lines([item], glyphs)
    lines.append(rate_text(rests.rate, low, high, glyphs=glyphs).append(f"  {n_of(rests.n)}", "$dim"))
    lines.append(Text(clean(rests.evidence, 200)))
    for other in plan.alternatives:
        value = other.values.get(key)
        text = Text.assemble((f"{clean(other.rule, 12):<8} ", "$dim"), (number(key, value, glyphs), "bold"))
        lines.append(text.append(f"  {clean(other.note, 160)}", "$dim"))
    return [*lines, *_compared(rests, glyphs), _claim_line(rests)]


def _compared(rests: BoostEvidence, glyphs: Glyphs) -> list[Text]:
    """With whom it is compared, and what a router adds before and after."""
    lines = []
    if rests.peers is not None:
        whom = f"all agents at {clean(rests.task_type, 40)}" if rests.task_type else "all agents"
        told = f"{rate(rests.posterior)} after shrinking, compared with {rate(rests.peers)} of {whom}"
        lines.append(Text(told, "$dim"))
    if rests.now is not None and rests.new is not None:
        now, new = (number(rests.key, value, glyphs) for value in (rests.now, rests.new))
        replaces = f"; {REPLACES}" if rests.task_type else ""
        lines.append(Text(f"a router adds {now} now, {new} with this plan{replaces}", "$dim"))
    return lines


def _claim_line(rests: BoostEvidence) -> Text:
    if rests.claim:
        return Text.assemble("claim: ", _claim(rests.claim), (" performer, with 90 % confidence", "$dim"))
    if rests.more_needed:
        wanted = counted(rests.more_needed, "more graded task")
        return Text(f"no claim yet: about {wanted} at this rate would settle one", "$dim")
    return Text("no claim: neither high nor low, and more tasks at this rate would not change that", "$dim")
