"""What the read models return: plain frozen values that every view (pane, command, JSON) is made from.

Times are UTC epoch milliseconds, durations milliseconds, money integer nano-USD. None is not known; a rate
carries its counts, money the weakest of the bases it is made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from fedstore.learning.intervals import Interval, wilson
from fedstore.widths import HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedstore.finding import Severity
    from fedstore.learning.stratified import WeightedRate
    from fedstore.learning.targets import DriftAlert, TargetStatus
    from fedstore.window import Window

__all__ = [
    "COST_DIMENSIONS", "OTHER", "SILENT_MS", "WAITING_MS",
    "ActiveRun", "AgentDetail", "AgentRow", "AgentsView", "CascadeView", "ConfidenceBin", "CostRow", "CostsView",
    "DecisionRow", "Durations", "Effort", "FactKind", "FeedItem", "LayerRow", "LayerView", "MatrixCell", "Money",
    "NameKind", "Overview", "Rate", "RunRow", "SeriesPoint", "State", "TasksAre", "ToolCallRow", "ToolDetail",
    "ToolRow", "ToolUser", "ToolsView", "Topic", "Ungraded", "UsedTool", "WhyStep", "WhyView",
]  # fmt: skip

Topic: TypeAlias = Literal["any", "agent", "task_type", "spend", "tool", "layer"]
"""What a view tells of: anything, runs (of an agent, of a task type), spend, executions of tools, decisions."""
FactKind: TypeAlias = Literal["run", "route"]
Basis: TypeAlias = Literal["reported", "computed", "at least", "unpriced", "none"]
"""What an amount of money rests on."""
TasksAre: TypeAlias = Literal["runs", "executions"]
State: TypeAlias = Literal["waiting", "busy", "active", "idle", "offline"]
"""What an agent does: active is one heard of in the last 5 minutes, offline one not heard of for 24 hours."""
API_ERROR, INTERRUPTED = "api_error", "interrupted"
"""How readers of transcripts begin the class of a turn that an API ended, and what they call one that was stopped."""
NameKind: TypeAlias = Literal["agent", "task_type", "tool", "layer"]
COST_DIMENSIONS: Final = ("model", "agent", "project", "task_type", "operation")
"""What spend can be looked at by."""
OTHER: Final = "other"
"""The series of a chart that stands for all that have none of their own."""
WAITING_MS: Final = 3 * MINUTE_MS
"""From when on a run that waits wants attention."""
SILENT_MS: Final = HOUR_MS
"""Of a run not heard of for so long it is not known whether it still goes on: its process may have died."""


@dataclass(frozen=True, slots=True)
class Rate:
    """``hits`` of ``n``; ``value`` is None when n is 0."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        """hits / n."""
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> Interval | None:
        """The 95 % Wilson interval."""
        return wilson(self.hits, self.n)


def most_frequent(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Counts by name, the largest first, without those of nothing."""
    return tuple(sorted(((name, n) for name, n in counts.items() if n), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True, slots=True)
class Ungraded:
    """Runs of which nobody said whether they succeeded, and the errors that some ended in, most frequent first."""

    runs: int = 0
    errors: tuple[tuple[str, int], ...] = ()

    def __add__(self, other: Ungraded) -> Ungraded:
        counts = dict(self.errors)
        for name, count in other.errors:
            counts[name] = counts.get(name, 0) + count
        return Ungraded(self.runs + other.runs, most_frequent(counts))

    @property
    def errored(self) -> int:
        """How many ended in an error, or were interrupted."""
        return sum(count for _, count in self.errors)

    @property
    def interrupted(self) -> int:
        """How many of those were stopped, which is no error."""
        return sum(count for name, count in self.errors if name == INTERRUPTED)

    @property
    def silent(self) -> int:
        """Of how many nothing is known at all."""
        return self.runs - self.errored

    @property
    def told(self) -> str:
        """`6 ended in an API error, 2 interrupted`: what is known of how they ended; empty for nothing."""
        api = sum(count for name, count in self.errors if name.startswith(API_ERROR))
        other = self.errored - api - self.interrupted
        parts = ((api, "ended in an API error"), (other, "in another error" if api else "ended in an error"))
        return ", ".join(f"{n:,} {words}" for n, words in (*parts, (self.interrupted, "interrupted")) if n)

    @property
    def text(self) -> str:
        """`6 ended in an API error, 3,229 not graded`; empty where all were graded."""
        return ", ".join(filter(None, (self.told, f"{self.silent:,} not graded" if self.silent else "")))


@dataclass(frozen=True, slots=True)
class Money:
    """Nano-USD by basis, of so many ``calls``. ``unpriced_calls`` used ``unpriced_tokens`` whose price is not known;
    ``at_least_calls`` cost more than their price here, as part of what they are charged for is not known.
    """

    reported_nano: int = 0
    computed_nano: int = 0
    unpriced_calls: int = 0
    unpriced_tokens: int = 0
    at_least_calls: int = 0
    calls: int = 0

    @property
    def nano(self) -> int:
        """What is known to have been spent, in nano-USD."""
        return self.reported_nano + self.computed_nano

    @property
    def known(self) -> bool:
        """False when nobody told of a call, or everything that cost something is unpriced: unknown is not zero."""
        return self.nano > 0 or (self.calls > 0 and self.unpriced_calls == 0)

    @property
    def mark(self) -> Basis:
        """The weakest basis: "unpriced", "at least", "computed" or "reported"; "none" where nothing is known at all."""
        if self.unpriced_calls:
            return "unpriced"
        if self.at_least_calls:
            return "at least"
        if self.computed_nano:
            return "computed"
        return "reported" if self.known else "none"

    def __add__(self, other: Money) -> Money:
        return Money(
            self.reported_nano + other.reported_nano,
            self.computed_nano + other.computed_nano,
            self.unpriced_calls + other.unpriced_calls,
            self.unpriced_tokens + other.unpriced_tokens,
            self.at_least_calls + other.at_least_calls,
            self.calls + other.calls,
        )


@dataclass(frozen=True, slots=True)
class Durations:
    """Milliseconds: mean exact, percentiles within 2 %; ``n`` durations were known."""

    n: int = 0
    mean_ms: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """One column of a chart over time: the bucket that starts at ``start_ms``."""

    start_ms: int
    ok: int = 0
    failed: int = 0
    unknown: int = 0
    cost_nano: int = 0
    parts: tuple[tuple[str, int], ...] = ()
    """Nano-USD per model (costs) in a fixed order, where asked for."""


QUIET_MS = 600_000
"""A run that goes on tells of itself with every step; what it may run meanwhile, agents end after ten minutes at most
(Claude Code's limit of a shell command). One that was not heard of for longer is not shown as busy.
"""


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A run that has not ended."""

    id: str
    agent: str
    task_type: str
    state: str
    reason: str
    started_ms: int
    seen_ms: int

    def is_quiet(self, now_ms: int) -> bool:
        """Whether it was not heard of for longer than any step takes; one that waits says nothing."""
        return self.state != "waiting" and now_ms - self.seen_ms >= QUIET_MS


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent over the window."""

    name: str
    tasks: int
    success: Rate
    """Of the graded ones."""
    rework: Rate
    durations: Durations
    tokens: int | None
    """None where nobody told of a call."""
    cost: Money
    quality: float | None
    quality_n: int
    quality_trend: str
    """improving | stable | declining | unknown: the newer half against the older."""
    last_ms: int | None
    """When it was last heard of."""
    active: int
    waiting: int
    capacity: float | None
    """Share of the last hour in which it was free, 0 … 1 (see ``signs.free_shares``); None where that is not known."""
    spark: tuple[int, ...]
    """Tasks per equal slice of the window, oldest first."""
    status: str
    """ok | warn | alert | idle | unknown."""
    success_before: Rate
    """The same rate in the window before."""
    tasks_are: TasksAre = "runs"
    """runs | executions: what ``tasks`` counts (see ``queries.tasks``)."""
    state: State | None = None
    """What it does now; None where that is not known."""
    ungraded: Ungraded = Ungraded()
    """The ones that the rate does not speak of."""
    quiet: int = 0
    """Of the active ones, those that were not heard of for ten minutes."""


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """An agent on a task type."""

    agent: str
    task_type: str
    success: Rate
    tasks: int
    ungraded: Ungraded = Ungraded()


@dataclass(frozen=True, slots=True)
class UsedTool:
    """A tool that an agent used; of its calls, those with a known outcome are judged."""

    tool: str
    calls: int
    success: Rate


@dataclass(frozen=True, slots=True)
class AgentsView:
    """The agents tab."""

    window: Window
    rows: tuple[AgentRow, ...]
    task_types: tuple[str, ...]
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True, slots=True)
class Effort:
    """Of some executions of tools, how many told of a low, medium or high human effort, and how many used a browser."""

    calls: int = 0
    low: int = 0
    medium: int = 0
    high: int = 0
    browser: int = 0

    @property
    def told(self) -> int:
        """How many told of an effort at all."""
        return self.low + self.medium + self.high


@dataclass(frozen=True, slots=True)
class RunRow:
    """A finished run; or an execution of a ``tool`` that is a task of its own."""

    id: str
    agent: str
    task_type: str
    project: str
    ended_ms: int
    duration_ms: float | None
    success: bool | None
    rework: bool | None
    quality: float | None
    error_class: str
    source: str
    mode: str = ""
    confidence: float | None = None
    qa: str | None = None
    """passed | warning | failed | error."""
    notes: str | None = None
    tool: str = ""
    """Empty of a run, as are the two below."""
    effort: str = ""
    """LOW | MEDIUM | HIGH: human effort, where that was told."""
    browser_used: bool | None = None


@dataclass(frozen=True, slots=True)
class CostRow:
    """Spend of one name of one dimension."""

    name: str
    calls: int
    errors: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    output_is_minimum: bool
    cost: Money
    share: float | None
    """Of the window's known spend."""
    cache_write_1h_tokens: int = 0
    """The part of ``cache_write_tokens`` that is kept for an hour."""


class ToolUser(NamedTuple):
    """An agent that uses a tool: how its runs of it ended, as far as that is told, and how many there are."""

    agent: str
    success: Rate
    runs: int


@dataclass(frozen=True, slots=True)
class ToolRow:
    """One tool over the rolling 30 days."""

    name: str
    calls: int
    success: Rate
    level: str
    """HIGH | MEDIUM | LOW by the rule in force; FEW runs to tell, or UNKNOWN how they ended, by the default rule."""
    bound: Interval | None
    """One-sided 90 % Wilson bounds, lower and upper."""
    reason: str
    trend: str
    durations: Durations
    cost_nano: int | None
    """What its executions are known to have cost; None when none said."""
    tokens: int | None
    """None when none said."""
    agents: tuple[ToolUser, ...]
    """Those that use it, most failures first."""


@dataclass(frozen=True, slots=True)
class ToolsView:
    """The tools tab; ``window`` is the rolling 30 days that confidence rests on."""

    window: Window
    rows: tuple[ToolRow, ...]
    patterns: tuple[str, ...]
    """Failure patterns and cost anomalies, as sentences."""
    recommendations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolCallRow:
    """One execution of a tool."""

    id: str
    agent: str
    tool: str
    ended_ms: int
    duration_ms: float | None
    success: bool | None
    cost_nano: int | None
    error_class: str
    run_id: str
    effort: str = ""
    """LOW | MEDIUM | HIGH: human effort, where that was told."""
    browser_used: bool = False
    task_id: str = ""
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ToolDetail:
    """One tool: totals, daily trend, newest executions, errors by class."""

    window: Window
    row: ToolRow | None
    daily: tuple[SeriesPoint, ...]
    recent: tuple[ToolCallRow, ...]
    errors: tuple[tuple[str, int], ...]
    effort: Effort = Effort()


@dataclass(frozen=True, slots=True)
class AgentDetail:
    """One agent: totals, per task type, tool and model, peers, newest runs, errors."""

    window: Window
    row: AgentRow | None
    task_types: tuple[MatrixCell, ...]
    task_durations: tuple[tuple[str, Durations], ...]
    tools: tuple[UsedTool, ...]
    models: tuple[CostRow, ...]
    peers: tuple[AgentRow, ...]
    series: tuple[SeriesPoint, ...]
    step_ms: int
    """How long each point of ``series`` stands for; those without a fact are left out."""
    recent: tuple[RunRow, ...]
    """Its newest tasks."""
    errors: tuple[tuple[str, int], ...]
    """How many runs ended in each class of error, graded or not (of executions, how many of the newest)."""
    effort: Effort = Effort()
    """Of all its executions."""


@dataclass(frozen=True, slots=True)
class ConfidenceBin:
    """Attempts of a layer whose confidence lies in ``[low, high)``."""

    low: float
    high: float
    attempts: int
    accepted: int
    right: int
    wrong: int


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer of the cascade over the window."""

    name: str
    position: int
    attempts: int
    captured: Rate
    """Decisions it took, of all decisions."""
    success: Rate
    """Decisions it took, of its attempts."""
    confidence: float | None
    durations: Durations
    accuracy: Rate
    """Right decisions, of the graded ones it took."""
    errors: int
    threshold: float | None
    target: str
    """The seed's capture target as text, or empty."""
    target_status: str
    """ok | warn | alert | unknown."""
    accuracy_target: float | None = None
    """How often it should be right, at least."""
    accuracy_status: str = "unknown"
    """ok | warn | unknown; by the 95 % interval."""
    latency_target_ms: float | None = None
    """How long it should take, in the mean."""
    latency_status: str = "unknown"


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One routing decision."""

    id: str
    at_ms: int
    agent: str
    layer: str
    confidence: float | None
    latency_ms: float | None
    correct: bool | None
    task_id: str
    description: str | None


@dataclass(frozen=True, slots=True)
class CascadeView:
    """The cascade tab."""

    window: Window
    routes: int
    layers: tuple[LayerRow, ...]
    accuracy: WeightedRate
    """Each layer weighted by the decisions it took."""
    durations: Durations
    clarified: Rate
    targets: tuple[TargetStatus, ...]
    """In the seed's order."""
    recent: tuple[DecisionRow, ...]
    drift: DriftAlert | None = None
    """The newer half of the window is right more or less often than the older."""


@dataclass(frozen=True, slots=True)
class LayerView:
    """One layer: its row, the confidence histogram, the decisions it took last."""

    window: Window
    row: LayerRow | None
    bins: tuple[ConfidenceBin, ...]
    recent: tuple[DecisionRow, ...]


@dataclass(frozen=True, slots=True)
class WhyStep:
    """One layer of a decision's ladder."""

    layer: str
    agent: str
    confidence: float | None
    threshold: float | None
    accepted: bool
    shadow: bool
    latency_ms: float | None
    error_class: str
    threshold_now: float | None
    accepts_now: bool | None
    """What the present policy would do; None when the layer was not evaluated."""


@dataclass(frozen=True, slots=True)
class WhyView:
    """Why one decision went where it went."""

    decision: DecisionRow
    steps: tuple[WhyStep, ...]
    correct_agent: str | None
    policy_version: int | None
    """The version in force when it was made; None before the first."""
    now_layer: str | None
    """Where the present policy would send it; None when the log cannot tell."""
    now_agent: str | None


@dataclass(frozen=True, slots=True)
class CostsView:
    """The costs tab: one dimension's rows, the spend over time stacked by model."""

    window: Window
    dimension: str
    rows: tuple[CostRow, ...]
    total: Money
    tokens: int | None
    today: Money
    month: Money
    month_projected_nano: int | None
    series: tuple[SeriesPoint, ...]
    step_ms: int
    """How long each point of ``series`` stands for; those without a fact are left out."""
    models: tuple[str, ...]
    """The models of ``series`` parts, largest spend first, the rest as "other"."""
    store_bytes: int


@dataclass(frozen=True, slots=True)
class FeedItem:
    """A line of the live feed: a task that ended."""

    at_ms: int
    ok: bool | None
    agent: str
    task_type: str
    duration_ms: float | None
    error_class: str
    run_id: str
    tool: str = ""
    """What was executed, of an execution that is a task of its own."""


class Attention(NamedTuple):
    """One thing that needs attention."""

    severity: Severity
    text: str
    target: str
    """What Enter opens, such as "agent:codex"."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The overview tab."""

    window: Window
    tasks: int
    success: Rate
    success_before: Rate
    active: tuple[ActiveRun, ...]
    jobs_active: tuple[tuple[str, int], ...]
    tasks_per_minute: float
    durations: Durations
    cost: Money
    cost_today: Money
    cost_month: Money
    month_projected_nano: int | None
    tokens: int | None
    health: str
    """ok | warn | alert | unknown."""
    attention: tuple[Attention, ...]
    """First who waits for a person, the longest waiting before all; then worst first."""
    series: tuple[SeriesPoint, ...]
    step_ms: int
    """How long each point of ``series`` stands for; those without a fact are left out."""
    agents: tuple[AgentRow, ...]
    task_types: tuple[MatrixCell, ...]
    layers: tuple[LayerRow, ...]
    feed: tuple[FeedItem, ...]
    lost: int
    """Facts that recorders could not write."""
    rejected: int
    newest_ms: int | None
    """The newest fact in the store, for the stale and the history notices."""
    waiting: int = 0
    """So many of `attention`, the first ones, are runs that wait for a person."""
    executions: int = 0
    """How many of ``tasks`` are executions, of agents that have no runs."""
    ungraded: Ungraded = Ungraded()
    """The tasks that the rate of success does not speak of."""
    rework: Rate = Rate(0, 0)
