"""One agent as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import Captioned, captioned, header, heading, money, no_verdict, rate, tasks, window_text
from fedtop.plain.tables import table_of
from fedtop.views.agent.columns import KINDS, MODELS, PEERS, USED_TOOLS, kind_lines, peer_lines
from fedtop.views.agents.columns import Boosts, for_boosts
from fedtop.views.errors import ERRORS, error_lines
from fedtop.views.runs.columns import RUNS, for_runs
from fedtop.views.tools.parts import effort_words

if TYPE_CHECKING:
    from fedstore.queries.models import AgentDetail, AgentRow
    from fedtop.plain.look import Look

__all__ = ["agent"]

RECENT = 8


def agent(view: AgentDetail, name: str, boosts: Boosts, look: Look, notice: str | None = None) -> RenderableType:
    """Totals, task types, tools, models, peers, newest runs and errors of one agent."""
    parts: list[RenderableType] = [header(f"Agent: {look.name(name).plain}", look, window_text(view.window, look))]
    if notice:
        return Group(*parts, Text(f"\n{notice}", "$warn"))
    if view.row is None:
        return Group(*parts, Text("\nNothing in this window.", "$dim"))
    facts = _summary(view.row, _boosts(view, name, boosts, look), look)
    if told := effort_words(view.effort, look.glyphs):
        facts.append(("Executions", look.cell(told)))
    parts += [heading("Summary"), captioned(facts, look)]
    lines = kind_lines(view, boosts)
    newest = "Newest Executions" if view.row.tasks_are == "executions" else "Newest Runs"
    found = {
        "Task Type Performance": lines and table_of(for_boosts(KINDS, lines), lines, look),
        "Tools": view.tools and table_of(USED_TOOLS, view.tools, look),
        "Models": view.models and table_of(MODELS, view.models, look),
        "Peers": view.peers and table_of(PEERS, peer_lines(view.row, view.peers, boosts), look),
        "Errors": view.errors and table_of(ERRORS, error_lines(view.errors), look),
        newest: view.recent and table_of(for_runs(RUNS.without("agent"), view.recent), view.recent[:RECENT], look),
    }
    for title, shown in found.items():
        parts += [heading(title), shown] if shown else []
    return Group(*parts)


def _boosts(view: AgentDetail, name: str, boosts: Boosts, look: Look) -> str | None:
    """`+0.05   implementation +0.02`: the agent's own, and those for a task type that stand in its place."""
    own = boosts.of(name).in_force
    kinds = {kind: value for (agent, kind), value in sorted(boosts.in_force.items()) if agent == name and kind}
    worked_on = {cell.task_type for cell in view.task_types}
    told = [f"{look.name(kind, 24).plain} {value:+.2f}" for kind, value in kinds.items() if kind in worked_on or value]
    if own is None and not told:
        return None
    return look.cell("   ".join([look.glyphs.none if own is None else f"{own:+.2f}", ", ".join(told)]).rstrip())


def _summary(row: AgentRow, boost: str | None, look: Look) -> list[Captioned]:
    glyphs = look.glyphs
    mean, p95 = fmt.duration_ms(row.durations.mean_ms, glyphs), fmt.duration_ms(row.durations.p95_ms, glyphs)
    quality = None if row.quality is None else f"{row.quality:.2f} (n={row.quality_n:,}, {row.quality_trend})"
    return [
        ("Total Tasks", tasks(row.tasks, row.tasks if row.tasks_are == "executions" else 0, look)),
        ("Success Rate", rate(row.success, look)),
        *no_verdict(row.ungraded),
        ("Avg Duration", f"{mean}   p95 {p95}"),
        ("Rework Rate", rate(row.rework, look)),
        ("Routing Boost", boost),
        ("Quality", quality),
        ("Tokens", fmt.tokens(row.tokens, glyphs)),
        ("Cost", money(row.cost, look)),
        ("Capacity free", fmt.rate(row.capacity, 0, glyphs)),
        ("Now", f"{row.active} running, {row.waiting} waiting" + (f" ({row.state})" if row.state else "")),
        ("Last activity", None if row.last_ms is None else look.when(row.last_ms)),
    ]
