"""What an API called its answer: the same call, told again by another program under another id, is known by it."""

from __future__ import annotations

__all__ = ["STATEMENTS"]

STATEMENTS = (
    "ALTER TABLE llm_calls ADD COLUMN response_id TEXT NOT NULL DEFAULT ''",
    "CREATE UNIQUE INDEX llm_calls_by_response ON llm_calls (response_id) WHERE response_id <> ''",
)
