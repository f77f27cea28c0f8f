"""What a tab's queries cost in a store of ten thousand events and in one of many more.

python bench/queries.py --events 1000000
python bench/queries.py --events 10000000        (some minutes and 4 GB, most of them to build)

Limits: the larger within 1.5x of the smaller, and within 1,000 point reads of the same store, which are measured in
turn with it: a run by its id, through the same engine. Both stores hold 30 days of the same federation (six
agents, three task types, five tools), written in bulk with every bucket of every name filled, which is the most that
its queries can ever have to read: so the ratio is what the number of events costs. For comparison, another column has
ten thousand events recorded through the writer, whose buckets are mostly empty. Processor time, which other work on
the machine disturbs least; median of some looks.

The first look is that of a new reader, which reads everything: after the window was changed, and after something was
recorded late, for the table that it changed. The looks that follow are those of the pane, whose reader keeps what it
read of the time that is over. The last column is a first look through a new connection, as a process that has just
begun takes it: its statements are not prepared and none of its pages are at hand.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from fedstore.bins import pack_bins
from fedstore.engine.sqlite import Database
from fedstore.facts.kinds import SUMMARIES
from fedstore.queries import Reader
from fedstore.recording.writer import FactWriter
from fedstore.widths import DAY_MS, WIDTHS
from fedstore.window import Window
from limits import Limits

NOW_MS = 1_773_146_096_789
LIMIT_RATIO, POINT_READS = 1.5, 1_000
SMALL = 10_000
AGENTS, TASKS, TOOLS, MODELS, LAYERS = (
    tuple(f"{kind}-{n}" for n in range(count))
    for kind, count in (("agent", 6), ("type", 3), ("tool", 5), ("model", 3), ("layer", 5))
)
# Of ten events four are runs, three calls of models, two of tools and one is a decision.
SHARES = {"runs": 0.4, "llm_calls": 0.3, "tool_calls": 0.2, "routes": 0.1}
WINDOWS = ("1h", "24h", "7d", "30d")

_SERIES = "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < :count - 1)"
_ID = "printf('%012x%020x', :start + i * :length / :count, i)"
_AT = ":start + i * :length / :count"
_WHO, _TASK = "'agent-' || (i % 6)", "'type-' || (i / 6 % 3)"
_FACTS: dict[str, dict[str, str]] = {
    "runs": {
        "id": _ID, "agent": _WHO, "task_type": _TASK, "project": "'p'", "mode": "''", "ended_ms": _AT,
        "duration_us": "1000 * (1000 + i % 977)", "success": "i % 9 != 0", "error_class": "''", "source": "''",
        "recorded_ms": _AT,
    },
    "llm_calls": {
        "id": _ID, "run_id": "''", "agent": _WHO, "model": "'model-' || (i % 3)", "provider": "''",
        "operation": "'chat'", "task_type": _TASK, "project": "'p'", "ended_ms": _AT, "duration_us": "900000",
        "input_tokens": "1000", "cache_read_tokens": "0", "cache_write_tokens": "0", "output_tokens": "200",
        "reasoning_tokens": "0", "output_is_minimum": "0", "cost_nano": "5000000", "cost_basis": "'reported'",
        "price_version": "''", "error_class": "''", "source": "''", "recorded_ms": _AT,
    },
    "tool_calls": {
        "id": _ID, "run_id": "''", "task_id": "''", "agent": _WHO, "tool": "'tool-' || (i % 5)", "task_type": "''",
        "project": "''", "ended_ms": _AT, "duration_us": "90000", "success": "i % 11 != 0", "effort": "''",
        "browser_used": "0", "error_class": "''", "source": "''", "recorded_ms": _AT,
    },
    "routes": {
        "id": _ID, "task_id": "''", "agent": _WHO, "layer": "'layer-' || (i % 5)", "confidence": "0.8", "at_ms": _AT,
        "latency_us": "2000", "correct": "i % 10 != 0", "trail": "zeroblob(96)", "source": "''", "recorded_ms": _AT,
    },
}  # fmt: skip
_KEYS: dict[str, list[tuple[str, ...]]] = {
    "agent_buckets": [(a, t, "p") for a in AGENTS for t in TASKS],
    "error_buckets": [(a, t, "Timeout") for a in AGENTS for t in TASKS],
    "spend_buckets": [(a, MODELS[n % 3], "p", t, "chat") for n, a in enumerate(AGENTS) for t in TASKS],
    "tool_buckets": [(t, a, "") for t in TOOLS for a in AGENTS],
    "route_buckets": [(layer,) for layer in LAYERS],
    "layer_buckets": [(layer,) for layer in LAYERS],
}


def record(path: Path, events: int) -> Database:
    """A store of 30 days that were recorded event by event."""
    database = Database(path)
    writer = FactWriter(database, clock=lambda: NOW_MS)
    batch: list[dict[str, Any]] = []
    for i in range(events):
        batch.append(event(i, NOW_MS - i * 30 * DAY_MS // events))
        if len(batch) == 1_000:
            writer.write(batch)
            batch.clear()
    writer.write(batch)
    return database


def event(i: int, at: int) -> dict[str, Any]:
    """Event ``i``, of the same names and shares as the facts written in bulk."""
    agent, task = AGENTS[i % 6], TASKS[i // 6 % 3]
    shared = {"agent": agent, "at": at}
    if i % 10 < 4:
        duration, success = 1000 + i % 977, i % 9 != 0
        run = {"kind": "run", "task_type": task, "project": "p", "duration_ms": duration, "success": success}
        return shared | run
    if i % 10 < 7:
        used = {"input_tokens": 1000, "output_tokens": 200, "cost_usd": 0.005}
        return shared | {"kind": "usage", "model": MODELS[i % 3], "task_type": task, "project": "p", **used}
    if i % 10 < 9:
        return shared | {"kind": "execution", "tool": TOOLS[i % 5], "duration_ms": 90, "success": i % 11 != 0}
    last = i // 10 % 5
    attempts = [
        {"layer": layer, "agent": agent, "confidence": 0.8, "accepted": n == last, "latency_ms": 2}
        for n, layer in enumerate(LAYERS[: last + 1])
    ]
    outcome = {"correct": i % 3 != 0}
    return shared | {"kind": "route", "layer": LAYERS[last], "latency_ms": 2, "attempts": attempts, "outcome": outcome}


def build(path: Path, events: int) -> Database:
    """A store with ``events`` facts over 30 days and every bucket of theirs filled."""
    database = record(path, 1_000)  # so that layers and live rows are there as usual
    start = NOW_MS - 30 * DAY_MS
    for table, share in SHARES.items():
        columns, values = (", ".join(part) for part in (_FACTS[table], _FACTS[table].values()))
        with database.write() as tx:
            tx.execute(
                f"INSERT INTO {table} ({columns}) SELECT * FROM ({_SERIES} SELECT {values} FROM n)",
                {"start": start, "length": 29 * DAY_MS, "count": int(events * share)},
            )
    for table in SUMMARIES:
        for width in WIDTHS:
            with database.write() as tx:
                fill(tx, table, width, start, events)
    return database


def fill(tx: Any, table: str, width: int, start: int, events: int) -> None:
    """Every bucket of a width that has ended, each as if the events were spread evenly."""
    spec, keys = SUMMARIES[table], _KEYS[table]
    each = max(1, events * width // (30 * DAY_MS * len(keys) * 4))
    sums = [each] + [each * 900 if "ms" in name or "us" in name else each for name in spec.sums[1:]]
    bins = [pack_bins({(150 if "confidence" not in name else 10) + n: each for n in range(20)}) for name in spec.bins]
    columns = ("width", "start", *spec.keys, *spec.sums, *spec.bins)
    tx.executemany(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) ON CONFLICT DO NOTHING",
        (
            (width, at, *key, *sums, *bins)
            for at in range(start - start % width, NOW_MS - NOW_MS % width, width)
            for key in keys
        ),
    )


Ask = Callable[[Reader], object]


def tabs(label: str) -> dict[str, Ask]:
    """What each tab and drill-down asks for."""
    window = Window.ending(label, NOW_MS)
    return {
        "overview": lambda reader: reader.overview(window), "agents": lambda reader: reader.agents(window),
        "agent": lambda reader: reader.agent(AGENTS[0], window), "cascade": lambda reader: reader.cascade(window),
        "layer": lambda reader: reader.layer(LAYERS[0], window), "costs": lambda reader: reader.costs(window),
        "tools": lambda reader: reader.tools(window), "tool": lambda reader: reader.tool(TOOLS[0], window),
        "task type": lambda reader: reader.task_type(TASKS[0], window), "runs": lambda reader: reader.runs(window),
    }  # fmt: skip


class Looks(NamedTuple):
    """Median processor times of one tab, in milliseconds."""

    first: float
    following: float
    process: float
    """Of a first look through a new connection."""


def looks(ask: Ask, stores: tuple[Database, ...], times: int) -> list[Looks]:
    """What a tab costs in each of some stores, which are looked at in turns."""
    found: list[list[Looks]] = [[] for _ in stores]
    for _ in range(times + 1):
        for database, some in zip(stores, found, strict=True):
            reader, other = Reader(database, clock=lambda: NOW_MS), Database(database.path, readonly=True)
            first, following = taken_ms(ask, reader), taken_ms(ask, reader)
            some.append(Looks(first, following, taken_ms(ask, Reader(other, clock=lambda: NOW_MS))))
            other.close()
    return [Looks(*map(statistics.median, zip(*some[1:], strict=True))) for some in found]


def point_reads_ms(database: Database, times: int) -> float:
    """Processor time of the fixed set of point reads that a tab is held against, in milliseconds."""
    ids = [name for (name,) in database.read(f"SELECT id FROM runs ORDER BY seq LIMIT {POINT_READS}")]
    taken = []
    for _ in range(times + 1):
        started = time.process_time()
        for name in ids:
            database.read("SELECT * FROM runs WHERE id = ?", (name,))
        taken.append((time.process_time() - started) * 1000 * POINT_READS / len(ids))
    return statistics.median(taken[1:])


def taken_ms(ask: Ask, reader: Reader) -> float:
    """Processor time of one look, in milliseconds."""
    started = time.process_time()
    ask(reader)
    return (time.process_time() - started) * 1000


def tables(label: str, stores: tuple[Database, ...], options: argparse.Namespace, limits: Limits) -> None:
    """Print what each tab costs in one window: its first look, and those that follow."""
    found = {name: looks(ask, stores, options.times) for name, ask in tabs(label).items()}
    points = point_reads_ms(stores[-1], options.times)
    filled = f"{options.events:,} filled"
    for kind in ("first", "following"):
        heads = ["10,000 recorded", "10,000 filled", filled, "ratio", "limit", "      ", "of point reads", "      "]
        heads += ["new process"] if kind == "first" else []
        print(f"\n| {f'{label}, {kind}':14} | {' | '.join(heads)} |")
        print(f"|----------------|{'|'.join('-' * (2 + len(head)) for head in heads)}|", flush=True)
        for name, measured in found.items():
            light, base, more = (getattr(some, kind) for some in measured)
            ratio = f"{more / base:4.2f}x |  {LIMIT_RATIO}x | {limits.judge(more / base, LIMIT_RATIO):6}"
            figures = f"{light:12.2f} ms | {base:10.2f} ms | {more:{len(filled) - 3}.2f} ms"
            process = f" | {measured[-1].process:8.2f} ms" if kind == "first" else ""
            share = more / points
            print(f"| {name:14} | {figures} | {ratio} | {share:13.2f}x | {limits.judge(share, 1):6}{process} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=31)
    parser.add_argument("--folder", type=Path, help="where to build the stores (default: a temporary folder)")
    options = parser.parse_args()
    limits = Limits()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        started = time.perf_counter()
        home = Path(folder)
        sparse, small = record(home / "sparse.db", SMALL), build(home / "small.db", SMALL)
        large = build(home / "large.db", options.events)
        size = (home / "large.db").stat().st_size / 1e9
        print(f"built in {time.perf_counter() - started:.0f} s, {size:.1f} GB")
        for label in WINDOWS:
            tables(label, (sparse, small, large), options, limits)
        sparse.close()
        small.close()
        large.close()
    return limits.code


if __name__ == "__main__":
    sys.exit(main())
