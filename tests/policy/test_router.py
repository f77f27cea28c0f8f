"""The policy as routers see it: fast, fresh within a second, and never in the way."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from fedstore.policy import Policy, PolicyStore
from fedstore.policy.sinks import copy_path
from fedstore.store import Store


class Timer:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def timer() -> Timer:
    return Timer()


def set_values(store: Store, **values: float | None) -> None:
    PolicyStore(store)._set("import", {key.replace("__", ":"): value for key, value in values.items()}, "", "")


def test_lookups(store: Store, timer: Timer) -> None:
    policy = Policy(store, timer=timer)
    assert (policy.version, policy.boost("kimi", "docs"), policy.threshold("rag"), policy.threshold("rag", 0.85)) == (
        0, 0.0, None, 0.85,
    )  # fmt: skip
    PolicyStore(store)._set(
        "import", {"agent:kimi": 0.02, "agent:kimi/docs": -0.05, "layer:rag": 0.9, "agent:a%2Fb": 0.01}, "", ""
    )
    timer.now += 0.51
    assert policy.boost("kimi") == policy.boost("kimi", "code") == 0.02
    assert policy.boost("kimi", "docs") == -0.05
    assert policy.boost("a/b") == 0.01
    assert policy.boost("nobody", "docs") == 0.0
    assert policy.threshold("rag", 0.1) == 0.9


def test_asks_the_store_at_most_twice_a_second(store: Store, timer: Timer) -> None:
    policy = Policy(store, timer=timer)
    assert policy.version == 0
    set_values(store, layer__rag=0.9)
    timer.now += 0.4
    assert policy.version == 0
    timer.now += 0.2
    assert policy.version == 1


def test_sees_a_change_of_another_process_within_a_second(store: Store) -> None:
    policy = Policy(store.path)
    assert policy.version == 0
    with Store(store.path, settings=store.settings) as other:
        set_values(other, layer__rag=0.9)
    deadline = time.monotonic() + 1.0
    while policy.version == 0:
        assert time.monotonic() < deadline
    assert policy.threshold("rag") == 0.9


def test_a_lookup_costs_microseconds(store: Store) -> None:
    set_values(store, layer__rag=0.9, agent__kimi=0.05)
    policy = Policy(store)
    policy.boost("kimi")
    started = time.perf_counter()
    for _ in range(10_000):
        policy.boost("kimi", "docs")
    assert (time.perf_counter() - started) / 10_000 < 50e-6


def test_without_a_store_nothing_is_known_and_nothing_raises(tmp_path: Path, timer: Timer) -> None:
    policy = Policy(tmp_path / "nowhere" / "s.db", timer=timer)
    assert (policy.boost("kimi"), policy.threshold("rag", 0.5), policy.version) == (0.0, 0.5, 0)
    assert policy.boost([], {}) == 0.0  # type: ignore[arg-type]
    assert policy.threshold([], 0.5) == 0.5  # type: ignore[arg-type]


def test_the_last_known_values_survive_the_store(store: Store, timer: Timer) -> None:
    set_values(store, layer__rag=0.9)
    policy = Policy(store.path, timer=timer)
    assert policy.threshold("rag") == 0.9
    store.close()
    store.path.unlink()
    timer.now += 10
    assert policy.threshold("rag") == 0.9
    fresh = Policy(store.path, timer=timer)
    assert (fresh.version, fresh.threshold("rag")) == (1, 0.9)


def test_a_store_made_anew_is_followed(store: Store, timer: Timer) -> None:
    set_values(store, layer__rag=0.9)
    policy = Policy(store.path, timer=timer)
    assert policy.threshold("rag") == 0.9
    store.close()
    for path in store.path.parent.glob(f"{store.path.name}*"):
        path.unlink()
    with Store(store.path, settings=store.settings) as again:
        set_values(again, layer__rag=0.7)
        timer.now += 1
        assert policy.threshold("rag") == 0.7


def test_a_locked_store_changes_nothing(store: Store, timer: Timer) -> None:
    set_values(store, layer__rag=0.9)
    policy = Policy(store.path, timer=timer)
    assert policy.threshold("rag") == 0.9
    policy.close()
    store.close()
    blocker = sqlite3.connect(store.path, isolation_level=None)
    try:
        blocker.execute("PRAGMA locking_mode = EXCLUSIVE")
        blocker.execute("BEGIN EXCLUSIVE")
        blocker.execute("CREATE TABLE held (x)")
        timer.now += 1
        assert policy.threshold("rag") == Policy(store.path, timer=timer).threshold("rag") == 0.9
    finally:
        blocker.close()


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b'{"version": "x"}', b'{"version": 1, "body": 3}'])
def test_a_damaged_copy_is_ignored(tmp_path: Path, timer: Timer, content: bytes) -> None:
    path = tmp_path / "s.db"
    copy_path(path).write_bytes(content)
    assert Policy(path, timer=timer).threshold("rag", 0.4) == 0.4


def test_threads_share_one_policy(store: Store) -> None:
    policy = Policy(store, check_every_s=0.0)
    failed = []

    def look() -> None:
        for _ in range(200):
            if policy.threshold("rag", 0.5) not in (0.5, 0.9):
                failed.append(1)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    set_values(store, layer__rag=0.9)
    for thread in threads:
        thread.join()
    assert not failed
    assert policy.threshold("rag") == 0.9


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_sees_changes(store: Store, timer: Timer) -> None:
    policy = Policy(store.path, timer=timer)
    assert policy.version == 0
    set_values(store, layer__rag=0.9)
    child = os.fork()
    if child == 0:
        timer.now += 1
        os._exit(0 if policy.threshold("rag") == 0.9 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    timer.now += 1
    assert policy.threshold("rag") == 0.9
