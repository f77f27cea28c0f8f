"""Read model of the overview: the whole federation at a glance, and what needs attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.finding import SEVERITY_RANKS
from fedstore.learning.targets import FEW, REWORK_TARGET, SUCCESS_TARGET, missed
from fedstore.queries.agents import (
    active_in,
    agent_rows,
    dropped,
    durations_of_all,
    matrix_cells,
    reworks,
    success_before,
)
from fedstore.queries.cascade import LAST_RESORT, layer_rows
from fedstore.queries.costs import SPENT, projected_month, spent_lately
from fedstore.queries.facts import newest_tasks
from fedstore.queries.losses import read_losses, read_refusals, severity_of_past
from fedstore.queries.models import (
    INTERRUPTED,
    WAITING_MS,
    ActiveRun,
    AgentRow,
    Attention,
    FeedItem,
    LayerRow,
    MatrixCell,
    Money,
    Overview,
    Rate,
    SeriesPoint,
    Ungraded,
)  # fmt: skip
from fedstore.queries.newest import newest_start
from fedstore.queries.routing_health import routing_attention
from fedstore.queries.tasks import Tasks
from fedstore.widths import MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import tzinfo

    from fedstore.engine.protocol import Reads
    from fedstore.finding import Severity
    from fedstore.queries.buckets import Buckets
    from fedstore.queries.in_force import CascadeSetup
    from fedstore.queries.losses import Losses, Refusals
    from fedstore.window import Window

__all__ = ["overview"]

_FEED = 30


def overview(
    source: Reads,
    buckets: Buckets,
    window: Window,
    now_ms: int,
    tz: tzinfo | None,
    setup: CascadeSetup,
    columns: int = 60,
) -> Overview:
    """The overview tab."""
    active = active_in(source, window)
    tasks = Tasks(buckets, window, active)
    rows = agent_rows(source, buckets, tasks, active)
    layers = layer_rows(source, buckets, window, setup)
    cells, before = matrix_cells(tasks), success_before(tasks)
    step_ms = buckets.series_step(window, columns)
    slots = tasks.slots_of_all(window, step_ms, ("ok", "failed", "runs"))
    runs = sum(cell.tasks for cell in cells)
    queued, running, rejected = _counts(source)
    lost, refused = read_losses(source.read), read_refusals(source.read)
    today, month = spent_lately(buckets, now_ms, tz)
    cost = sum((row.cost for row in rows), Money())
    routing = tuple(routing_attention(buckets, window))
    waiting = tuple(_waiting(active, now_ms))
    lacking = tuple(_lacking(cost, lost, refused, now_ms))
    attention = (*waiting, *_attention(rows, layers, cells, before, active, now_ms, lacking, routing))
    return Overview(
        window=window,
        tasks=runs,
        success=_together(cell.success for cell in cells),
        success_before=_together(before.values()),
        ungraded=sum((cell.ungraded for cell in cells), Ungraded()),
        rework=_together(row.rework for row in rows),
        active=active,
        jobs_active=tuple((state, n) for state, n in (("queued", queued), ("running", running)) if n),
        tasks_per_minute=runs / (_observed_ms(window, slots) / MINUTE_MS),
        durations=durations_of_all(tasks),
        cost=cost,
        cost_today=today,
        cost_month=month,
        month_projected_nano=projected_month(buckets, month, now_ms, tz),
        tokens=sum(row.tokens or 0 for row in rows) or None,
        health=_health(attention, judged=_judged(rows, layers)),
        attention=attention,
        waiting=len(waiting),
        series=_series(buckets, window, slots, step_ms),
        step_ms=step_ms,
        agents=rows,
        task_types=_task_types(cells),
        layers=layers,
        feed=_feed(source, tasks, [row.name for row in rows]),
        lost=0 if lost is None else lost.count,
        rejected=rejected,
        newest_ms=newest_start(source),
        executions=sum(row.tasks for row in rows if row.tasks_are == "executions"),
    )


def _together(rates: Iterable[Rate]) -> Rate:
    both = [(rate.hits, rate.n) for rate in rates]
    return Rate(sum(hits for hits, _ in both), sum(n for _, n in both))


def _observed_ms(window: Window, slots: Iterable[int]) -> int:
    """The window's length, but no longer than data has been coming in."""
    observed = window.end_ms - max(window.start_ms, min(slots, default=window.start_ms))
    return max(MINUTE_MS, observed)


def _series(
    buckets: Buckets, window: Window, runs: Mapping[int, tuple[int, ...]], step_ms: int
) -> tuple[SeriesPoint, ...]:
    spend: dict[int, int] = dict(buckets.slots("spend_buckets", window, step_ms, (), (SPENT,)))
    points = []
    for slot in sorted(set(spend) | set(runs)):
        ok, failed, total = runs.get(slot, (0, 0, 0))
        points.append(SeriesPoint(slot, ok, failed, total - ok - failed, spend.get(slot, 0)))
    return tuple(points)


def _task_types(cells: Iterable[MatrixCell]) -> tuple[MatrixCell, ...]:
    """Cells of all agents together, per task type, most frequent first."""
    sums: dict[str, MatrixCell] = {}
    for cell in cells:
        have = sums.get(cell.task_type, MatrixCell("", cell.task_type, Rate(0, 0), 0))
        rate, ungraded = _together((have.success, cell.success)), have.ungraded + cell.ungraded
        sums[cell.task_type] = MatrixCell("", cell.task_type, rate, have.tasks + cell.tasks, ungraded)
    return tuple(sorted(sums.values(), key=lambda c: (-c.tasks, c.task_type)))


def _feed(source: Reads, tasks: Tasks, agents: Sequence[str]) -> tuple[FeedItem, ...]:
    return tuple(
        FeedItem(
            run.ended_ms, None if run.success is None else run.success and not run.rework, run.agent, run.task_type,
            run.duration_ms, run.error_class, run.id, run.tool,
        )
        for run in newest_tasks(source, tasks, agents, _FEED)
    )  # fmt: skip


def _counts(source: Reads) -> tuple[int, ...]:
    """Jobs that wait and that run, facts in quarantine."""
    jobs = "(SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE state = ? LIMIT 10000) AS found)"
    sql = f"SELECT {jobs}, {jobs}, (SELECT COALESCE(SUM(count), 0) FROM rejects)"
    return tuple(map(int, source.read(sql, ("queued", "running"))[0]))


# --- attention ------------------------------------------------------------------------------------------------


def _attention(
    rows: Sequence[AgentRow], layers: Sequence[LayerRow], cells: Sequence[MatrixCell],
    before: Mapping[tuple[str, str], Rate], active: Sequence[ActiveRun], now_ms: int, lacking: Sequence[Attention],
    routing: Sequence[Attention],
) -> tuple[Attention, ...]:  # fmt: skip
    """What is worst comes first; of equal severity what fails, then targets, then what the figures lack."""
    found = [*_agents_in_trouble(rows), *_cells_in_trouble(rows, cells, before)]
    found += [*_missed_targets(layers), *routing, *_quiet(active, now_ms), *_ungraded_errors(rows), *lacking]
    return tuple(sorted(found, key=lambda item: SEVERITY_RANKS[item.severity]))


def _lacking(cost: Money, lost: Losses | None, refused: Refusals | None, now_ms: int) -> Iterable[Attention]:
    """What is not in the figures: calls without a price, facts that were lost or refused."""
    if cost.unpriced_calls:
        calls = "1 call has" if cost.unpriced_calls == 1 else f"{cost.unpriced_calls:,} calls have"
        yield Attention("warn", f"{calls} no known price", "tab:costs")
    if lost is not None:
        text = f"{lost.count:,} fact{'' if lost.count == 1 else 's'} could not be recorded"
        ago = _length(max(0, now_ms - lost.told_ms))
        yield Attention(severity_of_past(lost.told_ms, now_ms), f"{text}, the last {ago} ago", "doctor")
    if refused is not None:
        yield Attention(severity_of_past(refused.told_ms, now_ms), refused.text, "doctor")


def _percent(rate: Rate) -> str:
    return "?" if rate.value is None else f"{rate.value * 100:.0f} %"


def _succeeds_less(row: AgentRow) -> bool:
    """Whether an agent surely misses its target of success, or surely fell."""
    return missed(SUCCESS_TARGET, row.success.interval, row.success.n) or dropped(row.success, row.success_before)


def _agents_in_trouble(rows: Sequence[AgentRow]) -> Iterable[Attention]:
    for row in rows:
        if reworks(row.rework):
            text = f"{row.name} rework {_percent(row.rework)} (target below {REWORK_TARGET * 100:.0f} %)"
            yield Attention("warn", text, f"agent:{row.name}")
        if _succeeds_less(row):
            fell = dropped(row.success, row.success_before)
            why = f"was {_percent(row.success_before)}" if fell else f"target {SUCCESS_TARGET:.0%}".replace("%", " %")
            severity: Severity = "alert" if row.status == "alert" else "warn"
            yield Attention(severity, f"{row.name} success {_percent(row.success)} ({why})", f"agent:{row.name}")


def _ungraded_errors(rows: Sequence[AgentRow]) -> Iterable[Attention]:
    """Errors that tell nothing of a rate; runs that were only stopped need no attention."""
    for row in rows:
        if any(name != INTERRUPTED for name, _ in row.ungraded.errors):
            yield Attention("info", f"{row.name}: {row.ungraded.text}", f"agent:{row.name}")


def _cells_in_trouble(
    rows: Sequence[AgentRow], cells: Sequence[MatrixCell], before: Mapping[tuple[str, str], Rate]
) -> Iterable[Attention]:
    known = {row.name for row in rows if _succeeds_less(row)}
    for cell in cells:
        was = before.get((cell.agent, cell.task_type), Rate(0, 0))
        if cell.agent not in known and dropped(cell.success, was):
            text = f"{cell.agent}/{cell.task_type} success {_percent(cell.success)} (was {_percent(was)})"
            yield Attention("warn", text, f"agent:{cell.agent}")


def _waiting(active: Sequence[ActiveRun], now_ms: int) -> Iterable[Attention]:
    """Who waits for a person, the longest waiting first."""
    for run in sorted(active, key=lambda run: run.seen_ms):
        if run.state == "waiting" and now_ms - run.seen_ms >= WAITING_MS:
            reason = f" for {run.reason}" if run.reason else ""
            text = f"{run.agent} waiting{reason} {_length(now_ms - run.seen_ms)}"
            yield Attention("warn", text, f"agent:{run.agent}")


def _quiet(active: Sequence[ActiveRun], now_ms: int) -> Iterable[Attention]:
    for run in active:
        if run.is_quiet(now_ms):
            text = f"{run.agent} run not heard of for {_length(now_ms - run.seen_ms)}"
            yield Attention("info", text, f"agent:{run.agent}")


def _length(ms: int) -> str:
    minutes = ms // MINUTE_MS
    hours = minutes // 60
    return f"{minutes} min" if hours < 2 else f"{hours} h" if hours < 48 else f"{hours // 24} days"


def _missed_targets(layers: Sequence[LayerRow]) -> Iterable[Attention]:
    for row in layers:
        if row.target_status == "alert":
            what = "asks" if row.name == LAST_RESORT else "captures"
            text = f"{row.name} {what} {_percent(row.captured)}, target {row.target}"
            yield Attention("warn", text, f"layer:{row.name}")


def _judged(rows: Sequence[AgentRow], layers: Sequence[LayerRow]) -> bool:
    """Whether there is enough to call it healthy."""
    return max((row.captured.n for row in layers), default=0) >= FEW or sum(row.success.n for row in rows) >= FEW


def _health(attention: Sequence[Attention], *, judged: bool) -> str:
    worst = {found.severity for found in attention}
    if "alert" in worst:
        return "alert"
    if "warn" in worst:
        return "warn"
    return "ok" if judged else "unknown"
