"""The statements that insert facts, each without the columns that none of its rows fills.

The driver asks every adapter about a None before it binds one, which costs as much as ten numbers; a column that is
left out is NULL all the same. A fact that is already there changes nothing (``ON CONFLICT DO NOTHING``).
"""

from __future__ import annotations

from operator import itemgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fedstore.engine.protocol import Row, Tx

__all__ = ["FACT_COLUMNS", "NULLABLE", "insert_facts"]

FACT_COLUMNS = {
    "runs": (
        "id", "agent", "task_type", "project", "mode", "started_ms", "ended_ms", "duration_ms", "success", "rework",
        "quality", "confidence", "qa", "error_class", "notes", "source", "recorded_ms",
    ),
    "llm_calls": (
        "id", "run_id", "agent", "model", "provider", "operation", "task_type", "project", "ended_ms", "duration_ms",
        "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
        "output_is_minimum", "cost_nano", "cost_basis", "price_version", "error_class", "source", "recorded_ms",
    ),
    "tool_calls": (
        "id", "run_id", "task_id", "agent", "tool", "task_type", "project", "ended_ms", "duration_ms", "success",
        "cost_nano", "tokens", "effort", "browser_used", "error_class", "source", "recorded_ms",
    ),
    "routes": (
        "id", "task_id", "description", "agent", "layer", "confidence", "at_ms", "latency_us", "correct",
        "correct_agent", "completed", "quality", "completion_ms", "source", "recorded_ms", "trail",
    ),
    "route_attempts": (
        "route_id", "position", "layer", "agent", "confidence", "threshold", "accepted", "shadow", "shadow_rate",
        "error_class", "latency_us",
    ),
    "verdicts": (
        "subject_kind", "subject_id", "id", "at_ms", "success", "rework", "quality", "qa", "correct", "correct_agent",
        "completed", "completion_ms", "source", "recorded_ms",
    ),
}  # fmt: skip
"""The columns of the tables of facts, in the order of the rows that ``writes`` makes."""

NULLABLE = frozenset((
    "started_ms", "duration_ms", "success", "rework", "quality", "confidence", "qa", "notes", "cost_nano", "tokens",
    "description", "latency_us", "correct", "correct_agent", "completed", "completion_ms", "threshold", "shadow_rate",
))  # fmt: skip
"""The columns that a fact may leave empty."""
_NULLABLE = {
    table: tuple(at for at, column in enumerate(columns) if column in NULLABLE)
    for table, columns in FACT_COLUMNS.items()
}
_statements: dict[tuple[str, tuple[int, ...]], tuple[str, Callable[[Row], Row] | None]] = {}


def insert_facts(tx: Tx, table: str, rows: Sequence[Row]) -> int:
    """Insert rows into a table of facts; how many were not there yet."""
    if not rows:
        return 0
    first = rows[0]
    empty = tuple([at for at in _NULLABLE[table] if first[at] is None])
    if empty and len(rows) > 1:
        empty = tuple([at for at in empty if all(row[at] is None for row in rows)])
    sql, pick = _statements.get((table, empty)) or _statement(table, empty)
    return tx.executemany(sql, rows if pick is None else map(pick, rows))


def _statement(table: str, empty: tuple[int, ...]) -> tuple[str, Callable[[Row], Row] | None]:
    columns = FACT_COLUMNS[table]
    kept = [at for at in range(len(columns)) if at not in empty]
    sql = (
        f"INSERT INTO {table} ({', '.join(columns[at] for at in kept)})"
        f" VALUES ({', '.join('?' * len(kept))}) ON CONFLICT DO NOTHING"
    )
    _statements[table, empty] = found = sql, itemgetter(*kept) if empty else None
    return found
