"""The policy in force, as views need it: one row, parsed; an empty policy before the first change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fedstore.learning.classic import CLASSIC_THRESHOLDS
from fedstore.settings.routing_config import RoutingConfig

if TYPE_CHECKING:
    from fedstore.engine.protocol import Reads

__all__ = ["CascadeSetup", "InForce", "policy_in_force", "thresholds_in_force"]


@dataclass(frozen=True, slots=True)
class InForce:
    """``version`` 0 is before the first policy; boosts are keyed by agent, then task type ("" for all)."""

    version: int = 0
    thresholds: dict[str, float] = field(default_factory=dict)
    boosts: dict[str, dict[str, float]] = field(default_factory=dict)


def thresholds_in_force(
    policy: Mapping[str, float], configured: Mapping[str, float], logged: Mapping[str, float | None] | None = None
) -> dict[str, float]:
    """The threshold of every layer that anybody speaks of: of the policy in force, else of the routing configuration,
    else (where that is asked for) as the layer was logged last, else of the classic cascade.
    """
    seen = {layer: value for layer, value in (logged or {}).items() if value is not None}
    return {**CLASSIC_THRESHOLDS, **seen, **configured, **policy}


@dataclass(frozen=True, slots=True)
class CascadeSetup:
    """How the layers of the cascade are set: by the policy in force, and by the routing configuration."""

    policy: Mapping[str, float] = field(default_factory=dict)
    """Thresholds by layer."""
    config: RoutingConfig = field(default_factory=RoutingConfig)

    def thresholds(self, logged: Mapping[str, float | None]) -> dict[str, float]:
        """`thresholds_in_force`, of layers that were last logged with these."""
        return thresholds_in_force(self.policy, self.config.thresholds, logged)


def policy_in_force(source: Reads) -> InForce:
    """The newest version of the policy."""
    rows = source.read("SELECT version, body FROM policies ORDER BY version DESC LIMIT 1")
    if not rows:
        return InForce()
    body = json.loads(rows[0][1])
    return InForce(int(rows[0][0]), dict(body.get("thresholds", {})), dict(body.get("boosts", {})))
