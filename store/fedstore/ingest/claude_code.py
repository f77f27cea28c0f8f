"""Claude Code transcripts: API responses, tool executions and turns out of a session's entries.

* One Usage per API response. A response is written as several lines with the same ids; the line with the most
  tokens counts, once the response is over (the next one, a prompt, the end of the turn, or a minute of quiet).
  Its id is the API's request id, so that telemetry about the same call is the same fact.
* One Execution per tool call with its result, matched by id, wherever in the file the result comes.
* One Run per prompt, up to the end of its turn. The transcript does not say whether the work succeeded, so
  ``success`` is unknown; a turn that ended in an API error failed.

What is still open is the reader's state, kept with the watermark: any split of a file gives the same facts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from fedstore.errors import EventError
from fedstore.facts.events import Event, Execution, Run, RunState, Usage
from fedstore.ingest.claude_records import (
    MAIN,
    UNREPORTED_OUTPUT,
    Entry,
    blocks,
    error_of,
    is_interruption,
    is_prompt,
    tokens_of,
    tool_error,
)  # fmt: skip
from fedstore.ingest.reader import LineReader
from fedstore.recording.writer import explain, validated

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["AGENT", "SUBAGENT", "ClaudeCodeReader"]

AGENT = "claude-code"
SUBAGENT = "claude-code-subagent"
"""A subagent whose type the transcript does not give."""
SOURCE = "claude-code"
CALL_QUIET_MS = 60_000
"""After so long without an entry a response is over."""
TURN_QUIET_MS = 10 * 60_000
"""After so long a turn is over, when no tool is running."""
TOOL_QUIET_MS = 12 * 3_600_000
"""After so long a turn is over even though a tool never came back."""
_ISSUED = 20
"""So many characters, at least, has a request id that the API issued (it has 28)."""
_LAUNCHERS = frozenset({"Task", "Agent"})


class ClaudeCodeReader(LineReader):
    """Reads the entries of one transcript file in order, going on from ``state``.

    ``chains`` holds each conversation in progress (the session's own and its subagents'), ``tools`` the tool
    calls without a result.
    """

    def __init__(self, state: dict[str, Any], path: Path) -> None:
        self._chains: dict[str, dict[str, Any]] = state.get("chains", {})
        self._tools: dict[str, dict[str, Any]] = state.get("tools", {})
        self._path = path
        self._out: list[Event] = []

    def read(self, value: Any) -> list[Event]:
        """The facts that an entry completes. Raises EventError for an entry that makes no sense."""
        entry = Entry.of(value)
        if entry is None:
            return []
        self._out = []
        try:
            chain = self._chain(entry)
            if entry.type == "assistant":
                self._assistant(entry, chain)
            elif entry.type == "user":
                self._user(entry, chain)
            else:
                self._system(entry, chain)
        except ValidationError as error:
            raise EventError(explain(error)) from error
        return self._out

    def finish(self, now_ms: int) -> list[Event]:
        """What nothing more will change, as no entry has come for long enough before ``now_ms``."""
        self._out = []
        for key, chain in list(self._chains.items()):
            quiet = now_ms - chain["seen"]
            busy = any(tool["chain"] == key for tool in self._tools.values())
            if quiet > CALL_QUIET_MS:
                self._end_call(chain)
            if quiet > (TOOL_QUIET_MS if busy else TURN_QUIET_MS):
                self._end_run(chain)
                if key != MAIN:
                    self._drop(key)
        return self._out

    def state(self) -> dict[str, Any]:
        """What is open."""
        return {"chains": self._chains, "tools": self._tools}

    def due_ms(self) -> int | None:
        """When the next response or turn in progress is over for want of entries."""
        waits = [
            chain["seen"] + (CALL_QUIET_MS if chain["call"] else TURN_QUIET_MS) + 1
            for chain in self._chains.values()
            if chain["call"] or chain["run"]
        ]
        return min(waits, default=None)

    def running(self) -> list[RunState]:
        """The turns in progress."""
        return [
            RunState(
                id=run["id"], agent=chain["agent"], project=run["project"], at=chain["seen"], started_at=run["start"]
            )
            for chain in self._chains.values()
            if (run := chain["run"]) and run["active"]
        ]

    # --- conversations -------------------------------------------------------------------------------------

    def _chain(self, entry: Entry) -> dict[str, Any]:
        chain = self._chains.get(entry.chain)
        if chain is None:
            chain = {"agent": self._agent(entry), "run": None, "call": None, "tool": entry.parent_tool, "seen": 0}
            self._chains[entry.chain] = chain
        chain["seen"] = max(chain["seen"], entry.at)
        return chain

    def _agent(self, entry: Entry) -> str:
        if entry.chain == MAIN:
            return AGENT
        launched: str = self._tools.get(entry.parent_tool, {}).get("subagent", "")
        return entry.attributed or _subagent_type(self._path, entry.chain) or launched or SUBAGENT

    def _drop(self, key: str) -> None:
        self._chains.pop(key, None)
        self._tools = {name: tool for name, tool in self._tools.items() if tool["chain"] != key}

    # --- entries -------------------------------------------------------------------------------------------

    def _assistant(self, entry: Entry, chain: dict[str, Any]) -> None:
        if entry.raw.get("isApiErrorMessage"):
            self._api_error(entry, chain)
            if chain["run"]:
                chain["run"].update(end=entry.at, active=True, error=error_of(entry))
            return
        if entry.message.get("model") == "<synthetic>":
            return
        if chain["run"]:
            chain["run"].update(end=entry.at, active=True, error="")
        self._merge_call(entry, chain)
        for block in blocks(entry.message, "tool_use"):
            self._tool_use(block, entry, chain)

    def _user(self, entry: Entry, chain: dict[str, Any]) -> None:
        for block in blocks(entry.message, "tool_result"):
            self._tool_result(block, entry)
            if chain["run"]:
                chain["run"]["end"] = entry.at
        if is_interruption(entry):
            if chain["run"]:
                chain["run"].update(end=entry.at, error="interrupted")
            self._end_call(chain)
            self._end_run(chain)
        elif is_prompt(entry):
            self._end_call(chain)
            self._end_run(chain)
            self._tools = {name: tool for name, tool in self._tools.items() if tool["chain"] != entry.chain}
            chain["run"] = {
                "id": f"claude:{entry.session}:{entry.uuid}"[:200], "start": entry.at, "end": entry.at,
                "project": entry.project, "active": False, "error": "", "ms": None,
            }  # fmt: skip

    def _system(self, entry: Entry, chain: dict[str, Any]) -> None:
        kind = entry.raw.get("subtype")
        if kind == "api_error":
            self._api_error(entry, chain)
        elif kind == "turn_duration":
            if chain["run"]:
                took = entry.raw.get("durationMs")
                known = isinstance(took, (int, float)) and not isinstance(took, bool) and took >= 0
                chain["run"].update(end=entry.at, ms=took if known else None)
            self._end_call(chain)
            self._end_run(chain)

    # --- API responses -------------------------------------------------------------------------------------

    def _merge_call(self, entry: Entry, chain: dict[str, Any]) -> None:
        usage, message_id = entry.message.get("usage"), entry.message.get("id")
        if not isinstance(usage, dict):
            return
        tokens = tokens_of(usage)
        key = [message_id if isinstance(message_id, str) else entry.uuid, _request_id(entry)]
        pending = chain["call"]
        if pending is not None and pending["key"] != key:
            self._end_call(chain)
            pending = None
        if pending is None:
            pending = chain["call"] = {"key": key, "tokens": None, "ended": False, "at": 0, "cost": None}
        pending["at"] = max(pending["at"], entry.at)
        pending["ended"] = pending["ended"] or entry.message.get("stop_reason") is not None
        if pending["tokens"] is None or _total(tokens) > _total(pending["tokens"]):
            model, cost = entry.message.get("model"), entry.raw.get("costUSD")
            pending.update(
                tokens=tokens, cost=cost, project=entry.project, model=model if isinstance(model, str) else "",
                run=chain["run"]["id"] if chain["run"] else "",
            )  # fmt: skip
        self._usage(pending, chain)  # refuse now what could not be recorded later

    def _usage(self, pending: dict[str, Any], chain: dict[str, Any]) -> Event:
        message_id, request_id = pending["key"]
        tokens = pending["tokens"]
        model = pending["model"]
        return validated({
            "kind": "usage", "id": _call_id(message_id, request_id), "run_id": pending["run"], "agent": chain["agent"],
            "model": model, "provider": "anthropic" if model.startswith("claude") else "",
            "project": pending["project"], "at": pending["at"], "cost_usd": pending["cost"], "source": SOURCE,
            "output_is_minimum": not pending["ended"] and tokens["output_tokens"] <= UNREPORTED_OUTPUT, **tokens,
        })  # fmt: skip

    def _end_call(self, chain: dict[str, Any]) -> None:
        pending, chain["call"] = chain["call"], None
        if pending is not None:
            self._out.append(self._usage(pending, chain))

    def _api_error(self, entry: Entry, chain: dict[str, Any]) -> None:
        self._end_call(chain)
        self._out.append(Usage(
            id=entry.uuid, run_id=chain["run"]["id"] if chain["run"] else "", agent=chain["agent"],
            project=entry.project, at=entry.at, error_class=error_of(entry), source=SOURCE,
        ))  # fmt: skip

    # --- tools and turns -----------------------------------------------------------------------------------

    def _tool_use(self, block: dict[str, Any], entry: Entry, chain: dict[str, Any]) -> None:
        tool_id, name = block.get("id"), block.get("name")
        if not (isinstance(tool_id, str) and isinstance(name, str) and name):
            raise EventError("message.content: a tool_use without id or name")
        given = block.get("input")
        subagent = given.get("subagent_type") if isinstance(given, dict) and name in _LAUNCHERS else None
        self._tools[tool_id] = {
            "name": name[:200], "at": entry.at, "chain": entry.chain, "agent": chain["agent"],
            "project": entry.project, "run": chain["run"]["id"] if chain["run"] else "",
            "subagent": subagent[:200] if isinstance(subagent, str) else "",
        }  # fmt: skip

    def _tool_result(self, block: dict[str, Any], entry: Entry) -> None:
        tool_id = block.get("tool_use_id")
        tool = self._tools.pop(tool_id, None) if isinstance(tool_id, str) else None
        if tool is None:
            return
        failed = block.get("is_error") is True
        self._out.append(Execution(
            id=tool_id, run_id=tool["run"], agent=tool["agent"], tool=tool["name"], project=tool["project"],
            at=entry.at, duration_ms=max(0, entry.at - tool["at"]), success=not failed,
            error_class=tool_error(block) if failed else "", source=SOURCE,
        ))  # fmt: skip
        for key, chain in list(self._chains.items()):
            if chain["tool"] and chain["tool"] == tool_id:  # the subagent that this tool ran is done
                if chain["run"]:
                    chain["run"]["end"] = entry.at
                self._end_call(chain)
                self._end_run(chain)
                self._drop(key)

    def _end_run(self, chain: dict[str, Any]) -> None:
        run, chain["run"] = chain["run"], None
        if run is None or not run["active"]:
            return
        error = run["error"]
        self._out.append(Run(
            id=run["id"], agent=chain["agent"], project=run["project"], started_at=run["start"],
            at=max(run["start"], run["end"]), duration_ms=run["ms"], source=SOURCE, error_class=error,
            success=False if error.startswith("api_error") else None,
        ))  # fmt: skip


def _request_id(entry: Entry) -> str:
    said = entry.raw.get("requestId")
    return said if isinstance(said, str) else ""


def _call_id(message_id: str, request_id: str) -> str:
    """What tells a call from all others: the request id, or, where a proxy or a test only counts them, both ids."""
    if len(request_id) >= _ISSUED:
        return request_id
    return f"{message_id}:{request_id}" if request_id else message_id


def _total(tokens: dict[str, int]) -> int:
    return tokens["input_tokens"] + tokens["output_tokens"]


def _subagent_type(path: Path, agent_id: str) -> str:
    """The type that ``agent-<id>.meta.json`` gives, beside the transcript or in its session's folder."""
    name = f"agent-{agent_id}.meta.json"
    for folder in (path.parent, path.with_suffix("") / "subagents"):
        try:
            found = json.loads((folder / name).read_text("utf-8"))
        except (OSError, ValueError):
            continue
        kind = found.get("agentType") if isinstance(found, dict) else None
        if isinstance(kind, str) and kind:
            return kind[:200]
    return ""
