"""Durations in microseconds: whole milliseconds lost a third of a call that takes 1.4 of them.

What was recorded before keeps its milliseconds, and a sum stays below what a sum may be. The views of other programs
say what they said, in the units of their columns.
"""

from __future__ import annotations

__all__ = ["STATEMENTS"]

STATEMENTS = (
    "DROP VIEW tier1_raw_metrics",
    "DROP VIEW tier3_tool_profiles",
    "DROP VIEW agent_execution_metrics",
    "ALTER TABLE runs RENAME COLUMN duration_ms TO duration_us",
    "ALTER TABLE llm_calls RENAME COLUMN duration_ms TO duration_us",
    "ALTER TABLE tool_calls RENAME COLUMN duration_ms TO duration_us",
    "ALTER TABLE agent_buckets RENAME COLUMN duration_ms TO duration_us",
    "ALTER TABLE spend_buckets RENAME COLUMN duration_ms TO duration_us",
    "ALTER TABLE tool_buckets RENAME COLUMN duration_ms TO duration_us",
    "UPDATE runs SET duration_us = duration_us * 1000 WHERE duration_us <> 0",
    "UPDATE llm_calls SET duration_us = duration_us * 1000 WHERE duration_us <> 0",
    "UPDATE tool_calls SET duration_us = duration_us * 1000 WHERE duration_us <> 0",
    """
UPDATE agent_buckets
SET duration_us = CASE WHEN duration_us < 9007199254740 THEN duration_us * 1000 ELSE 9007199254740992 END
WHERE duration_us <> 0
""",
    """
UPDATE spend_buckets
SET duration_us = CASE WHEN duration_us < 9007199254740 THEN duration_us * 1000 ELSE 9007199254740992 END
WHERE duration_us <> 0
""",
    """
UPDATE tool_buckets
SET duration_us = CASE WHEN duration_us < 9007199254740 THEN duration_us * 1000 ELSE 9007199254740992 END
WHERE duration_us <> 0
""",
    """
CREATE VIEW tier1_raw_metrics AS
SELECT id, task_id, agent AS agent_id, tool AS tool_name, ended_ms / 1000.0 AS timestamp,
       duration_us / 1e6 AS duration_seconds, success, cost_nano / 1e9 AS cost_actual,
       tokens AS tokens_used, effort AS human_effort_level, browser_used
FROM tool_calls
""",
    """
CREATE VIEW tier3_tool_profiles AS
SELECT tool_name, total_executions, successful_executions, success_rate, avg_cost, avg_duration,
       CASE WHEN judged = 0 THEN 'MEDIUM'
            WHEN success_rate >= 0.95 AND judged >= 10
                 AND judged * (success_rate - 0.85) * (success_rate - 0.85) >= 1.6423744151498182 * 0.85 * 0.15
            THEN 'HIGH'
            WHEN success_rate < 0.80 AND (judged >= 20 OR judged >= 5
                 AND judged * (success_rate - 0.80) * (success_rate - 0.80) > 1.6423744151498182 * 0.80 * 0.20)
            THEN 'LOW'
            ELSE 'MEDIUM' END AS confidence_level,
       CASE WHEN failed > 0 THEN json_array(failed || ' of ' || judged || ' executions failed')
            ELSE '[]' END AS risk_patterns
FROM (SELECT tool AS tool_name, SUM(calls) AS total_executions, SUM(ok) AS successful_executions,
             SUM(failed) AS failed, SUM(ok) + SUM(failed) AS judged,
             CASE WHEN SUM(ok) + SUM(failed) > 0 THEN SUM(ok) * 1.0 / (SUM(ok) + SUM(failed)) END AS success_rate,
             CASE WHEN SUM(priced) > 0 THEN SUM(cost_nano) / 1e9 / SUM(priced) END AS avg_cost,
             CASE WHEN SUM(duration_n) > 0 THEN SUM(duration_us) / 1e6 / SUM(duration_n) END AS avg_duration
      FROM tool_buckets
      WHERE width = 60000 AND start > (CAST(strftime('%s', 'now') AS INTEGER) - 30 * 86400) * 1000
      GROUP BY tool)
""",
    """
CREATE VIEW agent_execution_metrics AS
SELECT agent AS agent_id, task_type AS agent_type, id AS execution_id, started_ms / 1000.0 AS start_time,
       ended_ms / 1000.0 AS end_time, duration_us / 1000.0 AS duration_ms, success, error_class,
       quality AS quality_score, confidence
FROM runs
""",
)
