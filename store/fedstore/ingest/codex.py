"""Codex rollouts: model calls, tool executions and turns out of a thread's lines.

* One Usage per model call, from counters that repeat and shrink (`codex_tokens`).
* One Execution per function, custom tool or local shell call with its output, matched by id. How it ended is told by
  its output or by an event (`codex_outcomes`); a command that outlives its first output waits for its end.
* One Run per turn: from `task_started` to its end, or, in files of 2025 that have no such lines, from one prompt to the
  last line before the next. A rollout says that a turn failed, never that it succeeded, so ``success`` is unknown.

What a forked thread copied from its parent only sets the counters (`codex_fork`). Sub-agents are agents of their own.
What is still open is the reader's state, kept with the watermark: any split of a file gives the same facts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypedDict, cast

from fedstore.errors import EventError
from fedstore.ingest.claude_code import TOOL_QUIET_MS, TURN_QUIET_MS
from fedstore.ingest.codex_fork import begins_own, fork_of
from fedstore.ingest.codex_tokens import Tokens, call_of_count, call_of_record, copied_count, no_counters, usage_of
from fedstore.ingest.codex_tools import Ended, Tools
from fedstore.ingest.codex_values import AGENT, agent_of, duration_of, error_class_of, identity_of
from fedstore.ingest.lines import is_one_object
from fedstore.ingest.reader import LineFormat, LineReader
from fedstore.ingest.values import NAME_CUT, fact_id, is_issued, last_part, text_of, time_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from fedstore.ingest.codex_fork import Fork
    from fedstore.ingest.codex_tokens import Counters
    from fedstore.ingest.codex_tools import Begun
    from fedstore.ingest.reader import Fact, State
    from fedstore.json_value import JsonObject

__all__ = ["AGENT", "FORMAT", "CodexReader"]

SOURCE = "codex"
_CALLS = frozenset({"function_call", "custom_tool_call", "local_shell_call"})
_OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output", "local_shell_call_output"})
_ENDS = frozenset(
    {
        "exec_command_end", "patch_apply_end", "mcp_tool_call_end", "dynamic_tool_call_response",
    }
)  # fmt: skip
_SAID = re.compile(
    rb'\{"timestamp":"([0-9T:.Z-]{20,32})",(?:"ordinal":(\d{1,15}),)?"type":"(response_item|event_msg)",'
    rb'"payload":\{"type":"(reasoning|message|agent_reasoning|agent_message)"'
)
_DRAWN_BY = frozenset({"", "openai"})
"""Providers whose `call_…` ids are drawn at random."""
_STANDARD_TIERS = frozenset({"default", "auto", "standard"})


class Turn(TypedDict):
    """A turn in progress."""

    id: str
    raw: str
    """As Codex calls it."""
    start: int
    told: bool
    """Whether its start was told."""
    error: str
    ms: float | None
    worked: bool
    said: bool
    """Whether its run was given out."""


class Thread(TypedDict):
    """What is known of a thread, and what is open in it: the reader's state."""

    session: str
    origin: str
    agent: str
    project: str
    provider: str
    model: str
    tier: str
    meta: tuple[JsonObject, int] | None
    fork: Fork | None
    seen: int
    counters: Counters
    turn: Turn | None
    ended: str
    tools: dict[str, Begun]


class CodexReader(LineReader):
    """Reads the lines of one rollout in order, going on from ``state``."""

    def __init__(self, state: State, _path: Path) -> None:
        fresh: Thread = {
            "session": "", "origin": "", "agent": AGENT, "project": "", "provider": "", "model": "", "tier": "",
            "meta": None, "fork": None, "seen": 0, "counters": no_counters(), "turn": None, "ended": "", "tools": {},
        }  # fmt: skip
        self._state = cast("Thread", {**fresh, **_of_today(state)})  # as this class kept it
        self._tools = Tools(self._state["tools"])
        self._out: list[Fact] = []
        self._handlers: dict[str, Callable[[JsonObject, int], None]] = {
            "session_meta": self._meta, "turn_context": self._settings, "event_msg": self._event,
            "response_item": self._item, "token_usage_record": self._token_record,
        }  # fmt: skip

    def skim(self, raw: bytes) -> object:
        """Of what was said and thought only counts when it was, once it is known which thread this is."""
        found = _SAID.match(raw) if self._state["session"] or self._state["origin"] else None
        if found is None or not is_one_object(raw) or raw.find(b'{"timestamp":"', 1) >= 0:
            return None
        at, ordinal, kind, what = found.groups()
        value = {"timestamp": at.decode(), "type": kind.decode(), "payload": {"type": what.decode()}}
        return value if ordinal is None else {**value, "ordinal": int(ordinal)}

    def read(self, value: object) -> list[Fact]:
        """The facts that a line completes. Raises EventError for a line that makes no sense."""
        if not isinstance(value, dict):
            raise EventError(f"not a rollout line: an object was expected, not {type(value).__name__}")
        kind, payload = value.get("type"), value.get("payload")
        if not isinstance(kind, str):
            if kind is None:
                return []
            raise EventError("type: must be text")
        handler = self._handlers.get(kind)
        if handler is None or not isinstance(payload, dict):
            return []
        at = time_of(value.get("timestamp"))
        self._out = []
        try:
            self._know_the_file(value, kind)
            if not self._copied(kind, payload, at, value.get("ordinal")):
                handler(payload, at)
        finally:
            if at <= self.latest_ms:
                self._state["seen"] = at
        if self._state["turn"] is not None:
            self._state["turn"]["said"] = False
        return self._out

    def finish(self, now_ms: int) -> list[Fact]:
        """The turn as far as it went, when no line has come for long enough before `now_ms`.

        What comes later after all still belongs to it and is told again, so that reading live and reading late give the
        same facts.
        """
        self._out = []
        quiet = now_ms - self._state["seen"]
        if quiet > TOOL_QUIET_MS:
            self._executions(self._tools.left())
        if quiet > (TOOL_QUIET_MS if self._tools.running else TURN_QUIET_MS) and self._has_begun():
            self._say_turn(self._state["seen"])
        return self._out

    def state(self) -> Thread:
        """What is open, and the counters."""
        return self._state

    def due_ms(self) -> int | None:
        """When the turn, or a command that outlived its first output, is over for want of lines."""
        open_turn = self._has_begun()
        if not (open_turn or self._tools.waiting):
            return None
        quiet = TURN_QUIET_MS if open_turn and not self._tools.running else TOOL_QUIET_MS
        return self._state["seen"] + quiet + 1

    def running(self) -> list[Fact]:
        """The turn in progress."""
        state, turn = self._state, self._state["turn"]
        if turn is None or turn["said"]:
            return []
        seen, begun = state["seen"], turn["start"]
        return [{
            "kind": "run_state", "id": turn["id"], "agent": state["agent"], "project": state["project"], "at": seen,
            "started_at": begun,
        }]  # fmt: skip

    # --- whose line it is ----------------------------------------------------------------------------------

    def _know_the_file(self, value: JsonObject, kind: str) -> None:
        """A file without a thread's id is known by its first line, wherever it lies."""
        if not (self._state["session"] or self._state["origin"] or kind == "session_meta"):
            self._state["origin"] = identity_of(value)

    def _copied(self, kind: str, payload: JsonObject, at: int, ordinal: object) -> bool:
        """Whether a line is one that a fork copied; such a line only sets what counts are compared with."""
        fork = self._state["fork"]
        if fork is None:
            return False
        if begins_own(fork, kind, payload, at, ordinal):
            self._state["fork"] = None
            turn = fork["turn"]
            if turn is not None and payload.get("type") not in ("task_started", "user_message"):
                self._begin_turn(turn[0], turn[1], told=turn[2])
            return False
        if kind == "turn_context" or payload.get("type") == "thread_settings_applied":
            return False
        if payload.get("type") == "token_count":
            copied_count(self._state["counters"], *_told(payload))
        elif kind == "token_usage_record":
            copied_count(self._state["counters"], usage_of(payload.get("thread_token_usage"), "thread_token_usage"))
        return True

    # --- lines ---------------------------------------------------------------------------------------------

    def _meta(self, payload: JsonObject, at: int) -> None:
        state, session = self._state, text_of(payload.get("id")) or text_of(payload.get("session_id"))
        if state["session"]:
            other = session and session != state["session"]
            idle = state["turn"] is None and not state["counters"]["counted"]
            if other and idle and state["meta"] is not None:  # what follows it is that other thread's
                own, own_at = state["meta"]
                state["fork"] = fork_of(own, own_at, at)
            return
        state.update({
            "session": session or identity_of(payload),
            "agent": agent_of(payload),
            "project": last_part(text_of(payload.get("cwd"))),
            "provider": text_of(payload.get("model_provider"))[:NAME_CUT],
            "fork": fork_of(payload, at),
            "meta": ({name: payload.get(name) for name in ("id", "timestamp", "history_base")}, at),
        })  # fmt: skip
        self._take_tier(payload)

    def _settings(self, payload: JsonObject, _at: int) -> None:
        self._state["model"] = text_of(payload.get("model"))[:NAME_CUT] or self._state["model"]
        if "service_tier" in payload:
            self._take_tier(payload)

    def _take_tier(self, payload: JsonObject) -> None:
        tier = text_of(payload.get("service_tier")).lower()[:NAME_CUT]
        self._state["tier"] = "" if tier in _STANDARD_TIERS else tier

    def _event(self, payload: JsonObject, at: int) -> None:
        kind = text_of(payload.get("type"))
        if kind == "token_count":
            self._token_count(payload, at)
        elif kind in _ENDS:
            self._executions(self._tools.told(payload.get("call_id"), payload, at))
        elif kind == "item_completed":
            self._item_completed(payload.get("item"), at)
        elif kind == "thread_settings_applied":
            settings = payload.get("thread_settings")
            if isinstance(settings, dict):
                self._settings({"service_tier": None, **settings}, at)
        else:
            self._turn_event(kind, payload, at)

    def _turn_event(self, kind: str, payload: JsonObject, at: int) -> None:
        turn = self._state["turn"]
        if kind == "task_started":
            self._begin_turn(text_of(payload.get("turn_id")), at, told=True)
        elif kind == "user_message":
            if text_of(payload.get("kind")) in ("", "plain"):
                self._prompt(at)
        elif kind in ("task_complete", "turn_aborted"):
            self._turn_over(payload, at, aborted=kind == "turn_aborted")
        elif turn is not None and kind == "error":
            turn["error"] = error_class_of(payload) or turn["error"]
        elif turn is not None and kind == "agent_message":
            turn.update({"error": "", "worked": True})

    def _item_completed(self, item: object, at: int) -> None:
        if not isinstance(item, dict):
            return
        if item.get("type") == "UserMessage":
            self._prompt(at)
        elif item.get("type") == "AgentMessage" and self._state["turn"] is not None:
            self._state["turn"].update({"error": "", "worked": True})
        else:
            self._executions(self._tools.told(item.get("id"), item, at))

    def _item(self, payload: JsonObject, at: int) -> None:
        kind, call_id = payload.get("type"), payload.get("call_id")
        if kind in _CALLS and isinstance(call_id, str):
            self._tools.begin(call_id, payload, at, self._turn_id())
        elif kind in _OUTPUTS and isinstance(call_id, str):
            self._executions(self._tools.output(call_id, payload.get("output"), at))

    # --- model calls ---------------------------------------------------------------------------------------

    def _token_count(self, payload: JsonObject, at: int) -> None:
        totals, last = _told(payload)
        used = call_of_count(self._state["counters"], totals, last)
        if used is not None:
            said = totals or used
            mark = f"{at}.{said['input_tokens']}.{said['output_tokens']}"
            self._out.append(self._usage(self._own_id(mark), used, at))

    def _token_record(self, payload: JsonObject, at: int) -> None:
        used = call_of_record(self._state["counters"], payload)
        if used is not None:
            response = text_of(payload.get("response_id"))
            known = response if is_issued(response) else self._own_id(f"{at}.{response}")
            self._out.append(self._usage(known, used, at))

    def _usage(self, call_id: str, used: Tokens, at: int) -> Fact:
        state = self._state
        read = min(used["cached_input_tokens"], used["input_tokens"])
        return {
            "kind": "usage", "id": call_id, "run_id": self._turn_id(), "agent": state["agent"],
            "model": state["model"], "provider": state["provider"], "project": state["project"], "at": at,
            "source": SOURCE, "input_tokens": used["input_tokens"], "cache_read_tokens": read,
            "cache_write_tokens": min(used["cache_write_input_tokens"], used["input_tokens"] - read),
            "output_tokens": used["output_tokens"],
            "reasoning_tokens": min(used["reasoning_output_tokens"], used["output_tokens"]),
            "service_tier": state["tier"],
        }  # fmt: skip

    def _own_id(self, mark: str) -> str:
        """An id that holds within this thread."""
        return fact_id(SOURCE, self._state["session"] or self._state["origin"], mark)

    # --- tools ---------------------------------------------------------------------------------------------

    def _executions(self, ended: Iterable[Ended]) -> None:
        for call in ended:
            self._out.append({
                "kind": "execution", "id": self._execution_id(call), "run_id": call.run,
                "agent": self._state["agent"], "tool": call.name, "project": self._state["project"], "at": call.at,
                "duration_ms": call.duration_ms, "success": call.success, "error_class": call.error, "source": SOURCE,
            })  # fmt: skip

    def _execution_id(self, call: Ended) -> str:
        """The call's own id where an API drew it; elsewhere it may come again in this thread or another."""
        drawn = is_issued(call.id) or (self._state["provider"] in _DRAWN_BY and call.id.startswith("call_"))
        return call.id if drawn and len(call.id) <= NAME_CUT else self._own_id(f"{call.began}:{call.id}")

    # --- turns ---------------------------------------------------------------------------------------------

    def _has_begun(self) -> bool:
        """Whether a turn is open that was not given out as it is; a mere prompt may stand before the turn's start."""
        turn = self._state["turn"]
        return turn is not None and not turn["said"] and bool(turn["told"] or turn["worked"] or turn["error"])

    def _turn_id(self) -> str:
        """The id of the turn that works now."""
        turn = self._state["turn"]
        if turn is None:
            return ""
        turn["worked"] = True
        return turn["id"]

    def _prompt(self, at: int) -> None:
        """A prompt begins a turn, but for one that is said into a turn whose start was told."""
        turn = self._state["turn"]
        if turn is None or not turn["told"]:
            self._begin_turn("", at, told=False)

    def _begin_turn(self, turn_id: str, at: int, *, told: bool) -> None:
        before = self._state["turn"]
        if told and before is not None and not before["told"] and not before["worked"]:
            self._state["turn"] = None  # its prompt stood before its start
        self._end_turn(self._state["seen"] or at)
        known = turn_id if is_issued(turn_id) else f"{turn_id}.{at}" if turn_id else str(at)
        self._state["turn"] = {
            "id": self._own_id(known), "raw": turn_id, "start": at, "told": told, "error": "", "ms": None,
            "worked": False, "said": False,
        }  # fmt: skip

    def _turn_over(self, payload: JsonObject, at: int, *, aborted: bool) -> None:
        turn, turn_id = self._state["turn"], text_of(payload.get("turn_id"))
        if turn is None or (turn_id and turn_id == self._state["ended"] != turn["raw"]):
            return  # of a turn that ended before
        if aborted:
            turn["error"] = text_of(payload.get("reason"))[:NAME_CUT] or "interrupted"
        turn.update({"ms": duration_of(payload.get("duration_ms")), "said": False})
        self._end_turn(at if at <= self.latest_ms else self._state["seen"])

    def _end_turn(self, at: int) -> None:
        self._executions(self._tools.clear())
        self._say_turn(at)
        if self._state["turn"] is not None:
            self._state.update({"turn": None, "ended": self._state["turn"]["raw"]})

    def _say_turn(self, at: int) -> None:
        """Give out the turn as one that lasted until `at`; not again while nothing has come."""
        turn = self._state["turn"]
        if turn is None or turn["said"]:
            return
        turn["said"] = True
        at = max(turn["start"], at)
        self._out.append({
            "kind": "run", "id": turn["id"], "agent": self._state["agent"], "project": self._state["project"], "at": at,
            "started_at": None if duration_of(at - turn["start"]) is None else turn["start"], "duration_ms": turn["ms"],
            "error_class": turn["error"], "source": SOURCE,
        })  # fmt: skip


def _told(payload: JsonObject) -> tuple[Tokens | None, Tokens | None]:
    """The totals and the last call's tokens that a `token_count` tells. Raises EventError."""
    info = payload.get("info")
    if not isinstance(info, dict):
        return None, None
    totals, last = "total_token_usage", "last_token_usage"
    return usage_of(info.get(totals), totals), usage_of(info.get(last), last)


def _of_today(state: State) -> State:
    """The state as an earlier release left it, in today's shape."""
    if "totals" not in state:
        return state
    kept: State = {name: state[name] for name in ("session", "project", "provider", "model", "seen") if name in state}
    counters = no_counters()
    counters["totals"] |= state["totals"]
    counters["counted"] = bool(state.get("calls"))
    turn = state.get("turn")
    if turn is not None:
        turn = {"raw": "", "told": True, "worked": True, "said": False, **turn}
    tools = {
        call_id: {"name": name, "at": at, "run": run, "mcp": name.startswith("mcp__"), "session": ""}
        for call_id, (name, at, run) in state.get("tools", {}).items()
    }
    return {**kept, "counters": counters, "tools": tools, "turn": turn}


def _recognises(value: JsonObject) -> bool:
    return isinstance(value.get("type"), str) and "payload" in value and "timestamp" in value


FORMAT = LineFormat("codex", _recognises, CodexReader, one_sided=True)
