"""How facts become summaries, exactly, in the transaction that writes the facts.

A ``Deltas`` collects what the facts of one transaction add to each bucket and writes it once per bucket, which
is what makes a batch cheap. A live fact touches one row, its minute; when an hour (or UTC day) is over, the
first write after it rolls its minutes (hours) up, and ``marks`` remembers how far. A fact older than a mark is
added to the wider buckets directly. So every row is a pure function of the set of facts, whatever their order.

Measured against the facts alone (batches of 1,000): triggers per fact 4.5x, sets of rows per batch 4.6x, this
2.5x; and one durable call dirties 4 pages instead of 8.
"""

from __future__ import annotations

import array
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from fedstore.bins import CONFIDENCE_BINS, confidence_bin, duration_bin
from fedstore.schema.summaries import DAY_MS, HOUR_MS, MINUTE_MS, SPECS, Spec

__all__ = [
    "ACCEPTED_KIND", "ASKED_KIND", "RIGHT_KIND", "WRONG_KIND", "Deltas", "pack_bins", "read_bins", "roll_up",
    "route_judgement", "run_judgement",
]  # fmt: skip

ASKED_KIND, ACCEPTED_KIND, RIGHT_KIND, WRONG_KIND = range(4)
_SWAP = sys.byteorder == "big"
_PPM = 1_000_000

Key = tuple[Any, ...]
Counts = dict[int, int]


class Writer(Protocol):
    """The part of a transaction that is needed here."""

    def execute(self, sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]: ...

    def executemany(self, sql: str, rows: Iterable[Any]) -> int: ...


# --- distributions --------------------------------------------------------------------------------------------


def pack_bins(counts: Counts) -> bytes:
    """Sorted (bin, count) pairs of signed 32-bit little-endian integers; empty bins are left out."""
    flat = array.array("i")
    for index in sorted(counts):
        if counts[index]:
            flat.append(index)
            flat.append(counts[index])
    if _SWAP:
        flat.byteswap()
    return flat.tobytes()


def read_bins(blob: bytes) -> Iterator[tuple[int, int]]:
    """The (bin, count) pairs of one blob, or of several joined."""
    flat = array.array("i")
    flat.frombytes(blob)
    if _SWAP:
        flat.byteswap()
    values = iter(flat)
    return zip(values, values, strict=True)


# --- what a fact adds -----------------------------------------------------------------------------------------


def run_judgement(
    success: int | None, rework: int | None, quality: float | None, qa: str | None
) -> tuple[int, ...]:
    """ok, failed, reworked, rework_known, quality_n, quality_ppm, qa_passed, qa_warning, qa_failed, qa_error.

    Work that had to be done again is not a success, whatever was reported first.
    """
    ok = success == 1 and rework != 1
    return (
        ok, success is not None and not ok, rework == 1, rework is not None,
        quality is not None, 0 if quality is None else round(quality * _PPM),
        qa == "passed", qa == "warning", qa == "failed", qa == "error",
    )  # fmt: skip


def route_judgement(correct: int | None, quality: float | None) -> tuple[int, ...]:
    """graded, correct, quality_n, quality_ppm."""
    return (correct is not None, correct == 1, quality is not None, 0 if quality is None else round(quality * _PPM))


class Deltas:
    """What the facts of one transaction add, per summary table and minute."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[Key, list[Any]]] = {}

    def add(self, table: str, at_ms: int, key: Key, sums: Sequence[int], *bins: Counts) -> None:
        """Add ``sums`` (and distributions, in the table's order) to the minute of ``at_ms``."""
        rows = self._tables.setdefault(table, {})
        bucket = (at_ms - at_ms % MINUTE_MS, *key)
        row = rows.get(bucket)
        if row is None:
            rows[bucket] = [list(sums), [dict(b) for b in bins]]
            return
        row[0] = [a + b for a, b in zip(row[0], sums, strict=True)]
        for into, counts in zip(row[1], bins, strict=True):
            for index, count in counts.items():
                into[index] = into.get(index, 0) + count

    def run(self, row: Sequence[Any]) -> None:
        """A row of ``runs`` in the order of its insert."""
        _, agent, task_type, project, _, _, ended, duration, success, rework, quality, _, qa = row[:13]
        judged = run_judgement(success, rework, quality, qa)
        sums = (1, *judged[:4], duration is not None, duration or 0, *judged[4:])
        self.add("agent_buckets", ended, (agent, task_type, project), sums, _bin_ms(duration))

    def run_judged(self, at_ms: int, key: Key, old: Sequence[int], new: Sequence[int]) -> None:
        """A run whose judgement moved from ``old`` to ``new`` (both as ``run_judgement`` gives them)."""
        change = [b - a for a, b in zip(old, new, strict=True)]
        self.add("agent_buckets", at_ms, key, (0, *change[:4], 0, 0, *change[4:]), {})

    def usage(self, row: Sequence[Any]) -> None:
        """A row of ``llm_calls`` in the order of its insert."""
        agent, model, operation, task_type, project, ended, duration = row[2], row[3], *row[5:10]
        tokens, minimum, cost, basis, error = row[10:15], row[15], row[16], row[17], row[19]
        unpriced = basis == "unpriced"
        self.add(
            "spend_buckets",
            ended,
            (agent, model, project, task_type, operation),
            (
                1, error != "", *tokens, minimum, duration is not None, duration or 0,
                cost if basis == "reported" else 0, cost if basis == "computed" else 0,
                unpriced, tokens[0] + tokens[3] if unpriced else 0,
            ),
        )  # fmt: skip

    def execution(self, row: Sequence[Any]) -> None:
        """A row of ``tool_calls`` in the order of its insert."""
        agent, tool, task_type, project, ended, duration, success, cost, tokens = row[3:12]
        self.add(
            "tool_buckets",
            ended,
            (tool, agent),
            (1, success == 1, success == 0, duration is not None, duration or 0, cost is not None, cost or 0, tokens or 0),
            _bin_ms(duration),
        )
        if cost or tokens:
            spent, unknown = tokens or 0, cost is None
            self.add(
                "spend_buckets",
                ended,
                (agent, "", project, task_type, f"tool {tool}"),
                (1, 0, spent, 0, 0, 0, 0, 0, 0, 0, cost or 0, 0, unknown, spent if unknown else 0),
            )

    def route(self, row: Sequence[Any]) -> None:
        """A row of ``routes`` in the order of its insert."""
        layer, at, latency, correct, quality = row[4], row[6], row[7], row[8], row[11]
        index = duration_bin(latency)
        self.add(
            "route_buckets",
            at,
            (layer,),
            (1, latency is not None, latency or 0, *route_judgement(correct, quality)),
            {} if index is None else {index: 1},
        )

    def route_judged(self, at_ms: int, layer: str, old: Sequence[int], new: Sequence[int]) -> None:
        """A route whose judgement moved (both as ``route_judgement`` gives them)."""
        self.add("route_buckets", at_ms, (layer,), (0, 0, 0, *(b - a for a, b in zip(old, new, strict=True))), {})

    def attempt(self, at_ms: int, row: Sequence[Any], right: int | None) -> None:
        """A row of ``route_attempts`` in the order of its insert; a probe's attempt is not on the live path."""
        _, _, layer, _, confidence, _, accepted, shadow, _, error, latency = row
        if shadow:
            return
        index = duration_bin(latency)
        self.add(
            "layer_buckets",
            at_ms,
            (layer,),
            (
                1, accepted, error != "", confidence is not None, 0 if confidence is None else round(confidence * _PPM),
                latency is not None, latency or 0,
            ),
            {} if index is None else {index: 1},
            _confidence_counts(confidence, accepted, right),
        )  # fmt: skip

    def attempt_judged(self, at_ms: int, layer: str, confidence: float | None, old: int | None, new: int | None) -> None:
        """A live attempt that turned out right (1), wrong (0) or unknown (None)."""
        index = confidence_bin(confidence)
        if index is None or old == new:
            return
        change: Counts = {}
        for verdict, sign in ((old, -1), (new, 1)):
            if verdict is not None:
                kind = RIGHT_KIND if verdict else WRONG_KIND
                change[kind * CONFIDENCE_BINS + index] = change.get(kind * CONFIDENCE_BINS + index, 0) + sign
        self.add("layer_buckets", at_ms, (layer,), (0,) * 7, {}, change)

    def flush(self, tx: Writer, now_ms: int) -> None:
        """Write everything collected, to the minutes and, before the marks, to hours and days too."""
        if not self._tables:
            return
        hour_mark, day_mark = marks(tx)
        if now_ms - now_ms % HOUR_MS > hour_mark:
            hour_mark, day_mark = roll_up(tx, now_ms)
        for table, minutes in self._tables.items():
            _merge(tx, table, MINUTE_MS, minutes.items())
            late = [(k, row) for k, row in minutes.items() if k[0] < hour_mark]
            if late:
                _merge(tx, table, HOUR_MS, _widen(late, HOUR_MS).items())
                later = [(k, row) for k, row in late if k[0] < day_mark]
                _merge(tx, table, DAY_MS, _widen(later, DAY_MS).items())
        self._tables = {}


def _bin_ms(duration_ms: int | None) -> Counts:
    if duration_ms is None:
        return {}
    index = duration_bin(duration_ms * 1000)
    assert index is not None
    return {index: 1}


def _confidence_counts(confidence: float | None, accepted: int, right: int | None) -> Counts:
    index = confidence_bin(confidence)
    if index is None:
        return {}
    counts = {ASKED_KIND * CONFIDENCE_BINS + index: 1}
    if accepted:
        counts[ACCEPTED_KIND * CONFIDENCE_BINS + index] = 1
    if right is not None:
        counts[(RIGHT_KIND if right else WRONG_KIND) * CONFIDENCE_BINS + index] = 1
    return counts


# --- writing --------------------------------------------------------------------------------------------------


def marks(tx: Writer) -> tuple[int, int]:
    """The hour mark and the day mark."""
    found = dict(tx.execute("SELECT name, at_ms FROM marks"))
    return int(found["hour"]), int(found["day"])


def _widen(rows: Iterable[tuple[Key, list[Any]]], width: int) -> dict[Key, list[Any]]:
    wide: dict[Key, list[Any]] = {}
    for (start, *key), (sums, bins) in rows:
        bucket = (start - start % width, *key)
        row = wide.get(bucket)
        if row is None:
            wide[bucket] = [list(sums), [dict(b) for b in bins]]
            continue
        row[0] = [a + b for a, b in zip(row[0], sums, strict=True)]
        for into, counts in zip(row[1], bins, strict=True):
            for index, count in counts.items():
                into[index] = into.get(index, 0) + count
    return wide


def _upsert_sql(table: str, spec: Spec) -> str:
    columns = ("width", "start", *spec.keys, *spec.sums, *spec.bins)
    sets = [f"{c} = {table}.{c} + excluded.{c}" for c in spec.sums] + [f"{c} = excluded.{c}" for c in spec.bins]
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        f" ON CONFLICT (width, start, {', '.join(spec.keys)}) DO UPDATE SET {', '.join(sets)}"
    )


def _bins_sql(table: str, spec: Spec) -> str:
    where = " AND ".join(f"{key} = ?" for key in ("width", "start", *spec.keys))
    return f"SELECT {', '.join(spec.bins)} FROM {table} WHERE {where}"


_UPSERT = {table: _upsert_sql(table, spec) for table, spec in SPECS.items()}
_BINS = {table: _bins_sql(table, spec) for table, spec in SPECS.items() if spec.bins}


def _merge(tx: Writer, table: str, width: int, rows: Iterable[tuple[Key, list[Any]]]) -> None:
    """Add rows to the buckets of one width; distributions are read, merged and written back."""
    found = _BINS.get(table)
    values = []
    for key, (sums, bins) in rows:
        packed = _merged_bins(tx.execute(found, (width, *key)), bins) if found else ()
        values.append((width, *key, *sums, *packed))
    if values:
        tx.executemany(_UPSERT[table], values)


def _merged_bins(there: list[tuple[Any, ...]], bins: Sequence[Counts]) -> Sequence[bytes]:
    if not there:
        return [pack_bins(counts) for counts in bins]
    return [_merged(blob, counts) for blob, counts in zip(there[0], bins, strict=True)]


def _merged(blob: bytes, counts: Counts) -> bytes:
    if not counts:
        return blob
    total = dict(read_bins(blob))
    for index, count in counts.items():
        total[index] = total.get(index, 0) + count
    return pack_bins(total)


def roll_up(tx: Writer, now_ms: int) -> tuple[int, int]:
    """Add the minutes of hours that are over to the hours, the hours of days that are over to the days.

    The marks only move forward; returns the hour mark and the day mark.
    """
    hour_mark, day_mark = marks(tx)
    new_hour, new_day = now_ms - now_ms % HOUR_MS, now_ms - now_ms % DAY_MS
    if new_hour > hour_mark:
        _roll(tx, MINUTE_MS, HOUR_MS, hour_mark, new_hour)
        tx.execute("UPDATE marks SET at_ms = ? WHERE name = 'hour'", (new_hour,))
    if new_day > day_mark:
        _roll(tx, HOUR_MS, DAY_MS, day_mark, new_day)
        tx.execute("UPDATE marks SET at_ms = ? WHERE name = 'day'", (new_day,))
    return max(hour_mark, new_hour), max(day_mark, new_day)


def _roll(tx: Writer, narrow: int, wide: int, since: int, until: int) -> None:
    for table, spec in SPECS.items():
        columns = ", ".join(("start", *spec.keys, *spec.sums, *spec.bins))
        found = tx.execute(
            f"SELECT {columns} FROM {table} WHERE width = ? AND start >= ? AND start < ?", (narrow, since, until)
        )
        keys, sums = 1 + len(spec.keys), 1 + len(spec.keys) + len(spec.sums)
        rows = (
            (row[:keys], [row[keys:sums], [dict(read_bins(blob)) for blob in row[sums:]]]) for row in found
        )
        _merge(tx, table, wide, _widen(rows, wide).items())
