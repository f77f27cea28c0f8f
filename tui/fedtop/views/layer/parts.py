"""The layer screen's lines: why there is no prediction, how well the log supports one, the threshold analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from fedtop.format import UNICODE, clean, count, counted, interval, rate

if TYPE_CHECKING:
    from fedstore.learning.analysis import LayerAnalysis, Share
    from fedstore.learning.lever import LeverReading

__all__ = ["analysis_lines", "evidence_line", "waiting_line"]


def waiting_line(words: str) -> Text:
    """Why there is no prediction (yet)."""
    return Text.assemble((UNICODE.unknown, "$dim"), (f" {clean(words, 200)}", "$dim"))


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
