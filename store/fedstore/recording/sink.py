"""The part of a recorder that meets the store: writes what it can, counts and keeps the reasons of what it cannot.

Nothing here raises but KeyboardInterrupt and its like. Facts that are refused go to ``rejects`` with their reason;
facts that a failing store could not take are counted, said once through ``logging``, and written to ``losses``
with the next success, so that ``fedtop doctor`` and the pane show them. Once an hour whoever records also purges what
has outlived its retention, one small transaction after a write, so that no timer and no thread is needed.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fedstore.cleaning import clean_name
from fedstore.errors import FedstoreError, Reason
from fedstore.ids import EARLIEST_MS, LATEST_MS, now_ms
from fedstore.interrupts import is_the_programs_own
from fedstore.recording.home import RETRY_S, Home
from fedstore.recording.renamed import in_own_words
from fedstore.recording.writer import FactWriter, Receipt
from fedstore.upkeep.rejects import LOSS_INSERT, REFUSAL_INSERT, Reject, as_text, reject_rows

if TYPE_CHECKING:
    from types import FrameType

    from fedstore.facts.events import Given
    from fedstore.store import Store

__all__ = ["Sink"]

SLICE = 500
"""Facts purged after one write: a few milliseconds."""
SLICE_EVERY_S = 1.0
LOOK_EVERY_S = 600.0
NOTE_EVERY_S = 1.0
"""How often what is lost is written beside the store."""
PATIENCE_S = 0.1
"""How long such a later wait is."""
_REASONS = 20
_log = logging.getLogger("fedstore")


class Sink:
    """Writes batches to a store that is opened when first needed."""

    def __init__(
        self, store: Store | str | Path | None, *, source: str, keep_content: bool, clock: Callable[[], int] | None
    ) -> None:
        self._home = Home(store)
        self._clock = _sound(clock or self._home.clock)
        self._source = source
        self._keep_content = keep_content
        self._writer: FactWriter | None = None
        self._guard = threading.RLock()
        self._not_before = 0.0
        self._failing = False
        self._why = ""
        self._lost_for = ""
        self._said: set[str] = set()
        self._pending = 0
        self._pending_since = 0
        self._next_slice = 0.0
        self._purging: Iterator[object] | None = None
        self._noted: Path | None = None
        self._next_note = 0.0
        self.lost = 0
        self.refused = 0
        _alive.add(self)

    def after_fork_in_child(self) -> None:
        """Another thread may have held the lock at the moment of the fork; what was lost is the parent's to note."""
        self._guard = threading.RLock()
        self._home.after_fork_in_child()
        self._pending = 0
        self._noted = None

    def now(self) -> int:
        """The present in UTC epoch milliseconds."""
        return self._clock()

    def write(self, events: Sequence[Given], made_id: str | None = None) -> Receipt:
        """Write a batch, as `FactWriter.write` does; what went wrong is in the receipt and the counters.

        Inside a write of the same thread (a signal handler) it only leaves the batch for the end of that write.
        """
        here = _here
        if here.busy and here.is_inside():
            here.behind.append((self, tuple(events), made_id))
            return Receipt(taken=len(events))
        try:
            here.busy = True
            try:
                receipt = self._written(events, made_id)
            except Exception as error:  # noqa: BLE001 - an agent must never fail because it is being watched
                return self.fail(len(events), error)
            except BaseException:
                self._settle()
                raise
            if receipt.rejected or self._pending or time.monotonic() >= self._next_slice:
                self._look_after(events, receipt)
            return receipt
        finally:
            here.busy = False
            if here.behind:
                here.write_behind()

    def deliver(self, events: Sequence[Given]) -> bool:
        """Write a batch that can wait; False when the store cannot be written now: then nothing of it was."""
        here = _here
        if here.busy and here.is_inside():
            return False
        try:
            here.busy = True
            receipt = self._written(events, None)
            self._look_after(events, receipt)
        except FedstoreError as error:
            self._say(self._trouble_is(error))
            return False
        except Exception as error:  # noqa: BLE001 - as above
            self.fail(len(events), error)
        except BaseException:
            self._settle()
            raise
        finally:
            here.busy = False
            if here.behind:
                here.write_behind()
        return True

    @property
    def trouble(self) -> str:
        """Why the last write failed; "" when it did not."""
        return self._why if self._failing else ""

    def fail(self, count: int, error: Exception) -> Receipt:
        """Count facts as lost; raises `error` when it is none of ours, but what the program raised into the call."""
        if is_the_programs_own(error):
            self._settle()
            raise error
        return self.lose(count, error)

    def lose(self, count: int, error: BaseException | str) -> Receipt:
        """Count facts that could not be written."""
        reason = error if isinstance(error, str) else self._trouble_is(error)
        with self._guard:
            self.lost += count
            if not self._pending:
                self._pending_since = self._clock()
            self._pending += count
            self._lost_for = reason
        self._say(reason)
        if time.monotonic() >= self._next_note:
            self.note_losses()
        return Receipt(lost=count)

    def note_losses(self) -> None:
        """Write what is lost and not in the store yet beside it: this process may end before it can be in it."""
        if not self._pending:
            return
        self._next_note = time.monotonic() + NOTE_EVERY_S
        try:
            from fedstore.upkeep.left_losses import LeftLoss, file_of, note

            file = self._noted or file_of(self._home.place(), id(self))
            note(file, LeftLoss(self._pending, self._lost_for, self._pending_since, self._clock()))
            self._noted = file
        except Exception as error:
            if is_the_programs_own(error):
                raise
            _log.debug("fedstore could not note its losses: %s", error)

    def close(self) -> None:
        """Note what was lost, then close the store if it was opened here."""
        with contextlib.suppress(Exception):
            if self._pending:
                self._confess()
        self.note_losses()
        self._writer = None
        self._home.close()

    # --- inside --------------------------------------------------------------------------------------------

    def _written(self, events: Sequence[Given], made_id: str | None) -> Receipt:
        """Write a batch; a value that no writer can take is refused by itself. Raises StoreError."""
        writer = self._writer or self._open()
        try:
            receipt = writer.write(events, made_id, patience_s=self._patience() if self._failing else None)
        except FedstoreError:
            self._failing = True
            raise
        except Exception as error:
            if is_the_programs_own(error):
                raise
            receipt = self._in_halves(events, error)
        self._failing = False
        return receipt

    def _in_halves(self, events: Sequence[Given], error: Exception) -> Receipt:
        """Write all of a batch but what made it fail. Raises StoreError."""
        if len(events) == 1:
            return Receipt(rejected=[(0, Reason(f"cannot be recorded: {type(error).__name__} in one of its values"))])
        half = len(events) // 2
        first, second = self._written(events[:half], None), self._written(events[half:], None)
        second.rejected = [(half + at, reason) for at, reason in second.rejected]
        return first + second

    def _patience(self) -> float:
        """How long to wait for a store that could not be written before, in seconds: an agent has waited once."""
        now = time.monotonic()
        if now < self._not_before:
            return 0.0
        self._not_before = now + RETRY_S
        return PATIENCE_S

    def _settle(self) -> None:
        """Let go of the store after a call that the program itself cut off; who cut it off knows that it was."""
        if self._writer is not None:
            self._home.engine().settle()

    def _trouble_is(self, error: BaseException) -> str:
        """Note why facts are not written now."""
        self._why = str(error) if isinstance(error, FedstoreError) else f"{type(error).__name__}: {_words(error)}"
        return self._why

    def _say(self, reason: str) -> None:
        """Log a reason once."""
        if reason not in self._said and len(self._said) < _REASONS:
            self._said.add(reason)
            _log.warning("fedstore could not record: %s", reason)

    def _open(self) -> FactWriter:
        self._writer = FactWriter(
            self._home.engine(), source=self._source, keep_content=self._keep_content, clock=self._clock
        )
        return self._writer

    def _refuse(self, events: Sequence[Given], receipt: Receipt) -> None:
        self.refused += len(receipt.rejected)
        source = clean_name(self._source) or "recorder"
        told = [(events[at], in_own_words(events[at], reason)) for at, reason in receipt.rejected]
        found = [Reject(source, reason, as_text(event)) for event, reason in told]
        with self._home.engine().write() as tx:
            tx.executemany(REFUSAL_INSERT, reject_rows(found, self._clock(), keep_content=self._keep_content))
        if "refused" not in self._said:
            self._said.add("refused")
            _log.warning("fedstore refused a fact: %s (`fedtop doctor` counts them)", told[0][1])

    def _look_after(self, events: Sequence[Given], receipt: Receipt) -> None:
        """What follows a write; what goes wrong here does not make the written facts lost."""
        try:
            if receipt.rejected:
                self._refuse(events, receipt)
            if self._pending:
                self._confess()
            if time.monotonic() >= self._next_slice:
                self._purge_a_little()
        except BaseException as error:
            if is_the_programs_own(error):
                self._settle()
                raise
            _log.debug("fedstore could not look after its store: %s", error)

    def _purge_a_little(self) -> None:
        """The next step of a purge that is due."""
        from fedstore.upkeep.clocks import is_believed
        from fedstore.upkeep.left_losses import adopt
        from fedstore.upkeep.retention import due, purge_steps

        self._next_slice = time.monotonic() + LOOK_EVERY_S
        database, now = self._home.engine(), self._clock()
        with self._guard:
            steps, self._purging = self._purging, None  # one thread at a time
        if steps is None:
            adopt(database)
        if steps is None and due(database, now) and is_believed(database, now):
            steps = purge_steps(database, self._home.settings(), now, chunk=SLICE)
        if steps is not None and next(steps, None) is not None:
            self._purging = steps
            self._next_slice = time.monotonic() + SLICE_EVERY_S

    def _confess(self) -> None:
        with self._guard:
            count, self._pending = self._pending, 0
        try:
            patience_s = self._patience() if self._failing else None
            with self._home.engine().write(patience_s) as tx:
                tx.execute(LOSS_INSERT, (count, self._lost_for, self._pending_since, self._clock()))
        except Exception:
            with self._guard:
                self._pending += count
            raise
        noted, self._noted = self._noted, None
        if noted is not None:
            from fedstore.upkeep.left_losses import forget

            forget(noted)


def _sound(clock: Callable[[], int]) -> Callable[[], int]:
    """A clock that tells epoch milliseconds, come what may: where the given one does not, it is the machine's."""
    if clock is now_ms:
        return clock
    said = False

    def present() -> int:
        nonlocal said
        try:
            told = int(clock())
            if EARLIEST_MS <= told <= LATEST_MS:
                return told
        except Exception as error:
            if is_the_programs_own(error):
                raise
        if not said:
            said = True
            _log.warning("the clock of a recorder does not tell UTC epoch milliseconds: the machine's is used")
        return now_ms()

    return present


class _Here(threading.local):
    """What the present thread is doing with its recorders."""

    def __init__(self) -> None:
        self.busy = False
        self.behind: list[tuple[Sink, Sequence[Given], str | None]] = []

    def is_inside(self) -> bool:
        """Whether a write of this thread is under way; `busy` says so for ever when one was cut off at its end."""
        frame = sys._getframe(2)  # noqa: SLF001 - what called the write that asks
        inside: FrameType | None = frame
        while inside is not None and inside.f_code not in _WRITES:
            inside = inside.f_back
        self.busy = inside is not None
        return self.busy

    def write_behind(self) -> None:
        """Write what was recorded during a write, by a signal handler or the end of an object."""
        behind, self.behind = self.behind, []
        for sink, events, made_id in behind:
            sink.write(events, made_id)


_here = _Here()
_WRITES = frozenset((Sink.write.__code__, Sink.deliver.__code__))
_alive: weakref.WeakSet[Sink] = weakref.WeakSet()


@atexit.register
def _at_exit() -> None:
    for sink in list(_alive):
        sink.note_losses()


def _after_fork_in_child() -> None:
    for sink in list(_alive):
        sink.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def _words(error: BaseException) -> str:
    try:
        return str(error)[:500]
    except Exception:  # noqa: BLE001 - a hostile __str__
        return ""
