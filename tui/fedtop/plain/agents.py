"""Agents as text: one agent in full, or all agents on one task type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import Field, fields, header, heading, lines, money, rate, window_text
from fedtop.plain.tables import Column, figures, table, words

if TYPE_CHECKING:
    from fedstore import Window
    from fedstore.queries.models import AgentDetail, AgentRow, AgentsView, RunRow
    from fedtop.plain.look import Look

__all__ = ["agent", "agents", "run_table", "task_type"]

RECENT = 8


def agent(view: AgentDetail, name: str, boost: float | None, look: Look, notice: str | None = None) -> RenderableType:
    """Totals, task types, tools, models, peers, newest runs and errors of one agent."""
    parts: list[RenderableType] = [header(f"Agent: {look.name(name).plain}", look, window_text(view.window, look))]
    if notice:
        return Group(*parts, Text(f"\n{notice}", "$warn"))
    if view.row is None:
        return Group(*parts, Text("\nNothing in this window.", "$dim"))
    parts += [heading("Summary"), fields(_summary(view.row, boost, look), look)]
    if view.task_types:
        parts += [heading("Task Type Performance"), lines(_task_types(view, look))]
    if view.tools:
        rows = [
            (look.name(used.tool), fmt.count(used.calls, look.glyphs), rate(used.success, look)) for used in view.tools
        ]
        columns = [words("Tool", least=8), figures("Calls"), words("Success")]
        parts += [heading("Tools"), table(columns, rows, look)]
    if view.models:
        parts += [heading("Models"), _models(view, look)]
    if view.peers:
        parts += [heading("Peers"), _rows((view.row, *view.peers), look)]
    if view.errors:
        parts += [heading("Errors"), lines(f"{n:>5,}  {look.name(error).plain}" for error, n in view.errors)]
    if view.recent:
        parts += [heading("Newest Runs"), run_table(view.recent[:RECENT], look)]
    return Group(*parts)


def _summary(row: AgentRow, boost: float | None, look: Look) -> list[Field]:
    glyphs = look.glyphs
    mean, p95 = fmt.duration_ms(row.durations.mean_ms, glyphs), fmt.duration_ms(row.durations.p95_ms, glyphs)
    quality = None if row.quality is None else f"{row.quality:.2f} (n={row.quality_n:,}, {row.quality_trend})"
    return [
        ("Total Tasks", fmt.count(row.tasks, glyphs)),
        ("Success Rate", rate(row.success, look)),
        ("Avg Duration", f"{mean}   p95 {p95}"),
        ("Rework Rate", rate(row.rework, look)),
        ("Routing Boost", None if boost is None else look.cell(f"{boost:+.2f}")),
        ("Quality", quality),
        ("Tokens", fmt.tokens(row.tokens, glyphs)),
        ("Cost", money(row.cost, look)),
        ("Capacity free", fmt.rate(row.capacity, 0, glyphs)),
        ("Now", f"{row.active} running, {row.waiting} waiting"),
    ]  # fmt: skip


def _task_types(view: AgentDetail, look: Look) -> list[Text]:
    spans = dict(view.task_durations)
    found = []
    for cell in view.task_types:
        name = look.name(cell.task_type, 20)
        name.pad_right(20 - name.cell_len)
        mean = spans[cell.task_type].mean_ms if cell.task_type in spans else None
        tail = f"  ({fmt.counted(cell.tasks, 'task')}, avg {fmt.duration_ms(mean, look.glyphs)})"
        found.append(Text.assemble(_mark(cell.success.value, cell.success.n, look), " ", name, " ",
                                   rate(cell.success, look, n=False), tail))  # fmt: skip
    return found


def _mark(value: float | None, n: int, look: Look) -> Text:
    """The target of a success rate is 85 %; fewer than five tasks say too little."""
    if value is None or n < 5:
        return Text(look.glyphs.dot, "$dim")
    return fmt.state_text("ok" if value >= 0.85 else "warn" if value > 0.5 else "alert", glyphs=look.glyphs)


def _models(view: AgentDetail, look: Look) -> RenderableType:
    rows = [
        (look.name(row.name), fmt.count(row.calls), fmt.tokens(row.input_tokens + row.output_tokens, look.glyphs),
         money(row.cost, look))
        for row in view.models
    ]  # fmt: skip
    return table(
        [words("Model", least=12), figures("Calls", 2), figures("Tokens", 1), words("Cost", least=18)], rows, look
    )


def _rows(rows: tuple[AgentRow, ...], look: Look) -> RenderableType:
    glyphs = look.glyphs
    shown = [
        (
            Text.assemble(fmt.state_text(row.status, glyphs=glyphs), " ", look.name(row.name, 20)),
            fmt.count(row.tasks, glyphs),
            rate(row.success, look, n=False),
            fmt.rate(row.rework.value, glyphs=glyphs),
            fmt.duration_ms(row.durations.mean_ms, glyphs),
            fmt.duration_ms(row.durations.p95_ms, glyphs),
            fmt.tokens(row.tokens, glyphs),
            money(row.cost, look),
        )
        for row in rows
    ]
    columns = [
        words("Agent", least=10), figures("Tasks"), figures("Success"), figures("Rework", 4), figures("Mean", 3),
        figures("p95", 5), figures("Tokens", 2), words("Cost", 1, least=18),
    ]  # fmt: skip
    return table(columns, shown, look)


def agents(view: AgentsView, look: Look, notice: str | None = None) -> RenderableType:
    """All agents, and how each does on each task type."""
    parts: list[RenderableType] = [header("AGENTS", look, window_text(view.window, look))]
    if notice:
        return Group(*parts, Text(f"\n{notice}", "$warn"))
    if not view.rows:
        return Group(*parts, Text("\nNothing in this window.", "$dim"))
    parts += [heading("Agents"), _rows(view.rows, look)]
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


def task_type(
    name: str, rows: tuple[AgentRow, ...], window: Window, look: Look, notice: str | None = None
) -> RenderableType:
    """All agents on one task type, with what can be claimed about each."""
    parts: list[RenderableType] = [header(f"Task Type: {look.name(name).plain}", look, window_text(window, look))]
    if notice:
        return Group(*parts, Text(f"\n{notice}", "$warn"))
    if not rows:
        return Group(*parts, Text("\nNothing in this window.", "$dim"))
    shown = [
        (look.name(row.name, 20), fmt.count(row.tasks), rate(row.success, look, n=False),
         fmt.duration_ms(row.durations.mean_ms, look.glyphs), claim(row))
        for row in rows
    ]  # fmt: skip
    columns = [words("Agent", least=10), figures("Tasks"), figures("Success"), figures("Avg Duration", 2)]
    columns.append(words("Recommendation", 1))
    return Group(*parts, heading("Agent Performance"), table(columns, shown, look))


def claim(row: AgentRow) -> str:
    """High or low performer only where the one-sided 90 % bound says so, else neutral."""
    from fedstore.learning.intervals import wilson_lower, wilson_upper

    hits, n = row.success.hits, row.success.n
    if n < 5:
        return "too few to tell"
    low, high = wilson_lower(hits, n), wilson_upper(hits, n)
    if low is not None and low >= 0.85:
        return "high performer"
    return "low performer" if high is not None and high <= 0.65 else "neutral"


def run_table(rows: tuple[RunRow, ...], look: Look) -> RenderableType:
    """Finished runs, newest first."""
    shown = []
    for row in rows:
        good = None if row.success is None else row.success and not row.rework
        state = "unknown" if good is None else "ok" if good else "alert"
        word = {"ok": "ok", "alert": "rework" if row.rework else "failed", "unknown": "not known"}[state]
        shown.append((
            look.when(row.ended_ms), fmt.state_text(state, word, look.glyphs), look.name(row.agent, 20),
            look.name(row.task_type, 20), fmt.duration_ms(row.duration_ms, look.glyphs),
            look.name(row.error_class, 20) if row.error_class else "", look.name(row.id, 48),
        ))  # fmt: skip
    columns: list[Column] = [
        words("Ended", 1),
        words("Result"),
        words("Agent", least=8),
        words("Task type", 3, least=8),
    ]
    columns += [figures("Duration", 2), words("Error", 4, least=10), words("Id", least=30)]
    return table(columns, shown, look)
