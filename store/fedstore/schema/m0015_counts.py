"""How often the same fact was refused, and how many calls of a bucket cost at least what is said.

The text of a refused fact is kept once, but each refusal is a fact that is missing. Lower bounds are counted for calls
from before that was done.
Where a bucket's calls are still there they are counted. Of those that were purged only the number is known whose output
was a minimum: where a price was computed, their cost is a lower bound.
"""

from __future__ import annotations

__all__ = ["STATEMENTS"]

_OLDEST = "(SELECT COALESCE(MIN(ended_ms), 4000000000000000) FROM llm_calls)"

STATEMENTS = (
    "ALTER TABLE rejects ADD COLUMN count INTEGER NOT NULL DEFAULT 1",
    f"""
UPDATE spend_buckets SET at_least_calls = (
    SELECT COUNT(*) FROM llm_calls AS c
    WHERE c.agent = spend_buckets.agent AND c.ended_ms >= start AND c.ended_ms < start + width
    AND c.model = spend_buckets.model AND c.project = spend_buckets.project
    AND c.task_type = spend_buckets.task_type AND c.operation = spend_buckets.operation
    AND (c.cost_basis = 'at least' OR c.cost_basis = 'computed' AND c.output_is_minimum = 1))
WHERE minimum_calls > 0 AND start + width > {_OLDEST}
""",
    f"""
UPDATE spend_buckets SET at_least_calls = minimum_calls
WHERE at_least_calls = 0 AND minimum_calls > 0 AND computed_nano > 0 AND start + width <= {_OLDEST}
""",
    "UPDATE past SET note = random() WHERE name = 'spend_buckets'",
)
