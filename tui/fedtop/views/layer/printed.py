"""The analysis of layers as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import Captioned, captioned, header, heading, lines, tight, window_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore import Window
    from fedstore.learning.analysis import LayerAnalysis, Share
    from fedtop.plain.look import Look

__all__ = ["analyses"]


def analyses(
    found: Sequence[LayerAnalysis], window: Window, look: Look, asked_back: Share | None = None
) -> RenderableType:
    """The analysis of some layers: how each does, what its threshold costs, what the classic rule would advise.

    `asked_back`, where all are shown, are the decisions that none of them took.
    """
    parts: list[RenderableType] = [header("Routing Performance Analysis", look, window_text(window, look))]
    for one in found:
        parts += _layer(one, look)
    if asked_back is not None:
        parts += [heading("Asked back"), captioned([("No layer was sure", _share(asked_back, look))], look)]
    advice = [look.cell(one.recommendation()) for one in found]
    return Group(*parts, heading("Recommendations"), lines([*advice, Text(_CAVEAT, "$dim")]))


def _layer(found: LayerAnalysis, look: Look) -> list[RenderableType]:
    name = look.name(found.layer, 40).plain
    glyphs = look.glyphs
    facts: list[Captioned] = [
        ("Total events", fmt.count(found.events, glyphs)),
        ("Layer attempts", fmt.count(found.attempts, glyphs)),
        ("Success rate", _share(found.success, look)),
        ("Captured", _share(found.captured, look)),
        ("Avg confidence", None if found.mean_confidence is None else f"{found.mean_confidence:.3f}"),
        ("Avg latency", fmt.duration_ms(found.mean_latency_ms, glyphs)),
        ("Accuracy", Text.assemble(_share(found.accuracy, look, n=False),
                                   f" (based on {fmt.counted(found.accuracy.n, 'outcome')})")),
    ]  # fmt: skip
    threshold = [
        Text(f"Current threshold: {found.threshold:.2f}"),
        Text(f"Events below threshold: {fmt.count(found.below)}"),
        Text.assemble(f"  - Would have been correct: {fmt.count(found.missed.count)} (",
                      _share(found.missed, look), ")"),
        Text(f"Events above threshold: {fmt.count(found.above)}"),
        Text.assemble(f"  - Were incorrect: {fmt.count(found.incorrect.count)} (",
                      _share(found.incorrect, look), ")"),
    ]  # fmt: skip
    if found.probes:
        threshold.append(Text(f"Seen by background probes only: {fmt.count(found.probes)}", "$dim"))
    return [
        heading(f"Layer: {name}"), captioned(facts, look), heading(f"Threshold Analysis: {name}"), lines(threshold),
    ]  # fmt: skip


_CAVEAT = (
    "By the classic count rule, which looks at one layer alone and keeps no accuracy target;\n"
    "`fedtop tune --dry-run` weighs all layers together and says what is certain."
)


def _share(share: Share, look: Look, *, n: bool = True) -> Text:
    low, high = share.interval or (None, None)
    return tight(fmt.rate_text(share.rate, low, high, share.n if n else None, glyphs=look.glyphs))
