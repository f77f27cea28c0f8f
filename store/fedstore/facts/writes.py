"""The row each event becomes, and the statements that write what is not a fact for good: states, jobs, refusals.

Rows are plain tuples in the order of ``inserting.FACT_COLUMNS``; that of a route is still without its trail.
"""

from __future__ import annotations

from fedstore.facts.pricing import REPORTED, price
from fedstore.ids import new_id, stable_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from fedstore.facts.events import Fields

    Row: TypeAlias = tuple[Any, ...]

__all__ = [
    "INSERTS", "LOSS_INSERT", "REJECT_INSERT", "Stamp", "consistent", "execution_row", "job_row",
    "proposal_right", "route_rows", "run_row", "state_row", "usage_row", "verdict_row",
]  # fmt: skip


class Stamp:
    """What every fact of one transaction shares.

    ``made_id`` is for the one fact of a transaction whose id was made in advance, so that it could be told: unlike an
    id that came from outside, nothing can have been said under it before.
    """

    __slots__ = ("keep_content", "made_id", "recorded_ms", "source")

    def __init__(self, recorded_ms: int, source: str, keep_content: bool, made_id: str | None = None) -> None:
        self.recorded_ms = recorded_ms
        self.source = source
        self.keep_content = keep_content
        self.made_id = made_id


def _insert(table: str, columns: str) -> str:
    marks = ", ".join("?" for _ in columns.split(","))
    return f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"


_STATE_ORDER = ("seen_ms", "state", "reason", "agent", "task_type", "project")
_NEWER_STATE = (
    f"({', '.join(f'excluded.{c}' for c in _STATE_ORDER)}) > ({', '.join(f'active_runs.{c}' for c in _STATE_ORDER)})"
)


def _if_newer(column: str) -> str:
    return f"{column} = CASE WHEN {_NEWER_STATE} THEN excluded.{column} ELSE active_runs.{column} END"


INSERTS = {
    # What is happening now: the newest word about a run stands (ties in a fixed order, so that the order of arrival
    # does not matter), and an ended run is not happening.
    "active_runs": (
        "INSERT INTO active_runs (id, agent, task_type, project, state, reason, started_ms, seen_ms)"
        " SELECT given.* FROM (SELECT ? AS id, ?, ?, ?, ?, ?, ?, ?) AS given"
        " WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = given.id)"
        " ON CONFLICT (id) DO UPDATE SET"
        f" {', '.join(_if_newer(c) for c in ('agent', 'task_type', 'project', 'state', 'reason', 'seen_ms'))},"
        " started_ms = CASE WHEN excluded.started_ms < active_runs.started_ms"
        " THEN excluded.started_ms ELSE active_runs.started_ms END"
        f" WHERE {_NEWER_STATE} OR excluded.started_ms < active_runs.started_ms"
    ),
    "jobs": (
        "INSERT INTO jobs (id, name, project, state, state_rank, at_ms, error_class, source, recorded_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, project = excluded.project, state = excluded.state,"
        " state_rank = excluded.state_rank, at_ms = excluded.at_ms, error_class = excluded.error_class,"
        " source = excluded.source, recorded_ms = excluded.recorded_ms"
        " WHERE (excluded.at_ms, excluded.state_rank, excluded.name, excluded.project, excluded.error_class)"
        " > (jobs.at_ms, jobs.state_rank, jobs.name, jobs.project, jobs.error_class)"
    ),
}
REJECT_INSERT = _insert("rejects", "source, line, byte_offset, reason, digest, text, recorded_ms")
LOSS_INSERT = _insert("losses", "count, reason, first_ms, recorded_ms")
JOB_RANK = {"queued": 0, "running": 1, "completed": 2, "failed": 3, "cancelled": 4}


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


_BIT = {None: None, False: 0, True: 1}
"""Binding an int costs a tenth of binding a bool, which the driver asks every adapter about."""


def run_row(d: Fields, at: int, stamp: Stamp) -> Row:
    """The row of ``runs``."""
    duration, started = d["duration_ms"], d["started_at"]
    if duration is not None:
        duration = round(duration)
    elif started is not None:
        duration = max(0, at - started)
    if started is None and duration is not None:
        started = at - duration
    return (
        d["id"] or stamp.made_id or new_id(at), d["agent"], d["task_type"], d["project"], d["mode"], started, at,
        duration, _BIT[d["success"]], _BIT[d["rework"]], d["quality"], d["confidence"], d["qa"], d["error_class"],
        d["notes"], d["source"] or stamp.source, stamp.recorded_ms,
    )  # fmt: skip


def state_row(d: Fields, at: int, _: Stamp) -> Row:
    """The row of ``active_runs``."""
    return (
        d["id"], d["agent"], d["task_type"], d["project"], d["state"], d["reason"], d["started_at"] or at, at,
    )  # fmt: skip


def usage_row(d: Fields, at: int, stamp: Stamp) -> Row:
    """The row of ``llm_calls``, with the cost as reported or as the pricing computes it."""
    cost, basis, version = d["cost_usd"], REPORTED, ""
    if cost is None:
        cost, basis, version = price(d, stamp.recorded_ms)
    duration = d["duration_ms"]
    return (
        d["id"] or stamp.made_id or new_id(at), d["run_id"], d["agent"], d["model"], d["provider"], d["operation"],
        d["task_type"], d["project"], at, None if duration is None else round(duration), d["input_tokens"],
        d["cache_read_tokens"],
        d["cache_write_tokens"], d["output_tokens"], d["reasoning_tokens"], _BIT[d["output_is_minimum"]], cost,
        basis, version, d["error_class"], d["source"] or stamp.source, stamp.recorded_ms,
    )  # fmt: skip


def execution_row(d: Fields, at: int, stamp: Stamp) -> Row:
    """The row of ``tool_calls``."""
    duration = d["duration_ms"]
    return (
        d["id"] or stamp.made_id or new_id(at), d["run_id"], d["task_id"], d["agent"], d["tool"], d["task_type"],
        d["project"], at,
        None if duration is None else round(duration), _BIT[d["success"]], d["cost_usd"], d["tokens"],
        d["effort"], _BIT[d["browser_used"]], d["error_class"], d["source"] or stamp.source, stamp.recorded_ms,
    )  # fmt: skip


def consistent(agent: str, correct: bool | int | None, correct_agent: str | None) -> tuple[int | None, str | None]:
    """``correct`` and ``correct_agent`` of a decision for ``agent``, the one not contradicting the other.

    What ``correct_agent`` implies stands when ``correct`` is not said; where both are said, ``correct`` stands and
    an agent that contradicts it is dropped.
    """
    if correct is None:
        return (None, None) if correct_agent is None else (int(agent == correct_agent), correct_agent)
    agrees = correct_agent is None or (agent == correct_agent) == bool(correct)
    return int(correct), correct_agent if agrees else None


def proposal_right(
    proposed: str, accepted: bool | int, selected: str, correct: bool | int | None, correct_agent: str | None
) -> int | None:
    """Whether a layer proposed the right agent: 1, 0, or None when the log cannot tell.

    A layer that fell through is right when it proposed the agent that turned out right, wrong when it proposed
    the one that turned out wrong; a third agent could be judged only if the right one is known.
    """
    if accepted:
        return None if correct is None else int(correct)
    if not proposed:
        return None
    if correct_agent is not None:
        return int(proposed == correct_agent)
    if correct:
        return int(proposed == selected)
    return 0 if correct is not None and proposed == selected else None


def route_rows(d: Fields, at: int, stamp: Stamp) -> tuple[Row, list[Row], Row | None]:
    """The rows of ``routes`` (without its trail), ``route_attempts`` and, with an outcome, ``verdicts``."""
    route_id, agent, outcome, latency = (
        d["id"] or stamp.made_id or new_id(at),
        d["agent"],
        d["outcome"],
        d["latency_ms"],
    )
    attempts = [_attempt_row(route_id, position, fields) for position, fields in enumerate(d["attempts"])]
    source = d["source"] or stamp.source
    judged = _UNJUDGED if outcome is None else _outcome(agent, outcome)
    route = (
        route_id, d["task_id"], d["description"] if stamp.keep_content else None, agent, d["layer"], d["confidence"],
        at, None if latency is None else round(latency * 1000), *judged, source, stamp.recorded_ms,
    )  # fmt: skip
    if outcome is None:
        return route, attempts, None
    correct, correct_agent, completed, quality, completion = judged
    verdict = (
        "route", route_id, stable_id(0, *judged), at, None, None, quality, None, correct, correct_agent, completed,
        completion, source, stamp.recorded_ms,
    )  # fmt: skip
    return route, attempts, verdict


def _attempt_row(route_id: str, position: int, d: Fields) -> Row:
    latency = d["latency_ms"]
    return (
        route_id, position, d["layer"], d["agent"], d["confidence"], d["threshold"], _BIT[d["accepted"]],
        _BIT[d["shadow"]], d["shadow_rate"], d["error_class"], None if latency is None else round(latency * 1000),
    )  # fmt: skip


_UNJUDGED = (None,) * 5


def _outcome(agent: str, d: Fields) -> Row:
    correct, correct_agent = consistent(agent, d["correct"], d["correct_agent"])
    return correct, correct_agent, _BIT[d["completed"]], d["quality"], _whole(d["completion_ms"])


def verdict_row(d: Fields, at: int, stamp: Stamp) -> Row:
    """The row of ``verdicts``; its id follows from what it says, so that saying it twice counts once."""
    said = (
        _BIT[d["success"]], _BIT[d["rework"]], d["quality"], d["qa"], _BIT[d["correct"]], d["correct_agent"],
        _BIT[d["completed"]], _whole(d["completion_ms"]),
    )  # fmt: skip
    return (
        d["subject"], d["subject_id"], d["id"] or stable_id(at, *said), at, *said, d["source"] or stamp.source,
        stamp.recorded_ms,
    )  # fmt: skip


def job_row(d: Fields, at: int, stamp: Stamp) -> Row:
    """The row of ``jobs``."""
    return (
        d["id"], d["name"], d["project"], d["state"], JOB_RANK[d["state"]], at, d["error_class"],
        d["source"] or stamp.source, stamp.recorded_ms,
    )  # fmt: skip
