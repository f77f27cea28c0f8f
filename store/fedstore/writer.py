"""The writer of facts: validated events in, one transaction, exact summaries; raises what goes wrong.

The recorder (which never raises), the importers and the shell all write through this. A batch is written
whole or not at all; an event that cannot be recorded is refused by itself, with its reason, and the rest goes in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from fedstore.database import Database, Transaction
from fedstore.errors import EventError
from fedstore.events import Event, Execution, Job, Route, Run, RunState, Usage, Verdict, event_adapter
from fedstore.ids import now_ms
from fedstore.judging import judge_route, judge_run, subjects_with_verdicts
from fedstore.pricing import price
from fedstore.summaries import Deltas
from fedstore.writes import (
    INSERTS, Row, Stamp, execution_row, job_row, proposal_right, route_rows, run_row, state_row, usage_row, verdict_row,
)  # fmt: skip

__all__ = ["FUTURE_SLACK_MS", "FactWriter", "Receipt", "explain", "validated"]

FUTURE_SLACK_MS = 300_000
_CHUNK = 400
_SEEN_LAYER = (
    "INSERT INTO layers (name, position, threshold, seen_ms, seen_id) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET position = excluded.position, threshold = excluded.threshold,"
    " seen_ms = excluded.seen_ms, seen_id = excluded.seen_id"
    " WHERE excluded.seen_ms > layers.seen_ms"
    " OR (excluded.seen_ms = layers.seen_ms AND excluded.seen_id > layers.seen_id)"
)


@dataclass(slots=True)
class Receipt:
    """What became of some events: written, already there, refused (position and reason), or lost."""

    taken: int = 0
    known: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)
    lost: int = 0
    """Not written because the store could not be (a recorder only; a writer raises)."""

    def __add__(self, other: Receipt) -> Receipt:
        return Receipt(
            self.taken + other.taken, self.known + other.known, self.rejected + other.rejected,
            self.lost + other.lost,
        )  # fmt: skip


def explain(error: ValidationError) -> str:
    """The first thing wrong with an event, in one line that names the field."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"] if part not in _KINDS)
    message = first["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown field (see `fedtop record --help` for the known ones)"
    message = message[:1].lower() + message[1:]
    return f"{where}: {message}" if where else message


_KINDS = {"run", "run_state", "usage", "execution", "route", "verdict", "job"}


def validated(event: Event | Mapping[str, Any]) -> Event:
    """The event itself, or the event a mapping describes. Raises EventError in one clear line."""
    if isinstance(event, (Run, RunState, Usage, Execution, Route, Verdict, Job)):
        return event
    try:
        return event_adapter().validate_python(event)
    except ValidationError as error:
        raise EventError(explain(error)) from error


class FactWriter:
    """Writes events to a store; one instance may be used by many threads.

    ``source`` names where facts come from when they do not say; ``keep_content`` opts in to storing task
    descriptions. ``clock`` gives the present in UTC epoch milliseconds.
    """

    def __init__(
        self, database: Database, *, source: str = "", keep_content: bool = False, clock: Callable[[], int] = now_ms
    ) -> None:
        self._database = database
        self._source = source
        self._keep_content = keep_content
        self._clock = clock
        self._codes: dict[str, int] = {}
        self._codes_guard = threading.Lock()

    def write(self, events: Iterable[Event | Mapping[str, Any]]) -> Receipt:
        """Write a batch in one transaction. Raises StoreError; then nothing of the batch was written."""
        stamp = Stamp(self._clock(), self._source, self._keep_content)
        receipt = Receipt()
        batch = _Batch(stamp, self._code)
        for position, event in enumerate(events):
            try:
                batch.add(validated(event))
            except EventError as error:
                receipt.rejected.append((position, str(error)))
        if batch.size:
            with self._database.write() as tx:
                taken = batch.write(tx)
            receipt.taken, receipt.known = taken, batch.size - taken
        return receipt

    def _code(self, name: str) -> int:
        """The small integer of a name; a new name is committed before anything refers to it."""
        code = self._codes.get(name)
        if code is None:
            with self._codes_guard, self._database.write() as tx:
                tx.execute("INSERT INTO names (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
                ((code,),) = tx.execute("SELECT code FROM names WHERE name = ?", (name,))
                self._codes[name] = code
        return code


class _Batch:
    """Rows of one transaction, by table, and how they are written."""

    def __init__(self, stamp: Stamp, code: Callable[[str], int]) -> None:
        self.size = 0
        self._stamp = stamp
        self._code = code
        self._latest = stamp.recorded_ms + FUTURE_SLACK_MS
        self._runs: list[Row] = []
        self._states: list[Row] = []
        self._usages: list[Row] = []
        self._executions: list[Row] = []
        self._routes: list[tuple[Row, list[Row], Row | None]] = []
        self._verdicts: list[Row] = []
        self._jobs: list[Row] = []
        self._given: set[str] = set()

    def add(self, event: Event) -> None:
        """Take one event. Raises EventError for a time in the future."""
        if event.at is not None and event.at > self._latest:
            raise EventError(f"at: lies {_ahead(event.at - self._stamp.recorded_ms)} in the future: check the clock")
        stamp = self._stamp
        if isinstance(event, Run):
            self._runs.append(run_row(event, stamp))
        elif isinstance(event, Usage):
            self._usages.append(usage_row(event, stamp, *price(event, stamp.recorded_ms)))
        elif isinstance(event, Execution):
            self._executions.append(execution_row(event, stamp))
        elif isinstance(event, Route):
            self._routes.append(route_rows(event, stamp, self._code))
        elif isinstance(event, RunState):
            self._states.append(state_row(event, stamp))
        elif isinstance(event, Verdict):
            self._verdicts.append(verdict_row(event, stamp))
        else:
            self._jobs.append(job_row(event, stamp))
        if event.id is not None:
            self._given.add(event.id)
        self.size += 1

    def write(self, tx: Transaction) -> int:
        """Write the rows; how many events were new."""
        deltas = Deltas()
        taken = tx.executemany(INSERTS["active_runs"], self._states) if self._states else 0
        taken += self._write_runs(tx, deltas)
        taken += self._write_plain(tx, "llm_calls", self._usages, deltas.usage)
        taken += self._write_plain(tx, "tool_calls", self._executions, deltas.execution)
        taken += self._write_routes(tx, deltas)
        taken += self._write_verdicts(tx, deltas)
        taken += tx.executemany(INSERTS["jobs"], self._jobs) if self._jobs else 0
        deltas.flush(tx, self._stamp.recorded_ms)
        return taken

    def _new(self, tx: Transaction, table: str, rows: list[Row]) -> list[Row]:
        """The rows whose fact is not there yet, each fact once. Ids made here are fresh and need no look."""
        ids = [row[0] for row in rows if row[0] in self._given]
        if not ids:
            return rows
        known = set()
        for start in range(0, len(ids), _CHUNK):
            some = ids[start : start + _CHUNK]
            marks = ", ".join("?" * len(some))
            known.update(row[0] for row in tx.execute(f"SELECT id FROM {table} WHERE id IN ({marks})", some))
        fresh = {}
        for row in rows:
            if row[0] not in known:
                fresh.setdefault(row[0], row)
        return list(fresh.values())

    def _write_plain(self, tx: Transaction, table: str, rows: list[Row], count: Callable[[Row], None]) -> int:
        fresh = self._new(tx, table, rows) if rows else rows
        if fresh:
            tx.executemany(INSERTS[table], fresh)
            for row in fresh:
                count(row)
        return len(fresh)

    def _write_runs(self, tx: Transaction, deltas: Deltas) -> int:
        taken = self._write_plain(tx, "runs", self._runs, deltas.run)
        given = [row[0] for row in self._runs if row[0] in self._given]
        if given:
            tx.executemany("DELETE FROM active_runs WHERE id = ?", [(run_id,) for run_id in given])
            for run_id in subjects_with_verdicts(tx, "run", given):
                judge_run(tx, run_id, deltas)
        return taken

    def _write_routes(self, tx: Transaction, deltas: Deltas) -> int:
        if not self._routes:
            return 0
        new = {row[0] for row in self._new(tx, "routes", [route for route, _, _ in self._routes])}
        early = subjects_with_verdicts(tx, "route", [i for i in new if i in self._given])
        fresh = []
        for written in self._routes:
            if written[0][0] in new:
                new.discard(written[0][0])
                fresh.append(written)
            elif written[2] is not None:  # a decision sent again, now with its outcome
                self._verdicts.append(written[2])
        tx.executemany(INSERTS["routes"], [route for route, _, _ in fresh])
        tx.executemany(INSERTS["route_attempts"], [row for _, attempts, _ in fresh for row in attempts])
        tx.executemany(INSERTS["verdicts"], [verdict for _, _, verdict in fresh if verdict is not None])
        self._count_routes(tx, fresh, deltas)
        for route_id in early:
            judge_route(tx, route_id, deltas)
        return len(fresh)

    def _count_routes(
        self, tx: Transaction, fresh: Sequence[tuple[Row, list[Row], Row | None]], deltas: Deltas
    ) -> None:
        layers: dict[str, Row] = {}
        for route, attempts, _ in fresh:
            deltas.route(route)
            selected, at, correct, correct_agent = route[3], route[6], route[8], route[9]
            for row in attempts:
                _, position, layer, proposed, _, threshold, accepted, *_ = row
                deltas.attempt(at, row, proposal_right(proposed, accepted, selected, correct, correct_agent))
                seen = layers.get(layer)
                if seen is None or (at, route[0]) > seen[3:]:
                    layers[layer] = (layer, position, threshold, at, route[0])
        tx.executemany(_SEEN_LAYER, layers.values())

    def _write_verdicts(self, tx: Transaction, deltas: Deltas) -> int:
        if not self._verdicts:
            return 0
        taken = tx.executemany(INSERTS["verdicts"], self._verdicts)
        for kind, subject in dict.fromkeys(row[:2] for row in self._verdicts):
            (judge_run if kind == "run" else judge_route)(tx, subject, deltas)
        return taken


def _ahead(ms: int) -> str:
    hours = ms / 3_600_000
    return f"{ms / 60_000:.0f} min" if hours < 1 else f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"
