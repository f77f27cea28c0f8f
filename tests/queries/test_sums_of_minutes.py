"""Sums, slots and distributions of any window, derived a second time from the minutes alone."""

from __future__ import annotations

import random
import struct
import sys
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest

from fedstore import bins
from fedstore.bins import pack_bins
from fedstore.facts.kinds import SUMMARIES
from fedstore.queries.buckets import Buckets
from fedstore.queries.closed import Past
from fedstore.store import Store
from fedstore.window import Window
from tests.conftest import Clock
from tests.queries.federation import NOW_MS
from tests.queries.test_past import History

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
STEPS = (MINUTE, 5 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, DAY, 7 * DAY)
Row = tuple[object, ...]


class Minutes:
    """The rows of the minutes of a window, added up one by one."""

    def __init__(self, store: Store, table: str, window: Window) -> None:
        spec = SUMMARIES[table]
        columns = ("start", *spec.keys, *spec.sums, *spec.bins)
        found = store.database.read(
            f"SELECT {', '.join(columns)} FROM {table} WHERE width = ? AND start >= ? AND start < ?",
            (MINUTE, window.start_ms, window.end_ms),
        )
        self._rows = [dict(zip(columns, row, strict=True)) for row in found]

    def sums(self, by: tuple[str, ...], columns: tuple[str, ...], step_ms: int = 0) -> list[Row]:
        totals: dict[Row, Counter[str]] = {}
        for row in self._rows:
            slot = (row["start"] // step_ms * step_ms,) if step_ms else ()
            total = totals.setdefault((*slot, *(row[key] for key in by)), Counter())
            for column in columns:
                total[column] += row[column]
        if not by and not step_ms:
            totals.setdefault((), Counter())
        return [(*key, *(totals[key][column] for column in columns)) for key in sorted(totals)]

    def distribution(self, by: str, column: str) -> dict[str, dict[int, int]]:
        totals: dict[str, Counter[int]] = {}
        for row in self._rows:
            total = totals.setdefault(row[by], Counter())
            for index, count in struct.iter_unpack("<ii", row[column]):
                total[index] += count
        return {name: dict(total) for name, total in totals.items()}


def windows(rng: random.Random, now_ms: int, n: int) -> Iterator[Window]:
    """Any minutes of the last days, some of them to the present."""
    end = now_ms - now_ms % MINUTE + MINUTE
    for _ in range(n):
        until = rng.choice([end, end - MINUTE * rng.randrange(7_000)])
        length = MINUTE * rng.choice([rng.randrange(1, 90), rng.randrange(1, 9_000)])
        yield Window(until - length, until, "some", live=until == end)


@pytest.mark.parametrize("seed", range(20, 24))
def test_any_window_adds_up_to_its_minutes(store: Store, clock: Clock, seed: int) -> None:
    clock.now_ms = NOW_MS
    history, rng, known = History(store, clock, seed), random.Random(seed), Past()
    for _ in range(12):
        for _ in range(4):
            history.go_on()
        buckets = Buckets(store.database, known)
        (runs,) = store.database.read("SELECT SUM(runs) FROM agent_buckets WHERE width = 60000")
        assert runs[0]
        for window in windows(rng, clock(), 4):
            table = rng.choice(list(SUMMARIES))
            spec, minutes = SUMMARIES[table], Minutes(store, table, window)
            by = tuple(rng.sample(spec.keys, rng.randrange(len(spec.keys) + 1)))
            columns = tuple(rng.sample(spec.sums, rng.randrange(1, 4)))
            step = rng.choice(STEPS)
            assert buckets.sums(table, window, by, columns) == minutes.sums(by, columns)
            assert buckets.slots(table, window, step, by, columns) == minutes.sums(by, columns, step)
            for column in spec.bins:
                found = buckets.distributions(table, window, spec.keys[0], column)
                assert {name: nonzero(counts) for name, counts in found.items()} == {
                    name: nonzero(counts) for name, counts in minutes.distribution(spec.keys[0], column).items()
                }


def nonzero(counts: Mapping[int, int]) -> dict[int, int]:
    return {index: count for index, count in counts.items() if count}


def test_several_windows_and_a_name_of_one(store: Store, clock: Clock) -> None:
    clock.now_ms = NOW_MS
    history, rng = History(store, clock, 9), random.Random(9)
    for _ in range(40):
        history.go_on()
    buckets, some = Buckets(store.database), list(windows(rng, clock(), 20))
    found = buckets.sums_each("agent_buckets", some, ("agent", "task_type"), ("runs", "ok"))
    assert sum(map(bool, found)) > 5
    for window, rows in zip(some, found, strict=True):
        assert rows == Minutes(store, "agent_buckets", window).sums(("agent", "task_type"), ("runs", "ok"))
        kimi = [row[1:] for row in rows if row[0] == "kimi"]
        assert buckets.sums("agent_buckets", window, ("task_type",), ("runs", "ok"), "agent = ?", "kimi") == kimi
        slots = buckets.slots("agent_buckets", window, HOUR, (), ("runs",), "agent = ?", "kimi")
        assert sum(runs for _, runs in slots) == sum(runs for _, runs, _ in kimi)


@pytest.mark.parametrize("loaded", [True, False])
@pytest.mark.parametrize("parts", [1, 30, 900])
def test_distributions_add_up_with_numpy_and_without(monkeypatch: pytest.MonkeyPatch, loaded: bool, parts: int) -> None:
    rng = random.Random(parts)
    some = [Counter(rng.choice([-1, int(rng.gauss(350, 40))]) for _ in range(rng.randrange(60))) for _ in range(parts)]
    if loaded:
        pytest.importorskip("numpy")
    else:
        monkeypatch.delitem(sys.modules, "numpy", raising=False)
        monkeypatch.setattr(bins, "_counts_by_numpy", None)  # nobody waits for numpy because of some thousand bins
    assert dict(bins.counts_of(map(pack_bins, some))) == dict(sum(some, Counter()))
