"""The recorder's background mode: calls return at once, a thread writes what they left a few times a second.

What `kill -9` can cost is what was recorded in the last `flush_s` seconds and while the write under way goes on, and
never more than `buffer` facts: a fact stays in the queue until it is written. While the store cannot be written, facts
wait in the queue and are tried again; when it is full, the newest are counted as lost, and no call waits. `flush`,
`close` and the end of the interpreter, or of a process that `multiprocessing` made, write everything; what is recorded
after that end has begun, or when no thread can be had, is written by the call. After a fork the child starts with an
empty queue; the parent still writes its own.

A call only appends to a queue, which takes no lock: a signal handler may record whatever it interrupts.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fedstore.errors import EventError
from fedstore.recording.sink import Sink
from fedstore.recording.writer import Receipt, validated

if TYPE_CHECKING:
    from fedstore.facts.events import Event, Given

__all__ = ["Background"]

_CHUNK = 2_000
"""Facts written by one transaction: some 20 ms, which is how long another writer waits."""


class Background:
    """What a recorder holds of its queue: `put`, `flush`, `close`. When it is dropped, the queue is written and closed.

    `flush_s` is the pause between two writes in seconds, `buffer` the most facts that may wait.
    """

    INTERVAL_S = 0.25
    LIMIT = 10_000

    def __init__(self, sink: Sink, *, buffer: int | None = None, flush_s: float | None = None) -> None:
        limit = self.LIMIT if buffer is None else buffer
        self._waiting = _Waiting(sink, limit, self.INTERVAL_S if flush_s is None else flush_s)
        self.put = self._waiting.put
        self.flush = self._waiting.flush
        self.close = self._waiting.close
        weakref.finalize(self, self._waiting.end).atexit = False


class _Waiting:
    """The queue, and the thread that empties it; the thread holds it, not the recorder."""

    def __init__(self, sink: Sink, limit: int, flush_s: float) -> None:
        self._sink = sink
        self._limit = limit
        self._flush_s = flush_s
        self.reset()
        _alive.add(self)

    def reset(self) -> None:
        """Begin with an empty queue and no thread."""
        self._queue: deque[Event] = deque()
        self._guard = threading.RLock()
        self._writing = threading.RLock()
        self._writer = 0
        """The thread that is writing, 0 for none."""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = False
        self._hooked = False
        self._ending = False

    def put(self, events: Sequence[Given], made_id: str | None = None) -> Receipt:
        """Leave facts for the thread; they are validated and stamped here, so that what is refused is told at once."""
        try:
            good, rejected = self._checked(events, made_id)
        except Exception as error:  # noqa: BLE001 - an agent must never fail because it is being watched
            return self._sink.fail(len(events), error)
        receipt = Receipt()
        if rejected:
            receipt = self._sink.write([event for _, event in rejected])
            receipt.rejected = [(rejected[at][0], reason) for at, reason in receipt.rejected]
        if not self._started() or len(good) > self._limit:
            self.flush()
            return self._sink.write(good) + receipt
        if len(self._queue) + len(good) > self._limit and not self._made_room(len(good)):
            trouble = self._sink.trouble or "they come faster than they are written"
            return self._sink.lose(len(good), f"{len(self._queue)} facts are waiting already: {trouble}") + receipt
        self._queue.extend(good)
        receipt.taken += len(good)
        return receipt

    def flush(self) -> None:
        """Write what is queued now; what cannot be written stays in the queue and is tried again."""
        self._write_out()

    def close(self) -> None:
        """Stop the thread and write what is left, or count it as lost; what is recorded meanwhile starts another."""
        with self._guard:
            thread, self._thread = self._thread, None
            self._stop.set()
        me = threading.get_ident()
        if thread is not None and thread.ident != me and self._writer != me:
            thread.join()
        if not self._write_out():
            left = len(self._queue)
            self._queue.clear()
            self._sink.lose(left, self._sink.trouble or "the store could not be written")

    def close_for_good(self) -> None:
        """The same at the end of the process: from now on every call writes by itself."""
        self._ending = True
        self.close()

    def end(self) -> None:
        """Have the thread write what is left and end; nobody records here any more."""
        if self._thread is None:
            self._sink.close()
        else:
            self._ending = True
            self._stop.set()

    # --- inside --------------------------------------------------------------------------------------------

    def _write_out(self) -> bool:
        """Whether all that was queued is written."""
        me = threading.get_ident()
        if self._writer == me:  # a signal handler inside the write under way, which goes on until nothing is queued
            return True
        with self._writing:
            self._writer = me
            try:
                while self._queue:
                    # by position, not by iteration: others append meanwhile, which an iterator does not survive
                    batch = [self._queue[at] for at in range(min(len(self._queue), _CHUNK))]
                    if not self._sink.deliver(batch):
                        return False
                    for _ in batch:
                        self._queue.popleft()
            finally:
                self._writer = 0
        return True

    def _made_room(self, wanted: int) -> bool:
        """Whether there is room now, after a write by the call itself; not while the store cannot be written."""
        return not self._sink.trouble and self._write_out() and len(self._queue) + wanted <= self._limit

    def _checked(self, events: Sequence[Given], made_id: str | None) -> tuple[list[Event], list[tuple[int, Given]]]:
        """The valid events, stamped, and the others with their positions."""
        now = self._sink.now()
        good: list[Event] = []
        rejected: list[tuple[int, Given]] = []
        for position, event in enumerate(events):
            try:
                valid = validated(event)
            except EventError:
                rejected.append((position, event))
            else:
                given: dict[str, object] = {} if valid.at is not None else {"at": now}
                if made_id is not None and valid.id is None:
                    given["id"] = made_id
                good.append(valid.model_copy(update=given) if given else valid)
        return good, rejected

    def _started(self) -> bool:
        """Whether there is a thread that will write what is queued."""
        if self._ending or self._thread is not None:
            return not self._ending
        with self._guard:
            if self._thread is None and not self._starting:  # a signal handler may come while one is being started
                self._starting = True
                try:
                    self._hook()
                    stop = self._stop = threading.Event()
                    thread = threading.Thread(target=self._run, args=(stop,), name="fedstore-background", daemon=True)
                    thread.start()
                    self._thread = thread
                except RuntimeError:  # the system has no more threads, or the interpreter starts none as it ends
                    return False
                finally:
                    self._starting = False
            return True

    def _hook(self) -> None:
        """A process that `multiprocessing` forks ends without the interpreter's exit functions; it has its own."""
        util = sys.modules.get("multiprocessing.util")
        if util is not None and not self._hooked:
            self._hooked = True
            util.Finalize(self, _close_quietly, args=(weakref.ref(self),), exitpriority=0)

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(self._flush_s):
            self._write_out()
        if self._ending and self._thread is threading.current_thread():  # dropped without a close
            self.close()
            self._sink.close()


@atexit.register
def _at_exit() -> None:
    for waiting in list(_alive):
        waiting.close_for_good()


_alive: weakref.WeakSet[_Waiting] = weakref.WeakSet()


def _close_quietly(reference: weakref.ref[_Waiting]) -> None:
    waiting = reference()
    if waiting is not None:
        waiting.close_for_good()


def _after_fork_in_child() -> None:
    for waiting in list(_alive):
        waiting.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
