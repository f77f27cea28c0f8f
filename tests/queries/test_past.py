"""A reader that looks again and again: what it keeps of the time that is over is never other than what is there."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fedstore import Settings
from fedstore.engine.migrating import migrate
from fedstore.engine.sqlite import Database
from fedstore.facts.kinds import SUMMARIES
from fedstore.queries import Reader
from fedstore.queries import closed as past
from fedstore.queries.buckets import Buckets
from fedstore.store import Store
from fedstore.upkeep.retention import purge_steps
from tests.conftest import Clock
from tests.queries.federation import NOW_MS, Event, events

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
LABELS = ("1h", "24h", "all")


def views(reader: Reader, labels: tuple[str, ...] = LABELS) -> list[object]:
    """Everything a reader tells, of several windows."""
    found: list[object] = []
    for label in labels:
        window = reader.window(label)
        rows = reader.agents(window).rows
        found += [
            reader.overview(window), rows, reader.agent("kimi", window), reader.agent("codex", window, rows),
            reader.task_type("review", window), reader.cascade(window), reader.layer("semantic", window),
            reader.costs(window), reader.costs(window, "project"), reader.tools(window), reader.tool("bash", window),
            reader.runs(window), [reader.names(kind) for kind in ("agent", "task_type", "tool", "layer")],
        ]  # fmt: skip
    return found


def over(store: Store) -> dict[str, tuple[int, list[tuple[Any, ...]]]]:
    """The generation of each summary table, and its buckets before the mark of ten minutes."""
    read = store.database.read
    generations = dict(read("SELECT name, note FROM past"))
    ((mark,),) = read("SELECT at_ms FROM marks WHERE name = 'ten'")
    return {
        table: (
            generations[table],
            [(mark,), *read(f"SELECT * FROM {table} WHERE start < ? ORDER BY 1, 2, 3, 4", (mark,))],
        )
        for table in SUMMARIES
    }


def forget_generations(path: Path) -> None:
    """Make of a store what a version before the generations would have left."""
    older = path.with_suffix(".older")
    connection = sqlite3.connect(older, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    migrate(connection, stop_before="0006_past")
    connection.execute("COMMIT")
    connection.execute("ATTACH ? AS newer", (str(path),))
    kept = {name for (name,) in connection.execute("SELECT name FROM newer.sqlite_schema WHERE type = 'table'")}
    for (table,) in connection.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall():
        if table in kept and not table.startswith(("sqlite_", "_sqlite_")):
            names = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
            connection.execute(f"DELETE FROM main.{table}")
            told = names.replace("duration_ms", "duration_us / 1000")
            connection.execute(f"INSERT INTO main.{table} ({names}) SELECT {told} FROM newer.{table}")
    connection.close()
    older.replace(path)


class History:
    """A federation at random: facts as they happen and late, verdicts on any of them, pauses, purges."""

    def __init__(self, store: Store, clock: Clock, seed: int) -> None:
        self._store, self._clock, self._rng = store, clock, random.Random(seed)
        self._made = events(seed, n=400)
        self._judged: list[tuple[str, str]] = []

    def go_on(self) -> None:
        step = self._rng.choice([self._live, self._live, self._live, self._late, self._verdicts, self._pause])
        step()

    def purge(self) -> Iterator[object]:
        """Yields after each of its transactions."""
        return purge_steps(self._store.database, Settings(minute_days=1, hour_days=2), self._clock(), chunk=20)

    def _record(self, some: list[Event], latest_ago: int) -> None:
        for event in some:
            event["at"] = self._clock() - self._rng.randrange(latest_ago)
            if event["kind"] in ("run", "route"):
                self._judged.append((event["kind"], event["id"]))
        assert not self._store.writer().write(some).rejected

    def _live(self) -> None:
        self._clock.advance(self._rng.randrange(5 * MINUTE))
        self._record([self._made.pop() for _ in range(5)], latest_ago=20_000)

    def _late(self) -> None:
        self._record([self._made.pop() for _ in range(3)], latest_ago=self._rng.choice([HOUR, 4 * DAY]))

    def _verdicts(self) -> None:
        some = self._rng.sample(self._judged, min(4, len(self._judged)))
        verdicts = [{"kind": "verdict", "subject": kind, "subject_id": name, **_JUDGEMENT[kind]} for kind, name in some]
        assert not self._store.writer().write(verdicts).rejected

    def _pause(self) -> None:
        self._clock.advance(self._rng.choice([MINUTE, HOUR, 30 * HOUR]))


_JUDGEMENT = {"run": {"success": False, "quality": 0.5}, "route": {"correct": False}}


def a_federation(store: Store, clock: Clock) -> None:
    clock.now_ms = NOW_MS
    assert not store.writer().write(events(seed=11)).rejected


def run_of(agent: str, at: int, **fields: Any) -> Event:
    return {"kind": "run", "agent": agent, "task_type": "review", "at": at, "success": True, **fields}


@pytest.mark.parametrize("seed", range(4))
def test_it_tells_what_a_new_reader_tells(store: Store, clock: Clock, seed: int) -> None:
    history, kept = History(store, clock, seed), store.reader()
    for step in range(40):
        history.go_on()
        if step % 20 == 19:
            for _ in history.purge():
                assert views(kept, ("24h",)) == views(store.reader(), ("24h",))
        if step % 4 == 0:
            assert views(kept) == views(store.reader())


@pytest.mark.parametrize("seed", range(4, 7))
def test_an_equal_note_means_equal_buckets(store: Store, clock: Clock, seed: int) -> None:
    history, seen, before = History(store, clock, seed), {True: 0, False: 0}, over(store)
    for step in range(80):
        for _ in history.purge() if step % 27 == 26 else [history.go_on()]:
            now = over(store)
            for table in SUMMARIES:
                equal = now[table][0] == before[table][0]
                assert now[table] == before[table] or not equal
                seen[equal] += 1
            before = now
    assert min(seen.values()) > 50


@pytest.mark.parametrize(("view", "at_most"), [("overview", 31), ("agents", 13), ("cascade", 11), ("costs", 6)])
def test_a_view_asks_a_few_questions_however_many_names_there_are(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch, view: str, at_most: int
) -> None:
    a_federation(store, clock)
    statements: list[str] = []
    read = Database.read
    monkeypatch.setattr(Database, "read", lambda self, sql, *given: statements.append(sql) or read(self, sql, *given))

    def asked_by_a_new_reader() -> int:
        reader = store.reader()
        window = reader.window("24h")
        statements.clear()
        getattr(reader, view)(window)
        return len(statements)

    few = asked_by_a_new_reader()
    assert store.writer().write([run_of(f"agent {n}", clock() - n * MINUTE) for n in range(30)]).taken == 30
    assert asked_by_a_new_reader() == few <= at_most


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    """What is read of the summaries: statement, and starts and ends of spans."""
    found: list[tuple[str, tuple[int, ...]]] = []
    read = Database.read

    def noted(self: Database, sql: str, parameters: Any = ()) -> Any:
        if "_buckets WHERE width = ? AND start >= ?" in sql or "_buckets WHERE width = wide" in sql:
            found.append((sql, tuple(p for p in parameters if isinstance(p, int) and p > 365 * DAY)))
        return read(self, sql, parameters)

    monkeypatch.setattr(Database, "read", noted)
    return found


@pytest.mark.parametrize("label", ["1h", "24h", "30d", "all"])
def test_only_the_last_minutes_are_read_again(
    store: Store, clock: Clock, asked: list[tuple[str, tuple[int, ...]]], label: str
) -> None:
    a_federation(store, clock)
    reader = store.reader()
    views(reader, (label,))
    first = len(asked)
    asked.clear()
    assert store.writer().write([run_of("kimi", clock())]).taken == 1
    views(reader, (label,))
    ((mark,),) = store.database.read("SELECT at_ms FROM marks WHERE name = 'ten'")
    assert 0 < len(asked) < first
    assert min(moment for _, moments in asked for moment in moments) >= mark


def test_a_late_fact_is_seen_and_only_its_table_read_anew(
    store: Store, clock: Clock, asked: list[tuple[str, tuple[int, ...]]]
) -> None:
    a_federation(store, clock)
    reader = store.reader()
    window = reader.window("24h")
    before = reader.overview(window).tasks
    assert store.writer().write([run_of("kimi", clock() - 5 * HOUR)]).taken == 1
    asked.clear()
    assert reader.overview(window).tasks == before + 1
    ((mark,),) = store.database.read("SELECT at_ms FROM marks WHERE name = 'ten'")
    assert all(" agent_buckets WHERE" in sql for sql, moments in asked if min(moments) < mark)


def test_a_late_verdict_is_seen(store: Store, clock: Clock) -> None:
    assert store.writer().write([run_of("kimi", clock() - HOUR, id="r"), run_of("kimi", clock())]).taken == 2
    reader = store.reader()
    window = reader.window("24h")
    assert reader.overview(window).success.hits == 2
    store.writer().write([{"kind": "verdict", "subject": "run", "subject_id": "r", "rework": True}])
    assert reader.overview(window).success.hits == 1


def test_what_another_program_recorded_late_is_seen(store: Store, clock: Clock) -> None:
    assert store.writer().write([run_of("kimi", clock())]).taken == 1
    reader = store.reader()
    window = reader.window("24h")
    assert reader.overview(window).tasks == 1
    with Store(store.path, clock=clock) as other:
        assert other.writer().write([run_of("kimi", clock() - HOUR)]).taken == 1
    assert reader.overview(window).tasks == 2


def test_who_reads_an_older_moment_leaves_nothing_to_a_newer_one(store: Store, clock: Clock) -> None:
    known, window = past.Past(), store.reader().window("24h")
    assert store.writer().write([run_of("kimi", clock() - HOUR), run_of("kimi", clock())]).taken == 2

    def runs(buckets: Buckets) -> int:
        return int(buckets.sums("agent_buckets", window, (), ("runs",))[0][0])

    with store.database.snapshot():
        before = Buckets(store.database, known)
        assert store.writer().write([run_of("kimi", clock() - HOUR)]).taken == 1
        with ThreadPoolExecutor(1) as other:
            assert other.submit(lambda: runs(Buckets(store.database, known))).result() == 3
        assert runs(before) == 2
    assert runs(Buckets(store.database, known)) == 3


@pytest.mark.parametrize("from_older", [True, False])
@pytest.mark.parametrize("in_place", [True, False])
def test_another_store_at_the_path_is_another_past(
    tmp_path: Path, clock: Clock, in_place: bool, from_older: bool
) -> None:
    path, other = tmp_path / "s.db", tmp_path / "other.db"
    for file, agent in ((path, "kimi"), (other, "codex")):
        with Store(file, clock=clock) as made:
            assert made.writer().write([run_of(agent, clock() - HOUR), run_of(agent, clock())]).taken == 2
        if from_older:
            forget_generations(file)
            Store(file).close()
    with Store(path, clock=clock) as store:
        reader = store.reader()
        window = reader.window("24h")
        assert [row.name for row in reader.agents(window).rows] == ["kimi"]
        if in_place:
            with sqlite3.connect(other) as source, sqlite3.connect(path) as target:
                source.backup(target)
            source.close()
            target.close()
        else:
            other.replace(path)
        assert [(row.name, row.tasks) for row in reader.agents(window).rows] == [("codex", 2)]


def test_a_copy_put_back_goes_its_own_way(store: Store, clock: Clock, tmp_path: Path) -> None:
    """What happened after the copy was made is gone, though nothing late was ever recorded."""
    writer = store.writer()
    assert writer.write([run_of("kimi", clock())]).taken == 1
    copy = sqlite3.connect(tmp_path / "copy.db")
    with sqlite3.connect(store.path) as source:
        source.backup(copy)
    clock.advance(MINUTE)
    assert writer.write([run_of("gone", clock())]).taken == 1
    clock.advance(20 * MINUTE)
    assert writer.write([run_of("gone", clock())]).taken == 1
    reader = store.reader()
    window = reader.window("1h")
    assert {row.name for row in reader.agents(window).rows} == {"kimi", "gone"}
    with sqlite3.connect(store.path) as target:
        copy.backup(target)
    for connection in (source, target, copy):
        connection.close()
    assert store.writer().write([run_of("kimi", clock())]).taken == 1
    assert [(row.name, row.tasks) for row in reader.agents(window).rows] == [("kimi", 2)]


def test_a_window_that_moves_on_does_not_fill_the_memory(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_federation(store, clock)
    monkeypatch.setattr(past, "_MOST_PIECES", 300)
    reader, sizes = store.reader(), []
    for _ in range(60):
        clock.advance(MINUTE)
        found = reader.overview(reader.window("24h"))
        assert found == store.reader().overview(found.window)
        sizes.append(len(reader._past))
    assert max(sizes) < 500
