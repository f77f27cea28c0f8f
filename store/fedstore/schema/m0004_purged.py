"""DDL of what stays of a purged fact beside its summaries: enough to know it again."""

from __future__ import annotations

__all__ = ["STATEMENTS"]

STATEMENTS = (
    """
CREATE TABLE purged (                -- facts whose rows were purged: sent again, they are not new
    fact INTEGER PRIMARY KEY                -- the first 8 bytes of BLAKE2b of "TABLE ID", signed
) STRICT
""",
)
