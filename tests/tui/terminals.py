"""A program in a pseudoterminal, and what that terminal shows: of what is drawn, only what arrives."""

from __future__ import annotations

import codecs
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from rich.cells import cell_len

__all__ = ["Shown", "Terminal", "terminal"]

_PATIENCE_S: Final = 60.0
_SEQUENCE: Final = re.compile(
    r"\x1b\[(?P<given>[0-?]*)[ -/]*(?P<what>[@-~])"  # CSI: where to write, in which colour
    r"|\x1b[\]P^_].*?(?:\x07|\x1b\\)"  # strings to the terminal itself
    r"|\x1b[ -/]*[0-Z\\^-~]",
    re.DOTALL,
)


class Shown:
    """The cells of a terminal: text at its place, and no more of what terminals know than full-screen programs use."""

    def __init__(self, columns: int, lines: int) -> None:
        self.columns, self.lines = columns, lines
        self._x = self._y = 0
        self._unread = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._cells: list[list[str]] = []
        self._clear()

    @property
    def text(self) -> str:
        """The lines; the second half of a wide character is nothing."""
        return "\n".join("".join(line).rstrip() for line in self._cells)

    def feed(self, output: bytes) -> None:
        """Takes what a program wrote."""
        text = self._unread + self._decoder.decode(output)
        self._unread = ""
        while text:
            plain, escape, rest = text.partition("\x1b")
            for character in plain:
                self._put(character)
            found = _SEQUENCE.match(escape + rest) if escape else None
            if escape and found is None:
                self._unread = escape + rest  # the rest of it is on its way
                return
            if found is not None and found["what"]:
                self._obey(found["what"], found["given"])
            text = rest[found.end() - 1 :] if found is not None else ""

    def _clear(self) -> None:
        self._cells = [[" "] * self.columns for _ in range(self.lines)]

    def _obey(self, what: str, given: str) -> None:
        numbers = [int(number or 0) for number in given.split(";")] if re.fullmatch(r"[\d;]+", given) else [0]
        if what == "H":
            row, column = (*numbers, 1)[:2]
            self._y, self._x = max(1, row) - 1, max(1, column) - 1
        elif what == "J" or (what in "hl" and given == "?1049"):
            self._clear()
        elif what == "K" and self._y < self.lines:
            self._cells[self._y][self._x :] = [" "] * (self.columns - self._x)
        elif what in "ABCD":
            step = max(1, numbers[0])
            self._y += {"A": -step, "B": step}.get(what, 0)
            self._x += {"C": step, "D": -step}.get(what, 0)

    def _put(self, character: str) -> None:
        if character == "\n":
            self._y += 1
        elif character == "\r":
            self._x = 0
        elif character.isprintable() and 0 <= self._y < self.lines and 0 <= self._x < self.columns:
            width = cell_len(character)
            if width:
                self._cells[self._y][self._x : self._x + width] = [character, *[""] * (width - 1)]
                self._x += width


class Terminal:
    """See the module. `shown` is what it shows by now, `written` all that was ever written to it."""

    def __init__(self, process: subprocess.Popen[bytes], master: int, shown: Shown) -> None:
        self.process, self.shown = process, shown
        self.written = b""
        self._master = master

    @property
    def modes(self) -> list[Any]:
        """How the terminal treats what is typed: echo, lines, signals."""
        import termios

        return termios.tcgetattr(self._master)

    def press(self, keys: str) -> None:
        """Types."""
        os.write(self._master, keys.encode())

    def wait_for(self, *words: str, without: str = "") -> str:
        """Reads until all of the words are shown at once, and one word is not; returns the screen."""
        for _ in self._reading():
            text = self.shown.text
            if all(word in text for word in words) and not (without and without in text):
                return text
        raise AssertionError(f"never shown: {words} without {without!r}\n{self.shown.text}")

    def wait_until_stopped(self) -> None:
        """Reads until the program has suspended itself."""
        for _ in self._reading():
            found, status = os.waitpid(self.process.pid, os.WUNTRACED | os.WNOHANG)
            if found and os.WIFSTOPPED(status):
                return
        raise AssertionError(f"never stopped\n{self.shown.text}")

    def wait(self) -> int:
        """Reads until the program has ended; its exit code."""
        for _ in self._reading():
            pass
        return self.process.wait(_PATIENCE_S)

    def _reading(self) -> Iterator[None]:
        end = time.monotonic() + _PATIENCE_S
        yield
        while time.monotonic() < end:
            if select.select([self._master], [], [], 0.1)[0]:
                try:
                    output = os.read(self._master, 65_536)
                except OSError:  # how Linux says that the other side was closed
                    return
                if not output:
                    return
                self.written += output
                self.shown.feed(output)
            yield


@contextmanager
def terminal(code: str, *arguments: str, size: tuple[int, int] = (80, 24), **environment: str) -> Iterator[Terminal]:
    """Python code as the leading program of a terminal; what is still running at the end is killed."""
    import fcntl
    import pty
    import struct
    import termios

    columns, lines = size
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    given: dict[str, Any] = {"stdin": slave, "stdout": slave, "stderr": slave, "start_new_session": True}
    usual = {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(lines)}
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], env=os.environ | usual | environment, **given)
    os.close(slave)
    try:
        yield Terminal(process, master, Shown(columns, lines))
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        os.close(master)
