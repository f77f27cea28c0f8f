"""Claude Code transcripts: API responses, tool executions and turns out of a session's entries.

* One Usage per API response, its own and those of its advisors (`claude_calls`), once the response is over: the next
  one, a prompt, the end of the turn, or a minute of quiet.
* One Execution per tool call with its result, matched by id, wherever in the file the two stand (`claude_tools`).
* One Run per prompt, up to the end of its turn, known by its first response: that is the same in the copies which forks
  and side conversations hold. The transcript says that a turn ended in an error, never that it succeeded, so `success`
  is unknown. What Claude Code asks for itself, such as a summary of what was said, is no turn.

What is still open is the reader's state, kept with the watermark. A response or a turn that goes on after it was taken
for ended is told again, larger or longer, and then stands: so any split of a file gives the same facts.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypedDict, TypeGuard

from fedstore.errors import EventError
from fedstore.ingest import claude_calls
from fedstore.ingest.claude_records import (
    MAIN,
    Entry,
    blocks,
    error_of,
    first_text,
    is_interruption,
    is_prompt,
)
from fedstore.ingest.claude_tools import Tools, key_of
from fedstore.ingest.lines import is_one_object
from fedstore.ingest.reader import Held, LineFormat, LineReader, Place
from fedstore.ingest.values import NAME_CUT, fact_id, text_of
from fedstore.widths import HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fedstore.ingest.reader import Fact, State, Told
    from fedstore.json_value import JsonObject

__all__ = ["AGENT", "FORMAT", "SUBAGENT", "ClaudeCodeReader"]

AGENT = "claude-code"
SUBAGENT = "claude-code-subagent"
"""A subagent whose type the transcript does not give."""
SOURCE = "claude-code"
SIDE_SOURCE = "claude-code side conversation"
"""Of what may be a copy: where it is one and equal, the other stands, whose source is the lesser text."""
CALL_QUIET_MS = MINUTE_MS
"""After so long without an entry a response is over."""
TURN_QUIET_MS = 10 * MINUTE_MS
"""After so long a turn is over, when no tool is running."""
TOOL_QUIET_MS = 12 * HOUR_MS
"""After so long a turn is over even though a tool never came back."""
_OWN_WORK = re.compile(r"a(?:compact|prompt_suggestion|session_memory)-")
"""How the ids of side conversations begin that Claude Code has for itself."""
_PROGRESS = re.compile(
    rb'\{"parentUuid":(?:null|"[^"\\]{1,64}"),"isSidechain":false,(?:"\w{1,32}":"[^"\\]{0,400}",){1,10}'
    rb'"type":"progress","data":\{"type":"(?:hook_progress|bash_progress|mcp_progress|waiting_for_task)"'
)
_SAYS_NOTHING = {"type": "progress"}
_VERSION = 2
_CHAINS, _LINKS = 128, 2_000
"""How many conversations, and entries of those without a name, are remembered."""


class Turn(TypedDict):
    """A turn in progress: from a prompt on, known by `key` until a response names it (`id`)."""

    id: str
    key: str
    start: int
    end: int
    project: str
    active: bool
    told: bool
    error: str
    ms: float | None
    place: list[int]


class Chain(TypedDict):
    """A conversation in progress (the session's own, or a subagent's), as the state keeps it."""

    agent: str
    run: Turn | None
    call: claude_calls.Call | None
    tool: str
    seen: int
    source: str
    turns: bool


class ClaudeCodeReader(LineReader):
    """Reads the entries of one transcript file in order, going on from `state`."""

    def __init__(self, state: State, path: Path) -> None:
        if state.get("version") != _VERSION:
            state = {}
        self._chains: dict[str, Chain] = state.get("chains", {})
        self._links: dict[str, str] = state.get("links", {})
        self._tools = Tools(state.get("tools", {}))
        self._path = path
        self._at = 0
        """When the present entry was written; when the one before it, where its own time cannot be."""
        self._out: list[Told] = []

    def skim(self, raw: bytes) -> object:
        """The progress of a hook or a command, of which there are many, says nothing; that of a subagent does."""
        found = _PROGRESS.match(raw)
        if found is None or not is_one_object(raw) or raw.find(b'{"parentUuid"', 1) >= 0:
            return None
        return _SAYS_NOTHING

    def read(self, value: object) -> Sequence[Told]:
        """The facts that an entry completes. Raises EventError for an entry that makes no sense."""
        entry = Entry.of(value)
        if entry is None:
            if isinstance(value, dict) and value.get("isSidechain") is True:
                self._link(value)
            return ()
        self._out = []
        key = self._key(entry)
        chain = self._chain(entry, key)
        if entry.type == "assistant":
            self._assistant(entry, key, chain)
        elif entry.type == "user":
            self._user(entry, key, chain)
        else:
            self._system(entry, chain)
        return self._out

    def finish(self, now_ms: int) -> Sequence[Told]:
        """What nothing more will change, as no entry has come for long enough before `now_ms`."""
        self._out = []
        for key, chain in self._chains.items():
            quiet = now_ms - chain["seen"]
            if quiet > CALL_QUIET_MS:
                self._tell_call(chain)
            if quiet > (TOOL_QUIET_MS if self._tools.busy(key) else TURN_QUIET_MS):
                self._tell_run(chain)
        return self._out

    def due_ms(self) -> int | None:
        """When the next response or turn in progress is over for want of entries."""
        waits = []
        for key, chain in self._chains.items():
            if chain["call"] is not None and not chain["call"].get("told"):
                waits.append(chain["seen"] + CALL_QUIET_MS + 1)
            if _is_open(chain["run"]):
                waits.append(chain["seen"] + (TOOL_QUIET_MS if self._tools.busy(key) else TURN_QUIET_MS) + 1)
        return min(waits, default=None)

    def state(self) -> dict[str, object]:
        """What is open."""
        return {"version": _VERSION, "chains": self._chains, "links": self._links, "tools": self._tools.state()}

    def running(self) -> Sequence[Fact]:
        """The turns in progress."""
        return [
            {
                "kind": "run_state", "id": run["id"], "agent": chain["agent"], "project": run["project"],
                "at": chain["seen"], "started_at": run["start"],
            }
            for chain in self._chains.values()
            if _is_open(run := chain["run"])
        ]  # fmt: skip

    # --- conversations -------------------------------------------------------------------------------------

    def _key(self, entry: Entry) -> str:
        """Which conversation an entry belongs to; one of a subagent without an id is known by its first entry."""
        if entry.agent_id:
            return entry.agent_id[:NAME_CUT]
        return self._link(entry.raw) if entry.side else MAIN

    def _link(self, value: JsonObject) -> str:
        """The side conversation of an entry, by the entry that it answers."""
        uuid, parent = text_of(value.get("uuid")), text_of(value.get("parentUuid"))
        if value.get("isSidechain") is not True or value.get("agentId") or not uuid:
            return "sidechain"
        key = self._links[uuid] = self._links.get(parent) or f"side {uuid}"[:NAME_CUT]
        while len(self._links) > _LINKS:
            del self._links[next(iter(self._links))]
        return key

    def _chain(self, entry: Entry, key: str) -> Chain:
        chain = self._chains.get(key)
        if chain is None:
            tool = key_of(entry.parent_tool, MAIN) if entry.parent_tool else self._launcher(entry)
            own_work = _OWN_WORK.match(key) is not None
            chain = self._chains[key] = {
                "agent": AGENT if own_work else self._agent(entry, key, tool), "run": None, "call": None, "tool": tool,
                "seen": 0, "source": SIDE_SOURCE if entry.side or own_work else SOURCE, "turns": not own_work,
            }  # fmt: skip
            while len(self._chains) > _CHAINS:
                self._close(next(name for name in self._chains if name not in (MAIN, key)))
        if entry.at <= self.latest_ms:
            chain["seen"] = entry.at
        self._at = chain["seen"] or entry.at
        return chain

    def _launcher(self, entry: Entry) -> str:
        """The tool call whose prompt a nameless side conversation begins with."""
        if not entry.side or entry.agent_id or entry.type != "user":
            return ""
        return self._tools.asking(first_text(entry.message) or "", {chain["tool"] for chain in self._chains.values()})

    def _agent(self, entry: Entry, key: str, tool: str) -> str:
        if key == MAIN:
            return AGENT
        attributed = text_of(entry.raw.get("attributionAgent"))[:NAME_CUT]
        return attributed or _subagent_type(self._path, entry.agent_id) or self._tools.launched(tool) or SUBAGENT

    def _close(self, key: str) -> None:
        """A conversation is over for good."""
        chain = self._chains.pop(key)
        self._end_call(chain)
        self._end_run(chain)
        self._tools.drop(key)

    # --- entries -------------------------------------------------------------------------------------------

    def _assistant(self, entry: Entry, key: str, chain: Chain) -> None:
        run = chain["run"]
        if entry.raw.get("isApiErrorMessage"):
            self._api_error(entry, chain)
            if run:
                run.update({"end": self._at, "active": True, "told": False, "error": error_of(entry)})
            return
        if entry.message.get("model") == "<synthetic>":
            return
        if run:
            run.update({"end": self._at, "active": True, "told": False, "error": ""})
        self._response(entry, chain)
        for block in blocks(entry.message, "tool_use"):
            self._tool_use(block, entry, key, chain)

    def _user(self, entry: Entry, key: str, chain: Chain) -> None:
        answers = list(blocks(entry.message, "tool_result"))
        for block in answers:
            self._tool_result(block, entry, key)
            if chain["run"]:
                chain["run"].update({"end": self._at, "told": False})
        text = first_text(entry.message)
        if is_interruption(text):
            if chain["run"]:
                chain["run"].update({"end": self._at, "told": False, "error": "interrupted"})
            self._end_call(chain)
            self._end_run(chain)
        elif not answers and is_prompt(entry, text):
            self._end_call(chain)
            self._end_run(chain)
            self._tools.leave(key)
            if chain["turns"]:
                chain["run"] = {
                    "id": "", "key": entry.key(), "start": entry.at, "end": self._at, "project": entry.project,
                    "active": False, "told": False, "error": "", "ms": None, "place": list(self.place),
                }  # fmt: skip

    def _system(self, entry: Entry, chain: Chain) -> None:
        kind = entry.raw.get("subtype")
        if kind == "api_error":
            self._api_error(entry, chain)
        elif kind == "turn_duration":
            if chain["run"]:
                took = entry.raw.get("durationMs")
                if isinstance(took, bool) or not isinstance(took, (int, float)) or took < 0:
                    took = None
                chain["run"].update({"end": self._at, "told": False, "ms": None if took is None else float(took)})
            self._end_call(chain)
            self._end_run(chain)

    # --- API responses -------------------------------------------------------------------------------------

    def _response(self, entry: Entry, chain: Chain) -> None:
        """A line of a response: the same one's as before, or the first of the next."""
        key = claude_calls.call_key(entry)
        run_id = _run_id(chain["run"], key[0])
        call = chain["call"]
        if call is not None and call["key"] != key:
            self._end_call(chain)
            call = None
        usage = entry.message.get("usage")
        if not isinstance(usage, dict):
            return
        if call is None:
            call = chain["call"] = claude_calls.begin(key, entry, self.place)
        claude_calls.merge(call, entry, usage, run_id)

    def _end_call(self, chain: Chain) -> None:
        self._tell_call(chain)
        chain["call"] = None

    def _tell_call(self, chain: Chain) -> None:
        """The response in progress as far as it went; it may still go on."""
        call = chain["call"]
        if call is not None and not call.get("told"):
            call["told"] = True
            place = Place(*call["place"])
            self._out += [Held(event, place) for event in claude_calls.events(call, chain["agent"], chain["source"])]

    def _api_error(self, entry: Entry, chain: Chain) -> None:
        self._end_call(chain)
        self._out.append({
            "kind": "usage", "id": entry.key(), "run_id": _run_id(chain["run"], ""), "agent": chain["agent"],
            "project": entry.project, "at": entry.at, "error_class": error_of(entry), "source": chain["source"],
        })  # fmt: skip

    # --- tools and turns -----------------------------------------------------------------------------------

    def _tool_use(self, block: JsonObject, entry: Entry, key: str, chain: Chain) -> None:
        if not (text_of(block.get("id")) and text_of(block.get("name"))):
            self._out.append(EventError("message.content: a tool_use without id or name"))
            return
        fields = {
            "run_id": _run_id(chain["run"], ""), "agent": chain["agent"], "project": entry.project,
            "source": chain["source"],
        }  # fmt: skip
        done = self._tools.use(block, entry, key, fields)
        if done is not None:
            self._out.append(done)

    def _tool_result(self, block: JsonObject, entry: Entry, key: str) -> None:
        done = self._tools.result(block, entry, key, self.place)
        if done is None:
            return
        self._out.append(done)
        tool = key_of(text_of(block.get("tool_use_id")), key)
        for name, chain in list(self._chains.items()):
            if chain["tool"] == tool:  # the subagent that this tool ran is done
                if chain["run"]:
                    chain["run"].update({"end": self._at, "told": False})
                self._close(name)

    def _end_run(self, chain: Chain) -> None:
        self._tell_run(chain)
        chain["run"] = None

    def _tell_run(self, chain: Chain) -> None:
        """The turn as far as it went; it may still go on."""
        run = chain["run"]
        if not _is_open(run):
            return
        run["told"] = True
        fields = {
            "kind": "run", "id": run["id"], "agent": chain["agent"], "project": run["project"],
            "started_at": run["start"], "at": max(run["start"], run["end"]), "duration_ms": run["ms"],
            "error_class": run["error"], "source": chain["source"],
        }  # fmt: skip
        self._out.append(Held(fields, Place(*run["place"])))


def _is_open(run: Turn | None) -> TypeGuard[Turn]:
    """Whether a turn has begun to be answered and was not told yet as far as it went."""
    return run is not None and run["active"] and not run["told"]


def _run_id(run: Turn | None, message_id: str) -> str:
    """The id of a turn: its first response's, or, where it begins otherwise, its prompt's."""
    if run is None:
        return ""
    if not run["id"]:
        run["id"] = fact_id("claude", message_id if claude_calls.is_of_api(message_id) else run["key"])
    return run["id"]


def _subagent_type(path: Path, agent_id: str) -> str:
    """The type that `agent-<id>.meta.json` gives, beside the transcript or in its session's folder."""
    name = f"agent-{agent_id}.meta.json"
    for folder in (path.parent, path.with_suffix("") / "subagents"):
        try:
            found = json.loads((folder / name).read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        kind = found.get("agentType") if isinstance(found, dict) else None
        if isinstance(kind, str) and kind:
            return kind[:NAME_CUT]
    return ""


_TYPES = frozenset(
    {"assistant", "user", "system", "progress", "summary", "file-history-snapshot", "queue-operation", "attachment"}
)
_KEYS = frozenset({"sessionId", "uuid", "leafUuid", "messageId"})


def _recognises(value: JsonObject) -> bool:
    kind = value.get("type")
    return isinstance(kind, str) and (kind in _TYPES or "sessionId" in value) and bool(_KEYS & value.keys())


FORMAT = LineFormat("claude-code", _recognises, ClaudeCodeReader, one_sided=True)
