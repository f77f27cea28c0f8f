"""What a reader fails on costs that value and nothing else, whatever it raises and whatever it had begun to do."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedstore.errors import EventError, StoreBusyError
from fedstore.ingest import ImportReport, events_jsonl, formats, import_paths
from fedstore.ingest.gathering import Gatherer
from fedstore.ingest.lines import Line, LineStream, parse_line
from fedstore.ingest.reader import Held, LineReader, Place
from fedstore.recording.writer import FactWriter
from fedstore.store import Store
from tests.ingest.helpers import count, lines

AT = 1_773_140_000_000


class Runs(LineReader):
    """Ends a run with the line after it; what it fails on has by then changed everything it remembers."""

    def __init__(self, state: dict[str, Any], _path: Path = Path()) -> None:
        self._open: list[Any] = state.get("open", [])

    def read(self, value: Any) -> list[Any]:
        ended, self._open = self._open, [value, list(self.place)]
        if value.get("raise"):
            raise {"event": EventError, "key": KeyError, "deep": RecursionError}[value["raise"]](value["raise"])
        return [] if not ended else [self._run(ended)]

    def finish(self, _now_ms: int) -> list[Any]:
        ended, self._open = self._open, []
        return [self._run(ended)] if ended else []

    def state(self) -> dict[str, Any]:
        return {"open": self._open}

    def _run(self, held: list[Any]) -> Held:
        value, place = held
        return Held({"kind": "run", "at": AT, **value}, Place(*place))


def gathered(data: bytes, every: int) -> tuple[list[Held], list[tuple[int, str]]]:
    """The facts and refusals of some lines, taken out every so many lines."""

    def stream(offset: int, number: int) -> Iterator[Line]:
        return iter(LineStream(io.BytesIO(data), offset, number))

    gatherer = Gatherer(Runs, stream, 0, 0, "{}")
    facts: list[Held] = []
    refused: list[tuple[int, str]] = []
    lines_of = LineStream(io.BytesIO(data))
    for number, line in enumerate(lines_of, start=1):
        gatherer.take(line, parse_line(line.raw or b""))
        if number % every == 0:
            more, wrong = gatherer.taken(lines_of.offset, lines_of.number)
            facts += more
            refused += [(one.place.number, one.reason) for one in wrong]
    gatherer.finish(AT, Place(0, 0, 0))
    more, wrong = gatherer.taken(lines_of.offset, lines_of.number)
    return facts + more, refused + [(one.place.number, one.reason) for one in wrong]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([None, None, "event", "key", "deep"]), min_size=1, max_size=3), min_size=1, max_size=12
    ),
    st.integers(1, 13),
)
def test_a_value_that_a_reader_fails_on_never_was(rows: list[list[str | None]], every: int) -> None:
    """Also where several values share a line, and wherever a batch ends."""
    data = b""
    expected, failing = [], 0
    for number, row in enumerate(rows, start=1):
        for at, what in enumerate(row):
            value = {"id": f"{number}.{at}"}
            data += json.dumps(value if what is None else {**value, "raise": what}).encode()
            failing += what is not None
            expected += [(value["id"], number)] if what is None else []
        data += b"\n"
    facts, refused = gathered(data, every)
    assert [(held.fact["id"], held.place.number) for held in facts] == expected  # type: ignore[index]
    assert len(refused) == failing
    assert all(reason for _, reason in refused)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Events are read by the reader above."""
    monkeypatch.setattr(events_jsonl, "FORMAT", events_jsonl.FORMAT._replace(reader=Runs))
    formats._loaded.cache_clear()
    yield
    formats._loaded.cache_clear()


def told(**more: Any) -> dict[str, Any]:
    return {"kind": "run", "agent": "kimi", **more}


@pytest.mark.usefixtures("runs")
def test_a_fact_that_was_held_back_is_refused_with_its_own_line(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    far = told(id="far", at=AT * 2)
    path.write_bytes(lines(told(id="a"), far, told(id="b"), told(id="c")))
    report = import_paths(store, [path], keep_content=True)
    assert (report.taken, report.rejected) == (3, 1)
    assert report.files[0].reasons[0][0] == 2
    assert store.database.read("SELECT line, text FROM rejects") == [(2, json.dumps(far))]


@pytest.mark.usefixtures("runs")
def test_whatever_a_reader_raises_at_the_end_costs_what_it_held_back(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    for path in (good, bad):
        path.write_bytes(lines(told(id=f"{path.name} 1"), told(id=f"{path.name} 2", end=path == bad)))
    finish = Runs.finish

    def failing(self: Runs, now_ms: int) -> list[Any]:
        if self._open and self._open[0].pop("end"):
            raise ZeroDivisionError
        return finish(self, now_ms)

    monkeypatch.setattr(Runs, "finish", failing)
    report = import_paths(store, [bad, good])
    assert (report.taken, report.rejected) == (3, 1)
    assert "ZeroDivisionError" in report.files[0].reasons[0][1]
    assert import_paths(store, [bad, good]).taken == 0


def test_what_a_format_s_test_or_a_running_turn_raises_keeps_no_file_out(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fedstore.ingest import importer
    from fedstore.ingest.events_jsonl import EventReader

    for name in ("a.jsonl", "b.jsonl", "c.jsonl"):
        (tmp_path / name).write_bytes(lines(told(id=name, at=AT)))

    def detect(path: Path) -> str | None:
        if path.name == "a.jsonl":
            raise TypeError("unhashable")
        return formats.detect(path)

    def running(self: LineReader) -> list[Any]:
        raise RuntimeError("no")

    monkeypatch.setattr(importer, "detect", detect)
    monkeypatch.setattr(EventReader, "running", running)
    report = import_paths(store, [tmp_path])
    assert report.taken == 2
    assert ["TypeError" in file.note for file in report.files if file.path.endswith("a.jsonl")] == [True]


def test_one_value_that_cannot_be_stored_costs_itself(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = FactWriter.write

    def poisoned(self: FactWriter, events: Any, *more: Any) -> Any:
        if any(event.id == "poison" for event in events):
            raise OverflowError("too large")
        return write(self, events, *more)

    monkeypatch.setattr(FactWriter, "write", poisoned)
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(told(id="a", at=AT), told(id="poison", at=AT), told(id="b", at=AT)))
    report = import_paths(store, [path])
    assert (report.taken, report.rejected) == (2, 1)
    assert report.files[0].reasons == [(2, "cannot be read: OverflowError in one of its values")]


def test_following_waits_for_a_store_that_others_hold(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of what was read meanwhile is lost, and the wait is told once."""
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(lines(told(id=name, at=AT)))
    write, naps, rounds = FactWriter.write, [0], []

    def held(self: FactWriter, events: Any, *more: Any) -> Any:
        if naps[0] < 3 and events:
            raise StoreBusyError("held by another process for 30 s")
        return write(self, events, *more)

    def nap(_seconds: float) -> None:
        naps[0] += 1

    def note(news: ImportReport) -> None:
        rounds.append((news.taken, news.waiting))

    monkeypatch.setattr(FactWriter, "write", held)
    import_paths(store, [tmp_path], follow=True, sleep=nap, stop=lambda: naps[0] == 5, on_round=note)
    assert rounds == [(0, "held by another process for 30 s"), (2, "")]
    assert count(store.database, "runs") == 2
    naps[0] = 0
    with pytest.raises(StoreBusyError):
        import_paths(store, [tmp_path], again=True)
