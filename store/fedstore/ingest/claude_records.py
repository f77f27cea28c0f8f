"""Entries of a Claude Code transcript, reduced to what recording needs; unknown entries are None.

Releases add entry types and fields all the time, so nothing here fails on what it does not know; it refuses
(EventError) only an assistant or user entry whose time or message makes no sense.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedstore.errors import EventError
from fedstore.facts.events import to_epoch_ms
from fedstore.ids import stable_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["MAIN", "Entry", "blocks", "error_of", "is_interruption", "is_prompt", "tokens_of", "tool_error"]

MAIN = "main"
_READ = frozenset({"assistant", "user", "system"})
_NOT_PROMPTS = ("<local-command-stdout", "<local-command-stderr", "<local-command-caveat", "<bash-stdout", "Caveat: ")
_EXIT_CODE = re.compile(r"(?:Error: )?Exit code (\d{1,5})")
UNREPORTED_OUTPUT = 8
"""A response that was never seen to end and has at most this many output tokens had more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One assistant, user or system entry; a subagent's entry inside a progress entry counts as its own."""

    type: str
    at: int
    uuid: str
    session: str
    chain: str
    """``MAIN``, or the id of the subagent whose conversation this is."""
    parent_tool: str
    """The tool call that runs the subagent, where the entry says so."""
    attributed: str
    sidechain: bool
    project: str
    message: Mapping[str, Any]
    raw: Mapping[str, Any]

    @classmethod
    def of(cls, value: Any) -> Entry | None:
        """The entry a line's value holds, or None when it is of no interest. Raises EventError."""
        if not isinstance(value, dict):
            raise EventError(f"not a transcript entry: an object was expected, not {type(value).__name__}")
        outer = value
        parent_tool = ""
        if value.get("type") == "progress":
            data = value.get("data")
            if not isinstance(data, dict) or data.get("type") != "agent_progress":
                return None
            inner = data.get("message")
            if not isinstance(inner, dict):
                return None
            parent_tool = _text(value.get("parentToolUseID"))
            value = {**inner, "agentId": data.get("agentId") or parent_tool}
            value.setdefault("timestamp", outer.get("timestamp"))
        if value.get("type") not in _READ:
            return None
        return cls._checked(value, outer, parent_tool)

    @classmethod
    def _checked(cls, value: dict[str, Any], outer: dict[str, Any], parent_tool: str) -> Entry:
        kind = value["type"]
        message = value.get("message")
        if kind != "system" and not isinstance(message, dict):
            raise EventError(f"message: the {kind} entry has none")
        sidechain = value.get("isSidechain") is True
        agent_id = _text(value.get("agentId"))
        at, session = _time(value.get("timestamp")), _text(outer.get("sessionId"))
        return cls(
            type=kind,
            at=at,
            uuid=_text(value.get("uuid")) or stable_id(at, session, json.dumps(value, sort_keys=True)),
            session=session,
            chain=agent_id or ("sidechain" if sidechain else MAIN),
            parent_tool=parent_tool,
            attributed=_text(value.get("attributionAgent")),
            sidechain=sidechain or bool(parent_tool),
            project=_last_part(_text(outer.get("cwd"))),
            message=message if isinstance(message, dict) else {},
            raw=value,
        )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _time(value: Any) -> int:
    if not isinstance(value, str):
        raise EventError("timestamp: missing")
    try:
        return int(to_epoch_ms(value))
    except ValueError as error:
        raise EventError(f"timestamp: {error}") from None


def _last_part(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1][:200]


def blocks(message: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    """The content blocks of one type."""
    content = message.get("content")
    if isinstance(content, list):
        for block in content:
            if isinstance(block, dict) and block.get("type") == kind:
                yield block


def _first_text(message: Mapping[str, Any]) -> str | None:
    content = message.get("content")
    if isinstance(content, str):
        return content.lstrip()
    texts = [block.get("text") for block in blocks(message, "text")]
    return texts[0].lstrip() if texts and isinstance(texts[0], str) else None


def is_prompt(entry: Entry) -> bool:
    """Whether a user entry is something a user (or the parent agent) asked, which starts a turn."""
    if entry.raw.get("isMeta") or entry.raw.get("isCompactSummary") or any(blocks(entry.message, "tool_result")):
        return False
    text = _first_text(entry.message)
    if text is None:
        return any(blocks(entry.message, "image")) or any(blocks(entry.message, "document"))
    return bool(text) and not text.startswith(_NOT_PROMPTS)


def is_interruption(entry: Entry) -> bool:
    """Whether a user entry says that the user stopped the turn."""
    return (_first_text(entry.message) or "").startswith("[Request interrupted by user")


def tokens_of(usage: Mapping[str, Any]) -> dict[str, int]:
    """Our token fields of an API usage, whose ``input_tokens`` exclude the cache. Raises EventError."""
    fresh = _count(usage, "input_tokens")
    read = _count(usage, "cache_read_input_tokens")
    by_life = usage.get("cache_creation")
    hour = five = 0
    if isinstance(by_life, dict):
        hour, five = _count(by_life, "ephemeral_1h_input_tokens"), _count(by_life, "ephemeral_5m_input_tokens")
    written = _count(usage, "cache_creation_input_tokens") or hour + five
    return {
        "input_tokens": fresh + read + written,
        "cache_read_tokens": read,
        "cache_write_tokens": written,
        "cache_write_1h_tokens": min(hour, written),
        "output_tokens": _count(usage, "output_tokens"),
    }


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise EventError(f"message.usage.{name}: must be a whole number of tokens")
    return value


def error_of(entry: Entry) -> str:
    """The class of a failed API call: its status where known."""
    said = entry.raw.get("error")
    status: Any = entry.raw.get("apiErrorStatus")
    if status is None and isinstance(said, dict):
        status = said.get("status")
    if isinstance(status, int) and not isinstance(status, bool):
        return f"api_error {status}"
    return f"api_error {said}"[:200] if isinstance(said, str) and said else "api_error"


def tool_error(block: Mapping[str, Any]) -> str:
    """The class of a tool's failure, from how its result begins."""
    content = block.get("content")
    if isinstance(content, list):
        content = next((c.get("text") for c in content if isinstance(c, dict) and isinstance(c.get("text"), str)), "")
    text = content[:200] if isinstance(content, str) else ""
    if text.startswith("<tool_use_error>"):
        return "tool_use_error"
    if text.startswith(("The user doesn't want to", "[Request interrupted by user")):
        return "rejected by user"
    found = _EXIT_CODE.match(text)
    return f"exit code {found[1]}" if found else "error"
