"""Tells what a program did to itself in the midst of a call from what went wrong in the call.

A recorder swallows its own failures, because an agent must never fail for being watched. It must not swallow the
agent's: a timeout that a signal handler raises, or an exception that another thread sets, only happens to surface here.
"""

from __future__ import annotations

from types import FrameType, TracebackType

__all__ = ["is_the_programs_own"]

_PACKAGE = __name__.partition(".")[0]
_OURS_MAY_RAISE = frozenset({_PACKAGE, "builtins", "decimal", "json", "pydantic_core", "pysqlite3", "sqlite3"})


def is_the_programs_own(error: BaseException) -> bool:
    """Whether `error` was raised into a call of this package: by a signal handler, or by another thread.

    A signal handler (and a debugger's trace function) is known by what it is called with, the frame that it
    interrupts. What another thread sets has no frame of its own: it comes out of a line of this package, and is of a
    class that nothing here raises.
    """
    if not isinstance(error, Exception):
        return True
    last: FrameType | None = None
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        last = trace.tb_frame
        if _was_given_a_frame(last):
            return True
        trace = trace.tb_next
    where = "" if last is None else str(last.f_globals.get("__name__", ""))
    home = type(error).__module__.partition(".")[0]
    return where.partition(".")[0] == _PACKAGE and (home not in _OURS_MAY_RAISE or isinstance(error, TimeoutError))


def _was_given_a_frame(frame: FrameType) -> bool:
    """Whether an argument of the function that runs in `frame` is a frame."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 0x04)  # 0x04: there is *args
    for name in code.co_varnames[:count]:
        value = frame.f_locals.get(name)
        if isinstance(value, FrameType) and str(frame.f_globals.get("__name__", "")).partition(".")[0] != _PACKAGE:
            return True
        if isinstance(value, tuple) and any(isinstance(item, FrameType) for item in value):
            return True
    return False
