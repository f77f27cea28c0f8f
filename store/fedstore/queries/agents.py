"""Read model of the agents: rows, the agent x task-type matrix, one agent in detail."""

from __future__ import annotations

from operator import add
from typing import TYPE_CHECKING, Any

from fedstore.learning.intervals import two_proportion_p
from fedstore.queries.buckets import Buckets, Source, durations_of, step_of
from fedstore.queries.costs import cost_rows
from fedstore.queries.facts import active_runs, newest_runs, run_errors
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
)  # fmt: skip
from fedstore.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["SPARK_SLOTS", "agent_detail", "agent_rows", "agents_view", "matrix_cells", "task_type_rows"]

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
    "runs", "ok", "failed", "reworked", "rework_known", "duration_n", "duration_ms", "quality_n", "quality_ppm",
)  # fmt: skip
_SPEND = (
    "input_tokens", "output_tokens", "reported_nano", "computed_nano", "unpriced_calls", "unpriced_tokens",
)  # fmt: skip


def agents_view(source: Source, window: Window) -> AgentsView:
    """The agents tab."""
    buckets = Buckets(source)
    cells = matrix_cells(buckets, window)
    rows = agent_rows(source, buckets, window)
    volume: dict[str, int] = {}
    for cell in cells:
        volume[cell.task_type] = volume.get(cell.task_type, 0) + cell.tasks
    return AgentsView(window, rows, tuple(sorted(volume, key=lambda name: (-volume[name], name))), cells)


def matrix_cells(buckets: Buckets, window: Window, where: str = "", *args: Any) -> tuple[MatrixCell, ...]:
    """Success per agent and task type."""
    rows = buckets.sums("agent_buckets", window, ("agent", "task_type"), _SUMS, where, *args)
    return tuple(MatrixCell(agent, kind, Rate(ok, ok + failed), runs) for agent, kind, runs, ok, failed, *_ in rows)


def _by_agent(
    buckets: Buckets, window: Window, where: str = "", args: Sequence[Any] = ()
) -> dict[str, tuple[int, ...]]:
    """The sums of each agent, from the rows that the matrix is made of too."""
    found: dict[str, tuple[int, ...]] = {}
    for agent, _, *sums in buckets.sums("agent_buckets", window, ("agent", "task_type"), _SUMS, where, *args):
        have = found.get(agent)
        found[agent] = tuple(sums) if have is None else tuple(map(add, have, sums))
    return found


def agent_rows(
    source: Source, buckets: Buckets, window: Window, where: str = "", *args: Any, with_idle: bool = True
) -> tuple[AgentRow, ...]:
    """A row per agent that did, spent or is doing something in the window, busiest first.

    ``where`` restricts to some runs (by agent, task_type or project); spend is then left to those agents.
    """
    sums = _by_agent(buckets, window, where, args)
    spend = {row[0]: row[1:] for row in buckets.sums("spend_buckets", window, ("agent",), _SPEND)}
    active = [run for run in active_runs(source) if run.started_ms < window.end_ms] if window.live else []
    names = set(sums)
    if with_idle and not where:
        names |= set(spend) | {run.agent for run in active}
    context = _Context(buckets, window, where, args, sums)
    rows = [
        _agent_row(source, name, sums.get(name), spend.get(name), context, [r for r in active if r.agent == name])
        for name in names
    ]
    return tuple(sorted(rows, key=lambda row: (-row.tasks, row.name)))


class _Context:
    """What all rows of one view share: distributions, the window before, halves, slots."""

    def __init__(
        self, buckets: Buckets, window: Window, where: str, args: Sequence[Any], sums: Mapping[str, Sequence[int]]
    ) -> None:
        self.window = window
        self.blobs = buckets.blobs("agent_buckets", window, ("agent",), "duration_bins", where, *args)
        before = _by_agent(buckets, window.before(), where, args) if window.label != "all" else {}
        self.before = {agent: Rate(ok, ok + failed) for agent, (_, ok, failed, *_) in before.items()}
        self._whole = sums
        self._older = self._older_half(buckets, window, where, args)
        self.step = step_of(window, SPARK_SLOTS)
        self.sparks: dict[str, dict[int, int]] = {}
        for slot, agent, runs in buckets.slots("agent_buckets", window, self.step, ("agent",), ("runs",), where, *args):
            self.sparks.setdefault(agent, {})[slot] = runs

    @staticmethod
    def _older_half(buckets: Buckets, window: Window, where: str, args: Sequence[Any]) -> dict[str, tuple[int, int]]:
        middle = window.start_ms + window.length_ms // 2
        half = Window(window.start_ms, middle - middle % 60_000, window.label, live=False)
        rows = buckets.sums("agent_buckets", half, ("agent",), ("quality_n", "quality_ppm"), where, *args)
        return {agent: (n, ppm) for agent, n, ppm in rows}

    def spark(self, agent: str) -> tuple[int, ...]:
        """Tasks per slot, oldest first; the first and the last slot may be partly outside the window."""
        slots = self.sparks.get(agent, {})
        first = self.window.start_ms - self.window.start_ms % self.step
        return tuple(slots.get(slot, 0) for slot in range(first, self.window.end_ms, self.step))

    def trend(self, agent: str) -> str:
        """How quality moved from the older half of the window to the newer."""
        n_old, old = self._older.get(agent, (0, 0))
        n_all, total = self._whole[agent][-2:] if agent in self._whole else (0, 0)
        n_new, new = n_all - n_old, total - old
        if min(n_old, n_new) < _QUALITY_MIN:
            return "unknown"
        change = (new / n_new - old / n_old) / 1e6
        return "improving" if change > _QUALITY_STEP else "declining" if change < -_QUALITY_STEP else "stable"


def _agent_row(
    source: Source, name: str, sums: Sequence[int] | None, spend: Sequence[int] | None, context: _Context,
    active: Sequence[ActiveRun],
) -> AgentRow:  # fmt: skip
    runs, ok, failed, reworked, rework_known, n, total_ms, quality_n, quality_ppm = sums or (0,) * len(_SUMS)
    tokens_in, tokens_out, reported, computed, unpriced, hidden = spend or (0,) * len(_SPEND)
    window = context.window
    success, before = Rate(ok, ok + failed), context.before.get(name, Rate(0, 0))
    last = source.read("SELECT MAX(ended_ms) FROM runs WHERE agent = ? AND ended_ms < ?", (name, window.end_ms))[0][0]
    return AgentRow(
        name=name,
        tasks=runs,
        success=success,
        rework=Rate(reworked, rework_known),
        durations=durations_of(n, total_ms, context.blobs.get(name, b"")),
        tokens=tokens_in + tokens_out,
        cost=Money(reported, computed, unpriced, hidden),
        quality=quality_ppm / quality_n / 1e6 if quality_n else None,
        quality_n=quality_n,
        quality_trend=context.trend(name),
        last_ms=last,
        active=sum(run.state == "running" for run in active),
        waiting=sum(run.state == "waiting" for run in active),
        capacity=max(0.0, 1 - total_ms / window.length_ms) if n and window.label != "all" else None,
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


def task_type_rows(source: Source, task_type: str, window: Window) -> tuple[AgentRow, ...]:
    """The agents on one task type, best first."""
    rows = agent_rows(source, Buckets(source), window, "task_type = ?", task_type)
    return tuple(sorted(rows, key=lambda row: (-(row.success.value or 0), -row.tasks, row.name)))


def agent_detail(
    source: Source, name: str, window: Window, rows: tuple[AgentRow, ...] | None = None, columns: int = 60
) -> AgentDetail:
    """One agent, whole; ``row`` is None when nothing is known of it in the window. ``rows`` of the view, if read."""
    buckets = Buckets(source)
    rows = agent_rows(source, buckets, window) if rows is None else rows
    return AgentDetail(
        window=window,
        row=next((row for row in rows if row.name == name), None),
        task_types=tuple(
            sorted(matrix_cells(buckets, window, "agent = ?", name), key=lambda c: (-c.tasks, c.task_type))
        ),
        task_durations=_task_durations(buckets, name, window),
        tools=_tools(buckets, name, window),
        models=cost_rows(buckets, window, "model", "agent = ?", name),
        peers=tuple(row for row in rows if row.name != name),
        series=_series(buckets, name, window, columns),
        recent=newest_runs(source, (name,), window, _RECENT),
        errors=run_errors(source, name, window, _ERROR_SAMPLE),
    )


def _task_durations(buckets: Buckets, name: str, window: Window) -> tuple[tuple[str, Durations], ...]:
    columns = ("duration_n", "duration_ms")
    rows = buckets.sums("agent_buckets", window, ("task_type",), columns, "agent = ?", name)
    blobs = buckets.blobs("agent_buckets", window, ("task_type",), "duration_bins", "agent = ?", name)
    return tuple((kind, durations_of(n, total, blobs.get(kind, b""))) for kind, n, total in rows)


def _tools(buckets: Buckets, name: str, window: Window) -> tuple[tuple[str, Rate], ...]:
    rows = buckets.sums("tool_buckets", window, ("tool",), ("ok", "failed"), "agent = ?", name)
    found = [(tool, Rate(ok, ok + failed)) for tool, ok, failed in rows]
    return tuple(sorted(found, key=lambda item: (-item[1].n, item[0])))


def _series(buckets: Buckets, name: str, window: Window, columns: int) -> tuple[SeriesPoint, ...]:
    rows = buckets.slots(
        "agent_buckets", window, step_of(window, columns), (), ("ok", "failed", "runs"), "agent = ?", name
    )
    return tuple(SeriesPoint(slot, ok, failed, runs - ok - failed) for slot, ok, failed, runs in sorted(rows))
