"""Finished runs as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop import kinds
from fedtop.fields import Field, Locale, Part, Table
from fedtop.format import state_text
from fedtop.sanitize import clean

if TYPE_CHECKING:
    from fedstore.queries.models import RunRow

__all__ = ["AGENT_RUNS", "RUNS"]


def _state(run: RunRow) -> str:
    if run.success is None:
        return "unknown"
    return "ok" if run.success and not run.rework else "alert"


def _result(run: RunRow, locale: Locale) -> Text:
    state = _state(run)
    word = {"ok": "ok", "alert": "rework" if run.rework else "failed", "unknown": "not known"}[state]
    return state_text(state, word, locale.glyphs)


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
        kinds.name(
            "task_type", "task type", 16, lambda r: r.task_type, state=_state, grow=True,
            words=lambda r, _: clean(r.task_type, 60) or None, spare=30,
        ),
        kinds.text("project", "project", 10, lambda r: r.project, grow=True, min_width_shown=70),
        kinds.duration("duration_ms", "took", 6, lambda r: r.duration_ms, spare=20),
        kinds.hundredths("quality", "quality", 7, lambda r: r.quality, min_width_shown=62),
        Field(
            "error_class", "error", 12, grow=True, min_width_shown=50, least=kinds.LEAST,
            value=lambda r: r.error_class, cell=lambda r, _: Text(clean(_error(r), 60), "$dim"),
        ),
        kinds.hidden("source", lambda r: r.source),
        kinds.name("id", "id", 0, lambda r: r.id, limit=48, least=40),
    ),
    key=lambda r: r.id,
    order="ended_ms",
)  # fmt: skip
"""Finished runs."""

AGENT_RUNS: Final = RUNS.hiding("success", "agent", "id")
"""Those of one agent, whose result the glyph before the task type tells."""
