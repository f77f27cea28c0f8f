"""The lines around a decision's ladder: what it was, whether it was right, and what the present policy would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from fedtop.format import UNICODE, clean, date_time, duration_ms
from fedtop.palette import hue
from fedtop.values import answer_cell

if TYPE_CHECKING:
    from datetime import tzinfo

    from fedstore.queries.models import DecisionRow, WhyView

__all__ = ["decision_lines", "policy_line", "verdict_text"]


def verdict_text(view: WhyView) -> Text:
    """Right, wrong or not graded, with the agent that would have been right."""
    correct = view.decision.correct
    word = "not graded" if correct is None else "right" if correct else "wrong"
    text = Text.assemble(answer_cell(correct), f" {word}")
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
