"""The overview's lists as tables: what needs attention, what goes on, what ended, the types of tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedstore import Window
from fedtop import kinds
from fedtop.fields import KEY_GAP, Field, Locale, Part, Table
from fedtop.format import age, moment
from fedtop.sanitize import clean
from fedtop.values import named, short_rate
from fedtop.widgets.interval_bar import Bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.queries.models import ActiveRun, FeedItem, MatrixCell, Overview

__all__ = [
    "ATTENTION", "FEED", "NOW", "TYPES", "AttentionLine", "TypeLine", "attention_lines", "by_urgency",
    "type_lines",
]  # fmt: skip


# --- what needs attention -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AttentionLine:
    """Something that needs attention; `target` is what Enter opens, such as `agent:codex`."""

    number: int
    severity: str
    sentence: str
    target: str


ATTENTION: Final[Table[AttentionLine]] = Table(
    (
        kinds.name("what", "what", 20, lambda a: a.sentence, state=lambda a: a.severity, limit=300, grow=True),
        kinds.hidden("severity", lambda a: a.severity),
        kinds.hidden("target", lambda a: a.target),
    ),
    key=lambda a: f"{a.number}{KEY_GAP}{a.target}",
)


def attention_lines(data: Overview) -> list[AttentionLine]:
    """A line per thing that needs attention, worst first."""
    return [AttentionLine(number, *item) for number, item in enumerate(data.attention)]


# --- runs that go on, and that ended --------------------------------------------------------------------------------


def by_urgency(runs: Sequence[ActiveRun]) -> list[ActiveRun]:
    """The runs that wait first, then by start."""
    return sorted(runs, key=lambda run: (run.state != "waiting", run.started_ms, run.id))


def _silent_ms(run: ActiveRun, locale: Locale) -> int | None:
    """For how long nothing was heard of a run, where that is long; one that waits says nothing."""
    now_ms = locale.now_ms
    return now_ms - run.seen_ms if now_ms is not None and run.is_quiet(now_ms) else None


def _who(run: ActiveRun, locale: Locale) -> Text:
    silent = _silent_ms(run, locale) is not None
    return named("warn" if run.state == "waiting" else "unknown" if silent else "ok", run.agent, locale.glyphs)


def _what(run: ActiveRun, locale: Locale) -> Text:
    if run.state == "waiting":
        return Text(f"waits for {clean(run.reason, 60)}" if run.reason else run.state, "$warn")
    silence = _silent_ms(run, locale)
    return Text(run.state if silence is None else f"silent for {age(silence / 1000, locale.glyphs)}", "$dim")


def _since(run: ActiveRun, locale: Locale) -> Text:
    now_ms = locale.now_ms or run.seen_ms
    return Text(moment(run.started_ms, locale.tz, Window(run.started_ms, now_ms, ""), locale.glyphs), "$dim")


NOW: Final[Table[ActiveRun]] = Table(
    (
        Field("agent", "agent", 12, value=lambda r: r.agent, cell=_who),
        kinds.name("task_type", "task type", 16, lambda r: r.task_type),
        Field(
            "state", "state", 10, value=lambda r: r.state, cell=_what, grow=True,
            parts=(Part("reason", lambda r: r.reason),),
        ),
        Field("started_ms", "since", 8, "right", value=lambda r: r.started_ms, cell=_since, whole=True),
        kinds.hidden("seen_ms", lambda r: r.seen_ms),
        kinds.hidden("id", lambda r: r.id),
    ),
    key=lambda r: f"{r.id}{KEY_GAP}{r.agent}",
)  # fmt: skip
"""Runs that go on."""


def _kind(item: FeedItem, _: Locale) -> str | None:
    """Its task type; of an execution the tool."""
    return clean(item.tool or item.task_type, 60) or None


FEED: Final[Table[FeedItem]] = Table(
    (
        kinds.moment("ended_ms", "time", 8, lambda f: f.at_ms),
        kinds.name(
            "agent", "agent", 10, lambda f: f.agent,
            state=lambda f: "unknown" if f.ok is None else "ok" if f.ok else "alert",
            parts=(Part("success", lambda f: f.ok),),
        ),
        Field("task_type", "task type", 9, value=lambda f: f.task_type, cell=_kind, grow=True),
        kinds.hidden("tool", lambda f: f.tool),
        kinds.duration("duration_ms", "took", 6, lambda f: f.duration_ms),
        kinds.text("error_class", "error", 12, lambda f: f.error_class, min_width_shown=52),
        kinds.hidden("id", lambda f: f.run_id),
    ),
    key=lambda f: f"{f.run_id}{KEY_GAP}{f.agent}",
)  # fmt: skip
"""Tasks that ended, newest first."""


# --- types of tasks -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TypeLine:
    """A task type of all agents, and how many tasks the most frequent one has."""

    cell: MatrixCell
    most: int


TYPES: Final[Table[TypeLine]] = Table(
    (
        kinds.name("task_type", "type", 14, lambda t: t.cell.task_type, none="(none)", grow=True),
        kinds.count("tasks", "tasks", 6, lambda t: t.cell.tasks),
        kinds.drawing(
            "bar", "", 8, lambda t: Bar(t.cell.tasks / t.most if t.most else None, "$info-fill"),
            lambda t: t.cell.tasks, grow=True,
        ),
        kinds.rate("success", "success", 8, lambda t: t.cell.success, short_rate, align="right"),
        kinds.hidden("ungraded", lambda t: t.cell.ungraded.runs),
        kinds.hidden("ungraded_errors", lambda t: t.cell.ungraded.errored),
    ),
    key=lambda t: t.cell.task_type,
)  # fmt: skip


def type_lines(cells: Sequence[MatrixCell]) -> list[TypeLine]:
    """A line per task type."""
    most = max((cell.tasks for cell in cells), default=0)
    return [TypeLine(cell, most) for cell in cells]
