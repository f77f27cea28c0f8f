"""Views under the table names that the analytics seeds publish, for tools that query those.

``tier1_raw_metrics`` … ``tier3_tool_profiles`` are the analytics engine's three tiers,
``agent_execution_metrics`` and ``token_usage_metrics`` the monitoring package's tables. They read the facts and
summaries; nothing is stored twice. A tool's level is that of the default rule, whatever the settings say. Money is in
USD here, durations in the unit the seed's column names. Tiers 2 and 3 add up minutes, so they reach as far back as
those are kept: 30 whole days, unless the setting ``minute_days`` says otherwise.
"""

from __future__ import annotations

__all__ = ["SEED_VIEWS", "TOOL_PROFILES"]

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

# The bounds of ``learning.confidence`` without a square root, which SQLite may lack: a Wilson bound lies on one side of
# b exactly when n (rate - b)^2 lies on that side of z^2 b (1 - b); z^2 = 1.642374 for one-sided 90 %.
TOOL_PROFILES = (
    "DROP VIEW tier3_tool_profiles",
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
             CASE WHEN SUM(duration_n) > 0 THEN SUM(duration_ms) / 1000.0 / SUM(duration_n) END AS avg_duration
      FROM tool_buckets
      WHERE width = 60000 AND start > (CAST(strftime('%s', 'now') AS INTEGER) - 30 * 86400) * 1000
      GROUP BY tool)
""",
)
