"""DDL of the facts: what was said, one row per fact, immutable but for the judged columns.

`seq` is the order of recording (the tail cursor and the purge follow it), `id` the caller's identity of the fact
(inserting it twice changes nothing). Times are UTC epoch milliseconds, latencies microseconds, money nano-USD, truth
values 0 or 1; NULL means not known. Judged columns (`success`, `rework`, `quality`, `qa`, `correct` …) follow the
newest row of `verdicts` about the fact. Indexes begin with the agent, tool or layer: a screen asks for the newest rows
of one name, never for all rows of a time.
"""

from __future__ import annotations

__all__ = ["STATEMENTS"]

STATEMENTS = (
    """
CREATE TABLE runs (                  -- one finished piece of work of one agent (a task, an agent run)
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    agent TEXT NOT NULL,
    task_type TEXT NOT NULL,
    project TEXT NOT NULL,
    mode TEXT NOT NULL,
    started_ms INTEGER,                     -- UTC epoch milliseconds, as every ..._ms that is no duration
    ended_ms INTEGER NOT NULL,
    duration_ms INTEGER,
    success INTEGER,                        -- 1 yes, 0 no, NULL not known
    rework INTEGER,                         -- 1: it had to be done again, so it is no success
    quality REAL,                           -- 0 to 1
    confidence REAL,                        -- 0 to 1
    qa TEXT,                                -- passed | warning | failed | error
    error_class TEXT NOT NULL,
    notes TEXT,
    source TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL
) STRICT
""",
    """
CREATE TABLE llm_calls (             -- one call of a language model: tokens and money
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    run_id TEXT NOT NULL,
    agent TEXT NOT NULL,
    model TEXT NOT NULL,
    provider TEXT NOT NULL,
    operation TEXT NOT NULL,
    task_type TEXT NOT NULL,
    project TEXT NOT NULL,
    ended_ms INTEGER NOT NULL,
    duration_ms INTEGER,
    input_tokens INTEGER NOT NULL,          -- all input, cache reads and writes included
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,         -- all output, reasoning included
    reasoning_tokens INTEGER NOT NULL,
    output_is_minimum INTEGER NOT NULL,     -- 1: the source under-reports output tokens
    cost_nano INTEGER,                      -- 1e-9 US dollars; NULL: not known
    cost_basis TEXT NOT NULL,               -- reported | computed | unpriced
    price_version TEXT NOT NULL,
    error_class TEXT NOT NULL,
    source TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL
) STRICT
""",
    """
CREATE TABLE tool_calls (            -- one execution of a tool by an agent
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    run_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    agent TEXT NOT NULL,
    tool TEXT NOT NULL,
    task_type TEXT NOT NULL,
    project TEXT NOT NULL,
    ended_ms INTEGER NOT NULL,
    duration_ms INTEGER,
    success INTEGER,                        -- 1 yes, 0 no, NULL not known
    cost_nano INTEGER,                      -- 1e-9 US dollars; NULL: not known
    tokens INTEGER,
    effort TEXT NOT NULL,
    browser_used INTEGER NOT NULL,
    error_class TEXT NOT NULL,
    source TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL
) STRICT
""",
    """
CREATE TABLE routes (                -- one routing decision of the cascade
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    task_id TEXT NOT NULL,
    description TEXT,                       -- stored on opt-in only
    agent TEXT NOT NULL,                    -- the agent (master) that was selected
    layer TEXT NOT NULL,                    -- the layer that decided
    confidence REAL,                        -- 0 to 1
    at_ms INTEGER NOT NULL,
    latency_us INTEGER,                     -- microseconds
    correct INTEGER,                        -- 1 right, 0 wrong, NULL not known
    correct_agent TEXT,                     -- the agent that would have been right
    completed INTEGER,                      -- 1: the task was completed
    quality REAL,                           -- 0 to 1
    completion_ms INTEGER,
    trail BLOB NOT NULL,                    -- the attempts again, packed for replay (fedstore.trail)
    source TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL
) STRICT
""",
    """
CREATE TABLE route_attempts (        -- one layer asked about one decision
    route_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    layer TEXT NOT NULL,
    agent TEXT NOT NULL,                    -- what the layer proposed
    confidence REAL,                        -- 0 to 1
    threshold REAL,
    accepted INTEGER NOT NULL,
    shadow INTEGER NOT NULL,                -- 1: evaluated by a background probe only
    shadow_rate REAL,                       -- the share of decisions the probe samples
    error_class TEXT NOT NULL,
    latency_us INTEGER,                     -- microseconds
    PRIMARY KEY (route_id, position)
) STRICT, WITHOUT ROWID
""",
    """
CREATE TABLE verdicts (              -- what was learnt later about a run or a route
    seq INTEGER PRIMARY KEY,
    subject_kind TEXT NOT NULL,             -- run | route
    subject_id TEXT NOT NULL,
    id TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    success INTEGER,                        -- 1 yes, 0 no, NULL not known
    rework INTEGER,                         -- 1: it had to be done again, so it is no success
    quality REAL,                           -- 0 to 1
    qa TEXT,                                -- passed | warning | failed | error
    correct INTEGER,                        -- 1 right, 0 wrong, NULL not known
    correct_agent TEXT,                     -- the agent that would have been right
    completed INTEGER,                      -- 1: the task was completed
    completion_ms INTEGER,
    source TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL,
    UNIQUE (subject_kind, subject_id, id)
) STRICT
""",
    """
CREATE TABLE names (                 -- small integers for layer and agent names inside packed trails
    code INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT
""",
    """
CREATE TABLE active_runs (           -- what is happening now; a row leaves when its run is recorded
    id TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    task_type TEXT NOT NULL,
    project TEXT NOT NULL,
    state TEXT NOT NULL,                    -- running | waiting
    reason TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
    """
CREATE TABLE jobs (                  -- the present state of each job
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    project TEXT NOT NULL,
    state TEXT NOT NULL,                    -- queued | running | completed | failed | cancelled
    state_rank INTEGER NOT NULL,            -- of two at the same time the higher stands
    at_ms INTEGER NOT NULL,
    error_class TEXT NOT NULL,
    source TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
    """
CREATE TABLE rejects (               -- facts that were refused, and why
    seq INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    line INTEGER,
    byte_offset INTEGER,
    reason TEXT NOT NULL,
    digest TEXT NOT NULL,                   -- of the refused text, so that it is kept once
    text TEXT,                              -- stored on opt-in only
    recorded_ms INTEGER NOT NULL,
    UNIQUE (source, digest)
) STRICT
""",
    """
CREATE TABLE imports (               -- how far each imported file was read
    head_digest TEXT PRIMARY KEY,           -- of the file's first line: its identity wherever it lies
    path TEXT NOT NULL,
    format TEXT NOT NULL,
    byte_offset INTEGER NOT NULL,           -- everything before it was read
    body_digest TEXT NOT NULL,              -- of the bytes before byte_offset
    lines INTEGER NOT NULL,
    facts INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    state TEXT NOT NULL,                    -- what the reader must remember, JSON
    recorded_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
    """
CREATE TABLE losses (                -- facts a recorder could not write, as it told us afterwards
    seq INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    reason TEXT NOT NULL,
    first_ms INTEGER NOT NULL,
    recorded_ms INTEGER NOT NULL
) STRICT
""",
    "CREATE INDEX runs_by_agent ON runs (agent, ended_ms)",
    "CREATE INDEX llm_calls_by_agent ON llm_calls (agent, ended_ms)",
    "CREATE INDEX tool_calls_by_tool ON tool_calls (tool, ended_ms)",
    "CREATE INDEX routes_by_layer ON routes (layer, at_ms)",
    "CREATE INDEX jobs_by_state ON jobs (state, at_ms)",
)
