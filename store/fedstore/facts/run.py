"""Runs: finished pieces of work, and those that have not ended yet."""

from __future__ import annotations

from functools import cache

from fedstore.bins import duration_bins
from fedstore.facts.judging import Judged, newest, subjects_with_verdicts
from fedstore.facts.kind import BIT, Heard, Kept, Kind, Sums, check_start, micros
from fedstore.facts.replacing import outranks, write_or_replace
from fedstore.facts.summary import Summary, duration_part, share_part
from fedstore.facts.table import Table
from fedstore.ids import new_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from fedstore.engine.protocol import Row, Tx
    from fedstore.facts.kind import Fields, Stamp, Writing
    from fedstore.facts.summary import Deltas, Part

__all__ = ["RUN", "RUN_STATE"]

_RUNS = Table(
    "runs",
    "id", "agent", "task_type", "project", "mode", "started_ms?", "ended_ms", "duration_us?", "success?", "rework?",
    "quality?", "confidence?", "qa?", "error_class", "notes?", "source", "recorded_ms",
)  # fmt: skip
_REPORTS = Table("run_reports", "run_id", "success?", "rework?", "quality?", "qa?")
"""What runs said of themselves, of those about which somebody said something else later."""
_PARTS = {_REPORTS.name: "run_id"}
_AGENTS = Summary(
    "agent_buckets",
    keys=("agent", "task_type", "project"),
    sums=(
        "runs", "ok", "failed", "reworked", "rework_known", "duration_n", "duration_us",
        "quality_n", "quality_ppm", "qa_passed", "qa_warning", "qa_failed", "qa_error",
    ),
    bins=("duration_bins",),
    topics={"agent": "agent", "task_type": "task_type"},
)  # fmt: skip
_ERRORS = Summary("error_buckets", keys=("agent", "task_type", "error_class"), sums=("runs", "failed", "ungraded"))
"""Runs that ended in an error, by its class: those that failed, and those of which nobody said whether they did."""
_OK = "success = 1 AND COALESCE(rework, 0) <> 1"
_SUMS = Sums(
    _AGENTS, "runs", "ended_ms",
    {
        "runs": "COUNT(*)",
        "ok": f"SUM(CASE WHEN {_OK} THEN 1 ELSE 0 END)",
        "failed": f"SUM(CASE WHEN success IS NOT NULL AND NOT ({_OK}) THEN 1 ELSE 0 END)",
        "reworked": "SUM(rework)", "rework_known": "COUNT(rework)",
        "duration_n": "COUNT(duration_us)", "duration_us": "SUM(duration_us)", "quality_n": "COUNT(quality)",
        **{f"qa_{word}": f"SUM(CASE WHEN qa = '{word}' THEN 1 ELSE 0 END)"
           for word in ("passed", "warning", "failed", "error")},
    },
    shares={"quality_ppm": "quality"}, bins={"duration_bins": ("duration_us", duration_bins)},
)  # fmt: skip
_ERROR_SUMS = Sums(
    _ERRORS, "runs", "ended_ms",
    {
        "runs": "COUNT(*)", "failed": _SUMS.terms["failed"],
        "ungraded": "SUM(CASE WHEN success IS NULL THEN 1 ELSE 0 END)",
    },
    where="error_class <> ''",
)  # fmt: skip


def _check(d: Fields) -> None:
    started, at = d["started_at"], d["at"]
    if started is not None and at is not None:
        check_start(started, at)


# --- a run that has ended -------------------------------------------------------------------------------------


def _run_face() -> type[BaseModel]:
    from fedstore.facts.events import Run

    return Run


def _run_row(d: Fields, at: int, stamp: Stamp) -> Row:
    told, started = d["duration_ms"], d["started_at"]
    duration = micros(told)
    if told is None and started is not None:
        duration = 1000 * max(0, at - started)
    if started is None and told is not None:
        started = at - round(told)
    return (
        d["id"] or stamp.made_id or new_id(at), d["agent"], d["task_type"], d["project"], d["mode"], started, at,
        duration, BIT[d["success"]], BIT[d["rework"]], d["quality"], d["confidence"], d["qa"], d["error_class"],
        d["notes"], d["source"] or stamp.source, stamp.recorded_ms,
    )  # fmt: skip


def _write_runs(writing: Writing, rows: list[Row], named: Sequence[str]) -> int:
    """A run that has ended is no longer going on, and may have been judged before it was recorded."""
    taken = write_or_replace(writing, _RUNS, rows, named, _add, _stands, _PARTS)
    if named:
        tx = writing.tx
        tx.executemany("DELETE FROM active_runs WHERE id = ?", [(run_id,) for run_id in named])
        for run_id in subjects_with_verdicts(tx, "run", named):
            _judge(tx, run_id, writing.deltas)
    return taken


_LATER = outranks(
    _RUNS, ("ended_ms", "duration_us"), ("source", "agent", "project", "task_type", "mode", "error_class")
)


def _stands(row: Row, other: Row) -> bool:
    """Of two runs of one id and start the one that went on longer; of equals one that was told how it ended."""
    if row[5] is None or row[5] != other[5]:
        return False
    told, untold = map(_told, (row, other))
    return told > untold or (told == untold and _LATER(row, other))


def _told(row: Row) -> tuple[int, bool, bool]:
    """When a run ended, and whether its duration and its error are known and not only what time it took so far."""
    started, ended, duration = row[5:8]
    return ended, duration is not None and duration != 1000 * (ended - started), row[13] != ""


def _add(deltas: Deltas, row: Row) -> None:
    _, agent, task_type, project, _, _, ended, duration, success, rework, quality, _, qa, error = row[:14]
    done, checked = _ended(success, rework, qa)
    known, total, bins = duration_part(duration)
    part: Part = (1, *done, known, total, *share_part(quality), *checked, bins)
    deltas.add(_AGENTS, ended, (agent, task_type, project), part)
    if error:
        deltas.add(_ERRORS, ended, (agent, task_type, error), (1, done[1], int(success is None)))


@cache
def _ended(success: int | None, rework: int | None, qa: str | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """ok, failed, reworked, rework_known; and how many passed, with a warning, failed, broke. There are a few dozen.

    Work that had to be done again is not a success, whatever was reported first.
    """
    ok = success == 1 and rework != 1
    done = ok, success is not None and not ok, rework == 1, rework is not None
    return tuple(map(int, done)), tuple(int(qa == word) for word in ("passed", "warning", "failed", "error"))


_JUDGED = Judged(
    "run", _RUNS, about=("agent", "task_type", "project", "error_class", "ended_ms"),
    columns=("success", "rework", "quality", "qa"), reports=_REPORTS,
)  # fmt: skip


def _judge(tx: Tx, run_id: str, deltas: Deltas) -> bool:
    found = _JUDGED.read(tx, run_id)
    if found is None:
        return False
    (agent, task_type, project, error, ended), present = found.about, found.present
    judgement = newest(found.said, found.own)
    if judgement == present:
        return False
    _JUDGED.update(tx, run_id, found, judgement)
    change = [b - a for a, b in zip(_judged_sums(*present), _judged_sums(*judgement), strict=True)]
    deltas.add(_AGENTS, ended, (agent, task_type, project), (0, *change[:4], 0, 0, *change[4:], b""))
    if error:
        unsaid = (judgement[0] is None) - (present[0] is None)
        deltas.add(_ERRORS, ended, (agent, task_type, error), (0, change[1], unsaid))
    return True


def _judged_sums(success: int | None, rework: int | None, quality: float | None, qa: str | None) -> tuple[int, ...]:
    """The sums of a run that follow from its judgement."""
    done, checked = _ended(success, rework, qa)
    return (*done, *share_part(quality), *checked)


RUN = Kind(
    "run",
    face=_run_face,
    table=_RUNS,
    row=_run_row,
    check=_check,
    write=_write_runs,
    add=_add,
    summaries=(_AGENTS, _ERRORS),
    sums=(_SUMS, _ERROR_SUMS),
    judge=_judge,
    parts=_PARTS,
    kept=Kept("retention_runs_days"),
)


# --- a run that goes on ---------------------------------------------------------------------------------------

_ACTIVE = Table("active_runs", "id", "agent", "task_type", "project", "state", "reason", "started_ms", "seen_ms")
_STATE_ORDER = ("seen_ms", "state", "reason", "agent", "task_type", "project")
"""The newest word about a run stands; ties are broken in a fixed order, so that the order of arrival is none."""
_NEWER = (
    f"({', '.join(f'excluded.{c}' for c in _STATE_ORDER)}) > ({', '.join(f'active_runs.{c}' for c in _STATE_ORDER)})"
)
_GIVEN = ", ".join(
    f"CAST(? AS {'BIGINT' if column.endswith('_ms') else 'TEXT'}) AS {column}" for column in _ACTIVE.columns
)
_SET = ", ".join(
    f"{column} = CASE WHEN {_NEWER} THEN excluded.{column} ELSE active_runs.{column} END"
    for column in ("agent", "task_type", "project", "state", "reason", "seen_ms")
)
_UPSERT = (
    f"INSERT INTO active_runs ({', '.join(_ACTIVE.columns)}) SELECT given.* FROM (SELECT {_GIVEN}) AS given"
    " WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = given.id)"  # what has ended does not go on
    f" ON CONFLICT (id) DO UPDATE SET {_SET},"
    " started_ms = CASE WHEN excluded.started_ms < active_runs.started_ms"
    " THEN excluded.started_ms ELSE active_runs.started_ms END"
    f" WHERE {_NEWER} OR excluded.started_ms < active_runs.started_ms"
)


def _state_face() -> type[BaseModel]:
    from fedstore.facts.events import RunState

    return RunState


def _state_row(d: Fields, at: int, _: Stamp) -> Row:
    return (
        d["id"], d["agent"], d["task_type"], d["project"], d["state"], d["reason"], d["started_at"] or at, at,
    )  # fmt: skip


def _write_states(writing: Writing, rows: list[Row], _: Sequence[str]) -> int:
    return writing.tx.executemany(_UPSERT, rows)


RUN_STATE = Kind(
    "run_state",
    face=_state_face,
    table=_ACTIVE,
    row=_state_row,
    check=_check,
    write=_write_states,
    ends="seen_ms < ?",
    heard=Heard("seen_ms", {"agent": "agent", "task_type": "task_type"}),
)
