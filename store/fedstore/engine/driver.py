"""The one SQLite driver of the process.

Two SQLite libraries in one process break each other's file locks, so fedstore uses the driver that
sqlite-utils would choose (pysqlite3 when it is installed, else the standard library), without paying for the
import of sqlite-utils when nothing is migrated. A test holds the two choices equal.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3 as sqlite3
else:
    try:
        from pysqlite3 import dbapi2 as sqlite3
    except ImportError:
        import sqlite3

__all__ = ["sqlite3"]
