"""A small deterministic federation as plain events: what ``seeded_store`` holds.

Four agents, four task types, 26 hours that end at ``NOW_MS``: a run every ten minutes, with usage and tool
executions, a routing decision every five minutes with three layers and clarification, two active runs, one job.
The lists are made by counting, not at random, so that a test can count them again in its own way.
"""

from __future__ import annotations

from typing import Any

NOW_MS = 1_773_146_096_789  # 2026-03-10 12:34:56.789 UTC
MINUTE = 60_000
HOUR = 60 * MINUTE
AGENTS = ("claude", "codex", "gemini", "kimi")
TASK_TYPES = ("code", "docs", "review", "test")
MODELS = ("claude-sonnet-4-5", "gpt-5", "gemini-2.5-pro", "no-such-model-1")
TOOLS = ("bash", "browser", "edit", "search")
LAYERS = (("keyword", 0.85, 2.0), ("semantic", 0.70, 30.0), ("llm", 0.85, 900.0), ("clarification", 1.0, 5.0))
RUNS = 26 * 6
ROUTES = 26 * 12


def run_event(n: int) -> dict[str, Any]:
    """Run ``n``: n * 10 minutes before the end."""
    agent = AGENTS[n % 4]
    return {
        "kind": "run", "id": f"run-{n:04}", "agent": agent, "task_type": TASK_TYPES[(n // 4) % 4],
        "project": "alpha" if n % 3 else "beta", "at": NOW_MS - n * 10 * MINUTE,
        "duration_ms": 20_000 + 1_000 * (n % 37),
        "success": (n % 10 != 0) if n % 13 else None, "rework": True if n % 17 == 5 else None,
        "quality": (n % 5) / 5 if n % 2 else None, "qa": "passed" if n % 6 == 1 else None,
        "error_class": "Timeout" if n % 10 == 0 and n % 13 else "",
    }  # fmt: skip


def usage_event(n: int) -> dict[str, Any]:
    """The one model call of run ``n``; only codex reports its cost."""
    run = run_event(n)
    cost = {"cost_usd": f"0.0{n % 7 + 1}"} if run["agent"] == "codex" else {}
    return {
        "kind": "usage", "id": f"use-{n:04}", "run_id": run["id"], "agent": run["agent"], "model": MODELS[n % 4],
        "task_type": run["task_type"], "project": run["project"], "at": run["at"] - 5_000, "duration_ms": 4_000.0 + n,
        "input_tokens": 1_000 + 10 * n, "cache_read_tokens": 500, "output_tokens": 200 + n, **cost,
    }  # fmt: skip


def tool_event(n: int) -> dict[str, Any]:
    """The one tool execution of run ``n``; the browser fails every third time."""
    run = run_event(n)
    tool = TOOLS[(n // 2) % 4]
    failed = tool == "browser" and n % 3 == 0
    return {
        "kind": "execution", "id": f"tool-{n:04}", "run_id": run["id"], "task_id": run["id"], "agent": run["agent"],
        "tool": tool, "task_type": run["task_type"], "project": run["project"], "at": run["at"] - 2_000,
        "duration_ms": 150.0 + 3 * n, "success": not failed, "error_class": "ElementNotFound" if failed else "",
        "browser_used": tool == "browser", "effort": "LOW",
    }  # fmt: skip


def route_event(n: int) -> dict[str, Any]:
    """Decision ``n``: n * 5 minutes before the end; layer ``n % 4`` takes it, those before fall through."""
    chosen = n % 4
    agent = AGENTS[(n // 4) % 4]
    attempts = []
    for position, (layer, threshold, latency) in enumerate(LAYERS[: chosen + 1]):
        accepted = position == chosen
        confidence = 1.0 if layer == "clarification" else threshold + (0.01 + n % 10 / 100 if accepted else -0.2)
        attempts.append({
            "layer": layer, "agent": agent if accepted else AGENTS[n % 3], "confidence": min(1.0, confidence),
            "threshold": threshold, "accepted": accepted, "latency_ms": latency + n % 5,
        })  # fmt: skip
    outcome = {"correct": n % 9 != 0, "completed": True} if n % 2 == 0 else None
    return {
        "kind": "route", "id": f"route-{n:04}", "task_id": f"task-{n:04}", "agent": agent,
        "layer": LAYERS[chosen][0], "confidence": attempts[-1]["confidence"], "at": NOW_MS - n * 5 * MINUTE,
        "latency_ms": sum(a["latency_ms"] for a in attempts), "attempts": attempts, "outcome": outcome,
    }  # fmt: skip


def federation_events() -> list[dict[str, Any]]:
    """All of it, oldest first."""
    events = [event(n) for n in range(RUNS) for event in (run_event, usage_event, tool_event)]
    events += [route_event(n) for n in range(ROUTES)]
    events += [
        {"kind": "run_state", "id": "run-now-1", "agent": "claude", "task_type": "code", "at": NOW_MS - 40_000},
        {
            "kind": "run_state", "id": "run-now-2", "agent": "kimi", "task_type": "docs", "state": "waiting",
            "reason": "permission", "at": NOW_MS - 9 * MINUTE, "started_at": NOW_MS - 30 * MINUTE,
        },
        {"kind": "job", "id": "job-1", "name": "nightly evaluation", "state": "running", "at": NOW_MS - HOUR},
    ]  # fmt: skip
    return sorted(events, key=lambda event: event["at"])
