"""Whether the summaries are what the facts add up to: the second opinion that ``fedtop doctor`` gives.

Minutes are held against the facts, wider buckets against the narrower ones that they contain; each only over the time
for which both are whole, since facts, minutes and hours are purged at different times.
"""

from __future__ import annotations

from collections import Counter

from fedstore.bins import counts_of
from fedstore.facts.kinds import KINDS, SUMMARIES
from fedstore.facts.summary import share_part
from fedstore.ids import FUTURE_SLACK_MS
from fedstore.widths import MARKS, MINUTE_MS, WIDTHS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fedstore.engine.protocol import Engine, Row
    from fedstore.facts.kind import Sums

__all__ = ["disagreements", "whole_since"]


def whole_since(database: Engine) -> int:
    """Since when all facts and all minutes are still there, in UTC epoch milliseconds; 0 for always."""
    marks: dict[str, int] = dict(database.read("SELECT name, at_ms FROM marks"))
    # A purged fact lies, at the most, as far after the time of its recording as clocks may differ.
    facts = marks["facts_purged"] + FUTURE_SLACK_MS + MINUTE_MS if "facts_purged" in marks else 0
    since = max(facts, marks.get("minutes_from", 0))
    return since - since % MINUTE_MS


def disagreements(database: Engine) -> list[str]:
    """What does not agree, one phrase each, first one of each table and width. Raises StoreError."""
    with database.snapshot():
        found = [*_minutes(database, whole_since(database)), *_wider(database)]
    return [phrase for some in (slice(1), slice(1, None)) for phrases in found for phrase in phrases[some]]


def _minutes(database: Engine, since: int) -> Iterator[list[str]]:
    for table, said in _by_the_facts(database, since).items():
        found = _sums(database, table, tuple(said), MINUTE_MS, since, None)
        yield [*_differences(table, found, said), *_wrong_bins(database, table, since)]


def _wrong_bins(database: Engine, table: str, since: int) -> Iterator[str]:
    """The distributions of a summary that are not those of the facts."""
    said: dict[str, Counter[int]] = {}
    for sums in (sums for kind in KINDS for sums in kind.sums if sums.summary.name == table):
        for column, (columns, bins_of) in sums.bins.items():
            counts = said.setdefault(column, Counter())
            for *values, n in _grouped(database, sums, columns, since):
                for index in bins_of(*values):
                    counts[index] += n
    for column, counts in said.items():
        yield from _unequal(table, column, _bins(database, table, column, MINUTE_MS, since, None), counts)


def _unequal(table: str, column: str, found: Mapping[int, int] | None, said: Mapping[int, int] | None) -> Iterator[str]:
    if found is None or said is None:
        yield f"{table}: {column} cannot be read"
        return
    wrong = sum(found.get(index, 0) != said.get(index, 0) for index in found.keys() | said.keys())
    if wrong:
        yield f"{table}: {column} has {sum(found.values()):,} in its bins and should have {sum(said.values()):,}" + (
            "" if sum(found.values()) != sum(said.values()) else f", which lie in others ({wrong:,} bins differ)"
        )


def _bins(
    database: Engine, table: str, column: str, width: int, since: int, until: int | None
) -> Mapping[int, int] | None:
    """The counts of all bins of a distribution; None when one of the packed ones is damaged."""
    end, values = (" AND start < ?", (until,)) if until is not None else ("", ())
    rows = database.read(f"SELECT {column} FROM {table} WHERE width = ? AND start >= ?{end}", (width, since, *values))
    try:
        return counts_of(packed for (packed,) in rows)
    except ValueError:
        return None


def _grouped(database: Engine, sums: Sums, columns: str, since: int) -> list[Row]:
    """The values of some columns of the facts of a summary, each with how often it occurs."""
    where = f" AND {sums.where}" if sums.where else ""
    return database.read(
        f"SELECT {columns}, COUNT(*) FROM {sums.source} WHERE {sums.at} >= ?{where} GROUP BY {columns}", (since,)
    )


def _by_the_facts(database: Engine, since: int) -> dict[str, dict[str, int]]:
    """What the sums of each summary should be; several kinds may add to one."""
    said: dict[str, dict[str, int]] = {}
    for sums in (sums for kind in KINDS for sums in kind.sums):
        total = said.setdefault(sums.summary.name, {})
        for column, value in _read(database, sums, since).items():
            total[column] = total.get(column, 0) + value
        for column, share in sums.shares.items():
            found = _grouped(database, sums, share, since)
            total[column] = total.get(column, 0) + sum(share_part(value)[1] * n for value, n in found)
    return said


def _read(database: Engine, sums: Sums, since: int) -> dict[str, int]:
    terms = ", ".join(f"CAST({term} AS BIGINT)" for term in sums.terms.values())
    where = f" AND {sums.where}" if sums.where else ""
    (row,) = database.read(f"SELECT {terms} FROM {sums.source} WHERE {sums.at} >= ?{where}", (since,))
    return {column: value or 0 for column, value in zip(sums.terms, row, strict=True)}


def _wider(database: Engine) -> Iterator[list[str]]:
    marks: dict[str, int] = dict(database.read("SELECT name, at_ms FROM marks"))
    minutes, hours = marks.get("minutes_from", 0), max(marks.get("minutes_from", 0), marks.get("hours_from", 0))
    since_of = dict(zip(MARKS, (minutes, hours, marks.get("hours_from", 0)), strict=True))
    for (name, width), narrow in zip(MARKS.items(), WIDTHS, strict=False):
        for table, summary in SUMMARIES.items():
            wide, said = (
                _sums(database, table, summary.sums, each, since_of[name], marks[name]) for each in (width, narrow)
            )
            label, found = f"{table} by the {name}", list(_differences(f"{table} by the {name}", wide, said))
            for column in summary.bins:
                both = (_bins(database, table, column, of, since_of[name], marks[name]) for of in (width, narrow))
                found += _unequal(label, column, *both)
            yield found


def _sums(
    database: Engine, table: str, columns: Sequence[str], width: int, since: int, until: int | None
) -> dict[str, int]:
    sums = ", ".join(f"CAST(SUM({column}) AS BIGINT)" for column in columns)
    end, values = (" AND start < ?", (until,)) if until is not None else ("", ())
    (row,) = database.read(f"SELECT {sums} FROM {table} WHERE width = ? AND start >= ?{end}", (width, since, *values))
    return {column: value or 0 for column, value in zip(columns, row, strict=True)}


def _differences(table: str, found: Mapping[str, int], said: Mapping[str, int]) -> Iterator[str]:
    for column, value in said.items():
        if found[column] != value:
            yield f"{table}: {column} is {found[column]:,} and should be {value:,}"
