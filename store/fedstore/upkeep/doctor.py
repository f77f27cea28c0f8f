"""A look at a store's health: what is well, what is not, and what to do about it.

Reads only, and never raises for a store that is ill: that is what it is there to say. Each finding is one line; its
severity is "ok", "info" (over: nothing to do any more), "warn" (works, but look) or "alert" (does not work, or shows
wrong figures: something has to be done now). Facts that were lost or refused are a warning for a day, then a note.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fedstore import schema
from fedstore.engine.driver import sqlite3
from fedstore.engine.locking import FileLock
from fedstore.engine.sqlite import Database
from fedstore.errors import FedstoreError, StoreError, StoreOlderError, StoreReadOnlyError
from fedstore.ids import now_ms
from fedstore.policy.ledger import current
from fedstore.policy.sync import out_of_line
from fedstore.queries.losses import read_losses, severity_of_past
from fedstore.settings.paths import beside, default_store_path
from fedstore.upkeep.audit import disagreements, whole_since

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fedstore.settings.config import Settings

__all__ = ["Finding", "Severity", "diagnose"]

Severity = Literal["ok", "info", "warn", "alert"]
LOCK_TIMEOUT_S = 0.2
LARGE_LOG_BYTES = 64_000_000
_TABLES = ("runs", "llm_calls", "tool_calls", "routes", "verdicts")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; ``advice`` says what to do, and is empty when nothing is."""

    topic: str
    severity: Severity
    message: str
    advice: str = ""


def diagnose(
    path: str | Path | None = None, *, settings: Settings | None = None, clock: Callable[[], int] = now_ms
) -> tuple[Finding, ...]:
    """What there is to say about the store at ``path`` (default: where the settings say); reads only."""
    if path is None:
        path = settings.store if settings is not None and settings.store is not None else default_store_path()
    place = Path(path).expanduser()
    found = [_engine()]
    try:
        database = Database(place, readonly=True)
    except StoreOlderError as error:  # whatever is opened next that may write brings it up to date
        return (*found, Finding("store", "warn", str(error)))
    except FedstoreError as error:
        return (*found, Finding("store", "alert", str(error)))
    try:
        found.extend(_looks(database, place, clock()))
        if settings is not None:
            found.append(_policy(database, place, settings))
    except FedstoreError as error:
        found.append(Finding("store", "alert", str(error)))
    finally:
        database.close()
    return tuple(found)


def _looks(database: Database, place: Path, now: int) -> Iterator[Finding]:
    yield _schema(database, place)
    yield _size(place)
    yield _log_file(place)
    yield _integrity(database)
    yield _writable(place)
    yield _lock(place)
    yield _facts(database)
    yield _consistency(database)
    yield _losses(database, now)
    yield _rejects(database, place, now)


def _engine() -> Finding:
    version = sqlite3.sqlite_version_info
    fixed = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    name = f"SQLite {sqlite3.sqlite_version}"
    if fixed:
        return Finding("engine", "ok", f"{name}: free of the write-ahead-log bug of older versions")
    return Finding(
        "engine",
        "ok",
        f"{name} can damage a store when several processes write at once (fixed in 3.51.3, 3.50.7 and 3.44.6);"
        " the lock file beside the store keeps fedtop's writers apart, so that it does not",
        "do not write to the store with other programs while fedtop records; reading is safe",
    )


def _schema(database: Database, place: Path) -> Finding:
    rows = database.read(
        "SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY id", (schema.MIGRATION_SET,)
    )
    return Finding("store", "ok", f"{place}: schema {rows[-1][0]}, {len(rows)} of {len(schema.MIGRATION_NAMES)} steps")


def _size(place: Path) -> Finding:
    return Finding("size", "ok", f"the file has {_bytes(place.stat().st_size)}")


def _log_file(place: Path) -> Finding:
    log = Path(beside(place, "-wal"))
    size = log.stat().st_size if log.exists() else 0
    if size > LARGE_LOG_BYTES:
        return Finding(
            "log", "warn", f"the write-ahead log has grown to {_bytes(size)}: a reader keeps it from being emptied",
            "close programs that keep the store open for long, such as a forgotten database browser",
        )  # fmt: skip
    return Finding("log", "ok", f"the write-ahead log has {_bytes(size)}")


def _integrity(database: Database) -> Finding:
    try:
        rows = database.read("PRAGMA quick_check(3)")
    except StoreError as error:
        rows = [(str(error),)]
    if rows == [("ok",)]:
        return Finding("integrity", "ok", "the file is sound")
    return Finding(
        "integrity", "alert", f"the file is damaged: {'; '.join(' '.join(str(row[0]).split()) for row in rows)}",
        "restore a copy, or move it away and import its sources again",
    )  # fmt: skip


def _writable(place: Path) -> Finding:
    if os.access(place, os.W_OK) and os.access(place.resolve().parent, os.W_OK):
        return Finding("access", "ok", "it can be written")
    return Finding(
        "access", "warn", "it can be read but not written", "check the permissions of the file and of its folder"
    )


def _lock(place: Path) -> Finding:
    path = Path(beside(place, ".lock"))
    if not path.exists():
        return Finding("lock", "ok", "nobody has written since the lock file was removed")
    lock = FileLock(str(path), LOCK_TIMEOUT_S)
    try:
        lock.acquire()
        lock.release()
    except StoreReadOnlyError as error:
        return Finding("lock", "warn", str(error))
    except StoreError:
        return Finding(
            "lock", "warn", f"a writer has held {path} for more than {LOCK_TIMEOUT_S:g} s",
            "if it stays so, find the writer that hangs (on Linux: `fuser` on the lock file)",
        )  # fmt: skip
    finally:
        lock.close()
    return Finding("lock", "ok", "the lock file is free")


def _facts(database: Database) -> Finding:
    counts = {table: database.read(f"SELECT COUNT(*) FROM {table}")[0][0] for table in _TABLES}
    return Finding("facts", "ok", ", ".join(f"{count:,} {table}" for table, count in counts.items()))


def _consistency(database: Database) -> Finding:
    wrong = disagreements(database)
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        return Finding(
            "summaries", "alert", f"the summaries do not agree with the facts: {'; '.join(wrong[:_SHOWN])}{more}",
            "another program wrote into the store: import its sources into a new one",
        )  # fmt: skip
    since = whole_since(database)
    return Finding("summaries", "ok", f"the summaries agree with the facts{f' since {_when(since)}' if since else ''}")


def _policy(database: Database, place: Path, settings: Settings) -> Finding:
    """Whether the files that follow the policy do; a process may have ended before it wrote them."""
    version, body = current(database.read)
    other = out_of_line(place, settings, version, body)
    if not other:
        return Finding("policy", "ok", "what follows the policy says the same")
    return Finding("policy", "warn", "; ".join(other), "`fedtop policy sync` writes the policy in force again")


def _losses(database: Database, now: int) -> Finding:
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


def _rejects(database: Database, place: Path, now: int) -> Finding:
    ((count,),) = database.read("SELECT COUNT(*) FROM rejects")
    if not count:
        return Finding("rejects", "ok", "no fact was refused")
    newest = "SELECT source, line, reason, recorded_ms FROM rejects ORDER BY seq DESC LIMIT 1"
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


def _bytes(count: int) -> str:
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
