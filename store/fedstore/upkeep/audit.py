"""Whether the summaries are what the facts add up to: the second opinion that ``fedtop doctor`` gives.

Minutes are held against the facts, wider buckets against the narrower ones that they contain; each only over the time
for which both are whole, since facts, minutes and hours are purged at different times.
"""

from __future__ import annotations

from fedstore.ids import FUTURE_SLACK_MS
from fedstore.schema.summaries import MARKS, MINUTE_MS, SPECS, WIDTHS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fedstore.engine.protocol import Engine

__all__ = ["disagreements", "whole_since"]


def _count(condition: str) -> str:
    return f"SUM(CASE WHEN {condition} THEN 1 ELSE 0 END)"


_OK = "success = 1 AND COALESCE(rework, 0) <> 1"
_SPENT = "SUM(CASE WHEN cost_basis = '{}' THEN cost_nano ELSE 0 END)"
_SUMS = {
    "agent_buckets": (
        "FROM runs WHERE ended_ms >= ?",
        {
            "runs": "COUNT(*)", "ok": _count(_OK), "failed": _count(f"success IS NOT NULL AND NOT ({_OK})"),
            "reworked": _count("rework = 1"), "duration_ms": "SUM(duration_ms)",
        },
    ),
    "tool_buckets": (
        "FROM tool_calls WHERE ended_ms >= ?",
        {
            "calls": "COUNT(*)", "ok": _count("success = 1"), "failed": _count("success = 0"),
            "duration_ms": "SUM(duration_ms)", "cost_nano": "SUM(cost_nano)", "tokens": "SUM(tokens)",
        },
    ),
    "route_buckets": (
        "FROM routes WHERE at_ms >= ?",
        {
            "routes": "COUNT(*)", "graded": _count("correct IS NOT NULL"), "correct": _count("correct = 1"),
            "latency_us": "SUM(latency_us)",
        },
    ),
    "layer_buckets": (
        "FROM route_attempts JOIN routes ON routes.id = route_attempts.route_id WHERE shadow = 0 AND at_ms >= ?",
        {"attempts": "COUNT(*)", "accepted": "SUM(accepted)"},
    ),
}  # fmt: skip
"""What the rows of a summary table add up to, as the facts have it; money and tokens come from two tables."""
_CALLS = {
    "calls": "COUNT(*)", "input_tokens": "SUM(input_tokens)", "output_tokens": "SUM(output_tokens)",
    "reported_nano": _SPENT.format("reported"), "computed_nano": _SPENT.format("computed"),
}  # fmt: skip
_TOOLS = {"calls": "COUNT(*)", "input_tokens": "SUM(tokens)", "reported_nano": "SUM(cost_nano)"}


def whole_since(database: Engine) -> int:
    """Since when all facts and all minutes are still there, in UTC epoch milliseconds; 0 for always."""
    marks: dict[str, int] = dict(database.read("SELECT name, at_ms FROM marks"))
    # A purged fact lies, at the most, as far after the time of its recording as clocks may differ.
    facts = marks["facts_purged"] + FUTURE_SLACK_MS + MINUTE_MS if "facts_purged" in marks else 0
    since = max(facts, marks.get("minutes_from", 0))
    return since - since % MINUTE_MS


def disagreements(database: Engine) -> list[str]:
    """What does not agree, one phrase each. Raises StoreError."""
    with database.snapshot():
        return [*_minutes(database, whole_since(database)), *_wider(database)]


def _minutes(database: Engine, since: int) -> Iterator[str]:
    for table, said in _by_the_facts(database, since).items():
        found = _sums(database, table, list(said), MINUTE_MS, since, None)
        yield from _differences(table, found, said)


def _by_the_facts(database: Engine, since: int) -> dict[str, dict[str, int]]:
    said = {table: _read(database, columns, source, since) for table, (source, columns) in _SUMS.items()}
    spent = _read(database, _CALLS, "FROM llm_calls WHERE ended_ms >= ?", since)
    tools = "FROM tool_calls WHERE ended_ms >= ? AND (cost_nano > 0 OR tokens > 0)"
    for column, value in _read(database, _TOOLS, tools, since).items():
        spent[column] += value
    return said | {"spend_buckets": spent}


def _read(database: Engine, columns: Mapping[str, str], source: str, since: int) -> dict[str, int]:
    sums = ", ".join(f"CAST({term} AS BIGINT)" for term in columns.values())
    (row,) = database.read(f"SELECT {sums} {source}", (since,))
    return {column: value or 0 for column, value in zip(columns, row, strict=True)}


def _wider(database: Engine) -> Iterator[str]:
    marks: dict[str, int] = dict(database.read("SELECT name, at_ms FROM marks"))
    minutes, hours = marks.get("minutes_from", 0), max(marks.get("minutes_from", 0), marks.get("hours_from", 0))
    since_of = dict(zip(MARKS, (minutes, hours, marks.get("hours_from", 0)), strict=True))
    for (name, width), narrow in zip(MARKS.items(), WIDTHS, strict=False):
        for table, spec in SPECS.items():
            wide, said = (
                _sums(database, table, list(spec.sums), each, since_of[name], marks[name]) for each in (width, narrow)
            )
            yield from _differences(f"{table} by the {name}", wide, said)


def _sums(
    database: Engine, table: str, columns: list[str], width: int, since: int, until: int | None
) -> dict[str, int]:
    sums = ", ".join(f"CAST(SUM({column}) AS BIGINT)" for column in columns)
    end, values = (" AND start < ?", (until,)) if until is not None else ("", ())
    (row,) = database.read(f"SELECT {sums} FROM {table} WHERE width = ? AND start >= ?{end}", (width, since, *values))
    return {column: value or 0 for column, value in zip(columns, row, strict=True)}


def _differences(table: str, found: Mapping[str, int], said: Mapping[str, int]) -> Iterator[str]:
    for column, value in said.items():
        if found[column] != value:
            yield f"{table}: {column} is {found[column]:,} and should be {value:,}"
