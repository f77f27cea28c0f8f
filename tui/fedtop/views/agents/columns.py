"""The agents as a table, and each of them on each type of task."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from rich.text import Text

from fedstore.learning.boosts import SMALLEST_MOVE
from fedtop import kinds
from fedtop.fields import Field, Locale, Part, Table
from fedtop.format import boost
from fedtop.values import bare_rate, quality_cell, short_rate
from fedtop.widgets.interval_bar import Spark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fedstore import BoostOutlook
    from fedstore.queries.models import AgentRow, Durations, MatrixCell
    from fedtop.glyphs import Glyphs

__all__ = [
    "AGENTS", "BRIEF", "MATRIX", "PAIRS", "TYPE_AGENTS", "AgentLine", "Boost", "Boosts", "PairLine", "agent_lines",
    "for_boosts", "pair_lines", "recommendation",
]  # fmt: skip


_FEW: Final = 5
_HIGH, _LOW = 0.85, 0.65


@dataclass(frozen=True, slots=True)
class Boost:
    """A boost in force and the one that the evidence asks for, None where there is none; and what a router adds."""

    in_force: float | None = None
    proposed: float | None = None
    effective: float = 0.0

    @property
    def move(self) -> float | None:
        """By how much the proposal differs from what a router adds now; None when it is not worth a change."""
        if self.proposed is None:
            return None
        change = self.proposed - self.effective
        return change if abs(change) >= SMALLEST_MOVE else None


@dataclass(frozen=True, slots=True)
class Boosts:
    """Boosts in force and proposed, by (agent, task type); the task type "" is the agent as a whole.

    `proposed` is what a router would add with the plan that `outlook` tells of (`30d, shrunk`), where that is another.
    """

    in_force: Mapping[tuple[str, str], float] = field(default_factory=dict)
    proposed: Mapping[tuple[str, str], float] = field(default_factory=dict)
    version: int = 0
    """That of the policy in force."""
    outlook: str = ""
    """The window and the rule of the plan; empty while none was made."""

    @classmethod
    def of_policy(cls, boosts: Mapping[str, Mapping[str, float]], version: int = 0) -> Boosts:
        """Those of a policy by agent and task type."""
        in_force = {(agent, kind): value for agent, kinds in boosts.items() for kind, value in kinds.items()}
        return cls(in_force, version=version)

    def with_outlook(self, found: BoostOutlook | None) -> Boosts:
        """The same, and what a plan would change."""
        return self if found is None else replace(self, proposed=found.boosts, outlook=f"{found.window}, {found.rule}")

    def of(self, agent: str, task_type: str = "") -> Boost:
        """Those of one agent, or of it on one type of task: a router adds the latter, else the agent's own, else 0."""
        key = (agent, task_type)
        effective = self.in_force.get(key, self.in_force.get((agent, ""), 0.0))
        return Boost(self.in_force.get(key), self.proposed.get(key), effective)


# --- one agent a row ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AgentLine:
    """An agent over a window with its boost; `live` when the window ends at the present. `own` is that of the view."""

    row: AgentRow
    boost: Boost = Boost()
    live: bool = True
    own: bool = False


def agent_lines(rows: Iterable[AgentRow], boosts: Boosts, task_type: str = "", *, live: bool = True) -> list[AgentLine]:
    """A line per agent; with a `task_type` the boosts are those for it."""
    return [AgentLine(row, boosts.of(row.name, task_type), live) for row in rows]


class _Boosted(Protocol):
    @property
    def boost(self) -> Boost: ...


L = TypeVar("L", bound=_Boosted)


def for_boosts(table: Table[L], lines: Iterable[L]) -> Table[L]:
    """The table with boosts in sight only where there are any, or proposals; what tasks are where not all are runs."""
    lines = tuple(lines)
    found = [line.boost for line in lines]
    absent = {"boost_proposed": not any(boost.proposed for boost in found)}
    absent["boost"] = not any(boost.in_force or boost.effective or boost.move for boost in found)
    absent["tasks_are"] = all(not isinstance(line, AgentLine) or line.row.tasks_are == "runs" for line in lines)
    return table.hiding(*(key for key, nowhere in absent.items() if nowhere))


def _state_cell(line: AgentLine, _: Locale) -> Text | None:
    """What it does now; what it did at a moment in the past is not known."""
    row = line.row
    if not line.live:
        return None
    if row.waiting:
        return Text(f"wait {row.waiting}", "$warn")
    if row.active > row.quiet:
        return Text(f"busy {row.active - row.quiet}", "$ok")
    if row.quiet:
        return Text(f"silent {row.quiet}", "$dim")
    return None if row.state is None else Text(row.state, "$ok" if row.state == "active" else "$dim")


def _boost_cell(value: Boost, glyphs: Glyphs) -> Text | None:
    """The boost in force, and an arrow where the evidence would move it."""
    if not value.in_force and not value.move:
        return None
    shown = Text(boost(value.in_force) if value.in_force else glyphs.none, _sign(value.in_force))
    return Text.assemble(shown, (f" {glyphs.trend(value.move)}", _sign(value.move)))


def _sign(value: float | None) -> str:
    return "$dim" if not value else "$ok" if value > 0 else "$alert"


def _signed(value: float | None) -> Text | None:
    """`+0.05` or `−0.03` in the colour of its sign; the dash for none."""
    return None if value is None else Text(boost(value), _sign(value))


def _boost_or_inherited(value: Boost) -> Text | None:
    """The boost for a type of task, dim where it is the agent's own."""
    return _signed(value.in_force) or (Text(boost(value.effective), "$dim") if value.effective else None)


_BOOST: Final[Field[AgentLine]] = Field(
    "boost", "boost", 7, "right", sort_default="desc", tooltip="In force; the arrow: where it should move",
    value=lambda a: a.boost.in_force, cell=lambda a, locale: _boost_cell(a.boost, locale.glyphs),
    parts=(Part("boost_proposed", lambda a: a.boost.proposed),),
)  # fmt: skip

AGENTS: Final[Table[AgentLine]] = Table(
    (
        kinds.name(
            "agent", "agent", 14, lambda a: a.row.name, state=lambda a: a.row.status, grow=True,
            parts=(Part("status", lambda a: a.row.status),),
        ),
        Field(
            "active", "state", 7, sort_default="desc",
            tooltip="Runs that go on now, else active (heard of in 5 minutes), idle (today) or offline",
            value=lambda a: a.row.active if a.live else None, cell=_state_cell,
            rank=lambda a: (a.row.active + a.row.waiting) * 10**15 + (a.row.last_ms or 0),
            parts=(
                Part("state", lambda a: a.row.state),
                Part("waiting", lambda a: a.row.waiting if a.live else None),
                Part("last_ms", lambda a: a.row.last_ms),
            ),
        ),
        kinds.count("tasks", "tasks", 6, lambda a: a.row.tasks, tooltip="Finished runs in the window"),
        kinds.text(
            "tasks_are", "counted", 10, lambda a: a.row.tasks_are,
            tooltip="What its tasks are: of an agent that had no run for 30 days, executions of tools",
        ),
        kinds.rate(
            "success", "success", 18, lambda a: a.row.success, tooltip="Successful and not reworked, 95 % interval"
        ),
        kinds.hidden("ungraded", lambda a: a.row.ungraded.runs),
        kinds.hidden("ungraded_errors", lambda a: a.row.ungraded.errored),
        kinds.rate("rework", "rework", 6, lambda a: a.row.rework, bare_rate, align="right", min_width_shown=104),
        kinds.duration(
            "duration_mean_ms", "mean", 6, lambda a: a.row.durations.mean_ms, min_width_shown=112,
            tooltip="Mean duration of a run",
        ),
        kinds.hidden("duration_p50_ms", lambda a: a.row.durations.p50_ms),
        kinds.duration(
            "duration_p95_ms", "p95", 6, lambda a: a.row.durations.p95_ms, tooltip="95 % of the runs took no longer"
        ),
        kinds.hidden("duration_n", lambda a: a.row.durations.n),
        kinds.tokens("tokens", "tokens", 6, lambda a: a.row.tokens, min_width_shown=100),
        kinds.money(
            "cost_nano", "cost", 9, lambda a: a.row.cost, tooltip="= reported, ~ from a price list, ? unpriced"
        ),
        Field(
            "quality", "quality", 7, "right", min_width_shown=92, sort_default="desc", tooltip="0 to 1, and its trend",
            value=lambda a: a.row.quality,
            cell=lambda a, locale: quality_cell(a.row.quality, a.row.quality_trend, locale.glyphs),
            parts=(Part("quality_n", lambda a: a.row.quality_n), Part("quality_trend", lambda a: a.row.quality_trend)),
        ),
        kinds.whole_share(
            "capacity", "free", 5, lambda a: a.row.capacity, min_width_shown=110,
            tooltip="Share of the last hour not busy",
        ),
        _BOOST,
        kinds.drawing(
            "spark", "tasks over time", 16, lambda a: Spark(tuple(a.row.spark), "$info"), lambda a: a.row.tasks,
            sort_default="asc", grow=True, min_width_shown=150,
        ),
        kinds.hidden("success_before", lambda a: a.row.success_before.value),
        kinds.hidden("success_before_n", lambda a: a.row.success_before.n),
    ),
    key=lambda a: a.row.name,
    style=lambda a: "bold" if a.own else "",
    order="tasks",
)  # fmt: skip

_RECOMMENDATION: Final[Field[AgentLine]] = kinds.text(
    "recommendation", "recommendation", 15, lambda a: recommendation(a.row), min_width_shown=96,
    tooltip="High or low only where the one-sided 90 % bound of its success says so",
)  # fmt: skip
TYPE_AGENTS: Final = replace(
    AGENTS.without("active", "tokens", "cost_nano", "capacity").with_also(_RECOMMENDATION), order="success"
)
"""Of one type of task: spend, activity and capacity are an agent's, not those of one type of its tasks."""


def recommendation(row: AgentRow) -> str:
    """What can be said of an agent on a type of task: the targets of success are 85 % and 65 %."""
    from fedstore.learning.intervals import wilson_lower, wilson_upper

    hits, n = row.success.hits, row.success.n
    if not n:
        return "none graded"
    if n < _FEW:
        return "too few to tell"
    low, high = wilson_lower(hits, n), wilson_upper(hits, n)
    if low is not None and low >= _HIGH:
        return "high performer"
    return "low performer" if high is not None and high <= _LOW else "neutral"


BRIEF: Final[Table[AgentLine]] = AGENTS.showing(
    "agent", "tasks", "tasks_are", "success", "duration_p95_ms", "boost", "cost_nano", "spark"
).changed(
    replace(AGENTS["tasks_are"], min_width_shown=58),
    replace(AGENTS["agent"], width=12),
    kinds.rate("success", "success", 8, lambda a: a.row.success, short_rate, align="right"),
    replace(AGENTS["duration_p95_ms"], min_width_shown=46),
    replace(_BOOST, min_width_shown=54),
    replace(AGENTS["cost_nano"], min_width_shown=62),
    replace(AGENTS["spark"], label="", width=12, grow=False, min_width_shown=40),
)  # fmt: skip
"""The agents as the overview has them."""


# --- one agent on one type of task a row ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PairLine:
    """An agent on a type of task, with its boost for that; `durations` where they were asked for."""

    cell: MatrixCell
    boost: Boost
    durations: Durations | None = None


PAIRS: Final[Table[PairLine]] = Table(
    (
        kinds.name("agent", "agent", 14, lambda p: p.cell.agent, grow=True),
        kinds.name("task_type", "task type", 14, lambda p: p.cell.task_type, grow=True, none="(none)"),
        kinds.count("tasks", "tasks", 6, lambda p: p.cell.tasks),
        kinds.rate("success", "success", 18, lambda p: p.cell.success),
        kinds.duration(
            "duration_p50_ms", "p50", 6, lambda p: p.durations.p50_ms if p.durations is not None else None,
            min_width_shown=84,
        ),
        kinds.duration(
            "duration_p95_ms", "p95", 6, lambda p: p.durations.p95_ms if p.durations is not None else None
        ),
        Field(
            "boost", "boost", 5, "right", min_width_shown=66, sort_default="desc",
            tooltip="In force; dim: the agent's own",
            value=lambda p: p.boost.in_force, cell=lambda p, _: _boost_or_inherited(p.boost),
        ),
        Field(
            "boost_proposed", "prop.", 5, "right", min_width_shown=70, sort_default="desc",
            tooltip="By the present evidence",
            value=lambda p: p.boost.proposed,
            cell=lambda p, _: None if p.boost.move is None else _signed(p.boost.proposed),
        ),
    ),
    key=lambda p: p.cell.task_type,
    order="tasks",
)  # fmt: skip


def pair_lines(cells: Iterable[MatrixCell], boosts: Boosts) -> list[PairLine]:
    """A line per agent and type of task."""
    return [PairLine(cell, boosts.of(cell.agent, cell.task_type)) for cell in cells]


MATRIX: Final = PAIRS.without("duration_p50_ms", "duration_p95_ms")
"""What the heat matrix tells."""
