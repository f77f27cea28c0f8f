"""DDL of verdicts that are taken back: what a clear is, and what runs said of themselves before others judged them.

Of runs that were judged before, what they had said in the columns that a verdict speaks of was overwritten: it is not
known any more, so nothing stands there when all verdicts are taken back.
"""

from __future__ import annotations

__all__ = ["STATEMENTS"]

STATEMENTS = (
    "ALTER TABLE verdicts ADD COLUMN clear INTEGER",  # 1: takes back what its source said of the subject before
    """
CREATE TABLE run_reports (           -- what a run said of itself, kept once a verdict says something else
    run_id TEXT PRIMARY KEY,
    success INTEGER,                        -- 1 yes, 0 no, NULL not known
    rework INTEGER,
    quality REAL,                           -- 0 to 1
    qa TEXT
) STRICT, WITHOUT ROWID
""",
    """
INSERT INTO run_reports (run_id, success, rework, quality, qa)
SELECT runs.id,
       CASE WHEN COUNT(verdicts.success) = 0 THEN runs.success END,
       CASE WHEN COUNT(verdicts.rework) = 0 THEN runs.rework END,
       CASE WHEN COUNT(verdicts.quality) = 0 THEN runs.quality END,
       CASE WHEN COUNT(verdicts.qa) = 0 THEN runs.qa END
FROM runs JOIN verdicts ON verdicts.subject_kind = 'run' AND verdicts.subject_id = runs.id
GROUP BY runs.id, runs.success, runs.rework, runs.quality, runs.qa
""",
)
