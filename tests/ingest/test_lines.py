"""Lines by byte offset: what is whole, what waits, what is refused."""

from __future__ import annotations

import hashlib
import io
import json

import pytest

from fedstore.errors import EventError
from fedstore.ingest import lines as module
from fedstore.ingest.lines import LineStream, digest, head_digest, parse_line


@pytest.mark.parametrize(
    ("raw", "values"),
    [
        (b'{"a": 1}', [{"a": 1}]),
        (b'  {"a": 1}  \r', [{"a": 1}]),
        (b'{"a": 1}{"b": 2}', [{"a": 1}, {"b": 2}]),
        (b'{"a": 1} 17', [{"a": 1}, 17]),
        (b"", []),
        (b"   ", []),
        (b"\xef\xbb\xbf{}", [{}]),
        ('{"a": "ü"}'.encode(), [{"a": "ü"}]),
    ],
)
def test_values_of_a_line(raw: bytes, values: list[object]) -> None:
    assert parse_line(raw) == values


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"a": ', "not valid JSON"),
        (b'{"a": 1} x', "not valid JSON"),
        (b'{"a": "\xff"}', "not valid UTF-8 (byte 7"),
        (b"[" * 100_000, "not valid JSON"),
        (b"9" * 5_000, "number too long"),
    ],
)
def test_lines_that_are_refused(raw: bytes, words: str) -> None:
    with pytest.raises(EventError, match=words.replace("(", r"\(")):
        parse_line(raw)


def test_stream_yields_whole_lines_then_the_rest() -> None:
    data = b'{"a":1}\r\n\n{"b":2}\n{"c":'
    stream = LineStream(io.BytesIO(data))
    found = list(stream)
    assert [(line.number, line.offset, line.raw, line.whole) for line in found] == [
        (1, 0, b'{"a":1}', True), (2, 9, b"", True), (3, 10, b'{"b":2}', True), (4, 18, b'{"c":', False),
    ]  # fmt: skip
    assert (stream.offset, stream.number) == (18, 3)
    assert stream.hasher.hexdigest() == hashlib.blake2b(data[:18], digest_size=16).hexdigest()


def test_stream_goes_on_where_it_was_left() -> None:
    data = b'{"a":1}\n{"b":2}\n'
    whole = LineStream(io.BytesIO(data))
    list(whole)
    first = LineStream(io.BytesIO(data[:8]))
    list(first)
    rest = LineStream(io.BytesIO(data), first.offset, first.number, first.hasher)
    assert [json.loads(line.raw or b"") for line in rest] == [{"b": 2}]
    assert (rest.offset, rest.number, rest.hasher.hexdigest()) == (16, 2, whole.hasher.hexdigest())


def test_a_line_over_the_limit_is_passed_without_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(module, "_BLOCK", 16)
    data = b'"' + b"x" * 500 + b'"\n{"b":2}\n'
    stream = LineStream(io.BytesIO(data))
    found = list(stream)
    assert [(line.number, line.offset, line.raw, line.size) for line in found] == [
        (1, 0, None, 503), (2, 503, b'{"b":2}', 8),
    ]  # fmt: skip
    assert stream.hasher.hexdigest() == digest(data)


def test_identity_is_the_first_line_once_it_is_whole(tmp_path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b'{"a":')
    assert head_digest(path) is None
    path.write_bytes(b'{"a":1}')
    whole = head_digest(path)
    path.write_bytes(b'{"a":1}\n{"b":2}\n')
    assert whole == head_digest(path) == digest(b'{"a":1}')
    path.write_bytes(b"")
    assert head_digest(path) is None
