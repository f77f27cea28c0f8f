"""The recorder's background mode: calls return at once, a thread writes what they left a few times a second.

The loss bound: after ``kill -9`` at most what was recorded in the last ``INTERVAL_S`` seconds (plus the time of the
write under way) is lost, and never more than ``LIMIT`` facts, because a call that finds the queue full writes by
itself. ``flush``, ``close`` and the end of the interpreter, or of a process that ``multiprocessing`` made, write
everything; what is recorded after that end has begun, or when no thread can be had, is written by the call. After a
fork the child starts with an empty queue; the parent still writes its own.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from collections.abc import Sequence
from typing import Any

from fedstore.errors import EventError
from fedstore.recording.sink import Sink
from fedstore.recording.writer import Receipt, validated

__all__ = ["Background"]


class Background:
    """A bounded queue before a sink, and the thread that empties it."""

    INTERVAL_S = 0.25
    LIMIT = 10_000

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.reset()
        _alive.add(self)
        atexit.register(_close_quietly, weakref.ref(self))

    def reset(self) -> None:
        """Begin with an empty queue and no thread."""
        self._queue: list[Any] = []
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._hooked = False
        self._ending = False

    def put(self, events: Sequence[Any], made_id: str | None = None) -> Receipt:
        """Leave facts for the thread; they are validated and stamped here, so that what is refused is told at once."""
        try:
            good, rejected = self._checked(events, made_id)
        except Exception as error:  # noqa: BLE001 - an agent must never fail because it is being watched
            return self._sink.lose(len(events), error)
        receipt = Receipt()
        if rejected:
            receipt = self._sink.write([event for _, event in rejected])
            receipt.rejected = [(rejected[at][0], reason) for at, reason in receipt.rejected]
        with self._guard:
            room = len(self._queue) + len(good) <= self.LIMIT and self._started()
            if room:
                self._queue.extend(good)
        if not room:
            return self._sink.write(good) + receipt
        receipt.taken += len(good)
        return receipt

    def flush(self) -> None:
        """Write what is queued now; returns when it is written or counted as lost."""
        with self._writing:
            with self._guard:
                batch, self._queue = self._queue, []
            if batch:
                self._sink.write(batch)

    def close(self) -> None:
        """Stop the thread and write what is left; what is recorded meanwhile starts another."""
        with self._guard:
            thread, self._thread = self._thread, None
            self._stop.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self.flush()

    def close_for_good(self) -> None:
        """The same at the end of the process: from now on every call writes by itself."""
        self._ending = True
        self.close()

    # --- inside --------------------------------------------------------------------------------------------

    def _checked(self, events: Sequence[Any], made_id: str | None) -> tuple[list[Any], list[tuple[int, Any]]]:
        """The valid events, stamped, and the others with their positions."""
        now = self._sink.now()
        good: list[Any] = []
        rejected: list[tuple[int, Any]] = []
        for position, event in enumerate(events):
            try:
                valid = validated(event)
            except EventError:
                rejected.append((position, event))
            else:
                given: dict[str, Any] = {} if valid.at is not None else {"at": now}
                if made_id is not None and valid.id is None:
                    given["id"] = made_id
                good.append(valid.model_copy(update=given) if given else valid)
        return good, rejected

    def _started(self) -> bool:
        """Whether there is a thread that will write what is queued."""
        if self._thread is None and not self._ending:
            self._hook()
            stop = self._stop = threading.Event()
            thread = threading.Thread(target=self._run, args=(stop,), name="fedstore-background", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system has no more threads, or the interpreter starts none as it ends
                return False
            self._thread = thread
        return self._thread is not None

    def _hook(self) -> None:
        """A process that ``multiprocessing`` forks ends without the interpreter's exit functions; it has its own."""
        util = sys.modules.get("multiprocessing.util")
        if util is not None and not self._hooked:
            self._hooked = True
            util.Finalize(self, _close_quietly, args=(weakref.ref(self),), exitpriority=0)

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(self.INTERVAL_S):
            self.flush()


_alive: weakref.WeakSet[Background] = weakref.WeakSet()


def _close_quietly(reference: weakref.ref[Background]) -> None:
    background = reference()
    if background is not None:
        background.close_for_good()


def _after_fork_in_child() -> None:
    for background in list(_alive):
        background.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
