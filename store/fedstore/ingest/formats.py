"""Which format a file is of, told by what it says and not by its name.

`detect` reads the head of a file. Each format of one JSON value per line has a reader that turns values into
facts; a document is read whole. What is known but not read has its reason in `NOT_READ`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fedstore.facts.kinds import BY_NAME
from fedstore.ingest.lines import parse_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fedstore.ingest.reader import LineReader

__all__ = ["CLAUDE_CODE", "CODEX", "EVENTS", "METRICS", "NOT_READ", "ROUTING", "detect", "reader_for"]

ROUTING, METRICS, CLAUDE_CODE, EVENTS, CODEX = "routing-log", "metrics.json", "claude-code", "events", "codex"
STREAM_JSON, QWEN_CODE, ZSTD, GZIP = "stream-json", "qwen-code", "zstd", "gzip"
NOT_READ = {
    ZSTD: "compressed with zstd: decompress it first (zstd -d)",
    GZIP: "compressed with gzip: decompress it first (gunzip)",
    STREAM_JSON: "of no known format: the output of an agent's --output-format stream-json; import its transcript",
    QWEN_CODE: "of no known format: a chat of Qwen Code, which fedtop does not read yet",
}
"""What to do about files whose format is known but not read."""
_COMPRESSED = {b"\x28\xb5\x2f\xfd": ZSTD, b"\x1f\x8b": GZIP}
_HEAD_BYTES = 256 * 1024
_HEAD_LINES = 50
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
_WIDE_HEAD_BYTES = 8 * 1024 * 1024
_CLAUDE_TYPES = frozenset(
    {"assistant", "user", "system", "progress", "summary", "file-history-snapshot", "queue-operation", "attachment"}
)
_CLAUDE_KEYS = frozenset({"sessionId", "uuid", "leafUuid", "messageId"})
_STREAM_TYPES = frozenset({"system", "assistant", "user", "result", "stream_event"})
_AGENT_KEYS = frozenset({"total_tasks", "successful_tasks", "failed_tasks", "task_types", "routing_boost"})


def detect(path: Path) -> str | None:
    """The format of a file, or None. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        for magic, compression in _COMPRESSED.items():
            if head.startswith(magic) and ".json" in path.name:
                return compression
        begins = head.lstrip(b"\xef\xbb\xbf\0 \t\r\n").startswith((b"{", b"[", b'"'))
        if not begins and path.suffix != ".jsonl":  # of such a file the first line may be torn
            return None
        found = _of_lines(head)
        if found is None and len(head) == _HEAD_BYTES:
            head += file.read(_WIDE_HEAD_BYTES)
            found = _of_lines(head)
    return found or (METRICS if _is_metrics(path, head) else None)


def _of_lines(head: bytes) -> str | None:
    lines = head.split(b"\n", _HEAD_LINES)
    for raw in lines[:_HEAD_LINES]:
        for value in parse_line(raw).values:
            found = _of_value(value)
            if found is not None:
                return found
    return None


def _of_value(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    if "routing_layers" in value or ("event_id" in value and "final_decision" in value):
        return ROUTING
    kind = value.get("type")
    if isinstance(kind, str):
        return _of_type(kind, value)
    kind = value.get("kind")
    return EVENTS if isinstance(kind, str) and kind in BY_NAME else None


def _of_type(kind: str, value: dict[str, Any]) -> str | None:
    """The format of a record that says its type."""
    if "payload" in value and "timestamp" in value:
        return CODEX
    if isinstance(value.get("session_id"), str) and kind in _STREAM_TYPES and "sessionId" not in value:
        return STREAM_JSON
    message = value.get("message")
    if isinstance(message, dict) and "parts" in message and "sessionId" in value:
        return QWEN_CODE
    return CLAUDE_CODE if (kind in _CLAUDE_TYPES or "sessionId" in value) and _CLAUDE_KEYS & value.keys() else None


def _is_metrics(path: Path, head: bytes) -> bool:
    """Whether a file is a document that counts the tasks of agents."""
    if b'"agents"' not in head and len(head) < _HEAD_BYTES:
        return False
    try:
        if path.stat().st_size > MAX_DOCUMENT_BYTES:
            return False
        value = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return False
    agents = value.get("agents") if isinstance(value, dict) else None
    if not isinstance(agents, dict):
        return False
    counted = any(isinstance(agent, dict) and _AGENT_KEYS & agent.keys() for agent in agents.values())
    return counted or (not agents and ("initialized" in value or "last_updated" in value))


def reader_for(found: str, state: dict[str, Any], path: Path) -> LineReader:
    """The reader of a format, going on from ``state``."""
    return _READERS[found](state, path)


def _routing(_state: dict[str, Any], _path: Path) -> LineReader:
    from fedstore.ingest.routing_log import RoutingLogReader

    return RoutingLogReader()


def _events(_state: dict[str, Any], _path: Path) -> LineReader:
    from fedstore.ingest.events_jsonl import EventReader

    return EventReader()


def _claude(state: dict[str, Any], path: Path) -> LineReader:
    from fedstore.ingest.claude_code import ClaudeCodeReader

    return ClaudeCodeReader(state, path)


def _codex(state: dict[str, Any], path: Path) -> LineReader:
    from fedstore.ingest.codex import CodexReader

    return CodexReader(state, path)


_READERS: dict[str, Callable[[dict[str, Any], Path], LineReader]] = {
    ROUTING: _routing, EVENTS: _events, CLAUDE_CODE: _claude, CODEX: _codex,
}  # fmt: skip
