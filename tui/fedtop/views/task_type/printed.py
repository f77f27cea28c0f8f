"""All agents on one task type, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedstore.queries.models import Ungraded
from fedtop.plain.blocks import header, heading, window_text
from fedtop.plain.tables import table_of
from fedtop.views.agents.columns import TYPE_AGENTS, Boosts, agent_lines, for_boosts

if TYPE_CHECKING:
    from fedstore import Window
    from fedstore.queries.models import AgentRow
    from fedtop.plain.look import Look

__all__ = ["task_type"]


def task_type(
    name: str, rows: tuple[AgentRow, ...], boosts: Boosts, window: Window, look: Look, notice: str | None = None
) -> RenderableType:
    """All agents on one task type, with what can be claimed about each."""
    parts: list[RenderableType] = [header(f"Task Type: {look.name(name).plain}", look, window_text(window, look))]
    if notice:
        return Group(*parts, Text(f"\n{notice}", "$warn"))
    if not rows:
        return Group(*parts, Text("\nNothing in this window.", "$dim"))
    lines = agent_lines(rows, boosts, name)
    told = sum((row.ungraded for row in rows), Ungraded()).text
    if told:
        parts.append(Text(told, "$dim"))
    return Group(*parts, heading("Agent Performance"), table_of(for_boosts(TYPE_AGENTS, lines), lines, look))
