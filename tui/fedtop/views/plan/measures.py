"""What a plan's measures are called, and how their values are written: rates in per cent, or milliseconds."""

from __future__ import annotations

from typing import Final

from fedtop.format import UNICODE, Glyphs, delta, delta_points, duration_ms, rate

__all__ = ["MEASURES", "change_text", "value_text"]

MEASURES: Final = {
    "accuracy": "accuracy",
    "latency_ms": "latency",
    "clarify": "clarification",
    "cost_ms": "cost",
    "success": "success of what is boosted",
}


def value_text(name: str, value: float | None, glyphs: Glyphs = UNICODE, digits: int = 1) -> str:
    """A measure by its name; a rate with so many digits."""
    return duration_ms(value, glyphs) if name.endswith("_ms") else rate(value, digits, glyphs=glyphs)


def change_text(name: str, value: float | None, glyphs: Glyphs = UNICODE, unit: str = "") -> str:
    """By how much it changes, in milliseconds (then with a `unit`) or percentage points."""
    return delta(value, 1, unit, glyphs) if name.endswith("_ms") else delta_points(value, 2, glyphs)
