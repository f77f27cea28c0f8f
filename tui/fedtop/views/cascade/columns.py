"""The cascade's layers and decisions as tables, and the layers once more as the overview has them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop import kinds
from fedtop.fields import Field, Locale, Part, Table
from fedtop.format import rate, state_text
from fedtop.palette import hue
from fedtop.sanitize import clean
from fedtop.values import FEW, bare_rate, rate_cell
from fedtop.widgets.interval_bar import Bar

if TYPE_CHECKING:
    from fedstore.queries.models import DecisionRow, LayerRow, Rate
    from fedtop.glyphs import Glyphs

__all__ = ["DECISIONS", "FUNNEL", "LAYERS"]


def _state_of_rate(status: str) -> str:
    """The style of a figure under a target: only a missed one stands out."""
    return f"bold ${status}" if status in ("warn", "alert") else ""


def _target_cell(layer: LayerRow, locale: Locale) -> Text:
    """The capture target with its state; a layer without one stays blank."""
    if not layer.target:
        return Text("")
    return state_text(layer.target_status, clean(layer.target, 12), locale.glyphs)


def _calm(value: Rate, glyphs: Glyphs) -> Text | None:
    return rate_cell(value, glyphs, coloured=False)


LAYERS: Final[Table[LayerRow]] = Table(
    (
        kinds.name(
            "layer", "layer", 13, lambda r: r.name, style=lambda r: hue(r.name), limit=24, rank=lambda r: r.position,
            tooltip="In the order they are asked",
        ),
        kinds.hidden("position", lambda r: r.position),
        kinds.count("attempts", "attempts", 8, lambda r: r.attempts, min_width_shown=92),
        kinds.drawing(
            "bar", "", 3, lambda r: Bar(r.captured.value, hue(r.name)), lambda r: r.captured.value, grow=True,
            sort_default="asc",
        ),
        kinds.share(
            "captured", "captured", 8, lambda r: r.captured.value, style=lambda r: _state_of_rate(r.target_status),
            parts=kinds.rate_parts("captured", lambda r: r.captured), tooltip="Share of all decisions it took",
        ),
        kinds.rate("success", "success", 7, lambda r: r.success, bare_rate, align="right", min_width_shown=104),
        kinds.thousandths("confidence", "conf", 5, lambda r: r.confidence, min_width_shown=112),
        kinds.hidden("duration_mean_ms", lambda r: r.durations.mean_ms),
        kinds.duration("duration_p50_ms", "p50", 8, lambda r: r.durations.p50_ms, min_width_shown=128),
        kinds.duration("duration_p95_ms", "p95", 8, lambda r: r.durations.p95_ms),
        kinds.rate(
            "accuracy", "accuracy", 18, lambda r: r.accuracy, _calm, sort_default="asc",
            tooltip="Right, of the graded ones it took, with the 95 % interval",
        ),
        kinds.count("graded", "graded", 7, lambda r: r.accuracy.n or None, min_width_shown=100, exported=False),
        kinds.hundredths("threshold", "threshold", 9, lambda r: r.threshold, sort_default="asc"),
        Field(
            "target", "target", 8, value=lambda r: r.target, cell=_target_cell,
            parts=(Part("target_status", lambda r: r.target_status if r.target else None),),
        ),
        kinds.hidden("accuracy_target", lambda r: r.accuracy_target),
        kinds.hidden("accuracy_status", lambda r: r.accuracy_status),
        kinds.hidden("latency_target_ms", lambda r: r.latency_target_ms),
        kinds.hidden("speed_status", lambda r: r.latency_status),
        kinds.hidden("errors", lambda r: r.errors),
    ),
    key=lambda r: r.name,
    order="layer",
)  # fmt: skip
"""The layers, in the order they are asked."""


_CALM: Final = ("ok", "info")


def _marked_accuracy(layer: LayerRow, locale: Locale) -> Text:
    """The accuracy, with the state of a missed target or the mark of too few grades behind it."""
    status = layer.target_status if layer.target_status in ("warn", "alert") else ""
    glyphs = locale.glyphs
    few = "few" if 0 < layer.accuracy.n < FEW else "none"
    mark = glyphs.state(status) if status else glyphs.basis(few)
    style = f"${status}" if status else ""
    return Text.assemble((rate(layer.accuracy.value, glyphs=glyphs), style), (f" {mark}", style or "$dim"))


FUNNEL: Final[Table[LayerRow]] = LAYERS.showing("layer", "bar", "captured", "accuracy").changed(
    replace(LAYERS["bar"], width=4),
    replace(LAYERS["captured"], width=7, cell=lambda r, locale: rate(r.captured.value, glyphs=locale.glyphs)),
    replace(LAYERS["accuracy"], width=9, align="right", cell=_marked_accuracy),
)
"""The layers as the overview has them: the share of each and how often it is right."""


DECISIONS: Final[Table[DecisionRow]] = Table(
    (
        kinds.moment("at_ms", "time", 12, lambda d: d.at_ms),
        kinds.answer(
            "correct", "verdict", lambda d: d.correct, ("right", "wrong", "not graded"),
            tooltip="Right, wrong or not graded",
        ),
        kinds.name("agent", "agent", 22, lambda d: d.agent, limit=40),
        kinds.name("layer", "decided by", 13, lambda d: d.layer, style=lambda d: hue(d.layer), limit=24),
        kinds.thousandths("confidence", "conf", 5, lambda d: d.confidence),
        kinds.duration("latency_ms", "latency", 8, lambda d: d.latency_ms, min_width_shown=66),
        Field(
            "task_id", "task", 18, grow=True, min_width_shown=76, least=kinds.LEAST, value=lambda d: d.task_id,
            cell=lambda d, _: Text(clean(d.description or d.task_id, 160), "$dim"),
            parts=(Part("description", lambda d: d.description),),
        ),
        kinds.name("id", "id (fedtop why ID)", 0, lambda d: d.id, limit=80, least=30),
    ),
    key=lambda d: d.id,
    order="at_ms",
)  # fmt: skip
"""Routing decisions, newest first."""
