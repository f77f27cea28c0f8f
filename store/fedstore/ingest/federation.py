"""The federation metrics file (``metrics.json``): totals without events, made into one run per counted task.

The file says how many tasks each agent ended well and badly, per task type. Each becomes a Run whose id
follows from the file's ``initialized`` stamp, the agent, the task type, the result and an ordinal, so that a
file that has grown adds its growth and nothing else. Tasks that no task type accounts for get task type "".
When they ran is not known: they lie at ``last_updated``. A time without a zone is read as UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fedstore.errors import EventError
from fedstore.facts.events import Name, Run
from fedstore.ids import stable_id
from fedstore.policy.metrics_file import EXPORTED_FROM
from fedstore.recording.writer import explain

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FederationFile", "read_federation"]

SOURCE = "metrics.json"
_MAX_TASKS = 1_000_000

Count: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=_MAX_TASKS)]
Boost: TypeAlias = Annotated[float, Field(strict=True, ge=-1, le=1, allow_inf_nan=False)]


class _In(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _TaskTypeIn(_In):
    count: Count
    successes: Count = 0
    routing_boost: Boost | None = None


class _AgentIn(_In):
    total_tasks: Count | None = None
    successful_tasks: Count = 0
    failed_tasks: Count = 0
    routing_boost: Boost | None = None
    task_types: dict[Name, _TaskTypeIn] = Field(default_factory=dict)


class _FileIn(_In):
    initialized: str = ""
    last_updated: str = ""
    agents: dict[Name, _AgentIn]


@dataclass(frozen=True, slots=True)
class FederationFile:
    """What a metrics file says. ``identity`` tells one file from another; ``exported_from`` marks our own exports."""

    identity: str
    at_ms: int
    agents: dict[str, _AgentIn]
    exported_from: str = ""
    boosts: dict[str, dict[str, float]] = field(default_factory=dict)

    def runs(self) -> Iterator[Run]:
        """One run per counted task. Raises EventError when the counts contradict each other."""
        start = self.at_ms if not self.identity else _epoch_ms(self.identity, self.at_ms)
        for agent, totals in self.agents.items():
            for task_type, good, bad in _counts(agent, totals):
                for success, number in ((True, good), (False, bad)):
                    for ordinal in range(number):
                        yield Run(
                            id=stable_id(start, SOURCE, self.identity, agent, task_type, success, ordinal),
                            agent=agent, task_type=task_type, at=self.at_ms, success=success, source=SOURCE,
                        )  # fmt: skip


def read_federation(value: Any) -> FederationFile:
    """Check a metrics document. Raises EventError."""
    try:
        found = _FileIn.model_validate(value)
    except ValidationError as error:
        raise EventError(explain(error)) from error
    if not found.last_updated and not found.initialized:
        raise EventError("last_updated: missing, so when the tasks ran is not known")
    at = _epoch_ms(found.last_updated or found.initialized, None)
    tasks = sum(good + bad for name, agent in found.agents.items() for _, good, bad in _counts(name, agent))
    if tasks > _MAX_TASKS:
        raise EventError(f"agents: {tasks} tasks are more than the {_MAX_TASKS} that one file may count")
    mark = value.get(EXPORTED_FROM)
    boosts = {name: said for name, agent in found.agents.items() if (said := _boosts(agent))}
    return FederationFile(found.initialized, at, found.agents, mark if isinstance(mark, str) else "", boosts)


def _boosts(agent: _AgentIn) -> dict[str, float]:
    said = {} if agent.routing_boost is None else {"": agent.routing_boost}
    said.update({n: t.routing_boost for n, t in agent.task_types.items() if t.routing_boost is not None})
    return said


def _counts(agent: str, totals: _AgentIn) -> Iterator[tuple[str, int, int]]:
    """Task type, ended well, ended badly; what the task types do not account for last, under ""."""
    good = bad = 0
    for task_type, counted in totals.task_types.items():
        if counted.successes > counted.count:
            raise EventError(f"agents.{agent}.task_types.{task_type}: more successes than tasks")
        good += counted.successes
        bad += counted.count - counted.successes
        yield task_type, counted.successes, counted.count - counted.successes
    total = totals.total_tasks
    if total is not None and totals.successful_tasks + totals.failed_tasks > total:
        raise EventError(f"agents.{agent}: more successful and failed tasks than total_tasks")
    yield "", max(0, totals.successful_tasks - good), max(0, totals.failed_tasks - bad)


def _epoch_ms(text: str, otherwise: int | None) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        if otherwise is not None:
            return otherwise
        raise EventError("last_updated: must be an ISO 8601 time such as 2026-02-05T12:00:00Z") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
