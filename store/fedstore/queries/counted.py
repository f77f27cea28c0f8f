"""What of the tasks is counted in documents for others: sums per agent and task type, and the newest tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fedstore.queries.facts import millis

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fedstore.engine.protocol import Reads
    from fedstore.queries.buckets import Buckets
    from fedstore.window import Window

__all__ = ["DoneTask", "TaskCounts", "newest_done", "task_counts"]

_SUMS = ("ok", "failed", "reworked", "rework_known", "duration_n", "duration_us")


class TaskCounts(NamedTuple):
    """Tasks of one agent and task type. `timed` durations are known, `duration_us` together; of `rework_known` it
    is known whether they had to be done again, and of `reworked` that they had to.
    """

    good: int
    bad: int
    reworked: int = 0
    rework_known: int = 0
    timed: int = 0
    duration_us: int = 0

    @classmethod
    def of(cls, parts: Iterable[TaskCounts]) -> TaskCounts:
        """All of them together."""
        return cls(*(sum(column) for column in zip(cls(0, 0), *parts, strict=True)))


class DoneTask(NamedTuple):
    """A finished task whose result is known; `good` is done well and not done again."""

    at_ms: int
    agent: str
    task_type: str
    good: bool
    rework: bool | None
    duration_ms: float | None
    notes: str | None


def task_counts(buckets: Buckets, window: Window) -> dict[str, dict[str, TaskCounts]]:
    """The counts by agent and task type; agents and types none of whose tasks has a known result are left out."""
    found: dict[str, dict[str, TaskCounts]] = {}
    for agent, task_type, *sums in buckets.sums("agent_buckets", window, ("agent", "task_type"), _SUMS):
        counts = TaskCounts(*sums)
        if counts.good + counts.bad:
            found.setdefault(agent, {})[task_type] = counts
    return found


def newest_done(source: Reads, agents: Iterable[str], limit: int) -> tuple[DoneTask, ...]:
    """The newest tasks of some agents whose result is known, newest first."""
    asked = tuple(agents)
    if not asked:
        return ()
    rows = source.read(
        f"WITH names(name) AS (VALUES {', '.join(['(?)'] * len(asked))})"
        " SELECT ended_ms, agent, task_type, success = 1 AND COALESCE(rework, 0) <> 1, rework, duration_us, notes"
        " FROM names CROSS JOIN runs WHERE seq IN (SELECT seq FROM runs AS f WHERE f.agent = names.name"
        " AND f.success IS NOT NULL ORDER BY ended_ms DESC LIMIT ?) ORDER BY ended_ms DESC, id DESC LIMIT ?",
        (*asked, limit, limit),
    )
    return tuple(
        DoneTask(at, agent, task_type, bool(good), None if rework is None else bool(rework), millis(duration), notes)
        for at, agent, task_type, good, rework, duration, notes in rows
    )
