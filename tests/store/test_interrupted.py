"""What a program does to itself in the midst of a recording call must not lock anybody out, nor be swallowed."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from fedstore import Recorder, Store

HOME = str(Path(sys.modules["fedstore"].__file__ or "").parent)


def rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    """The answer of one statement."""
    return store.database.read(sql)


class AgentTimeoutError(Exception):
    """What an agent raises from the handler of its own alarm."""


class Thrower:
    """Raises at the k-th line that runs below the package's folder, once."""

    def __init__(self, at: int, error: type[BaseException]) -> None:
        self.left = at
        self.error = error
        self.where = ""

    def __call__(self, frame: FrameType, event: str, _: Any) -> Thrower | None:
        if not frame.f_code.co_filename.startswith(HOME):
            return None
        if event == "line" and not self.where:
            self.left -= 1
            if self.left < 0:
                self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                raise self.error
        return self


def is_locked(store: Store) -> bool:
    """Whether some process, this one too, holds the lock file."""
    fd = os.open(f"{store.path}.lock", os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


@pytest.mark.parametrize("error", [KeyboardInterrupt, AgentTimeoutError])
def test_an_exception_at_any_line_of_a_call_leaves_the_recorder_and_its_lock_usable(
    store: Store, error: type[BaseException]
) -> None:
    store.recorder().task("warm")
    stuck, passed_on, lines = [], 0, 0
    while True:
        recorder, thrower = store.recorder(), Thrower(lines, error)
        if error is not KeyboardInterrupt:  # once is enough for what a first call looks after
            recorder._sink._next_slice = float("inf")
        try:
            sys.settrace(thrower)
            recorder.record({"kind": "run", "agent": "a", "id": f"cut-{lines}", "success": True})
        except error:
            passed_on += 1
        finally:
            sys.settrace(None)
        if not thrower.where:
            break
        lines += 1
        held = is_locked(store)
        receipt = recorder.record({"kind": "run", "agent": "b", "id": f"after-{lines}"})
        if held or receipt.lost or receipt.taken != 1:
            stuck.append((thrower.where, held, receipt))
    assert lines > 100
    assert stuck == []
    assert passed_on == lines
    assert rows(store, "SELECT COUNT(*) FROM runs WHERE agent = 'b'") == [(lines,)]
    known = rows(store, "SELECT SUM(runs) FROM agent_buckets WHERE width = 60000")
    assert known == rows(store, "SELECT COUNT(*) FROM runs")


@contextmanager
def on_alarm(handler: Any, after_s: float, every_s: float = 0.0) -> Iterator[None]:
    """Has a signal handler called once, or over and over."""
    former = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, after_s, every_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


@pytest.mark.parametrize("background", [False, True], ids=["durable", "background"])
def test_a_signal_handler_may_record(store: Store, background: bool) -> None:
    recorder = store.recorder(background=background)
    handled = 0

    def handler(*_: Any) -> None:
        nonlocal handled
        handled += 1
        recorder.task("handler")

    calls = 0
    with on_alarm(handler, 0.002, 0.002):
        end = time.monotonic() + 0.5
        while time.monotonic() < end or handled < 20:
            recorder.task("main")
            calls += 1
            if calls % 1_000 == 0:
                recorder.flush()  # what comes faster than it can be written is lost in the end, and counted
    recorder.close()
    assert (recorder.lost, recorder.refused) == (0, 0)
    found = dict(rows(store, "SELECT agent, COUNT(*) FROM runs GROUP BY agent"))
    assert found == {"main": calls, "handler": handled}


def test_an_object_that_is_let_go_may_record_while_others_are_written(store: Store) -> None:
    """The collector runs wherever something is made, also where the queue is being read."""
    recorder = Recorder(store.path, background=True, flush_s=60)
    freed = 0

    def on_collection(phase: str, _: dict[str, int]) -> None:
        nonlocal freed
        if phase == "stop" and freed < 300:
            freed += 1
            recorder.task("freed")

    threshold = gc.get_threshold()
    recorder.task("main")
    gc.callbacks.append(on_collection)
    try:
        gc.set_threshold(1)
        recorder.flush()
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(on_collection)
    recorder.close()
    assert (recorder.lost, recorder.refused) == (0, 0)
    assert freed
    assert dict(rows(store, "SELECT agent, COUNT(*) FROM runs GROUP BY agent")) == {"main": 1, "freed": freed}


def test_the_timeout_of_an_agent_passes_through(store: Store) -> None:
    recorder = store.recorder()
    recorder.task("warm", duration_ms=5)
    raised = 0

    def handler(*_: Any) -> None:
        nonlocal raised
        raised += 1
        raise AgentTimeoutError

    seen = 0
    for _ in range(40):
        try:
            with on_alarm(handler, 0.000_3 + seen % 7 * 0.000_1):
                while True:
                    recorder.task("a", duration_ms=5)
        except AgentTimeoutError:
            seen += 1
    assert seen == raised == 40
    assert not is_locked(store)
    assert recorder.record({"kind": "run", "agent": "after"}).taken == 1


def test_a_fact_recorded_by_a_handler_that_ends_the_program_is_written(store: Store) -> None:
    recorder = store.recorder()

    def handler(*_: Any) -> None:
        recorder.task("last words")
        raise SystemExit(143)

    def work() -> None:
        while True:
            recorder.task("a")

    with on_alarm(handler, 0.001), pytest.raises(SystemExit):
        work()
    assert rows(store, "SELECT COUNT(*) FROM runs WHERE agent = 'last words'") == [(1,)]


@contextmanager
def held(store: Store) -> Iterator[None]:
    """Holds the lock file, as a stopped writer does."""
    fd = os.open(f"{store.path}.lock", os.O_RDWR)
    fcntl.flock(fd, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(fd)


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store that waits for other writers half a second."""
    monkeypatch.setattr("fedstore.engine.sqlite.BUSY_TIMEOUT_S", 0.5)
    with Store(tmp_path / "busy.db") as store:
        store.database._timeout_s = 0.5
        store.database._writer = None
        yield store


def test_a_held_lock_costs_one_wait(impatient: Store) -> None:
    recorder = impatient.recorder()
    recorder.task("warm")
    with held(impatient):
        took = []
        for _ in range(6):
            began = time.monotonic()
            recorder.task("lost")
            took.append(time.monotonic() - began)
    assert took[0] >= 0.5
    assert sorted(took[1:])[-2] < 0.05  # at most one short look again within a second
    assert recorder.lost == 6
    recorder.task("after")
    assert rows(impatient, "SELECT agent FROM runs ORDER BY agent") == [("after",), ("warm",)]
    assert rows(impatient, "SELECT SUM(count) FROM losses") == [(6,)]


def test_what_waits_in_the_background_outlives_a_held_lock(impatient: Store) -> None:
    recorder = Recorder(impatient, background=True, buffer=50, flush_s=0.01)
    with held(impatient):
        longest = 0.0
        for _ in range(80):
            began = time.monotonic()
            recorder.task("a")
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.01)
        assert longest < 0.3
    recorder.close()
    ((kept,),) = rows(impatient, "SELECT COUNT(*) FROM runs")
    assert kept >= 50
    assert recorder.lost == 80 - kept
    assert rows(impatient, "SELECT COALESCE(SUM(count), 0) FROM losses") == [(recorder.lost,)]


def test_a_dropped_recorder_writes_what_waits_and_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    for n in range(10):
        Recorder(tmp_path / "fedtop.db", background=True, flush_s=30).task(f"agent-{n}")
    gc.collect()
    end = time.monotonic() + 20
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() == before
    with Store(tmp_path / "fedtop.db", readonly=True) as store:
        assert rows(store, "SELECT COUNT(*) FROM runs") == [(10,)]
