"""The packed form of a decision's attempts: what replay reads instead of a row per attempt.

A trail is a sequence of 32-byte records: a header (decision time and selected agent) and one record per
attempt in cascade order. A million of them join into one buffer that numpy reads without a Python loop, which
is what lets a million decisions be tuned within seconds. Layer and agent are codes of the table `names`.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fedstore.engine.protocol import Row

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


def pack(agent: str, at_ms: int, attempts: Sequence[Row], code: Callable[[str], int]) -> bytearray:
    """The trail of a decision; `attempts` are rows of `route_attempts`, `code` interns a name."""
    parts = [_HEADER.pack(HEADER_LAYER, code(agent) if agent else NOBODY, 0, at_ms, len(attempts))]
    for _, _, layer, proposed, confidence, threshold, accepted, shadow, rate, error, latency in attempts:
        parts.append(
            _ATTEMPT.pack(
                code(layer),
                code(proposed) if proposed else NOBODY,
                UNKNOWN_US if latency is None else min(latency, UNKNOWN_US - 1),
                ACCEPTED * accepted | SHADOW * shadow | ERROR * (error != ""),
                65535 if rate is None else max(1, round(rate * 65535)),
                _NAN if confidence is None else confidence,
                _NAN if threshold is None else threshold,
            )
        )
    return bytearray().join(parts)
