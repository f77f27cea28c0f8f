"""What a plan would change as table rows: thresholds line by line, boosts with the rules side by side.

Pure functions of a `Plan`. What stays as it is has its row too, dimmed, with why it stays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.text import Text

from fedstore import word_of
from fedstore.learning.boosts import REPLACES
from fedstore.learning.rules import BOOST_RULES
from fedtop.format import UNICODE, Glyphs, boost, clean, count, counted, delta, n_of, rate, rate_text
from fedtop.themes import hue
from fedtop.widgets.diff_table import DiffLine, DiffTable
from fedtop.widgets.live_table import Column, Row
from fedtop.widgets.table_model import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedstore import BoostEvidence, Plan, PlanItem
    from fedstore.learning.rules import BoostRule
    from fedstore.learning.tuning_types import LayerChange
    from fedtop.widgets.diff_table import Grade
    from fedtop.widgets.live_table import Cell, Value

__all__ = [
    "BOOST_COLUMNS",
    "PlanTable",
    "boost_name",
    "boost_rows",
    "diff_lines",
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


def _direction(old: float | None, new: float | None) -> int:
    """Up or down; 0 for a move that the shown digits hide."""
    old, new = old or 0.0, new or 0.0
    return 0 if f"{old:.2f}" == f"{new:.2f}" else 1 if new > old else -1


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


# --- thresholds, and whatever else has an old and a new value -------------------------------------------------------


class PlanTable(DiffTable):
    """The diff of a plan: `names` are (old, new), and the share of decisions has a column only where there is one."""

    def __init__(self, names: tuple[str, str] = ("now", "new"), *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        labels = {"now": names[0], "new": names[1], "change": "captured"}
        self._all = [replace(column, label=labels.get(column.key, column.label)) for column in self.columns]

    def set_plan(self, plan: Plan) -> None:
        """Shows its items."""
        lines = diff_lines(plan)
        shares = any(plain(line.change) for line in lines)
        self.set_columns([column for column in self._all if shares or column.key != "change"])
        self.set_lines(lines)


def diff_lines(plan: Plan) -> list[DiffLine]:
    """A line per layer of the cascade (those that stay are dim), or per item of any other plan."""
    items = {item.label: item for item in plan.items}
    if not plan.layers:
        return [_item_diff(item, plan) for item in plan.items]
    return [_layer_diff(layer, items.get(layer.layer), plan) for layer in plan.layers]


def _layer_diff(layer: LayerChange, item: PlanItem | None, plan: Plan) -> DiffLine:
    name = Text(clean(layer.layer, 40), hue(layer.layer))
    share = rate(layer.captured_now)
    if item is None:
        stays = f"stays: {clean(layer.note, 120)}" if layer.note else "stays"
        return DiffLine(
            layer.layer, name, f"{layer.old:.2f}", f"{layer.old:.2f}", Text(share, "$dim"), Text(stays, "$dim"),
            "unchanged",
        )  # fmt: skip
    share = f"{share.removesuffix(' %')} {UNICODE.arrow} {rate(layer.captured_new)}"
    rests = f"{item.grade}, {count(layer.graded)} of {count(layer.attempts)} graded"
    return DiffLine(
        layer.layer, name, f"{item.old or 0.0:.2f}", f"{item.new or 0.0:.2f}", share, Text(rests),
        _grade(item, plan), _direction(item.old, item.new),
    )  # fmt: skip


def _item_diff(item: PlanItem, plan: Plan) -> DiffLine:
    return DiffLine(
        item.key, clean(item.label, 60), number(item.key, item.old), number(item.key, item.new), "",
        Text(clean(item.evidence, 200)), _grade(item, plan), _direction(item.old, item.new),
    )  # fmt: skip


def _grade(item: PlanItem, plan: Plan) -> Grade:
    """How well an item is supported: a threshold by the conclusion of the whole plan, a boost by its own claim."""
    word = plan.conclusion if plan.kind == "tune" else item.grade
    if word in ("too little", "insufficient"):
        return "too_few"
    return "certified" if word == "certified" or plan.is_given else "estimated"


# --- boosts ---------------------------------------------------------------------------------------------------------

BOOST_COLUMNS: Final = (
    Column("item", "agent", 18, grow=True),
    Column("now", "now", 5, "right", sort_default="desc", tooltip="What a router adds; dim: the agent's own boost"),
    Column("arrow", "", 1),
    Column("new", "new", 5, "right", sort_default="desc", tooltip="What it adds with the plan; dim: follows the agent"),
    *(Column(rule, rule, 6, "right", sort_default="desc", tooltip=note) for rule, note in BOOST_RULES.items()),
    Column("success", "success", 17, min_width_shown=72, sort_default="desc", tooltip="With its 95 % interval"),
    Column("peers", "peers", 6, "right", min_width_shown=88, sort_default="desc",
           tooltip="Success of all agents at it, which shrunk compares with"),
    Column("n", "n", 7, "right", min_width_shown=96, sort_default="desc", tooltip="Graded tasks"),
    Column("claim", "claim", 5, min_width_shown=104, tooltip="A high or low performer, with 90 % confidence"),
    Column("grade", "", 1),
    Column("evidence", "evidence", 24, grow=True, min_width_shown=140),
)  # fmt: skip


def boost_rows(plan: Plan, in_force: Mapping[str, float], glyphs: Glyphs = UNICODE) -> list[Row]:
    """A row per agent and per agent and task type: those that would change first, the others dim.

    `in_force` are the policy's values by key; what a row shows as now and new is what a router adds, whether it is set
    for the task type or for the agent.
    """
    items = {item.key: item for item in plan.items}
    values = {other.rule: other.values for other in plan.alternatives}
    proposals = plan.proposals
    keys = [*(key for key in items if key in proposals), *(key for key in proposals if key not in items)]
    return [
        _boost_row(
            proposals[key], items.get(key), plan, {rule: values.get(rule, {}).get(key) for rule in BOOST_RULES},
            own=key in in_force, glyphs=glyphs,
        )
        for key in keys
    ]  # fmt: skip


def _boost_row(
    rests: BoostEvidence, item: PlanItem | None, plan: Plan, rules: Mapping[BoostRule, float | None], *, own: bool,
    glyphs: Glyphs,
) -> Row:  # fmt: skip
    name = boost_name(rests.key)
    cells: dict[str, Cell] = {
        "item": Text(name, "" if item is not None else "$dim"),
        "now": Text(number(rests.key, rests.now, glyphs), "" if own else "$dim") if rests.now or own else None,
        "arrow": Text((" ", glyphs.up, glyphs.down)[_direction(rests.now, rests.new)], "$accent"),
        "new": _new_cell(rests, item, glyphs),
        "success": _success(rests, glyphs),
        "peers": None if rests.peers is None else Text(rate(rests.peers), "$dim"),
        "n": count(rests.n),
        "claim": _claim(rests.claim),
        "grade": _mark(item, plan, glyphs),
        "evidence": Text(clean(rests.evidence, 160), "$dim"),
    }
    sort: dict[str, Value] = {
        "new": rests.new, "now": rests.now, "success": rests.rate, "peers": rests.peers, "n": rests.n,
        "claim": rests.claim, "item": name,
    }  # fmt: skip
    for rule, value in rules.items():
        cells[rule] = _rule_cell(value, chosen=rule == plan.rule, glyphs=glyphs)
        sort[rule] = value
    return Row(rests.key, cells, sort)


def _new_cell(rests: BoostEvidence, item: PlanItem | None, glyphs: Glyphs) -> Text:
    """The boost with the plan; dim where that follows from the agent's own, faint where nothing moves."""
    if item is not None:
        return Text(number(rests.key, rests.new, glyphs), "bold")
    if _direction(rests.now, rests.new):
        return Text(number(rests.key, rests.new, glyphs), "$dim")
    return Text("keep", "$faint")


def boost_name(key: str) -> str:
    """What a boost is for: `kimi`, `kimi for review`."""
    from fedstore import label_of

    return clean(label_of(key), 60)


def _rule_cell(value: float | None, *, chosen: bool, glyphs: Glyphs) -> Text | None:
    """The boost a rule would set; the rule of this plan stands out."""
    if value is None:
        return None
    shown = boost(value, glyphs)
    if shown == "0":
        return Text(shown, "$faint")
    return Text(shown, "$dim" if not chosen else "$ok" if value > 0 else "$alert")


def _success(rests: BoostEvidence, glyphs: Glyphs) -> Text | None:
    low, high = rests.interval or (None, None)
    return None if rests.rate is None else rate_text(rests.rate, low, high, glyphs=glyphs)


def _claim(claim: str | None) -> Text:
    return Text(claim or "", {"high": "$ok", "low": "$alert"}.get(claim or "", ""))


def _mark(item: PlanItem | None, plan: Plan, glyphs: Glyphs) -> Text:
    if item is None:
        return Text("=", "$faint")
    marks = {"certified": (glyphs.ok, "$ok"), "too_few": (glyphs.dot, "$dim")}
    return Text(*marks.get(_grade(item, plan), ("~", "$warn")))


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
