"""The store's schema: names of the migrations in order, and how a file is brought up to date.

A migration is a module of this package, `m` and its name, with the text of its `STATEMENTS`. Once landed it is
history: nothing in it is computed from code that may change, and it is never edited, since stores that have had it will
not have it again. What follows is the next migration.

`applied_names` reads what a file is; `create` gives a new file all of it at once and leaves the very rows that
`migrate` would, which brings an older file up with `sqlite_utils.Migrations`. So the first fact of a shell does
not wait for a library that loads numpy. A file with an unknown migration was written by a newer program.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sqlite_utils import Migrations

    from fedstore.engine.driver import sqlite3

__all__ = ["MIGRATION_NAMES", "MIGRATION_SET", "applied_names", "create", "migrate", "migrations", "steps"]

MIGRATION_SET = "fedstore"
MIGRATION_NAMES = ("0001_facts", "0002_summaries", "0003_loop", "0004_purged", "0005_tool_profiles", "0006_past")


def applied_names(connection: sqlite3.Connection) -> tuple[str, ...] | None:
    """The migrations a file has had, in order; None for a database that is not a fedtop store.

    An empty file has had none.
    """
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema").fetchall()}
    if not tables:
        return ()
    if "_sqlite_migrations" not in tables:
        return None
    rows = connection.execute(
        "SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY id", (MIGRATION_SET,)
    ).fetchall()
    return tuple(row[0] for row in rows) if rows else None


def steps() -> dict[str, tuple[str, ...]]:
    """The statements of each migration, in order: those of the module of its name."""
    from importlib import import_module

    return {name: import_module(f"fedstore.schema.m{name}").STATEMENTS for name in MIGRATION_NAMES}


def migrations() -> Migrations:
    """The migration set, for ``sqlite-utils migrate`` and for the tests of older versions."""
    from sqlite_utils import Migrations

    found = Migrations(MIGRATION_SET)
    for name, statements in steps().items():
        found(name=name)(_runner(statements))
    return found


def _runner(statements: tuple[str, ...]) -> Any:
    def run(db: Any) -> None:
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
