"""The recorder: how an agent, a router or a script tells what it does, without ever failing because of it.

By default a call is durable when it returns: what was recorded survives `kill -9` of the process (a power cut can
cost the last moments). Nothing raises into the caller: a fact that makes no sense is refused with a reason, a store
that cannot be written is counted in `lost`, said once through `logging`, and shown by `fedtop doctor` and the
pane. One recorder serves many threads, asyncio tasks and forked processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from fedstore.facts.events import Given
from fedstore.ids import EARLIEST_MS, LATEST_MS, new_id
from fedstore.interrupts import is_the_programs_own
from fedstore.recording.background import Background
from fedstore.recording.recorded_run import RecordedRun
from fedstore.recording.renamed import Renamed
from fedstore.recording.sink import Sink
from fedstore.recording.writer import Receipt, batch_of

if TYPE_CHECKING:
    from fedstore.store import Store

__all__ = ["Recorder"]


_ENGINE_NAMES = {
    "tool": "tool_name", "duration_ms": "duration_seconds", "cost_usd": "cost_actual", "tokens": "tokens_used",
    "effort": "human_effort_level", "agent": "agent_id",
}  # fmt: skip
"""What the analytics engine calls the fields of an execution."""


class Recorder:
    """Records into `store`: a Store, a path (from the present folder), or None for `default_store_path`.

    `source` names where facts come from; `keep_content` opts in to storing task descriptions and the text of
    refused facts. `background=True` is for event loops: calls return at once, and a thread writes what waits every
    `flush_s` seconds (0.25); `kill -9` can then cost what was recorded since the last write but one, and no more
    than `buffer` facts (10,000). `close` and the end of the process write everything (not `os._exit`, nor SIGTERM
    where the program lets it kill). `clock` gives the present in UTC epoch milliseconds; what it cannot tell,
    the machine does.
    """

    def __init__(
        self,
        store: Store | str | Path | None = None,
        *,
        source: str = "",
        keep_content: bool = False,
        background: bool = False,
        buffer: int | None = None,
        flush_s: float | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._sink = Sink(store, source=source, keep_content=keep_content, clock=clock)
        self._background = Background(self._sink, buffer=buffer, flush_s=flush_s) if background else None
        self._put = self._sink.write if self._background is None else self._background.put

    # --- events --------------------------------------------------------------------------------------------

    def record(self, event: Given) -> Receipt:
        """Record one event, or a mapping with a `kind` that describes one."""
        return self._put((event,))

    def record_many(self, events: Iterable[Given]) -> Receipt:
        """Record a batch in one transaction; events that are refused do not keep the others out."""
        taken: list[Given] = []
        try:
            taken.extend(batch_of(events))
        except Exception as error:  # noqa: BLE001 - the caller's iterable may be anything
            return self._put(taken) + self._sink.lose(1, error)
        return self._put(taken)

    # --- runs and tasks ------------------------------------------------------------------------------------

    def task(
        self,
        agent: str | None = None,
        task_type: str = "",
        success: bool | None = None,
        duration_ms: float | None = None,
        rework: bool | None = None,
        notes: str | None = None,
        **more: object,
    ) -> str:
        """Record a finished task; `more` are further fields of `Run`. Returns its id."""
        return self._say(
            "run", more, agent=agent, task_type=task_type, success=success, duration_ms=duration_ms, rework=rework,
            notes=notes,
        )  # fmt: skip

    def run(self, agent: str | None = None, task_type: str = "", **more: object) -> RecordedRun:
        """A run as a context manager: it shows as active inside, and is recorded when it ends.

        An exception makes it a failure of that class (and goes on to the caller); otherwise it succeeded unless
        `run.success` says something else.
        """
        return RecordedRun(self, agent, task_type, more)

    # --- steps ---------------------------------------------------------------------------------------------

    def usage(self, **fields: object) -> str:
        """Record one call of a language model; fields of `Usage`. Returns its id."""
        return self._say("usage", fields)

    def execution(self, **fields: object) -> str:
        """Record one execution of a tool; fields of `Execution`. Returns its id."""
        return self._say("execution", fields)

    def record_execution(
        self,
        task_id: str = "",
        tool_name: str | None = None,
        duration_seconds: float | None = None,
        success: bool | None = None,
        cost_actual: float | None = None,
        tokens_used: int | None = None,
        human_effort_level: object = "",
        browser_used: bool = False,
        agent_id: str = "local",
        id: str | None = None,  # noqa: A002 - the field's name everywhere else
        at: object = None,
        **more: object,
    ) -> str:
        """Record one execution of a tool under the names of the analytics engine. Returns its id."""
        return self._say(
            "execution", more, called=_ENGINE_NAMES, id=id, at=at, agent=agent_id, task_id=task_id, tool=tool_name,
            success=success, cost_usd=cost_actual, duration_ms=_in_ms(duration_seconds), tokens=tokens_used,
            effort=_effort(human_effort_level), browser_used=browser_used,
        )  # fmt: skip

    # --- the cascade ---------------------------------------------------------------------------------------

    def route(self, **fields: object) -> str:
        """Record one decision of the routing cascade; fields of `Route`. Returns its id, for `outcome`."""
        return self._say("route", fields)

    def outcome(
        self,
        route_id: str | None = None,
        correct: bool | None = None,
        correct_agent: str | None = None,
        completed: bool | None = None,
        quality: float | None = None,
        **more: object,
    ) -> Receipt:
        """Record what became of a decision, whenever that is known, even before the decision itself."""
        return self._tell(
            "verdict", more, subject="route", subject_id=route_id, correct=correct, correct_agent=correct_agent,
            completed=completed, quality=quality,
        )  # fmt: skip

    def verdict(self, subject: str | None = None, subject_id: str | None = None, **fields: object) -> Receipt:
        """Record a later judgement of a "run" or a "route"; fields of `Verdict`."""
        return self._tell("verdict", fields, subject=subject, subject_id=subject_id)

    def job(self, id: str | None = None, state: str | None = None, **more: object) -> Receipt:  # noqa: A002
        """Record the state of a job; fields of `Job`."""
        return self._tell("job", more, id=id, state=state)

    # --- the recorder itself -------------------------------------------------------------------------------

    @property
    def lost(self) -> int:
        """Facts that could not be written since this recorder was made."""
        return self._sink.lost

    @property
    def refused(self) -> int:
        """Facts that were refused since this recorder was made; the reasons are in the table `rejects`."""
        return self._sink.refused

    def now(self) -> int:
        """The present in UTC epoch milliseconds, as this recorder sees it."""
        return self._sink.now()

    def flush(self) -> None:
        """Write what waits in the background; returns when it is written or counted as lost."""
        if self._background is not None:
            self._background.flush()

    def close(self) -> None:
        """Flush, note losses, close what was opened here. The recorder may be used again afterwards."""
        if self._background is not None:
            self._background.close()
        self._sink.close()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- inside --------------------------------------------------------------------------------------------

    def _tell(
        self,
        kind: str,
        more: Mapping[str, object],
        made_id: str | None = None,
        called: Mapping[str, str] | None = None,
        **fields: object,
    ) -> Receipt:
        said = {name: value for name, value in {**fields, **more}.items() if value is not None}
        said["kind"] = kind
        return self._put((said if called is None else Renamed(said, called),), made_id)

    def _say(
        self, kind: str, more: Mapping[str, object], called: Mapping[str, str] | None = None, **fields: object
    ) -> str:
        """Record under the id given or one made here, so that it can be returned; "" for an id that is no text.

        `called` are the names under which the caller gave some fields.
        """
        identity = more.get("id", fields.get("id"))
        made_id = self._new_id(more.get("at", fields.get("at"))) if identity is None else None
        self._tell(kind, more, made_id, called, **fields)
        return made_id or (identity if isinstance(identity, str) else "")

    def _new_id(self, at: object) -> str:
        return new_id(at if type(at) is int and EARLIEST_MS <= at <= LATEST_MS else self._sink.now())


def _in_ms(seconds: object) -> object:
    """Seconds in milliseconds, computed by the numbers' own rules whatever a class of them says; others as they are."""
    if isinstance(seconds, float):
        return float.__mul__(seconds, 1000.0)
    return int.__mul__(seconds, 1000) if isinstance(seconds, int) and not isinstance(seconds, bool) else seconds


def _effort(level: object) -> object:
    """A level of human effort as its name, also when an enumeration or lower case is given."""
    if level is None:
        return ""
    try:
        name = level.name if isinstance(level, Enum) else level
        return name.upper() if isinstance(name, str) else name
    except Exception as error:
        if is_the_programs_own(error):
            raise
        return level  # which is then refused
