"""Why a decision went where it went, as ladder rungs and the lines around them.

Pure functions of the `why` read model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedstore.queries.models import WhyStep
from fedtop.format import UNICODE, clean, date_time, duration_ms
from fedtop.themes import hue
from fedtop.views.cascade.columns import verdict_cell
from fedtop.widgets.ladder import Rung, rung_row
from fedtop.widgets.table_model import Column, Row

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from fedstore.queries.models import DecisionRow, WhyView

__all__ = [
    "LADDER_COLUMNS",
    "decision_lines",
    "ladder_rows",
    "not_reached",
    "policy_line",
    "rung_of",
    "verdict_text",
]


LADDER_COLUMNS: Final = (
    Column("layer", "layer", 13),
    Column("mark", "", 1),
    Column("bar", "confidence, threshold │", 12, grow=True),
    Column("agent", "proposes", 12),
    Column("confidence", "conf", 6, "right"),
    Column("threshold", "needs", 6, "right"),
    Column("margin", "margin", 7, "right"),
    Column("time", "time", 8, "decimal"),
    Column("note", "", 20, min_width_shown=100),
)


def ladder_rows(steps: Iterable[WhyStep]) -> list[Row]:
    """A rung per layer, with the agent it proposed."""
    rows = []
    for step in steps:
        row = rung_row(rung_of(step))
        agent = Text("") if not step.agent else Text(clean(step.agent, 40), "" if step.accepted else "$dim")
        rows.append(Row(row.key, {**row.cells, "agent": agent}, row.sort, row.style))
    return rows


def rung_of(step: WhyStep) -> Rung:
    """The step as a rung; the note says what the present policy would do where that differs."""
    time_us = None if step.latency_ms is None else step.latency_ms * 1_000
    if step.shadow:
        outcome = "shadow"
    elif step.accepted:
        outcome = "accepted"
    elif step.error_class:
        outcome = "failed"
    else:
        reached = step.confidence is not None or step.latency_ms is not None
        outcome = "passed" if reached else "not_reached"
    return Rung(step.layer, step.confidence, step.threshold, time_us, outcome, _note(step))  # type: ignore[arg-type]


def not_reached(view: WhyView, layers: Iterable[tuple[str, int, float | None]]) -> tuple[WhyStep, ...]:
    """A step per known layer (name, position, threshold) the decision never came to."""
    asked = {step.layer for step in view.steps}
    return tuple(
        WhyStep(name, "", None, threshold, False, False, None, "", threshold, None)
        for name, _, threshold in layers
        if name not in asked
    )


def _note(step: WhyStep) -> str:
    """The error, or how the present policy differs; empty: the ladder's own word is enough."""
    if step.error_class:
        return clean(step.error_class, 40)
    differs = step.accepts_now is not None and step.accepts_now is not step.accepted and not step.shadow
    if not differs or step.threshold_now is None:
        return ""
    return f"now {'accepts' if step.accepts_now else 'passes'} at {step.threshold_now:.2f}"


def verdict_text(view: WhyView) -> Text:
    """Right, wrong or not graded, with the agent that would have been right."""
    correct = view.decision.correct
    word = "not graded" if correct is None else "right" if correct else "wrong"
    text = Text.assemble(verdict_cell(correct), f" {word}")
    if view.correct_agent and not correct:
        text.append(", right would be ", "$dim").append(clean(view.correct_agent, 40), "bold")
    return text


def decision_lines(view: WhyView, tz: tzinfo, now_ms: int) -> list[Text]:
    """When, who, by which layer, how long; then the task."""
    row = view.decision
    head = Text.assemble(
        (date_time(row.at_ms, tz, now_ms), "$dim"),
        "  ",
        (clean(row.agent, 40) or UNICODE.none, "bold"),
        (" by ", "$dim"),
        (clean(row.layer, 24), hue(row.layer)),
        (f" in {duration_ms(row.latency_ms)}   ", "$dim"),
    ).append_text(verdict_text(view))
    lines = [head]
    task = _task(row)
    if task.plain:
        lines.append(task)
    return [*lines, policy_line(view)]


def _task(row: DecisionRow) -> Text:
    words = clean(row.description or "", 300)
    return Text.assemble((clean(row.task_id, 60), "$dim"), "  " if row.task_id and words else "", words)


def policy_line(view: WhyView) -> Text:
    """The policy version it was made under, and what the present one would do with it."""
    version = "before the first policy" if view.policy_version is None else f"policy {view.policy_version}"
    text = Text.assemble((f"{version}; the present one ", "$dim"))
    if view.now_layer is None:
        return text.append("cannot be told: the log ends before its decision", "$dim")
    if view.now_layer == view.decision.layer and view.now_agent == view.decision.agent:
        return text.append("would decide the same", "$dim")
    agent = clean(view.now_agent or "", 40) or "nobody"
    text.append("would let ", "$dim").append(clean(view.now_layer, 24), hue(view.now_layer))
    return text.append(" choose ", "$dim").append(agent, "bold $accent")
