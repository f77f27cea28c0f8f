"""Plans in the store: kept under short ids, found again, and told whether they were applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.errors import FedstoreError, StoreReadOnlyError
from fedstore.policy.plans import Plan

if TYPE_CHECKING:
    from fedstore.engine.protocol import Engine, Read

__all__ = ["applied_as", "is_kept", "newest_plans", "plan_by_id", "shelve"]

_SHORTEST, _LONGEST = 4, 32


def shelve(database: Engine, plan: Plan) -> Plan:
    """The plan under its id, kept in the store unless that can only be read; an id that is taken grows."""
    try:
        return _put(database, plan)
    except StoreReadOnlyError:
        return plan.named()


def _put(database: Engine, plan: Plan) -> Plan:
    with database.write() as tx:
        for length in range(_SHORTEST, _LONGEST + 1):
            named = plan.named(length)
            text = named.to_json()
            rows = tx.execute("SELECT body FROM plans WHERE id = ?", (named.id,))
            if rows and rows[0][0] != text:
                continue
            tx.execute(
                "INSERT INTO plans (id, kind, body, policy_version, data_token, made_ms)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (named.id, named.kind, text, named.policy_version, named.data_token, named.made_ms),
            )
            return named
    raise AssertionError("a hash of 128 bits was taken")


def is_kept(database: Engine, plan: Plan) -> bool:
    """Whether the plan can be found again under its id."""
    return bool(database.read("SELECT 1 FROM plans WHERE id = ?", (plan.id,)))


def plan_by_id(database: Engine, plan_id: str) -> Plan:
    """A plan that was proposed. Raises FedstoreError for an unknown one."""
    rows = database.read("SELECT body FROM plans WHERE id = ?", (plan_id,))
    if not rows:
        raise FedstoreError(f"there is no plan {plan_id}: `fedtop optimize` and `fedtop tune` make one")
    return Plan.from_json(rows[0][0])


def newest_plans(database: Engine, limit: int) -> tuple[Plan, ...]:
    """The newest plans."""
    rows = database.read("SELECT body FROM plans ORDER BY made_ms DESC, id LIMIT ?", (limit,))
    return tuple(Plan.from_json(row[0]) for row in rows)


def applied_as(read: Read, plan: Plan) -> int | None:
    """The change that applied a plan; None when none did. Undone or not: a plan is applied once."""
    rows = read("SELECT MAX(id) FROM changes WHERE plan_id = ? AND kind = ?", (plan.id, plan.kind))
    return None if rows[0][0] is None else int(rows[0][0])
