"""The marks of imported files, by where they lie and as what they were read.

They were known by their first line alone, so that copies of a file, and logs that begin alike, put out each other's
marks, and that every file had to be opened to know that it has nothing new. Older marks are still found by it.
"""

from __future__ import annotations

__all__ = ["STATEMENTS"]

STATEMENTS = (
    """
CREATE TABLE import_marks (          -- how far each imported file was read, and what it was like then
    place TEXT PRIMARY KEY,                 -- where it lies
    device INTEGER NOT NULL,                -- with inode: which file it is
    inode INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,            -- as what it was looked at; negative: to be looked at again
    changed_ns INTEGER NOT NULL,            -- its own time of change, UTC epoch nanoseconds
    format TEXT NOT NULL,                   -- '' where it is of none that is known
    head_digest TEXT NOT NULL,              -- of its first line, by which a moved file and a copy are known
    byte_offset INTEGER NOT NULL,           -- everything before it was read
    body_digest TEXT NOT NULL,              -- of the bytes before byte_offset
    lines INTEGER NOT NULL,
    facts INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    due_ms INTEGER,                         -- from when on time alone completes what its reader held back
    recorded_ms INTEGER NOT NULL,
    state TEXT NOT NULL                     -- what its reader must remember, JSON
) STRICT, WITHOUT ROWID
""",
    "CREATE INDEX import_marks_by_head ON import_marks (head_digest)",
    """
INSERT INTO import_marks (place, device, inode, size_bytes, changed_ns, format, head_digest, byte_offset,
    body_digest, lines, facts, rejected, due_ms, recorded_ms, state)
SELECT 'first line ' || head_digest, 0, 0, -1, 0, format, head_digest, byte_offset, body_digest, lines, facts, rejected,
    NULL, recorded_ms, state
FROM imports
""",
    "DROP TABLE imports",
)
