"""DDL of what a price depends on and was not kept: writes to a cache for an hour, the service tier, and lower bounds.

Calls that were recorded before have 0 and "", which says nothing of them.
"""

from __future__ import annotations

__all__ = ["STATEMENTS"]

STATEMENTS = (
    "ALTER TABLE llm_calls ADD COLUMN cache_write_1h_tokens INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE llm_calls ADD COLUMN service_tier TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE spend_buckets ADD COLUMN cache_write_1h_tokens INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE spend_buckets ADD COLUMN at_least_calls INTEGER NOT NULL DEFAULT 0",
)
