"""Which errors runs ended in, and of how many of those nobody said whether they succeeded.

Who reads an agent's own files learns that a run ended in an error, never that one succeeded. Such outcomes make no rate
(see `ingest.reader.ungraded`), but they are counted and told beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.queries.models import Rate, most_frequent

if TYPE_CHECKING:
    from fedstore.queries.answers import Rows
    from fedstore.queries.buckets import Buckets
    from fedstore.window import Window

__all__ = ["error_counts", "told_rate", "ungraded_errors"]

Classes = tuple[tuple[str, int], ...]


def told_rate(runs: int, ok: int, failed: int) -> Rate:
    """How often executions of a tool by an agent succeeded, where successes are told at all.

    Of some tools an agent's files tell refusals and errors only. Where some failed, none is known to have succeeded,
    and more than half ended without a word, there is no rate. A tool that fails most of the time has one.
    """
    return Rate(0, 0) if failed and not ok and runs > 2 * failed else Rate(ok, ok + failed)


def _rows(buckets: Buckets, window: Window) -> Rows:
    return buckets.sums("error_buckets", window, ("agent", "task_type", "error_class"), ("runs", "ungraded"))


def error_counts(buckets: Buckets, window: Window, agent: str) -> Classes:
    """How many runs of an agent ended in each class of error, graded or not, most frequent first."""
    counts: dict[str, int] = {}
    for name, _, error, runs, _ in _rows(buckets, window):
        if name == agent:
            counts[error] = counts.get(error, 0) + runs
    return most_frequent(counts)


def ungraded_errors(buckets: Buckets, window: Window) -> dict[tuple[str, str], Classes]:
    """The same of the runs that nobody graded, per agent and task type."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for agent, kind, error, _, ungraded in _rows(buckets, window):
        counts.setdefault((agent, kind), {})[error] = ungraded
    return {pair: most_frequent(found) for pair, found in counts.items()}
