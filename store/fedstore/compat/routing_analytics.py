"""What the routing tracker can be asked: statistics, threshold analysis, recommendations, a summary.

Everything comes from the store, after lines that others appended to the tracker's log have been taken in.
Rates are fractions with the counts they rest on; None where nothing is known. Raises StoreError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.compat.routing_file import ARCHIVE

if TYPE_CHECKING:
    from pathlib import Path

    from fedstore.compat.answers import LayerStatistics, PerformanceSummary, Recommendation, ThresholdAnalysis
    from fedstore.learning.analysis import LayerAnalysis, Share
    from fedstore.learning.stratified import WeightedRate
    from fedstore.queries.models import LayerRow, Rate
    from fedstore.queries.reader import Reader
    from fedstore.store import Store
    from fedstore.window import Window

__all__ = ["RoutingAnalytics"]


class RoutingAnalytics:
    """The analytics methods; `hours` is the length of the window that ends now."""

    log_path: Path

    @property
    def store(self) -> Store:
        """The store that is asked."""
        raise NotImplementedError

    def threshold(self, layer_name: str) -> float | None:
        """The layer's threshold now."""
        raise NotImplementedError

    def get_layer_statistics(self, layer_name: str | None = None, hours: int = 24) -> dict[str, LayerStatistics]:
        """Per layer (or for one): attempts, successes, success_rate, avg_confidence, avg_latency_ms,
        p95_latency_ms, accuracy, accuracy_interval (95 % Wilson), outcomes, threshold.
        """
        view = self._reader().cascade(self._window(hours))
        return {row.name: _statistics(row) for row in view.layers if layer_name in (None, row.name)}

    def get_threshold_analysis(self, layer_name: str | None = None, hours: int = 24) -> dict[str, ThresholdAnalysis]:
        """Per layer with a threshold (or for one): how many attempts lay below and above it, how many of those
        that can be judged would have been correct or were incorrect, and the classic recommendation.
        """
        return {
            found.layer: _threshold_analysis(found)
            for found in self._analyses(hours)
            if layer_name in (None, found.layer)
        }

    def get_recommendations(self, hours: int = 24) -> list[Recommendation]:
        """Threshold changes by the classic count rule: layer, current, recommended, reason, text.

        The rule keeps no accuracy target; `fedtop tune` proposes what the data certify.
        """
        return [
            {
                "layer": found.layer, "current": found.threshold, "recommended": found.rule_count[0],
                "reason": found.rule_count[1], "text": found.recommendation(),
            }
            for found in self._analyses(hours)
            if found.rule_count[0] != found.threshold
        ]  # fmt: skip

    def get_performance_summary(self, hours: int = 24) -> PerformanceSummary:
        """The cascade as a whole: total_routes, accuracy (each layer weighted by the decisions it took; with interval
        and outcomes), avg_latency_ms, clarification_rate, and the share of decisions that each layer took.
        """
        view = self._reader().cascade(self._window(hours))
        accuracy = view.accuracy
        return {
            "time_window_hours": hours,
            "total_routes": view.routes,
            "overall_accuracy": accuracy.value,
            "accuracy_interval": _bounds(accuracy),
            "outcomes": accuracy.n,
            "avg_latency_ms": view.durations.mean_ms,
            "p95_latency_ms": view.durations.p95_ms,
            "clarification_rate": view.clarified.value,
            "layer_distribution": {
                row.name: {"routes": row.captured.hits, "share": row.captured.value} for row in view.layers
            },
        }

    def _reader(self) -> Reader:
        from fedstore.ingest import import_paths

        paths = [path for path in (self.log_path.parent / ARCHIVE, self.log_path) if path.exists()]
        if paths:
            import_paths(self.store, paths)
        return self.store.reader()

    def _window(self, hours: int) -> Window:
        return self.store.reader().window(f"{hours}h")

    def _analyses(self, hours: int) -> list[LayerAnalysis]:
        from fedstore.learning.analysis import analyse_layers
        from fedstore.queries.decisions import read_decisions

        reader = self._reader()
        return analyse_layers(read_decisions(self.store.database, self._window(hours)), reader.thresholds())


def _bounds(rate: Rate | Share | WeightedRate) -> tuple[float, float] | None:
    found = rate.interval
    return None if found is None else (found.low, found.high)


def _statistics(row: LayerRow) -> LayerStatistics:
    return {
        "attempts": row.attempts,
        "successes": row.success.hits,
        "success_rate": row.success.value,
        "avg_confidence": row.confidence,
        "avg_latency_ms": row.durations.mean_ms,
        "p95_latency_ms": row.durations.p95_ms,
        "accuracy": row.accuracy.value,
        "accuracy_interval": _bounds(row.accuracy),
        "outcomes": row.accuracy.n,
        "threshold": row.threshold,
    }


def _threshold_analysis(found: LayerAnalysis) -> ThresholdAnalysis:
    return {
        "current_threshold": found.threshold,
        "events_below_threshold": found.below,
        "would_have_been_correct": found.missed.count,
        "below_judged": found.missed.n,
        "below_correct_rate": found.missed.rate,
        "events_above_threshold": found.above,
        "were_incorrect": found.incorrect.count,
        "above_judged": found.incorrect.n,
        "above_incorrect_rate": found.incorrect.rate,
        "recommendation": found.recommendation(),
    }
