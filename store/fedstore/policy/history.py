"""Effects of a change as the ledger shows them: computed while it is watched, kept once they are final.

They are final a day after it was watched to the end (seven days, or until the same kind of item was changed again), so
that late outcomes are in. The watcher keeps them in the store then, since facts are purged in time.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fedstore.policy.effects import Effects
from fedstore.policy.horizons import WATCHED_MS
from fedstore.policy.ledger import change_by_id
from fedstore.policy.optimize_effects import optimize_effects
from fedstore.widths import DAY_MS

if TYPE_CHECKING:
    from fedstore.engine.protocol import Engine
    from fedstore.policy.ledger import Change

__all__ = ["effects_of", "keep_final_effects"]

_LATE_OUTCOMES_MS = DAY_MS
_FOREVER_MS = 1 << 62
_KEEP = "INSERT INTO effects (change_id, body, made_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"


def effects_of(database: Engine, change: Change, now_ms: int) -> tuple[Effects, bool]:
    """What happened since a change, and whether that is final. Only reads."""
    kept = database.read("SELECT body FROM effects WHERE change_id = ?", (change.id,))
    if kept:
        return Effects.from_dict(json.loads(kept[0][0])), True
    until = _changed_again_ms(database, change)
    if change.kind == "tune":
        from fedstore.policy.tune_effects import tune_effects

        found = tune_effects(database, change, until, now_ms)
    else:
        found = optimize_effects(database.read, change, until, now_ms)
    return found, now_ms >= _closing_ms(change, until)


def keep_final_effects(database: Engine, now_ms: int) -> int:
    """Keep the effects of the changes that were watched to the end, since their facts are purged in time.

    How many were kept. Raises StoreError.
    """
    rows = database.read(
        "SELECT id FROM changes WHERE kind IN ('tune', 'optimize') AND at_ms <= ?"
        " AND id NOT IN (SELECT change_id FROM effects)",
        (now_ms - _LATE_OUTCOMES_MS,),
    )
    over = []
    for (change_id,) in rows:
        change = change_by_id(database.read, change_id)
        if now_ms >= _closing_ms(change, _changed_again_ms(database, change)):
            over.append((change_id, json.dumps(effects_of(database, change, now_ms)[0].to_dict()), now_ms))
    if over:
        with database.write() as tx:
            for row in over:
                tx.execute(_KEEP, row)
    return len(over)


def _closing_ms(change: Change, until_ms: int) -> int:
    return min(until_ms, change.at_ms + WATCHED_MS) + _LATE_OUTCOMES_MS


def _changed_again_ms(database: Engine, change: Change) -> int:
    """When a later change touched items of the same sort (layers, agents); far away when none did."""
    sorts = {item.key.partition(":")[0] for item in change.plan.items}
    rows = database.read("SELECT at_ms, body FROM changes WHERE id > ? ORDER BY id", (change.id,))
    for at_ms, body in rows:
        if sorts & {item["key"].partition(":")[0] for item in json.loads(body)["items"]}:
            return int(at_ms)
    return _FOREVER_MS
