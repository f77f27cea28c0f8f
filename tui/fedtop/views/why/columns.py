"""Why a decision went where it went, as a table: one rung per layer, its confidence as a bar with the threshold on it.

`✓` marks the rung it stopped at; rungs it never reached are ghosts, probed ones (run beside the live path) are marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from rich.text import Text

from fedstore.queries.models import WhyStep
from fedtop import kinds
from fedtop.fields import Field, Locale, Table
from fedtop.palette import hue
from fedtop.sanitize import clean
from fedtop.widgets.interval_bar import Bar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fedstore.queries.models import WhyView

__all__ = ["LADDER", "not_reached", "note_of", "outcome_of"]

Outcome = Literal["accepted", "passed", "failed", "not_reached", "shadow"]
_SAYS: Final[dict[Outcome, tuple[str, str, str]]] = {
    "accepted": ("✓", "$ok", "accepted"),
    "passed": ("↓", "$dim", "passed on"),
    "failed": ("✖", "$alert", "failed"),
    "not_reached": ("·", "$faint", "not reached"),
    "shadow": ("◌", "$info", "probed in shadow"),
}


def not_reached(view: WhyView, layers: Iterable[tuple[str, int, float | None]]) -> tuple[WhyStep, ...]:
    """A step per known layer (name, position, threshold) the decision never came to."""
    asked = {step.layer for step in view.steps}
    return tuple(
        WhyStep(name, "", None, threshold, False, False, None, "", threshold, None)
        for name, _, threshold in layers
        if name not in asked
    )


def outcome_of(step: WhyStep) -> Outcome:
    """What became of the decision at a layer: it stopped there, went on, failed (error or timeout), never came there,
    or the layer was only probed.
    """
    if step.shadow:
        return "shadow"
    if step.accepted:
        return "accepted"
    if step.error_class:
        return "failed"
    return "passed" if step.confidence is not None or step.latency_ms is not None else "not_reached"


def note_of(step: WhyStep) -> str:
    """The error, or how the present policy differs; empty: the outcome's own word is enough."""
    if step.error_class:
        return clean(step.error_class, 40)
    differs = step.accepts_now is not None and step.accepts_now is not step.accepted and not step.shadow
    if not differs or step.threshold_now is None:
        return ""
    return f"now {'accepts' if step.accepts_now else 'passes'} at {step.threshold_now:.2f}"


def _ghost(step: WhyStep) -> bool:
    return outcome_of(step) == "not_reached"


def _colour(step: WhyStep) -> str:
    return "$faint" if _ghost(step) else "$dim" if step.shadow else hue(step.layer)


def _margin(step: WhyStep) -> float | None:
    return None if step.confidence is None or step.threshold is None else step.confidence - step.threshold


def _bar(step: WhyStep) -> Bar:
    return Bar(step.confidence, _colour(step), mark=step.threshold)


def _mark(step: WhyStep, _: Locale) -> Text:
    glyph, style, _word = _SAYS[outcome_of(step)]
    return Text(glyph, style)


def _proposes(step: WhyStep, _: Locale) -> Text:
    return Text(clean(step.agent, 40), "" if step.accepted else "$dim")


def _says(step: WhyStep, _: Locale) -> Text:
    outcome = outcome_of(step)
    return Text(clean(note_of(step) or _SAYS[outcome][2], 60), "$alert" if outcome == "failed" else "$dim")


LADDER: Final[Table[WhyStep]] = Table(
    (
        kinds.name("layer", "layer", 13, lambda s: s.layer, style=_colour, limit=24, sort_default="asc"),
        Field("outcome", "", 1, value=outcome_of, cell=_mark, printed=False),
        kinds.drawing(
            "bar", "confidence, threshold │", 12, _bar, lambda s: s.confidence, heading="bar", grow=True, printed=True,
            words=lambda s, locale: _bar(s).draw(20, locale.glyphs), spare=5,
        ),
        Field("agent", "proposes", 12, value=lambda s: s.agent, cell=_proposes, least=10, spare=3),
        kinds.blank_where(kinds.thousandths("confidence", "conf", 6, lambda s: s.confidence), _ghost),
        kinds.hundredths("threshold", "needs", 6, lambda s: s.threshold, style=lambda _: "$dim"),
        kinds.blank_where(
            kinds.margin("margin", "margin", 7, _margin, style=lambda s: "$ok" if (_margin(s) or 0) >= 0 else "$dim",
                         spare=1), _ghost,
        ),
        kinds.blank_where(kinds.duration("latency_ms", "time", 8, lambda s: s.latency_ms, spare=4), _ghost),
        Field(
            "error_class", "", 20, heading="says", min_width_shown=100, spare=2,
            value=lambda s: s.error_class, cell=_says,
        ),
        kinds.hundredths("threshold_now", "needs now", 0, lambda s: s.threshold_now, spare=2),
        kinds.hidden("accepts_now", lambda s: s.accepts_now),
    ),
    key=lambda s: s.layer,
    style=lambda s: "$faint" if _ghost(s) else "",
)  # fmt: skip
