"""The federation metrics file (`metrics.json`), checked: counts per agent and task type, and the last tasks themselves.

The file counts how many tasks each agent ended well and badly, and keeps the last hundred of them with their times,
durations and notes. Tasks that no task type accounts for are those of task type "". A time without a zone is in UTC.
What becomes of the counts stands in `federation_tally`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from fedstore.errors import EventError
from fedstore.facts.events import Label, Name, Text
from fedstore.ids import stable_id
from fedstore.ingest.values import utc_ms
from fedstore.json_value import object_of
from fedstore.policy.metrics_file import EXPORTED_AT, EXPORTED_FROM
from fedstore.recording.writer import explain
from fedstore.widths import MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SOURCE", "Cell", "FederationFile", "Task", "read_federation"]

SOURCE = "metrics.json"
_MAX_TASKS = 1_000_000
_MAX_MINUTES = 366 * 24 * 60

Count: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=_MAX_TASKS)]
Boost: TypeAlias = Annotated[float, Field(strict=True, ge=-1, le=1, allow_inf_nan=False)]
Minutes: TypeAlias = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]


class _In(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _TaskTypeIn(_In):
    count: Count
    successes: Count = 0
    total_duration: Minutes | None = None
    routing_boost: Boost | None = None


class _AgentIn(_In):
    total_tasks: Count | None = None
    successful_tasks: Count = 0
    failed_tasks: Count = 0
    total_duration_min: Minutes | None = None
    avg_duration_min: Minutes | None = None
    rework_count: Count | None = None
    rework_known: Count | None = None
    routing_boost: Boost | None = None
    task_types: dict[Name, _TaskTypeIn] = Field(default_factory=dict)


class _RecentIn(_In):
    timestamp: str
    agent: Name
    task_type: Label = ""
    success: StrictBool
    duration_min: Annotated[float, Field(strict=True, ge=0, le=_MAX_MINUTES, allow_inf_nan=False)] | None = None
    rework_required: StrictBool | None = None
    notes: Text | None = None


class _FileIn(_In):
    initialized: str = ""
    last_updated: str = ""
    agents: dict[Name, _AgentIn]
    recent_tasks: list[object] | None = None


class Cell(NamedTuple):
    """Tasks of one agent and task type: how many ended well and badly, and their minutes together where told."""

    agent: str
    task_type: str
    good: int
    bad: int
    minutes: float | None


class Task(NamedTuple):
    """One of the last tasks. `id` follows from the file, the agent, the task type and the time."""

    id: str
    agent: str
    task_type: str
    at_ms: int
    success: bool
    rework: bool | None
    duration_ms: float | None
    notes: str | None


@dataclass(frozen=True, slots=True)
class FederationFile:
    """What a metrics file says. `identity` tells one file from another; `exported_from` marks our own exports."""

    identity: str
    start_ms: int
    at_ms: int
    cells: tuple[Cell, ...]
    reworked: dict[str, int]
    """How many tasks of an agent had to be done again, where that is told."""
    rework_known: dict[str, int] = field(default_factory=dict)
    """Of how many tasks of an agent that is known; of all where it is not said."""
    recent: tuple[Task, ...] = ()
    unread: int = 0
    """How many of the last tasks make no sense; they are in the counts all the same."""
    exported_from: str = ""
    means: bool = False
    """Whether a sum of durations is the mean as often as there are tasks, also where some have no duration."""
    boosts: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def tasks(self) -> int:
        """How many tasks the file counts."""
        return sum(cell.good + cell.bad for cell in self.cells)


def read_federation(value: object) -> FederationFile:
    """Check a metrics document. Raises EventError."""
    try:
        found = _FileIn.model_validate(value)
    except ValidationError as error:
        raise EventError(explain(error)) from error
    if not found.last_updated and not found.initialized:
        raise EventError("last_updated: missing, so when the tasks ran is not known")
    at = _time("last_updated", found.last_updated or found.initialized)
    cells = tuple(cell for name, agent in found.agents.items() for cell in _cells(name, agent))
    tasks = sum(cell.good + cell.bad for cell in cells)
    if tasks > _MAX_TASKS:
        raise EventError(f"agents: {tasks} tasks are more than the {_MAX_TASKS} that one file may count")
    recent, unread = _recent(found)
    document = object_of(value)
    mark = document.get(EXPORTED_FROM)
    return FederationFile(
        identity=found.initialized,
        start_ms=_start(found.initialized, at),
        at_ms=at,
        cells=cells,
        reworked={name: a.rework_count for name, a in found.agents.items() if a.rework_count is not None},
        rework_known={name: a.rework_known for name, a in found.agents.items() if a.rework_known is not None},
        recent=recent,
        unread=unread,
        exported_from=mark if isinstance(mark, str) else "",
        means=isinstance(value, dict) and EXPORTED_AT in value,
        boosts={name: said for name, agent in found.agents.items() if (said := _boosts(agent))},
    )


def _boosts(agent: _AgentIn) -> dict[str, float]:
    said = {} if agent.routing_boost is None else {"": agent.routing_boost}
    said.update({n: t.routing_boost for n, t in agent.task_types.items() if t.routing_boost is not None})
    return said


def _cells(agent: str, totals: _AgentIn) -> Iterator[Cell]:
    """The counts of an agent by task type; what the task types do not account for last, under ""."""
    good = bad = 0
    for task_type, counted in totals.task_types.items():
        if counted.successes > counted.count:
            raise EventError(f"agents.{agent}.task_types.{task_type}: more successes than tasks")
        good += counted.successes
        bad += counted.count - counted.successes
    total = totals.total_tasks
    if total is not None and totals.successful_tasks + totals.failed_tasks > total:
        raise EventError(f"agents.{agent}: more successful and failed tasks than total_tasks")
    rest = max(0, totals.successful_tasks - good), max(0, totals.failed_tasks - bad)
    per_task = _minutes_elsewhere(totals, sum(rest))
    for task_type, counted in totals.task_types.items():
        minutes = counted.total_duration or (None if per_task is None else per_task * counted.count)
        yield Cell(agent, task_type, counted.successes, counted.count - counted.successes, minutes)
    yield Cell(agent, "", *rest, None if per_task is None else per_task * sum(rest))


def _minutes_elsewhere(totals: _AgentIn, untyped: int) -> float | None:
    """Minutes per task of an agent where its task type does not tell them: what is left of the agent's total.

    The format says 0 where nobody told a duration, so that is not known.
    """
    tasks = sum(counted.count for counted in totals.task_types.values()) + untyped
    total = totals.total_duration_min or (totals.avg_duration_min or 0) * tasks
    told = [counted for counted in totals.task_types.values() if counted.total_duration]
    left = total - sum(counted.total_duration or 0 for counted in told)
    others = tasks - sum(counted.count for counted in told)
    return left / others if left > 0 and others > 0 else None


def _recent(found: _FileIn) -> tuple[tuple[Task, ...], int]:
    """The last tasks, the oldest first, and how many of them cannot be read."""
    tasks: list[Task] = []
    unread, times = 0, dict[tuple[str, str, int], int]()
    for value in reversed(found.recent_tasks or ()):
        try:
            said = _RecentIn.model_validate(value)
            at = utc_ms(said.timestamp)
        except ValueError:
            unread += 1
            continue
        key = said.agent, said.task_type, at
        times[key] = times.get(key, 0) + 1
        ms = None if said.duration_min is None else said.duration_min * MINUTE_MS
        tasks.append(Task(
            stable_id(at, SOURCE, found.initialized, *key, times[key]), said.agent, said.task_type, at, said.success,
            said.rework_required, ms, said.notes,
        ))  # fmt: skip
    return tuple(tasks), unread


def _time(name: str, text: str) -> int:
    try:
        return utc_ms(text)
    except ValueError as error:
        raise EventError(f"{name}: {error}") from None


def _start(text: str, otherwise: int) -> int:
    """When the file was begun, for ids that sort by time; a stamp that is no time still tells files apart."""
    try:
        return utc_ms(text) if text else otherwise
    except ValueError:
        return otherwise
