"""The Python APIs and file formats that earlier tools of the federation used, thin over the store.

`RoutingPerformanceTracker` (routing), `AnalyticsEngine` (executions) and the module `metrics_json`
(`metrics.json` and its exports). Names are loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedstore.compat.engine import AnalyticsEngine
    from fedstore.compat.tracker import RoutingPerformanceTracker

__all__ = ["AnalyticsEngine", "RoutingPerformanceTracker"]

_HOMES = {"AnalyticsEngine": "engine", "RoutingPerformanceTracker": "tracker"}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
