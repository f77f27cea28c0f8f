"""Finished runs as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop import kinds
from fedtop.fields import Field, Locale, Part, Table
from fedtop.format import state_text
from fedtop.sanitize import clean
from fedtop.values import named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.queries.models import RunRow

__all__ = ["AGENT_RUNS", "RUNS", "for_runs", "runs_of"]


def _state(run: RunRow) -> str:
    if run.success is None:
        return "unknown"
    return "ok" if run.success and not run.rework else "alert"


def _result(run: RunRow, locale: Locale) -> Text:
    state = _state(run)
    word = {"ok": "ok", "alert": "rework" if run.rework else "failed", "unknown": "not known"}[state]
    return state_text(state, word, locale.glyphs)


def _kind(run: RunRow) -> str:
    """Its task type; of an execution the tool."""
    return run.tool or run.task_type


def _error(run: RunRow) -> str:
    return "rework" if run.rework and not run.error_class else run.error_class


RUNS: Final[Table[RunRow]] = Table(
    (
        kinds.moment("ended_ms", "ended", 12, lambda r: r.ended_ms, spare=10),
        Field(
            "success", "result", 10, value=lambda r: r.success, cell=_result, rank=lambda r: _state(r),
            parts=(Part("rework", lambda r: r.rework),),
        ),
        kinds.name("agent", "agent", 12, lambda r: r.agent, grow=True),
        Field(
            "task_type", "task type", 16, value=lambda r: r.task_type, grow=True, spare=30, least=kinds.LEAST,
            cell=lambda r, locale: named(_state(r), _kind(r), locale.glyphs),
            words=lambda r, _: clean(_kind(r), 60) or None,
        ),
        kinds.hidden("tool", lambda r: r.tool),
        kinds.text("project", "project", 10, lambda r: r.project, grow=True, min_width_shown=70),
        kinds.duration("duration_ms", "took", 6, lambda r: r.duration_ms, spare=20),
        kinds.hundredths("quality", "quality", 7, lambda r: r.quality, min_width_shown=62),
        kinds.hundredths(
            "confidence", "conf.", 5, lambda r: r.confidence, min_width_shown=132, spare=78,
            tooltip="How sure the agent was, 0 to 1",
        ),
        kinds.text("qa", "qa", 7, lambda r: r.qa or "", min_width_shown=110, spare=75, tooltip="Quality check"),
        kinds.text("mode", "mode", 6, lambda r: r.mode, min_width_shown=140, spare=80),
        kinds.text("effort", "effort", 6, lambda r: r.effort, min_width_shown=150, spare=60, tooltip="Of a human"),
        kinds.hidden("browser_used", lambda r: r.browser_used),
        Field(
            "error_class", "error", 12, grow=True, min_width_shown=50, least=kinds.LEAST,
            value=lambda r: r.error_class, cell=lambda r, _: Text(clean(_error(r), 60), "$dim"),
        ),
        kinds.text("notes", "notes", 16, lambda r: r.notes or "", limit=200, grow=True, min_width_shown=124, spare=5),
        kinds.hidden("source", lambda r: r.source),
        kinds.name("id", "id", 0, lambda r: r.id, limit=48, least=40),
    ),
    key=lambda r: r.id,
    order="ended_ms",
)  # fmt: skip
"""Finished runs."""


def for_runs(table: Table[RunRow], rows: Sequence[RunRow]) -> Table[RunRow]:
    """The table with what few tell of in sight only where a row tells of it."""
    return table.hiding_untold(rows, "qa", "mode", "confidence", "effort", "notes")


AGENT_RUNS: Final = RUNS.hiding("success", "agent", "id")
"""Those of one agent, whose result the glyph before the task type tells."""


def runs_of(rows: Sequence[RunRow]) -> frozenset[str]:
    """The ids of those that are runs: among tasks may be executions of tools, which nobody judges."""
    return frozenset(row.id for row in rows if not row.tool)
