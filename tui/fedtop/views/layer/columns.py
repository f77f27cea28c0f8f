"""What the cascade does with a layer's threshold in force, at the lever, and the difference: a row per measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedtop.fields import Field, Locale, Part, Table
from fedtop.format import UNICODE, count, delta, delta_points, duration_ms, interval, rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from fedstore.learning.intervals import Interval
    from fedstore.learning.lever import LeverReading

__all__ = ["READINGS", "moved", "reading_lines"]

_STEPS: Final = 100


def moved(threshold: float, steps: int) -> float:
    """`threshold` after `steps` of 0.01, on the grid of hundredths and within 0 to 1."""
    return max(0, min(_STEPS, round(threshold * _STEPS) + steps)) / _STEPS


@dataclass(frozen=True, slots=True)
class _Measure:
    """One thing that the threshold decides. `better` is the sign of a change for the better, 0 for neither."""

    name: str
    label: str
    value: Callable[[LeverReading], float | None]
    form: Callable[[float | None], str] = rate
    change: Callable[[float], str] = delta_points
    better: int = 0
    ends: Callable[[LeverReading], Interval | None] = lambda _: None


def _milliseconds(change: float) -> str:
    return delta(change, 1 if abs(change) < 10 else 0, "ms")


_MEASURES: Final = (
    _Measure("threshold", "threshold", lambda r: r.threshold, "{:.2f}".format, lambda change: delta(change, 2)),
    _Measure("captured", "captured", lambda r: r.captured),
    _Measure("accuracy", "accuracy", lambda r: r.accuracy, better=1),
    _Measure("accuracy_interval", "  interval", lambda _: None, ends=lambda r: r.interval),
    _Measure("layer_accuracy", "of layer", lambda r: r.layer_accuracy, better=1),
    _Measure("layer_accuracy_interval", "  interval", lambda _: None, ends=lambda r: r.layer_interval),
    _Measure("graded", "graded", lambda r: r.graded, count, lambda change: delta(change, 0)),
    _Measure("latency_ms", "latency", lambda r: r.latency_ms, duration_ms, _milliseconds, -1),
    _Measure("clarify", "clarify", lambda r: r.clarify, better=-1),
    _Measure("unidentified", "not known", lambda r: r.unidentified, better=-1),
)


@dataclass(frozen=True, slots=True)
class ReadingLine:
    """A measure with the threshold in force and at the lever."""

    measure: _Measure
    now: LeverReading
    at: LeverReading

    @property
    def is_interval(self) -> bool:
        """Whether the row tells how sure the one above it is."""
        return self.measure.name.endswith("_interval")

    @property
    def rests(self) -> bool:
        """The lever was not moved: there is only what is."""
        return self.at.threshold == self.now.threshold

    @property
    def change(self) -> float | None:
        """At the lever less now."""
        now, at = self.measure.value(self.now), self.measure.value(self.at)
        return None if now is None or at is None or self.rests else at - now


def reading_lines(now: LeverReading, at: LeverReading) -> list[ReadingLine]:
    """A line per measure."""
    return [ReadingLine(measure, now, at) for measure in _MEASURES]


def _shown(line: ReadingLine, reading: LeverReading, style: str) -> Text:
    if not line.is_interval:
        return Text(line.measure.form(line.measure.value(reading)), style)
    ends = line.measure.ends(reading)
    return Text(UNICODE.none if ends is None else interval(*ends), "$dim")


def _at(line: ReadingLine, _: Locale) -> Text:
    return Text("") if line.rests else _shown(line, line.at, "bold")


def _change(line: ReadingLine, _: Locale) -> Text:
    if line.rests or line.is_interval:
        return Text("")
    change = line.change
    if change is None:
        return Text(UNICODE.none, "$dim")
    text, gain = line.measure.change(change), change * line.measure.better
    if line.measure.name == "threshold":
        return Text(text, "bold $accent")
    if not any(c in text for c in "123456789"):
        return Text(text, "$dim")
    return Text(text, "$ok" if gain > 0 else "$warn" if gain < 0 else "$info")


def _end(pick: Callable[[ReadingLine], LeverReading], which: int) -> Callable[[ReadingLine], float | None]:
    def value(line: ReadingLine) -> float | None:
        ends = line.measure.ends(pick(line))
        return None if ends is None else ends[which]

    return value


def _parts(name: str, pick: Callable[[ReadingLine], LeverReading]) -> tuple[Part[ReadingLine], ...]:
    return Part(f"{name}_low", _end(pick, 0)), Part(f"{name}_high", _end(pick, 1))


READINGS: Final[Table[ReadingLine]] = Table(
    (
        Field("measure", "", 10, value=lambda r: r.measure.name, cell=lambda r, _: Text(r.measure.label, "$dim")),
        Field(
            "now", "now", 9, "right", value=lambda r: r.measure.value(r.now),
            cell=lambda r, _: _shown(r, r.now, "$fg"), parts=_parts("now", lambda r: r.now),
        ),
        Field(
            "moved", "moved", 9, "right", value=lambda r: None if r.rests else r.measure.value(r.at), cell=_at,
            parts=_parts("moved", lambda r: r.at),
        ),
        Field("change", "change", 8, "right", value=lambda r: r.change, cell=_change),
    ),
    key=lambda r: r.measure.name,
)  # fmt: skip
