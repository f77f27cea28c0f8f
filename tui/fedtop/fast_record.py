"""The quick lane of `fedtop record`: a task given by plain flags is written within a few tens of milliseconds.

Only the simple form is taken: each flag once, a value that needs no cleaning, a store that can be written. For
anything else `try_record` returns None before it has written anything, and the whole command line does the work and
says what is wrong. Only a store that stays locked is reported here, since waiting for it twice would help nobody.
"""

from __future__ import annotations

import sys

from fedstore import MINUTE_MS, StoreBusyError
from fedstore.recording.fast import Task, record_task, store_for
from fedtop.quick import only_places_are_set
from fedtop.saying import printable, say

__all__ = ["parse", "try_record"]

_FLAGS = {
    "--agent": "agent", "--task": "task_type", "--success": "success", "--duration": "duration_ms", "--notes": "notes",
    "--id": "id", "--project": "project", "--store": "store",
}  # fmt: skip
_TRUTH = {"true": True, "false": False}


def try_record(arguments: list[str]) -> int | None:
    """Record the task these arguments describe and say its id: the exit code, or None for another lane."""
    found = parse(arguments)
    if found is None or not only_places_are_set():
        return None
    store, task = found
    path = store_for(store)
    try:
        known = None if path is None else record_task(path, task)
    except StoreBusyError as error:
        sys.stderr.write(f"fedtop: {printable(str(error))}\n")
        return 2
    if known is None:
        return None
    return say(f"{'Already recorded' if known else 'Recorded'}: task {task.id}\n")


def parse(arguments: list[str]) -> tuple[str | None, Task] | None:
    """The store asked for and the task, or None when the arguments are not of the simple form."""
    given: dict[str, str] = {}
    rework = False
    rest = iter(arguments)
    for word in rest:
        if word == "--rework" and not rework:
            rework = True
            continue
        flag, equals, value = word.partition("=")
        name = _FLAGS.get(flag)
        if not equals:
            value = next(rest, "")
        if name is None or name in given or not value or value.startswith("-"):
            return None
        given[name] = value
    return _task(given, rework=rework)


def _task(given: dict[str, str], *, rework: bool) -> tuple[str | None, Task] | None:
    store = given.pop("store", None)
    success = _TRUTH.get(given.pop("success", ""))
    minutes = given.pop("duration_ms", None)
    if success is None or not {"agent", "task_type"} <= given.keys():
        return None
    if minutes is not None and not (minutes.isascii() and minutes.replace(".", "", 1).isdigit()):
        return None
    duration = None if minutes is None else float(minutes) * MINUTE_MS
    task = Task(**given, success=success, duration_ms=duration, rework=rework)
    return (store, task) if task.is_plain() else None
