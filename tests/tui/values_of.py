"""Read models made by hand, for tests of what is drawn from them."""

from __future__ import annotations

from typing import Any

from fedstore.learning.intervals import Interval
from fedstore.learning.stratified import Stratum, weighted_rate
from fedstore.learning.targets import check_targets
from fedstore.queries.models import (
    CascadeView,
    CostRow,
    CostsView,
    DecisionRow,
    Durations,
    LayerRow,
    LayerView,
    Money,
    Rate,
    SeriesPoint,
    ToolCallRow,
    ToolDetail,
    ToolRow,
    ToolsView,
    ToolUser,
    WhyStep,
    WhyView,
)
from tests.federation import HOUR, MINUTE, NOW_MS
from tests.tui.panes import WINDOW


def layer(name: str = "semantic", position: int = 2, **changes: Any) -> LayerRow:
    values: dict[str, Any] = {
        "name": name, "position": position, "attempts": 873, "captured": Rate(539, 1284), "success": Rate(539, 873),
        "confidence": 0.812, "durations": Durations(873, 32.0, 31.0, 38.5), "accuracy": Rate(502, 512), "errors": 0,
        "threshold": 0.7, "target": ">40%", "target_status": "ok",
    }  # fmt: skip
    return LayerRow(**{**values, **changes})


def decision(n: int = 0, **changes: Any) -> DecisionRow:
    values: dict[str, Any] = {
        "id": f"route-{n}", "at_ms": NOW_MS - n * MINUTE, "agent": "kimi", "layer": "semantic", "confidence": 0.81,
        "latency_ms": 33.5, "correct": None, "task_id": f"task-{n}", "description": None,
    }  # fmt: skip
    return DecisionRow(**{**values, **changes})


def cascade(*layers: LayerRow, **changes: Any) -> CascadeView:
    measures = {"accuracy": 0.89, "latency_ms": 150.0, "clarification_rate": 0.01, "layer_1_capture": 0.32}
    values: dict[str, Any] = {
        "window": WINDOW, "routes": 1284,
        "layers": layers or (layer("keyword", 1, captured=Rate(411, 1284)), layer()),
        "accuracy": weighted_rate([Stratum(1000, 1000, 890)]),
        "durations": Durations(1284, 150.0, 40.0, 300.0), "clarified": Rate(13, 1284),
        "targets": check_targets(measures), "recent": (decision(0), decision(1, correct=False)),
    }  # fmt: skip
    return CascadeView(**{**values, **changes})


def layer_view(row: LayerRow | None = None, **changes: Any) -> LayerView:
    values: dict[str, Any] = {"window": WINDOW, "row": row or layer(), "bins": (), "recent": (decision(),)}
    return LayerView(**{**values, **changes})


def step(layer_name: str, confidence: float | None, threshold: float | None, **changes: Any) -> WhyStep:
    accepted = confidence is not None and threshold is not None and confidence >= threshold
    values: dict[str, Any] = {
        "layer": layer_name, "agent": "kimi", "confidence": confidence, "threshold": threshold, "accepted": accepted,
        "shadow": False, "latency_ms": 3.2 if confidence is not None else None, "error_class": "",
        "threshold_now": threshold, "accepts_now": accepted if confidence is not None else None,
    }  # fmt: skip
    return WhyStep(**{**values, **changes})


def why(**changes: Any) -> WhyView:
    values: dict[str, Any] = {
        "decision": decision(description="fix the login"),
        "steps": (step("keyword", 0.82, 0.85), step("semantic", 0.91, 0.70), step("rag", None, 0.85)),
        "correct_agent": None, "policy_version": 3, "now_layer": "semantic", "now_agent": "kimi",
    }  # fmt: skip
    return WhyView(**{**values, **changes})


def cost(name: str = "gpt-5", **changes: Any) -> CostRow:
    values: dict[str, Any] = {
        "name": name, "calls": 12, "errors": 0, "input_tokens": 1_280_000, "cache_read_tokens": 500_000,
        "cache_write_tokens": 0, "output_tokens": 52_000, "output_is_minimum": False,
        "cost": Money(reported_nano=4_100_000_000), "share": 0.5,
    }  # fmt: skip
    return CostRow(**{**values, **changes})


def costs(*rows: CostRow, dimension: str = "model", **changes: Any) -> CostsView:
    rows = rows or (cost(), cost("claude", cost=Money(computed_nano=2_000_000_000)))
    start = WINDOW.start_ms - WINDOW.start_ms % HOUR + HOUR
    values: dict[str, Any] = {
        "window": WINDOW, "dimension": dimension, "rows": rows, "total": sum((r.cost for r in rows), Money()),
        "tokens": 1_332_000, "today": Money(1_000_000_000), "month": Money(9_000_000_000),
        "month_projected_nano": None,
        "series": tuple(
            SeriesPoint(start + h * HOUR, parts=(("gpt-5", 10**9 * h), ("claude", 10**8))) for h in (0, 1, 5)
        ),
        "step_ms": HOUR // 2, "models": ("gpt-5", "claude"), "store_bytes": 12_345_678,
    }  # fmt: skip
    return CostsView(**{**values, **changes})


def tool(name: str = "bash", **changes: Any) -> ToolRow:
    values: dict[str, Any] = {
        "name": name, "calls": 120, "success": Rate(114, 120), "level": "MEDIUM", "bound": Interval(0.914, 0.971),
        "reason": "between 91 % and 97 % over 120 runs", "trend": "declining",
        "durations": Durations(120, 900.0, 700.0, 2_500.0),
        "cost_nano": None, "tokens": 0,
        "agents": (ToolUser("codex", Rate(40, 45), 45), ToolUser("kimi", Rate(74, 75), 76)),
    }  # fmt: skip
    return ToolRow(**{**values, **changes})


def tools(*rows: ToolRow, **changes: Any) -> ToolsView:
    values: dict[str, Any] = {
        "window": WINDOW, "rows": rows or (tool(), tool("git", level="HIGH", trend="stable")),
        "patterns": ("bash fails codex more often than others",), "recommendations": ("bash: look at it",),
    }  # fmt: skip
    return ToolsView(**{**values, **changes})


def tool_detail(row: ToolRow | None = None, **changes: Any) -> ToolDetail:
    day = NOW_MS - NOW_MS % (24 * HOUR)
    call = ToolCallRow("call-1", "codex", "bash", NOW_MS, 900, False, None, "timeout", "run-1")
    values: dict[str, Any] = {
        "window": WINDOW, "row": row or tool(), "daily": (SeriesPoint(day, 5, 1), SeriesPoint(day - 72 * HOUR, 4)),
        "recent": (call,), "errors": (("timeout", 6), ("", 2)),
    }  # fmt: skip
    return ToolDetail(**{**values, **changes})
