"""The rows of one transaction, and how they are written so that every summary stays exact.

Rows are made when events are added, before the transaction begins, so that the lock is held for the writing only;
but the trail of a decision is packed in it, because its codes are those of the very file that it is written to.
A fact that is already there changes nothing, and a fact that occurs twice in a batch counts once. Events come in as
their valid fields, so that whoever has them can do without pydantic.
"""

from __future__ import annotations

from functools import partial

from fedstore.errors import EventError
from fedstore.facts.checking import CHECKS, check_start
from fedstore.facts.inserting import insert_facts
from fedstore.facts.judging import judge_route, judge_run, subjects_with_verdicts
from fedstore.facts.summaries import Deltas
from fedstore.facts.trail import pack
from fedstore.facts.writes import (
    INSERTS,
    execution_row,
    job_row,
    proposal_right,
    route_rows,
    run_row,
    state_row,
    usage_row,
    verdict_row,
)  # fmt: skip
from fedstore.ids import FUTURE_SLACK_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, ClassVar, TypeAlias

    from fedstore.engine.protocol import Tx
    from fedstore.facts.events import Fields
    from fedstore.facts.writes import Row, Stamp

    RouteRows: TypeAlias = tuple[Row, list[Row], Row | None]

__all__ = ["BACKFILL_MS", "Batch"]

BACKFILL_MS = 86_400_000
"""A fact that old when it is recorded is history: minutes and hours are then kept longer, see ``retention``."""
_BACKFILLED = (
    "INSERT INTO marks (name, at_ms) VALUES ('backfill', ?)"
    " ON CONFLICT (name) DO UPDATE SET at_ms = excluded.at_ms WHERE excluded.at_ms > marks.at_ms"
)
_NEVER = -1
_FACTS_PURGED = "SELECT at_ms FROM marks WHERE name = 'facts_purged'"
_ROWS: dict[str, Callable[[Fields, int, Stamp], Any]] = {
    "run": run_row, "run_state": state_row, "usage": usage_row, "execution": execution_row, "route": route_rows,
    "verdict": verdict_row, "job": job_row,
}  # fmt: skip
_SEEN_LAYER = (
    "INSERT INTO layers (name, position, threshold, seen_ms, seen_id) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET position = excluded.position, threshold = excluded.threshold,"
    " seen_ms = excluded.seen_ms, seen_id = excluded.seen_id"
    " WHERE (excluded.seen_ms, excluded.seen_id) > (layers.seen_ms, layers.seen_id)"
)


class Batch:
    """Rows by kind of event."""

    def __init__(self, stamp: Stamp) -> None:
        self.size = 0
        self._stamp = stamp
        self._latest = stamp.recorded_ms + FUTURE_SLACK_MS
        self._oldest = stamp.recorded_ms
        self._rows: dict[str, list[Any]] = {}
        self._named: dict[str, list[str]] = {}

    def add(self, events: Iterable[Fields]) -> list[tuple[int, str]]:
        """Take the fields of valid events; the positions and reasons of those that are refused.

        That is a time in the future, or fields that contradict each other.
        """
        stamp, refused, position = self._stamp, [], -1
        now, latest, oldest, former = stamp.recorded_ms, self._latest, self._oldest, None
        for position, fields in enumerate(events):
            kind, at = fields["kind"], fields["at"]
            if kind != former:
                former, check, make_row = kind, CHECKS.get(kind), _ROWS[kind]
                keep = self._rows.setdefault(kind, []).append
            try:
                if at is None:
                    at = now
                    if fields.get("started_at"):
                        check_start(fields["started_at"], now, FUTURE_SLACK_MS)
                elif at > latest:
                    raise EventError(  # noqa: TRY301 - refused like all that the checks refuse
                        f"at: lies {_ahead(at - now)} in the future: check the clock"
                    )
                if check is not None:
                    check(fields)
            except EventError as error:
                refused.append((position, str(error)))
                continue
            keep(make_row(fields, at, stamp))
            if at < oldest and kind != "verdict":
                oldest = at
            if fields["id"] is not None:
                self._named.setdefault(kind, []).append(fields["id"])
        self._oldest = oldest
        self.size += position + 1 - len(refused)
        return refused

    def write(self, tx: Tx) -> int:
        """Write the rows; how many events were new."""
        deltas = Deltas()
        taken = 0
        for kind in self._rows if len(self._rows) == 1 else self._ORDER:
            rows = self._rows.get(kind)
            if rows:
                taken += self._WRITES[kind](self, tx, rows, deltas)
        deltas.flush(tx, self._stamp.recorded_ms)
        if taken and self._stamp.recorded_ms - self._oldest > BACKFILL_MS:
            tx.execute(_BACKFILLED, (self._stamp.recorded_ms,))
        return taken

    def _states(self, tx: Tx, rows: list[Row], _: Deltas) -> int:
        return tx.executemany(INSERTS["active_runs"], rows)

    def _runs(self, tx: Tx, rows: list[Row], deltas: Deltas) -> int:
        fresh = _insert_new(tx, "runs", rows, self._stamp.recorded_ms)
        for row in fresh:
            deltas.run(row)
        named = self._named.get("run")
        if named:
            tx.executemany("DELETE FROM active_runs WHERE id = ?", [(run_id,) for run_id in named])
            for run_id in subjects_with_verdicts(tx, "run", named):
                judge_run(tx, run_id, deltas)
        return len(fresh)

    def _usages(self, tx: Tx, rows: list[Row], deltas: Deltas) -> int:
        fresh = _insert_new(tx, "llm_calls", rows, self._stamp.recorded_ms)
        for row in fresh:
            deltas.usage(row)
        return len(fresh)

    def _executions(self, tx: Tx, rows: list[Row], deltas: Deltas) -> int:
        fresh = _insert_new(tx, "tool_calls", rows, self._stamp.recorded_ms)
        for row in fresh:
            deltas.execution(row)
        return len(fresh)

    def _routes(self, tx: Tx, rows: list[RouteRows], deltas: Deltas) -> int:
        code = partial(_code, tx)
        routes = [(*route, pack(route[3], route[6], attempts, code)) for route, attempts, _ in rows]
        new = {row[0] for row in _insert_new(tx, "routes", routes, self._stamp.recorded_ms)}
        early = subjects_with_verdicts(tx, "route", [i for i in self._named.get("route", ()) if i in new])
        fresh, sent_again = [], []
        for written in rows:
            if written[0][0] in new:
                new.discard(written[0][0])
                fresh.append(written)
            elif written[2] is not None:
                sent_again.append(written[2])
        insert_facts(tx, "route_attempts", [row for _, attempts, _ in fresh for row in attempts])
        insert_facts(tx, "verdicts", [verdict for _, _, verdict in fresh if verdict is not None])
        _count_routes(tx, fresh, deltas)
        for route_id in early:
            judge_route(tx, route_id, deltas)
        return len(fresh) + _judge_again(tx, sent_again, deltas)

    def _verdicts(self, tx: Tx, rows: list[Row], deltas: Deltas) -> int:
        taken = insert_facts(tx, "verdicts", rows)
        for kind, subject in dict.fromkeys(row[:2] for row in rows):
            (judge_run if kind == "run" else judge_route)(tx, subject, deltas)
        return taken

    def _jobs(self, tx: Tx, rows: list[Row], _: Deltas) -> int:
        return tx.executemany(INSERTS["jobs"], rows)

    _WRITES: ClassVar[dict[str, Callable[[Batch, Tx, list[Any], Deltas], int]]] = {
        "run_state": _states, "run": _runs, "usage": _usages, "execution": _executions, "route": _routes,
        "verdict": _verdicts, "job": _jobs,
    }  # fmt: skip
    _ORDER = tuple(_WRITES)
    """States come before runs, because an ended run is not happening; verdicts after what they judge."""


def _insert_new(tx: Tx, table: str, rows: list[Row], now_ms: int) -> list[Row]:
    """Insert rows; those whose fact was not there yet, each fact once."""
    if tx.memo.get("facts_purged") != _NEVER:
        rows = _unless_purged(tx, table, rows, now_ms)
    written = insert_facts(tx, table, rows)
    if written == len(rows):
        return rows
    if not written:
        return []
    new = {row[0] for row in tx.execute(f"SELECT id FROM {table} ORDER BY seq DESC LIMIT ?", (written,))}
    fresh: dict[str, Row] = {}
    for row in rows:
        if row[0] in new:
            fresh.setdefault(row[0], row)
    return list(fresh.values())


def _unless_purged(tx: Tx, table: str, rows: list[Row], now_ms: int) -> list[Row]:
    """The rows whose fact was not purged before."""
    newest = tx.memo.get("facts_purged")
    if newest is None:
        found = tx.execute(_FACTS_PURGED)
        newest = tx.memo["facts_purged"] = found[0][0] if found else _NEVER
    if newest == _NEVER:
        return rows
    from fedstore.facts.purged import not_purged

    return not_purged(tx, table, rows, newest, now_ms)


def _code(tx: Tx, name: str) -> int:
    """The small integer of a name in packed trails; a new one is written in the same transaction."""
    code = tx.names.get(name)
    if code is None:
        tx.execute("INSERT INTO names (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
        ((code,),) = tx.execute("SELECT code FROM names WHERE name = ?", (name,))
        tx.names[name] = code
    return int(code)


def _judge_again(tx: Tx, verdicts: list[Row], deltas: Deltas) -> int:
    """Take the outcomes of decisions that were sent again; how many decisions they changed."""
    insert_facts(tx, "verdicts", verdicts)
    return sum(judge_route(tx, route_id, deltas) for route_id in {verdict[1] for verdict in verdicts})


def _count_routes(tx: Tx, fresh: Sequence[RouteRows], deltas: Deltas) -> None:
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


def _ahead(ms: int) -> str:
    hours = ms / 3_600_000
    return f"{ms / 60_000:.0f} min" if hours < 1 else f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"
