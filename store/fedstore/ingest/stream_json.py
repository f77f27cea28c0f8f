"""The output of an agent's `--output-format stream-json`: known, and not read."""

from __future__ import annotations

from fedstore.ingest.reader import LineFormat
from fedstore.json_value import JsonObject

__all__ = ["FORMAT"]

_TYPES = frozenset({"system", "assistant", "user", "result", "stream_event"})


def _recognises(value: JsonObject) -> bool:
    kind = value.get("type")
    told = isinstance(value.get("session_id"), str) and "sessionId" not in value
    return told and isinstance(kind, str) and kind in _TYPES


FORMAT = LineFormat(
    "stream-json",
    _recognises,
    instead="of no known format: the output of an agent's --output-format stream-json; import its transcript",
)
