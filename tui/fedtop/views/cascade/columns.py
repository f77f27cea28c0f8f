"""The cascade panel's content as table rows: one per layer, one per decision, and the line of targets.

Pure functions of the read models; nothing here knows an app. An unknown figure is None, which a table shows
as the dash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop.format import (
    UNICODE,
    clean,
    count,
    counted,
    duration_ms,
    interval,
    moment,
    n_of,
    rate,
    state_text,
    ungraded_layers,
)
from fedtop.themes import hue
from fedtop.views.values import rate_cell
from fedtop.widgets.interval_bar import Bar
from fedtop.widgets.live_table import Cell, Column, Row

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from fedstore import Window
    from fedstore.learning.targets import DriftAlert, TargetStatus
    from fedstore.queries.models import CascadeView, DecisionRow, LayerRow
    from fedtop.glyphs import Glyphs

__all__ = [
    "DECISION_COLUMNS",
    "LAYER_COLUMNS",
    "decision_rows",
    "drift_text",
    "layer_rows",
    "state_of_rate",
    "summary_parts",
    "target_parts",
    "verdict_cell",
]

LAYER_COLUMNS: Final = (
    Column("layer", "layer", 13, tooltip="In the order they are asked"),
    Column("attempts", "attempts", 8, "right", min_width_shown=92, sort_default="desc"),
    Column("bar", "", 3, grow=True),
    Column("captured", "captured", 8, "right", sort_default="desc", tooltip="Share of all decisions it took"),
    Column("success", "success", 7, "right", min_width_shown=104, sort_default="desc"),
    Column("conf", "conf", 5, "right", min_width_shown=112, sort_default="desc"),
    Column("p50", "p50", 8, "decimal", min_width_shown=128, sort_default="desc"),
    Column("p95", "p95", 8, "decimal", sort_default="desc"),
    Column("accuracy", "accuracy", 18, tooltip="Right, of the graded ones it took, with the 95 % interval"),
    Column("graded", "graded", 7, "right", min_width_shown=100, sort_default="desc"),
    Column("threshold", "threshold", 9, "right"),
    Column("target", "target", 8),
)

DECISION_COLUMNS: Final = (
    Column("at", "time", 12, sort_default="desc", whole=True),
    Column("verdict", "", 1, tooltip="Right, wrong or not graded"),
    Column("agent", "agent", 22),
    Column("layer", "decided by", 13),
    Column("conf", "conf", 5, "right", sort_default="desc"),
    Column("latency", "latency", 8, "decimal", min_width_shown=66, sort_default="desc"),
    Column("task", "task", 18, grow=True, min_width_shown=76),
)


def state_of_rate(status: str) -> str:
    """The style of a figure under a target: only a missed one stands out."""
    return f"bold ${status}" if status in ("warn", "alert") else ""


def layer_rows(layers: Iterable[LayerRow]) -> list[Row]:
    """A row per layer, in the cascade's order; the key is the layer's name."""
    return [_layer_row(layer) for layer in layers]


def _layer_row(layer: LayerRow) -> Row:
    colour, durations = hue(layer.name), layer.durations
    cells: dict[str, Cell] = {
        "layer": Text(clean(layer.name, 24), colour),
        "attempts": count(layer.attempts),
        "bar": Bar(layer.captured.value, colour),
        "captured": Text(rate(layer.captured.value), state_of_rate(layer.target_status)),
        "success": rate(layer.success.value),
        "conf": None if layer.confidence is None else f"{layer.confidence:.3f}",
        "p50": None if durations.p50_ms is None else duration_ms(durations.p50_ms),
        "p95": None if durations.p95_ms is None else duration_ms(durations.p95_ms),
        "accuracy": rate_cell(layer.accuracy, coloured=False),
        "graded": count(layer.accuracy.n) if layer.accuracy.n else None,
        "threshold": None if layer.threshold is None else f"{layer.threshold:.2f}",
        "target": _target_cell(layer),
    }
    return Row(
        layer.name,
        cells,
        {
            "layer": layer.position,
            "attempts": layer.attempts,
            "bar": layer.captured.value,
            "captured": layer.captured.value,
            "success": layer.success.value,
            "conf": layer.confidence,
            "p50": durations.p50_ms,
            "p95": durations.p95_ms,
            "accuracy": layer.accuracy.value,
            "graded": layer.accuracy.n,
            "threshold": layer.threshold,
        },
    )


def _target_cell(layer: LayerRow) -> Text:
    """The capture target with its state; a layer without one stays blank."""
    if not layer.target:
        return Text("")
    return state_text(layer.target_status, clean(layer.target, 12))


def verdict_cell(correct: bool | None, glyphs: Glyphs = UNICODE) -> Text:
    """Right, wrong, or not graded."""
    if correct is None:
        return Text(glyphs.dot, "$dim")
    return Text(glyphs.check, "$ok") if correct else Text(glyphs.alert, "$alert")


def decision_rows(decisions: Iterable[DecisionRow], tz: tzinfo, window: Window) -> list[Row]:
    """A row per decision; the key is its id."""
    return [_decision_row(decision, tz, window) for decision in decisions]


def _decision_row(row: DecisionRow, tz: tzinfo, window: Window) -> Row:
    cells: dict[str, Cell] = {
        "at": Text(moment(row.at_ms, tz, window), "$dim"),
        "verdict": verdict_cell(row.correct),
        "agent": clean(row.agent, 40) or None,
        "layer": Text(clean(row.layer, 24), hue(row.layer)),
        "conf": None if row.confidence is None else f"{row.confidence:.3f}",
        "latency": None if row.latency_ms is None else duration_ms(row.latency_ms),
        "task": Text(clean(row.description or row.task_id, 160), "$dim"),
    }
    verdict = None if row.correct is None else int(row.correct)
    sort = {"at": row.at_ms, "verdict": verdict, "conf": row.confidence, "latency": row.latency_ms}
    return Row(row.id, cells, sort)


def summary_parts(view: CascadeView) -> tuple[Text, ...]:
    """What the whole cascade did: decisions, accuracy, latency, clarified."""
    accuracy, durations = view.accuracy, view.durations
    parts = [Text.assemble((count(view.routes), "bold"), (" decision" if view.routes == 1 else " decisions", "$dim"))]
    if accuracy.interval is None:
        parts.append(Text("accuracy not graded", "$dim"))
    else:
        tail = f" {interval(*accuracy.interval)} {n_of(accuracy.n)}{ungraded_layers(accuracy)}"
        parts.append(_figure("accuracy", rate(accuracy.value), tail))
    if durations.n:
        tail = f" p50 {duration_ms(durations.p50_ms)} p95 {duration_ms(durations.p95_ms)}"
        parts.append(_figure("latency", duration_ms(durations.mean_ms), tail))
    parts.append(_figure("clarified", rate(view.clarified.value)))
    if view.drift is not None:
        parts.append(drift_text(view.drift))
    return tuple(parts)


def drift_text(drift: DriftAlert) -> Text:
    """That the newer half of the window is right less often than the older one, or more often."""
    return state_text("warn" if drift.worse else "info", f"accuracy {drift.text}")


def _figure(label: str, value: str, tail: str = "") -> Text:
    return Text.assemble((f"{label} ", "$dim"), (value, "bold"), (tail, "$dim"))


_URGENCY: Final = {"alert": 0, "warn": 1, "unknown": 2, "ok": 3}


def target_parts(targets: Iterable[TargetStatus], *, brief: bool = False) -> tuple[Text, ...]:
    """The performance targets, missed ones first and in colour with the value, met ones dim.

    `brief` only counts the ones that are met.
    """
    shown = sorted(targets, key=lambda t: _URGENCY[t.status])
    met = sum(status.status == "ok" for status in shown)
    if not brief:
        return tuple(_target_text(status) for status in shown)
    parts = [_target_text(status) for status in shown if status.status != "ok"]
    words = f"{'all ' if met == len(shown) > 1 else ''}{counted(met, 'target')} met"
    return (*parts, state_text("ok").append(f" {words}", "$dim")) if met else tuple(parts)


def _target_text(status: TargetStatus) -> Text:
    target, missed = status.target, status.status in ("warn", "alert")
    text = state_text(status.status)
    text.append(f" {_short(target.label)} {target.target_text}", "$fg" if missed else "$dim")
    if missed:
        latency = target.measure == "latency_ms"
        value = duration_ms(status.value) if latency else rate(status.value)
        text.append(f" is {value}", f"bold ${status.status}")
    return text


def _short(label: str) -> str:
    words = [word for word in label.lower().split() if word not in ("overall", "avg", "rate")]
    return " ".join(words)
