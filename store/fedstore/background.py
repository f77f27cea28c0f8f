"""The recorder's background mode: calls return at once, a thread writes what they left a few times a second.

The loss bound: after ``kill -9`` at most what was recorded in the last ``INTERVAL_S`` seconds (plus the time of the
write under way) is lost, and never more than ``LIMIT`` facts, because a call that finds the queue full writes by
itself. Interpreter exit, ``flush`` and ``close`` write everything. After a fork the child starts with an empty queue;
the parent still writes its own.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Sequence
from typing import Any

from fedstore.errors import EventError
from fedstore.sink import Sink
from fedstore.writer import Receipt, validated

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
        self._wake = threading.Event()
        self._stop = False
        self._thread: threading.Thread | None = None

    def put(self, events: Sequence[Any]) -> Receipt:
        """Leave facts for the thread; they are validated and stamped here, so that what is refused is told at once."""
        try:
            good, rejected = self._checked(events)
        except Exception as error:  # noqa: BLE001 - an agent must never fail because it is being watched
            return self._sink.lose(len(events), error)
        receipt = Receipt()
        if rejected:
            receipt = self._sink.write([event for _, event in rejected])
            receipt.rejected = [(rejected[at][0], reason) for at, reason in receipt.rejected]
        with self._guard:
            room = len(self._queue) + len(good) <= self.LIMIT
            if room:
                self._queue.extend(good)
                self._start()
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
        """Stop the thread and write what is left."""
        thread = self._thread
        self._stop = True
        self._wake.set()
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join()
        self.flush()
        self._reset_thread()

    # --- inside --------------------------------------------------------------------------------------------

    def _checked(self, events: Sequence[Any]) -> tuple[list[Any], list[tuple[int, Any]]]:
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
                good.append(valid if valid.at is not None else valid.model_copy(update={"at": now}))
        return good, rejected

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="fedstore-background", daemon=True)
            self._thread.start()

    def _reset_thread(self) -> None:
        with self._guard:
            self._thread = None
            self._stop = False
            self._wake = threading.Event()

    def _run(self) -> None:
        while not self._stop:
            self._wake.wait(self.INTERVAL_S)
            self.flush()


_alive: weakref.WeakSet[Background] = weakref.WeakSet()


def _close_quietly(reference: weakref.ref[Background]) -> None:
    background = reference()
    if background is not None:
        background.close()


def _after_fork_in_child() -> None:
    for background in _alive:
        background.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
