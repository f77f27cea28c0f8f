"""The one SQLite driver of the process.

Two SQLite libraries in one process break each other's file locks, so fedstore uses the driver that
sqlite-utils would choose (pysqlite3 when it is installed, else the standard library), without paying for the
import of sqlite-utils when nothing is migrated. A test holds the two choices equal.
"""

from __future__ import annotations

import importlib
import sqlite3 as _standard
from typing import TYPE_CHECKING, Any

__all__ = ["sqlite3"]


def _choose() -> Any:
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return _standard


if TYPE_CHECKING:
    import sqlite3 as sqlite3  # noqa: PLC0414
else:
    sqlite3 = _choose()
