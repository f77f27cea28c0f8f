"""What a plan would change as table rows: thresholds line by line, boosts with the three rules side by side.

Pure functions of a `Plan`. What stays as it is has its row too, dimmed, with why it stays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len
from rich.text import Text

from fedstore.learning.rules import BOOST_RULES
from fedtop.format import UNICODE, Glyphs, boost, clean, count, counted, delta, n_of, rate, rate_text
from fedtop.themes import hue
from fedtop.widgets.diff_table import DiffLine, DiffTable
from fedtop.widgets.live_table import Column, Row
from fedtop.widgets.table_model import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedstore import Plan, PlanItem
    from fedtop.widgets.diff_table import Grade
    from fedtop.widgets.live_table import Cell, SortValue

__all__ = [
    "BOOST_COLUMNS",
    "PlanTable",
    "boost_name",
    "boost_rows",
    "diff_lines",
    "item_lines",
    "number",
    "proposals_of",
    "setting_lines",
]

_BOOST: Final = "agent:"
_WRITTEN: Final = 5e-5
"""Half of the last digit that a policy holds."""


def number(key: str, value: float | None, glyphs: Glyphs = UNICODE) -> str:
    """A boost with its sign, a threshold with two decimals, a lock in words; the dash when nothing is set."""
    if key.startswith("lock:"):
        return "open" if value is None else "locked"
    if value is None:
        return glyphs.none
    return boost(value, glyphs) if key.startswith(_BOOST) else f"{value:.2f}"


def _direction(item: PlanItem) -> int:
    """Up or down; 0 for a move that the shown digits hide."""
    old, new = item.old or 0.0, item.new or 0.0
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
    restores = item.detail.get("restores")
    if item.new is None and not item.key.startswith("lock:"):
        known = f", which was {_exact(item.key, restores, glyphs)}" if isinstance(restores, int | float) else ""
        line.append(f"  not set: the router's own value{known}", "$dim")
    return line


def _exact(key: str, value: float | None, glyphs: Glyphs) -> str:
    """As `number`, but with every digit that is written."""
    shown = number(key, value, glyphs)
    if value is None or key.startswith("lock:") or abs(value - round(value, 2)) < _WRITTEN:
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
    layers = plan.detail.get("layers", ()) if plan.kind == "tune" else ()
    if not layers:
        return [_item_diff(item, plan) for item in plan.items]
    return [_layer_diff(layer, items.get(str(layer["layer"])), plan) for layer in layers]


def _layer_diff(layer: Mapping[str, Any], item: PlanItem | None, plan: Plan) -> DiffLine:
    name = Text(clean(layer["layer"], 40), hue(str(layer["layer"])))
    share = rate(layer["captured_now"])
    if item is None:
        note = clean(layer["note"], 120)
        stays = note if note.startswith("stays") else f"stays: {note}"
        return DiffLine(
            str(layer["layer"]), name, f"{layer['old']:.2f}", f"{layer['old']:.2f}", Text(share, "$dim"),
            Text(stays, "$dim"), "unchanged",
        )  # fmt: skip
    share = f"{share.removesuffix(' %')} {UNICODE.arrow} {rate(layer['captured_new'])}"
    rests = f"{item.grade}, {count(layer['graded'])} of {count(layer['attempts'])} graded"
    return DiffLine(
        str(layer["layer"]), name, f"{item.old or 0.0:.2f}", f"{item.new or 0.0:.2f}", share,
        Text(rests), _grade(item, plan), _direction(item),
    )  # fmt: skip


def _item_diff(item: PlanItem, plan: Plan) -> DiffLine:
    share = ""
    if "captured_now" in item.detail:
        now, new = (rate(item.detail[f"captured_{when}"]) for when in ("now", "new"))
        share = f"{now.removesuffix(' %')} {UNICODE.arrow} {new}"
    return DiffLine(
        item.key, clean(item.label, 60), number(item.key, item.old), number(item.key, item.new), share,
        Text(clean(item.evidence, 200)), _grade(item, plan), _direction(item),
    )  # fmt: skip


def _grade(item: PlanItem, plan: Plan) -> Grade:
    """How well an item is supported: a threshold by the verdict on the whole plan, a boost by its own claim."""
    word = plan.verdict if plan.kind == "tune" else item.grade
    if word in ("too little", "insufficient"):
        return "too_few"
    return "certified" if word == "certified" or plan.policy == "given" else "estimated"


# --- boosts ---------------------------------------------------------------------------------------------------------

BOOST_COLUMNS: Final = (
    Column("item", "agent", 18, grow=True),
    Column("now", "now", 5, "right", sort_default="desc", tooltip="The boost in force"),
    Column("arrow", "", 1),
    Column("new", "new", 5, "right", sort_default="desc", tooltip="What this plan sets"),
    *(Column(rule, rule, 6, "right", sort_default="desc", tooltip=note) for rule, note in BOOST_RULES.items()),
    Column("success", "success", 17, min_width_shown=72, sort_default="desc", tooltip="With its 95 % interval"),
    Column("n", "n", 7, "right", min_width_shown=96, sort_default="desc", tooltip="Graded tasks"),
    Column("claim", "claim", 5, min_width_shown=104, tooltip="A high or low performer, with 90 % confidence"),
    Column("grade", "", 1),
    Column("evidence", "evidence", 24, grow=True, min_width_shown=132),
)


def boost_rows(plan: Plan, in_force: Mapping[str, float], glyphs: Glyphs = UNICODE) -> list[Row]:
    """A row per agent and per agent and task type: those that would change first, the others dim.

    `in_force` are the policy's values by key: what stays is not in the plan.
    """
    items = {item.key: item for item in plan.items}
    rules = {other.policy: other.values for other in plan.alternatives}
    facts = proposals_of(plan)
    keys = [*items, *(key for key in facts if key not in items)]
    rows = []
    for key in keys:
        now = in_force.get(key) if key not in items else items[key].old
        rows.append(_boost_row(key, items.get(key), now, rules, facts.get(key, {}), plan, glyphs))
    return rows


def proposals_of(plan: Plan) -> dict[str, Mapping[str, Any]]:
    """What each agent (and task type) rests on, by item key."""
    from fedstore import boost_key

    proposals = plan.detail.get("proposals", ())
    return {boost_key(str(p["agent"]), str(p["task_type"] or "")): p for p in proposals}


def _boost_row(
    key: str, item: PlanItem | None, now: float | None, rules: Mapping[str, Mapping[str, float | None]],
    facts: Mapping[str, Any], plan: Plan, glyphs: Glyphs,
) -> Row:  # fmt: skip
    direction = 0 if item is None else _direction(item)
    cells: dict[str, Cell] = {
        "item": Text(boost_name(key), "" if item is not None else "$dim"),
        "now": None if now is None else Text(number(key, now, glyphs), "$dim"),
        "arrow": Text((" ", glyphs.up, glyphs.down)[direction], "$accent"),
        "new": Text("keep", "$faint") if item is None else Text(number(key, item.new, glyphs), "bold"),
        "success": _success(facts, glyphs),
        "n": count(facts["n"]) if facts else None,
        "claim": _claim(facts.get("claim")),
        "grade": _mark(item, plan, glyphs),
        "evidence": Text(clean(facts.get("evidence", ""), 160), "$dim"),
    }
    sort: dict[str, SortValue] = {
        "new": None if item is None else item.new, "now": now,
        "success": facts.get("rate"), "n": facts.get("n"), "claim": facts.get("claim"), "item": boost_name(key),
    }  # fmt: skip
    for rule in BOOST_RULES:
        value = rules.get(rule, {}).get(key)
        cells[rule] = _rule_cell(value, chosen=rule == plan.policy, glyphs=glyphs)
        sort[rule] = value
    return Row(key, cells, sort)


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


def _success(facts: Mapping[str, Any], glyphs: Glyphs) -> Text | None:
    if not facts or facts.get("rate") is None:
        return None
    low, high = facts.get("interval") or (None, None)
    return rate_text(facts["rate"], low, high, glyphs=glyphs)


def _claim(claim: str | None) -> Text:
    return Text(claim or "", {"high": "$ok", "low": "$alert"}.get(claim or "", ""))


def _mark(item: PlanItem | None, plan: Plan, glyphs: Glyphs) -> Text:
    if item is None:
        return Text("=", "$faint")
    marks = {"certified": (glyphs.ok, "$ok"), "too_few": (glyphs.dot, "$dim")}
    return Text(*marks.get(_grade(item, plan), ("~", "$warn")))


def setting_lines(plan: Plan, key: str, glyphs: Glyphs = UNICODE) -> list[Text]:
    """What one boost rests on, in sentences: the item, the tasks, each rule, the claim, what is missing."""
    facts = proposals_of(plan).get(key)
    if facts is None:
        return [Text("Nothing is known of this pair in the window: no graded task.", "$dim")]
    item = next((item for item in plan.items if item.key == key), None)
    low, high = facts.get("interval") or (None, None)
    stays = Text.assemble((boost_name(key), "bold"), ("  stays as it is", "$dim"))
    lines = [stays] if item is None else item_lines([item], glyphs)
    lines.append(rate_text(facts["rate"], low, high, glyphs=glyphs).append(f"  {n_of(facts['n'])}", "$dim"))
    lines.append(Text(clean(facts["evidence"], 200)))
    for other in plan.alternatives:
        value = other.values.get(key)
        text = Text.assemble((f"{clean(other.policy, 12):<8} ", "$dim"), (number(key, value, glyphs), "bold"))
        lines.append(text.append(f"  {clean(other.note, 160)}", "$dim"))
    return [*lines, _claim_line(facts)]


def _claim_line(facts: Mapping[str, Any]) -> Text:
    claim, missing = facts.get("claim"), facts.get("more_needed")
    if claim:
        return Text.assemble("claim: ", _claim(claim), (" performer, with 90 % confidence", "$dim"))
    if missing:
        wanted = counted(missing, "more graded task")
        return Text(f"no claim yet: about {wanted} at this rate would settle one", "$dim")
    return Text("no claim: neither high nor low, and more tasks at this rate would not change that", "$dim")
