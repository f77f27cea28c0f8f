"""Tools as a table: how far each can be trusted, and whom it hurts; its users and its executions.

The bound is drawn on one axis from 0 to 100 % for all tools, with the 80 and 95 % lines, so that confidence
is seen and not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop import kinds
from fedtop.fields import Field, Part, Table
from fedtop.format import UNICODE, clean, count, interval
from fedtop.values import bare_rate
from fedtop.widgets.interval_bar import IntervalBar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.queries.models import Rate, ToolCallRow, ToolRow, ToolUser

__all__ = ["CALLS", "LEVEL_STATES", "LEVEL_WORDS", "TOOLS", "TRENDS", "USERS", "level_style", "level_text"]

LEVEL_STATES: Final = {"HIGH": "ok", "MEDIUM": "warn", "LOW": "alert", "FEW": "few", "UNKNOWN": "unknown"}
LEVEL_WORDS: Final = {"FEW": "too few", "UNKNOWN": "unknown"}
"""How levels are said that no rule of trust gives."""
_LEVELS: Final = {"LOW": 1, "MEDIUM": 2, "HIGH": 3, "FEW": 4, "UNKNOWN": 5}
TRENDS: Final = {
    "improving": (UNICODE.up, "$ok"),
    "declining": (UNICODE.down, "$alert"),
    "stable": ("→", "$dim"),
}


def level_text(level: str) -> Text:
    """`● HIGH`, `▲ MEDIUM`, `✖ LOW`, `· too few`, `◌ unknown`, in the colour of the state."""
    glyph = UNICODE.state(LEVEL_STATES.get(level, "unknown"))
    return Text(f"{glyph} {LEVEL_WORDS.get(level) or clean(level, 8)}", level_style(level))


def level_style(level: str) -> str:
    """The style of a level; what tells nothing is dim."""
    state = LEVEL_STATES.get(level, "unknown")
    return "$dim" if state in ("few", "unknown") else f"${state}"


def _axis(tool: ToolRow) -> IntervalBar:
    low, high = tool.bound or (None, None)
    return IntervalBar(low, high, tool.success.value, level_style(tool.level))


def _span(ends: tuple[float, float] | None) -> Text | None:
    return None if ends is None else Text(interval(*ends), "$dim")


def _failures(success: Rate) -> int:
    return success.n - success.hits


def _hurts(tool: ToolRow, most: int = 3) -> Text:
    """The agents it failed, with failures of runs: `codex 12/80, kimi 3/210`."""
    failed = [(name, _failures(success), success.n) for name, success, _ in tool.agents if _failures(success)]
    text = Text()
    for i, (name, failures, runs) in enumerate(failed[:most]):
        text.append(", " if i else "").append(clean(name, 24)).append(f" {count(failures)}/{count(runs)}", "$dim")
    return text


TOOLS: Final[Table[ToolRow]] = Table(
    (
        Field(
            "level", "trust", 9, tooltip="HIGH, MEDIUM or LOW by the rule in force, where runs tell",
            value=lambda t: t.level, rank=lambda t: _LEVELS.get(t.level), cell=lambda t, _: level_text(t.level),
        ),
        kinds.name("tool", "tool", 18, lambda t: t.name),
        kinds.drawing(
            "axis", "80 and 95 % lines", 18, _axis, lambda t: None if t.bound is None else t.bound[0],
            sort_default="asc", grow=True, tooltip="Success with its 90 % bounds",
        ),
        kinds.rate("success", "success", 7, lambda t: t.success, bare_rate, align="right"),
        Field(
            "bound_low", "bounds", 11, min_width_shown=88, tooltip="One-sided 90 % bounds, lower and upper",
            value=lambda t: None if t.bound is None else t.bound.low, cell=lambda t, _: _span(t.bound),
            parts=(Part("bound_high", lambda t: None if t.bound is None else t.bound.high),),
        ),
        kinds.count("calls", "runs", 6, lambda t: t.calls),
        Field(
            "trend", "", 1, tooltip="Newer half against the older one", heading="trend", value=lambda t: t.trend,
            cell=lambda t, _: Text(*TRENDS.get(t.trend, (" ", ""))), words=lambda t, _: t.trend,
        ),
        kinds.duration("duration_mean_ms", "mean", 7, lambda t: t.durations.mean_ms, min_width_shown=84),
        kinds.hidden("duration_p50_ms", lambda t: t.durations.p50_ms),
        kinds.duration("duration_p95_ms", "p95", 7, lambda t: t.durations.p95_ms, min_width_shown=118),
        kinds.dollars("cost_nano", "cost", 8, lambda t: t.cost_nano, min_width_shown=108),
        kinds.tokens("tokens", "tokens", 7, lambda t: t.tokens, min_width_shown=132),
        Field(
            "failed", "hurts", 14, grow=True, min_width_shown=96, tooltip="Failures of runs, per agent",
            value=lambda t: _failures(t.success), cell=lambda t, _: _hurts(t), words=lambda t, _: _hurts(t, 1),
        ),
        kinds.hidden("reason", lambda t: t.reason),
    ),
    key=lambda t: t.name,
    order="level",
)  # fmt: skip

USERS: Final[Table[ToolUser]] = Table(
    (
        kinds.name("agent", "agent", 14, lambda u: u[0], grow=True),
        kinds.rate("success", "success", 7, lambda u: u[1], bare_rate, align="right"),
        Field(
            "bounds", "95 %", 11, value=lambda u: None if u[1].interval is None else u[1].interval.low,
            cell=lambda u, _: _span(u[1].interval), exported=False,
        ),
        kinds.count("failed", "failed", 7, lambda u: _failures(u[1]),
                    style=lambda u: "$warn" if _failures(u[1]) else "$dim"),
        kinds.count("runs", "runs", 7, lambda u: u.runs),
    ),
    key=lambda u: u[0],
    order="failed",
)  # fmt: skip
"""The agents that use a tool."""

CALLS: Final[Table[ToolCallRow]] = Table(
    (
        kinds.moment("ended_ms", "time", 12, lambda c: c.ended_ms),
        kinds.answer("success", "result", lambda c: c.success, ("ok", "failed", "not known")),
        kinds.name("agent", "agent", 14, lambda c: c.agent, limit=40, grow=True),
        kinds.duration("duration_ms", "duration", 8, lambda c: c.duration_ms),
        kinds.dollars("cost_nano", "cost", 8, lambda c: c.cost_nano, min_width_shown=60),
        kinds.text("error_class", "error", 16, lambda c: c.error_class, limit=80, style="$alert", grow=True),
        kinds.text("effort", "effort", 6, lambda c: c.effort, min_width_shown=90, tooltip="Of a human, where told"),
        Field(
            "browser_used", "browser", 7, min_width_shown=100, value=lambda c: c.browser_used,
            cell=lambda c, _: Text("browser" if c.browser_used else "", "$dim"),
        ),
        kinds.hidden("tool", lambda c: c.tool),
        kinds.hidden("tokens", lambda c: c.tokens),
        kinds.hidden("id", lambda c: c.id),
        kinds.hidden("run_id", lambda c: c.run_id),
        kinds.hidden("task_id", lambda c: c.task_id),
    ),
    key=lambda c: c.id,
    order="ended_ms",
)  # fmt: skip
"""Executions of a tool, newest first."""


def for_calls(rows: Sequence[ToolCallRow]) -> Table[ToolCallRow]:
    """That table, with effort and browser in sight only where a row tells of them."""
    return CALLS.hiding_untold(rows, "effort", "browser_used")
