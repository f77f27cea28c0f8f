"""What a kind of fact says of itself.

Each kind is a module of this room that ends in a `Kind`, and a line in `kinds.KINDS`. Everything that goes over all
kinds follows from these: how events are checked, written, added up, audited, purged, counted, imported and told of.

Nothing here, and nothing that a kind's module imports at its top, may be heavy (pydantic): a shell that records one
task waits for it.
"""

from __future__ import annotations

from fedstore.errors import EventError
from fedstore.widths import DAY_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, TypeAlias

    from pydantic import BaseModel

    from fedstore.engine.protocol import Row, Tx
    from fedstore.facts.summary import Deltas, Key, Summary
    from fedstore.facts.table import Table

    Fields: TypeAlias = dict[str, Any]
    """The valid fields of an event under their names, those that were not given too; what the writer works with.

    What each holds is said once, by the model of its kind (`face`), and was checked by it.
    """
    Made: TypeAlias = Any
    """What a kind's `row` makes and its own `write` takes: a row, or rows that belong together."""
    Binned: TypeAlias = tuple[str, Callable[..., Iterable[int]]]
    """Columns of a fact, and what says of their values into which bins it falls."""
    Judge: TypeAlias = Callable[[Tx, str, Deltas], bool]
    """Brings the fact of an id in line with its verdicts; whether that changed it."""

__all__ = [
    "BIT",
    "MAX_DURATION_MS",
    "Heard",
    "Kept",
    "Kind",
    "Stamp",
    "Sums",
    "Writing",
    "check_start",
    "micros",
    "whole",
]

MAX_DURATION_MS = 366 * DAY_MS
BIT = {None: None, False: 0, True: 1}
"""Binding an int costs a tenth of binding a bool, which the driver asks every adapter about."""


def whole(value: float | None) -> int | None:
    """The nearest integer."""
    return None if value is None else round(value)


def micros(duration_ms: float | None) -> int | None:
    """The nearest whole number of microseconds: how durations are kept."""
    return None if duration_ms is None else round(duration_ms * 1000)


def check_start(started_ms: int, at_ms: int, slack_ms: int = 0) -> None:
    """Raises EventError for a start after `at_ms`, or longer before it than anything may last."""
    if started_ms > at_ms + slack_ms:
        raise EventError("started_at is after at (the present, when not given): a run cannot end before it starts")
    if at_ms - started_ms > MAX_DURATION_MS:
        days = MAX_DURATION_MS // DAY_MS
        raise EventError(f"started_at lies more than {days} days before at: no run lasts so long")


class Stamp:
    """What every fact of one transaction shares.

    `made_id` is for the one fact of a transaction whose id was made in advance, so that it could be told: unlike an
    id that came from outside, nothing can have been said under it before.
    """

    __slots__ = ("keep_content", "made_id", "recorded_ms", "source")

    def __init__(self, recorded_ms: int, source: str, keep_content: bool, made_id: str | None = None) -> None:
        self.recorded_ms = recorded_ms
        self.source = source
        self.keep_content = keep_content
        self.made_id = made_id


class Writing:
    """One transaction while its facts are written: where to, what they add to the summaries, who judges what."""

    __slots__ = ("deltas", "emptied", "judges", "now_ms", "tx")

    def __init__(self, tx: Tx, deltas: Deltas, now_ms: int, judges: Mapping[str, Judge]) -> None:
        self.tx = tx
        self.emptied: list[tuple[Summary, int, Key]] = []
        """Summary, minute and keys of buckets that something was taken back from: perhaps nothing is left in them."""
        self.deltas = deltas
        self.now_ms = now_ms
        self.judges = judges


class Sums:
    """What the facts of a kind add to a summary, as SQL counts it again: the audit's second opinion.

    `terms` are aggregates by column of the summary, of the rows of `source` that meet `where`, whose time is `at`.
    What SQL does not round or take logarithms of as the summaries do is counted in Python, from the columns of the
    facts: `shares` are added up in millionths, `bins` are the bins that a row falls into.
    """

    __slots__ = ("at", "bins", "shares", "source", "summary", "terms", "where")

    def __init__(
        self, summary: Summary, source: str, at: str, terms: Mapping[str, str], where: str = "", *,
        shares: Mapping[str, str] | None = None, bins: Mapping[str, Binned] | None = None,
    ) -> None:  # fmt: skip
        self.summary = summary
        self.source = source
        self.at = at
        self.terms = terms
        self.where = where
        self.shares = shares or {}
        self.bins = bins or {}


class Kept:
    """How long facts are kept after they were recorded: the name of the setting, and its unit in milliseconds."""

    __slots__ = ("setting", "unit_ms")

    def __init__(self, setting: str = "retention_other_days", unit_ms: int = DAY_MS) -> None:
        self.setting = setting
        self.unit_ms = unit_ms


class Heard:
    """A sign of life: the column with the time of it, and the topics that it tells of, each with its column."""

    __slots__ = ("at", "topics")

    def __init__(self, at: str, topics: Mapping[str, str]) -> None:
        self.at = at
        self.topics = topics


class Kind:
    """A kind of fact. What has no default every kind must say.

    - `name`: what an event calls it; `face`: gives the pydantic model of its events, whose docstring says what it is.
    - `table`: where its rows go. `row` makes a row (or whatever `write` takes) of an event's fields, its time and the
      stamp of the transaction; it is called for every event, so it makes tuples.
    - `check` raises EventError for fields that contradict each other.
    - `write` writes rows and returns how many were new; the second argument are the ids that came from outside. By
      default facts that are not there yet are inserted, and each goes through `add`, which adds it to the summaries.
    - `summaries`: the tables it brings along; `sums`: what its facts add to them and to those of other kinds.
    - `judge`: of a kind that verdicts speak of, brings one of its facts in line with them.
    - `parts`: tables whose rows belong to a fact, each with the column that has its id; they go when it goes.
    - `kept`: how long it is kept. `ends`: of a kind whose rows are changed while something goes on, the condition, of a
      time in milliseconds, under which one has ended and goes; a kind without it is a fact for good.
    - `heard`: how a row tells that something goes on.
    - `self_named`: whether the id of an event that has none follows from its time and what it says, whoever records it.
    """

    def __init__(
        self,
        name: str,
        *,
        face: Callable[[], type[BaseModel]],
        table: Table,
        row: Callable[[Fields, int, Stamp], Made],
        check: Callable[[Fields], None] | None = None,
        write: Callable[[Writing, list[Made], Sequence[str]], int] | None = None,
        add: Callable[[Deltas, Row], None] | None = None,
        summaries: tuple[Summary, ...] = (),
        sums: tuple[Sums, ...] = (),
        judge: Judge | None = None,
        parts: Mapping[str, str] | None = None,
        kept: Kept | None = None,
        ends: str = "",
        heard: Heard | None = None,
        self_named: bool = False,
    ) -> None:
        self.name = name
        self.face = face
        self.table = table
        self.row = row
        self.check = check
        self.write = write or self.write_new
        self.add = add
        self.summaries = summaries
        self.sums = sums
        self.judge = judge
        self.parts = parts or {}
        self.kept = kept or Kept()
        self.ends = ends
        self.heard = heard
        self.self_named = self_named

    def write_new(self, writing: Writing, rows: list[Row], named: Sequence[str]) -> int:
        """Insert the facts that are not there yet and add them to the summaries; how many they were."""
        fresh = self.table.insert_new(writing.tx, rows, writing.now_ms, named)
        add, deltas = self.add, writing.deltas
        if add is not None:
            for row in fresh:
                add(deltas, row)
        return len(fresh)
