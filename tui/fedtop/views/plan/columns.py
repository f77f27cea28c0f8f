"""The tables of a plan, each told once: what it would set, which decisions would go elsewhere, what is predicted.

The pane shows every line of a plan, those that stay dim and with why they stay; print shows what changes, with what
every other rule would set beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedstore.learning.rules import BOOST_RULES, TUNE_RULES
from fedtop import kinds
from fedtop.fields import Field, Locale, Part, Table
from fedtop.format import boost, clean, count, interval, rate, rate_text
from fedtop.themes import hue
from fedtop.views.plan.items import boost_name, number
from fedtop.views.plan.lines import PlanLine
from fedtop.views.plan.measures import MEASURES, change_text, value_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fedstore import Flip, Plan, Predicted
    from fedstore.learning.tuning_types import LayerChange
    from fedtop.widgets.table_model import Cell, Value

__all__ = [
    "BOOSTS", "BOOSTS_SET", "FLIPS", "PREDICTED", "SETTINGS", "THRESHOLDS_SET", "Forecast", "flips_first",
    "printed_table",
]  # fmt: skip


# --- the usual fields -------------------------------------------------------------------------------------------------


def _value(value: Callable[[PlanLine], float | None]) -> Callable[[PlanLine, Locale], Cell]:
    """How print writes a value of the policy."""
    return lambda line, locale: number(line.key, value(line), locale.glyphs)


def _arrow(line: PlanLine, locale: Locale) -> Text:
    return Text((" ", locale.glyphs.up, locale.glyphs.down)[line.direction], "$accent")


def _mark(line: PlanLine, locale: Locale) -> Text:
    glyphs = locale.glyphs
    marks = {"certified": (glyphs.ok, "$ok"), "too_few": (glyphs.dot, "$dim"), "unchanged": ("=", "$faint")}
    return Text(*marks.get(line.grade, ("~", "$warn")))


def _print_label(line: PlanLine, locale: Locale) -> str:
    return clean(line.label if line.item is None else line.item.label, 32) or locale.glyphs.none


def _old(line: PlanLine) -> float | None:
    return line.old


def _new(line: PlanLine) -> float | None:
    return line.new


def _word(line: PlanLine) -> str:
    return "" if line.item is None else line.item.grade


_ARROW: Final[Field[PlanLine]] = Field(
    "arrow", "", 1, value=lambda line: line.direction, cell=_arrow, exported=False, printed=False
)
_GRADE: Final[Field[PlanLine]] = Field(
    "grade", "", 1, value=_word, cell=_mark, heading="grade", spare=2,
    words=lambda line, locale: _word(line) or locale.glyphs.none,
)  # fmt: skip
_GRADED: Final[Field[PlanLine]] = Field(
    "graded", "n", 7, "right", min_width_shown=96, sort_default="desc", tooltip="Graded tasks", spare=1,
    value=lambda line: line.graded, cell=lambda line, locale: count(line.graded, locale.glyphs),
)  # fmt: skip
_INTERVAL: Final[Field[PlanLine]] = Field(
    "interval_low", "95 % interval", 0, "right", value=lambda line: line.end(0),
    parts=(Part("interval_high", lambda line: line.end(1)),),
    cell=lambda line, locale: interval(line.end(0), line.end(1), glyphs=locale.glyphs),
)  # fmt: skip


def _under(rule: str, width: int, tooltip: str) -> Field[PlanLine]:
    """What a rule would set; the rule of the plan stands out."""

    def cell(line: PlanLine, locale: Locale) -> Text | None:
        value = line.under(rule)
        if value is None:
            return None
        shown, chosen = boost(value, locale.glyphs), rule == line.plan.rule
        return Text(shown, "$faint" if shown == "0" else "$dim" if not chosen else "$ok" if value > 0 else "$alert")

    return Field(
        rule.replace("-", "_"), rule, width, "right", sort_default="desc", tooltip=tooltip, spare=3,
        value=lambda line: line.under(rule), cell=cell, words=_value(lambda line: line.under(rule)),
    )  # fmt: skip


# --- thresholds, and whatever else has an old and a new value -------------------------------------------------------


def _named(line: PlanLine, _: Locale) -> Cell:
    return clean(line.label, 60) if line.layer is None else Text(clean(line.label, 40), hue(line.label))


def _captured(line: PlanLine, locale: Locale) -> Text | None:
    """The share of the decisions that the layer takes, now and then."""
    if line.layer is None:
        return None
    now = rate(line.layer.captured_now, glyphs=locale.glyphs)
    if line.item is None:
        return Text(now, "$dim")
    new = rate(line.layer.captured_new, glyphs=locale.glyphs)
    return Text(f"{now.removesuffix(' %')} {locale.glyphs.arrow} {new}")


def _of_layer(value: Callable[[LayerChange], Value]) -> Callable[[PlanLine], Value]:
    return lambda line: None if line.layer is None else value(line.layer)


SETTINGS: Final[Table[PlanLine]] = Table(
    (
        Field(
            "item", "item", 20, grow=True, least=14, value=lambda line: line.label, cell=_named, words=_print_label,
            parts=(Part("key", lambda line: line.key),),
        ),
        Field(
            "now", "now", 8, "right", value=_old, words=_value(_old),
            cell=lambda line, locale: Text(number(line.key, line.old, locale.glyphs), "$dim"),
        ),
        _ARROW,
        Field(
            "new", "new", 8, "right", value=_new,
            words=lambda line, locale: Text(number(line.key, line.new, locale.glyphs), "bold"),
            cell=lambda line, locale: Text(
                number(line.key, line.new, locale.glyphs), "bold $fg" if line.item and line.direction else "$dim"
            ),
        ),
        *(_under(rule, 0, note) for rule, note in TUNE_RULES.items()),
        Field(
            "captured_new", "captured", 23, printed=False, value=_of_layer(lambda layer: layer.captured_new),
            cell=_captured, parts=(Part("captured_now", _of_layer(lambda layer: layer.captured_now)),),
        ),
        _GRADE,
        replace(_GRADED, width=0, min_width_shown=0),
        kinds.hidden("attempts", _of_layer(lambda layer: layer.attempts)),
        _INTERVAL,
        Field(
            "evidence", "evidence", 24, grow=True, min_width_shown=90, printed=False, value=lambda line: line.evidence,
            cell=lambda line, _: Text(line.evidence, "" if line.item else "$dim"),
        ),
    ),
    key=lambda line: line.key,
)  # fmt: skip
"""What a plan for thresholds says of each layer, or any other plan of its items."""


# --- boosts -----------------------------------------------------------------------------------------------------------


def _now_cell(line: PlanLine, locale: Locale) -> Text | None:
    """Dim where it is the agent's own boost."""
    if not (line.old or line.own):
        return None
    return Text(number(line.key, line.old, locale.glyphs), "" if line.own else "$dim")


def _new_cell(line: PlanLine, locale: Locale) -> Text:
    """The boost with the plan; dim where that follows from the agent's own, faint where nothing moves."""
    shown = number(line.key, line.new, locale.glyphs)
    if line.item is not None:
        return Text(shown, "bold")
    return Text(shown, "$dim") if line.direction else Text("keep", "$faint")


def _success(line: PlanLine, locale: Locale) -> Text | None:
    known = None if line.rests is None else line.rests.rate
    return None if known is None else rate_text(known, line.end(0), line.end(1), glyphs=locale.glyphs)


def _peers(line: PlanLine) -> float | None:
    return None if line.rests is None else line.rests.peers


def _claim(line: PlanLine) -> str:
    return (line.rests.claim if line.rests is not None else None) or ""


BOOSTS: Final[Table[PlanLine]] = Table(
    (
        Field(
            "item", "agent", 18, grow=True, least=14, heading="item", value=lambda line: line.label, words=_print_label,
            cell=lambda line, _: Text(line.label, "" if line.item is not None else "$dim"), parts=(
                Part("agent", lambda line: None if line.rests is None else line.rests.agent),
                Part("task_type", lambda line: None if line.rests is None else line.rests.task_type),
            ),
        ),
        Field("now", "now", 5, "right", sort_default="desc", value=_old, cell=_now_cell, words=_value(_old),
              tooltip="What a router adds; dim: the agent's own boost"),
        _ARROW,
        Field("new", "new", 5, "right", sort_default="desc", value=_new, cell=_new_cell,
              words=lambda line, locale: Text(number(line.key, line.new, locale.glyphs), "bold"),
              tooltip="What it adds with the plan; dim: follows the agent"),
        *(_under(rule, 6, note) for rule, note in BOOST_RULES.items()),
        Field("success", "success", 17, min_width_shown=72, sort_default="desc", printed=False, cell=_success,
              value=lambda line: None if line.rests is None else line.rests.rate, tooltip="With its 95 % interval"),
        _INTERVAL,
        Field("peers", "peers", 6, "right", min_width_shown=88, sort_default="desc", value=_peers,
              cell=lambda line, _: None if (known := _peers(line)) is None else Text(rate(known), "$dim"),
              words=lambda line, locale: rate(_peers(line), glyphs=locale.glyphs),
              tooltip="Success of all agents at it, which shrunk compares with"),
        _GRADED,
        Field("claim", "claim", 5, min_width_shown=104, printed=False, value=_claim,
              cell=lambda line, _: Text(_claim(line), {"high": "$ok", "low": "$alert"}.get(_claim(line), "")),
              tooltip="A high or low performer, with 90 % confidence"),
        _GRADE,
        Field("evidence", "evidence", 24, grow=True, min_width_shown=140, printed=False,
              value=lambda line: line.evidence, cell=lambda line, _: Text(line.evidence, "$dim")),
    ),
    key=lambda line: line.key,
)  # fmt: skip
"""What a plan for boosts says of each agent and each pair, the rules side by side."""


def printed_table(plan: Plan) -> Table[PlanLine]:
    """The table of a plan's changes as print has it: with the other rules, and only what this plan tells of."""
    table = BOOSTS if plan.kind == "optimize" else SETTINGS
    told = {other.rule for other in plan.alternatives} - {plan.rule}
    absent = [rule.replace("-", "_") for rule in (*BOOST_RULES, *TUNE_RULES) if rule not in told]
    if not any(item.interval for item in plan.items):
        absent.append("interval_low")
    return table.hiding(*absent)


# --- decisions that would go elsewhere --------------------------------------------------------------------------------

_RANKS: Final = {"now wrong": 0, "now right": 1, "unknown": 2, "same verdict": 3}
_CONSEQUENCES: Final = {"now right": ("ok", "$ok"), "now wrong": ("alert", "$alert"), "unknown": ("unknown", "$dim")}


def flips_first(flips: Iterable[Flip]) -> list[Flip]:
    """Those that turn right or wrong first."""
    return sorted(flips, key=lambda flip: _RANKS.get(flip.consequence, len(_RANKS)))


def _consequence(flip: Flip, locale: Locale) -> Text:
    state, style = _CONSEQUENCES.get(flip.consequence, ("idle", "$dim"))
    return Text(f"{locale.glyphs.state(state)} {flip.consequence}", style)


def _by(key: str, label: str, layer: Callable[[Flip], str]) -> Field[Flip]:
    return kinds.name(key, label, 10, layer, style=lambda flip: hue(layer(flip)), limit=24, grow=True)


FLIPS: Final[Table[Flip]] = Table(
    (
        kinds.moment("at_ms", "when", 12, lambda flip: flip.at_ms),
        _by("old_layer", "now by", lambda flip: flip.old_layer),
        kinds.name("old_agent", "to", 10, lambda flip: flip.old_agent, limit=40, grow=True),
        Field("arrow", "", 1, value=lambda _: None, cell=lambda _, locale: Text(locale.glyphs.arrow, "$dim"),
              exported=False, printed=False),
        _by("new_layer", "then by", lambda flip: flip.new_layer),
        kinds.name("new_agent", "to", 10, lambda flip: flip.new_agent, limit=40, grow=True),
        Field("consequence", "so it is", 13, value=lambda flip: flip.consequence, cell=_consequence),
        kinds.name("route_id", "decision", 20, lambda flip: flip.route_id, style=lambda _: "$dim", grow=True,
                   min_width_shown=100),
    ),
    key=lambda flip: flip.route_id,
)  # fmt: skip


# --- what is predicted ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Forecast:
    """One measure of a plan's prediction."""

    measure: str
    found: Predicted

    @property
    def is_expected(self) -> bool:
        """Whether it tells what was seen and what is to be expected, which is no effect of the plan."""
        return self.found.change_interval is None and self.found.now_interval is not None

    def end(self, which: int) -> float | None:
        """An end of the 95 % interval of the change."""
        return None if self.found.change_interval is None else self.found.change_interval[which]


def _measure(value: Callable[[Predicted], float | None]) -> Callable[[Forecast, Locale], Cell]:
    return lambda line, locale: value_text(line.measure, value(line.found), locale.glyphs)


def _change(line: Forecast, locale: Locale) -> str:
    return change_text(line.measure, line.found.change, locale.glyphs, unit="ms")


def _span(line: Forecast, locale: Locale) -> str:
    if line.found.change_interval is None:
        return locale.glyphs.none
    low = change_text(line.measure, line.end(0), locale.glyphs)
    return f"{low} {locale.glyphs.none} {change_text(line.measure, line.end(1), locale.glyphs, unit='ms')}"


PREDICTED: Final[Table[Forecast]] = Table(
    (
        Field("measure", "measure", 0, least=10, value=lambda line: line.measure,
              cell=lambda line, _: MEASURES.get(line.measure, clean(line.measure, 24))),
        Field("now", "now", 0, "right", value=lambda line: line.found.now, cell=_measure(lambda found: found.now)),
        Field("new", "new", 0, "right", value=lambda line: line.found.new, cell=_measure(lambda found: found.new)),
        Field("change", "change", 0, "right", value=lambda line: line.found.change, cell=_change),
        Field("change_low", "95 % interval", 0, "right", spare=1, value=lambda line: line.end(0), cell=_span,
              parts=(Part("change_high", lambda line: line.end(1)),)),
    ),
    key=lambda line: line.measure,
)  # fmt: skip
"""What a plan promises, in rates or, as the name of a measure says, in milliseconds; the changes in the same."""


# --- the policy in force ----------------------------------------------------------------------------------------------

THRESHOLDS_SET: Final[Table[tuple[str, float, bool]]] = Table(
    (
        Field(
            "layer", "layer", 0, least=14, value=lambda item: item[0], parts=(Part("disabled", lambda item: item[2]),),
            cell=lambda item, _: clean(f"{item[0]}{' (disabled)' * item[2]}", 28),
        ),
        kinds.hundredths("threshold", "threshold", 0, lambda item: item[1]),
    ),
    key=lambda item: item[0],
)  # fmt: skip
"""A layer, its threshold, and whether it is switched off."""
BOOSTS_SET: Final[Table[tuple[str, float]]] = Table(
    (
        kinds.name("agent", "agent", 0, lambda item: boost_name(item[0]), least=14, limit=28),
        Field("boost", "boost", 0, "right", value=lambda item: item[1],
              cell=lambda item, locale: boost(item[1], locale.glyphs)),
    ),
    key=lambda item: item[0],
)  # fmt: skip
"""By their keys in the policy."""
