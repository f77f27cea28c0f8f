"""The federation's `metrics.json` under the name that earlier tools import; see `fedstore.policy.metrics_file`."""

from __future__ import annotations

from fedstore.policy.metrics_file import (
    Counts,
    metrics_document,
    metrics_of,
    read_metrics,
    sync_metrics,
    update_boosts,
    write_export,
)

__all__ = ["Counts", "metrics_document", "metrics_of", "read_metrics", "sync_metrics", "update_boosts", "write_export"]
