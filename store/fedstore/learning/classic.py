"""The classic cascade of five layers, as its published table has it: thresholds, and what each layer should keep.

Where neither a policy nor a routing configuration says something of a layer of these names, this does. Shares in
[0, 1], times in milliseconds. Standard library only.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from fedstore.learning.layers import LAST_RESORT

__all__ = ["CLASSIC", "CLASSIC_THRESHOLDS", "ClassicLayer"]


class ClassicLayer(NamedTuple):
    """A row of the table. No latency is asked of a layer that waits for a user."""

    name: str
    threshold: float
    latency_target_ms: float | None
    accuracy_target: float


CLASSIC: Final = (
    ClassicLayer("keyword", 0.85, 5.0, 0.80),
    ClassicLayer("semantic", 0.70, 50.0, 0.88),
    ClassicLayer("rag", 0.85, 150.0, 0.92),
    ClassicLayer("pytorch", 0.90, 300.0, 0.96),
    ClassicLayer(LAST_RESORT, 1.00, None, 1.00),
)
CLASSIC_THRESHOLDS: Final = {layer.name: layer.threshold for layer in CLASSIC}
