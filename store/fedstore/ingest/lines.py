"""Files of one JSON value per line, read by byte offset with constant memory.

A stream starts where it was left, counts lines, and hashes what it has consumed, so that a later look can tell
an appended file from a rewritten one. A last line without its line end stays unread until it is whole.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from fedstore.errors import EventError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["MAX_LINE_BYTES", "Line", "LineStream", "digest", "head_digest", "new_hasher", "parse_line"]

MAX_LINE_BYTES = 64 * 1024 * 1024
_BLOCK = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_decoder = json.JSONDecoder()


class Line(NamedTuple):
    """One line: its number from 1, where it starts, its bytes, and whether it is ``whole``.

    ``size`` counts the line end. A line over ``MAX_LINE_BYTES`` comes without its bytes (``raw`` is None).
    """

    number: int
    offset: int
    raw: bytes | None
    size: int
    whole: bool


def new_hasher() -> hashlib.blake2b:
    """The hash that digests and watermarks use."""
    return hashlib.blake2b(digest_size=16)


def digest(data: bytes) -> str:
    """The hex digest of some bytes."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def head_digest(path: Path) -> str | None:
    """The digest of a file's first line, its identity wherever it lies; None while that line is half-written."""
    with path.open("rb") as file:
        line = file.readline(MAX_LINE_BYTES)
    if not line.endswith(b"\n"):
        try:
            parse_line(line)
        except EventError:
            return None
    return digest(line.rstrip(b"\r\n")) if line else None


def parse_line(raw: bytes) -> list[Any]:
    """The JSON values of a line: one, or several when a writer left out a line end. Raises EventError."""
    try:
        text = raw.removeprefix(_BOM).decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise EventError(f"not valid UTF-8 (byte {error.start} of the line)") from None
    values, position = [], 0
    while position < len(text):
        try:
            value, end = _decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise EventError(f"not valid JSON ({error.msg} at character {error.pos + 1})") from None
        except (RecursionError, ValueError):
            raise EventError("not valid JSON (nested too deep, or a number too long)") from None
        values.append(value)
        position = end
        while position < len(text) and text[position].isspace():
            position += 1
    return values


class LineStream:
    """The lines of an open file from ``offset`` on; ``hasher`` has seen everything before it."""

    def __init__(self, file: BinaryIO, offset: int = 0, number: int = 0, hasher: hashlib.blake2b | None = None) -> None:
        self.offset = offset
        self.number = number
        self.hasher = hasher if hasher is not None else new_hasher()
        self._file = file
        file.seek(offset)

    def __iter__(self) -> Iterator[Line]:
        """Whole lines, each consumed when it is yielded; then the unfinished last one, not consumed."""
        while raw := self._file.readline(MAX_LINE_BYTES):
            if raw.endswith(b"\n"):
                yield self._consumed(raw.rstrip(b"\r\n"), [raw])
            elif len(raw) < MAX_LINE_BYTES:
                yield Line(self.number + 1, self.offset, raw, len(raw), whole=False)
                return
            else:
                yield self._skip(raw)

    def take(self, line: Line) -> None:
        """Consume the unfinished last line after all: it turned out to be whole."""
        if line.raw is not None:
            self._consumed(line.raw, [line.raw])

    def _skip(self, first: bytes) -> Line:
        parts = iter(lambda: self._file.readline(_BLOCK), b"")
        start, number = self.offset, self.number + 1
        self._consumed(None, [first])
        for part in parts:
            self.hasher.update(part)
            self.offset += len(part)
            if part.endswith(b"\n"):
                break
        return Line(number, start, None, self.offset - start, whole=True)

    def _consumed(self, raw: bytes | None, parts: list[bytes]) -> Line:
        start = self.offset
        for part in parts:
            self.hasher.update(part)
            self.offset += len(part)
        self.number += 1
        return Line(self.number, start, raw, self.offset - start, whole=True)
