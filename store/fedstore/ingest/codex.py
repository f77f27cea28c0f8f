"""Codex rollouts: model calls, tool executions and turns out of a session's lines.

* Usage is the growth of the session's token totals. The counter is written more than once per call, so its "last"
  values must not be added up; totals that shrink have begun anew.
* One Execution per function or custom tool call with its output, matched by id. It succeeded when its output tells
  exit code 0, failed with another; without one that is unknown.
* One Run per turn. A turn that was aborted is neither success nor failure.

A subagent's rollout repeats its parent's history within its first second; that second only sets the counters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fedstore.errors import EventError
from fedstore.facts.events import Event, Execution, Run, RunState, to_epoch_ms
from fedstore.ingest.claude_code import TOOL_QUIET_MS, TURN_QUIET_MS
from fedstore.recording.writer import explain, validated

__all__ = ["AGENT", "CodexReader"]

AGENT = "codex"
SOURCE = "codex"
_TOKENS = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")
_EXIT = re.compile(r"(?:Process exited with code|Exit code:?) (-?\d{1,6})\b")
_SECOND = 1_000


class CodexReader:
    """Reads the lines of one rollout in order, going on from ``state``."""

    def __init__(self, state: dict[str, Any], path: Path) -> None:
        self._state: dict[str, Any] = {
            "session": "", "project": "", "provider": "", "model": "", "first": None, "replay": False, "seen": 0,
            "totals": dict.fromkeys(_TOKENS, 0), "calls": 0, "turns": 0, "turn": None, "tools": {}, **state,
        }  # fmt: skip
        self._path = path
        self._out: list[Event] = []
        self._handlers: dict[str, Callable[[dict[str, Any], int], None]] = {
            "session_meta": self._meta, "turn_context": self._context, "event_msg": self._event,
            "response_item": self._item,
        }  # fmt: skip

    def read(self, value: Any) -> list[Event]:
        """The facts that a line completes. Raises EventError for a line that makes no sense."""
        if not isinstance(value, dict):
            raise EventError(f"not a rollout line: an object was expected, not {type(value).__name__}")
        payload = value.get("payload")
        handler = self._handlers.get(str(value.get("type")))
        if handler is None or not isinstance(payload, dict):
            return []
        at = _time(value.get("timestamp"))
        state = self._state
        if state["first"] is None:
            state["first"] = at
        state["seen"] = max(state["seen"], at)
        self._out = []
        try:
            handler(payload, at)
        except ValidationError as error:
            raise EventError(explain(error)) from error
        return self._out

    def finish(self, now_ms: int) -> list[Event]:
        """The turn that nothing more will change, as no line has come for long enough before ``now_ms``."""
        self._out = []
        quiet = TOOL_QUIET_MS if self._state["tools"] else TURN_QUIET_MS
        if now_ms - self._state["seen"] > quiet:
            self._end_turn(self._state["seen"])
        return self._out

    def state(self) -> dict[str, Any]:
        """What is open, and the counters."""
        return self._state

    @property
    def holding(self) -> bool:
        """Whether a turn waits for quiet."""
        return self._state["turn"] is not None

    def running(self) -> list[RunState]:
        """The turn in progress."""
        turn = self._state["turn"]
        if turn is None:
            return []
        project = self._state["project"]
        return [RunState(id=turn["id"], agent=AGENT, project=project, at=self._state["seen"], started_at=turn["start"])]

    # --- lines ---------------------------------------------------------------------------------------------

    def _meta(self, payload: dict[str, Any], _at: int) -> None:
        state = self._state
        if state["session"]:  # a fork repeats the meta line of what it came from
            return
        source = payload.get("source")
        state.update(
            session=_text(payload.get("id")) or self._path.stem,
            project=re.split(r"[/\\]", _text(payload.get("cwd")).rstrip("/\\"))[-1][:200],
            provider=_text(payload.get("model_provider"))[:200],
            replay=isinstance(source, dict) and "subagent" in source,
        )

    def _context(self, payload: dict[str, Any], _at: int) -> None:
        self._state["model"] = _text(payload.get("model"))[:200] or self._state["model"]

    def _event(self, payload: dict[str, Any], at: int) -> None:
        kind = payload.get("type")
        if kind == "token_count":
            self._token_count(payload.get("info"), at)
        elif self._replayed(at):
            return
        elif kind == "task_started" or (kind == "user_message" and self._state["turn"] is None):
            self._begin_turn(_text(payload.get("turn_id")), at)
        elif kind in ("task_complete", "turn_aborted"):
            took = payload.get("duration_ms")
            turn = self._state["turn"]
            if turn is not None:
                turn["error"] = "interrupted" if kind == "turn_aborted" else turn["error"]
                turn["ms"] = took if isinstance(took, (int, float)) and not isinstance(took, bool) else None
            self._end_turn(at)
        elif kind == "error" and self._state["turn"] is not None:
            self._state["turn"]["error"] = "api_error"
        elif kind == "agent_message" and self._state["turn"] is not None:
            self._state["turn"]["error"] = ""

    def _item(self, payload: dict[str, Any], at: int) -> None:
        kind, call_id = payload.get("type"), payload.get("call_id")
        if self._replayed(at) or not isinstance(call_id, str):
            return
        if kind in ("function_call", "custom_tool_call"):
            name = _text(payload.get("name"))[:200]
            if name:
                self._state["tools"][call_id] = [name, at, self._turn_id()]
        elif kind in ("function_call_output", "custom_tool_call_output"):
            self._tool_output(call_id, payload.get("output"), at)

    def _replayed(self, at: int) -> bool:
        first = self._state["first"]
        return bool(self._state["replay"]) and at // _SECOND == first // _SECOND

    # --- facts ---------------------------------------------------------------------------------------------

    def _token_count(self, info: Any, at: int) -> None:
        told = info.get("total_token_usage") if isinstance(info, dict) else None
        if not isinstance(told, dict):
            return
        totals = {name: _count(told, name) for name in _TOKENS}
        before, self._state["totals"] = self._state["totals"], totals
        if any(totals[name] < before[name] for name in _TOKENS):
            before = dict.fromkeys(_TOKENS, 0)
        grown = {name: totals[name] - before[name] for name in _TOKENS}
        if not any(grown.values()):
            return
        self._state["calls"] += 1
        if self._replayed(at):
            return
        self._out.append(validated({
            "kind": "usage", "id": f"codex:{self._state['session']}:{self._state['calls']}"[:200],
            "run_id": self._turn_id(), "agent": AGENT, "model": self._state["model"],
            "provider": self._state["provider"], "project": self._state["project"], "at": at, "source": SOURCE,
            "input_tokens": grown["input_tokens"],
            "cache_read_tokens": min(grown["cached_input_tokens"], grown["input_tokens"]),
            "output_tokens": grown["output_tokens"],
            "reasoning_tokens": min(grown["reasoning_output_tokens"], grown["output_tokens"]),
        }))  # fmt: skip

    def _tool_output(self, call_id: str, output: Any, at: int) -> None:
        tool = self._state["tools"].pop(call_id, None)
        if tool is None:
            return
        name, began, run_id = tool
        code = _exit_code(output)
        self._out.append(Execution(
            id=call_id[:200], run_id=run_id, agent=AGENT, tool=name, project=self._state["project"], at=at,
            duration_ms=max(0, at - began), success=None if code is None else code == 0,
            error_class=f"exit code {code}" if code else "", source=SOURCE,
        ))  # fmt: skip

    def _turn_id(self) -> str:
        turn = self._state["turn"]
        return turn["id"] if turn is not None else ""

    def _begin_turn(self, turn_id: str, at: int) -> None:
        self._end_turn(at)
        self._state["turns"] += 1
        name = f"codex:{self._state['session']}:{turn_id or self._state['turns']}"[:200]
        self._state["turn"] = {"id": name, "start": at, "error": "", "ms": None}
        self._state["tools"] = {}

    def _end_turn(self, at: int) -> None:
        turn, self._state["turn"] = self._state["turn"], None
        if turn is None:
            return
        error = turn["error"]
        self._out.append(Run(
            id=turn["id"], agent=AGENT, project=self._state["project"], started_at=turn["start"],
            at=max(turn["start"], at), duration_ms=turn["ms"], error_class=error, source=SOURCE,
            success=False if error == "api_error" else None,
        ))  # fmt: skip


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _time(value: Any) -> int:
    if not isinstance(value, str):
        raise EventError("timestamp: missing")
    try:
        return int(to_epoch_ms(value))
    except ValueError as error:
        raise EventError(f"timestamp: {error}") from None


def _count(totals: dict[str, Any], name: str) -> int:
    value = totals.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise EventError(f"total_token_usage.{name}: must be a whole number of tokens")
    return value


def _exit_code(output: Any) -> int | None:
    """The exit code that a tool's output tells: in its first lines, or in the metadata of a JSON output."""
    if isinstance(output, str):
        found = _EXIT.search(output[:600])
        if found is not None:
            return int(found[1])
        if not output.startswith("{"):
            return None
        try:
            output = json.loads(output)
        except (ValueError, RecursionError):
            return None
    metadata = output.get("metadata") if isinstance(output, dict) else None
    code = metadata.get("exit_code") if isinstance(metadata, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else None
