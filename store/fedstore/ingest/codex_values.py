"""Values of rollout lines: texts, times and durations, and what a thread and an error are called."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from fedstore.errors import EventError
from fedstore.facts.events import to_epoch_ms
from fedstore.facts.kind import MAX_DURATION_MS
from fedstore.ids import EARLIEST_MS, LATEST_MS

__all__ = [
    "AGENT", "agent_of", "duration_of", "error_class_of", "identity_of", "last_part", "text_of", "time_of",
]  # fmt: skip

AGENT = "codex"
_LIMIT = 200
_HARMLESS = frozenset({"thread_rollback_failed", "active_turn_not_steerable"})


def text_of(value: object) -> str:
    """The value where it is text, else nothing; half a surrogate pair becomes a question mark."""
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def time_of(value: object) -> int:
    """Epoch milliseconds of a line's timestamp. Raises EventError."""
    if not isinstance(value, str):
        raise EventError("timestamp: missing")
    try:
        at = to_epoch_ms(value)
    except ValueError as error:
        raise EventError(f"timestamp: {error}") from None
    if not isinstance(at, int) or not EARLIEST_MS <= at <= LATEST_MS:
        raise EventError("timestamp: is outside the years 2000 to 9999")
    return at


def duration_of(value: object) -> float | None:
    """A duration in milliseconds; None where it is missing or makes no sense."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if 0 <= value <= MAX_DURATION_MS else None


def agent_of(payload: dict[str, Any]) -> str:
    """`codex`; for a sub-agent `codex-` and its role, else its nickname, else what kind of sub-agent it is."""
    source = payload.get("source")
    found = source.get("subagent") if isinstance(source, dict) else None
    spawn = found.get("thread_spawn") if isinstance(found, dict) else None
    for told in (spawn if isinstance(spawn, dict) else {}, payload):
        name = text_of(told.get("agent_role")) or text_of(told.get("agent_nickname"))
        if name:
            return f"{AGENT}-{name}"[:_LIMIT]
    if isinstance(found, dict):
        found = next((said for said in found.values() if isinstance(said, str)), None) or "subagent"
    return AGENT if found is None else f"{AGENT}-{text_of(found) or 'subagent'}"[:_LIMIT]


def error_class_of(payload: dict[str, Any]) -> str:
    """What Codex calls an error (`usage_limit_exceeded`), else that the API failed; "" for one that ends no turn."""
    told = payload.get("codex_error_info")
    if isinstance(told, dict) and told:
        told = next(iter(told))
    name = text_of(told)[:_LIMIT]
    return "" if name in _HARMLESS else name if name not in ("", "other") else "api_error"


def identity_of(value: object) -> str:
    """What a file without a thread's id is known by, wherever it lies: the digest of its first line."""
    said = json.dumps(value, sort_keys=True).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(said, digest_size=12).hexdigest()


def last_part(path: str) -> str:
    """The last folder of a path, of any system."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1][:_LIMIT]
