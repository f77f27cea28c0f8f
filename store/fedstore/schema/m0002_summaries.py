"""DDL of the summaries: what happened per minute, ten minutes, hour and day, and the views of other programs.

`width` is the length of a bucket in milliseconds, `start` its first millisecond. Columns are sums and add up across
buckets; `*_bins` are distributions packed as sorted (bin, count) pairs of 32-bit integers (`fedstore.bins`). Which fact
adds what is said by its kind in `fedstore.facts`.

The views bear the table names that the analytics seeds publish, for tools that query those: `tier1_raw_metrics` …
`tier3_tool_profiles` are the three tiers of their engine, `agent_execution_metrics` and `token_usage_metrics` the tables
of their monitoring package. They read the facts and summaries; nothing is stored twice. Money is in USD there, durations
in the unit that the column names. Tiers 2 and 3 add up minutes, so they reach as far back as those are kept: 30 whole
days, unless the setting `minute_days` says otherwise.
"""

from __future__ import annotations

__all__ = ["STATEMENTS"]

STATEMENTS = (
    """
CREATE TABLE agent_buckets (
    width INTEGER NOT NULL,                 -- ms; wider rows repeat what narrower ones hold (up to their mark): add up one width only
    start INTEGER NOT NULL,                 -- UTC epoch ms; a multiple of width
    agent TEXT NOT NULL,
    task_type TEXT NOT NULL,
    project TEXT NOT NULL,
    runs INTEGER NOT NULL,
    ok INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    reworked INTEGER NOT NULL,              -- had to be done again: counted as failed
    rework_known INTEGER NOT NULL,          -- of how many that is known
    duration_n INTEGER NOT NULL,            -- how many told a duration
    duration_ms INTEGER NOT NULL,           -- their sum
    quality_n INTEGER NOT NULL,             -- how many were given a quality
    quality_ppm INTEGER NOT NULL,           -- their sum, in millionths of 0..1
    qa_passed INTEGER NOT NULL,
    qa_warning INTEGER NOT NULL,
    qa_failed INTEGER NOT NULL,
    qa_error INTEGER NOT NULL,
    duration_bins BLOB NOT NULL,            -- distribution, packed (fedstore.bins)
    PRIMARY KEY (width, start, agent, task_type, project)
) STRICT, WITHOUT ROWID""",
    """
CREATE TABLE spend_buckets (
    width INTEGER NOT NULL,                 -- ms; wider rows repeat what narrower ones hold (up to their mark): add up one width only
    start INTEGER NOT NULL,                 -- UTC epoch ms; a multiple of width
    agent TEXT NOT NULL,
    model TEXT NOT NULL,
    project TEXT NOT NULL,
    task_type TEXT NOT NULL,
    operation TEXT NOT NULL,
    calls INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    minimum_calls INTEGER NOT NULL,         -- calls whose source under-reports output tokens
    duration_n INTEGER NOT NULL,            -- how many told a duration
    duration_ms INTEGER NOT NULL,           -- their sum
    reported_nano INTEGER NOT NULL,         -- 1e-9 US dollars, as the source says
    computed_nano INTEGER NOT NULL,         -- 1e-9 US dollars, from a price list
    unpriced_calls INTEGER NOT NULL,
    unpriced_tokens INTEGER NOT NULL,
    PRIMARY KEY (width, start, agent, model, project, task_type, operation)
) STRICT, WITHOUT ROWID""",
    """
CREATE TABLE tool_buckets (
    width INTEGER NOT NULL,                 -- ms; wider rows repeat what narrower ones hold (up to their mark): add up one width only
    start INTEGER NOT NULL,                 -- UTC epoch ms; a multiple of width
    tool TEXT NOT NULL,
    agent TEXT NOT NULL,
    calls INTEGER NOT NULL,
    ok INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    duration_n INTEGER NOT NULL,            -- how many told a duration
    duration_ms INTEGER NOT NULL,           -- their sum
    priced INTEGER NOT NULL,                -- how many told a cost
    cost_nano INTEGER NOT NULL,             -- their sum, 1e-9 US dollars
    tokens INTEGER NOT NULL,
    duration_bins BLOB NOT NULL,            -- distribution, packed (fedstore.bins)
    PRIMARY KEY (width, start, tool, agent)
) STRICT, WITHOUT ROWID""",
    """
CREATE TABLE route_buckets (
    width INTEGER NOT NULL,                 -- ms; wider rows repeat what narrower ones hold (up to their mark): add up one width only
    start INTEGER NOT NULL,                 -- UTC epoch ms; a multiple of width
    layer TEXT NOT NULL,
    routes INTEGER NOT NULL,
    latency_n INTEGER NOT NULL,             -- how many told a latency
    latency_us INTEGER NOT NULL,            -- their sum, microseconds
    graded INTEGER NOT NULL,                -- how many are known to be right or wrong
    correct INTEGER NOT NULL,               -- how many of them were right
    quality_n INTEGER NOT NULL,             -- how many were given a quality
    quality_ppm INTEGER NOT NULL,           -- their sum, in millionths of 0..1
    latency_bins BLOB NOT NULL,             -- distribution, packed (fedstore.bins)
    PRIMARY KEY (width, start, layer)
) STRICT, WITHOUT ROWID""",
    """
CREATE TABLE layer_buckets (
    width INTEGER NOT NULL,                 -- ms; wider rows repeat what narrower ones hold (up to their mark): add up one width only
    start INTEGER NOT NULL,                 -- UTC epoch ms; a multiple of width
    layer TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    confidence_n INTEGER NOT NULL,          -- how many told a confidence
    confidence_ppm INTEGER NOT NULL,        -- their sum, in millionths of 0..1
    latency_n INTEGER NOT NULL,             -- how many told a latency
    latency_us INTEGER NOT NULL,            -- their sum, microseconds
    latency_bins BLOB NOT NULL,             -- distribution, packed (fedstore.bins)
    confidence_bins BLOB NOT NULL,          -- distribution, packed (fedstore.bins)
    PRIMARY KEY (width, start, layer)
) STRICT, WITHOUT ROWID""",
    """
CREATE TABLE layers (                -- the layers seen so far, as their newest attempt shows them
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    threshold REAL,
    seen_ms INTEGER NOT NULL,               -- when that attempt was
    seen_id TEXT NOT NULL                   -- the decision it belongs to
) STRICT, WITHOUT ROWID
""",
    """
CREATE TABLE marks (                 -- buckets before a mark are contained in the next wider ones
    name TEXT PRIMARY KEY,                  -- ten, hour, day: what is before it is in buckets of that width;
                                            -- minutes_from, hours_from: older ones were purged; purged: when last;
                                            -- facts_purged: the newest recording of a purged fact;
                                            -- backfill: when history was last recorded
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
    "INSERT INTO marks (name, at_ms) VALUES ('ten', 0), ('hour', 0), ('day', 0)",
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
