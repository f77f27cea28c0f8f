"""Whether a store has the schema of this program, and how it gets it.

`applied_names` reads what a store is; `create` gives a new one the whole schema at once and leaves the very rows that
`migrate` would, which brings an older one up with `sqlite_utils.Migrations`. So the first fact of a shell does not wait
for a library that loads numpy. A store with an unknown migration was written by a newer program.

Another process may bring a store up to a newer schema while this one has it open. Whoever went on writing by the old
rules would make figures wrong: so `is_pending` is asked whenever the schema has changed, as if the store were opened.
"""

from __future__ import annotations

from fedstore.errors import StoreError, StoreNewerError, StoreOlderError
from fedstore.schema import MIGRATION_NAMES, MIGRATION_SET, steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from sqlite_utils import Database, Migrations

    from fedstore.engine.driver import sqlite3
    from fedstore.engine.protocol import Row

    Ask: TypeAlias = Callable[[str], list[Row]]
    """All rows of one statement."""

__all__ = [
    "applied_names", "asking", "create", "is_pending", "migrate", "migrations", "schema_version", "unready",
]  # fmt: skip


def asking(connection: sqlite3.Connection) -> Ask:
    """What asks a connection, transaction or not."""
    return lambda sql: connection.execute(sql).fetchall()


def schema_version(ask: Ask) -> int:
    """A number that moves with every change of the schema, whoever makes it (microseconds)."""
    ((number,),) = ask("PRAGMA schema_version")
    return int(number)


def applied_names(ask: Ask) -> tuple[str, ...] | None:
    """The migrations a store has had, in order; None for a database that is not a fedtop store.

    An empty file has had none.
    """
    tables = {row[0] for row in ask("SELECT name FROM sqlite_schema")}
    if not tables:
        return ()
    if "_sqlite_migrations" not in tables:
        return None
    rows = ask(f"SELECT name FROM _sqlite_migrations WHERE migration_set = '{MIGRATION_SET}' ORDER BY id")
    return tuple(row[0] for row in rows) if rows else None


def is_pending(ask: Ask, place: str) -> bool:
    """Whether migrations are pending. Raises StoreError for a store that is not ours or newer than we are."""
    applied = applied_names(ask)
    if applied is None:
        raise StoreError(f"{place} belongs to another program: choose another path with --store")
    unknown = [name for name in applied if name not in MIGRATION_NAMES]
    if unknown:
        raise StoreNewerError(
            f"{place} was written by a newer fedtop (it has {unknown[-1]}): upgrade fedtop to open it"
        )
    return len(applied) < len(MIGRATION_NAMES)


def unready(ask: Ask, place: str) -> StoreError:
    """What keeps a store with pending migrations from being read as it stands."""
    if not applied_names(ask):
        return StoreError(f"{place} is still empty: record something first, or try `fedtop demo`")
    import shlex  # not at the top: it costs the shell's quick lane its start

    up_to_date = f"fedtop maintain --store {shlex.quote(place)}"
    return StoreOlderError(f"{place} is from an older fedtop: `{up_to_date}` brings it up to date")


def migrations() -> Migrations:
    """The migration set, for `sqlite-utils migrate` and for the tests of older versions."""
    from sqlite_utils import Migrations

    found = Migrations(MIGRATION_SET)
    for name, statements in steps().items():
        found(name=name)(_runner(statements))
    return found


def _runner(statements: tuple[str, ...]) -> Callable[[Database], None]:
    def run(db: Database) -> None:
        for statement in statements:
            db.conn.execute(statement)

    return run


def migrate(connection: sqlite3.Connection, *, stop_before: str | None = None) -> None:
    """Apply the pending migrations. The caller holds the lock file and an open write transaction."""
    from sqlite_utils import Database

    migrations().apply(Database(connection, execute_plugins=False), stop_before=stop_before)


# As sqlite-utils writes it, to the letter: a test compares the two.
_LOG_TABLE = (
    """CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
)""",
    """CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name")""",
)


def create(connection: sqlite3.Connection) -> None:
    """Give an empty file the whole schema. The caller holds the lock file and an open write transaction."""
    from datetime import UTC, datetime

    for statement in _LOG_TABLE:
        connection.execute(statement)
    for name, statements in steps().items():
        for statement in statements:
            connection.execute(statement)
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, ?, ?)",
            (MIGRATION_SET, name, str(datetime.now(UTC))),
        )
