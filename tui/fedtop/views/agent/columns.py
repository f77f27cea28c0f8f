"""One agent in detail as tables: task types, tools, models, peers, runs, boosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from fedtop import kinds
from fedtop.fields import Field, Locale, Part, Table
from fedtop.format import boost
from fedtop.values import short_rate
from fedtop.views.agents.columns import BRIEF, PAIRS, AgentLine, Boosts, PairLine, agent_lines

if TYPE_CHECKING:
    from fedstore import BoostChange
    from fedstore.queries.models import AgentDetail, AgentRow, CostRow, UsedTool

__all__ = [
    "BOOST_CHANGES", "KINDS", "MODELS", "PEERS", "USED_TOOLS", "kind_lines", "peer_lines",
]  # fmt: skip

KINDS: Final = PAIRS.hiding("agent")
"""The task types of one agent."""


def kind_lines(detail: AgentDetail, boosts: Boosts) -> list[PairLine]:
    """A line per task type, most frequent first."""
    durations = dict(detail.task_durations)
    return [
        PairLine(cell, boosts.of(cell.agent, cell.task_type), durations.get(cell.task_type))
        for cell in detail.task_types
    ]


USED_TOOLS: Final[Table[UsedTool]] = Table(
    (
        kinds.name("tool", "tool", 12, lambda u: u.tool, grow=True),
        kinds.count("calls", "calls", 6, lambda u: u.calls),
        kinds.rate("success", "success", 8, lambda u: u.success, short_rate, align="right"),
    ),
    key=lambda u: u.tool,
    order="calls",
)

MODELS: Final[Table[CostRow]] = Table(
    (
        kinds.name("model", "model", 14, lambda m: m.name, grow=True, none="(no model)"),
        kinds.count("calls", "calls", 6, lambda m: m.calls),
        kinds.tokens("tokens", "tokens", 7, lambda m: (m.input_tokens + m.output_tokens) or None, min_width_shown=44),
        kinds.money("cost_nano", "cost", 9, lambda m: m.cost),
        kinds.hidden("errors", lambda m: m.errors),
        kinds.hidden("input_tokens", lambda m: m.input_tokens),
        kinds.hidden("output_tokens", lambda m: m.output_tokens),
    ),
    key=lambda m: m.name,
    order="cost_nano",
)

PEERS: Final = replace(
    BRIEF.hiding("boost", "spark", "tasks_are").changed(
        replace(BRIEF["duration_p95_ms"], min_width_shown=0), replace(BRIEF["cost_nano"], min_width_shown=46)
    ),
    order="success",
)
"""The agent among the others."""


def peer_lines(own: AgentRow | None, peers: Sequence[AgentRow], boosts: Boosts) -> list[AgentLine]:
    """A line per agent, best success first."""
    everyone = [*agent_lines(peers, boosts)]
    if own is not None:
        everyone.append(AgentLine(own, boosts.of(own.name), own=True))
    return sorted(everyone, key=lambda a: (-(-1 if a.row.success.value is None else a.row.success.value), a.row.name))


# --- boosts ---------------------------------------------------------------------------------------------------------


def _change_cell(change: BoostChange, locale: Locale) -> str:
    glyphs = locale.glyphs
    old, new = (glyphs.none if value is None else boost(value, glyphs) for value in (change.old, change.new))
    return f"{old} {glyphs.arrow} {new}"


BOOST_CHANGES: Final[Table[BoostChange]] = Table(
    (
        kinds.moment("at_ms", "applied", 12, lambda c: c.at_ms),
        kinds.name("task_type", "for", 14, lambda c: c.task_type or "all tasks", grow=True),
        Field(
            "boost", "boost", 13, value=lambda c: c.new, cell=_change_cell,
            parts=(Part("boost_before", lambda c: c.old),),
        ),
        kinds.text("kind", "by", 8, lambda c: c.kind if c.stands else "undone"),
        kinds.hidden("change_id", lambda c: c.id),
        kinds.hidden("stands", lambda c: c.stands),
    ),
    key=lambda c: f"{c.id}|{c.task_type}",
    style=lambda c: "" if c.stands else "$dim",
    order="at_ms",
)  # fmt: skip
"""How an agent's boosts came about; those taken back are dim."""
