"""Lines by byte offset: what is whole, what waits, what is refused."""

from __future__ import annotations

import hashlib
import io
import json
import time
import zlib

import pytest

from fedstore.ingest import lines as module
from fedstore.ingest.lines import LineStream, digest, head_digest, parse_line, prefix_sum, said_sum


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
        (b'\0\0\0{"a": 1}', [{"a": 1}]),
        (b'{"a": 1}\0\0{"b": 2}\0', [{"a": 1}, {"b": 2}]),
        (b"\0" * 4_096, []),
        (b'{"a": "\\ud83d"}', [{"a": "\ufffd"}]),
        (b'{"a": "\\ud83d\\ude00 \\ude00", "\\udcff": NaN, "n": 1e999}', None),
    ],
)
def test_values_of_a_line(raw: bytes, values: list[object] | None) -> None:
    found = parse_line(raw)
    assert (found.reason, found.torn) == ("", b"")
    if values is not None:
        assert found.values == values
    else:
        ((value,),) = ([*found.values],)
        assert list(value) == ["a", "\ufffd", "n"]
        assert value["a"] == "\U0001f600 \ufffd"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"a":', "not valid JSON"),
        (b'{"a": "\xff"}', "not valid UTF-8 (byte 7"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"n": ' + b"9" * 5_000, "not valid JSON (nested too deep, or a number too long)"),
    ],
    ids=["cut", "bytes", "deep", "long"],
)
def test_lines_that_are_refused(raw: bytes, words: str) -> None:
    found = parse_line(raw)
    assert found.values == []
    assert words in found.reason
    assert found.torn == raw


WHOLE = b'{"parentUuid": "p", "type": "user", "message": {"content": [{"type": "text", "text": "{\\"type\\": 1}"}]}}'


@pytest.mark.parametrize(
    ("torn", "end"),
    [
        (b'{"parentUuid": "q", "message": {"content": [{"type": "text", "text": "cut he', b""),
        (b'{"parentUuid": "q", "message": {"content": [{"type": "tool_use", "id": "t", "input": {}}], "usa', b""),
        (b'{"parentUuid": "q", "text": "caf\xc3', b""),
        (b'the end of something"}}', b""),
        (b'{"parentUuid": "q", "te\0\0\0', b""),
        (b"", b'{"parentUuid": "q", "te'),
        (b'{"timestamp": "2026', b'{"timestamp": "2026-0'),
        (b'{"own_first_key": {"own_first_key": 1}, "x', b""),
    ],
)
def test_the_whole_record_of_a_torn_line_is_read(torn: bytes, end: bytes) -> None:
    found = parse_line(torn + WHOLE + end)
    assert found.values == [json.loads(WHOLE)]
    assert found.torn == torn + end
    assert "not valid" in found.reason


def test_two_whole_records_stand_behind_a_torn_one() -> None:
    found = parse_line(b'{"type": "assistant", "message": {"cont' + WHOLE + WHOLE)
    assert found.values == [json.loads(WHOLE)] * 2


def test_a_long_torn_line_is_given_up_in_good_time() -> None:
    inner = b'{"type": "text", "text": "x"}, '
    started = time.process_time()
    found = parse_line(b'{"type": "user", "content": [' + inner * 300_000)
    assert found.values == []
    assert time.process_time() - started < 5


def test_stream_yields_whole_lines_then_the_rest() -> None:
    data = b'{"a":1}\r\n\n{"b":2}\n{"c":'
    stream = LineStream(io.BytesIO(data))
    found = list(stream)
    assert [(line.number, line.offset, line.raw, line.whole) for line in found] == [
        (1, 0, b'{"a":1}', True), (2, 9, b"", True), (3, 10, b'{"b":2}', True), (4, 18, b'{"c":', False),
    ]  # fmt: skip
    assert (stream.offset, stream.number) == (18, 3)
    assert stream.checksum == zlib.crc32(data[:18])


def test_stream_goes_on_where_it_was_left() -> None:
    data = b'{"a":1}\n{"b":2}\n'
    whole = LineStream(io.BytesIO(data))
    list(whole)
    first = LineStream(io.BytesIO(data[:8]))
    list(first)
    rest = LineStream(io.BytesIO(data), first.offset, first.number, first.checksum)
    assert [json.loads(line.raw or b"") for line in rest] == [{"b": 2}]
    assert (rest.offset, rest.number, rest.checksum) == (16, 2, whole.checksum)


@pytest.mark.parametrize("rest", [b"\n", b"\r\n", b'{"b":2}\n', b" \n"])
def test_what_follows_a_line_that_had_no_end_belongs_to_it(rest: bytes) -> None:
    data = b'{"a":1}\n{"b":1}' + rest + b"bad\n"
    first = LineStream(io.BytesIO(data[:15]))
    for line in first:
        if not line.whole:
            first.take(line)
    assert (first.offset, first.number) == (15, 2)
    later = LineStream(io.BytesIO(data), first.offset, first.number, first.checksum)
    assert [(line.number, line.raw) for line in later] == [(2, rest.rstrip(b"\r\n")), (3, b"bad")]
    assert later.checksum == zlib.crc32(data)


def test_a_line_over_the_limit_is_passed_without_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(module, "_BLOCK", 16)
    data = b'"' + b"x" * 500 + b'"\n{"b":2}\n'
    stream = LineStream(io.BytesIO(data))
    found = list(stream)
    assert [(line.number, line.offset, line.raw, line.size) for line in found] == [
        (1, 0, None, 503), (2, 503, b'{"b":2}', 8),
    ]  # fmt: skip
    assert stream.checksum == zlib.crc32(data)


def test_identity_is_the_first_line_once_it_is_whole() -> None:
    def head(data: bytes) -> str | None:
        return head_digest(io.BytesIO(data))

    assert head(b'{"a":') is None
    assert head(b'{"a":1}') == head(b'{"a":1}\n{"b":2}\n') == digest(b'{"a":1}')
    assert head(b"") is None


def test_a_watermark_is_believed_of_the_bytes_it_was_made_from() -> None:
    data = b'{"a":1}\n{"b":2}\n'
    said = said_sum(zlib.crc32(data[:8]))
    older = hashlib.blake2b(data[:8], digest_size=16).hexdigest()
    for word in (said, older):
        assert prefix_sum(io.BytesIO(data), 8, word) == zlib.crc32(data[:8])
        assert prefix_sum(io.BytesIO(data), 9, word) is None
        assert prefix_sum(io.BytesIO(b"x" + data), 8, word) is None
        assert prefix_sum(io.BytesIO(data[:5]), 8, word) is None
