"""What an agent's tasks are: its finished runs; of an agent that had no run for long, its executions of tools.

Who records through the analytics engine tells of executions and of nothing else: each is a task then. An agent that
has runs does its work in those, and what it executes in them is counted with the tools. Which of the two holds is asked
of the 30 days before the end of a window (of the whole window where that is longer), so that a short window in the
middle of a long run, or a longer one, says the same.
"""

from __future__ import annotations

from operator import add
from typing import TYPE_CHECKING

from fedstore.queries.ungraded import ungraded_errors
from fedstore.widths import DAY_MS
from fedstore.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fedstore.queries.answers import Counts, Rows
    from fedstore.queries.buckets import Buckets
    from fedstore.queries.models import ActiveRun, TasksAre

__all__ = ["EFFORT_SUMS", "TASK_SUMS", "Tasks"]

TASK_SUMS = (
    "runs", "ok", "failed", "reworked", "rework_known", "duration_n", "duration_us", "quality_n", "quality_ppm",
)  # fmt: skip
"""What is added up of tasks: columns of `agent_buckets`."""
_OF_EXECUTIONS = {
    "runs": "calls", "ok": "ok", "failed": "failed", "duration_n": "duration_n", "duration_us": "duration_us",
}  # fmt: skip
"""The same of `tool_buckets`; of executions nobody tells a rework or a quality."""
EFFORT_SUMS = ("calls", "effort_low", "effort_medium", "effort_high", "browser")
"""The columns of `tool_buckets` that an `Effort` is made of."""
_BY = ("agent", "task_type")
_DAYS = 30


class Tasks:
    """The tasks of a window; `active` are the runs that go on where it ends at the present."""

    def __init__(self, buckets: Buckets, window: Window, active: Iterable[ActiveRun] = ()) -> None:
        self._buckets = buckets
        self.window = window
        self._windows = (window,) if window.label == "all" else (window, window.before())
        since = min(window.start_ms, window.end_ms - _DAYS * DAY_MS)
        self.month = month = Window(since - since % DAY_MS, window.end_ms, window.label, live=False)
        """What it is asked of whether an agent has runs."""
        runs: dict[str, int] = dict(buckets.sums("agent_buckets", month, ("agent",), ("duration_n",)))
        executions: dict[str, int] = dict(buckets.sums("tool_buckets", month, ("agent",), ("duration_n",)))
        self.by_execution = frozenset(executions) - runs.keys() - {run.agent for run in active}
        """The agents whose tasks are their executions."""
        known = {**executions, **runs}
        self.seen = frozenset(known)
        """The agents that had a run or executed a tool in these 30 days, or in the window."""
        self.timed = frozenset(agent for agent, n in known.items() if n)
        """The agents of whose tasks a duration is known."""

    def unit(self, agent: str) -> TasksAre:
        """What the tasks of an agent are."""
        return "executions" if agent in self.by_execution else "runs"

    def sums(self, window: Window | None = None, columns: Sequence[str] = TASK_SUMS) -> Rows:
        """Rows of (agent, task type, sums…) of this window or of another one."""
        if window is not None:
            return self._each((window,), columns)[0]
        return self._each(self._windows, columns)[0]

    def sums_before(self) -> Rows:
        """The same of the window before, read together with it; of all time there is none."""
        return self._each(self._windows, TASK_SUMS)[1] if len(self._windows) > 1 else []

    def _each(self, windows: Sequence[Window], columns: Sequence[str]) -> list[Rows]:
        found = self._buckets.sums_each("agent_buckets", windows, _BY, columns)
        if not self.by_execution:
            return found
        where, args = self._which()
        executions = self._buckets.sums_each("tool_buckets", windows, _BY, _columns(columns), where, *args)
        return [
            [*(row for row in runs if row[0] not in self.by_execution), *executed]
            for runs, executed in zip(found, executions, strict=True)
        ]

    def ungraded_errors(self) -> dict[tuple[str, str], tuple[tuple[str, int], ...]]:
        """Per agent and task type, the errors that runs ended in of which nobody said whether they succeeded."""
        graded = all(n == ok + failed for agent, _, n, ok, failed, *_ in self.sums() if agent not in self.by_execution)
        found = {} if graded else ungraded_errors(self._buckets, self.window)
        return {pair: errors for pair, errors in found.items() if pair[0] not in self.by_execution}

    def slots(
        self, window: Window, step_ms: int, columns: Sequence[str], agent: str | None = None,
        task_type: str | None = None,
    ) -> Rows:  # fmt: skip
        """Rows of (slot start, agent, sums…), of all agents and task types or of one."""
        where, args = _on(agent=agent, task_type=task_type)
        rows = self._buckets.slots("agent_buckets", window, step_ms, ("agent",), columns, where, *args)
        if self.by_execution.isdisjoint(self.by_execution if agent is None else (agent,)):
            return rows
        where, args = self._which(task_type)
        executions = self._buckets.slots("tool_buckets", window, step_ms, ("agent",), _columns(columns), where, *args)
        rows = [row for row in rows if row[1] not in self.by_execution]
        return rows + [row for row in executions if agent in (None, row[1])]

    def slots_of_all(self, window: Window, step_ms: int, columns: Sequence[str]) -> dict[int, tuple[int, ...]]:
        """The sums of each slot, of all agents together."""
        found: dict[int, tuple[int, ...]] = {}
        for slot, _, *sums in self.slots(window, step_ms, columns):
            have = found.get(slot)
            found[slot] = tuple(sums) if have is None else tuple(map(add, have, sums))
        return found

    def durations_by_agent(self, task_type: str | None = None) -> dict[str, Counts]:
        """How the durations of each agent's tasks are distributed, of all task types or of one."""
        where, args = _on(task_type=task_type)
        found = self._buckets.distributions("agent_buckets", self.window, "agent", "duration_bins", where, *args)
        if not self.by_execution:
            return found
        where, args = self._which(task_type)
        return {
            **{agent: counts for agent, counts in found.items() if agent not in self.by_execution},
            **self._buckets.distributions("tool_buckets", self.window, "agent", "duration_bins", where, *args),
        }

    def durations_by_type(self, agent: str) -> dict[str, Counts]:
        """How the durations of one agent's tasks are distributed, by task type."""
        table = "tool_buckets" if agent in self.by_execution else "agent_buckets"
        return self._buckets.distributions(table, self.window, "task_type", "duration_bins", "agent = ?", agent)

    def tools(self, agents: Iterable[str]) -> list[str]:
        """The tools that some agents executed in the window, of those whose tasks executions are."""
        asked = sorted(self.by_execution & set(agents))
        if not asked:
            return []
        where = f"agent IN ({', '.join('?' * len(asked))})"
        return sorted(
            row[0] for row in self._buckets.sums("tool_buckets", self.window, ("tool",), ("calls",), where, *asked)
        )

    def _which(self, task_type: str | None = None) -> tuple[str, tuple[str, ...]]:
        """The condition for executions that are tasks."""
        names = sorted(self.by_execution)
        where, args = _on(task_type=task_type)
        mine = f"agent IN ({', '.join('?' * len(names))})"
        return (f"{mine} AND {where}" if where else mine), (*names, *args)


def _columns(columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(_OF_EXECUTIONS.get(column, "0") for column in columns)


def _on(**keys: str | None) -> tuple[str, tuple[str, ...]]:
    """The condition that some keys have a value; those of None have any."""
    asked = {key: value for key, value in keys.items() if value is not None}
    return " AND ".join(f"{key} = ?" for key in asked), tuple(asked.values())
