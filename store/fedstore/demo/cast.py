"""Who plays in the simulated federation: agents, models, tasks, tools, layers and the incidents of the script.

Plain data and two curves. Times of incidents are minutes from the origin (the moment the demonstration starts);
those before it lie in the history, the rest come while somebody watches.
"""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = [
    "AGENTS", "LAYERS", "PROJECTS", "TASKS", "TOOLS", "AgentPart", "LayerPart", "TaskPart", "ToolPart", "activity",
    "codex_fails_tests", "context_runs_away", "rate_limited", "semantic_sharpness", "within",
]  # fmt: skip


class AgentPart(NamedTuple):
    """An agent: its model, its pace (median seconds of a run) and how often it succeeds, by task type."""

    model: str
    provider: str
    seconds: float
    skill: dict[str, float]
    usual: float
    usd_per_million: tuple[float, float] | None = None
    """Input and output price the provider reports with each call; None: it reports none."""


class TaskPart(NamedTuple):
    """A kind of task: its share, the agents that should get it (best first), its size, its tools."""

    share: float
    right: tuple[str, ...]
    size: float
    tools: tuple[str, ...]


class ToolPart(NamedTuple):
    """A tool: how often it works, its median seconds, the error when it does not, what a call costs if anything."""

    success: float
    seconds: float
    error: str
    usd: float | None = None


class LayerPart(NamedTuple):
    """A layer: threshold; mean and spread of the logit of its confidence; sharpness; median latency in ms.

    A proposal made with confidence c is right with probability 1 - (1 - c) ** sharpness: 1 is calibrated, more
    is cautious, less is overconfident.
    """

    name: str
    threshold: float
    logit: float
    spread: float
    sharpness: float
    latency_ms: float


AGENTS: dict[str, AgentPart] = {
    "kimi": AgentPart(
        "kimi-k2-0905-preview", "moonshot_ai", 38, {"implementation": 0.96, "docs": 0.94}, 0.88, (0.6, 2.5)
    ),
    "claude": AgentPart(
        "claude-sonnet-4-5", "anthropic", 46, {"review": 0.97, "research": 0.95, "planning": 0.95}, 0.91
    ),
    "codex": AgentPart("gpt-5-codex", "openai", 52, {"testing": 0.90, "implementation": 0.89}, 0.82),
    "gemini": AgentPart("gemini-2.5-pro", "google", 33, {"research": 0.91, "docs": 0.90}, 0.84),
    "qwen": AgentPart("qwen3-coder-plus", "alibaba", 29, {"docs": 0.88}, 0.76),
    "local-llama": AgentPart("llama-3.3-70b", "local", 64, {"docs": 0.74}, 0.58, (0.0, 0.0)),
}

TASKS: dict[str, TaskPart] = {
    "implementation": TaskPart(0.34, ("kimi", "codex"), 1.5, ("read_file", "edit_file", "bash", "git")),
    "research": TaskPart(0.20, ("claude", "gemini"), 0.9, ("web_search", "browser", "read_file")),
    "review": TaskPart(0.16, ("claude",), 0.7, ("read_file", "git", "bash")),
    "testing": TaskPart(0.14, ("codex",), 1.2, ("run_tests", "bash", "edit_file")),
    "docs": TaskPart(0.11, ("gemini", "qwen", "local-llama"), 0.5, ("read_file", "edit_file")),
    "planning": TaskPart(0.05, ("claude",), 0.6, ("read_file", "web_search")),
}

TOOLS: dict[str, ToolPart] = {
    "read_file": ToolPart(0.996, 0.05, "not_found"),
    "edit_file": ToolPart(0.962, 0.12, "no_match"),
    "bash": ToolPart(0.925, 2.4, "exit_code"),
    "git": ToolPart(0.988, 0.4, "exit_code"),
    "run_tests": ToolPart(0.88, 11.0, "exit_code"),
    "web_search": ToolPart(0.94, 1.3, "timeout", 0.005),
    "browser": ToolPart(0.73, 6.5, "timeout"),
}

LAYERS: tuple[LayerPart, ...] = (
    LayerPart("keyword", 0.85, 1.31, 0.9, 1.35, 2.6),
    LayerPart("semantic", 0.70, 1.12, 0.9, 2.0, 31.0),
    LayerPart("rag", 0.85, 2.41, 0.8, 1.6, 96.0),
    LayerPart("pytorch", 0.90, 2.62, 0.8, 1.8, 190.0),
)

PROJECTS = ("atlas", "borealis", "cinder")


def activity(hours: float) -> float:
    """How busy the federation is, 0.3 to 1, `hours` from the origin; the origin is the busiest time of day."""
    return 0.65 + 0.35 * math.cos(hours * math.tau / 24)


def within(minute: float, first: float, length: float, every: float) -> bool:
    """Whether a live minute lies in an incident that comes at `first` and then `every` so often."""
    return minute >= first and (minute - first) % every < length


def codex_fails_tests(minute: float) -> bool:
    """Codex loses its touch with tests three hours before the origin, and does not find it again."""
    return minute >= -200


def context_runs_away(minute: float) -> bool:
    """Claude drags a huge context along: once in the last hour, then now and again."""
    return -48 <= minute < -30 or within(minute, 5, 3, 20)


def rate_limited(minute: float) -> bool:
    """Gemini's provider refuses calls for a while."""
    return -100 <= minute < -88 or within(minute, 1.5, 2, 14)


def semantic_sharpness(minute: float, usual: float) -> float:
    """The semantic layer drifts within eight hours from cautious to overconfident: its index has aged."""
    progress = min(1.0, max(0.0, (minute + 480) / 480))
    return usual + (0.95 - usual) * progress
