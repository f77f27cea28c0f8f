"""Lines as crashes, proxies and attackers write them: whatever one line holds, it costs that line.

`python -m tests.ingest.test_mutations 500` tries more seeds than the suite does.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from fedstore.engine.sqlite import Database
from fedstore.ingest import import_paths
from fedstore.store import Store
from tests.ingest.helpers import contents, lines
from tests.ingest.mutations import SAMPLES, Sample, metrics, mutated
from tests.ingest.transcripts import T0
from tests.templates import copied

Contents = dict[str, list[tuple[Any, ...]]]

LATER = T0 + 400 * 86_400_000
FACTS = ("runs", "llm_calls", "tool_calls", "routes", "route_attempts", "verdicts")
SEEDS = 10
_known: dict[str, Contents] = {}


def opened(path: Path) -> Database:
    return Database(copied(path, "empty", lambda made: Store(made).close()))


def of_others(sample: Sample, folder: Path) -> Contents:
    """The facts of the units that are not the victim, which stand beside it as well as without it."""
    if sample.name not in _known:
        found = []
        for units in (sample.units, [u for number, u in enumerate(sample.units) if number != sample.victim]):
            path = folder / f"whole-{len(found)}.jsonl"
            path.write_bytes(lines(*(line for unit in units for line in unit)))
            database = opened(path.with_suffix(".db"))
            import_paths(database, [path], clock=lambda: LATER)
            found.append(contents(database))
            database.close()
        whole, without = found
        _known[sample.name] = {table: [row for row in whole[table] if row in without[table]] for table in FACTS}
        assert sum(map(len, _known[sample.name].values())) > 4
    return _known[sample.name]


def problems(sample: Sample, seed: int, folder: Path) -> Iterator[str]:
    """What one changed line of the victim did that it must not do."""
    chance = random.Random(f"{sample.name} {seed}")
    at = chance.randrange(len(sample.units[sample.victim]))
    data = b""
    for number, unit in enumerate(sample.units):
        for position, line in enumerate(unit):
            raw = lines(line)
            if (number, position) == (sample.victim, at):
                raw = mutated(line, chance)
            data += raw
    path, database = folder / f"{seed}.jsonl", opened(folder / f"{seed}.db")
    path.write_bytes(data)
    report = import_paths(database, [path], clock=lambda: LATER)
    found = contents(database)
    for table, rows in of_others(sample, folder).items():
        if not set(map(repr, rows)) <= set(map(repr, found[table])):
            yield f"cost its neighbours in {table}"
    if any(file.note for file in report.files):
        yield f"ended its file: {report.files[0].note}"
    taken = import_paths(database, [path], again=True, clock=lambda: LATER).taken
    if taken or contents(database) != found:
        yield "was counted twice"
    database.close()
    pieces = opened(folder / f"{seed}-pieces.db")
    for cut in sorted(chance.randrange(len(data) + 1) for _ in range(chance.choice((1, 2, 4)))):
        path.write_bytes(data[:cut])
        looked = chance.choice(LOOKS)
        import_paths(pieces, [path], clock=lambda looked=looked: looked)  # type: ignore[misc]
    path.write_bytes(data)
    import_paths(pieces, [path], clock=lambda: LATER)
    if comparable(contents(pieces)) != comparable(found):
        yield "came to other facts in pieces"
    pieces.close()


LOOKS = (T0 + 700_000, LATER)
MOMENTS = {*LOOKS, *(at - at % 60_000 for at in LOOKS)}


def comparable(found: Contents) -> Contents:
    """Without what depends on when it was looked at: events that tell no time, and how far ahead a refused one lies."""
    return {
        table: [row for row in rows if not MOMENTS.intersection(row) and "in the future" not in str(row)]
        for table, rows in found.items()
    }


@pytest.mark.parametrize("make", SAMPLES, ids=[make().name for make in SAMPLES])
def test_a_changed_line_costs_that_line_only(make: Callable[[], Sample], tmp_path: Path) -> None:
    sample = make()
    found = [(seed, problem) for seed in range(SEEDS) for problem in problems(sample, seed, tmp_path)]
    assert found == []


def document_problems(seed: int, folder: Path) -> Iterator[str]:
    """What a changed metrics.json did that it must not do, to itself or to the file beside it."""
    chance = random.Random(f"metrics.json {seed}")
    root = folder / str(seed)
    (root / "b").mkdir(parents=True)
    (root / "metrics.json").write_bytes(mutated(metrics(), chance))
    (root / "b" / "metrics.json").write_text(json.dumps({**metrics(), "initialized": "2026-02-05T08:00:01"}))
    database = opened(root / "store.db")
    import_paths(database, [root], clock=lambda: LATER)
    found = contents(database)
    if len([row for row in found["runs"] if row[1] == "kimi"]) < 15:
        yield "cost the file beside it"
    if (
        import_paths(database, [root], again=True, clock=lambda: LATER).taken
        or contents(database)["runs"] != found["runs"]
    ):
        yield "was counted twice"
    database.close()


def test_a_changed_document_costs_itself_only(tmp_path: Path) -> None:
    found = [(seed, problem) for seed in range(2 * SEEDS) for problem in document_problems(seed, tmp_path)]
    assert found == []


if __name__ == "__main__":
    for seed in range(int(sys.argv[1])):
        with TemporaryDirectory() as name:
            tried = [(make().name, problems(make(), seed, Path(name))) for make in SAMPLES]
            for what, wrong in [*tried, ("metrics.json", document_problems(seed, Path(name)))]:
                for problem in wrong:
                    print(what, seed, problem)
