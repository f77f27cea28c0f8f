"""What was found by looking at the health of something, and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Severity"]

Severity = Literal["ok", "info", "warn", "alert"]
"""info: over, nothing to do any more; warn: works, but look; alert: does not work, or shows wrong figures."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; ``advice`` says what to do, and is empty when nothing is."""

    topic: str
    severity: Severity
    message: str
    advice: str = ""
