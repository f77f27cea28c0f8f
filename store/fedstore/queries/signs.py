"""Signs of life: what an agent does now, when it was last heard of, how much of its time is free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.queries.facts import last_runs
from fedstore.queries.models import SILENT_MS
from fedstore.widths import DAY_MS, HOUR_MS, MINUTE_MS
from fedstore.window import Window

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from fedstore.engine.protocol import Reads
    from fedstore.queries.answers import Rows
    from fedstore.queries.buckets import Buckets
    from fedstore.queries.models import ActiveRun, State
    from fedstore.queries.tasks import Tasks

__all__ = ["agent_state", "free_shares", "last_activity"]

ACTIVE_MS = 5 * MINUTE_MS


def agent_state(active: Sequence[ActiveRun], last_ms: int | None, window: Window) -> State | None:
    """What an agent does now that was last heard of then; None of a window in the past, and where nobody can say."""
    if not window.live:
        return None
    if active:
        return "waiting" if any(run.state == "waiting" for run in active) else "busy"
    if last_ms is None:
        return None
    silent = window.end_ms - last_ms
    return "active" if silent <= ACTIVE_MS + MINUTE_MS else "idle" if silent <= DAY_MS else "offline"


def last_activity(
    source: Reads, buckets: Buckets, tasks: Tasks, names: Collection[str], doing: Mapping[str, Sequence[ActiveRun]]
) -> dict[str, int]:
    """When each agent was last heard of in the window, in epoch milliseconds: a run that ended, one that goes on, an
    execution (that to the minute; of an agent that has runs, one of the last hour).
    """
    found = last_runs(source, names, tasks.window.end_ms)
    executed = {agent: slot for slot, agent, calls, *_ in _executions(buckets, tasks) if calls}
    old = _last_executions(source, buckets, tasks, sorted(tasks.by_execution.intersection(names) - executed.keys()))
    heard = {agent: max(run.seen_ms for run in runs) for agent, runs in doing.items()}
    for signs in (executed, old, heard):
        for agent, at in signs.items():
            found[agent] = max(at, found.get(agent, 0))
    return found


def _last_executions(source: Reads, buckets: Buckets, tasks: Tasks, names: Sequence[str]) -> dict[str, int]:
    """The newest minute in which each agent executed something, in the newest of its days; where no minute is kept,
    the hour or the day.
    """
    if not names:
        return {}
    which = f"agent IN ({', '.join('?' * len(names))})"
    days = buckets.slots("tool_buckets", tasks.month, DAY_MS, ("agent",), ("calls",), which, *names)
    newest = {agent: day for day, agent, calls in days if calls}
    newest_in = (
        "(SELECT start FROM tool_buckets WHERE width = ? AND start >= since AND start < until AND agent = name"
        " ORDER BY start DESC LIMIT 1)"
    )
    typed = "(CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT))"
    rows = source.read(
        f"WITH names(name, since, until) AS (VALUES {', '.join([typed] * len(newest))})"
        f" SELECT name, COALESCE({newest_in}, {newest_in}, since) FROM names",
        (
            *(value for agent, day in newest.items() for value in (agent, day, min(day + DAY_MS, tasks.window.end_ms))),
            MINUTE_MS, HOUR_MS,
        ),
    ) if newest else ()  # fmt: skip
    return {name: int(start) for name, start in rows}


def _last_hour(tasks: Tasks) -> Window:
    return Window(tasks.window.end_ms - HOUR_MS, tasks.window.end_ms, "1h", live=False)


def _executions(buckets: Buckets, tasks: Tasks) -> Rows:
    """Rows of (minute, agent, executions, how many told a duration, their sum) of the last hour, in order of time."""
    columns = ("calls", "duration_n", "duration_us")
    return buckets.slots("tool_buckets", _last_hour(tasks), MINUTE_MS, ("agent",), columns)


def free_shares(buckets: Buckets, tasks: Tasks, active: Iterable[ActiveRun]) -> dict[str, float]:
    """The share, 0 to 1, of the last hour in which each agent was free: the forecast for the next one.

    1 - B / 1 h, at least 0, where B is how long the agent's tasks took inside the hour that ends with the window, those
    that go on included. Agents of whose tasks in that hour no duration is known are left out, as are all where minutes
    are no longer kept. A task counts as one that ended with its minute.
    """
    hour = _last_hour(tasks)
    if buckets.kept(hour) != hour:
        return {}
    busy = dict.fromkeys(tasks.timed, 0)
    timed: dict[str, int] = {}
    runs = buckets.slots("agent_buckets", hour, MINUTE_MS, ("agent",), ("runs", "duration_n", "duration_us"))
    executions = (row for row in _executions(buckets, tasks) if row[1] in tasks.by_execution)
    for slot, agent, n, known, total_us in (*runs, *executions):
        if n:
            timed[agent] = timed.get(agent, 0) + known
        busy[agent] = busy.get(agent, 0) + min(total_us // 1000, known * (slot + MINUTE_MS - hour.start_ms))
    for run in active:
        if hour.end_ms - run.seen_ms < SILENT_MS:
            timed[run.agent] = timed.get(run.agent, 0) + 1
            busy[run.agent] = busy.get(run.agent, 0) + hour.end_ms - max(run.started_ms, hour.start_ms)
    return {agent: max(0.0, 1 - spent / HOUR_MS) for agent, spent in busy.items() if timed.get(agent, 1)}
