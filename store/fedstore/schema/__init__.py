"""The store's schema: names of the migrations in order, and how a file is brought up to date.

``state_of`` reads what a file is without importing sqlite-utils; ``migrate`` applies what is missing with
``sqlite_utils.Migrations``, inside the caller's lock and transaction. A file with an unknown migration was
written by a newer program.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sqlite_utils import Migrations

    from fedstore.driver import sqlite3

__all__ = ["MIGRATION_NAMES", "MIGRATION_SET", "applied_names", "migrate", "migrations"]

MIGRATION_SET = "fedstore"
MIGRATION_NAMES = ("0001_facts", "0002_summaries", "0003_loop")


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


def migrations() -> Migrations:
    """The migration set, for ``sqlite-utils migrate`` and for the tests of older versions."""
    from sqlite_utils import Migrations

    from fedstore.schema import facts, loop, seed_views, summaries

    found = Migrations(MIGRATION_SET)
    steps = {
        "0001_facts": facts.FACT_TABLES + facts.LIVE_TABLES,
        "0002_summaries": summaries.SUMMARY_TABLES + seed_views.SEED_VIEWS,
        "0003_loop": loop.LOOP_TABLES,
    }
    for name, statements in steps.items():
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
