"""What a plan is made of: its items, what it predicts, and the decisions that would go elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fedstore.policy.details import Pair

__all__ = ["Alternative", "Flip", "FlipCounts", "PlanItem", "Predicted"]


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One value that would change; `old` or `new` is None where nothing is set."""

    key: str
    label: str
    old: float | None
    new: float | None
    evidence: str = ""
    """One sentence."""
    grade: str = ""
    """tune: exact | probe | donor. optimize: certified | estimated | too little."""
    n: int | None = None
    """Graded facts the item rests on."""
    interval: Pair | None = None
    """95 % interval of the rate the item rests on."""
    limited: bool = False
    """Whether the evidence asks for more than one change may move."""
    restores: float | None = None
    """Of an undo that leaves nothing set: what the router used before, which files get back."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """One measure, now and under the plan; the intervals are at about 95 %. None: cannot be told."""

    now: float | None
    new: float | None
    change: float | None = None
    now_interval: Pair | None = None
    new_interval: Pair | None = None
    change_interval: Pair | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """What another rule would set on the same evidence."""

    rule: str
    values: Mapping[str, float | None]
    note: str
    predicted: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flip:
    """A decision that would go elsewhere."""

    route_id: str
    at_ms: int
    old_layer: str
    new_layer: str
    old_agent: str
    new_agent: str
    consequence: str
    """same agent | now right | now wrong | same verdict | unknown."""


@dataclass(frozen=True, slots=True)
class FlipCounts:
    """How many decisions would go elsewhere, and what would come of them; the last five add up to the first."""

    total: int
    same_agent: int
    now_right: int
    now_wrong: int
    same_verdict: int
    """Another agent, but as right or as wrong as before."""
    unknown: int
