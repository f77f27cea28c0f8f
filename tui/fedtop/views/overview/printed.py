"""The dashboard: the federation's summary, then its routing cascade, as one page of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import (
    Captioned,
    captioned,
    header,
    heading,
    lines,
    money,
    no_verdict,
    rate,
    tasks,
    window_text,
)
from fedtop.plain.tables import table_of
from fedtop.views.cascade.columns import LAYERS
from fedtop.views.cascade.printed import funnel, targets

if TYPE_CHECKING:
    from fedstore.queries.models import CascadeView, Overview
    from fedtop.plain.look import Look

__all__ = ["dashboard"]

TOP_AGENTS = 3
TOP_TASK_TYPES = 5


def dashboard(
    view: Overview, cascade: CascadeView, look: Look, now_ms: int, notice: str | None = None
) -> RenderableType:
    """Both halves; a half without a fact is left out."""
    parts: list[RenderableType] = [_title(view, look, now_ms)]
    if notice:
        return Group(*parts, Text(f"\n{notice}", "$warn"))
    parts += [heading("Summary"), captioned(_summary(view, look), look)]
    if performers := _performers(view, look):
        parts += [heading("Top Performers"), lines(performers)]
    if view.task_types:
        parts += [heading("Task Distribution"), lines(_task_types(view, look))]
    if cascade.routes:
        parts += [heading("Routing Cascade Overview"), funnel(cascade, look)]
        parts += [heading("Layer Performance"), table_of(LAYERS, cascade.layers, look)]
        parts += [heading("Performance Targets"), targets(cascade, look)]
    if view.attention:
        parts += [heading("Needs Attention"), lines(_attention(view, look))]
    return Group(*parts)


def _title(view: Overview, look: Look, now_ms: int) -> RenderableType:
    updated = f"Updated: {look.when(now_ms)}:{fmt.clock(now_ms, look.tz)[-2:]}"
    return header("FEDERATION ANALYTICS DASHBOARD", look, window_text(view.window, look), updated)


def _summary(view: Overview, look: Look) -> list[Captioned]:
    glyphs = look.glyphs
    waiting = sum(run.state == "waiting" for run in view.active)
    quiet = sum(run.is_quiet(look.now_ms) for run in view.active)
    running = len(view.active) - waiting - quiet
    silent = f", {quiet} silent" if quiet else ""
    spans, day = view.durations, "today" if view.window.live else "that day"
    return [
        ("Total Tasks", tasks(view.tasks, view.executions, look)),
        ("Success Rate", rate(view.success, look)),
        *no_verdict(view.ungraded),
        ("Rework Rate", rate(view.rework, look)),
        ("Active Agents", f"{len(view.agents)}   ({running} running, {waiting} waiting now{silent})"),
        ("Task Types", fmt.count(len(view.task_types), glyphs)),
        ("Duration", f"p50 {fmt.duration_ms(spans.p50_ms, glyphs)}   p95 {fmt.duration_ms(spans.p95_ms, glyphs)}"),
        ("Cost", Text.assemble(money(view.cost, look), (f"   {day} ", "$dim"), money(view.cost_today, look))),
        ("Month", Text.assemble(money(view.cost_month, look), ("   projected ", "$dim"),
                                fmt.money(view.month_projected_nano, glyphs=glyphs))),
        ("Tokens", fmt.tokens(view.tokens, glyphs)),
        ("Health", fmt.state_text(view.health, _health(view), glyphs)),
    ]  # fmt: skip


def _health(view: Overview) -> str:
    words = {"ok": "healthy", "warn": "degraded", "alert": "in trouble"}
    return words.get(view.health, "unknown")


def _performers(view: Overview, look: Look) -> list[Text]:
    """The agents whose success is surely highest: by the lower end of the interval, not by a lucky 1 of 1."""
    rated = [agent for agent in view.agents if agent.success.interval is not None]
    rated.sort(key=lambda agent: -(agent.success.interval or (0.0, 0.0))[0])
    found = []
    for place, agent in enumerate(rated[:TOP_AGENTS], start=1):
        name = look.name(agent.name, 20)
        name.pad_right(20 - name.cell_len)
        tasks = f"  ({fmt.counted(agent.tasks, 'task')})"
        found.append(Text.assemble(f"{place}. ", name, " ", rate(agent.success, look, n=False), tasks))
    return found


def _task_types(view: Overview, look: Look) -> list[Text]:
    found = []
    for cell in view.task_types[:TOP_TASK_TYPES]:
        name = look.name(cell.task_type, 20)
        name.pad_right(20 - name.cell_len)
        tasks = f"{fmt.count(cell.tasks, look.glyphs):>6} {'task ' if cell.tasks == 1 else 'tasks'}  "
        found.append(Text.assemble(f"{look.cell('•')} ", name, " ", tasks, rate(cell.success, look, n=False)))
        if cell.ungraded.told:
            found[-1].append(f"  {cell.ungraded.told}", "$dim")
    return found


def _attention(view: Overview, look: Look) -> list[Text]:
    return [
        Text.assemble(fmt.state_text(severity, glyphs=look.glyphs), " ", look.name(sentence, 100))
        for severity, sentence, _ in view.attention
    ]
