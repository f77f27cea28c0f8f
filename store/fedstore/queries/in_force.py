"""The policy in force, as views need it: one row, parsed; an empty policy before the first change."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedstore.engine.protocol import Reads

__all__ = ["InForce", "policy_in_force"]


@dataclass(frozen=True, slots=True)
class InForce:
    """``version`` 0 is before the first policy; boosts are keyed by agent, then task type ("" for all)."""

    version: int = 0
    thresholds: dict[str, float] = field(default_factory=dict)
    boosts: dict[str, dict[str, float]] = field(default_factory=dict)


def policy_in_force(source: Reads) -> InForce:
    """The newest version of the policy."""
    rows = source.read("SELECT version, body FROM policies ORDER BY version DESC LIMIT 1")
    if not rows:
        return InForce()
    body = json.loads(rows[0][1])
    return InForce(int(rows[0][0]), dict(body.get("thresholds", {})), dict(body.get("boosts", {})))
