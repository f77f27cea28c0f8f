"""Files of one JSON value per line, read by byte offset with constant memory.

A stream starts where it was left, counts lines, and sums up what it has consumed, so that a later look can tell
an appended file from a rewritten one. A last line without its line end stays unread until it is whole.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import orjson

from fedstore.errors import EventError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "MAX_LINE_BYTES",
    "Line",
    "LineStream",
    "Parsed",
    "digest",
    "head_digest",
    "is_one_object",
    "parse_line",
    "prefix_sum",
    "said_sum",
    "too_long",
]

MAX_LINE_BYTES = 64 * 1024 * 1024
_BLOCK = 1024 * 1024
_OLDER_DIGITS = 32
"""Watermarks of older stores have BLAKE2b, which takes four times as long to read a file."""
_BOM = b"\xef\xbb\xbf"
_BLANK = b"\0 \t\r\n"
_decoder = json.JSONDecoder()
_RECORD_KEYS = b"parentUuid|timestamp|type|uuid|sessionId|messageId|isSidechain|event_id|kind"
"""How the records that we read begin."""
_FIRST_KEY = re.compile(rb'\{"(\w{1,40})"')
_LOOKS, _LOOKED_AT = 1_000, 16 * 1024 * 1024
"""How many places of a torn line, and how many bytes behind them, are looked at for a whole record."""
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


class Line(NamedTuple):
    """One line: its number from 1, where it starts, its bytes, and whether it is `whole`.

    `size` counts the line end. A line over `MAX_LINE_BYTES` comes without its bytes (`raw` is None).
    """

    number: int
    offset: int
    raw: bytes | None
    size: int
    whole: bool


def too_long(limit: int) -> str:
    """Why a line of more than so many bytes is refused."""
    return f"line longer than {limit // 1024 // 1024} MiB"


def digest(data: bytes) -> str:
    """The hex digest of some bytes."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def head_digest(file: BinaryIO) -> str | None:
    """The digest of a file's first line, its identity wherever it lies; None while that line is half-written."""
    file.seek(0)
    line = file.readline(MAX_LINE_BYTES)
    if not line.endswith(b"\n") and parse_line(line).reason:
        return None
    return digest(line.rstrip(b"\r\n")) if line else None


# --- one line -------------------------------------------------------------------------------------------------


class Parsed(NamedTuple):
    """The values of a line, and what of it is none: why, and the `torn` bytes (empty where all is well)."""

    values: list[Any]
    reason: str = ""
    torn: bytes = b""


def parse_line(raw: bytes) -> Parsed:
    """The JSON values of a line: one, or several where a writer left out a line end or was cut off.

    Of a line that two records share, because the first was torn, the second is whole; NUL bytes, which a crash
    leaves behind, count as blanks.
    """
    try:
        return Parsed([orjson.loads(raw)])
    except ValueError:
        return _parse_odd(raw.removeprefix(_BOM).strip(_BLANK))


def _parse_odd(rest: bytes) -> Parsed:
    values: list[object] = []
    torn: list[bytes] = []
    reason = ""
    while rest:
        try:
            value, end = _first_value(rest)
        except EventError as error:
            reason = reason or str(error)
            end = _next_record(rest)
            torn.append(rest[:end])
        else:
            values.append(value)
        rest = rest[end:].lstrip(_BLANK)
    return Parsed(values, reason, b"".join(torn))


def _first_value(raw: bytes) -> tuple[object, int]:
    """The value that some bytes begin with, and where it ends. Raises EventError."""
    broken = None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        broken = error.start
        text = raw[:broken].decode("utf-8")
    try:
        value, end = _decoder.raw_decode(text)
    except json.JSONDecodeError as error:
        if broken is not None:
            raise EventError(f"not valid UTF-8 (byte {broken} of the line)") from None
        raise EventError(f"not valid JSON ({error.msg} at character {error.pos + 1})") from None
    except (RecursionError, ValueError):
        raise EventError("not valid JSON (nested too deep, or a number too long)") from None
    said = text[:end]
    return _without_half_pairs(value, said), len(said.encode())


def _without_half_pairs(value: object, said: str) -> object:
    """The value with U+FFFD for each half of a surrogate pair, which is no text and cannot be stored."""
    if not _HALF_PAIR.search(said):
        return value
    whole = json.dumps(value, ensure_ascii=False).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return json.loads(whole)


def _next_record(torn: bytes) -> int:
    """Where the next whole record begins behind a torn one; the end of the line where none does."""
    own = _FIRST_KEY.match(torn)
    keys = _RECORD_KEYS + (b"|" + own[1] if own is not None else b"")
    looks, left = _LOOKS, _LOOKED_AT
    for found in re.finditer(rb'\{"(?:' + keys + rb')"', torn[1:]):
        at = found.start() + 1
        looks, left = looks - 1, left - (len(torn) - at)
        if looks < 0 or (left < 0 and looks < _LOOKS - 1):
            break
        try:
            _, end = _first_value(torn[at:])
        except EventError:
            continue
        after = torn[at + end :].lstrip(_BLANK)
        if not after or after.startswith(b"{"):
            return at
    return len(torn)


def is_one_object(raw: bytes) -> bool:
    """Whether a line that begins an object seems to end it, too: a torn one lacks a brace."""
    return raw.endswith(b"}") and raw.count(b"{") == raw.count(b"}")


def said_sum(checksum: int) -> str:
    """A checksum as watermarks keep it."""
    return f"{checksum:08x}"


def prefix_sum(file: BinaryIO, size: int, said: str) -> int | None:
    """The checksum of the first `size` bytes of a file when a watermark `said` it of them, else None."""
    older = hashlib.blake2b(digest_size=16) if len(said) == _OLDER_DIGITS else None
    checksum = 0
    file.seek(0)
    while size > 0 and (block := file.read(min(_BLOCK, size))):
        checksum = zlib.crc32(block, checksum)
        if older is not None:
            older.update(block)
        size -= len(block)
    found = said_sum(checksum) if older is None else older.hexdigest()
    return checksum if size == 0 and found == said else None


# --- many lines -----------------------------------------------------------------------------------------------


class LineStream:
    """The lines of an open file from `offset` on; `checksum` (CRC-32) is that of everything before it.

    `number` lines were counted before; where the last of them had no end yet, what follows still belongs to it.
    """

    def __init__(self, file: BinaryIO, offset: int = 0, number: int = 0, checksum: int = 0) -> None:
        self.offset = offset
        self.number = number
        self.checksum = checksum
        self._file = file
        file.seek(max(0, offset - 1))
        self._goes_on = offset > 0 and number > 0 and file.read(1) != b"\n"
        file.seek(offset)

    def __iter__(self) -> Iterator[Line]:
        """Whole lines, each consumed when it is yielded; then the unfinished last one, not consumed."""
        readline = self._file.readline
        while raw := readline(MAX_LINE_BYTES):
            if raw.endswith(b"\n"):
                start, size = self.offset, len(raw)
                self.checksum = zlib.crc32(raw, self.checksum)
                self.offset = start + size
                self.number += not self._goes_on
                self._goes_on = False
                yield Line(self.number, start, raw.rstrip(b"\r\n"), size, True)
            elif len(raw) < MAX_LINE_BYTES:
                yield Line(self.number + (not self._goes_on), self.offset, raw, len(raw), whole=False)
                return
            else:
                yield self._skip(raw)

    def take(self, line: Line) -> None:
        """Consume the unfinished last line after all: it turned out to be whole."""
        if line.raw is not None:
            self._consumed(line.raw, line.raw)

    def _skip(self, first: bytes) -> Line:
        parts = iter(lambda: self._file.readline(_BLOCK), b"")
        start = self.offset
        number = self._consumed(None, first).number
        for part in parts:
            self.checksum = zlib.crc32(part, self.checksum)
            self.offset += len(part)
            if part.endswith(b"\n"):
                break
        return Line(number, start, None, self.offset - start, whole=True)

    def _consumed(self, raw: bytes | None, part: bytes) -> Line:
        start = self.offset
        self.checksum = zlib.crc32(part, self.checksum)
        self.offset = start + len(part)
        self.number += not self._goes_on
        self._goes_on = False
        return Line(self.number, start, raw, len(part), whole=True)
