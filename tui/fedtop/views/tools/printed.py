"""Tools as text: how far each can be trusted; one tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import Captioned, captioned, header, heading, lines, rate, window_text
from fedtop.plain.tables import table_of
from fedtop.views.errors import ERRORS, error_lines
from fedtop.views.tools.columns import LEVEL_WORDS, TOOLS, USERS, for_calls
from fedtop.views.tools.parts import effort_words

if TYPE_CHECKING:
    from fedstore.queries.models import Durations, ToolDetail, ToolsView
    from fedtop.plain.look import Look

__all__ = ["tool", "tools"]

RECENT = 8


def tools(view: ToolsView, look: Look, notice: str | None = None) -> RenderableType:
    """Confidence in each tool with the bound it rests on, what goes wrong, what to do."""
    parts: list[RenderableType] = [header("TOOLS", look, window_text(view.window, look))]
    if notice:
        return Group(*parts, Text(f"\n{notice}", "$warn"))
    if not view.rows:
        return Group(*parts, Text("\nNo tool was executed in these 30 days.", "$dim"))
    parts += [heading("Confidence (rolling 30 days)"), table_of(TOOLS, view.rows, look)]
    if view.patterns:
        parts += [heading("Failure Patterns"), _sentences(view.patterns, look)]
    if view.recommendations:
        parts += [heading("Recommendations"), _sentences(view.recommendations, look)]
    return Group(*parts)


def _durations(found: Durations, look: Look) -> str:
    mean, p95 = fmt.duration_ms(found.mean_ms, look.glyphs), fmt.duration_ms(found.p95_ms, look.glyphs)
    return f"mean {mean}   p95 {p95}"


def _sentences(sentences: tuple[str, ...], look: Look) -> RenderableType:
    return lines(Text.assemble(look.cell("• "), look.name(sentence, 200)) for sentence in sentences)


def tool(view: ToolDetail, name: str, look: Look, notice: str | None = None) -> RenderableType:
    """One tool: its figures, the agents that use it, its errors, its newest executions."""
    parts: list[RenderableType] = [header(f"Tool: {look.name(name).plain}", look, window_text(view.window, look))]
    if notice:
        return Group(*parts, Text(f"\n{notice}", "$warn"))
    row = view.row
    if row is None:
        return Group(*parts, Text("\nNot executed in these 30 days.", "$dim"))
    facts: list[Captioned] = [
        ("Confidence", f"{LEVEL_WORDS.get(row.level, row.level)} ({look.name(row.reason, 120).plain})"),
        ("Executions", fmt.count(row.calls)),
        ("Success", rate(row.success, look)),
        ("Trend", row.trend),
        ("Duration", _durations(row.durations, look)),
    ]  # fmt: skip
    if told := effort_words(view.effort, look.glyphs):
        facts.append(("Told", look.cell(told)))
    parts += [heading("Summary"), captioned(facts, look)]
    parts += [heading("Agents"), table_of(USERS, row.agents, look)]
    if view.errors:
        parts += [heading("Errors"), table_of(ERRORS, error_lines(view.errors), look)]
    if view.recent:
        parts += [heading("Newest Runs"), table_of(for_calls(view.recent), view.recent[:RECENT], look)]
    return Group(*parts)
