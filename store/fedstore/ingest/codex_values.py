"""Values of rollout lines: durations, and what a thread and an error are called."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from fedstore.facts.kind import MAX_DURATION_MS
from fedstore.ingest.values import NAME_CUT, text_of

if TYPE_CHECKING:
    from fedstore.json_value import JsonObject

__all__ = ["AGENT", "agent_of", "duration_of", "error_class_of", "identity_of"]

AGENT = "codex"
_HARMLESS = frozenset({"thread_rollback_failed", "active_turn_not_steerable"})


def duration_of(value: object) -> float | None:
    """A duration in milliseconds; None where it is missing or makes no sense."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if 0 <= value <= MAX_DURATION_MS else None


def agent_of(payload: JsonObject) -> str:
    """`codex`; for a sub-agent `codex-` and its role, else its nickname, else what kind of sub-agent it is."""
    source = payload.get("source")
    found = source.get("subagent") if isinstance(source, dict) else None
    spawn = found.get("thread_spawn") if isinstance(found, dict) else None
    for told in (spawn if isinstance(spawn, dict) else {}, payload):
        name = text_of(told.get("agent_role")) or text_of(told.get("agent_nickname"))
        if name:
            return f"{AGENT}-{name}"[:NAME_CUT]
    if isinstance(found, dict):
        found = next((said for said in found.values() if isinstance(said, str)), None) or "subagent"
    return AGENT if found is None else f"{AGENT}-{text_of(found) or 'subagent'}"[:NAME_CUT]


def error_class_of(payload: JsonObject) -> str:
    """What Codex calls an error (`usage_limit_exceeded`), else that the API failed; "" for one that ends no turn."""
    told = payload.get("codex_error_info")
    if isinstance(told, dict) and told:
        told = next(iter(told))
    name = text_of(told)[:NAME_CUT]
    return "" if name in _HARMLESS else name if name not in ("", "other") else "api_error"


def identity_of(value: object) -> str:
    """What a file without a thread's id is known by, wherever it lies: the digest of its first line."""
    said = json.dumps(value, sort_keys=True).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(said, digest_size=12).hexdigest()
