"""The recorder: what it writes, that it never raises, and that it owns up to what it could not write."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedstore import Recorder, Run, Store
from fedstore.recording import sink as sink_module
from fedstore.recording.background import Background
from tests.conftest import Clock
from tests.federation import NOW_MS


def rows(store: Store, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return store.database.read(sql, parameters)


def test_a_task_is_a_finished_run(store: Store) -> None:
    recorder = store.recorder(source="test")
    identity = recorder.task("kimi", "code", True, duration_ms=1500, rework=False, notes="done", project="p")
    found = rows(
        store, "SELECT id, agent, task_type, success, duration_us / 1000, rework, notes, project, source FROM runs"
    )
    assert found == [(identity, "kimi", "code", 1, 1500, 0, "done", "p", "test")]


def test_a_run_shows_as_active_and_ends(store: Store) -> None:
    recorder = store.recorder()
    with recorder.run("claude", "code", project="p") as run:
        assert rows(store, "SELECT id, state FROM active_runs") == [(run.id, "running")]
        run.waiting("permission")
        assert rows(store, "SELECT state, reason FROM active_runs") == [("waiting", "permission")]
        run.usage(model="gpt-5", input_tokens=10, output_tokens=2, cost_usd=0.5)
        with run.tool("bash", tokens=3) as tool:
            tool.cost_usd = 0.25
        run.quality = 0.75
    assert rows(store, "SELECT COUNT(*) FROM active_runs") == [(0,)]
    assert rows(store, "SELECT id, success, quality, project, error_class FROM runs") == [(run.id, 1, 0.75, "p", "")]
    assert rows(store, "SELECT run_id, agent, task_type, cost_nano FROM llm_calls") == [
        (run.id, "claude", "code", 500_000_000)
    ]
    assert rows(store, "SELECT run_id, tool, success, cost_nano FROM tool_calls") == [(run.id, "bash", 1, 250_000_000)]


def test_an_exception_is_a_failure_and_goes_on(store: Store) -> None:
    recorder = store.recorder()

    def work() -> None:
        with recorder.run("claude") as run, run.tool("bash"):
            raise KeyError("x")

    with pytest.raises(KeyError):
        work()
    assert rows(store, "SELECT success, error_class FROM runs") == [(0, "KeyError")]
    assert rows(store, "SELECT success, error_class FROM tool_calls") == [(0, "KeyError")]


def test_what_a_run_says_of_itself_stands(store: Store) -> None:
    with store.recorder().run("a") as run:
        run.success, run.error_class = False, "GaveUp"
    assert rows(store, "SELECT success, error_class FROM runs") == [(0, "GaveUp")]


def test_what_is_none_of_a_run_is_left_out(store: Store) -> None:
    recorder = store.recorder()
    with recorder.run("a", project=None, mode=None) as run:
        run.usage(model=None, input_tokens=1)
    assert (recorder.refused, rows(store, "SELECT project, mode FROM runs")) == (0, [("", "")])


def test_a_run_survives_a_clock_set_back(store: Store, clock: Clock) -> None:
    with store.recorder().run("a"):
        clock.advance(-3_600_000)
    ((started, ended, duration),) = rows(store, "SELECT started_ms, ended_ms, ROUND(duration_us / 1e3) FROM runs")
    assert ended == NOW_MS - 3_600_000
    assert started == ended - duration
    assert 0 <= duration < 60_000


def test_the_names_of_the_analytics_engine(store: Store) -> None:
    recorder = store.recorder()
    identity = recorder.record_execution(
        task_id="t", tool_name="bash", duration_seconds=1.5, success=True, cost_actual=0.001, tokens_used=12,
        human_effort_level="low", browser_used=True, agent_id="kimi", id="x", at=NOW_MS - 5,
    )  # fmt: skip
    assert identity == "x"
    assert rows(
        store, "SELECT task_id, tool, duration_us / 1000, success, cost_nano, tokens, effort, browser_used, agent,"
        " ended_ms FROM tool_calls",
    ) == [("t", "bash", 1500, 1, 1_000_000, 12, "LOW", 1, "kimi", NOW_MS - 5)]  # fmt: skip


def test_an_outcome_finds_its_route(store: Store) -> None:
    recorder = store.recorder()
    route = recorder.route(agent="a", layer="L", attempts=[{"layer": "L", "agent": "a", "accepted": True}])
    assert recorder.outcome(route, correct=False, correct_agent="b").taken == 1
    assert rows(store, "SELECT correct, correct_agent FROM routes") == [(0, "b")]
    assert recorder.verdict("route", route, quality=0.5).taken == 1
    assert recorder.job("j", "running", name="n").taken == 1
    assert rows(store, "SELECT quality FROM routes") == [(0.5,)]
    assert rows(store, "SELECT state, name FROM jobs") == [("running", "n")]


def test_refused_facts_are_told_and_kept_without_their_text(store: Store) -> None:
    recorder = store.recorder(source="agent")
    receipt = recorder.record_many([{"kind": "run", "agent": "a"}, {"kind": "run", "agent": "a", "secret": "hunter2"}])
    assert (receipt.taken, [position for position, _ in receipt.rejected]) == (1, [1])
    assert recorder.refused == 1
    ((source, reason, text),) = rows(store, "SELECT source, reason, text FROM rejects")
    assert source == "agent"
    assert reason.startswith("secret: unknown field")
    assert text is None


def test_refused_text_is_kept_on_opt_in_and_once(store: Store) -> None:
    recorder = store.recorder(keep_content=True)
    for _ in range(3):
        recorder.record({"kind": "run", "agent": "a", "oops": 1})
    ((text,),) = rows(store, "SELECT text FROM rejects")
    assert '"oops": 1' in text


class _Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    __str__ = __repr__

    def __bool__(self) -> bool:
        raise RuntimeError("no bool")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3)
    | st.builds(_Hostile) | st.just("\ud800") | st.dates(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)  # fmt: skip


@given(a=anything, b=anything, c=anything, d=anything)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_raises_whatever_it_is_given(store: Store, a: Any, b: Any, c: Any, d: Any) -> None:
    recorder = store.recorder()
    recorder.record(a)
    recorder.record_many(b)
    recorder.task(a, b, c, d)
    recorder.usage(agent=a, model=b, input_tokens=c, cost_usd=d)
    recorder.execution(agent=a, tool=b, at=c, id=d)
    recorder.record_execution(a, b, c, d, a, b, c, d)
    recorder.route(agent=a, layer=b, attempts=c, outcome=d)
    recorder.outcome(a, b, c, d)
    recorder.verdict(a, b, quality=c)
    recorder.job(a, b, name=c)
    with recorder.run(a, b, project=c, id="r") as run:
        run.quality, run.notes = c, d
        run.usage(model=d)
        with run.tool(a):
            pass
    recorder.task("sound", "review", success=True)
    recorder.close()
    (sound,) = store.database.read("SELECT COUNT(*) FROM runs WHERE agent = 'sound'")
    assert sound[0] > 0  # and what comes after it is recorded


def _no_time() -> int:
    raise RuntimeError("no time")


@pytest.mark.parametrize(
    ("clock", "sound"),
    [
        (_no_time, False), (lambda: "noon", False), (lambda: None, False), (lambda: -5, False),
        (lambda: 1 << 60, False), (lambda: float("nan"), False), (time.time, False),
        (lambda: time.time() * 1000, True),
    ],
)  # fmt: skip
def test_a_broken_clock_costs_no_fact(
    tmp_path: Path, clock: Any, sound: bool, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(tmp_path / "s.db", clock=clock)
    recorder.task("a")
    with recorder.run("a") as run:
        run.usage(model="m")
    recorder.close()
    assert (recorder.lost, recorder.refused) == (0, 0)
    with Store(tmp_path / "s.db") as store:
        times = [row[0] for row in store.database.read("SELECT ended_ms FROM runs")]
    assert len(times) == 2
    assert all(abs(at - time.time() * 1000) < 60_000 for at in times)
    assert len([r for r in caplog.records if "the machine's is used" in r.getMessage()]) == (0 if sound else 1)


def test_a_broken_iterable_does_not_raise(tmp_path: Path) -> None:
    def events() -> Any:
        yield {"kind": "run", "agent": "a"}
        raise ValueError("torn")

    other = Recorder(tmp_path / "t.db")
    receipt = other.record_many(events())
    assert (receipt.taken, receipt.lost, other.lost) == (1, 1, 1)


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize(
    "one", ["a string of many characters", b"bytes", {"kind": "run", "agent": "a", "x": 1}, Run(agent="b")]
)
def test_one_thing_is_one_event_though_it_could_be_gone_through(store: Store, one: Any, background: bool) -> None:
    recorder = store.recorder(background=background)
    receipt = recorder.record_many(one)
    recorder.close()
    assert (receipt.taken, len(receipt.rejected)) == ((1, 0) if isinstance(one, Run) else (0, 1))
    written = store.writer().write(one)
    assert (written.known + written.taken, len(written.rejected)) == (receipt.taken, len(receipt.rejected))


class OddFloat(float):
    """A number that cannot be computed with in the usual way."""

    def __mul__(self, other: float) -> float:
        raise RuntimeError("mul")

    __rmul__ = __mul__


class OddInt(int):
    """The same of whole numbers."""

    def __mul__(self, other: float) -> int:
        raise RuntimeError("mul")

    def __ge__(self, other: float) -> bool:
        raise RuntimeError("ge")


class OddEnum(Enum):
    """A level that does not tell its name."""

    LOW = 1

    @property
    def name(self) -> str:
        raise RuntimeError("name")


def test_classes_of_numbers_and_levels_that_raise_do_not_raise_into_the_agent(store: Store) -> None:
    recorder = store.recorder()
    for seconds in (OddFloat(1.5), OddInt(2)):
        assert recorder.record_execution("t", "bash", seconds)
    assert rows(store, "SELECT duration_us FROM tool_calls ORDER BY seq") == [(1_500_000,), (2_000_000,)]
    assert recorder.record_execution("t", "bash", 1.0, at=OddInt(5))
    recorder.record_execution("t", "bash", 1.0, human_effort_level=OddEnum.LOW)
    assert (recorder.refused, recorder.lost) == (2, 0)


def test_losses_are_counted_said_once_and_confessed(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedstore.recording.home.RETRY_S", 0.0)
    blocked = tmp_path / "store.db"
    blocked.mkdir()
    recorder = Recorder(blocked, clock=clock)
    with caplog.at_level(logging.WARNING, logger="fedstore"):
        for _ in range(3):
            recorder.task("a", success=True)
    assert recorder.lost == 3
    assert len(caplog.records) == 1
    assert "is a folder" in caplog.text
    blocked.rmdir()
    clock.advance(60_000)
    recorder.task("a", success=True)
    recorder.close()
    with Store(blocked, clock=clock) as store:
        assert rows(store, "SELECT COUNT(*) FROM runs") == [(1,)]
        ((count, reason, first, recorded),) = rows(store, "SELECT count, reason, first_ms, recorded_ms FROM losses")
    assert (count, first, recorded) == (3, NOW_MS, NOW_MS + 60_000)
    assert "is a folder" in reason


def test_a_store_that_cannot_be_opened_is_not_tried_at_every_call(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_text("not a database at all")
    recorder = Recorder(tmp_path / "s.db")
    recorder.task("a")
    (tmp_path / "s.db").unlink()
    recorder.task("a")
    assert recorder.lost == 2
    assert not (tmp_path / "s.db").exists()


def test_losses_are_confessed_at_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fedstore.recording.home.RETRY_S", 0.0)
    (tmp_path / "s.db").mkdir()
    recorder = Recorder(tmp_path / "s.db")
    recorder.task("a")
    (tmp_path / "s.db").rmdir()
    recorder.close()
    with Store(tmp_path / "s.db") as store:
        assert rows(store, "SELECT count FROM losses") == [(1,)]


def test_threads_lose_nothing(store: Store) -> None:
    recorder = store.recorder()

    def work(n: int) -> None:
        for i in range(50):
            recorder.task(f"agent-{n}", success=i % 2 == 0)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorder.lost == 0
    assert rows(store, "SELECT COUNT(*) FROM runs") == [(300,)]
    assert rows(store, "SELECT SUM(runs), SUM(ok) FROM agent_buckets WHERE width = 60000") == [(300, 150)]


async def test_tasks_of_an_event_loop_keep_their_runs_apart(store: Store) -> None:
    recorder = store.recorder()

    async def agent(n: int) -> None:
        with recorder.run(f"agent-{n}") as run:
            await asyncio.sleep(0)
            run.execution("bash", success=True)
            await asyncio.sleep(0)

    await asyncio.gather(*(agent(n) for n in range(20)))
    joined = "SELECT COUNT(*) FROM runs JOIN tool_calls ON run_id = runs.id AND runs.agent = tool_calls.agent"
    assert rows(store, joined) == [(20,)]


def test_the_background_writes_at_flush_and_refuses_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Background, "INTERVAL_S", 3600.0)
    recorder = store.recorder(background=True)
    recorder.task("a")
    receipt = recorder.record_many([{"kind": "run", "agent": "b"}, {"kind": "run"}])
    assert (receipt.taken, receipt.rejected) == (1, [(1, "agent: field required")])
    assert rows(store, "SELECT COUNT(*) FROM runs") == [(0,)]
    recorder.flush()
    assert rows(store, "SELECT agent FROM runs ORDER BY agent") == [("a",), ("b",)]
    recorder.task("c")
    recorder.close()
    assert rows(store, "SELECT COUNT(*) FROM runs") == [(3,)]


def test_a_full_queue_is_written_by_the_caller_before_it_takes_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Background, "INTERVAL_S", 3600.0)
    monkeypatch.setattr(Background, "LIMIT", 2)
    recorder = store.recorder(background=True)
    recorder.record_many([Run(agent="a"), Run(agent="b")])
    assert rows(store, "SELECT COUNT(*) FROM runs") == [(0,)]
    recorder.task("c")
    assert rows(store, "SELECT agent FROM runs ORDER BY agent") == [("a",), ("b",)]
    recorder.close()
    assert rows(store, "SELECT COUNT(*) FROM runs") == [(3,)]


def test_the_background_keeps_the_time_of_the_call(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Background, "INTERVAL_S", 3600.0)
    recorder = store.recorder(background=True)
    recorder.task("a")
    clock.advance(5_000)
    recorder.close()
    assert rows(store, "SELECT ended_ms, recorded_ms FROM runs") == [(NOW_MS, NOW_MS + 5_000)]


def test_the_background_thread_writes_by_itself(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Background, "INTERVAL_S", 0.001)
    written = threading.Event()
    recorder = store.recorder(background=True)
    write = recorder._sink.deliver
    monkeypatch.setattr(recorder._sink, "deliver", lambda events: (write(events), written.set())[0])
    recorder.task("a")
    assert written.wait(20)
    assert rows(store, "SELECT COUNT(*) FROM runs") == [(1,)]
    recorder.close()


def test_without_a_thread_the_caller_writes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    recorder = store.recorder(background=True)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        recorder.task("a")
    assert rows(store, "SELECT agent FROM runs") == [("a",)]
    recorder.task("b")
    recorder.close()
    assert rows(store, "SELECT COUNT(*) FROM runs") == [(2,)]


def test_what_is_recorded_during_a_close_is_written_in_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Background, "INTERVAL_S", 3600.0)
    written = threading.Event()
    recorder = store.recorder(background=True)
    recorder.task("a")
    write = recorder._sink.deliver

    def one_more(events: Any) -> Any:
        monkeypatch.setattr(recorder._sink, "deliver", lambda later: (write(later), written.set())[0])
        recorder.task("b")
        return write(events)

    monkeypatch.setattr(recorder._sink, "deliver", one_more)
    recorder.close()
    assert written.wait(20)
    assert rows(store, "SELECT COUNT(*) FROM runs") == [(2,)]
    recorder.close()


def test_a_closed_recorder_may_go_on(store: Store) -> None:
    recorder = Recorder(store.path)
    recorder.task("a")
    recorder.close()
    recorder.task("b")
    recorder.close()
    assert rows(store, "SELECT COUNT(*) FROM runs") == [(2,)]


def test_a_purge_that_is_due_goes_on_a_step_after_each_write(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink_module, "SLICE_EVERY_S", 0.0)
    monkeypatch.setattr(sink_module, "SLICE", 2)
    recorder = store.recorder()
    store.writer().write([{"kind": "execution", "agent": "a", "tool": "t"}] * 5)
    clock.advance(25 * 3_600_000)
    left = []
    for _ in range(6):
        recorder.task("a")
        left.append(rows(store, "SELECT COUNT(*) FROM tool_calls")[0][0])
    assert left[0] == 3
    assert left[-1] == 1  # the newest stays


def test_ctrl_c_while_bins_are_added_reaches_the_agent(store: Store) -> None:
    recorder = store.recorder()
    recorder.task("kimi", "review", success=True, duration_ms=5)
    before = rows(store, "SELECT runs, duration_bins FROM agent_buckets")
    writer = store.database._writer
    assert writer is not None

    def interrupted(*_: bytes) -> bytes:
        raise KeyboardInterrupt  # as a signal that is handled before the function has begun

    writer.connection.create_function("add_bins", 2, interrupted, deterministic=True)
    with pytest.raises(KeyboardInterrupt):
        recorder.task("kimi", "review", success=True, duration_ms=5)
    writer.connection.create_function("add_bins", 2, writer.adding.add, deterministic=True)
    assert rows(store, "SELECT runs, duration_bins FROM agent_buckets") == before
    recorder.task("kimi", "review", success=True, duration_ms=5)
    assert (recorder.lost, rows(store, "SELECT COUNT(*) FROM runs")) == (0, [(2,)])


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_what_a_signal_handler_raises_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch, raised: type[BaseException]
) -> None:
    recorder = store.recorder()
    recorder.task("kimi", "review", success=True, duration_ms=5)

    def add(*_: bytes) -> bytes:
        raise raised

    monkeypatch.setattr("fedstore.engine.merging.add_bins", add)
    with pytest.raises(raised):
        recorder.task("kimi", "review", success=True, duration_ms=5)


def test_a_damaged_distribution_is_a_loss_and_no_interruption(store: Store) -> None:
    recorder = store.recorder()
    recorder.task("kimi", "review", success=True, duration_ms=5)
    with store.database.write() as tx:
        tx.execute("UPDATE agent_buckets SET duration_bins = x'01'")
    assert recorder.record({"kind": "run", "agent": "kimi", "task_type": "review", "duration_ms": 5}).lost == 1


@pytest.mark.parametrize("background", [False, True])
def test_an_id_made_here_is_the_one_that_is_stored(store: Store, background: bool) -> None:
    recorder = store.recorder(background=background)
    task = recorder.task("kimi", "review", at=NOW_MS - 5)
    route = recorder.route(agent="kimi", layer="keyword", id=None)
    called = recorder.execution(agent="kimi", tool="search")
    spent = recorder.usage(agent="kimi", model="m")
    recorder.close()
    for table, identity in (("runs", task), ("routes", route), ("tool_calls", called), ("llm_calls", spent)):
        assert rows(store, f"SELECT id FROM {table}") == [(identity,)]


def test_nothing_is_looked_up_about_an_id_made_here(store: Store) -> None:
    recorder = store.recorder()
    recorder.task("kimi", "review")
    writer = store.database._writer
    assert writer is not None
    said: list[str] = []
    writer.connection.set_trace_callback(said.append)
    recorder.task("kimi", "review", success=True)
    recorder.task("kimi", "review", success=True, id="mine")
    writer.connection.set_trace_callback(None)
    first, second = (block.split("COMMIT")[0] for block in "\n".join(said).split("BEGIN IMMEDIATE")[1:])
    assert ("active_runs" in first, "verdicts" in first, "INTO runs" in first) == (False, False, True)
    assert ("active_runs" in second, "verdicts" in second, "INTO runs" in second) == (True, True, True)


@pytest.mark.parametrize("background", [False, True], ids=["durable", "background"])
def test_a_value_that_makes_no_sense_costs_itself_and_the_run_ends(store: Store, background: bool) -> None:
    recorder = store.recorder(background=background)
    with recorder.run("kimi", "review") as run:
        run.quality = 85
        run.notes = 5  # type: ignore[assignment]
        run.rework = False
    recorder.close()
    assert rows(store, "SELECT agent, success, rework, quality, notes FROM runs") == [("kimi", 1, 0, None, None)]
    assert rows(store, "SELECT COUNT(*) FROM active_runs") == [(0,)]
    reasons = [reason for (reason,) in rows(store, "SELECT reason FROM rejects ORDER BY seq")]
    assert [reason.partition(":")[0] for reason in reasons] == ["quality", "notes"]


def test_a_failure_whose_name_is_too_long_is_a_failure(store: Store) -> None:
    recorder = store.recorder()
    error = type("E" * 300, (Exception,), {})
    with pytest.raises(error), recorder.run("kimi"):
        raise error
    assert rows(store, "SELECT agent, success FROM runs") == [("kimi", 0)]


class Effort(Enum):
    """A level as a text."""

    LOW = "low"


class Poison:
    """A value whose reading raises what no validator expects."""

    def __int__(self) -> int:
        raise ZeroDivisionError

    def __float__(self) -> float:
        raise ZeroDivisionError

    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize("background", [False, True], ids=["durable", "background"])
@pytest.mark.parametrize(
    "at",
    [Decimal("1e400"), Decimal(5), b"5", Poison(), Effort.LOW],
    ids=["huge", "decimal", "bytes", "poison", "level"],
)
def test_one_poisonous_time_costs_its_own_fact(store: Store, at: Any, background: bool) -> None:
    recorder = store.recorder(background=background)
    good = [{"kind": "run", "agent": "good"}] * 20
    receipt = recorder.record_many([*good, {"kind": "run", "agent": "bad", "at": at}, *good])
    recorder.close()
    assert (receipt.taken, [position for position, _ in receipt.rejected]) == (40, [20])
    assert rows(store, "SELECT agent, COUNT(*) FROM runs GROUP BY agent") == [("good", 40)]
    assert recorder.lost == 0
