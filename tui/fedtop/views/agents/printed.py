"""All agents as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import header, heading, window_text
from fedtop.plain.tables import figures, table, table_of, words
from fedtop.views.agents.columns import AGENTS, Boosts, agent_lines, for_boosts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedstore.queries.models import AgentsView
    from fedtop.plain.look import Look

__all__ = ["agents"]


def agents(
    view: AgentsView, look: Look, notice: str | None = None, *, boosts: Mapping[str, Mapping[str, float]]
) -> RenderableType:
    """All agents with the policy's `boosts`, and how each does on each task type."""
    parts: list[RenderableType] = [header("AGENTS", look, window_text(view.window, look))]
    if notice:
        return Group(*parts, Text(f"\n{notice}", "$warn"))
    if not view.rows:
        return Group(*parts, Text("\nNothing in this window.", "$dim"))
    lines = agent_lines(view.rows, Boosts.of_policy(boosts), live=view.window.live)
    parts += [heading("Agents"), table_of(for_boosts(AGENTS, lines), lines, look)]
    if view.cells:
        parts += [heading("Success by task type (tasks)"), _matrix(view, look)]
    return Group(*parts)


def _matrix(view: AgentsView, look: Look) -> RenderableType:
    cells = {(cell.agent, cell.task_type): cell for cell in view.cells}
    rows = []
    for row in view.rows:
        shown: list[str | Text] = [look.name(row.name, 20)]
        for task in view.task_types:
            cell = cells.get((row.name, task))
            shown.append("" if cell is None else f"{fmt.rate(cell.success.value, 0, look.glyphs)} ({cell.tasks:,})")
        rows.append(shown)
    columns = [words("Agent", least=10)]
    columns += [figures(look.name(task, 16).plain, rank) for rank, task in enumerate(view.task_types)]
    return table(columns, rows, look)
