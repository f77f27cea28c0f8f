"""Why a decision went where it went, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import Captioned, captioned, header, heading
from fedtop.plain.tables import table_of
from fedtop.views.why.columns import LADDER
from fedtop.views.why.parts import verdict_text

if TYPE_CHECKING:
    from fedstore.queries.models import WhyView
    from fedtop.plain.look import Look

__all__ = ["why"]


def why(view: WhyView, look: Look) -> RenderableType:
    """The ladder of one decision: each layer's confidence against its threshold, then and under today's policy."""
    row = view.decision
    version = "before the first change" if view.policy_version is None else f"version {view.policy_version}"
    facts: list[Captioned] = [
        ("Time", look.when(row.at_ms)),
        ("Agent", look.name(row.agent)),
        ("Decided by", look.name(row.layer)),
        ("Latency", fmt.duration_ms(row.latency_ms, look.glyphs)),
        ("Verdict", verdict_text(view)),
        ("Right agent", look.name(view.correct_agent or "")),
        ("Policy then", version),
        ("Policy now", _now(view, look)),
    ]
    return Group(
        header(f"Decision {look.name(row.id, 60).plain}", look),
        captioned(facts, look),
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
