"""The routing cascade as text: the funnel, the layers, the targets, one layer's analysis, one decision's ladder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import (
    Field,
    bar_width,
    fields,
    header,
    heading,
    lines,
    rate,
    share_bar,
    tight,
    window_text,
)
from fedtop.plain.tables import figures, table, table_of, words
from fedtop.views.cascade.columns import DECISIONS, LAYERS
from fedtop.views.why.columns import LADDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore import Window
    from fedstore.learning.analysis import LayerAnalysis, Share
    from fedstore.learning.targets import DriftAlert
    from fedstore.queries.models import CascadeView, WhyView
    from fedtop.plain.look import Look

__all__ = ["analysis", "cascade", "funnel", "targets", "why"]

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
        limits = (look.cell(found.target.target_text), look.cell(found.target.alert_text))
        rows.append((fmt.state_text(found.status, found.target.label, look.glyphs), shown, *limits))
    return table([words("Metric", least=12), figures("Now"), figures("Target"), figures("Alert if", 1)], rows, look)


def _attention(drift: DriftAlert | None, alarms: Sequence[str], look: Look) -> list[Text]:
    found = [fmt.state_text("alert", look.name(text, 400).plain, look.glyphs) for text in alarms]
    if drift is not None:
        state = "warn" if drift.worse else "ok"
        found.append(fmt.state_text(state, look.cell(f"accuracy {drift.text}"), look.glyphs))
    return found


def _number(value: float | None, digits: int, look: Look) -> str:
    return look.glyphs.none if value is None else f"{value:.{digits}f}"


def _verdict(correct: bool | None, look: Look) -> Text:
    words = {True: ("ok", "right"), False: ("alert", "wrong"), None: ("unknown", "not graded")}
    state, word = words[correct]
    return fmt.state_text(state, word, look.glyphs)


# --- one layer --------------------------------------------------------------------------------------------------


def analysis(found: LayerAnalysis, window: Window, look: Look) -> RenderableType:
    """The analysis of one layer: how it does, what its threshold costs, what the classic rule would advise."""
    name = look.name(found.layer, 40).plain
    glyphs = look.glyphs
    facts: list[Field] = [
        ("Total events", fmt.count(found.events, glyphs)),
        ("Layer attempts", fmt.count(found.attempts, glyphs)),
        ("Success rate", _share(found.success, look)),
        ("Captured", _share(found.captured, look)),
        ("Avg confidence", _number(found.mean_confidence, 3, look)),
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
    return Group(
        header("Routing Performance Analysis", look, window_text(window, look)),
        heading(f"Layer: {name}"),
        fields(facts, look),
        heading(f"Threshold Analysis: {name}"),
        lines(threshold),
        heading("Recommendations"),
        lines([look.cell(found.recommendation()), Text(_CAVEAT, "$dim")]),
    )


_CAVEAT = (
    "By the classic count rule, which looks at one layer alone and keeps no accuracy target;\n"
    "`fedtop tune --dry-run` weighs all layers together and says what is certain."
)


def _share(share: Share, look: Look, *, n: bool = True) -> Text:
    low, high = share.interval or (None, None)
    return tight(fmt.rate_text(share.rate, low, high, share.n if n else None, glyphs=look.glyphs))


# --- one decision -------------------------------------------------------------------------------------------------


def why(view: WhyView, look: Look) -> RenderableType:
    """The ladder of one decision: each layer's confidence against its threshold, then and under today's policy."""
    row = view.decision
    version = "before the first change" if view.policy_version is None else f"version {view.policy_version}"
    facts: list[Field] = [
        ("Time", look.when(row.at_ms)),
        ("Agent", look.name(row.agent)),
        ("Decided by", look.name(row.layer)),
        ("Latency", fmt.duration_ms(row.latency_ms, look.glyphs)),
        ("Verdict", _verdict(row.correct, look)),
        ("Right agent", look.name(view.correct_agent or "")),
        ("Policy then", version),
        ("Policy now", _now(view, look)),
    ]
    return Group(
        header(f"Decision {look.name(row.id, 60).plain}", look),
        fields(facts, look),
        heading("Ladder"),
        table_of(LADDER, view.steps, look),
    )


def _now(view: WhyView, look: Look) -> Text:
    if view.now_layer is None:
        return Text("the log cannot tell: a layer it would need was not asked", "$dim")
    same = view.now_layer == view.decision.layer and view.now_agent == view.decision.agent
    if same:
        return Text("the same")
    return Text.assemble(look.name(view.now_layer), f" {look.glyphs.arrow} ", look.name(view.now_agent or "?"))
