"""The view of tool profiles, with a level of confidence and what speaks against a tool.

The bounds are those of `learning.confidence` without a square root, which SQLite may lack: a Wilson bound lies on one
side of b exactly when n (rate - b)^2 lies on that side of z^2 b (1 - b); z^2 = 1.642374 for one-sided 90 %. The level
is that of the default rule, whatever the settings say.
"""

from __future__ import annotations

__all__ = ["STATEMENTS"]

STATEMENTS = (
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
