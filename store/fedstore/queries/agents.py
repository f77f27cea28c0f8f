"""Read model of the agents: rows, the agent x task-type matrix, one agent in detail."""

from __future__ import annotations

from operator import add
from typing import TYPE_CHECKING

from fedstore.bins import together
from fedstore.learning.intervals import two_proportion_p
from fedstore.learning.targets import FEW, REWORK_TARGET, SUCCESS_ALERT, SUCCESS_TARGET, missed
from fedstore.queries.buckets import durations_of
from fedstore.queries.costs import cost_rows
from fedstore.queries.facts import ERROR_SAMPLE, active_runs, error_classes, newest_tasks
from fedstore.queries.models import (
    ActiveRun,
    AgentDetail,
    AgentRow,
    AgentsView,
    Durations,
    Effort,
    MatrixCell,
    Money,
    Rate,
    SeriesPoint,
    Ungraded,
    UsedTool,
)  # fmt: skip
from fedstore.queries.signs import agent_state, free_shares, last_activity
from fedstore.queries.tasks import EFFORT_SUMS, TASK_SUMS, Tasks
from fedstore.queries.ungraded import error_counts, told_rate
from fedstore.widths import MINUTE_MS
from fedstore.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedstore.engine.protocol import Reads
    from fedstore.queries.answers import Rows
    from fedstore.queries.buckets import Buckets

__all__ = [
    "SPARK_SLOTS", "active_in", "agent_detail", "agent_rows", "agents_view", "durations_of_all", "matrix_cells",
    "success_before", "task_type_rows",
]  # fmt: skip

SPARK_SLOTS = 12
_DROP = 0.05
_QUALITY_STEP = 0.02
_QUALITY_MIN = 5
_RECENT = 50
_DURATION = TASK_SUMS.index("duration_n")  # their total follows it
_NOTHING = (0,) * len(TASK_SUMS)
_SPEND = (
    "input_tokens", "output_tokens", "reported_nano", "computed_nano", "unpriced_calls", "unpriced_tokens",
    "at_least_calls", "calls",
)  # fmt: skip


def agents_view(source: Reads, buckets: Buckets, window: Window) -> AgentsView:
    """The agents tab."""
    active = active_in(source, window)
    tasks = Tasks(buckets, window, active)
    rows = agent_rows(source, buckets, tasks, active)
    cells = matrix_cells(tasks)
    volume: dict[str, int] = {}
    for cell in cells:
        volume[cell.task_type] = volume.get(cell.task_type, 0) + cell.tasks
    return AgentsView(window, rows, tuple(sorted(volume, key=lambda name: (-volume[name], name))), cells)


def active_in(source: Reads, window: Window) -> tuple[ActiveRun, ...]:
    """What goes on, where the window ends at the present."""
    return active_runs(source) if window.live else ()


def matrix_cells(tasks: Tasks) -> tuple[MatrixCell, ...]:
    """Success per agent and task type."""
    rows, errors = tasks.sums(), tasks.ungraded_errors()
    return tuple(
        MatrixCell(agent, kind, Rate(ok, ok + failed), n, Ungraded(n - ok - failed, errors.get((agent, kind), ())))
        for agent, kind, n, ok, failed, *_ in rows
    )


def success_before(tasks: Tasks) -> dict[tuple[str, str], Rate]:
    """Success per agent and task type in the window before."""
    return {(agent, kind): Rate(ok, ok + failed) for agent, kind, _, ok, failed, *_ in tasks.sums_before()}


def durations_of_all(tasks: Tasks) -> Durations:
    """Of all tasks of all agents."""
    rows = tasks.sums()
    n, total_us = (sum(sums[at] for _, _, *sums in rows) for at in (_DURATION, _DURATION + 1))
    return durations_of(n, total_us, together([*tasks.durations_by_agent().values()]))


def _by_agent(rows: Rows, task_type: str | None) -> dict[str, tuple[int, ...]]:
    """The sums of each agent, on one task type or on all."""
    found: dict[str, tuple[int, ...]] = {}
    for agent, kind, *sums in rows:
        if task_type in (None, kind):
            have = found.get(agent)
            found[agent] = tuple(sums) if have is None else tuple(map(add, have, sums))
    return found


def agent_rows(
    source: Reads, buckets: Buckets, tasks: Tasks, active: Sequence[ActiveRun], task_type: str | None = None
) -> tuple[AgentRow, ...]:
    """A row per agent that did, spent or is doing something in the window, busiest first.

    ``task_type`` restricts to tasks of that type, and to the agents that had some; spend stays that of the agent.
    """
    window = tasks.window
    doing: dict[str, list[ActiveRun]] = {}
    for run in active:
        if run.started_ms < window.end_ms:
            doing.setdefault(run.agent, []).append(run)
    context = _Context(buckets, tasks, task_type, doing)
    spend = {row[0]: row[1:] for row in buckets.sums("spend_buckets", window, ("agent",), _SPEND)}
    names = set(context.sums) | (set(spend) | set(doing) if task_type is None else set())
    last = last_activity(source, buckets, tasks, names, doing)
    rows = [_agent_row(name, spend.get(name), context, last.get(name)) for name in names]
    return tuple(sorted(rows, key=lambda row: (-row.tasks, row.name)))


class _Context:
    """What all rows of one view share: sums, distributions, the window before, halves, slots, what goes on."""

    def __init__(
        self, buckets: Buckets, tasks: Tasks, task_type: str | None, doing: Mapping[str, Sequence[ActiveRun]]
    ) -> None:
        self.tasks, self.doing = tasks, doing
        self.window = window = tasks.window
        self.sums = _by_agent(tasks.sums(), task_type)
        self._cells: dict[str, list[Ungraded]] = {}
        for cell in matrix_cells(tasks):
            if task_type in (None, cell.task_type):
                self._cells.setdefault(cell.agent, []).append(cell.ungraded)
        rates = [(agent, kind, rate.hits, rate.n) for (agent, kind), rate in success_before(tasks).items()]
        self.before = {agent: Rate(*sums) for agent, sums in _by_agent(rates, task_type).items()}
        self.bins = tasks.durations_by_agent(task_type)
        self.free = free_shares(buckets, tasks, [run for runs in doing.values() for run in runs])
        self.step = buckets.step_of(window, SPARK_SLOTS)
        self.sparks: dict[str, dict[int, int]] = {}
        middle = window.start_ms + window.length_ms // 2
        half = Window(window.start_ms, middle - middle % MINUTE_MS, window.label, live=False)
        where, args = ("", ()) if task_type is None else ("task_type = ?", (task_type,))
        older = buckets.sums("agent_buckets", half, ("agent",), ("quality_n", "quality_ppm"), where, *args)
        self._older = {agent: (n, total) for agent, n, total in older}
        for slot, agent, n in tasks.slots(window, self.step, ("runs",), task_type=task_type):
            self.sparks.setdefault(agent, {})[slot] = n

    def spark(self, agent: str) -> tuple[int, ...]:
        """Tasks per slot, oldest first; the first and the last slot may be partly outside the window."""
        slots = self.sparks.get(agent, {})
        first = self.window.start_ms - self.window.start_ms % self.step
        return tuple(slots.get(slot, 0) for slot in range(first, self.window.end_ms, self.step))

    def ungraded(self, agent: str) -> Ungraded:
        """Its tasks that nobody graded."""
        return sum(self._cells.get(agent, ()), Ungraded())

    def trend(self, agent: str) -> str:
        """How quality moved from the older half of the window to the newer."""
        n_old, old = self._older.get(agent, (0, 0))
        n_all, total = self.sums.get(agent, _NOTHING)[-2:]
        n_new, new = n_all - n_old, total - old
        if min(n_old, n_new) < _QUALITY_MIN:
            return "unknown"
        change = (new / n_new - old / n_old) / 1e6
        return "improving" if change > _QUALITY_STEP else "declining" if change < -_QUALITY_STEP else "stable"


def _agent_row(name: str, spend: Sequence[int] | None, context: _Context, last_ms: int | None) -> AgentRow:
    n_tasks, ok, failed, reworked, rework_known, n, total_us, quality_n, quality_ppm = context.sums.get(name, _NOTHING)
    tokens_in, tokens_out, *money = spend or (0,) * len(_SPEND)
    cost, active = Money(*money), context.doing.get(name, ())
    success, before = Rate(ok, ok + failed), context.before.get(name, Rate(0, 0))
    return AgentRow(
        name=name,
        tasks=n_tasks,
        success=success,
        rework=Rate(reworked, rework_known),
        durations=durations_of(n, total_us, context.bins.get(name, {})),
        tokens=(tokens_in + tokens_out) or None,
        cost=cost,
        quality=quality_ppm / quality_n / 1e6 if quality_n else None,
        quality_n=quality_n,
        quality_trend=context.trend(name),
        last_ms=last_ms,
        active=sum(run.state == "running" for run in active),
        waiting=sum(run.state == "waiting" for run in active),
        capacity=context.free.get(name),
        spark=context.spark(name),
        status=agent_status(success, before, idle=not n_tasks and not active, rework=Rate(reworked, rework_known)),
        success_before=before,
        tasks_are=context.tasks.unit(name),
        state=agent_state(active, last_ms, context.window),
        ungraded=context.ungraded(name),
        quiet=sum(run.is_quiet(context.window.end_ms) for run in active),
    )


def agent_status(success: Rate, before: Rate, *, idle: bool, rework: Rate | None = None) -> str:
    """ok, warn, alert, few (too few to tell), idle or unknown.

    alert: surely below 65 % success, or surely worse than in the window before; warn: surely below the 85 %
    target, or surely more than 15 % rework. "Surely" is the 95 % interval, or p < 0.01 for the comparison, of ten
    tasks at least (`learning.targets.FEW`), so that few tasks raise no alarm.
    """
    if idle:
        return "idle"
    if missed(SUCCESS_ALERT, success.interval, success.n) or dropped(success, before):
        return "alert"
    if missed(SUCCESS_TARGET, success.interval, success.n) or (rework is not None and reworks(rework)):
        return "warn"
    return "unknown" if not success.n else "few" if success.n < FEW else "ok"


def reworks(rework: Rate) -> bool:
    """Whether surely more tasks than the target allows had to be done again."""
    return missed(REWORK_TARGET, rework.interval, rework.n, higher=False)


def dropped(now: Rate, before: Rate) -> bool:
    """Whether a rate fell by more than five points and surely so (two-proportion p < 0.01, ten tasks or more each)."""
    if now.value is None or before.value is None or now.value > before.value - _DROP or min(now.n, before.n) < FEW:
        return False
    p = two_proportion_p(now.hits, now.n, before.hits, before.n)
    return p is not None and p < 0.01


def task_type_rows(source: Reads, buckets: Buckets, task_type: str, window: Window) -> tuple[AgentRow, ...]:
    """The agents on one task type, best first."""
    active = active_in(source, window)
    rows = agent_rows(source, buckets, Tasks(buckets, window, active), active, task_type)
    return tuple(sorted(rows, key=lambda row: (-(row.success.value or 0), -row.tasks, row.name)))


def agent_detail(
    source: Reads, buckets: Buckets, name: str, window: Window, rows: tuple[AgentRow, ...] | None = None,
    columns: int = 60,
) -> AgentDetail:  # fmt: skip
    """One agent, whole; ``row`` is None when nothing is known of it in the window. ``rows`` of the view, if read."""
    active = active_in(source, window)
    tasks = Tasks(buckets, window, active)
    rows = agent_rows(source, buckets, tasks, active) if rows is None else rows
    cells = (cell for cell in matrix_cells(tasks) if cell.agent == name)
    step_ms = buckets.series_step(window, columns)
    recent = newest_tasks(source, tasks, (name,), ERROR_SAMPLE if name in tasks.by_execution else _RECENT)
    return AgentDetail(
        window=window,
        row=next((row for row in rows if row.name == name), None),
        task_types=tuple(sorted(cells, key=lambda c: (-c.tasks, c.task_type))),
        task_durations=_task_durations(tasks, name),
        tools=_tools(buckets, name, window),
        models=cost_rows(buckets, window, "model", "agent = ?", name),
        peers=tuple(row for row in rows if row.name != name),
        series=_series(tasks, name, step_ms),
        step_ms=step_ms,
        recent=recent[:_RECENT],
        errors=error_classes(recent) if name in tasks.by_execution else error_counts(buckets, window, name),
        effort=Effort(*buckets.sums("tool_buckets", window, (), EFFORT_SUMS, "agent = ?", name)[0]),
    )


def _task_durations(tasks: Tasks, name: str) -> tuple[tuple[str, Durations], ...]:
    bins = tasks.durations_by_type(name)
    return tuple(
        (kind, durations_of(sums[_DURATION], sums[_DURATION + 1], bins.get(kind, {})))
        for agent, kind, *sums in tasks.sums()
        if agent == name
    )


def _tools(buckets: Buckets, name: str, window: Window) -> tuple[UsedTool, ...]:
    rows = buckets.sums("tool_buckets", window, ("tool",), ("calls", "ok", "failed"), "agent = ?", name)
    found = [UsedTool(tool, calls, told_rate(calls, ok, failed)) for tool, calls, ok, failed in rows]
    return tuple(sorted(found, key=lambda used: (-used.calls, used.tool)))


def _series(tasks: Tasks, name: str, step_ms: int) -> tuple[SeriesPoint, ...]:
    rows = tasks.slots(tasks.window, step_ms, ("ok", "failed", "runs"), agent=name)
    return tuple(SeriesPoint(slot, ok, failed, n - ok - failed) for slot, _, ok, failed, n in sorted(rows))
