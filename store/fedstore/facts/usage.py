"""Usage: calls of language models, their tokens and what they cost."""

from __future__ import annotations

from fedstore.errors import EventError
from fedstore.facts.kind import BIT, Kept, Kind, Sums, micros
from fedstore.facts.pricing import AT_LEAST, COMPUTED, REPORTED, price
from fedstore.facts.replacing import outranks, write_or_replace
from fedstore.facts.summary import NOTHING, Summary
from fedstore.facts.table import Table
from fedstore.ids import new_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from fedstore.engine.protocol import Row
    from fedstore.facts.kind import Fields, Stamp, Writing
    from fedstore.facts.summary import Deltas

__all__ = ["SPEND", "USAGE"]

_CALLS = Table(
    "llm_calls",
    "id", "run_id", "agent", "model", "provider", "operation", "task_type", "project", "ended_ms", "duration_us?",
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
    "output_is_minimum", "cost_nano?", "cost_basis", "price_version", "error_class", "source", "recorded_ms",
    "cache_write_1h_tokens", "service_tier", "response_id", aliases=("response_id",),
)  # fmt: skip
SPEND = Summary(
    "spend_buckets",
    keys=("agent", "model", "project", "task_type", "operation"),
    sums=(
        "calls", "errors", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens",
        "reasoning_tokens", "minimum_calls", "duration_n", "duration_us", "reported_nano", "computed_nano",
        "unpriced_calls", "unpriced_tokens", "cache_write_1h_tokens", "at_least_calls",
    ),
    topics={"agent": "agent", "spend": ""},
)  # fmt: skip
"""Tokens and money, of tools too (see `execution`). What is not reported is computed, be it exact or a lower bound."""
_REPORTED, _UNPRICED = f"cost_basis = '{REPORTED}'", "cost_nano IS NULL"
_AT_LEAST = f"cost_basis = '{AT_LEAST}' OR (cost_basis = '{COMPUTED}' AND output_is_minimum = 1)"
_SUMS = Sums(
    SPEND, "llm_calls", "ended_ms",
    {
        "calls": "COUNT(*)", "errors": "SUM(CASE WHEN error_class <> '' THEN 1 ELSE 0 END)",
        **{f"{what}_tokens": f"SUM({what}_tokens)"
           for what in ("input", "cache_read", "cache_write", "output", "reasoning", "cache_write_1h")},
        "minimum_calls": "SUM(output_is_minimum)", "duration_n": "COUNT(duration_us)",
        "duration_us": "SUM(duration_us)",
        "reported_nano": f"SUM(CASE WHEN {_REPORTED} THEN cost_nano ELSE 0 END)",
        "computed_nano": f"SUM(CASE WHEN {_REPORTED} THEN 0 ELSE cost_nano END)",
        "unpriced_calls": f"SUM(CASE WHEN {_UNPRICED} THEN 1 ELSE 0 END)",
        "unpriced_tokens": f"SUM(CASE WHEN {_UNPRICED} THEN input_tokens + output_tokens ELSE 0 END)",
        "at_least_calls": f"SUM(CASE WHEN {_AT_LEAST} THEN 1 ELSE 0 END)",
    },
)  # fmt: skip


def _face() -> type[BaseModel]:
    from fedstore.facts.events import Usage

    return Usage


def _check(d: Fields) -> None:
    if not (d["cache_read_tokens"] or d["cache_write_tokens"] or d["cache_write_1h_tokens"] or d["reasoning_tokens"]):
        return
    if d["reasoning_tokens"] > d["output_tokens"]:
        raise EventError("output_tokens must include reasoning_tokens")
    if d["cache_write_1h_tokens"] > d["cache_write_tokens"]:
        raise EventError("cache_write_1h_tokens is a part of cache_write_tokens and cannot exceed it")
    if d["cache_read_tokens"] + d["cache_write_tokens"] > d["input_tokens"]:
        raise EventError("input_tokens must include cache_read_tokens and cache_write_tokens")


def _row(d: Fields, at: int, stamp: Stamp) -> Row:
    """With the cost as reported, or as the pricing computes it."""
    cost, basis, version = d["cost_usd"], REPORTED, ""
    if cost is None:
        cost, basis, version = price(d, stamp.recorded_ms)
    return (
        d["id"] or stamp.made_id or new_id(at), d["run_id"], d["agent"], d["model"], d["provider"], d["operation"],
        d["task_type"], d["project"], at, micros(d["duration_ms"]), d["input_tokens"],
        d["cache_read_tokens"], d["cache_write_tokens"], d["output_tokens"], d["reasoning_tokens"],
        BIT[d["output_is_minimum"]], cost, basis, version, d["error_class"], d["source"] or stamp.source,
        stamp.recorded_ms, d["cache_write_1h_tokens"], d["service_tier"], d["response_id"],
    )  # fmt: skip


def _add(deltas: Deltas, row: Row) -> None:
    agent, model, operation, task_type, project, ended, duration = row[2], row[3], *row[5:10]
    tokens, minimum, cost, basis, error = row[10:15], row[15], row[16], row[17], row[19]
    deltas.add(
        SPEND,
        ended,
        (agent, model, project, task_type, operation),
        (
            1, 1 if error else 0, *tokens, minimum, 0 if duration is None else 1, duration or 0,
            cost if basis == REPORTED else 0, 0 if basis == REPORTED else cost or 0,
            *(NOTHING if cost is not None else (1, tokens[0] + tokens[3])), row[22],
            1 if basis == AT_LEAST or (minimum and basis == COMPUTED) else 0,
        ),
    )  # fmt: skip


_MORE = outranks(
    _CALLS,
    ("output_tokens", "input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens",
     "reasoning_tokens"),
)  # fmt: skip
_LATER = outranks(
    _CALLS,
    ("ended_ms", "duration_us"),
    ("source", "agent", "project", "run_id", "model", "provider", "operation", "task_type", "error_class",
     "service_tier", "cost_basis", "id"),
)  # fmt: skip
_MINIMUM, _BASIS = _CALLS.columns.index("output_is_minimum"), _CALLS.columns.index("cost_basis")


def _stands(row: Row, other: Row) -> bool:
    """Of two copies of a call the one with more tokens; of equals one seen to end, or told its cost, or later."""
    if _MORE(row, other) or _MORE(other, row):
        return _MORE(row, other)
    told, untold = ((of[_MINIMUM], of[_BASIS] != REPORTED) for of in (row, other))
    return told < untold or (told == untold and _LATER(row, other))


def _write(writing: Writing, rows: list[Row], named: Sequence[str]) -> int:
    return write_or_replace(writing, _CALLS, rows, named, _add, _stands)


USAGE = Kind(
    "usage",
    face=_face,
    table=_CALLS,
    row=_row,
    check=_check,
    write=_write,
    add=_add,
    summaries=(SPEND,),
    sums=(_SUMS,),
    kept=Kept("retention_llm_days"),
)
