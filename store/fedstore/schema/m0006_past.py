"""DDL of the generations of the past: whether the time that is over is still as a reader knows it.

The number of a summary table (`note`) is drawn anew by whoever writes or deletes buckets of it before the mark of ten
minutes (`facts.summaries.begin_generation`), and of every table when that mark moves: equal numbers mean equal buckets
before it, in a restored copy too. The first one is drawn as well, because an older store that is brought up to date has
a past.
"""

from __future__ import annotations

__all__ = ["STATEMENTS"]

STATEMENTS = (
    """
CREATE TABLE past (                  -- equal notes: the buckets of a table before the mark of ten minutes are the same
    name TEXT PRIMARY KEY,                  -- the summary table
    note INTEGER NOT NULL                   -- a number drawn at random
) STRICT, WITHOUT ROWID
""",
    "INSERT INTO past (name, note) VALUES ('agent_buckets', random())",
    "INSERT INTO past (name, note) VALUES ('spend_buckets', random())",
    "INSERT INTO past (name, note) VALUES ('tool_buckets', random())",
    "INSERT INTO past (name, note) VALUES ('route_buckets', random())",
    "INSERT INTO past (name, note) VALUES ('layer_buckets', random())",
)
