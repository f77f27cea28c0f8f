"""Entries of a Claude Code transcript, reduced to what recording needs; unknown entries are None.

Releases add entry types and fields all the time, so nothing here fails on what it does not know; it refuses
(EventError) only an assistant or user entry whose time or message makes no sense.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from fedstore.errors import EventError
from fedstore.ids import stable_id
from fedstore.ingest.values import NAME_CUT, fact_id, is_issued, last_part, text_of, time_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedstore.json_value import Json, JsonObject

__all__ = [
    "MAIN", "Entry", "blocks", "characters", "error_of", "first_text", "is_interruption", "is_prompt",
    "tool_error",
]  # fmt: skip

MAIN = "main"
_READ = frozenset({"assistant", "user", "system"})
_NOT_PROMPTS = ("<local-command-stdout", "<local-command-stderr", "<local-command-caveat", "<bash-stdout", "Caveat: ")
_EXIT_CODE = re.compile(r"(?:Error: )?Exit code (\d{1,5})")


class Entry:
    """One assistant, user or system entry; a subagent's entry inside a progress entry counts as its own.

    `agent_id` is the subagent whose conversation this is; `parent_tool` the tool call that runs it, where the entry
    says so. `session` and `uuid` are those of the original where a fork has copied the entry.
    """

    __slots__ = (
        "agent_id", "at", "message", "parent_tool", "project", "raw", "session", "side", "type", "uuid",
    )  # fmt: skip

    type: str
    at: int
    uuid: str
    session: str
    agent_id: str
    parent_tool: str
    side: bool
    project: str
    message: JsonObject
    raw: JsonObject

    @classmethod
    def of(cls, value: object) -> Entry | None:
        """The entry a line's value holds, or None when it is of no interest. Raises EventError."""
        if type(value) is not dict:
            raise EventError(f"not a transcript entry: an object was expected, not {type(value).__name__}")
        kind = value.get("type")
        if not isinstance(kind, str):
            if kind is None:
                return None
            raise EventError("type: must be text")
        if kind in _READ:
            return cls(value, value, "")
        if kind != "progress":
            return None
        data = value.get("data")
        if not isinstance(data, dict) or data.get("type") != "agent_progress":
            return None
        inner = data.get("message")
        if not isinstance(inner, dict) or text_of(inner.get("type")) not in _READ:
            return None
        parent_tool = text_of(value.get("parentToolUseID"))
        agent_id = data.get("agentId") or parent_tool
        inner = {"timestamp": value.get("timestamp"), **inner, "agentId": agent_id, "isSidechain": True}
        return cls(inner, value, parent_tool)

    def __init__(self, value: JsonObject, outer: JsonObject, parent_tool: str) -> None:
        message = value.get("message")
        if not isinstance(message, dict):
            if value["type"] != "system":
                raise EventError(f"message: the {value['type']} entry has none")
            message = {}
        side = value.get("isSidechain")
        self.type = text_of(value["type"])
        self.at = time_of(value.get("timestamp"))
        self.side = side is True
        self.agent_id = "" if side is False else text_of(value.get("agentId"))
        self.parent_tool = parent_tool
        self.project = _project(text_of(outer.get("cwd")))
        self.message = message
        self.raw = value
        self.session = text_of(outer.get("sessionId"))
        if "forkedFrom" in value:
            origin = value["forkedFrom"]
            self.session = text_of(origin.get("sessionId") if isinstance(origin, dict) else "") or self.session
        self.uuid = text_of(value.get("uuid")) or stable_id(self.at, self.session, repr(value))

    def key(self) -> str:
        """What tells this entry from all others: its own id where that was drawn at random, else within its session."""
        return self.uuid if is_issued(self.uuid) else fact_id(self.session, self.uuid)


_project = lru_cache(64)(last_part)


def blocks(message: JsonObject, kind: str) -> Iterator[JsonObject]:
    """The content blocks of one type."""
    content = message.get("content")
    if isinstance(content, list):
        for block in content:
            if isinstance(block, dict) and block.get("type") == kind:
                yield block


def first_text(message: JsonObject) -> str | None:
    """The text that a message begins with, None when it has none."""
    content = message.get("content")
    if isinstance(content, str):
        return content.lstrip()
    for block in blocks(message, "text"):
        text = block.get("text")
        return text.lstrip() if isinstance(text, str) else None
    return None


def is_prompt(entry: Entry, text: str | None) -> bool:
    """Whether a user entry that begins with `text`, and holds no tool's result, is something a user (or the parent
    agent) asked, which starts a turn.
    """
    if entry.raw.get("isMeta") or entry.raw.get("isCompactSummary"):
        return False
    if text is None:
        return any(blocks(entry.message, "image")) or any(blocks(entry.message, "document"))
    return bool(text) and not text.startswith(_NOT_PROMPTS)


def is_interruption(text: str | None) -> bool:
    """Whether a user entry that begins with `text` says that the user stopped the turn."""
    return text is not None and text.startswith("[Request interrupted by user")


def characters(message: JsonObject) -> int:
    """About how many characters a message's visible content has."""
    content = message.get("content")
    return sum(map(_characters, content)) if isinstance(content, list) else len(text_of(content))


def _characters(block: Json) -> int:
    if not isinstance(block, dict):
        return 0
    given = block.get("input")
    if isinstance(given, dict):
        return sum([len(value) for value in given.values() if isinstance(value, str)])
    return len(text_of(block.get("text") or block.get("thinking")))


def error_of(entry: Entry) -> str:
    """The class of a failed API call: its status where known."""
    said = entry.raw.get("error")
    status = entry.raw.get("apiErrorStatus")
    if status is None and isinstance(said, dict):
        status = said.get("status")
    if isinstance(status, int) and not isinstance(status, bool):
        return f"api_error {status}"[:NAME_CUT]
    return f"api_error {said}"[:NAME_CUT] if isinstance(said, str) and said else "api_error"


def tool_error(block: JsonObject) -> str:
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
