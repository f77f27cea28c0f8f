"""Views under the table names that the analytics seeds publish, for tools that query those.

``tier1_raw_metrics`` … ``tier3_tool_profiles`` are the analytics engine's three tiers,
``agent_execution_metrics`` and ``token_usage_metrics`` the monitoring package's tables. They read the facts and
summaries; nothing is stored twice. Money is in USD here, durations in the unit the seed's column names.
"""

from __future__ import annotations

__all__ = ["SEED_VIEWS"]

SEED_VIEWS = (
    """
CREATE VIEW tier1_raw_metrics AS
SELECT id, task_id, agent AS agent_id, tool AS tool_name, ended_ms / 1000.0 AS timestamp,
       duration_ms / 1000.0 AS duration_seconds, success, cost_nano / 1e9 AS cost_actual,
       tokens AS tokens_used, effort AS human_effort_level, browser_used
FROM tool_calls
""",
    """
CREATE VIEW tier2_hourly_summaries AS
SELECT hour / 1000 AS hour_timestamp, SUM(calls) AS total_tasks, SUM(ok) AS successful, SUM(failed) AS failed,
       SUM(cost_nano) / 1e9 AS total_cost, SUM(tokens) AS total_tokens, json_group_object(tool, calls) AS tool_counts
FROM (SELECT start - start % 3600000 AS hour, tool, SUM(calls) AS calls, SUM(ok) AS ok, SUM(failed) AS failed,
             SUM(cost_nano) AS cost_nano, SUM(tokens) AS tokens
      FROM tool_buckets WHERE width = 60000 GROUP BY start - start % 3600000, tool)
GROUP BY hour
""",
    """
CREATE VIEW tier3_tool_profiles AS
SELECT tool AS tool_name, SUM(calls) AS total_executions, SUM(ok) AS successful_executions,
       CASE WHEN SUM(ok) + SUM(failed) > 0 THEN SUM(ok) * 1.0 / (SUM(ok) + SUM(failed)) END AS success_rate,
       CASE WHEN SUM(priced) > 0 THEN SUM(cost_nano) / 1e9 / SUM(priced) END AS avg_cost,
       CASE WHEN SUM(duration_n) > 0 THEN SUM(duration_ms) / 1000.0 / SUM(duration_n) END AS avg_duration
FROM tool_buckets
WHERE width = 60000 AND start > (CAST(strftime('%s', 'now') AS INTEGER) - 30 * 86400) * 1000
GROUP BY tool
""",
    """
CREATE VIEW agent_execution_metrics AS
SELECT agent AS agent_id, task_type AS agent_type, id AS execution_id, started_ms / 1000.0 AS start_time,
       ended_ms / 1000.0 AS end_time, duration_ms, success, error_class, quality AS quality_score, confidence
FROM runs
""",
    """
CREATE VIEW token_usage_metrics AS
SELECT agent AS agent_id, run_id AS execution_id, model, input_tokens AS prompt_tokens,
       output_tokens AS completion_tokens, input_tokens + output_tokens AS total_tokens, cost_nano / 1e9 AS cost,
       ended_ms / 1000.0 AS timestamp, operation
FROM llm_calls
""",
)
