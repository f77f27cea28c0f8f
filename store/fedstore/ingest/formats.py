"""Which format a file is of, told by what it says and not by its name.

``detect`` reads the head of a file. Each format of one JSON value per line has a reader that turns values into
events; a document is read whole.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from fedstore.errors import EventError
from fedstore.ingest.events_jsonl import KINDS
from fedstore.ingest.lines import parse_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fedstore.facts.events import Event

__all__ = ["CLAUDE_CODE", "CODEX", "EVENTS", "GZIP", "METRICS", "ROUTING", "ZSTD", "LineReader", "detect", "reader_for"]

ROUTING, METRICS, CLAUDE_CODE, EVENTS, CODEX = "routing-log", "metrics.json", "claude-code", "events", "codex"
ZSTD, GZIP = "zstd", "gzip"
_COMPRESSED = {b"\x28\xb5\x2f\xfd": ZSTD, b"\x1f\x8b": GZIP}
_HEAD_BYTES = 256 * 1024
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
_WIDE_HEAD_BYTES = 8 * 1024 * 1024
_CLAUDE_TYPES = frozenset(
    {"assistant", "user", "system", "progress", "summary", "file-history-snapshot", "queue-operation", "attachment"}
)
_CLAUDE_KEYS = frozenset({"sessionId", "uuid", "leafUuid", "messageId"})


class LineReader(Protocol):
    """Turns the values of a file's lines into events, in order."""

    def read(self, value: Any) -> list[Event]:
        """The events that this value completes. Raises EventError for a value that makes no sense."""

    def finish(self, now_ms: int) -> list[Event]:
        """The events that nothing more can change, at the end of the file at ``now_ms``."""

    def state(self) -> dict[str, Any]:
        """What must be remembered to go on later, as JSON."""


def detect(path: Path) -> str | None:
    """The format of a file, or None. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        for magic, compression in _COMPRESSED.items():
            if head.startswith(magic) and ".json" in path.name:
                return compression
        if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[", b'"')):
            return None
        found = _of_lines(head)
        if found is None and len(head) == _HEAD_BYTES:
            head += file.read(_WIDE_HEAD_BYTES)
            found = _of_lines(head)
    return found or (METRICS if _is_metrics(path, head) else None)


def _of_lines(head: bytes) -> str | None:
    for raw in head.split(b"\n")[:50]:
        try:
            values = parse_line(raw)
        except EventError:
            continue
        for value in values:
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
    if isinstance(kind, str) and "payload" in value and "timestamp" in value:
        return CODEX
    if isinstance(kind, str) and (kind in _CLAUDE_TYPES or "sessionId" in value) and _CLAUDE_KEYS & value.keys():
        return CLAUDE_CODE
    kind = value.get("kind")
    return EVENTS if isinstance(kind, str) and kind in KINDS else None


def _is_metrics(path: Path, head: bytes) -> bool:
    if b'"agents"' not in head and len(head) < _HEAD_BYTES:
        return False
    try:
        if path.stat().st_size > MAX_DOCUMENT_BYTES:
            return False
        value = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(value, dict) and isinstance(value.get("agents"), dict)


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
