"""When the poller reads, and what it reports."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from queue import Queue
from typing import Any

from textual.message import Message

from fedstore.errors import StoreError
from fedstore.window import Window
from fedtop.about import About
from fedtop.messages import ReadFailed, SnapshotReady, Tick
from fedtop.poller import Poller, Request
from tests.conftest import Clock

MINUTE = 60_000


class Reader:
    """A reader whose token and failure are set from outside."""

    def __init__(self) -> None:
        self.token = 1
        self.failure: Exception | None = None
        self.opened = 0
        self.queries: list[tuple[Window, Mapping[str, Any], str]] = []

    def open(self) -> Reader:
        self.opened += 1
        return self

    def change_token(self) -> int:
        if self.failure is not None:
            raise self.failure
        return self.token

    def newest_ms(self, topic: str = "any", name: str = "") -> int:
        return {("any", ""): 7, ("layer", "rag"): 5}[topic, name]

    def last_recorded_ms(self) -> int:
        return 8

    def window(self, label: str, at_ms: int) -> Window:
        return Window(1_000, at_ms + 1, label, live=False)

    def kept(self, window: Window) -> Window:
        return window


def query(reader: Reader, window: Window, args: Mapping[str, Any]) -> int:
    reader.queries.append((window, args, threading.current_thread().name))
    return len(reader.queries)


def running() -> bool:
    """Whether the thread of a poller goes on."""
    return any(thread.name == "fedtop-poller" for thread in threading.enumerate())


def poller_of(reader: Reader, clock: Clock) -> tuple[Poller, list[Message]]:
    posted: list[Message] = []
    return Poller(reader.open, posted.append, clock), posted


def kinds(posted: list[Message]) -> list[type[Message]]:
    return [type(message) for message in posted]


def test_reads_once_then_only_tells_the_time(clock: Clock) -> None:
    reader = Reader()
    poller, posted = poller_of(reader, clock)
    request = Request(1, "1h", query, {"name": "x"}, about=About("layer", "rag"))
    for _ in range(3):
        poller.look(request)
    assert kinds(posted) == [SnapshotReady, Tick, Tick]
    assert len(reader.queries) == 1
    first = posted[0]
    assert isinstance(first, SnapshotReady)
    assert (first.snapshot.serial, first.snapshot.data) == (1, 1)
    assert (first.snapshot.newest_ms, first.snapshot.recorded_ms) == (7, 8)
    assert (first.snapshot.about, first.snapshot.newest_about_ms) == (About("layer", "rag"), 5)
    assert reader.queries[0][:2] == (Window.ending("1h", clock.now_ms), {"name": "x"})


def test_reads_again_when_something_was_committed(clock: Clock) -> None:
    reader = Reader()
    poller, posted = poller_of(reader, clock)
    poller.look(Request(1, "1h", query))
    reader.token = 2
    poller.look(Request(1, "1h", query))
    assert kinds(posted) == [SnapshotReady, SnapshotReady]


def test_reads_again_when_the_window_rolled_on_but_not_a_pinned_one(clock: Clock) -> None:
    reader = Reader()
    poller, posted = poller_of(reader, clock)
    live, pinned = Request(1, "1h", query), Request(2, "1h", query, at_ms=clock.now_ms, live=False)
    poller.look(live)
    clock.advance(MINUTE)
    poller.look(live)
    poller.look(pinned)
    clock.advance(MINUTE)
    poller.look(pinned)
    assert kinds(posted) == [SnapshotReady, SnapshotReady, SnapshotReady, Tick]
    assert [window.live for window, _, _ in reader.queries] == [True, True, False]


def test_reads_again_for_another_request(clock: Clock) -> None:
    poller, posted = poller_of(Reader(), clock)
    poller.look(Request(1, "1h", query))
    poller.look(Request(2, "1h", query))
    assert kinds(posted) == [SnapshotReady, SnapshotReady]


def test_all_time_begins_where_the_reader_says(clock: Clock) -> None:
    reader = Reader()
    poller, _ = poller_of(reader, clock)
    poller.look(Request(1, "all", query))
    ((window, _, _),) = reader.queries
    assert (window.start_ms, window.live) == (1_000, True)


def test_without_a_query_only_the_freshness_is_read(clock: Clock) -> None:
    poller, posted = poller_of(Reader(), clock)
    poller.look(Request(1, "1h", None))
    assert isinstance(posted[0], SnapshotReady)
    assert posted[0].snapshot.data is None


def test_a_failure_is_told_and_the_next_look_opens_anew(clock: Clock) -> None:
    reader = Reader()
    poller, posted = poller_of(reader, clock)
    request = Request(1, "1h", query)
    poller.look(request)
    reader.failure = StoreError("the disk is full")
    poller.look(request)
    poller.look(request)
    reader.failure = None
    poller.look(request)
    assert kinds(posted) == [SnapshotReady, ReadFailed, ReadFailed, SnapshotReady]
    assert isinstance(posted[1], ReadFailed)
    assert posted[1].reason == "the disk is full"
    assert reader.opened == 3


def test_a_fault_of_the_program_is_named_as_one(clock: Clock) -> None:
    reader = Reader()
    reader.failure = KeyError("ten")
    poller, posted = poller_of(reader, clock)
    poller.look(Request(1, "1h", query))
    assert isinstance(posted[0], ReadFailed)
    assert posted[0].reason == "unexpected KeyError: 'ten'"


def test_newer_reports_replace_older_ones_of_their_kind_only() -> None:
    tick, failed = Tick(1), ReadFailed("x")
    assert tick.can_replace(Tick(0))
    assert not tick.can_replace(failed)
    assert failed.can_replace(ReadFailed("y"))
    assert not failed.can_replace(tick)


def test_the_thread_answers_a_request_at_once_and_ends(clock: Clock) -> None:
    reader, posted = Reader(), Queue[Message]()
    poller = Poller(reader.open, posted.put, clock)
    poller.start()
    try:
        for serial in (1, 2):
            poller.ask(Request(serial, "1h", query, interval_s=None))
            message = posted.get(timeout=10)
            assert isinstance(message, SnapshotReady)
            assert message.snapshot.serial == serial
        assert {name for _, _, name in reader.queries} == {"fedtop-poller"}
    finally:
        poller.stop(10)
    assert not running()
    poller.stop()


def test_the_thread_ends_when_the_pane_is_gone(clock: Clock) -> None:
    asked = threading.Event()

    def gone(_: Message) -> None:
        asked.set()
        raise RuntimeError("Event loop is closed")

    poller = Poller(Reader().open, gone, clock)
    poller.start()
    poller.ask(Request(1, "1h", query, interval_s=None))
    assert asked.wait(10)
    poller.stop(10)
    assert not running()
