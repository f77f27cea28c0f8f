"""Read model of the agents: rows, the agent x task-type matrix, one agent in detail."""

from __future__ import annotations

from operator import add
from typing import TYPE_CHECKING

from fedstore.bins import together
from fedstore.learning.intervals import two_proportion_p
from fedstore.queries.buckets import durations_of
from fedstore.queries.costs import cost_rows
from fedstore.queries.facts import active_runs, last_runs, newest_runs, run_errors
from fedstore.queries.models import (
    ActiveRun,
    AgentDetail,
    AgentRow,
    AgentsView,
    Durations,
    MatrixCell,
    Money,
    Rate,
    SeriesPoint,
    UsedTool,
)  # fmt: skip
from fedstore.window import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.engine.protocol import Reads
    from fedstore.queries.answers import Counts, Rows
    from fedstore.queries.buckets import Buckets

__all__ = [
    "SPARK_SLOTS", "active_in", "agent_detail", "agent_rows", "agents_view", "durations_of_all", "matrix_cells",
    "success_before", "task_type_rows",
]  # fmt: skip

SPARK_SLOTS = 12
SUCCESS_TARGET = 0.85  # the federation's target; an agent below it for sure needs a look
SUCCESS_ALERT = 0.65
_DROP = 0.05
_FEW = 10  # the test is an approximation that few tasks do not bear
_QUALITY_STEP = 0.02
_QUALITY_MIN = 5
_RECENT = 50
_ERROR_SAMPLE = 500
_SUMS = (
    "runs", "ok", "failed", "reworked", "rework_known", "duration_n", "duration_us", "quality_n", "quality_ppm",
)  # fmt: skip
_DURATION = _SUMS.index("duration_n")  # their total follows it
_NOTHING = (0,) * len(_SUMS)
_SPEND = (
    "input_tokens", "output_tokens", "reported_nano", "computed_nano", "unpriced_calls", "unpriced_tokens",
    "at_least_calls", "calls",
)  # fmt: skip


def agents_view(source: Reads, buckets: Buckets, window: Window) -> AgentsView:
    """The agents tab."""
    rows = agent_rows(source, buckets, window, active_in(source, window))
    cells = matrix_cells(buckets, window)
    volume: dict[str, int] = {}
    for cell in cells:
        volume[cell.task_type] = volume.get(cell.task_type, 0) + cell.tasks
    return AgentsView(window, rows, tuple(sorted(volume, key=lambda name: (-volume[name], name))), cells)


def active_in(source: Reads, window: Window) -> tuple[ActiveRun, ...]:
    """What goes on, where the window ends at the present."""
    return active_runs(source) if window.live else ()


def matrix_cells(buckets: Buckets, window: Window) -> tuple[MatrixCell, ...]:
    """Success per agent and task type."""
    rows = _sums(buckets, window)
    return tuple(MatrixCell(agent, kind, Rate(ok, ok + failed), runs) for agent, kind, runs, ok, failed, *_ in rows)


def success_before(buckets: Buckets, window: Window) -> dict[tuple[str, str], Rate]:
    """Success per agent and task type in the window before."""
    if window.label == "all":
        return {}
    rows = buckets.sums("agent_buckets", window.before(), ("agent", "task_type"), ("ok", "failed"))
    return {(agent, kind): Rate(ok, ok + failed) for agent, kind, ok, failed in rows}


def _sums(buckets: Buckets, window: Window) -> Rows:
    """Per agent and task type: what rows, matrix and details are all made of, so that it is read once."""
    return buckets.sums("agent_buckets", window, ("agent", "task_type"), _SUMS)


def _distributions(buckets: Buckets, window: Window, task_type: str | None = None) -> dict[str, Counts]:
    where, args = _on(task_type)
    return buckets.distributions("agent_buckets", window, "agent", "duration_bins", where, *args)


def _on(task_type: str | None) -> tuple[str, tuple[str, ...]]:
    """The condition for runs of one task type, or of all."""
    return ("", ()) if task_type is None else ("task_type = ?", (task_type,))


def durations_of_all(buckets: Buckets, window: Window) -> Durations:
    """Of all runs of all agents."""
    rows = _sums(buckets, window)
    n, total_us = (sum(sums[at] for _, _, *sums in rows) for at in (_DURATION, _DURATION + 1))
    return durations_of(n, total_us, together([*_distributions(buckets, window).values()]))


def _by_agent(rows: Rows, task_type: str | None) -> dict[str, tuple[int, ...]]:
    """The sums of each agent, on one task type or on all."""
    found: dict[str, tuple[int, ...]] = {}
    for agent, kind, *sums in rows:
        if task_type in (None, kind):
            have = found.get(agent)
            found[agent] = tuple(sums) if have is None else tuple(map(add, have, sums))
    return found


def agent_rows(
    source: Reads, buckets: Buckets, window: Window, active: Sequence[ActiveRun], task_type: str | None = None
) -> tuple[AgentRow, ...]:
    """A row per agent that did, spent or is doing something in the window, busiest first.

    ``task_type`` restricts to runs of that type, and to the agents that had some; spend stays that of the agent.
    """
    context = _Context(buckets, window, task_type)
    spend = {row[0]: row[1:] for row in buckets.sums("spend_buckets", window, ("agent",), _SPEND)}
    doing: dict[str, list[ActiveRun]] = {}
    for run in active:
        if run.started_ms < window.end_ms:
            doing.setdefault(run.agent, []).append(run)
    names = set(context.sums) | (set(spend) | set(doing) if task_type is None else set())
    last = last_runs(source, names, window.end_ms)
    rows = [_agent_row(name, spend.get(name), context, doing.get(name, ()), last.get(name)) for name in names]
    return tuple(sorted(rows, key=lambda row: (-row.tasks, row.name)))


class _Context:
    """What all rows of one view share: sums, distributions, the window before, halves, slots."""

    def __init__(self, buckets: Buckets, window: Window, task_type: str | None) -> None:
        self.window = window
        self.sums = _by_agent(_sums(buckets, window), task_type)
        before = success_before(buckets, window).items()
        rates = [(agent, kind, rate.hits, rate.n) for (agent, kind), rate in before]
        self.before = {agent: Rate(*sums) for agent, sums in _by_agent(rates, task_type).items()}
        self.bins = _distributions(buckets, window, task_type)
        self.step = buckets.step_of(window, SPARK_SLOTS)
        self.sparks: dict[str, dict[int, int]] = {}
        middle = window.start_ms + window.length_ms // 2
        half = Window(window.start_ms, middle - middle % 60_000, window.label, live=False)
        where, args = _on(task_type)
        older = buckets.sums("agent_buckets", half, ("agent",), ("quality_n", "quality_ppm"), where, *args)
        self._older = {agent: (n, total) for agent, n, total in older}
        for slot, agent, runs in buckets.slots("agent_buckets", window, self.step, ("agent",), ("runs",), where, *args):
            self.sparks.setdefault(agent, {})[slot] = runs

    def spark(self, agent: str) -> tuple[int, ...]:
        """Tasks per slot, oldest first; the first and the last slot may be partly outside the window."""
        slots = self.sparks.get(agent, {})
        first = self.window.start_ms - self.window.start_ms % self.step
        return tuple(slots.get(slot, 0) for slot in range(first, self.window.end_ms, self.step))

    def trend(self, agent: str) -> str:
        """How quality moved from the older half of the window to the newer."""
        n_old, old = self._older.get(agent, (0, 0))
        n_all, total = self.sums.get(agent, _NOTHING)[-2:]
        n_new, new = n_all - n_old, total - old
        if min(n_old, n_new) < _QUALITY_MIN:
            return "unknown"
        change = (new / n_new - old / n_old) / 1e6
        return "improving" if change > _QUALITY_STEP else "declining" if change < -_QUALITY_STEP else "stable"


def _agent_row(
    name: str, spend: Sequence[int] | None, context: _Context, active: Sequence[ActiveRun], last_ms: int | None
) -> AgentRow:
    runs, ok, failed, reworked, rework_known, n, total_us, quality_n, quality_ppm = context.sums.get(name, _NOTHING)
    tokens_in, tokens_out, *money = spend or (0,) * len(_SPEND)
    cost = Money(*money)
    window = context.window
    success, before = Rate(ok, ok + failed), context.before.get(name, Rate(0, 0))
    return AgentRow(
        name=name,
        tasks=runs,
        success=success,
        rework=Rate(reworked, rework_known),
        durations=durations_of(n, total_us, context.bins.get(name, {})),
        tokens=tokens_in + tokens_out if cost.calls else None,
        cost=cost,
        quality=quality_ppm / quality_n / 1e6 if quality_n else None,
        quality_n=quality_n,
        quality_trend=context.trend(name),
        last_ms=last_ms,
        active=sum(run.state == "running" for run in active),
        waiting=sum(run.state == "waiting" for run in active),
        capacity=max(0.0, 1 - total_us / 1000 / window.length_ms) if n and window.label != "all" else None,
        spark=context.spark(name),
        status=agent_status(success, before, idle=not runs and not active),
        success_before=before,
    )


def agent_status(success: Rate, before: Rate, *, idle: bool) -> str:
    """ok, warn, alert, idle or unknown.

    alert: surely below 65 % success, or surely worse than in the window before; warn: surely below the 85 %
    target. "Surely" is the 95 % interval, or p < 0.01 for the comparison, so that few tasks raise no alarm.
    """
    if idle:
        return "idle"
    interval = success.interval
    if interval is None:
        return "unknown"
    if interval.high < SUCCESS_ALERT or dropped(success, before):
        return "alert"
    return "warn" if interval.high < SUCCESS_TARGET else "ok"


def dropped(now: Rate, before: Rate) -> bool:
    """Whether a rate fell by more than five points and surely so (two-proportion p < 0.01, ten tasks or more each)."""
    if now.value is None or before.value is None or now.value > before.value - _DROP or min(now.n, before.n) < _FEW:
        return False
    p = two_proportion_p(now.hits, now.n, before.hits, before.n)
    return p is not None and p < 0.01


def task_type_rows(source: Reads, buckets: Buckets, task_type: str, window: Window) -> tuple[AgentRow, ...]:
    """The agents on one task type, best first."""
    rows = agent_rows(source, buckets, window, active_in(source, window), task_type)
    return tuple(sorted(rows, key=lambda row: (-(row.success.value or 0), -row.tasks, row.name)))


def agent_detail(
    source: Reads, buckets: Buckets, name: str, window: Window, rows: tuple[AgentRow, ...] | None = None,
    columns: int = 60,
) -> AgentDetail:  # fmt: skip
    """One agent, whole; ``row`` is None when nothing is known of it in the window. ``rows`` of the view, if read."""
    rows = agent_rows(source, buckets, window, active_in(source, window)) if rows is None else rows
    cells = (cell for cell in matrix_cells(buckets, window) if cell.agent == name)
    step_ms = buckets.step_of(window, columns)
    return AgentDetail(
        window=window,
        row=next((row for row in rows if row.name == name), None),
        task_types=tuple(sorted(cells, key=lambda c: (-c.tasks, c.task_type))),
        task_durations=_task_durations(buckets, name, window),
        tools=_tools(buckets, name, window),
        models=cost_rows(buckets, window, "model", "agent = ?", name),
        peers=tuple(row for row in rows if row.name != name),
        series=_series(buckets, name, window, step_ms),
        step_ms=step_ms,
        recent=newest_runs(source, (name,), window, _RECENT),
        errors=run_errors(source, name, window, _ERROR_SAMPLE),
    )


def _task_durations(buckets: Buckets, name: str, window: Window) -> tuple[tuple[str, Durations], ...]:
    bins = buckets.distributions("agent_buckets", window, "task_type", "duration_bins", "agent = ?", name)
    rows = _sums(buckets, window)
    return tuple(
        (kind, durations_of(sums[_DURATION], sums[_DURATION + 1], bins.get(kind, {})))
        for agent, kind, *sums in rows
        if agent == name
    )


def _tools(buckets: Buckets, name: str, window: Window) -> tuple[UsedTool, ...]:
    rows = buckets.sums("tool_buckets", window, ("tool",), ("calls", "ok", "failed"), "agent = ?", name)
    found = [UsedTool(tool, calls, Rate(ok, ok + failed)) for tool, calls, ok, failed in rows]
    return tuple(sorted(found, key=lambda used: (-used.calls, used.tool)))


def _series(buckets: Buckets, name: str, window: Window, step_ms: int) -> tuple[SeriesPoint, ...]:
    rows = buckets.slots("agent_buckets", window, step_ms, (), ("ok", "failed", "runs"), "agent = ?", name)
    return tuple(SeriesPoint(slot, ok, failed, runs - ok - failed) for slot, ok, failed, runs in sorted(rows))
