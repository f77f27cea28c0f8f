"""Recording one plain task without pydantic, for a shell that calls the program once per task.

The rows and summaries are made by the very code that every other writer uses; only the validation is replaced, by
checks that take what certainly needs no cleaning and leave the rest to the full way.
"""

from __future__ import annotations

from fedstore.cleaning import NAME_LIMIT, TEXT_LIMIT
from fedstore.engine import open_engine
from fedstore.errors import FedstoreError, StoreBusyError
from fedstore.facts.batch import Batch
from fedstore.facts.kind import MAX_DURATION_MS, Stamp
from fedstore.ids import new_id, now_ms
from fedstore.settings.paths import writable_store_file

__all__ = ["SOURCE", "Task", "record_task", "store_for"]

SOURCE = "shell"


class Task:
    """A finished task with the fields of `fedstore.Run`; its id is made when none is given."""

    def __init__(
        self,
        agent: str,
        task_type: str = "",
        *,
        success: bool | None = None,
        duration_ms: float | None = None,
        rework: bool | None = None,
        notes: str | None = None,
        project: str = "",
        id: str | None = None,  # noqa: A002 - the field's name everywhere else
    ) -> None:
        self.kind = "run"
        self.mode = self.error_class = self.source = ""
        self.at = self.started_at = self.quality = self.confidence = self.qa = None
        self.agent = agent
        self.task_type = task_type
        self.success = success
        self.duration_ms = duration_ms
        self.rework = rework
        self.notes = notes
        self.project = project
        self.id = id or new_id(now_ms())

    def is_plain(self) -> bool:
        """Whether validation would take it as it stands."""
        names = (self.agent, self.task_type, self.project, self.id)
        return (
            all(len(name) <= NAME_LIMIT and name.isprintable() and name == name.strip() for name in names)
            and self.agent != ""
            and (self.notes is None or (len(self.notes) <= TEXT_LIMIT and self.notes.isprintable()))
            and (self.duration_ms is None or 0 <= self.duration_ms <= MAX_DURATION_MS)
        )


def store_for(named: str | None) -> str | None:
    """The store to write: as named, else as the environment or the settings say; None when this way must not write."""
    try:
        return writable_store_file(named)
    except FedstoreError:
        return None


def record_task(path: str, task: Task) -> bool | None:
    """Whether the task was known already; None when it could not be written (and nothing was).

    Raises StoreBusyError when another program held the store for longer than the busy timeout.
    """
    try:
        database = open_engine(path)
        try:
            batch = Batch(Stamp(now_ms(), SOURCE, keep_content=False))
            batch.add([task.__dict__])
            with database.write() as tx:
                return batch.write(tx) == 0
        finally:
            database.close()
    except StoreBusyError:
        raise
    except FedstoreError:
        return None
