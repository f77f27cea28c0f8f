"""The ledger: every change of the policy in order, append-only, and which of them still stand.

A change stands until a standing undo takes it back; an undo is a change like any other and can be taken back
too. Functions here read through any `read(sql, parameters)` and never write but by `append`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fedstore.errors import FedstoreError, PlanRefusedError
from fedstore.policy.body import PolicyBody, differences, label_of
from fedstore.policy.plans import Plan
from fedstore.queries.in_force import newest_policy

if TYPE_CHECKING:
    from fedstore.engine.protocol import Read, Row
    from fedstore.policy.effects import Effects

__all__ = [
    "Change", "append", "body_at", "change_by_id", "changes_newest_first", "current", "last_standing", "newest_meant",
    "reverted",
]  # fmt: skip

_COLUMNS = "id, kind, who, at_ms, plan_id, undoes, old_version, new_version, evidence_end_ms, body"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the ledger."""

    id: int
    kind: str
    """optimize | tune | import | lock | undo."""
    who: str
    at_ms: int
    plan: Plan
    """The plan as applied."""
    undoes: int | None
    undone_by: int | None
    """The standing change that took it back."""
    old_version: int
    new_version: int
    evidence_end_ms: int
    effects: Effects | None = None
    """What happened since, where asked for."""
    warnings: tuple[str, ...] = ()
    """What could not be brought in line with it, such as a configuration file that cannot be written."""

    @property
    def plan_id(self) -> str:
        """The id of the plan."""
        return self.plan.id

    @property
    def stands(self) -> bool:
        """Whether nothing took it back."""
        return self.undone_by is None

    def to_dict(self) -> dict[str, object]:
        """Plain JSON-able values."""
        return {
            "id": self.id, "kind": self.kind, "who": self.who, "at_ms": self.at_ms, "plan": self.plan.to_dict(),
            "undoes": self.undoes, "undone_by": self.undone_by, "old_version": self.old_version,
            "new_version": self.new_version, "evidence_end_ms": self.evidence_end_ms,
            "effects": None if self.effects is None else self.effects.to_dict(), "warnings": list(self.warnings),
        }  # fmt: skip


def current(read: Read) -> tuple[int, PolicyBody]:
    """The policy in force, its layers in cascade order, and its version.

    Version 0 is the empty policy before the first change.
    """
    found = newest_policy(read)
    if found is None:
        return 0, PolicyBody()
    layers = [name for (name,) in read("SELECT name FROM layers ORDER BY position, name", ())]
    return found[0], PolicyBody.from_json(found[1]).in_order(layers)


def body_at(read: Read, version: int) -> PolicyBody:
    """A former version of the policy."""
    rows = read("SELECT body FROM policies WHERE version = ?", (version,))
    return PolicyBody.from_json(rows[0][0]) if rows else PolicyBody()


def changes_newest_first(read: Read, limit: int | None = None) -> tuple[Change, ...]:
    """The ledger, newest first."""
    undone = _undone(read)
    few, count = ("", ()) if limit is None else (" LIMIT ?", (limit,))
    rows = read(f"SELECT {_COLUMNS} FROM changes ORDER BY id DESC{few}", count)
    return tuple(_change(row, undone) for row in rows)


def change_by_id(read: Read, change_id: int) -> Change:
    """One entry. Raises FedstoreError when there is none."""
    rows = read(f"SELECT {_COLUMNS} FROM changes WHERE id = ?", (change_id,))
    if not rows:
        raise FedstoreError(f"there is no change #{change_id}: `fedtop changes` lists them")
    return _change(rows[0], _undone(read))


def _change(row: Row, undone: Mapping[int, int]) -> Change:
    change_id, kind, who, at, _, undoes, old, new, evidence_end, body = row
    return Change(change_id, kind, who, at, Plan.from_json(body), undoes, undone.get(change_id), old, new, evidence_end)


def _undone(read: Read) -> dict[int, int]:
    """Each change that was taken back, by the standing undo that did it."""
    found: dict[int, int] = {}
    for change_id, undoes in read("SELECT id, undoes FROM changes WHERE undoes IS NOT NULL ORDER BY id DESC", ()):
        if change_id not in found:
            found[undoes] = change_id
    return found


def last_standing(read: Read, kinds: Sequence[str] | None = None) -> Change | None:
    """The newest change that stands and is no undo, of some kinds or of any."""
    undone = _undone(read)
    for change_id, kind in read("SELECT id, kind FROM changes ORDER BY id DESC", ()):
        if kind != "undo" and change_id not in undone and (kinds is None or kind in kinds):
            return change_by_id(read, change_id)
    return None


def newest_meant(read: Read, asked_ms: int | None = None) -> Change:
    """The change meant by who asked, at `asked_ms` if given, to take the newest one back without naming it.

    Raises PlanRefusedError when none stands, or when the ledger has moved since then: they saw another newest.
    """
    if asked_ms is not None:
        later = read("SELECT id, kind FROM changes WHERE at_ms > ? ORDER BY id DESC LIMIT 1", (asked_ms,))
        if later:
            raise PlanRefusedError(
                f"nothing was taken back: change #{later[0][0]} ({later[0][1]}) was made after this was asked for;"
                " see `fedtop changes`, and name the one to take back: `fedtop undo ID`"
            )
    target = last_standing(read)
    if target is None:
        raise PlanRefusedError("there is no change to take back: the ledger has none that stands")
    return target


def reverted(read: Read, change: Change) -> dict[str, tuple[float | None, float | None]]:
    """What taking a change back would set: present and former value by key.

    Raises PlanRefusedError when it was taken back already, or when a later change touched the same items.
    """
    if change.undone_by is not None:
        raise PlanRefusedError(f"change #{change.id} was already taken back by #{change.undone_by}")
    touched = differences(body_at(read, change.old_version), body_at(read, change.new_version))
    for later_id, undoes, old, new in read(
        "SELECT id, undoes, old_version, new_version FROM changes WHERE id > ? ORDER BY id DESC", (change.id,)
    ):
        if _cancelled(read, later_id, undoes, change.id):
            continue
        both = touched.keys() & differences(body_at(read, old), body_at(read, new)).keys()
        if both:
            what = ", ".join(sorted(map(label_of, both)))
            raise PlanRefusedError(
                f"change #{change.id} cannot be taken back: #{later_id} changed {what} after it; undo that first"
            )
    return {key: (after, before) for key, (before, after) in touched.items()}


def _cancelled(read: Read, later_id: int, undoes: int | None, since: int) -> bool:
    """Whether a later change left nothing behind: it was taken back, or it is the undo of one as late."""
    return later_id in _undone(read) or (undoes is not None and undoes > since)


def append(
    execute: Read, plan: Plan, *, who: str, at_ms: int, old_version: int, body: PolicyBody, undoes: int | None = None
) -> Change:
    """Write the new version of the policy and the entry about it; the caller holds the write transaction."""
    new_version = old_version + 1
    execute("INSERT INTO policies (version, body, made_ms) VALUES (?, ?, ?)", (new_version, body.to_json(), at_ms))
    execute(
        "INSERT INTO changes (kind, who, at_ms, plan_id, undoes, old_version, new_version, evidence_end_ms, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            plan.kind, who, at_ms, plan.id, undoes, old_version, new_version, plan.evidence_end_ms, plan.to_json(),
        ),
    )  # fmt: skip
    ((change_id,),) = execute("SELECT MAX(id) FROM changes", ())
    return change_by_id(execute, change_id)


def with_effects(change: Change, effects: Effects | None) -> Change:
    """The same entry with what happened since."""
    return replace(change, effects=effects)
