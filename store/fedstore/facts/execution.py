"""Executions of tools by agents."""

from __future__ import annotations

from fedstore.bins import duration_bins
from fedstore.facts.kind import BIT, Kept, Kind, Sums, micros
from fedstore.facts.replacing import outranks, write_or_replace
from fedstore.facts.summary import NOTHING, Summary, duration_part
from fedstore.facts.table import Table
from fedstore.facts.usage import SPEND
from fedstore.ids import new_id
from fedstore.widths import HOUR_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from fedstore.engine.protocol import Row
    from fedstore.facts.kind import Fields, Stamp, Writing
    from fedstore.facts.summary import Deltas

__all__ = ["EXECUTION"]

_CALLS = Table(
    "tool_calls",
    "id", "run_id", "task_id", "agent", "tool", "task_type", "project", "ended_ms", "duration_us?", "success?",
    "cost_nano?", "tokens?", "effort", "browser_used", "error_class", "source", "recorded_ms",
)  # fmt: skip
_TOOLS = Summary(
    "tool_buckets",
    keys=("tool", "agent", "task_type"),
    sums=(
        "calls", "ok", "failed", "duration_n", "duration_us", "priced", "cost_nano", "tokens", "effort_low",
        "effort_medium", "effort_high", "browser",
    ),
    bins=("duration_bins",),
    topics={"tool": "tool", "agent": "agent", "task_type": "task_type"},
)  # fmt: skip
"""The task type is that of an execution in no run, which is a task of its own; what is in a run has the run's."""
_EFFORTS = ("LOW", "MEDIUM", "HIGH")
_SUMS = Sums(
    _TOOLS, "tool_calls", "ended_ms",
    {
        "calls": "COUNT(*)", "ok": "SUM(CASE WHEN success = 1 THEN 1 ELSE 0 END)",
        "failed": "SUM(CASE WHEN success = 0 THEN 1 ELSE 0 END)",
        "duration_n": "COUNT(duration_us)", "duration_us": "SUM(duration_us)",
        "priced": "COUNT(cost_nano)", "cost_nano": "SUM(cost_nano)", "tokens": "SUM(tokens)",
        **{f"effort_{level.lower()}": f"SUM(CASE WHEN effort = '{level}' THEN 1 ELSE 0 END)" for level in _EFFORTS},
        "browser": "SUM(browser_used)",
    },
    bins={"duration_bins": ("duration_us", duration_bins)},
)  # fmt: skip
_SPENT = Sums(
    SPEND, "tool_calls", "ended_ms",
    {
        "calls": "COUNT(*)", "errors": "SUM(CASE WHEN success = 0 OR error_class <> '' THEN 1 ELSE 0 END)",
        "input_tokens": "SUM(tokens)", "reported_nano": "SUM(cost_nano)",
        "unpriced_calls": "SUM(CASE WHEN cost_nano IS NULL THEN 1 ELSE 0 END)",
        "unpriced_tokens": "SUM(CASE WHEN cost_nano IS NULL THEN tokens ELSE 0 END)",
    },
    where="(cost_nano IS NOT NULL OR tokens > 0)",
)  # fmt: skip


_EFFORT_PARTS = {level: tuple(int(level == other) for other in _EFFORTS) for level in ("", *_EFFORTS)}


def _face() -> type[BaseModel]:
    from fedstore.facts.events import Execution

    return Execution


def _row(d: Fields, at: int, stamp: Stamp) -> Row:
    return (
        d["id"] or stamp.made_id or new_id(at), d["run_id"], d["task_id"], d["agent"], d["tool"], d["task_type"],
        d["project"], at, micros(d["duration_ms"]), BIT[d["success"]], d["cost_usd"], d["tokens"],
        d["effort"], BIT[d["browser_used"]], d["error_class"], d["source"] or stamp.source, stamp.recorded_ms,
    )  # fmt: skip


def _add(deltas: Deltas, row: Row) -> None:
    """To the tools; and to the spend of its agent where it told of a cost, be that nothing, or of tokens."""
    agent, tool, task_type, project, ended, duration, success, cost, tokens, effort, browser, error = row[3:15]
    ok, failed, priced = 1 if success == 1 else 0, 1 if success == 0 else 0, 0 if cost is None else 1
    known, total, bins = duration_part(duration)
    told = (1, ok, failed, known, total, priced, cost or 0, tokens or 0, *_EFFORT_PARTS[effort], browser, bins)
    deltas.add(_TOOLS, ended, (tool, agent, "" if row[1] else task_type), told)
    if priced or tokens:
        spent = tokens or 0
        deltas.add(
            SPEND,
            ended,
            (agent, "", project, task_type, f"tool {tool}"),
            (1, 1 if failed or error else 0, spent, 0, 0, 0, 0, 0, 0, 0, cost or 0, 0,
             *(NOTHING if priced else (1, spent)), 0, 0),
        )  # fmt: skip


_FULLER = outranks(
    _CALLS,
    ("duration_us", "ended_ms", "cost_nano", "tokens"),
    ("source", "agent", "project", "run_id", "tool", "task_type", "error_class"),
)
_SUCCESS = _CALLS.columns.index("success")


def _stands(row: Row, other: Row) -> bool:
    """Of two copies of an execution the one that knows how it ended; of two that do, the failed one."""
    known, former = (-1 if of[_SUCCESS] is None else 1 - of[_SUCCESS] for of in (row, other))
    return known > former or (known == former and _FULLER(row, other))


def _write(writing: Writing, rows: list[Row], named: Sequence[str]) -> int:
    return write_or_replace(writing, _CALLS, rows, named, _add, _stands)


EXECUTION = Kind(
    "execution",
    face=_face,
    table=_CALLS,
    row=_row,
    write=_write,
    add=_add,
    summaries=(_TOOLS,),
    sums=(_SUMS, _SPENT),
    kept=Kept("retention_executions_hours", HOUR_MS),
)
