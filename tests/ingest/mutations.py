"""Small samples of every format in units that do not depend on each other, and seeded mutations of their lines.

A mutation knows what a JSON line is: it changes, removes or doubles a value somewhere in it, or the bytes around it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from fedstore.demo.sample import sample_routes
from tests.ingest import rollouts
from tests.ingest.transcripts import T0, Session, use

__all__ = ["SAMPLES", "Sample", "metrics", "mutated"]

Value = Any
DEEP = "[" * 40 + "1" + "]" * 40
TOO_DEEP = "[" * 3_000 + "1" + "]" * 3_000
WORDS = (
    "null", "true", "false", "0", "-1", "7", "1.5", "-0.0", "1e400", "NaN", "9" * 25, str(2**63), str(10**15),
    '""', '" "', '"x"', '"7"', '"1200.0"', json.dumps("y" * 5_000), '"\\ud83d"', '"\\udc00\\ud800 tail"',
    '"\\u0000\\u001b[2J"', '"2026-03-10"', '"1970-01-01T00:00:00Z"', '"9999-12-31T23:59:59Z"', '"2026-03-09T25:00:00Z"',
    '"2099-01-01T00:00:00+14:00"', "[]", "{}", "[null]", '["x", 3]', '{"x": 1}', '{"type": "text"}', DEEP, TOO_DEEP,
)  # fmt: skip
"""What may stand where a value stands, as it is written."""
TORN = (b"", b"\0" * 9, b"\xff\xfe", b"{", b'{"type": "user", "uuid"', b"]", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"17")
"""What may stand around a line."""


class Sample(NamedTuple):
    """The lines of a file in units; facts of one unit do not depend on the lines of another."""

    name: str
    units: list[list[Value]]

    @property
    def victim(self) -> int:
        """The unit in which a line is changed: one in the middle."""
        return len(self.units) - 2


def _claude() -> Sample:
    """Three turns with tools, a side conversation and an error; each ends before the next begins."""
    units = []
    s = Session("5e550000-0000-4000-8000-000000000001")
    for turn in range(3):
        s.entries = []
        s.prompt(f"Do {turn}", tick=60)
        s.reply(f"a{turn}", use(f"{turn}a", "Bash", command="make"), usage=(3, 100, 20, 1))
        s.reply(f"a{turn}", use(f"{turn}b", "Agent", prompt="look", subagent_type="Explore"), stop="tool_use")
        s.result(f"{turn}a", "Exit code 2", error=True)
        side = Session(s.session, agent_id=f"a77{turn}")
        side.at = s.at
        s.entries += [side.prompt("look"), side.reply(f"n{turn}", use(f"{turn}c", "Grep")), side.result(f"{turn}c")]
        s.at = side.at
        s.result(f"{turn}b")
        s.reply(f"b{turn}", usage=(2, 120, 5, 210), stop="end_turn")
        s.add("system", subtype="turn_duration", durationMs=9_000 + turn)
        for entry in s.entries:
            entry["uuid"] += f"-{turn}"
        units.append(s.entries)
    return Sample("claude-code", units)


def _codex() -> Sample:
    """A thread of three turns, its counters told each time."""
    units = [[rollouts.meta(0, "019f0000-0000-7000-8000-000000000001")]]
    for turn in range(3):
        at, name = 100_000 * (turn + 1), f"019f0000-000{turn}-7000-8000-00000000000{turn}"
        total = rollouts.usage(1_000 * (turn + 1), 400 * (turn + 1), 50 * (turn + 1), 20 * (turn + 1))
        used = rollouts.usage(1_000, 400, 50, 20)
        units.append([
            rollouts.event(at, "task_started", turn_id=name),
            rollouts.line(at + 1, "turn_context", model="gpt-5.3-codex"),
            rollouts.event(at + 2, "user_message", message="go"),
            rollouts.call(at + 1_000, f"call_a{turn}", "exec_command", arguments='{"cmd": "make"}'),
            rollouts.output(at + 2_000, f"call_a{turn}", "Wall time: 1 s\nProcess exited with code 7\nOutput:\nno"),
            rollouts.call(at + 3_000, f"call_b{turn}", "apply_patch", type="custom_tool_call"),
            rollouts.output(at + 4_000, f"call_b{turn}", [{"type": "text", "text": "Done"}], "custom_tool_call_output"),
            rollouts.tokens(at + 5_000, total, used),
            rollouts.event(at + 6_000, "agent_message", message="done"),
            rollouts.event(at + 7_000, "task_complete", turn_id=name, duration_ms=6_999),
        ])  # fmt: skip
    return Sample("codex", units)


def _events() -> Sample:
    at = T0
    return Sample("events", [
        [
            {"kind": "run", "id": f"r{n}", "agent": "kimi", "task_type": "docs", "at": at + n, "success": n % 2 == 0},
            {"kind": "usage", "id": f"u{n}", "run_id": f"r{n}", "agent": "kimi", "model": "gpt-5", "at": at + n,
             "input_tokens": 1_200, "output_tokens": 80},
            {"kind": "execution", "id": f"x{n}", "agent": "kimi", "tool": "search", "at": at + n, "duration_ms": 9.5},
            {"kind": "verdict", "id": f"v{n}", "subject": "run", "subject_id": f"r{n}", "rework": True, "at": at + 99},
        ]
        for n in range(3)
    ])  # fmt: skip


def _routes() -> Sample:
    routes = sample_routes(9, 7, T0)
    return Sample("routing-log", [routes[:3], routes[3:6], routes[6:]])


SAMPLES: tuple[Callable[[], Sample], ...] = (_claude, _codex, _events, _routes)


def metrics() -> Value:
    """A federation metrics file with what its readers look at."""
    return {
        "version": "1.0", "initialized": "2026-02-05T08:00:00", "last_updated": "2026-02-06T09:30:00Z",
        "agents": {
            "kimi": {
                "total_tasks": 15, "successful_tasks": 14, "failed_tasks": 1, "success_rate": 0.93,
                "routing_boost": 0.05, "avg_duration_ms": 1_500.5,
                "task_types": {"docs": {"count": 10, "successes": 10, "success_rate": 1.0}},
                "recent_tasks": [
                    {"task_type": "docs", "success": True, "duration_ms": 900, "timestamp": "2026-02-06T09:00:00Z"},
                ],
            },
            "claude": {"total_tasks": 3, "successful_tasks": 1, "failed_tasks": 2},
        },
        "optimization_history": [{"timestamp": "2026-02-05T10:00:00", "type": "agent_boost"}],
    }  # fmt: skip


def mutated(line: Value, chance: random.Random) -> bytes:
    """The line as some program, proxy, crash or attacker may write it, with its line end."""
    how = chance.randrange(10)
    if how == 0:
        raw = json.dumps(line).encode()
        at = chance.randrange(len(raw))
        return chance.choice(TORN) + raw[:at] + chance.choice(TORN) + raw[at:] + b"\n"
    if how == 1:
        raw = json.dumps(line).encode()
        return raw[: chance.randrange(len(raw))] + chance.choice((b"", raw)) + b"\n"
    if how == 2:
        return chance.choice(WORDS).encode() + b"\n"
    places = list(_places(line))
    found: dict[tuple[Any, ...], str | None] = {}
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        found[chance.choice(places)] = None if how == 3 else chance.choice(WORDS)
    return _written(line, found, (), doubled=how == 4).encode() + b"\n"


def _places(value: Value, at: tuple[Any, ...] = ()) -> Any:
    if at:
        yield at
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(inner, (*at, key))


def _written(value: Value, changes: dict[tuple[Any, ...], str | None], at: tuple[Any, ...], *, doubled: bool) -> str:
    """The value as JSON with some values written otherwise, or left out (None); `doubled` keeps the first one, too."""
    if not isinstance(value, (dict, list)):
        return json.dumps(value)
    parts = []
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        name = f"{json.dumps(key)}: " if isinstance(value, dict) else ""
        here = (*at, key)
        if here not in changes or doubled:
            parts.append(name + _written(inner, changes, here, doubled=doubled))
        if changes.get(here) is not None:
            parts.append(f"{name}{changes[here]}")
    text = ", ".join(parts)
    return f"{{{text}}}" if isinstance(value, dict) else f"[{text}]"
