"""What everybody who has to do with a cascade means by the same name. Standard library only."""

from __future__ import annotations

from typing import Final

__all__ = ["LAST_RESORT", "PROBE_BAND", "PROBE_RATE"]

LAST_RESORT: Final = "clarification"
"""Who decides where no layer does: somebody is asked. It is no layer of its own, and has no threshold to tune."""
PROBE_BAND: Final = 0.05
"""So far above a threshold lies the confidence of decisions that background probes walk on from."""
PROBE_RATE: Final = 0.3
"""The share of those that are probed, where nobody says another."""
