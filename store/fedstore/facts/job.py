"""Jobs: the present state of each."""

from __future__ import annotations

from fedstore.facts.kind import Kind
from fedstore.facts.table import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from fedstore.engine.protocol import Row
    from fedstore.facts.kind import Fields, Stamp, Writing

__all__ = ["JOB"]

_JOBS = Table("jobs", "id", "name", "project", "state", "state_rank", "at_ms", "error_class", "source", "recorded_ms")
_RANK = {"queued": 0, "running": 1, "completed": 2, "failed": 3, "cancelled": 4}
"""Of two states at the same time the later one in the life of a job stands."""
_ORDER = ("at_ms", "state_rank", "name", "project", "error_class")
_UPSERT = (
    f"INSERT INTO jobs ({', '.join(_JOBS.columns)}) VALUES ({', '.join('?' * len(_JOBS.columns))})"
    f" ON CONFLICT (id) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in _JOBS.columns[1:])}"
    f" WHERE ({', '.join(f'excluded.{c}' for c in _ORDER)}) > ({', '.join(f'jobs.{c}' for c in _ORDER)})"
)


def _face() -> type[BaseModel]:
    from fedstore.facts.events import Job

    return Job


def _row(d: Fields, at: int, stamp: Stamp) -> Row:
    return (
        d["id"], d["name"], d["project"], d["state"], _RANK[d["state"]], at, d["error_class"],
        d["source"] or stamp.source, stamp.recorded_ms,
    )  # fmt: skip


def _write(writing: Writing, rows: list[Row], _: Sequence[str]) -> int:
    return writing.tx.executemany(_UPSERT, rows)


JOB = Kind(
    "job",
    face=_face,
    table=_JOBS,
    row=_row,
    write=_write,
    ends="state IN ('completed', 'failed', 'cancelled') AND recorded_ms < ?",
)
