"""The analytics engine's records under the names and fields of its first version: what its parts take and answer.

What nobody told is None, never 0. Durations are seconds, money USD, times ISO 8601 in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

__all__ = [
    "AgentStatusSnapshot", "CapacityForecast", "ConfidenceLevel", "ExecutionMetrics", "HourlySummary", "ToolProfile",
]  # fmt: skip


class ConfidenceLevel(Enum):
    """How far a tool can be trusted."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


@dataclass(slots=True)
class ExecutionMetrics:
    """One execution. `timestamp` is when it ended; without one it is the moment of its recording."""

    task_id: str = ""
    agent_id: str = "local"
    tool_name: str = ""
    duration_seconds: float | None = None
    success: bool | None = None
    cost_actual: float | None = None
    tokens_used: int | None = None
    human_effort_level: str = ""
    browser_used: bool = False
    timestamp: str | None = None


@dataclass(slots=True)
class ToolProfile:
    """One tool over the rolling 30 days."""

    tool_name: str
    total_executions: int = 0
    successful_executions: int = 0
    failed_executions: int = 0
    avg_duration_seconds: float | None = None
    avg_cost: float | None = None
    success_rate: float | None = None
    confidence_level: ConfidenceLevel = ConfidenceLevel.MEDIUM
    risk_patterns: list[str] = field(default_factory=list)


@dataclass(slots=True)
class AgentStatusSnapshot:
    """What one agent does now, and did in the last 24 hours."""

    agent_id: str
    status: str
    tasks_completed_today: int = 0
    avg_response_time: float | None = None
    success_rate: float | None = None
    last_activity: str | None = None


@dataclass(slots=True)
class CapacityForecast:
    """How free one agent is likely to be in the next hour, in per cent."""

    agent_id: str
    estimated_available_capacity: float | None = None
    current_queue_depth: int = 0
    bottleneck_tools: list[str] = field(default_factory=list)


@dataclass(slots=True)
class HourlySummary:
    """The executions of one full hour."""

    hour_timestamp: str
    total_tasks: int = 0
    successful: int = 0
    failed: int = 0
    total_cost: float | None = None
    total_tokens: int = 0
    tool_counts: dict[str, int] = field(default_factory=dict)
