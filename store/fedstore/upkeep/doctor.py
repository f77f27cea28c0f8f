"""A look at a store's health: what is well, what is not, and what to do about it.

Reads only, and never raises for a store that is ill: that is what it is there to say. Each finding is one line; its
severity is "ok", "info" (over: nothing to do any more), "warn" (works, but look) or "alert" (does not work, or shows
wrong figures: something has to be done now). Facts that were lost or refused are a warning for a day, then a note.
"""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fedstore.engine import engine_finding, open_engine
from fedstore.errors import FedstoreError, StoreOlderError
from fedstore.facts.kinds import FACTS
from fedstore.finding import Finding
from fedstore.ids import now_ms
from fedstore.policy.ledger import current
from fedstore.policy.sync import out_of_line
from fedstore.queries.losses import read_losses, severity_of_past
from fedstore.settings.paths import default_store_path
from fedstore.upkeep.audit import disagreements, whole_since
from fedstore.upkeep.clocks import marks_ahead
from fedstore.upkeep.left_losses import left_losses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fedstore.engine.protocol import Engine
    from fedstore.settings.config import Settings

__all__ = ["diagnose"]

_SHOWN = 3


def diagnose(
    path: str | Path | None = None, *, settings: Settings | None = None, clock: Callable[[], int] = now_ms
) -> tuple[Finding, ...]:
    """What there is to say about the store at ``path`` (default: where the settings say); reads only."""
    if path is None:
        path = settings.store if settings is not None and settings.store is not None else default_store_path()
    place = Path(path).expanduser()
    found = [engine_finding()]
    try:
        database = open_engine(place, readonly=True)
    except StoreOlderError as error:  # whatever is opened next that may write brings it up to date
        return (*found, Finding("store", "warn", str(error)), *_left(place, clock()))
    except FedstoreError as error:
        return (*found, Finding("store", "alert", str(error)), *_left(place, clock()))
    try:
        found.extend(_looks(database, place, clock()))
        if settings is not None:
            found.append(_policy(database, place, settings))
    except FedstoreError as error:
        found.append(Finding("store", "alert", str(error)))
    finally:
        database.close()
    return tuple(found)


def _looks(database: Engine, place: Path, now: int) -> Iterator[Finding]:
    yield from database.findings()
    yield _facts(database)
    yield _consistency(database)
    yield from _clock(database, place, now)
    yield _losses(database, now)
    yield from _left(place, now)
    yield _rejects(database, place, now)


def _facts(database: Engine) -> Finding:
    tables = (kind.table.name for kind in FACTS)
    counts = {table: database.read(f"SELECT COUNT(*) FROM {table}")[0][0] for table in tables}
    return Finding("facts", "ok", ", ".join(f"{count:,} {table}" for table, count in counts.items()))


def _consistency(database: Engine) -> Finding:
    wrong = disagreements(database)
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        return Finding(
            "summaries", "alert", f"the summaries do not agree with the facts: {'; '.join(wrong[:_SHOWN])}{more}",
            "another program wrote into the store: import its sources into a new one",
        )  # fmt: skip
    since = whole_since(database)
    return Finding("summaries", "ok", f"the summaries agree with the facts{f' since {_when(since)}' if since else ''}")


def _clock(database: Engine, place: Path, now: int) -> Iterator[Finding]:
    ahead = marks_ahead(database, now)
    if ahead is not None:
        yield Finding(
            "clock", "alert",
            f"a clock that was wrong has marked the store as purged until {_when(ahead)}, which is yet to come: what is"
            " recorded now shows by the day only, and nothing is purged",
            f"set the clock, then `fedtop maintain --store {shlex.quote(str(place))}`",
        )  # fmt: skip


def _policy(database: Engine, place: Path, settings: Settings) -> Finding:
    """Whether the files that follow the policy do; a process may have ended before it wrote them."""
    version, body = current(database.read)
    other = out_of_line(place, settings, version, body)
    if not other:
        return Finding("policy", "ok", "what follows the policy says the same")
    return Finding("policy", "warn", "; ".join(other), "`fedtop policy sync` writes the policy in force again")


def _losses(database: Engine, now: int) -> Finding:
    lost = read_losses(database.read)
    if lost is None:
        return Finding("losses", "ok", "no recorder has reported a loss")
    severity = severity_of_past(lost.told_ms, now)
    again = "; remove the reason, then send or import the facts again" if severity == "warn" else ""
    return Finding(
        "losses", severity,
        f"{_facts_were(lost.count, 'could not be recorded')}, the last between {_when(lost.first_ms)} and"
        f" {_when(lost.told_ms)}: {lost.reason}",
        f"the counts of that time are too low{again}",
    )  # fmt: skip


def _left(place: Path, now: int) -> Iterator[Finding]:
    """What recorders lost and could not write into the store; the next one that can takes it over."""
    left = left_losses(place)
    if left:
        last = left[-1]
        count = sum(loss.facts for loss in left)
        yield Finding(
            "lost", severity_of_past(last.last_ms, now),
            f"{_facts_were(count, 'could not be recorded')} and are not in the store's own count yet, the last at"
            f" {_when(last.last_ms)}: {last.reason}",
            f"remove the reason, then send the facts again; `fedtop maintain --store {shlex.quote(str(place))}` counts"
            " what ended programs lost",
        )  # fmt: skip


def _rejects(database: Engine, place: Path, now: int) -> Finding:
    ((count,),) = database.read("SELECT COALESCE(SUM(count), 0) FROM rejects")
    if not count:
        return Finding("rejects", "ok", "no fact was refused")
    newest = "SELECT source, line, reason, recorded_ms FROM rejects ORDER BY recorded_ms DESC, seq DESC LIMIT 1"
    source, line, reason, told = database.read(newest)[0]
    where = source if line is None else f"{source}, line {line}"
    return Finding(
        "rejects", severity_of_past(told, now),
        f"{_facts_were(count, 'refused')}, the last at {_when(told)} ({where}): {reason}",
        f"`sqlite-utils rows {shlex.quote(str(place))} rejects` lists them; correct the source, then send or import"
        " it again",
    )  # fmt: skip


def _facts_were(count: int, what: str) -> str:
    verb = "" if what.startswith("could") else "was " if count == 1 else "were "
    return f"{count:,} fact{'' if count == 1 else 's'} {verb}{what}"


def _when(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
