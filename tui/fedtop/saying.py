"""The last word on stdout, whatever stdout is: a pipe that nobody reads any more, a full disk."""

from __future__ import annotations

import os
import sys

__all__ = ["printable", "say", "settle"]


def printable(text: str) -> str:
    """Text from outside as one line that does nothing to a terminal: a ? stands for each control character."""
    return "".join(char if char.isprintable() else "?" for char in text)


def say(text: str) -> int:
    """Write the text; the exit code: 0, 1 when its reader has gone, 2 when it cannot be written."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        settle()
        return 1
    except OSError as error:
        settle()
        sys.stderr.write(f"fedtop: the output cannot be written: {error.strerror}\n")
        return 2
    return 0


def settle() -> None:
    """Drop what cannot be written, so that the interpreter does not try again at its end and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
