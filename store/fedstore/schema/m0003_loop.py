"""DDL of the loop: plans proposed, changes applied, the policy in force.

`policies` holds every version of the policy whole, so that undo restores one exactly; `changes` is the ledger,
append-only by trigger. `plans` are proposals: they change nothing until one is applied. `effects` keeps what came of a
change, since the facts that show it are purged in time.
"""

from __future__ import annotations

__all__ = ["STATEMENTS"]

STATEMENTS = (
    """
CREATE TABLE policies (              -- every version of the policy; the highest is in force
    version INTEGER PRIMARY KEY,
    body TEXT NOT NULL,                     -- JSON: thresholds, boosts, locks
    made_ms INTEGER NOT NULL
) STRICT
""",
    """
CREATE TABLE plans (                 -- dry-runs: what would change, on which evidence
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,                     -- optimize | tune
    body TEXT NOT NULL,                     -- JSON, whole
    policy_version INTEGER NOT NULL,
    data_token TEXT NOT NULL,               -- of the facts it was made from
    made_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
    """
CREATE TABLE changes (               -- the ledger: every change of the policy, never edited
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                     -- optimize | tune | undo | import | lock
    who TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    plan_id TEXT NOT NULL,
    undoes INTEGER,                         -- the change that this one took back
    old_version INTEGER NOT NULL,
    new_version INTEGER NOT NULL,
    evidence_end_ms INTEGER NOT NULL,       -- facts up to here were used as evidence
    body TEXT NOT NULL                      -- JSON: the plan as applied
) STRICT
""",
    """
CREATE TABLE effects (               -- what happened after a change, once it was watched to the end
    change_id INTEGER PRIMARY KEY,
    body TEXT NOT NULL,                     -- JSON
    made_ms INTEGER NOT NULL
) STRICT
""",
    """
CREATE TRIGGER changes_stay BEFORE UPDATE ON changes BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END
""",
    """
CREATE TRIGGER changes_remain BEFORE DELETE ON changes BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END
""",
)
