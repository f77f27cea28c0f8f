"""Whose turn it is to write, among the threads of a process.

A turn is held by a call, known by its frame, not by whoever promises to give it back: an exception from outside
(Ctrl-C, a timeout) can throw a thread out between any two of its steps, before it could. What it then leaves behind
nobody uses any more: whoever waits finds that the call is not under way and takes the turn over.
"""

from __future__ import annotations

import sys
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Turn"]

LOOK_S = 0.05
"""So often a waiting thread looks whether the call it waits for is still under way."""
_TRIES = 5
_THE = "holder"


class Turn:
    """Held by one call at a time."""

    __slots__ = ("_bell", "_held", "_taking_over", "found_left")

    def __init__(self) -> None:
        self._held: dict[str, _Holder] = {}  # one item: a dictionary takes and gives it in one step each
        self._taking_over = threading.Lock()
        self._bell = threading.Lock()
        """Rung, that is released, when the turn is given back; whoever waits takes it. May ring for nobody."""
        self._bell.acquire()
        self.found_left = False
        """Whether the turn was taken over from a call that had left it: who has it now looks after what that began."""

    def take(self, call: FrameType | None, timeout_s: float) -> bool:
        """Whether `call`, a frame of this thread, has the turn now, after waiting at most so long.

        False at once when a call further up in this thread has it. Without a frame (`None`) it is held until
        `give_back`, whatever becomes of the thread.
        """
        wanted = _Holder(call)
        if self._held.setdefault(_THE, wanted) is wanted:
            return True
        deadline = time.monotonic() + timeout_s
        next_look = time.monotonic() + LOOK_S
        while True:
            present = self._held.setdefault(_THE, wanted)
            if present is wanted:
                return True
            if present.thread == wanted.thread:
                return not present.is_under_way() and self._took_over(present, wanted)
            now = time.monotonic()
            if now >= next_look or now >= deadline:
                next_look = now + LOOK_S
                if not present.is_under_way() and self._took_over(present, wanted):
                    return True
            if now >= deadline:
                return False
            self._bell.acquire(timeout=min(deadline, next_look) - now)

    def give_back(self) -> None:
        """Let the next one write; nothing when it is not this thread's turn."""
        if self.is_mine():
            del self._held[_THE]
            if self._bell.locked():
                try:
                    self._bell.release()
                except RuntimeError:  # rung by another thread meanwhile
                    return

    def is_mine(self) -> bool:
        """Whether a call of this thread has the turn."""
        present = self._held.get(_THE)
        return present is not None and present.thread == threading.get_ident()

    def was_left(self) -> bool:
        """Whether a call of this thread had the turn, is over, and has not given it back."""
        present = self._held.get(_THE)
        return present is not None and present.thread == threading.get_ident() and not present.is_under_way()

    def acquire(self, timeout: float = threading.TIMEOUT_MAX) -> bool:
        """Whether this thread has the turn now, to hold it beyond any call: it is given back by `release` alone."""
        return self.take(None, timeout)

    release = give_back

    def _took_over(self, present: _Holder, wanted: _Holder) -> bool:
        """Put the wanted in the place of one whose call is over, unless somebody else has."""
        with self._taking_over:
            if self._held.get(_THE) is not present:
                return False
            self.found_left = True
            self._held[_THE] = wanted  # nobody else changes it: who is over gives nothing back, and others find it held
            return True


class _Holder:
    """A call and the thread that it runs in."""

    __slots__ = ("_call", "thread")

    def __init__(self, call: FrameType | None) -> None:
        self._call = call
        self.thread = threading.get_ident()

    def is_under_way(self) -> bool:
        """Whether the call is on the stack of its thread."""
        if self._call is None:
            return True
        if self.thread == threading.get_ident():
            return self._end_of(sys._getframe()) is None  # noqa: SLF001 - the only way to the stack
        # Another thread goes on while its frames are followed, and those that end meanwhile lead no further. Where the
        # last frame that was reached is met again from a later top, it was not one of them: all had been followed.
        last: FrameType | None = None
        for _ in range(_TRIES):
            top = sys._current_frames().get(self.thread)  # noqa: SLF001 - documented, for debuggers
            if top is None:
                return False
            reached = self._end_of(top, last)
            if reached is None:
                return True
            if reached is last:
                return False
            last = reached
        return True  # it goes too fast to say: whoever waits looks again

    def _end_of(self, top: FrameType, known: FrameType | None = None) -> FrameType | None:
        """Where following a stack from `top` ends: at `known` or its last frame; None when the call is on it."""
        frame: FrameType | None = top
        end = top
        while frame is not None:
            if frame is self._call:
                return None
            end, frame = frame, None if frame is known else frame.f_back
        return end
