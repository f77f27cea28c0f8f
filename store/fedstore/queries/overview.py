"""Read model of the overview: the whole federation at a glance, and what needs attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.queries.agents import SUCCESS_TARGET, agent_rows, dropped, matrix_cells
from fedstore.queries.buckets import Buckets, Rows, Source, durations_of, step_of
from fedstore.queries.calendar import day_start_ms, month_start_ms
from fedstore.queries.cascade import LAST_RESORT, layer_rows
from fedstore.queries.costs import projected_month, spent
from fedstore.queries.facts import active_runs, newest_runs
from fedstore.queries.models import (
    ActiveRun,
    AgentRow,
    Durations,
    FeedItem,
    LayerRow,
    MatrixCell,
    Money,
    Overview,
    Rate,
    SeriesPoint,
)  # fmt: skip
from fedstore.queries.routing_health import routing_attention

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import tzinfo

    from fedstore.window import Window

__all__ = ["WAITING_MS", "losses", "overview", "rejected_count"]

WAITING_MS = 180_000
SILENT_MS = 3_600_000
_FEED = 30

Attention = tuple[str, str, str]


def overview(
    source: Source,
    window: Window,
    now_ms: int,
    tz: tzinfo | None,
    thresholds: Mapping[str, float],
    columns: int = 60,
) -> Overview:
    """The overview tab."""
    buckets = Buckets(source)
    rows = agent_rows(source, buckets, window)
    layers = layer_rows(source, buckets, window, thresholds)
    cells, before = matrix_cells(buckets, window), _cells_before(buckets, window)
    active = active_runs(source) if window.live else ()
    runs = sum(cell.tasks for cell in cells)
    lost = losses(source)
    cost = sum((row.cost for row in rows), Money())
    routing = tuple(routing_attention(buckets, window))
    attention = _attention(rows, layers, cells, before, active, now_ms, cost, lost, routing)
    return Overview(
        window=window,
        tasks=runs,
        success=_together(cell.success for cell in cells),
        success_before=_together(before.values()),
        active=active,
        jobs_active=_jobs(source),
        tasks_per_minute=runs / (_observed_ms(buckets, window, columns) / 60_000),
        durations=_durations(buckets, window),
        cost=cost,
        cost_today=spent(buckets, day_start_ms(now_ms, tz), now_ms),
        cost_month=spent(buckets, month_start_ms(now_ms, tz), now_ms),
        month_projected_nano=projected_month(buckets, now_ms, tz),
        tokens=sum(row.tokens for row in rows),
        health=_health(attention, judged=bool(layers) or any(cell.success.n for cell in cells)),
        attention=attention,
        series=_series(buckets, window, columns),
        agents=rows,
        task_types=_task_types(cells),
        layers=layers,
        feed=_feed(source, [row.name for row in rows], window),
        lost=lost,
        rejected=rejected_count(source),
        newest_ms=buckets.newest_start(),
    )


def _together(rates: Iterable[Rate]) -> Rate:
    both = [(rate.hits, rate.n) for rate in rates]
    return Rate(sum(hits for hits, _ in both), sum(n for _, n in both))


def _cells_before(buckets: Buckets, window: Window) -> dict[tuple[str, str], Rate]:
    if window.label == "all":
        return {}
    return {(c.agent, c.task_type): c.success for c in matrix_cells(buckets, window.before())}


def _observed_ms(buckets: Buckets, window: Window, columns: int) -> int:
    """The window's length, but no longer than data has been coming in."""
    starts = [slot for slot, *_ in _run_slots(buckets, window, columns)]
    observed = window.end_ms - max(window.start_ms, min(starts, default=window.start_ms))
    return max(60_000, observed)


def _run_slots(buckets: Buckets, window: Window, columns: int) -> Rows:
    return buckets.slots("agent_buckets", window, step_of(window, columns), (), ("ok", "failed", "runs"))


def _durations(buckets: Buckets, window: Window) -> Durations:
    ((n, total_ms),) = buckets.sums("agent_buckets", window, (), ("duration_n", "duration_ms"))
    found = buckets.blobs("agent_buckets", window, ("agent",), "duration_bins")
    return durations_of(n, total_ms, b"".join(found.values()))


def _series(buckets: Buckets, window: Window, columns: int) -> tuple[SeriesPoint, ...]:
    step = step_of(window, columns)
    spend = {
        slot: reported + computed
        for slot, reported, computed in buckets.slots(
            "spend_buckets", window, step, (), ("reported_nano", "computed_nano")
        )
    }
    runs = {slot: row for slot, *row in _run_slots(buckets, window, columns)}
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
        rate = Rate(have.success.hits + cell.success.hits, have.success.n + cell.success.n)
        sums[cell.task_type] = MatrixCell("", cell.task_type, rate, have.tasks + cell.tasks)
    return tuple(sorted(sums.values(), key=lambda c: (-c.tasks, c.task_type)))


def _feed(source: Source, agents: Sequence[str], window: Window) -> tuple[FeedItem, ...]:
    return tuple(
        FeedItem(
            run.ended_ms, None if run.success is None else run.success and not run.rework, run.agent, run.task_type,
            run.duration_ms, run.error_class, run.id,
        )
        for run in newest_runs(source, agents, window, _FEED)
    )  # fmt: skip


def _jobs(source: Source) -> tuple[tuple[str, int], ...]:
    """How many jobs wait or run."""
    sql = "SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE state = ? LIMIT 10000) AS some"
    counts = [(state, int(source.read(sql, (state,))[0][0])) for state in ("queued", "running")]
    return tuple((state, n) for state, n in counts if n)


def losses(source: Source) -> int:
    """How many facts recorders could not write, as they told afterwards."""
    return int(source.read("SELECT COALESCE(SUM(count), 0) FROM losses")[0][0])


def rejected_count(source: Source) -> int:
    """How many facts were refused and kept in quarantine."""
    return int(source.read("SELECT COUNT(*) FROM rejects")[0][0])


# --- attention ------------------------------------------------------------------------------------------------


def _attention(
    rows: Sequence[AgentRow], layers: Sequence[LayerRow], cells: Sequence[MatrixCell],
    before: Mapping[tuple[str, str], Rate], active: Sequence[ActiveRun], now_ms: int, cost: Money, lost: int,
    routing: Sequence[Attention],
) -> tuple[Attention, ...]:  # fmt: skip
    found = [*_agents_in_trouble(rows), *_cells_in_trouble(rows, cells, before), *_waiting(active, now_ms)]
    found += [*_missed_targets(layers), *routing]
    if cost.unpriced_calls:
        found.append(("warn", f"{cost.unpriced_calls:,} calls have no known price", "tab:costs"))
    if lost:
        found.append(("alert", f"{lost:,} facts could not be recorded", "doctor"))
    order = {"alert": 0, "warn": 1, "info": 2}
    return tuple(sorted(found, key=lambda item: order[item[0]]))


def _percent(rate: Rate) -> str:
    return "?" if rate.value is None else f"{rate.value * 100:.0f} %"


def _agents_in_trouble(rows: Sequence[AgentRow]) -> Iterable[Attention]:
    for row in rows:
        if row.status in ("warn", "alert"):
            fell = dropped(row.success, row.success_before)
            why = f"was {_percent(row.success_before)}" if fell else f"target {SUCCESS_TARGET:.0%}".replace("%", " %")
            yield row.status, f"{row.name} success {_percent(row.success)} ({why})", f"agent:{row.name}"


def _cells_in_trouble(
    rows: Sequence[AgentRow], cells: Sequence[MatrixCell], before: Mapping[tuple[str, str], Rate]
) -> Iterable[Attention]:
    known = {row.name for row in rows if row.status in ("warn", "alert")}
    for cell in cells:
        was = before.get((cell.agent, cell.task_type), Rate(0, 0))
        if cell.agent not in known and dropped(cell.success, was):
            text = f"{cell.agent}/{cell.task_type} success {_percent(cell.success)} (was {_percent(was)})"
            yield "warn", text, f"agent:{cell.agent}"


def _waiting(active: Sequence[ActiveRun], now_ms: int) -> Iterable[Attention]:
    for run in active:
        length = _length(now_ms - run.seen_ms)
        if run.state == "waiting" and now_ms - run.seen_ms >= WAITING_MS:
            reason = f" for {run.reason}" if run.reason else ""
            yield "warn", f"{run.agent} waiting{reason} {length}", f"agent:{run.agent}"
        elif run.state == "running" and now_ms - run.seen_ms >= SILENT_MS:
            yield "info", f"{run.agent} run not heard of for {length}", f"agent:{run.agent}"


def _length(ms: int) -> str:
    minutes = ms // 60_000
    hours = minutes // 60
    return f"{minutes} min" if hours < 2 else f"{hours} h" if hours < 48 else f"{hours // 24} days"


def _missed_targets(layers: Sequence[LayerRow]) -> Iterable[Attention]:
    for row in layers:
        if row.target_status == "alert":
            what = "asks" if row.name == LAST_RESORT else "captures"
            text = f"{row.name} {what} {_percent(row.captured)}, target {row.target}"
            yield "warn", text, f"layer:{row.name}"


def _health(attention: Sequence[Attention], *, judged: bool) -> str:
    worst = {severity for severity, _, _ in attention}
    if "alert" in worst:
        return "alert"
    if "warn" in worst:
        return "warn"
    return "ok" if judged else "unknown"
