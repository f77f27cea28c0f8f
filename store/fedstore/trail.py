"""The packed form of a decision's attempts: what replay reads instead of a row per attempt.

A trail is a sequence of 32-byte records: a header (decision time and selected agent) and one record per
attempt in cascade order. A million of them join into one buffer that numpy reads without a Python loop, which
is what lets a million decisions be tuned within seconds. Layer and agent are codes of the table ``names``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from fedstore.events import Attempt, Route

__all__ = ["ACCEPTED", "ERROR", "HEADER_LAYER", "NOBODY", "RECORD_BYTES", "SHADOW", "UNKNOWN_US", "pack"]

RECORD_BYTES = 32
HEADER_LAYER = 0xFFFF_FFFF
NOBODY = 0xFFFF_FFFF
UNKNOWN_US = 0xFFFF_FFFF
ACCEPTED, SHADOW, ERROR = 1, 2, 4
_NAN = float("nan")

# Attempts: layer, agent, latency_us, flags, 2 bytes unused, shadow rate in 1/65535, confidence, threshold.
_ATTEMPT = struct.Struct("<IIIBxHdd")
# Header: the mark, agent, 8 bytes unused, time in ms, attempts that follow.
_HEADER = struct.Struct("<IIQqq")


def pack(route: Route, at_ms: int, code: Callable[[str], int]) -> bytes:
    """The trail of a route; ``code`` interns a name."""
    parts = [_HEADER.pack(HEADER_LAYER, code(route.agent) if route.agent else NOBODY, 0, at_ms, len(route.attempts))]
    parts += [_pack_attempt(attempt, code) for attempt in route.attempts]
    return b"".join(parts)


def _pack_attempt(attempt: Attempt, code: Callable[[str], int]) -> bytes:
    flags = ACCEPTED * attempt.accepted | SHADOW * attempt.shadow | ERROR * (attempt.error_class != "")
    rate = 1.0 if attempt.shadow_rate is None else attempt.shadow_rate
    latency = UNKNOWN_US if attempt.latency_ms is None else min(round(attempt.latency_ms * 1000), UNKNOWN_US - 1)
    return _ATTEMPT.pack(
        code(attempt.layer),
        code(attempt.agent) if attempt.agent else NOBODY,
        latency,
        flags,
        max(1, round(rate * 65535)),
        _NAN if attempt.confidence is None else attempt.confidence,
        _NAN if attempt.threshold is None else attempt.threshold,
    )

