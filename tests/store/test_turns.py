"""One write at a time among the threads of a process, whatever becomes of the calls that have the turn."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator

import pytest

from fedstore import Store
from fedstore.engine import turn as turns
from fedstore.engine.turn import Turn
from tests.store.test_interrupted import rows


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads change places at nearly every step, and look at nearly every step whether a call is under way."""
    monkeypatch.setattr(turns, "LOOK_S", 0.000_01)
    former = sys.getswitchinterval()
    sys.setswitchinterval(0.000_01)
    yield
    sys.setswitchinterval(former)


def together(work: list[threading.Thread]) -> None:
    """Runs threads to their end."""
    for thread in work:
        thread.start()
    for thread in work:
        thread.join(60)
    assert not any(thread.is_alive() for thread in work)


@pytest.mark.usefixtures("hasty")
def test_it_is_never_taken_from_a_call_that_is_under_way() -> None:
    turn, inside, most, done = Turn(), 0, 0, 0

    def count() -> int:
        return sum(range(done % 40))  # frames come and go while others follow them

    def write() -> None:
        nonlocal inside, most, done
        assert turn.take(sys._getframe(), 30)
        inside += 1
        most = max(most, inside)
        for _ in range(5):
            count()
        inside -= 1
        done += 1
        turn.give_back()

    together([threading.Thread(target=lambda: [write() for _ in range(200)]) for _ in range(6)])
    assert (most, done, turn.found_left) == (1, 1200, False)


@pytest.mark.usefixtures("hasty")
def test_threads_that_record_at_once_lose_nothing(store: Store) -> None:
    recorder = store.recorder()
    together(
        [
            threading.Thread(target=lambda n=n: [recorder.task(f"agent-{n}", project=str(m)) for m in range(60)])
            for n in range(6)
        ]
    )
    assert (recorder.lost, recorder.refused) == (0, 0)
    assert rows(store, "SELECT agent, COUNT(DISTINCT project) FROM runs GROUP BY agent") == [
        (f"agent-{n}", 60) for n in range(6)
    ]


def left_behind(turn: Turn) -> None:
    """A call that has the turn and is thrown out before it gives it back."""
    assert turn.take(sys._getframe(), 0)


@pytest.mark.parametrize("waiting", [1, 5])
def test_what_a_call_left_behind_is_taken_over(waiting: int) -> None:
    turn, got = Turn(), list[bool]()

    def write() -> None:
        got.append(turn.take(sys._getframe(), 10))
        turn.give_back()

    together([threading.Thread(target=left_behind, args=(turn,))])
    together([threading.Thread(target=write) for _ in range(waiting)])
    assert got == [True] * waiting
    assert turn.found_left


def test_its_own_thread_takes_it_over_at_once_but_never_from_above() -> None:
    turn, here = Turn(), sys._getframe()
    left_behind(turn)
    assert turn.was_left()
    assert turn.take(here, 0)
    assert turn.is_mine()
    assert not turn.was_left()

    def within() -> bool:
        return turn.take(sys._getframe(), 10)

    assert not within()
    turn.give_back()
    assert not turn.is_mine()


def test_what_is_held_beyond_a_call_is_waited_for() -> None:
    turn, got = Turn(), list[bool]()

    def write() -> None:
        got.append(turn.take(sys._getframe(), 3 * turns.LOOK_S))
        got.append(turn.take(sys._getframe(), 10))
        turn.give_back()

    assert turn.acquire(timeout=0)
    thread = threading.Thread(target=write)
    thread.start()
    deadline = time.monotonic() + 10
    while not got and time.monotonic() < deadline:
        time.sleep(0.01)
    turn.release()
    thread.join(10)
    assert got == [False, True]
