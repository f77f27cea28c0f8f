"""The layer screen's content: the lever's prediction, the threshold analysis, the grade of evidence.

Pure functions from readings and analyses to table rows and lines of text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop.format import (
    UNICODE,
    clean,
    count,
    counted,
    delta,
    delta_points,
    duration_ms,
    interval,
    rate,
)
from fedtop.widgets.live_table import Cell, Column, Row

if TYPE_CHECKING:
    from fedstore.learning.analysis import LayerAnalysis, Share
    from fedstore.learning.lever import LeverReading

__all__ = ["READING_COLUMNS", "analysis_lines", "evidence_line", "moved", "reading_rows", "waiting_line"]

_STEPS: Final = 100

READING_COLUMNS: Final = (
    Column("what", "", 10),
    Column("now", "now", 9, "right"),
    Column("at", "moved", 9, "right"),
    Column("change", "change", 8, "right"),
)


def moved(threshold: float, steps: int) -> float:
    """`threshold` after `steps` of 0.01, on the grid of hundredths and within 0 to 1."""
    return max(0, min(_STEPS, round(threshold * _STEPS) + steps)) / _STEPS


def waiting_line(words: str) -> Text:
    """Why there is no prediction (yet)."""
    return Text.assemble((UNICODE.unknown, "$dim"), (f" {clean(words, 200)}", "$dim"))


def reading_rows(now: LeverReading, at: LeverReading) -> list[Row]:
    """What the cascade does with the threshold in force, at the lever, and the difference."""
    rows = [
        _row("threshold", f"{now.threshold:.2f}", f"{at.threshold:.2f}", _threshold(now, at)),
        _row("captured", rate(now.captured), rate(at.captured), _points(now.captured, at.captured, 0)),
        _row(
            "accuracy",
            rate(now.accuracy),
            rate(at.accuracy),
            _points(now.accuracy, at.accuracy, 1),
        ),
        _row("  interval", _bounds(now.interval), _bounds(at.interval), None, "$dim"),
        _row(
            "of layer",
            rate(now.layer_accuracy),
            rate(at.layer_accuracy),
            _points(now.layer_accuracy, at.layer_accuracy, 1),
        ),
        _row("  interval", _bounds(now.layer_interval), _bounds(at.layer_interval), None, "$dim", "layer"),
        _row("graded", count(now.graded), count(at.graded), _counts(now.graded, at.graded)),
        _row("latency", duration_ms(now.latency_ms), duration_ms(at.latency_ms), _latency(now, at)),
        _row("clarify", rate(now.clarify), rate(at.clarify), _points(now.clarify, at.clarify, -1)),
        _row(
            "not known", rate(now.unidentified), rate(at.unidentified), _points(now.unidentified, at.unidentified, -1)
        ),
    ]
    return rows if at.threshold != now.threshold else [_unmoved(row) for row in rows]


def _threshold(now: LeverReading, at: LeverReading) -> Text:
    step = at.threshold - now.threshold
    return Text(delta(step, 2), "bold $accent") if abs(step) > 1e-9 else Text("")


def _row(what: str, now: str, at: str, change: Text | None, style: str = "", of: str = "") -> Row:
    cells: dict[str, Cell] = {
        "what": Text(what, "$dim"),
        "now": Text(now, style or "$fg"),
        "at": Text(at, style or "bold"),
        "change": change or Text(""),
    }
    return Row(f"{of}{what}", cells)


def _unmoved(row: Row) -> Row:
    """The row while the lever rests: only what is."""
    return Row(row.key, {**row.cells, "at": Text(""), "change": Text("")})


def _bounds(bounds: tuple[float, float] | None) -> str:
    return UNICODE.none if bounds is None else interval(*bounds)


def _points(now: float | None, at: float | None, better: int) -> Text:
    """The change in percentage points; `better` is the sign of a change for the better, 0 for neither."""
    if now is None or at is None:
        return Text(UNICODE.none, "$dim")
    return _signed(delta_points(at - now), (at - now) * better)


def _signed(text: str, gain: float) -> Text:
    if not any(c in text for c in "123456789"):
        return Text(text, "$dim")
    return Text(text, "$ok" if gain > 0 else "$warn" if gain < 0 else "$info")


def _counts(now: int, at: int) -> Text:
    return _signed(delta(at - now, 0), 0)


def _latency(now: LeverReading, at: LeverReading) -> Text:
    change = at.latency_ms - now.latency_ms
    return _signed(delta(change, 1 if abs(change) < 10 else 0, "ms"), -change)


def evidence_line(now: LeverReading, at: LeverReading) -> Text:
    """How well the log supports the prediction: exact, estimated, or nothing graded."""
    if not at.graded:
        return _grade(UNICODE.unknown, "$dim", "not graded", "accuracy cannot be told from this window")
    if at.unidentified <= now.unidentified + 1e-12:
        return _grade(UNICODE.ok, "$ok", "exact", "the log shows where each of these decisions goes")
    share = rate(at.unidentified)
    return _grade("~", "$warn", "estimated", f"the log cannot tell {share} of these decisions")


def _grade(glyph: str, style: str, grade: str, why: str) -> Text:
    return Text.assemble((f"{glyph} {grade}", style), (f"  {why}", "$dim"))


def analysis_lines(analysis: LayerAnalysis) -> list[Text]:
    """The threshold analysis: both sides of the threshold, and what the two simple rules would do."""
    lines = [
        Text.assemble(
            (counted(analysis.attempts, "attempt"), "bold"),
            (f" at threshold {analysis.threshold:.2f}, {counted(analysis.probes, 'probe')}", "$dim"),
        ),
        _side("below", analysis.below, "would have been correct", analysis.missed),
        _side("above", analysis.above, "were incorrect", analysis.incorrect),
    ]
    lines.append(_rule("count rule", analysis.threshold, analysis.rule_count))
    lines.append(_rule("accuracy rule", analysis.threshold, analysis.rule_accuracy))
    lines.append(Text("neither keeps an accuracy target: t plans one that does", "$dim"))
    return lines


def _side(where: str, events: int, what: str, share: Share) -> Text:
    text = Text.assemble((f"{where:<6}", "$dim"), f"{count(events)}", (f"  {what} ", "$dim"))
    bounds = share.interval
    if bounds is None:
        return text.append("cannot be judged", "$dim")
    text.append(rate(share.rate), "bold")
    return text.append(f" {interval(*bounds)} ({count(share.count)}/{count(share.n)})", "$dim")


def _rule(name: str, now: float, change: tuple[float, str]) -> Text:
    new, reason = change
    text = Text(f"{name}: ", "$dim")
    if new == now:
        text.append("keep")
    else:
        text.append(f"{now:.2f} → {new:.2f}", "bold")
    return text.append(f"  {clean(reason, 90)}", "$dim")
