"""What needs attention, most urgent first."""

from __future__ import annotations

from typing import Any

from fedstore import Alarm, Store, Window, with_alarms
from tests.federation import NOW_MS

MINUTE_MS = 60_000


def state(agent: str, kind: str, minutes: int) -> dict[str, Any]:
    """A run that goes on, last heard of so long ago."""
    at = NOW_MS - minutes * MINUTE_MS
    return {"kind": "run_state", "id": f"{agent}-{kind}-{minutes}", "agent": agent, "state": kind, "at": at,
            "reason": "permission" if kind == "waiting" else ""}  # fmt: skip


def failing(agent: str) -> list[dict[str, Any]]:
    return [{"kind": "run", "agent": agent, "success": False, "at": NOW_MS - MINUTE_MS - n} for n in range(30)]


def test_who_waits_for_a_person_comes_before_whatever_fails(store: Store) -> None:
    events = [event for n in range(12) for event in failing(f"agent-{n}")]
    events += [state("short", "waiting", 5), state("long", "waiting", 50), state("quick", "waiting", 1)]
    store.writer().write(events)
    found = store.reader().overview(Window.ending("24h", NOW_MS))
    assert [item.target for item in found.attention[:3]] == ["agent:long", "agent:short", "agent:agent-0"]
    assert found.waiting == 2
    assert len(found.attention) == 14
    harm = Alarm(3, "alert", "change #3 (tune) does harm", "tune")
    alarmed = with_alarms(found, [harm])
    assert [item.target for item in alarmed.attention[:3]] == ["agent:long", "agent:short", "change:3"]
    assert alarmed.health == "alert"


def test_a_run_that_was_long_silent_is_not_busy(store: Store) -> None:
    """Ten minutes: no step of a run that still goes on takes longer."""
    store.writer().write([state("kimi", "running", 9), state("kimi", "running", 11), state("codex", "running", 10)])
    found = store.reader().overview(Window.ending("24h", NOW_MS))
    assert {row.name: (row.active, row.quiet) for row in found.agents} == {"kimi": (2, 1), "codex": (1, 1)}
    assert [item.target for item in found.attention] == ["agent:kimi", "agent:codex"]
    assert all("not heard of for 1" in item.text for item in found.attention)
