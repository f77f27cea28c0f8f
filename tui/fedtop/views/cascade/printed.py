"""The routing cascade as text: the funnel, the layers, the targets, the newest decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import bar_width, header, heading, lines, rate, share_bar, tight, window_text
from fedtop.plain.tables import figures, table, table_of, words
from fedtop.views.cascade.columns import DECISIONS, LAYERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.learning.targets import DriftAlert
    from fedstore.queries.models import CascadeView
    from fedtop.plain.look import Look

__all__ = ["cascade", "funnel", "layer_targets", "targets"]

RECENT = 10


def cascade(view: CascadeView, look: Look, notice: str | None = None, alarms: Sequence[str] = ()) -> RenderableType:
    """The whole cascade over a window; ``alarms`` speak of changes of its thresholds."""
    parts: list[RenderableType] = [header("ROUTING PERFORMANCE", look, window_text(view.window, look))]
    if notice:
        return Group(*parts, Text(f"\n{notice}", "$warn"))
    if not view.routes:
        parts.append(Text("\nNo routing decisions in this window: record some, or import a routing log.", "$dim"))
        return Group(*parts)
    parts += [heading("Routing Cascade Overview"), funnel(view, look)]
    parts += [heading("Layer Performance"), table_of(LAYERS, view.layers, look)]
    parts += [heading("Performance Targets"), targets(view, look)]
    if any(row.accuracy_target is not None or row.latency_target_ms is not None for row in view.layers):
        parts += [heading("Layer Targets"), layer_targets(view, look)]
    if view.drift is not None or alarms:
        parts += [heading("Needs Attention"), lines(_attention(view.drift, alarms, look))]
    if view.recent:
        parts += [heading("Latest Decisions"), table_of(DECISIONS, view.recent[:RECENT], look, view.window)]
    return Group(*parts)


def funnel(view: CascadeView, look: Look) -> RenderableType:
    """Decisions and how often they are right, then ``Layer 1 - keyword  [====----] 48 (32.0 %)``."""
    rows = [
        Text(f"Total routes: {fmt.count(view.routes, look.glyphs)}"),
        Text.assemble("Accuracy: ", tight(rate(view.accuracy, look)), fmt.ungraded_layers(view.accuracy)),
    ]
    width = max((look.name(row.name, 16).cell_len for row in view.layers), default=0)
    longest = bar_width(look, len("Layer 1 - ") + width + len(" ") + len(" 123456 (12.3 %)"))
    for row in view.layers:
        name = look.name(row.name, 16)
        name.pad_right(width - name.cell_len)
        value = f" {fmt.count(row.captured.hits):>6} ({fmt.rate(row.captured.value, glyphs=look.glyphs)})"
        bar = (share_bar(row.captured.value, longest), "$accent")
        rows.append(Text.assemble(f"Layer {row.position} - ", name, " ", bar, value))
    return lines(rows)


def targets(view: CascadeView, look: Look) -> RenderableType:
    """Each target, the value it is held against, and whether it is met."""
    rows = []
    for found in view.targets:
        value = found.value
        shown = fmt.duration_ms(value, look.glyphs) if found.target.measure == "latency_ms" else fmt.rate(
            value, glyphs=look.glyphs
        )  # fmt: skip
        if found.status == "few":
            shown = f"{shown} {fmt.n_of(found.n, look.glyphs)}, too few to tell"
        elif found.status == "unsure":
            shown = f"{shown}, unsure"
        limits = (look.cell(found.target.target_text), look.cell(found.target.alert_text))
        rows.append((fmt.state_text(found.status, found.target.label, look.glyphs), shown, *limits))
    return table([words("Metric", least=12), figures("Now"), figures("Target"), figures("Alert if", 1)], rows, look)


def layer_targets(view: CascadeView, look: Look) -> RenderableType:
    """How often each layer should be right and how fast it should be, and whether it is."""
    glyphs = look.glyphs
    rows = []
    for row in view.layers:
        if row.accuracy_target is None and row.latency_target_ms is None:
            continue
        accuracy = fmt.state_text(row.accuracy_status, fmt.rate(row.accuracy.value, glyphs=glyphs), glyphs)
        latency = fmt.state_text(row.latency_status, fmt.duration_ms(row.durations.mean_ms, glyphs), glyphs)
        wanted = "" if row.accuracy_target is None else f">={row.accuracy_target:.0%}"
        within = "" if row.latency_target_ms is None else f"<{row.latency_target_ms:g}ms"
        rows.append((look.name(row.name, 16), accuracy, wanted, latency, within))
    columns = [
        words("Layer", least=12),
        figures("Accuracy"),
        figures("Target"),
        figures("Avg latency"),
        figures("Target"),
    ]
    return table(columns, rows, look)


def _attention(drift: DriftAlert | None, alarms: Sequence[str], look: Look) -> list[Text]:
    found = [fmt.state_text("alert", look.name(text, 400).plain, look.glyphs) for text in alarms]
    if drift is not None:
        state = "warn" if drift.worse else "ok"
        found.append(fmt.state_text(state, look.cell(f"accuracy {drift.text}"), look.glyphs))
    return found
