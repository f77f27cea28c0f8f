"""Made-up Codex rollouts: lines as the program writes them, with times of their own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fedstore.facts.events import Event
from fedstore.ingest.codex import CodexReader
from fedstore.ingest.routing_log import iso
from fedstore.recording.writer import validated

T0 = 1_771_847_000_000
LATER = T0 + 86_400_000
_NAMES = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")


def line(at: int, kind: str, /, **payload: Any) -> dict[str, Any]:
    """A line ``at`` milliseconds after T0."""
    return {"timestamp": iso(T0 + at), "type": kind, "payload": payload}


def event(at: int, kind: str, /, **payload: Any) -> dict[str, Any]:
    return line(at, "event_msg", type=kind, **payload)


def meta(at: int, session: str, /, **payload: Any) -> dict[str, Any]:
    given = {"cwd": "/home/dev/shop", "model_provider": "openai", "source": "cli", "timestamp": iso(T0 + at)}
    return line(at, "session_meta", id=session, **{**given, **payload})


def spawned(**more: Any) -> dict[str, Any]:
    """The source of a sub-agent's thread."""
    return {"subagent": {"thread_spawn": {"parent_thread_id": "p", "depth": 1, **more}}}


def usage(read: int, cached: int = 0, out: int = 0, thought: int = 0, **more: int) -> dict[str, int]:
    return {**dict(zip(_NAMES, (read, cached, out, thought), strict=True)), **more}


def tokens(at: int, total: dict[str, int] | None, last: dict[str, int] | None = None) -> dict[str, Any]:
    """A `token_count`; without ``last`` an early one that tells the totals only."""
    info = {"total_token_usage": total, "last_token_usage": last}
    return event(at, "token_count", info={name: value for name, value in info.items() if value is not None})


def call(at: int, call_id: str, name: str, /, **payload: Any) -> dict[str, Any]:
    return line(at, "response_item", **{"type": "function_call", "name": name, "call_id": call_id, **payload})


def output(at: int, call_id: str, said: Any, kind: str = "function_call_output") -> dict[str, Any]:
    return line(at, "response_item", type=kind, call_id=call_id, output=said)


def facts(values: list[Any], now: int = LATER) -> list[Event]:
    """What a reader makes of the lines, and of nothing more coming until ``now``."""
    reader = CodexReader({}, Path("rollout-x.jsonl"))
    return events([*(found for value in values for found in reader.read(value)), *reader.finish(now)])


def events(told: Iterable[Any]) -> list[Event]:
    """What a reader tells, as it is checked before it is written."""
    return [validated(found) for found in told]
