"""What was found by looking at the health of something, and how bad it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["SEVERITY_RANKS", "Finding", "Severity"]

Severity = Literal["ok", "info", "warn", "alert"]
"""info: over, nothing to do any more; warn: works, but look; alert: does not work, or shows wrong figures."""
SEVERITY_RANKS: Final[Mapping[Severity, int]] = {"alert": 0, "warn": 1, "info": 2, "ok": 3}
"""Worst first, to sort by."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `advice` says what to do, and is empty when nothing is."""

    topic: str
    severity: Severity
    message: str
    advice: str = ""
