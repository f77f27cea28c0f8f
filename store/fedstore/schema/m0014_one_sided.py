"""Runs of transcripts that counted as failures, and how many runs ended in which error.

A transcript says that a turn ended in an error, never that one succeeded; earlier readers took that for a failure, and
so a rate could only be 0 %. Whether these runs succeeded is not known, unless a verdict says so; their error stays. The
readers are known by the source and by the beginning of the ids that they make. The counts of errors begin with the
runs that are still there.
"""

from __future__ import annotations

__all__ = ["STATEMENTS"]

_OF_A_READER = """
    (runs.source IN ('claude-code', 'claude-code side conversation') AND runs.id >= 'claude:' AND runs.id < 'claude;'
         OR runs.source = 'codex' AND runs.id >= 'codex:' AND runs.id < 'codex;')
"""
_BY_A_READER = f"""
    runs.success = 0 AND {_OF_A_READER}
    AND NOT EXISTS (SELECT 1 FROM verdicts WHERE subject_kind = 'run' AND subject_id = runs.id AND success IS NOT NULL)
"""
_OF_BUCKET = """
    FROM runs WHERE runs.agent = agent_buckets.agent AND runs.ended_ms >= agent_buckets.start
        AND runs.ended_ms < agent_buckets.start + agent_buckets.width
        AND runs.task_type = agent_buckets.task_type AND runs.project = agent_buckets.project AND
"""
_COUNT = """
INSERT INTO error_buckets (width, start, agent, task_type, error_class, runs, failed, ungraded)
SELECT {width}, ended_ms - ended_ms % {width}, agent, task_type, error_class, COUNT(*),
    SUM(CASE WHEN success IS NOT NULL AND NOT (success = 1 AND COALESCE(rework, 0) <> 1) THEN 1 ELSE 0 END),
    SUM(CASE WHEN success IS NULL THEN 1 ELSE 0 END)
FROM runs
WHERE error_class <> '' AND {when}
GROUP BY ended_ms - ended_ms % {width}, agent, task_type, error_class
"""
_KEPT = "COALESCE((SELECT at_ms FROM marks WHERE name = '{}'), 0)"
_UNTIL = "ended_ms < (SELECT at_ms FROM marks WHERE name = '{}')"

STATEMENTS = (
    """
CREATE TABLE error_buckets (
    width INTEGER NOT NULL,                 -- ms; wider rows repeat what narrower ones hold (up to their mark): add up one width only
    start INTEGER NOT NULL,                 -- UTC epoch ms; a multiple of width
    agent TEXT NOT NULL,
    task_type TEXT NOT NULL,
    error_class TEXT NOT NULL,              -- never empty
    runs INTEGER NOT NULL,                  -- how many ended in it
    failed INTEGER NOT NULL,
    ungraded INTEGER NOT NULL,              -- of how many of them nobody said whether they succeeded
    PRIMARY KEY (width, start, agent, task_type, error_class)
) STRICT, WITHOUT ROWID""",
    f"""
UPDATE agent_buckets SET failed = failed - (SELECT COUNT(*) {_OF_BUCKET} {_BY_A_READER})
WHERE failed > 0 AND EXISTS (SELECT 1 {_OF_BUCKET} {_BY_A_READER})
""",
    f"UPDATE runs SET success = NULL WHERE {_BY_A_READER}",
    f"""
UPDATE run_reports SET success = NULL
WHERE success = 0 AND EXISTS (SELECT 1 FROM runs WHERE runs.id = run_reports.run_id AND {_OF_A_READER})
""",
    "UPDATE past SET note = random() WHERE name = 'agent_buckets'",
    "INSERT INTO past (name, note) VALUES ('error_buckets', random())",
    _COUNT.format(width=60_000, when=f"ended_ms >= {_KEPT.format('minutes_from')}"),
    _COUNT.format(width=600_000, when=f"ended_ms >= {_KEPT.format('minutes_from')} AND {_UNTIL.format('ten')}"),
    _COUNT.format(width=3_600_000, when=f"ended_ms >= {_KEPT.format('hours_from')} AND {_UNTIL.format('hour')}"),
    _COUNT.format(width=86_400_000, when=_UNTIL.format("day")),
)
