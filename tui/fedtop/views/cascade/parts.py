"""The cascade panel's lines above its tables: what the whole did, and which targets it meets. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop.format import count, counted, duration_ms, interval, n_of, rate, state_text, ungraded_layers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fedstore.learning.targets import DriftAlert, TargetStatus
    from fedstore.queries.models import CascadeView

__all__ = ["drift_text", "summary_parts", "target_parts"]


def summary_parts(view: CascadeView) -> tuple[Text, ...]:
    """What the whole cascade did: decisions, accuracy, latency, clarified."""
    accuracy, durations = view.accuracy, view.durations
    parts = [Text.assemble((count(view.routes), "bold"), (" decision" if view.routes == 1 else " decisions", "$dim"))]
    if accuracy.interval is None:
        parts.append(Text("accuracy not graded", "$dim"))
    else:
        tail = f" {interval(*accuracy.interval)} {n_of(accuracy.n)}{ungraded_layers(accuracy)}"
        parts.append(_figure("accuracy", rate(accuracy.value), tail))
    if durations.n:
        tail = f" p50 {duration_ms(durations.p50_ms)} p95 {duration_ms(durations.p95_ms)}"
        parts.append(_figure("latency", duration_ms(durations.mean_ms), tail))
    parts.append(_figure("clarified", rate(view.clarified.value)))
    if view.drift is not None:
        parts.append(drift_text(view.drift))
    return tuple(parts)


def drift_text(drift: DriftAlert) -> Text:
    """That the newer half of the window is right less often than the older one, or more often."""
    return state_text("warn" if drift.worse else "info", f"accuracy {drift.text}")


def _figure(label: str, value: str, tail: str = "") -> Text:
    return Text.assemble((f"{label} ", "$dim"), (value, "bold"), (tail, "$dim"))


_URGENCY: Final = {"alert": 0, "warn": 1, "unsure": 2, "few": 3, "unknown": 4, "ok": 5}


def target_parts(targets: Iterable[TargetStatus], *, brief: bool = False) -> tuple[Text, ...]:
    """The performance targets, missed ones first and in colour with the value, met ones dim.

    `brief` only counts the ones that are met.
    """
    shown = sorted(targets, key=lambda t: _URGENCY[t.status])
    met = sum(status.status == "ok" for status in shown)
    if not brief:
        return tuple(_target_text(status) for status in shown)
    parts = [_target_text(status) for status in shown if status.status != "ok"]
    words = f"{'all ' if met == len(shown) > 1 else ''}{counted(met, 'target')} met"
    return (*parts, state_text("ok").append(f" {words}", "$dim")) if met else tuple(parts)


def _target_text(status: TargetStatus) -> Text:
    target, missed = status.target, status.status in ("warn", "alert")
    text = state_text(status.status)
    text.append(f" {_short(target.label)} {target.target_text}", "$fg" if missed else "$dim")
    if missed:
        latency = target.measure == "latency_ms"
        value = duration_ms(status.value) if latency else rate(status.value)
        text.append(f" is {value}", f"bold ${status.status}")
    elif status.status in ("few", "unsure"):
        text.append(" too few to tell" if status.status == "few" else " unsure", "$dim")
    return text


def _short(label: str) -> str:
    words = [word for word in label.lower().split() if word not in ("overall", "avg", "rate")]
    return " ".join(words)
