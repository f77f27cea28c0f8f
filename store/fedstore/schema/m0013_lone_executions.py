"""DDL of executions as tasks: those that belong to no run by their task type, human effort, use of a browser.

The buckets of tools get another key, so their table is made anew; what stands on them is made again as it was. Of
executions that are still there effort, browser, failures among the paid ones and those that cost nothing are counted
after the fact; of older ones nobody knows, and their task type is "".
"""

from __future__ import annotations

__all__ = ["STATEMENTS"]

STATEMENTS = (
    "DROP VIEW tier2_hourly_summaries",
    "DROP VIEW tier3_tool_profiles",
    """
CREATE TABLE new_tool_buckets (
    width INTEGER NOT NULL,                 -- ms; wider rows repeat what narrower ones hold (up to their mark): add up one width only
    start INTEGER NOT NULL,                 -- UTC epoch ms; a multiple of width
    tool TEXT NOT NULL,
    agent TEXT NOT NULL,
    task_type TEXT NOT NULL,                -- of executions that belong to no run; '' of those in a run
    calls INTEGER NOT NULL,
    ok INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    duration_n INTEGER NOT NULL,            -- how many told a duration
    duration_us INTEGER NOT NULL,           -- their sum, microseconds
    priced INTEGER NOT NULL,                -- how many told a cost
    cost_nano INTEGER NOT NULL,             -- their sum, 1e-9 US dollars
    tokens INTEGER NOT NULL,
    effort_low INTEGER NOT NULL,            -- how many told that a human's effort was low, …
    effort_medium INTEGER NOT NULL,
    effort_high INTEGER NOT NULL,
    browser INTEGER NOT NULL,               -- how many used a browser
    duration_bins BLOB NOT NULL,            -- distribution, packed (fedstore.bins)
    PRIMARY KEY (width, start, tool, agent, task_type)
) STRICT, WITHOUT ROWID""",
    """
INSERT INTO new_tool_buckets
SELECT width, start, tool, agent, '', calls, ok, failed, duration_n, duration_us, priced, cost_nano, tokens,
       0, 0, 0, 0, duration_bins
FROM tool_buckets
""",
    "DROP TABLE tool_buckets",
    "ALTER TABLE new_tool_buckets RENAME TO tool_buckets",
    """
UPDATE tool_buckets SET
    effort_low = (SELECT COUNT(*) FROM tool_calls AS t WHERE t.tool = tool_buckets.tool
                  AND t.ended_ms >= start AND t.ended_ms < start + width
                  AND t.agent = tool_buckets.agent AND t.effort = 'LOW'),
    effort_medium = (SELECT COUNT(*) FROM tool_calls AS t WHERE t.tool = tool_buckets.tool
                     AND t.ended_ms >= start AND t.ended_ms < start + width
                     AND t.agent = tool_buckets.agent AND t.effort = 'MEDIUM'),
    effort_high = (SELECT COUNT(*) FROM tool_calls AS t WHERE t.tool = tool_buckets.tool
                   AND t.ended_ms >= start AND t.ended_ms < start + width
                   AND t.agent = tool_buckets.agent AND t.effort = 'HIGH'),
    browser = (SELECT COUNT(*) FROM tool_calls AS t WHERE t.tool = tool_buckets.tool
               AND t.ended_ms >= start AND t.ended_ms < start + width
               AND t.agent = tool_buckets.agent AND t.browser_used = 1)
WHERE start + width > (SELECT COALESCE(MIN(ended_ms), 0) FROM tool_calls)
""",
    """
UPDATE spend_buckets SET errors = errors + (
    SELECT COUNT(*) FROM tool_calls AS t WHERE t.tool = SUBSTR(spend_buckets.operation, 6)
    AND t.ended_ms >= start AND t.ended_ms < start + width AND t.agent = spend_buckets.agent
    AND t.project = spend_buckets.project AND t.task_type = spend_buckets.task_type
    AND (t.cost_nano > 0 OR t.tokens > 0) AND (t.success = 0 OR t.error_class <> ''))
WHERE model = '' AND operation LIKE 'tool %'
AND start + width > (SELECT COALESCE(MIN(ended_ms), 0) FROM tool_calls)
""",
    """
INSERT INTO spend_buckets (
    width, start, agent, model, project, task_type, operation, calls, errors, input_tokens, cache_read_tokens,
    cache_write_tokens, output_tokens, reasoning_tokens, minimum_calls, duration_n, duration_us, reported_nano,
    computed_nano, unpriced_calls, unpriced_tokens, cache_write_1h_tokens, at_least_calls)
SELECT width, start, agent, '', project, task_type, operation, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
FROM (
    SELECT DISTINCT w.width AS width, t.ended_ms - t.ended_ms % w.width AS start, t.agent AS agent,
           t.project AS project, t.task_type AS task_type, 'tool ' || t.tool AS operation
    FROM tool_calls AS t CROSS JOIN (
        SELECT 60000 AS width, COALESCE((SELECT at_ms FROM marks WHERE name = 'minutes_from'), 0) AS since,
               4000000000000000 AS until
        UNION ALL SELECT 600000, COALESCE((SELECT at_ms FROM marks WHERE name = 'minutes_from'), 0), at_ms
        FROM marks WHERE name = 'ten'
        UNION ALL SELECT 3600000, COALESCE((SELECT at_ms FROM marks WHERE name = 'hours_from'), 0), at_ms
        FROM marks WHERE name = 'hour'
        UNION ALL SELECT 86400000, 0, at_ms FROM marks WHERE name = 'day'
    ) AS w
    WHERE t.cost_nano = 0 AND COALESCE(t.tokens, 0) = 0 AND t.ended_ms >= w.since AND t.ended_ms < w.until
) AS free
WHERE NOT EXISTS (
    SELECT 1 FROM spend_buckets AS s WHERE s.width = free.width AND s.start = free.start AND s.agent = free.agent
    AND s.model = '' AND s.project = free.project AND s.task_type = free.task_type AND s.operation = free.operation)
""",
    """
UPDATE spend_buckets SET
    calls = calls + (
        SELECT COUNT(*) FROM tool_calls AS t WHERE t.tool = SUBSTR(spend_buckets.operation, 6)
        AND t.ended_ms >= start AND t.ended_ms < start + width AND t.agent = spend_buckets.agent
        AND t.project = spend_buckets.project AND t.task_type = spend_buckets.task_type
        AND t.cost_nano = 0 AND COALESCE(t.tokens, 0) = 0),
    errors = errors + (
        SELECT COUNT(*) FROM tool_calls AS t WHERE t.tool = SUBSTR(spend_buckets.operation, 6)
        AND t.ended_ms >= start AND t.ended_ms < start + width AND t.agent = spend_buckets.agent
        AND t.project = spend_buckets.project AND t.task_type = spend_buckets.task_type
        AND t.cost_nano = 0 AND COALESCE(t.tokens, 0) = 0 AND (t.success = 0 OR t.error_class <> ''))
WHERE model = '' AND operation LIKE 'tool %'
AND start + width > (SELECT COALESCE(MIN(ended_ms), 0) FROM tool_calls)
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
)
