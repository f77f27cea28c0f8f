"""Runs as text: a list, or one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import Captioned, captioned, header, heading, window_text
from fedtop.plain.tables import table_of
from fedtop.views.runs.columns import RUNS, for_runs

if TYPE_CHECKING:
    from fedstore import Window
    from fedstore.queries.models import RunRow
    from fedtop.plain.look import Look

__all__ = ["run", "runs"]


def runs(rows: tuple[RunRow, ...], window: Window, look: Look, notice: str | None = None) -> RenderableType:
    """The newest runs of a window."""
    parts: list[RenderableType] = [header("RUNS", look, window_text(window, look))]
    if notice:
        return Group(*parts, Text(f"\n{notice}", "$warn"))
    if not rows:
        return Group(*parts, Text("\nNothing ended in this window.", "$dim"))
    return Group(*parts, heading(f"Newest {len(rows):,}"), table_of(for_runs(RUNS, rows), rows, look))


def run(row: RunRow, look: Look) -> RenderableType:
    """One run."""
    answers = {True: "yes", False: "no", None: None}
    facts: list[Captioned] = [
        ("Agent", look.name(row.agent)),
        *([("Tool", look.name(row.tool))] if row.tool else []),
        ("Task type", look.name(row.task_type)),
        ("Project", look.name(row.project)),
        ("Ended", look.when(row.ended_ms)),
        ("Duration", fmt.duration_ms(row.duration_ms, look.glyphs)),
        ("Success", answers[row.success]),
        ("Rework", answers[row.rework]),
        ("Quality", None if row.quality is None else f"{row.quality:.2f}"),
        ("Error", look.name(row.error_class)),
        ("Source", look.name(row.source)),
        *(_of_execution(row) if row.tool else _of_run(row, look)),
    ]
    return Group(
        header(f"{'Execution' if row.tool else 'Run'} {look.name(row.id, 80).plain}", look), captioned(facts, look)
    )


def _of_run(row: RunRow, look: Look) -> list[Captioned]:
    return [
        ("Mode", look.name(row.mode)),
        ("QA", row.qa),
        ("Confidence", None if row.confidence is None else f"{row.confidence:.2f}"),
        ("Notes", None if row.notes is None else look.name(row.notes, 2_000)),
    ]


def _of_execution(row: RunRow) -> list[Captioned]:
    return [("Human effort", row.effort or None), ("Browser", "yes" if row.browser_used else "no")]
