"""Checks across the fields of an event; everything that records calls them before anything is written.

They stand apart from the models because a plain function costs a third of a pydantic model validator.
"""

from __future__ import annotations

from fedstore.errors import EventError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fedstore.facts.events import Fields

__all__ = ["CHECKS", "MAX_DURATION_MS", "check_fields", "check_start"]

MAX_DURATION_MS = 366 * 86_400_000


def check_fields(fields: Fields) -> None:
    """Raises EventError when the fields of an event contradict each other."""
    check = CHECKS.get(fields["kind"])
    if check is not None:
        check(fields)


def _check_run(d: Fields) -> None:
    started, at = d["started_at"], d["at"]
    if started is not None and at is not None:
        check_start(started, at)


def check_start(started_ms: int, at_ms: int, slack_ms: int = 0) -> None:
    """Raises EventError for a start after ``at_ms``, or longer before it than anything may last."""
    if started_ms > at_ms + slack_ms:
        raise EventError("started_at is after at (the present, when not given): a run cannot end before it starts")
    if at_ms - started_ms > MAX_DURATION_MS:
        days = MAX_DURATION_MS // 86_400_000
        raise EventError(f"started_at lies more than {days} days before at: no run lasts so long")


def _check_usage(d: Fields) -> None:
    if not (d["cache_read_tokens"] or d["cache_write_tokens"] or d["cache_write_1h_tokens"] or d["reasoning_tokens"]):
        return
    if d["reasoning_tokens"] > d["output_tokens"]:
        raise EventError("output_tokens must include reasoning_tokens")
    if d["cache_write_1h_tokens"] > d["cache_write_tokens"]:
        raise EventError("cache_write_1h_tokens is a part of cache_write_tokens and cannot exceed it")
    if d["cache_read_tokens"] + d["cache_write_tokens"] > d["input_tokens"]:
        raise EventError("input_tokens must include cache_read_tokens and cache_write_tokens")


def _check_route(d: Fields) -> None:
    attempts, decided, layers = d["attempts"], d["layer"], set()
    for attempt in attempts:
        layer = attempt["layer"]
        layers.add(layer)
        if attempt["accepted"] and layer != decided:
            raise EventError(f"layer is {decided!r} but {layer!r} accepted: only the one that decided may")
    if len(layers) < len(attempts):
        raise EventError("attempts names a layer twice: give each layer once, in cascade order")


def _check_verdict(d: Fields) -> None:
    of_runs = (d["success"], d["rework"], d["qa"])
    of_routes = (d["correct"], d["correct_agent"], d["completed"], d["completion_ms"])
    if d["subject"] == "run" and any(value is not None for value in of_routes):
        raise EventError("a run takes success, rework, quality and qa; the rest judges a route")
    if d["subject"] == "route" and any(value is not None for value in of_runs):
        raise EventError("a route takes correct, correct_agent, completed, quality and completion_ms")
    if all(value is None for value in (*of_runs, *of_routes, d["quality"])):
        raise EventError("a verdict must judge something")


CHECKS: dict[str, Callable[[Fields], None]] = {
    "run": _check_run, "run_state": _check_run, "usage": _check_usage, "route": _check_route, "verdict": _check_verdict,
}  # fmt: skip
