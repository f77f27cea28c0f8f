"""The cascade as a staircase: each layer's share of all decisions, a step beginning where the last one ended.

Solid is what the layer took, the pale tail what it passed on; all steps share one scale from 0 to 100 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.text import Text

from fedtop.format import count, rate
from fedtop.sanitize import clean
from fedtop.themes import hue
from fedtop.widgets.canvas import Canvas
from fedtop.widgets.painted import Painted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fedstore.queries.models import LayerRow
    from fedtop.glyphs import Glyphs

__all__ = ["CascadeFunnel", "FunnelStep", "funnel_steps", "paint_funnel"]

_NAME: Final = 15
_FIGURES: Final = 17


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One layer: of `total` decisions it took `taken`, after the layers before it had taken `before`."""

    name: str
    taken: int
    before: int
    total: int

    @property
    def share(self) -> float | None:
        """Of all decisions."""
        return self.taken / self.total if self.total else None


def funnel_steps(layers: Iterable[LayerRow]) -> tuple[FunnelStep, ...]:
    """The steps of a cascade, in the order its layers are asked."""
    steps, before = [], 0
    for layer in sorted(layers, key=lambda row: row.position):
        steps.append(FunnelStep(layer.name, layer.captured.hits, before, layer.captured.n))
        before += layer.captured.hits
    return tuple(steps)


def paint_funnel(steps: Sequence[FunnelStep], width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """At most `height` lines of `width` cells: name, step, taken (unless narrow) and share."""
    figures = _FIGURES if width >= 60 else 8
    plot = width - _NAME - figures - 1
    if plot < 8:
        return [Text(clean(step.name, width, glyphs.ellipsis)) for step in steps[:height]]
    return [_line(step, plot, figures, glyphs) for step in steps[:height]]


def _line(step: FunnelStep, plot: int, figures: int, glyphs: Glyphs) -> Text:
    colour = hue(step.name)
    canvas = Canvas(plot, 1)
    if step.total:
        start = round(step.before / step.total * plot)
        end = round((step.before + step.taken) / step.total * plot)
        end = max(end, start + 1) if step.taken else start
        start = min(start, plot - 1) if step.taken else start
        canvas.write(end, 0, glyphs.fills[3] * (plot - end), "$rule")
        canvas.write(start, 0, glyphs.columns[8] * (end - start), colour)
    name = clean(step.name, _NAME - 2, glyphs.ellipsis)
    taken = f"{count(step.taken):>9}" if figures == _FIGURES else ""
    line = Text(" ").append(name, colour).append(" " * (_NAME - 1 - cell_len(name)))
    line.append_text(canvas.lines()[0])
    return line.append(taken, "$dim").append(f"{rate(step.share):>8}", "bold")


class CascadeFunnel(Painted):
    """`FunnelStep`s on the screen, one line each."""

    DEFAULT_CSS = """
    CascadeFunnel {
        height: auto;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._steps: tuple[FunnelStep, ...] = ()

    def set_steps(self, steps: Sequence[FunnelStep]) -> None:
        """Shows other steps; redraws only when they differ."""
        if tuple(steps) != self._steps:
            grown = len(steps) != len(self._steps)
            self._steps = tuple(steps)
            self.refresh(layout=grown)

    def get_content_height(self, *_: object) -> int:
        """One line per step."""
        return max(1, len(self._steps))

    def paint(self, width: int, height: int) -> list[Text]:
        """See `paint_funnel`."""
        return paint_funnel(self._steps, width, height, self.glyphs)
