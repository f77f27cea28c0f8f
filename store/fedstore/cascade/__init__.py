"""A cascade of layer functions that follows the policy, records every attempt and probes in the background."""

from __future__ import annotations

from fedstore.cascade.layers import DEFAULT_THRESHOLDS, LAST_RESORT, Layer, LayerFunction
from fedstore.cascade.routing import Cascade, Decision

__all__ = ["DEFAULT_THRESHOLDS", "LAST_RESORT", "Cascade", "Decision", "Layer", "LayerFunction"]
