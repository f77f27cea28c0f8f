"""Signals that end a program: `kill`, or a terminal that was closed."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterator

__all__ = ["ENDING", "ended_by", "told_of_the_end"]

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Windows knows one of them only."""


def ended_by(number: int) -> int:
    """The exit code of a program that a signal ended, as a shell tells it."""
    return 128 + number


@contextmanager
def told_of_the_end(loop: AbstractEventLoop, tell: Callable[[int], None]) -> Iterator[None]:
    """While the block runs, a signal to end calls `tell` with its number in the loop, instead of ending the program.

    Does nothing where the loop cannot wait for signals: on Windows, and in any thread but the main one.
    """
    before = {number: signal.getsignal(number) for number in ENDING}
    heeded = []
    for number in ENDING:
        try:
            loop.add_signal_handler(number, tell, number)
        except (NotImplementedError, RuntimeError, ValueError):
            break
        heeded.append(number)
    try:
        yield
    finally:
        for number in heeded:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])
