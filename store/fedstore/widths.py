"""Lengths of time in milliseconds, and which of them the buckets of the summaries are long."""

from __future__ import annotations

__all__ = ["DAY_MS", "HOUR_MS", "MARKS", "MINUTE_MS", "TEN_MS", "WIDTHS"]

MINUTE_MS = 60_000
TEN_MS = 600_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
WIDTHS = (MINUTE_MS, TEN_MS, HOUR_MS, DAY_MS)
"""How long a bucket is; wider ones repeat what narrower ones hold."""
MARKS = {"ten": TEN_MS, "hour": HOUR_MS, "day": DAY_MS}
"""Up to each mark, the buckets of its width contain the narrower ones."""
