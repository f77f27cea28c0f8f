"""Effects of a change as the ledger shows them: computed while it is watched, kept once it is closed.

A change is closed a day after it was watched to the end (seven days, or until the same kind of item was changed
again), so that late outcomes are in. Closed effects are kept in the store, since facts are purged in time.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fedstore.errors import StoreError
from fedstore.policy.effects import WATCHED_MS, Effects
from fedstore.policy.optimize_effects import optimize_effects

if TYPE_CHECKING:
    from fedstore.engine.protocol import Engine
    from fedstore.policy.ledger import Change

__all__ = ["effects_of"]

_LATE_OUTCOMES_MS = 24 * 3_600_000
_FOREVER_MS = 1 << 62


def effects_of(database: Engine, change: Change, now_ms: int) -> tuple[Effects, bool]:
    """What happened since a change, and whether that is final."""
    kept = database.read("SELECT body FROM effects WHERE change_id = ?", (change.id,))
    if kept:
        return Effects.from_dict(json.loads(kept[0][0])), True
    until = _changed_again_ms(database, change)
    if change.kind == "tune":
        from fedstore.policy.tune_effects import tune_effects

        found = tune_effects(database, change, until, now_ms)
    else:
        found = optimize_effects(database.read, change, until, now_ms)
    closed = now_ms >= min(until, change.at_ms + WATCHED_MS) + _LATE_OUTCOMES_MS
    if closed and not database.readonly:
        _keep(database, change, found, now_ms)
    return found, closed


def _changed_again_ms(database: Engine, change: Change) -> int:
    """When a later change touched items of the same sort (layers, agents); far away when none did."""
    sorts = {item.key.partition(":")[0] for item in change.plan.items}
    rows = database.read("SELECT at_ms, body FROM changes WHERE id > ? ORDER BY id", (change.id,))
    for at_ms, body in rows:
        if sorts & {item["key"].partition(":")[0] for item in json.loads(body)["items"]}:
            return int(at_ms)
    return _FOREVER_MS


def _keep(database: Engine, change: Change, effects: Effects, now_ms: int) -> None:
    try:
        with database.write() as tx:
            tx.execute(
                "INSERT INTO effects (change_id, body, made_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (change.id, json.dumps(effects.to_dict()), now_ms),
            )
    except StoreError:
        return  # kept another time: a ledger must show even when the store cannot be written
