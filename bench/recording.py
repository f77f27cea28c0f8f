"""What recording costs: batches against a bare executemany of the same rows, one durable call, eight processes.

python bench/recording.py --batches 20

Limits: a batch of 1,000 mappings at most 2x the CPU of a bare sqlite3.executemany of the same rows into the same
tables, validation included, and 4x with the summaries; one durable call 2x (median) and 3x (99th percentile) of a bare
commit of one row; eight processes at once without error or loss, none waiting longer than a quarter of their run, with
a log under 16 MB; one look for changes 3x of the two questions that it cannot do without. Every limit of a time is a
ratio to a floor that is measured beside it, since machines differ. CPU of this process, the least of some batches; the
machine should have nothing else to do, and the quietest of some rounds counts, since a shared one seldom has.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fedstore.engine.sqlite import Database
from fedstore.facts import kinds, route
from fedstore.facts.events import Run
from fedstore.recording.recorder import Recorder
from fedstore.recording.writer import FactWriter
from limits import Limits

NOW_MS = 1_773_146_096_789
SIZE = 1_000
PROCESSES = 8
CALL_LIMIT, SLOW_LIMIT, LOOK_LIMIT, WAIT_LIMIT = 2.0, 3.0, 3.0, 0.25
Event = dict[str, Any]


def runs() -> list[Event]:
    """Runs as an agent would report them."""
    return [
        {"kind": "run", "agent": f"agent-{i % 8}", "task_type": f"type-{i % 4}", "project": "p", "at": when(i),
         "duration_ms": 1000.0 + i * 7 % 9000, "success": i % 7 != 0, "quality": 0.5 if i % 3 else None}
        for i in range(SIZE)
    ]  # fmt: skip


def usages() -> list[Event]:
    """Calls of language models with a reported cost."""
    return [
        {"kind": "usage", "agent": f"agent-{i % 8}", "model": f"model-{i % 3}", "task_type": f"type-{i % 4}",
         "project": "p", "at": when(i), "duration_ms": 1000.0 + i * 7 % 9000, "input_tokens": 1000 + i,
         "output_tokens": 100 + i, "cost_usd": 0.01}
        for i in range(SIZE)
    ]  # fmt: skip


def executions() -> list[Event]:
    """Executions of tools."""
    return [
        {"kind": "execution", "agent": f"agent-{i % 8}", "tool": f"tool-{i % 5}", "task_type": f"type-{i % 4}",
         "project": "p", "at": when(i), "duration_ms": 100.0 + i * 7 % 900, "success": i % 7 != 0, "cost_usd": 0.001}
        for i in range(SIZE)
    ]  # fmt: skip


def routes(graded: bool = False) -> list[Event]:
    """Decisions of one to three layers, with or without their outcome."""
    found = []
    for i in range(SIZE):
        last = i % 3
        attempts = [
            {"layer": f"layer-{j}", "agent": f"agent-{(i + j) % 8}", "confidence": 0.3 + 0.1 * j + i % 10 / 40,
             "threshold": 0.85, "accepted": j == last, "latency_ms": 2.0 + i % 30 * j}
            for j in range(last + 1)
        ]  # fmt: skip
        event = {"kind": "route", "agent": f"agent-{(i + last) % 8}", "layer": f"layer-{last}", "confidence": 0.8,
                 "at": when(i), "latency_ms": 12.0, "attempts": attempts}  # fmt: skip
        found.append(event | {"outcome": {"correct": i % 5 != 0}} if graded else event)
    return found


KINDS: dict[str, tuple[Callable[[], list[Event]], tuple[str, ...]]] = {
    "runs": (runs, ("runs",)),
    "usages": (usages, ("llm_calls",)),
    "executions": (executions, ("tool_calls",)),
    "routes": (routes, ("routes", "route_attempts")),
    "routes, graded": (lambda: routes(graded=True), ("routes", "route_attempts", "verdicts")),
}


def when(i: int) -> int:
    """Times within the last minute."""
    return NOW_MS - i * 37 % 60_000


@contextmanager
def without_summaries() -> Iterator[None]:
    """The writer as it is, but for the summaries."""
    adds, count = [kind.add for kind in kinds.KINDS], route._count
    for kind in kinds.KINDS:
        kind.add = None
    route._count = lambda *_: None  # type: ignore[assignment]
    try:
        yield
    finally:
        for kind, add in zip(kinds.KINDS, adds, strict=True):
            kind.add = add
        route._count = count


def cpu(work: Callable[..., object], *arguments: Any) -> float:
    """CPU seconds of this process."""
    started = time.process_time()
    work(*arguments)
    return time.process_time() - started


def inserts(database: Database, tables: tuple[str, ...]) -> list[tuple[str, list[tuple[Any, ...]]]]:
    """Statements and rows that write again, bare and in the same order, what the last batch of a store wrote."""
    found = []
    newest = f"SELECT id, seq FROM {tables[0]} ORDER BY seq DESC LIMIT {SIZE}"
    keys = {"route_attempts": "route_id", "verdicts": "subject_id"}
    for table in tables:
        names = [row[1] for row in database.read(f"PRAGMA table_info({table})") if row[1] != "seq"]
        columns = ", ".join(names)
        rows = database.read(
            f"SELECT {', '.join(f'{table}.{name}' for name in names)} FROM ({newest}) AS batch"
            f" JOIN {table} ON {table}.{keys.get(table, 'id')} = batch.id ORDER BY batch.seq"
        )
        found.append((f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(names))})", rows))
    return found


def bare(database: Database, statements: list[tuple[str, list[tuple[Any, ...]]]]) -> None:
    """One transaction of nothing but executemany."""
    with database.write() as tx:
        for sql, rows in statements:
            tx.connection.executemany(sql, rows)


def batches(folder: Path, count: int, limits: Limits) -> None:
    print("| batches of 1,000 | bare us | facts | limit |        | with summaries | limit |        |")
    print("|------------------|---------|-------|-------|--------|----------------|-------|--------|")
    for kind, (make, tables) in KINDS.items():
        name = "".join(filter(str.isalnum, kind))
        stores = [Database(folder / f"{name}-{part}.db") for part in ("bare", "facts", "whole")]
        facts, whole = (FactWriter(database, clock=lambda: NOW_MS) for database in stores[1:])
        for writer in (facts, whole):
            writer.write(make())
        spent: list[list[float]] = [[], [], []]
        for _ in range(count):
            events = make()
            spent[2].append(cpu(whole.write, events))
            with without_summaries():
                spent[1].append(cpu(facts.write, events))
            spent[0].append(cpu(bare, stores[0], inserts(stores[2], tables)))
        base, without, full = (min(times) for times in spent)
        each, facts_only, all_of_it = base * 1e6 / SIZE, without / base, full / base
        first, second = limits.judge(facts_only, 2), limits.judge(all_of_it, 4)
        figures = f"{each:7.2f} | {facts_only:4.2f}x |    2x | {first:6} | {all_of_it:13.2f}x |    4x | {second:6}"
        print(f"| {kind:16} | {figures} |")
        for database in stores:
            database.close()


def percentile(values: list[float], share: float) -> float:
    """Nearest rank, in microseconds."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1e6


def timed(call: Callable[[int], object], calls: int) -> tuple[float, float]:
    """Microseconds (median, 99th percentile) of some calls."""
    taken = []
    for i in range(calls):
        started = time.perf_counter()
        call(i)
        taken.append(time.perf_counter() - started)
    return percentile(taken, 0.5), percentile(taken, 0.99)


def one_call(folder: Path, limits: Limits, rounds: int = 8) -> None:
    """One durable call beside a bare commit, in turn: a round is both, and the quietest round of each counts."""
    events = [Run(**{key: value for key, value in event.items() if key != "at"}) for event in runs()]
    recorder = Recorder(folder / "one.db")
    for event in events:
        recorder.record(event)
    database = Database(folder / "floor.db")
    commit = bare_commit(database, folder / "one.db")
    found: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for _ in range(rounds):
        found.append((timed(lambda i: recorder.record(events[i]), SIZE), timed(commit, SIZE)))
    assert recorder.lost == 0
    (median, slow), (floor, slow_floor) = (
        (min(one[side][0] for one in found), min(one[side][1] for one in found)) for side in (0, 1)
    )
    print(
        f"\none bare commit of one row, the floor on this machine: median {floor:.1f} us, 99th percentile"
        f" {slow_floor:.1f} us (the quietest of {rounds} rounds of {SIZE:,})"
    )
    print(
        f"one durable record(): median {median:.1f} us, {median / floor:.2f}x (limit {CALL_LIMIT}x:"
        f" {limits.judge(median / floor, CALL_LIMIT)}), 99th percentile {slow:.1f} us, {slow / slow_floor:.2f}x (limit"
        f" {SLOW_LIMIT}x: {limits.judge(slow / slow_floor, SLOW_LIMIT)});"
        f" the loudest round {max(one[0][0] for one in found):.1f} and {max(one[0][1] for one in found):.1f} us"
    )
    recorder.close()
    database.close()


def bare_commit(database: Database, like: Path) -> Callable[[int], object]:
    """One INSERT, of a run that another store holds, in a transaction of its own, by the same driver and settings."""
    ((sql, rows),) = inserts(Database(like, readonly=True), ("runs",))
    with database.write() as tx:
        connection = tx.connection
    ids = itertools.count()

    def commit(i: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(sql, (f"{next(ids):032x}", *rows[i % SIZE][1:]))
        connection.execute("COMMIT")

    commit(0)
    return commit


def look(folder: Path, limits: Limits, looks: int = 20_000) -> None:
    """A look for changes beside what it asks: the file's place and the version of its data."""
    path = folder / "one.db"
    database = Database(path, readonly=True)
    connection = sqlite3.connect(path, isolation_level=None)

    def ask(_: int) -> None:
        path.stat()
        connection.execute("PRAGMA data_version").fetchone()

    (each, _), (floor, _) = timed(lambda _: database.change_token(), looks), timed(ask, looks)
    ratio = each / floor
    print(f"a look for changes: {each:.1f} us, {ratio:.2f}x (limit {LOOK_LIMIT}x: {limits.judge(ratio, LOOK_LIMIT)})")
    connection.close()
    database.close()


def work(path: str, calls: int, start: Any, answers: Any) -> None:
    """One of the processes: its longest call in seconds, and what it lost."""
    recorder = Recorder(path)
    recorder.task("warm")
    start.wait()
    longest = 0.0
    for i in range(calls):
        began = time.perf_counter()
        recorder.task("agent", success=i % 2 == 0)
        longest = max(longest, time.perf_counter() - began)
    answers.put((longest, recorder.lost))
    recorder.close()


def processes(folder: Path, limits: Limits, calls: int = 1_500) -> None:
    path = folder / "many.db"
    Database(path).close()
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(PROCESSES + 1), context.Queue()
    workers = [context.Process(target=work, args=(str(path), calls, start, answers)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    start.wait()
    began = time.perf_counter()
    sizes: list[int] = [0]
    done = threading.Event()
    watcher = threading.Thread(target=watch, args=(path.with_name("many.db-wal"), sizes, done))
    watcher.start()
    found = [answers.get() for _ in workers]
    seconds = time.perf_counter() - began
    done.set()
    watcher.join()
    for worker in workers:
        worker.join()
    database = Database(path)
    ((kept,),) = database.read("SELECT COUNT(*) FROM runs")
    ((summed,),) = database.read("SELECT SUM(runs) FROM agent_buckets WHERE width = 60000")
    database.close()
    expected = PROCESSES * (calls + 1)
    gone = expected - kept + expected - summed + sum(lost for _, lost in found)
    longest, log = max(longest for longest, _ in found), max(sizes) / 1e6
    print(
        f"{PROCESSES} processes at once: {expected:,} calls, {gone} lost or not summed (limit 0:"
        f" {limits.judge(gone, 0)}); longest wait {longest:.3f} s, {longest / seconds:.2f} of the run (limit"
        f" {WAIT_LIMIT}: {limits.judge(longest / seconds, WAIT_LIMIT)});"
        f" log {log:.1f} MB (limit 16: {limits.judge(log, 16)}); {expected / seconds:,.0f} calls/s"
    )


def watch(log: Path, sizes: list[int], done: threading.Event) -> None:
    """The largest size that the log has while the others write."""
    while not done.wait(0.005):
        if log.exists():
            sizes.append(log.stat().st_size)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        limits = Limits()
        batches(Path(folder), options.batches, limits)
        one_call(Path(folder), limits)
        look(Path(folder), limits)
        processes(Path(folder), limits)
    return limits.code


if __name__ == "__main__":
    sys.exit(main())
