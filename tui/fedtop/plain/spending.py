"""Costs and tools as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import Field, fields, header, heading, lines, money, rate, window_text
from fedtop.plain.tables import figures, table, words

if TYPE_CHECKING:
    from fedstore.queries.models import CostRow, CostsView, Durations, ToolDetail, ToolRow, ToolsView
    from fedtop.plain.look import Look

__all__ = ["costs", "tool", "tools"]

LEVEL_STATES = {"HIGH": "ok", "MEDIUM": "warn", "LOW": "alert"}


def costs(view: CostsView, look: Look, notice: str | None = None) -> RenderableType:
    """What was spent, by one dimension; today, this month, and where the month is going."""
    glyphs = look.glyphs
    parts: list[RenderableType] = [header("COSTS", look, window_text(view.window, look))]
    if notice and not view.month.nano:
        return Group(*parts, Text(f"\n{notice}", "$warn"))
    if notice:
        parts.append(Text(f"\n{notice}", "$warn"))
    facts: list[Field] = [
        ("Window", money(view.total, look)),
        ("Today" if view.window.live else "That day", money(view.today, look)),
        ("Month", money(view.month, look)),
        ("Month projected", fmt.money(view.month_projected_nano, glyphs=glyphs)),
        ("Tokens", fmt.tokens(view.tokens, glyphs)),
        ("Storage", _bytes(view.store_bytes)),
    ]
    parts += [heading("Spend"), fields(facts, look)]
    if view.rows:
        parts += [heading(f"By {view.dimension.replace('_', ' ')}"), _cost_table(view, look)]
    parts.append(Text(look.cell("\n= reported   ~ computed from tokens   ≥ at least   ? unpriced"), "$dim"))
    return Group(*parts)


def _cost_table(view: CostsView, look: Look) -> RenderableType:
    columns = [
        words(view.dimension.replace("_", " ").capitalize(), least=14), figures("Calls", 2), figures("Errors", 5),
        figures("Input", 4), figures("Cached", 6), figures("Output", 3), figures("Share", 1), words("Cost", least=18),
    ]  # fmt: skip
    return table(columns, [_cost_row(row, look) for row in view.rows], look)


def _cost_row(row: CostRow, look: Look) -> tuple[str | Text, ...]:
    glyphs = look.glyphs
    at_least = look.cell("≥ ") if row.output_is_minimum else ""
    return (
        look.name(row.name),
        fmt.count(row.calls, glyphs),
        fmt.count(row.errors, glyphs),
        fmt.tokens(row.input_tokens, glyphs),
        fmt.tokens(row.cache_read_tokens, glyphs),
        at_least + fmt.tokens(row.output_tokens, glyphs),
        fmt.rate(row.share, glyphs=glyphs),
        money(row.cost, look),
    )


def _bytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"


def tools(view: ToolsView, look: Look, notice: str | None = None) -> RenderableType:
    """Confidence in each tool with the bound it rests on, what goes wrong, what to do."""
    parts: list[RenderableType] = [header("TOOLS", look, window_text(view.window, look))]
    if notice:
        return Group(*parts, Text(f"\n{notice}", "$warn"))
    if not view.rows:
        return Group(*parts, Text("\nNo tool was executed in these 30 days.", "$dim"))
    columns = [
        words("Confidence"), words("Tool", least=10), figures("Executions", 1), figures("Success"),
        figures("90 % bounds", 2), words("Trend", 4), figures("Mean", 5), figures("p95", 6), figures("Cost", 3),
    ]  # fmt: skip
    rows = [_tool_row(row, look) for row in view.rows]
    parts += [heading("Confidence (rolling 30 days)"), table(columns, rows, look)]
    if view.patterns:
        parts += [heading("Failure Patterns"), _sentences(view.patterns, look)]
    if view.recommendations:
        parts += [heading("Recommendations"), _sentences(view.recommendations, look)]
    return Group(*parts)


def _tool_row(row: ToolRow, look: Look) -> tuple[str | Text, ...]:
    glyphs = look.glyphs
    low, high = row.bound or (None, None)
    return (
        fmt.state_text(LEVEL_STATES.get(row.level, "unknown"), row.level, glyphs),
        look.name(row.name),
        fmt.count(row.calls, glyphs),
        fmt.rate(row.success.value, glyphs=glyphs),
        fmt.interval(low, high, glyphs=glyphs),
        row.trend,
        fmt.duration_ms(row.durations.mean_ms, glyphs),
        fmt.duration_ms(row.durations.p95_ms, glyphs),
        fmt.money(row.cost_nano, glyphs=glyphs),
    )


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
    facts: list[Field] = [
        ("Confidence", f"{row.level} ({look.name(row.reason, 120).plain})"),
        ("Executions", fmt.count(row.calls)),
        ("Success", rate(row.success, look)),
        ("Trend", row.trend),
        ("Duration", _durations(row.durations, look)),
    ]  # fmt: skip
    parts += [heading("Summary"), fields(facts, look)]
    users = [(look.name(agent), rate(success, look)) for agent, success in row.agents]
    parts += [heading("Agents"), table([words("Agent", least=10), words("Success")], users, look)]
    if view.errors:
        parts += [heading("Errors"), lines(f"{n:>5,}  {look.name(error).plain}" for error, n in view.errors)]
    return Group(*parts)
