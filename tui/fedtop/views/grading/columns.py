"""The grading queue's open decisions as a table, and what grading has brought."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop import kinds
from fedtop.fields import Field, Part, Table
from fedtop.format import interval, n_of, rate
from fedtop.palette import hue
from fedtop.sanitize import clean
from fedtop.widgets.interval_bar import Bar, IntervalBar

if TYPE_CHECKING:
    from fedstore import GradeItem, GradeProgress

__all__ = ["ORDER", "PROGRESS", "QUEUE", "ProgressLine", "progress_lines"]


def _others(item: GradeItem) -> str:
    return ", ".join(name for name in item.proposals if name != item.agent)


QUEUE: Final[Table[GradeItem]] = Table(
    (
        kinds.name(
            "nearest_layer", "nearest", 13, lambda i: i.nearest_layer, style=lambda i: hue(i.nearest_layer), limit=24,
            tooltip="The layer whose threshold its confidence is nearest to", spare=10,
        ),
        kinds.drawing(
            "bar", "", 8, lambda i: Bar(i.confidence, hue(i.nearest_layer), mark=i.threshold), lambda i: i.confidence,
            grow=True, min_width_shown=90,
        ),
        kinds.thousandths("confidence", "conf", 5, lambda i: i.confidence, sort_default="asc", spare=30),
        kinds.hundredths("threshold", "needs", 5, lambda i: i.threshold, style=lambda _: "$dim", sort_default="asc",
                         spare=40),
        kinds.margin(
            "margin", "margin", 6, lambda i: i.margin, style=lambda i: "$ok" if i.margin >= 0 else "$dim",
            rank=lambda i: abs(i.margin), sort_default="asc", tooltip="Confidence minus threshold",
        ),
        kinds.name("agent", "sent to", 14, lambda i: i.agent, limit=40),
        kinds.name("layer", "decided by", 13, lambda i: i.layer, style=lambda i: hue(i.layer), limit=24,
                   min_width_shown=76),
        kinds.moment("at_ms", "time", 12, lambda i: i.at_ms, sort_default="asc", min_width_shown=104),
        Field(
            "task_id", "task", 16, grow=True, min_width_shown=60, least=kinds.LEAST, value=lambda i: i.task_id,
            cell=lambda i, _: Text(clean(i.description or i.task_id, 160), "$dim"),
            parts=(Part("description", lambda i: i.description),),
        ),
        kinds.name("others", "also proposed", 0, _others, spare=50),
        kinds.name("route_id", "id", 0, lambda i: i.route_id, limit=80, least=30),
    ),
    key=lambda i: i.route_id,
)  # fmt: skip
"""Open decisions, in the order of `ORDER`."""

ORDER: Final = "nearest to a threshold (in steps of 0.005), the layer graded least first"


@dataclass(frozen=True, slots=True)
class ProgressLine:
    """What the grades said at a moment; `axis_low` is where the common axis begins."""

    when: str
    progress: GradeProgress
    axis_low: float
    style: str


def progress_lines(start: GradeProgress, now: GradeProgress) -> list[ProgressLine]:
    """When the sitting began and now, on one axis, so that the interval is seen to narrow."""
    lows = [p.interval.low for p in (start, now) if p.interval is not None]
    axis_low = min(math.floor(min(lows) * 20) / 20 if lows else 0.0, 0.9)
    return [ProgressLine("at the start", start, axis_low, "$dim"), ProgressLine("now", now, axis_low, "$accent")]


def _axis(line: ProgressLine) -> IntervalBar:
    low, high = line.progress.interval or (None, None)
    return IntervalBar(low, high, line.progress.accuracy, line.style, (0.95,), line.axis_low)


def _low(line: ProgressLine) -> float | None:
    return None if line.progress.interval is None else line.progress.interval.low


def _high(line: ProgressLine) -> float | None:
    return None if line.progress.interval is None else line.progress.interval.high


PROGRESS: Final[Table[ProgressLine]] = Table(
    (
        kinds.text("when", "", 12, lambda p: p.when),
        kinds.drawing("axis", "accuracy of the cascade, with its 95 % interval", 24, _axis, _low, grow=True),
        Field(
            "accuracy", "", 7, "right", value=lambda p: p.progress.accuracy,
            cell=lambda p, _: rate(p.progress.accuracy),
            parts=(Part("accuracy_low", _low), Part("accuracy_high", _high)),
        ),
        Field("interval", "", 11, "right", value=_low, cell=lambda p, _: Text(interval(_low(p), _high(p)), "$dim"),
              exported=False),
        kinds.Figure(lambda v, _: f"{v * 100:.2f}")("width", "width", 6, lambda p: p.progress.width, exported=False),
        Field("graded", "graded", 9, "right", value=lambda p: p.progress.graded,
              cell=lambda p, _: Text(n_of(p.progress.graded), "$dim")),
    ),
    key=lambda p: p.when,
)  # fmt: skip
