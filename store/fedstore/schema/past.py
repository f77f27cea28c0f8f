"""DDL of the notes that tell readers whether the time that is over is still as they read it.

The note of a summary table is drawn anew by whoever writes or deletes buckets of it before the mark of ten minutes
(``summaries.note_past``), and of every table when that mark moves: equal notes mean equal buckets before it, in a
restored copy too. The first one is drawn as well, because an older store that is brought up to date has a past.
"""

from __future__ import annotations

from fedstore.schema.summaries import SPECS

__all__ = ["PAST"]

_TABLE = """
CREATE TABLE past (                  -- equal notes: the buckets of a table before the mark of ten minutes are the same
    name TEXT PRIMARY KEY,                  -- the summary table
    note INTEGER NOT NULL                   -- a number drawn at random
) STRICT, WITHOUT ROWID
"""

PAST = (_TABLE, *(f"INSERT INTO past (name, note) VALUES ('{table}', random())" for table in SPECS))
