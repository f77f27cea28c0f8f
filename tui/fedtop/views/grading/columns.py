"""The grading queue's content: the open decisions, the one under the cursor, and what grading has brought.

Pure functions of the queue's items and progress.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop.format import UNICODE, clean, count, delta, interval, moment, n_of, rate
from fedtop.themes import hue
from fedtop.widgets.interval_bar import Bar, IntervalBar
from fedtop.widgets.live_table import Cell, Column, Row

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from fedstore import GradeItem, GradeProgress, Window

__all__ = ["PROGRESS_COLUMNS", "QUEUE_COLUMNS", "item_lines", "progress_parts", "progress_rows", "queue_rows"]

QUEUE_COLUMNS: Final = (
    Column("near", "nearest", 13, tooltip="The layer whose threshold its confidence is nearest to"),
    Column("bar", "", 8, grow=True, min_width_shown=90),
    Column("conf", "conf", 5, "right"),
    Column("needs", "needs", 5, "right"),
    Column("margin", "margin", 6, "right", tooltip="Confidence minus threshold"),
    Column("agent", "sent to", 14),
    Column("layer", "decided by", 13, min_width_shown=76),
    Column("at", "time", 12, min_width_shown=104, whole=True),
    Column("task", "task", 16, grow=True, min_width_shown=60),
)

PROGRESS_COLUMNS: Final = (
    Column("when", "", 12),
    Column("axis", "accuracy of the cascade, with its 95 % interval", 24, grow=True),
    Column("value", "", 7, "right"),
    Column("interval", "", 11, "right"),
    Column("width", "width", 6, "right"),
    Column("n", "graded", 9, "right"),
)


def queue_rows(items: Iterable[GradeItem], tz: tzinfo, window: Window) -> list[Row]:
    """A row per open decision, the one worth most first; the key is its id."""
    return [_queue_row(item, tz, window) for item in items]


def _queue_row(item: GradeItem, tz: tzinfo, window: Window) -> Row:
    colour = hue(item.nearest_layer)
    cells: dict[str, Cell] = {
        "near": Text(clean(item.nearest_layer, 24), colour),
        "bar": Bar(item.confidence, colour, mark=item.threshold),
        "conf": f"{item.confidence:.3f}",
        "needs": Text(f"{item.threshold:.2f}", "$dim"),
        "margin": Text(delta(item.margin, 3), "$ok" if item.margin >= 0 else "$dim"),
        "agent": clean(item.agent, 40) or None,
        "layer": Text(clean(item.layer, 24), hue(item.layer)),
        "at": Text(moment(item.at_ms, tz, window), "$dim"),
        "task": Text(clean(item.description or item.task_id, 160), "$dim"),
    }
    sort = {"margin": abs(item.margin), "conf": item.confidence, "needs": item.threshold, "at": item.at_ms}
    return Row(item.route_id, cells, sort)


def item_lines(item: GradeItem | None) -> list[Text]:
    """The decision under the cursor: the task, where it went, and who else was proposed."""
    if item is None:
        return []
    sent = Text.assemble(
        ("sent to ", "$dim"),
        (clean(item.agent, 40) or UNICODE.none, "bold"),
        (" by ", "$dim"),
        (clean(item.layer, 24), hue(item.layer)),
    )
    others = [clean(name, 40) for name in item.proposals if name != item.agent]
    if others:
        sent.append("   other layers proposed ", "$dim").append(", ".join(others))
    words = clean(item.description or "", 400)
    return [Text.assemble((clean(item.task_id, 60), "$dim"), "  ", words or ("no description kept", "$dim")), sent]


def progress_parts(now: GradeProgress) -> tuple[Text, ...]:
    """How much is graded, of all and of those near a threshold; and what no grade speaks for."""
    parts = [
        Text.assemble(("graded ", "$dim"), (count(now.graded), "bold"), (f" of {count(now.decisions)}", "$dim")),
        Text.assemble(
            ("near a threshold ", "$dim"), (count(now.near_graded), "bold"), (f" of {count(now.near)}", "$dim")
        ),
    ]
    if now.decisions and now.covered < 1:
        parts.append(Text(f"no grade speaks for {rate(1 - now.covered)} of them", "$warn"))
    return tuple(parts)


def progress_rows(start: GradeProgress, now: GradeProgress) -> list[Row]:
    """The interval when the sitting began and now, on one axis, so that it is seen to narrow."""
    lows = [p.interval.low for p in (start, now) if p.interval is not None]
    axis_low = math.floor(min(lows) * 20) / 20 if lows else 0.0
    axis_low = min(axis_low, 0.9)
    return [_progress_row("at the start", start, axis_low, "$dim"), _progress_row("now", now, axis_low, "$accent")]


def _progress_row(when: str, progress: GradeProgress, axis_low: float, style: str) -> Row:
    low, high = progress.interval or (None, None)
    width = progress.width
    cells: dict[str, Cell] = {
        "when": Text(when, "$dim"),
        "axis": IntervalBar(low, high, progress.accuracy, style, (0.95,), axis_low),
        "value": rate(progress.accuracy),
        "interval": Text(interval(low, high), "$dim"),
        "width": None if width is None else f"{width * 100:.2f}",
        "n": Text(n_of(progress.graded), "$dim"),
    }
    return Row(when, cells)
