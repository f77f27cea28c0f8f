"""The store's schema: names of the migrations in order, and the statements of each.

A migration is a module of this package, `m` and its name, with the text of its `STATEMENTS`. Once landed it is
history: nothing in it is computed from code that may change, and it is never edited, since stores that have had it will
not have it again. What follows is the next migration. Each changes a table or a view: by that a process that has the
store open notices it (see `engine.migrating`, which brings a store up to date).
"""

from __future__ import annotations

__all__ = ["MIGRATION_NAMES", "MIGRATION_SET", "steps"]

MIGRATION_SET = "fedstore"
MIGRATION_NAMES = (
    "0001_facts",
    "0002_summaries",
    "0003_loop",
    "0004_purged",
    "0005_tool_profiles",
    "0006_past",
    "0007_import_marks",
    "0008_call_prices",
    "0009_response_ids",
    "0010_microseconds",
    "0011_clears",
    "0013_lone_executions",
    "0014_one_sided",
    "0015_counts",
)


def steps() -> dict[str, tuple[str, ...]]:
    """The statements of each migration, in order: those of the module of its name."""
    from importlib import import_module

    return {name: import_module(f"fedstore.schema.m{name}").STATEMENTS for name in MIGRATION_NAMES}
