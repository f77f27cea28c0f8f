"""A run and a tool execution as context managers; see `Recorder.run`.

Neither raises by itself nor swallows what its block raises. Durations are taken from a monotonic clock, so that a
wall clock set back does no harm.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from fedstore.ids import new_id

if TYPE_CHECKING:
    from fedstore.recording.recorder import Recorder
    from fedstore.recording.writer import Receipt

__all__ = ["RecordedRun", "RecordedTool"]

_NEEDED = frozenset({"id", "agent", "duration_ms"})
"""Without these there is no run to keep."""


class RecordedRun:
    """One run while it happens; made by `Recorder.run`.

    `success`, `rework`, `quality`, `confidence`, `qa`, `error_class` and `notes` may be set inside the
    block; they are recorded when it ends.
    """

    def __init__(self, recorder: Recorder, agent: str | None, task_type: str, more: Mapping[str, object]) -> None:
        self._recorder = recorder
        self._shared: dict[str, object] = {"agent": agent, "task_type": task_type, "project": more.get("project", "")}
        self._more = {name: value for name, value in more.items() if name not in ("id", "project", "started_at")}
        self._began = 0.0
        named = more.get("id")
        self.id: str = named if isinstance(named, str) else new_id(recorder.now())
        self.started_ms: int | None = None
        self.success: bool | None = None
        self.rework: bool | None = None
        self.quality: float | None = None
        self.confidence: float | None = None
        self.qa: str | None = None
        self.error_class: str | None = None
        self.notes: str | None = None

    def __enter__(self) -> RecordedRun:
        self._began = time.monotonic()
        self.started_ms = self._recorder.now()
        self._state("running", "")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        judged = {
            "success": self.success, "rework": self.rework, "quality": self.quality, "confidence": self.confidence,
            "qa": self.qa, "error_class": self.error_class, "notes": self.notes,
        }  # fmt: skip
        said: dict[str, object] = {name: value for name, value in judged.items() if value is not None}
        if kind is not None:
            said |= {"success": False, "error_class": kind.__name__}
        elif self.success is None:
            said["success"] = True
        said["duration_ms"] = (time.monotonic() - self._began) * 1000
        self._end({**self._more, **said, "id": self.id})

    def waiting(self, reason: str = "") -> None:
        """Say that the run waits for something, such as a permission."""
        self._state("waiting", reason)

    def running(self, reason: str = "") -> None:
        """Say that the run goes on; also a sign of life in a long run."""
        self._state("running", reason)

    def usage(self, **fields: object) -> str:
        """Record a call of a language model in this run; fields of `Usage`. Returns its id."""
        return self._recorder.usage(**{**self._shared, "run_id": self.id, **fields})

    def execution(self, tool: str | None = None, **fields: object) -> str:
        """Record an execution of a tool in this run; fields of `Execution`. Returns its id."""
        return self._recorder.execution(**{**self._shared, "run_id": self.id, "tool": tool, **fields})

    def tool(self, name: str, **fields: object) -> RecordedTool:
        """An execution of a tool as a context manager; an exception makes it a failure of that class."""
        return RecordedTool(self, name, fields)

    def _end(self, fields: dict[str, object]) -> None:
        """Record the finished run; a value that makes no sense costs itself, not the run."""
        while True:
            receipt = self._record("run", fields)
            name = receipt.rejected[0][1].field if receipt.rejected else ""
            if name not in fields or name in _NEEDED:
                return
            del fields[name]

    def _state(self, state: str, reason: str) -> None:
        now = self._recorder.now()
        self._record(
            "run_state", {"id": self.id, "state": state, "reason": reason, "at": now, "started_at": self.started_ms}
        )

    def _record(self, kind: str, fields: Mapping[str, object]) -> Receipt:
        said = {name: value for name, value in {**self._shared, **fields}.items() if value is not None}
        return self._recorder.record({**said, "kind": kind})


class RecordedTool:
    """One execution of a tool while it happens; made by `RecordedRun.tool`.

    `success`, `cost_usd`, `tokens` and `error_class` may be set inside the block.
    """

    def __init__(self, run: RecordedRun, name: str, fields: Mapping[str, object]) -> None:
        self._run = run
        self._name = name
        self._fields = fields
        self._began = 0.0
        self.success: bool | None = None
        self.cost_usd: float | None = None
        self.tokens: int | None = None
        self.error_class: str | None = None

    def __enter__(self) -> RecordedTool:
        self._began = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        said: dict[str, object] = {"cost_usd": self.cost_usd, "tokens": self.tokens, "error_class": self.error_class}
        said["success"] = self.success is not False
        if kind is not None:
            said |= {"success": False, "error_class": kind.__name__}
        said["duration_ms"] = (time.monotonic() - self._began) * 1000
        self._run.execution(self._name, **{**self._fields, **said})
