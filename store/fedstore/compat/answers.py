"""What the classic Python APIs answer, as types: each question's fields, under the names of its first version.

Rates are fractions and None where nothing is known; durations are seconds or, where the name says so, milliseconds;
money is USD; times are ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from fedstore.queries.models import State

__all__ = [
    "AgentCapacity", "AgentStatus", "AgentsStatus", "CostAnomaly", "ExecutionCosts", "HourlySummary", "LayerShare",
    "LayerStatistics", "PerformanceSummary", "PredictiveCapacity", "Recommendation", "RiskPatterns",
    "StorageCosts", "SystemLearning", "TaskPipeline", "ThresholdAnalysis", "ToolAdvice", "ToolFailures", "ToolProfile",
    "ToolRecommendations", "ToolTotals", "UsageAndCosting",
]  # fmt: skip


# --- the analytics engine -------------------------------------------------------------------------------------


class AgentStatus(TypedDict):
    """One agent of the last 30 days; `avg_response_time` and `success_rate` are over 24 hours."""

    agent_id: str
    status: State
    """What it does now."""
    tasks_completed_today: int
    avg_response_time: float | None
    success_rate: float | None
    last_activity: str | None


class AgentsStatus(TypedDict):
    """`AnalyticsEngine.get_agents_status`."""

    timestamp: str
    total_agents: int
    agents: list[AgentStatus]


class AgentCapacity(TypedDict):
    """How free one agent is, in per cent, and what it waits for."""

    agent_id: str
    estimated_available_capacity: float | None
    current_queue_depth: int
    bottleneck_tools: list[str]


class PredictiveCapacity(TypedDict):
    """`AnalyticsEngine.get_predictive_capacity`."""

    timestamp: str
    agents: list[AgentCapacity]


class ToolTotals(TypedDict):
    """The executions of one tool."""

    total: int
    successful: int
    failed: int
    success_rate: float | None
    avg_duration: float | None


class TaskPipeline(TypedDict):
    """`AnalyticsEngine.get_task_pipeline`."""

    time_window: str
    total_tasks: int
    successful_tasks: int
    failed_tasks: int
    success_rate: float | None
    tool_breakdown: dict[str, ToolTotals]


class ExecutionCosts(TypedDict):
    """What executions cost; the mean is over those whose cost is known."""

    total_usd: float | None
    priced_tasks: int
    avg_per_task_usd: float | None


class StorageCosts(TypedDict):
    """What keeping executions (tier 1) and hourly summaries (tier 2) costs."""

    tier1_bytes: int
    tier2_bytes: int
    total_bytes: int
    daily_cost_usd: float


class UsageAndCosting(TypedDict):
    """`AnalyticsEngine.get_api_usage_and_costing`."""

    total_tasks_24h: int
    total_tokens_24h: int
    total_spend_usd_24h: float | None
    execution_costs: ExecutionCosts
    storage_costs: StorageCosts
    tier1_records: int
    tier2_records: int


class HourlySummary(TypedDict):
    """`AnalyticsEngine.run_hourly_aggregation`."""

    hour_timestamp: str
    total_tasks: int
    successful: int
    failed: int
    total_cost: float | None
    total_tokens: int
    tool_counts: dict[str, int]


class ToolProfile(TypedDict):
    """What is known of one tool over the rolling 30 days."""

    total_executions: int
    successful_executions: int
    success_rate: float | None
    success_rate_lower: float | None
    confidence_level: str
    reason: str
    trend: str
    avg_duration: float | None
    avg_cost: float | None
    total_cost: float | None
    risk_patterns: list[str]


class SystemLearning(TypedDict):
    """`AnalyticsEngine.get_system_learning`."""

    confidence_distribution: dict[str, int]
    tool_profiles: dict[str, ToolProfile]


class ToolFailures(TypedDict):
    """How often one tool fails."""

    tool_name: str
    failures: int
    executions: int
    failure_rate: float
    confidence_level: str


class CostAnomaly(TypedDict):
    """An execution that cost much more than its tool's average."""

    execution_id: str
    tool_name: str
    agent_id: str
    cost: float
    average_cost: float
    ratio: float


class RiskPatterns(TypedDict):
    """`AnalyticsEngine.get_risk_patterns`."""

    failure_patterns: list[ToolFailures]
    cost_anomalies: list[CostAnomaly]
    patterns: list[str]


class ToolAdvice(TypedDict):
    """What to do about one tool."""

    tool_name: str
    confidence_level: str
    success_rate: float | None
    executions: int
    reason: str
    recommendation: str


class ToolRecommendations(TypedDict):
    """`AnalyticsEngine.get_tool_recommendations`."""

    recommendations: list[ToolAdvice]
    total_recommendations: int


# --- the routing tracker --------------------------------------------------------------------------------------


class LayerStatistics(TypedDict):
    """One layer of `get_layer_statistics`."""

    attempts: int
    successes: int
    success_rate: float | None
    avg_confidence: float | None
    avg_latency_ms: float | None
    p95_latency_ms: float | None
    accuracy: float | None
    accuracy_interval: tuple[float, float] | None
    outcomes: int
    threshold: float | None


class ThresholdAnalysis(TypedDict):
    """One layer of `get_threshold_analysis`."""

    current_threshold: float
    events_below_threshold: int
    would_have_been_correct: int
    below_judged: int
    below_correct_rate: float | None
    events_above_threshold: int
    were_incorrect: int
    above_judged: int
    above_incorrect_rate: float | None
    recommendation: str


class Recommendation(TypedDict):
    """One layer of `get_recommendations`."""

    layer: str
    current: float
    recommended: float
    reason: str
    text: str


class LayerShare(TypedDict):
    """How many decisions a layer took."""

    routes: int
    share: float | None


class PerformanceSummary(TypedDict):
    """`get_performance_summary`."""

    time_window_hours: int
    total_routes: int
    overall_accuracy: float | None
    accuracy_interval: tuple[float, float] | None
    outcomes: float
    avg_latency_ms: float | None
    p95_latency_ms: float | None
    clarification_rate: float | None
    layer_distribution: dict[str, LayerShare]
