"""Newest facts, newest first; always of known names, within a time, with a limit: one index range each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.queries.models import ActiveRun, DecisionRow, RunRow, ToolCallRow

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from fedstore.engine.protocol import Reads, Row
    from fedstore.queries.models import FactKind
    from fedstore.queries.tasks import Tasks
    from fedstore.window import Window

__all__ = [
    "active_runs",
    "error_classes",
    "ids_beginning",
    "last_recorded_run",
    "last_runs",
    "millis",
    "newest_decisions",
    "newest_runs",
    "newest_tasks",
    "newest_tool_calls",
    "run_by_id",
]

_RUN = (
    "id, agent, task_type, project, ended_ms, duration_us, success, rework, quality, error_class, source, mode,"
    " confidence, qa, notes"
)
_TOOL_CALL = (
    "id, agent, tool, ended_ms, duration_us, success, cost_nano, error_class, run_id, effort, browser_used, task_id,"
    " tokens"
)
_TASK = "id, agent, task_type, project, ended_ms, duration_us, success, error_class, source, tool, effort, browser_used"
_DECISION = "id, at_ms, agent, layer, confidence, latency_us, correct, task_id, description"
ERROR_SAMPLE = 500
"""Errors are counted over so many of the newest facts."""
_ACTIVE_LIMIT = 500
_LAST = "\U0010ffff"
"""The character that sorts after all others."""


def _newest(
    source: Reads, table: str, columns: str, key: str, time: str, names: Iterable[str], window: Window, limit: int,
    where: str = "", *args: str,
) -> list[Row]:  # fmt: skip
    """Rows of all names, merged by time; each name costs one index range of at most `limit` rows.

    With a condition `where` the range may be longer.
    """
    asked = tuple(names)
    if not asked:
        return []
    return source.read(
        f"WITH names(name) AS (VALUES {_list(asked)})"
        f" SELECT {columns} FROM names CROSS JOIN {table} WHERE seq IN (SELECT seq FROM {table} AS f"
        f" WHERE f.{key} = names.name AND {time} >= ? AND {time} < ?{where and f' AND {where}'}"
        f" ORDER BY {time} DESC LIMIT ?)"
        f" ORDER BY {time} DESC, id DESC LIMIT ?",
        (*asked, window.start_ms, window.end_ms, *args, limit, limit),
    )


def _list(names: Sequence[str]) -> str:
    return ", ".join(["(?)"] * len(names))


def _truth(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def millis(microseconds: int | None) -> float | None:
    """A duration as it is shown; it is kept in microseconds."""
    return None if microseconds is None else microseconds / 1000


def _run_row(row: Row) -> RunRow:
    values = list(row)
    values[5] = millis(row[5])
    values[6:8] = map(_truth, row[6:8])
    return RunRow(*values)


def newest_runs(source: Reads, agents: Iterable[str], window: Window, limit: int) -> tuple[RunRow, ...]:
    """The newest runs of some agents."""
    rows = _newest(source, "runs", _RUN, "agent", "ended_ms", agents, window, limit)
    return tuple(_run_row(row) for row in rows)


def last_runs(source: Reads, agents: Iterable[str], before_ms: int) -> dict[str, int]:
    """When the last run of each of some agents ended, in epoch milliseconds, of those that ended before a moment."""
    asked = tuple(agents)
    if not asked:
        return {}
    rows = source.read(
        f"WITH names(name) AS (VALUES {_list(asked)})"
        " SELECT name, (SELECT MAX(ended_ms) FROM runs WHERE agent = names.name AND ended_ms < ?) FROM names",
        (*asked, before_ms),
    )
    return {name: ended for name, ended in rows if ended is not None}


def newest_tasks(source: Reads, tasks: Tasks, agents: Collection[str], limit: int) -> tuple[RunRow, ...]:
    """The newest tasks of some agents in the window: runs, and executions of those whose tasks these are."""
    mine = sorted(tasks.by_execution.intersection(agents))
    runs = newest_runs(source, [agent for agent in agents if agent not in tasks.by_execution], tasks.window, limit)
    if not mine:
        return runs
    which = f"f.agent IN ({', '.join('?' * len(mine))})"
    rows = _newest(
        source, "tool_calls", _TASK, "tool", "ended_ms", tasks.tools(mine), tasks.window, limit, which, *mine
    )
    both = [*runs, *map(_task_row, rows)]
    return tuple(sorted(both, key=lambda row: (row.ended_ms, row.id), reverse=True)[:limit])


def _task_row(row: Row) -> RunRow:
    """A task from the columns of an execution."""
    name, agent, kind, project, ended, duration, success, error, source, tool, effort, browser = row
    return RunRow(
        name, agent, kind, project, ended, duration, _truth(success), None, None, error, source, tool=tool,
        effort=effort, browser_used=bool(browser),
    )  # fmt: skip


def run_by_id(source: Reads, run_id: str) -> RunRow | None:
    """One finished run, or an execution."""
    rows = source.read(f"SELECT {_RUN} FROM runs WHERE id = ?", (run_id,))
    if rows:
        return _run_row(rows[0])
    rows = source.read(f"SELECT {_TASK} FROM tool_calls WHERE id = ?", (run_id,))
    return _task_row(rows[0]) if rows else None


def ids_beginning(source: Reads, kind: FactKind, beginning: str, limit: int) -> tuple[str, ...]:
    """The first ids of runs or routes that begin like this, in their order; one that is the whole of it comes first.

    Where no run begins so, those of executions.
    """
    for table in ("runs", "tool_calls") if kind == "run" else (f"{kind}s",):
        rows = source.read(
            f"SELECT id FROM {table} WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
            (beginning, beginning + _LAST, limit),
        )
        if rows:
            return tuple(str(name) for (name,) in rows)
    return ()


def last_recorded_run(source: Reads) -> str | None:
    """The id of the run that was recorded last."""
    rows = source.read("SELECT id FROM runs ORDER BY seq DESC LIMIT 1", ())
    return str(rows[0][0]) if rows else None


def newest_tool_calls(source: Reads, tools: Iterable[str], window: Window, limit: int) -> tuple[ToolCallRow, ...]:
    """The newest executions of some tools."""
    rows = _newest(source, "tool_calls", _TOOL_CALL, "tool", "ended_ms", tools, window, limit)
    return tuple(_tool_call_row(row) for row in rows)


def _tool_call_row(row: Row) -> ToolCallRow:
    values = list(row)
    values[4:6] = millis(row[4]), _truth(row[5])
    values[10] = bool(row[10])
    return ToolCallRow(*values)


def newest_decisions(source: Reads, layers: Iterable[str], window: Window, limit: int) -> tuple[DecisionRow, ...]:
    """The newest decisions that some layers took."""
    rows = _newest(source, "routes", _DECISION, "layer", "at_ms", layers, window, limit)
    return tuple(decision_row(row) for row in rows)


def decision_row(row: Row) -> DecisionRow:
    """A DecisionRow from the columns id, at_ms, agent, layer, confidence, latency_us, correct, task_id, description."""
    at, agent, layer, confidence = row[1:5]
    return DecisionRow(row[0], at, agent, layer, confidence, millis(row[5]), _truth(row[6]), row[7], row[8])


DECISION_COLUMNS = _DECISION


def error_classes(rows: Iterable[RunRow | ToolCallRow]) -> tuple[tuple[str, int], ...]:
    """How often each class of error occurs in some rows, most frequent first."""
    counts: dict[str, int] = {}
    for row in rows:
        if row.error_class:
            counts[row.error_class] = counts.get(row.error_class, 0) + 1
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def active_runs(source: Reads) -> tuple[ActiveRun, ...]:
    """What has not ended, oldest first."""
    rows = source.read(
        "SELECT id, agent, task_type, state, reason, started_ms, seen_ms FROM active_runs"
        " ORDER BY started_ms, id LIMIT ?",
        (_ACTIVE_LIMIT,),
    )
    return tuple(ActiveRun(*row) for row in rows)
