"""The policy in force as it is stored, and the thresholds that hold; an empty policy before the first change.

Light to import, as routers ask for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from fedstore.learning.classic import CLASSIC_THRESHOLDS
from fedstore.learning.layer_targets import LayerTargets, classic_targets
from fedstore.settings.routing_config import RoutingConfig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fedstore.engine.protocol import Read

__all__ = ["NEWEST", "CascadeSetup", "InForce", "newest_policy", "policy_in_force", "thresholds_in_force"]

NEWEST = "SELECT version, body FROM policies ORDER BY version DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class InForce:
    """`version` 0 is before the first policy; boosts are keyed by agent, then task type ("" for all)."""

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

    def targets(self, layer: str) -> LayerTargets:
        """What a layer should keep: as the routing configuration says, else as the classic cascade has it."""
        told, usual = self.config.layer(layer), classic_targets(layer)
        if told is None:
            return usual
        accuracy, latency = told.accuracy_target, told.latency_target_ms
        return LayerTargets(
            usual.accuracy if accuracy is None else accuracy, usual.latency_ms if latency is None else latency
        )


def newest_policy(read: Read) -> tuple[int, str] | None:
    """The version and the JSON of the policy in force; None before the first."""
    rows = read(NEWEST, ())
    return (int(rows[0][0]), rows[0][1]) if rows else None


def policy_in_force(read: Read) -> InForce:
    """The newest version of the policy, as far as views need it."""
    found = newest_policy(read)
    if found is None:
        return InForce()
    body = json.loads(found[1])
    return InForce(found[0], dict(body.get("thresholds", {})), dict(body.get("boosts", {})))
