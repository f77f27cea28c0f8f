"""Events from a pipe: however it is cut into reads, at once, each refused line with its number and reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedstore import Store, StoreError, record_lines
from fedstore.ingest import stream
from tests.conftest import Clock

RUN = b'{"kind": "run", "agent": "kimi", "success": true}'
USAGE = b'{"kind": "usage", "id": "u", "agent": "kimi", "model": "m", "input_tokens": 3}'
LINES = b"\n".join([RUN, b"", USAGE, b"{", USAGE, b'{"kind": "run"}', b"\xff\xfe", b"  ", RUN + RUN, b"7"])
REFUSED = {4: "not valid JSON", 6: "agent: field required", 7: "not valid UTF-8", 10: "an event is a mapping"}


class Pieces:
    """A pipe that gives what it holds piece by piece."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read1(self, size: int, /) -> bytes:
        piece = next(self._pieces, b"")
        assert len(piece) <= size
        return piece


def cut(data: bytes, at: list[int]) -> Iterator[bytes]:
    """The data in pieces that end at the given places."""
    places = sorted({0, len(data), *(place % len(data) for place in at)})
    return iter([data[a:b] for a, b in pairwise(places)])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.lists(st.integers(0, len(LINES)), max_size=12), ended=st.booleans())
def test_however_it_is_cut(tmp_path_factory: pytest.TempPathFactory, at: list[int], ended: bool) -> None:
    with Store(tmp_path_factory.mktemp("s") / "s.db", clock=Clock()) as store:
        report = record_lines(store, Pieces(cut(LINES + b"\n" * ended, at)), source="pipe")
        assert (report.taken, report.known, report.rejected) == (4, 1, 4)
        assert [line for line, _ in report.reasons] == list(REFUSED)
        for (_, reason), words in zip(report.reasons, REFUSED.values(), strict=True):
            assert reason.startswith(words)
        assert store.reader().rejects()[::-1] == tuple(
            ("pipe", line, reason, store.clock()) for line, reason in report.reasons
        )
        assert store.database.read("SELECT SUM(runs) FROM agent_buckets WHERE width = 60000") == [(3,)]


def test_what_has_arrived_is_there_before_the_pipe_ends(store: Store) -> None:
    def live() -> Iterator[bytes]:
        yield RUN + b"\n" + RUN[:20]
        assert store.database.read("SELECT COUNT(*) FROM runs") == [(1,)]
        yield RUN[20:]
        assert store.database.read("SELECT COUNT(*) FROM runs") == [(1,)]
        yield b"\n"
        assert store.database.read("SELECT COUNT(*) FROM runs") == [(2,)]

    assert record_lines(store, Pieces(live())).taken == 2


def test_an_endless_line_is_refused_once_and_costs_no_memory(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_LINE_BYTES", 1 << 20)
    pieces = [RUN + b"\n", *[b"x" * 200_000] * 20, b"x\n" + RUN, b"\n"]
    report = record_lines(store, Pieces(iter(pieces)))
    assert (report.taken, report.rejected, report.reasons) == (2, 1, [(2, "line longer than 1 MiB")])


def test_a_store_that_fails_says_so_and_keeps_what_was_written(store: Store) -> None:
    def filling() -> Iterator[bytes]:
        yield RUN + b"\n"
        with store.database.write() as tx:
            (pages,) = tx.execute("PRAGMA page_count")[0]
            tx.execute(f"PRAGMA max_page_count = {pages}")
        yield b"".join(json.dumps({"kind": "run", "agent": f"a{n}"}).encode() + b"\n" for n in range(900))

    with pytest.raises(StoreError, match=r"is full.*\(what came before line 2 is recorded\)"):
        record_lines(store, Pieces(filling()))
    assert store.database.read("SELECT agent FROM runs") == [("kimi",)]


def test_a_file_is_a_pipe_too(store: Store, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(RUN)
    with (tmp_path / "events.jsonl").open("rb") as file:
        assert record_lines(store, file).taken == 1
