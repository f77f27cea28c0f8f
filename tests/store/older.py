"""A store as an older version left it."""

from __future__ import annotations

from pathlib import Path

from fedstore.engine.driver import sqlite3
from fedstore.engine.migrating import migrate

__all__ = ["write_older_store"]


def write_older_store(path: Path, stop_before: str | None) -> None:
    """The migrations before one (None: all of them), and one row."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    migrate(connection, stop_before=stop_before)
    connection.execute("INSERT INTO names (code, name) VALUES (7, 'kept')")
    connection.execute("COMMIT")
    connection.close()
