"""Tool calls of a Claude Code transcript and their results, matched by id in whichever order the two lines stand.

Newer releases write the result of a fast tool before its call. Ids that a model counts up (`Bash_0` in every turn) are
told apart by conversation and entry; those that the API issued are unique.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NotRequired, TypeAlias, TypedDict, TypeVar

from fedstore.ingest.claude_calls import is_of_api
from fedstore.ingest.claude_records import tool_error
from fedstore.ingest.reader import Held, Place
from fedstore.ingest.values import NAME_CUT, fact_id, is_issued, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedstore.ingest.claude_records import Entry
    from fedstore.ingest.reader import State
    from fedstore.json_value import JsonObject

__all__ = ["Tools", "key_of"]

_LAUNCHERS = frozenset({"Task", "Agent"})
_OPEN = 128
"""So many calls may wait for their result, and results for their call; the oldest are given up."""

Waiting = TypeVar("Waiting")


class Tool(TypedDict):
    """A tool call without a result, as the reader's state keeps it; `fields` are what its execution will say."""

    id: str
    name: str
    at: int
    chain: str
    fields: dict[str, object]
    subagent: str
    asks: str
    left: NotRequired[bool]


Result: TypeAlias = tuple[int, bool, str, list[int]]
"""When a tool's result came, whether it tells of a failure and of which class, and the place of its line."""


def _asked(text: str) -> str:
    """A prompt as it can be known again without being kept."""
    return hashlib.blake2b(text.strip().encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class Tools:
    """The open calls and the results that came before their calls, by conversation and id."""

    def __init__(self, state: State) -> None:
        self.open: dict[str, Tool] = state.get("open", {})
        self._early: dict[str, Result] = state.get("early", {})

    def state(self) -> dict[str, object]:
        """What must be remembered."""
        return {"open": self.open, "early": self._early}

    def use(self, block: JsonObject, entry: Entry, chain: str, fields: Mapping[str, object]) -> Held | None:
        """A call, and its execution when the result is there already. `fields` are what its execution will say."""
        tool_id, name = text_of(block.get("id")), text_of(block.get("name"))
        given = block.get("input")
        launched = given if isinstance(given, dict) and name in _LAUNCHERS else {}
        asks = launched.get("prompt")
        tool: Tool = {
            "id": tool_id if _is_unique(tool_id) else fact_id(entry.session, _response(entry), tool_id),
            "name": name[:NAME_CUT], "at": entry.at, "chain": chain, "fields": dict(fields),
            "subagent": text_of(launched.get("subagent_type"))[:NAME_CUT],
            "asks": _asked(asks) if isinstance(asks, str) else "",
        }  # fmt: skip
        key = key_of(tool_id, chain)
        early = self._early.pop(key, None)
        if early is not None:
            return _executed(tool, *early)
        self.open[key] = tool
        _bound(self.open)
        return None

    def result(self, block: JsonObject, entry: Entry, chain: str, place: Place) -> Held | None:
        """The execution that a result ends; None when its call has not come yet."""
        tool_id = text_of(block.get("tool_use_id"))
        if not tool_id:
            return None
        failed = block.get("is_error") is True
        told: Result = (entry.at, failed, tool_error(block) if failed else "", list(place))
        key = key_of(tool_id, chain)
        tool = self.open.pop(key, None)
        if tool is None:
            self._early[key] = told
            _bound(self._early)
            return None
        return _executed(tool, *told)

    def launched(self, tool_key: str) -> str:
        """The type of the subagent that an open call runs."""
        tool = self.open.get(tool_key)
        return "" if tool is None else tool["subagent"]

    def asking(self, text: str, taken: set[str]) -> str:
        """The open call, none of those `taken`, that gave a subagent this prompt."""
        said = _asked(text)
        return next((key for key, tool in self.open.items() if tool["asks"] == said and key not in taken), "")

    def busy(self, chain: str) -> bool:
        """Whether a tool of a conversation is running."""
        return any(tool["chain"] == chain and not tool.get("left") for tool in self.open.values())

    def leave(self, chain: str) -> None:
        """A new turn has begun: no tool of the former one keeps it open, and no result waits for a call of this one."""
        for tool in self.open.values():
            if tool["chain"] == chain:
                tool["left"] = True
        for key in [key for key in self._early if key.startswith(f"{chain}/")]:
            del self._early[key]

    def drop(self, chain: str) -> None:
        """Forget the calls of a conversation that is over."""
        self.open = {key: tool for key, tool in self.open.items() if tool["chain"] != chain}


def _is_unique(tool_id: str) -> bool:
    return tool_id.startswith("toolu_") or is_issued(tool_id)


def key_of(tool_id: str, chain: str) -> str:
    """Under which key a call of a conversation waits."""
    return tool_id if _is_unique(tool_id) else f"{chain}/{tool_id}"


def _response(entry: Entry) -> str:
    """The response that a call belongs to."""
    message_id = text_of(entry.message.get("id"))
    return message_id if is_of_api(message_id) else entry.uuid


def _executed(tool: Tool, at: int, failed: bool, error: str, place: list[int]) -> Held:
    fields = {
        "kind": "execution", "id": tool["id"], "tool": tool["name"], "at": at,
        "duration_ms": float(max(0, at - tool["at"])), "success": not failed, "error_class": error, **tool["fields"],
    }  # fmt: skip
    return Held(fields, Place(*place))


def _bound(waiting: dict[str, Waiting]) -> None:
    while len(waiting) > _OPEN:
        del waiting[next(iter(waiting))]
