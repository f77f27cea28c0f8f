"""DDL of the summaries: what happened per minute, ten minutes, hour and day, so that a screen never reads raw facts.

``width`` is the length of a bucket in milliseconds, ``start`` its first millisecond. Columns are sums and add
up across buckets; ``*_bins`` are distributions packed as sorted (bin, count) pairs of 32-bit integers. The
rules by which facts become sums stand in ``fedstore.facts.summaries``.
"""

from __future__ import annotations

__all__ = ["DAY_MS", "HOUR_MS", "MARKS", "MINUTE_MS", "SPECS", "SUMMARY_TABLES", "TEN_MS", "WIDTHS", "Spec"]

MINUTE_MS = 60_000
TEN_MS = 600_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
WIDTHS = (MINUTE_MS, TEN_MS, HOUR_MS, DAY_MS)
MARKS = {"ten": TEN_MS, "hour": HOUR_MS, "day": DAY_MS}
"""Up to each mark, the buckets of its width contain the narrower ones."""


class Spec:
    """A summary table: what its rows are about, what they add up, which distributions they hold."""

    def __init__(self, keys: tuple[str, ...], sums: tuple[str, ...], bins: tuple[str, ...] = ()) -> None:
        self.keys = keys
        self.sums = sums
        self.bins = bins


SPECS = {
    "agent_buckets": Spec(
        keys=("agent", "task_type", "project"),
        sums=(
            "runs", "ok", "failed", "reworked", "rework_known", "duration_n", "duration_ms",
            "quality_n", "quality_ppm", "qa_passed", "qa_warning", "qa_failed", "qa_error",
        ),
        bins=("duration_bins",),
    ),
    "spend_buckets": Spec(
        keys=("agent", "model", "project", "task_type", "operation"),
        sums=(
            "calls", "errors", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens",
            "reasoning_tokens", "minimum_calls", "duration_n", "duration_ms", "reported_nano", "computed_nano",
            "unpriced_calls", "unpriced_tokens",
        ),
    ),
    "tool_buckets": Spec(
        keys=("tool", "agent"),
        sums=("calls", "ok", "failed", "duration_n", "duration_ms", "priced", "cost_nano", "tokens"),
        bins=("duration_bins",),
    ),
    "route_buckets": Spec(
        keys=("layer",),
        sums=("routes", "latency_n", "latency_us", "graded", "correct", "quality_n", "quality_ppm"),
        bins=("latency_bins",),
    ),
    "layer_buckets": Spec(
        keys=("layer",),
        sums=("attempts", "accepted", "errors", "confidence_n", "confidence_ppm", "latency_n", "latency_us"),
        bins=("latency_bins", "confidence_bins"),
    ),
}  # fmt: skip

LAYERS = """
CREATE TABLE layers (                -- the layers seen so far, as their newest attempt shows them
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    threshold REAL,
    seen_ms INTEGER NOT NULL,               -- when that attempt was
    seen_id TEXT NOT NULL                   -- the decision it belongs to
) STRICT, WITHOUT ROWID
"""

MARK_TABLE = """
CREATE TABLE marks (                 -- buckets before a mark are contained in the next wider ones
    name TEXT PRIMARY KEY,                  -- ten, hour, day: what is before it is in buckets of that width;
                                            -- minutes_from, hours_from: older ones were purged; purged: when last;
                                            -- facts_purged: the newest recording of a purged fact;
                                            -- backfill: when history was last recorded
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""


_SAID = {
    "width": "ms; wider rows repeat what narrower ones hold (up to their mark): add up one width only",
    "start": "UTC epoch ms; a multiple of width",
    "reworked": "had to be done again: counted as failed",
    "rework_known": "of how many that is known",
    "duration_n": "how many told a duration",
    "duration_ms": "their sum",
    "latency_n": "how many told a latency",
    "latency_us": "their sum, microseconds",
    "quality_n": "how many were given a quality",
    "quality_ppm": "their sum, in millionths of 0..1",
    "confidence_n": "how many told a confidence",
    "confidence_ppm": "their sum, in millionths of 0..1",
    "minimum_calls": "calls whose source under-reports output tokens",
    "reported_nano": "1e-9 US dollars, as the source says",
    "computed_nano": "1e-9 US dollars, from a price list",
    "priced": "how many told a cost",
    "cost_nano": "their sum, 1e-9 US dollars",
    "graded": "how many are known to be right or wrong",
    "correct": "how many of them were right",
    "duration_bins": "distribution, packed (fedstore.bins)",
    "latency_bins": "distribution, packed (fedstore.bins)",
    "confidence_bins": "distribution, packed (fedstore.bins)",
}
"""What a column means, for who meets it in another program."""


def _table(name: str, spec: Spec) -> str:
    columns = {"width": "INTEGER", "start": "INTEGER", **dict.fromkeys(spec.keys, "TEXT")}
    columns |= {**dict.fromkeys(spec.sums, "INTEGER"), **dict.fromkeys(spec.bins, "BLOB")}
    lines = (_column(column, kind) for column, kind in columns.items())
    key = ", ".join(("width", "start", *spec.keys))
    body = "\n".join(lines)
    return f"CREATE TABLE {name} (\n{body}\n    PRIMARY KEY ({key})\n) STRICT, WITHOUT ROWID"


def _column(name: str, kind: str) -> str:
    line = f"    {name} {kind} NOT NULL,"
    return f"{line:<44}-- {_SAID[name]}" if name in _SAID else line


SUMMARY_TABLES = (
    *(_table(name, spec) for name, spec in SPECS.items()),
    LAYERS,
    MARK_TABLE,
    "INSERT INTO marks (name, at_ms) VALUES ('ten', 0), ('hour', 0), ('day', 0)",
)
