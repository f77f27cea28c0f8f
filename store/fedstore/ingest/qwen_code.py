"""Chats of Qwen Code: known, and not read."""

from __future__ import annotations

from fedstore.ingest.reader import LineFormat
from fedstore.json_value import JsonObject

__all__ = ["FORMAT"]


def _recognises(value: JsonObject) -> bool:
    message = value.get("message")
    typed = isinstance(value.get("type"), str) and "sessionId" in value
    return typed and isinstance(message, dict) and "parts" in message


FORMAT = LineFormat(
    "qwen-code", _recognises, instead="of no known format: a chat of Qwen Code, which fedtop does not read yet"
)
