"""A plan: what would change, on which evidence, with which effect; a plain value that changes nothing by itself.

A plan names the policy version and the data it was made from, so that applying it can be refused when either
has moved. It goes to JSON and back without loss; ``id`` and hashes are derived from the content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from fedstore.policy.extent import Extent

__all__ = ["Alternative", "Flip", "Pair", "Plan", "PlanItem", "Predicted", "pair_of"]

Kind = Literal["optimize", "tune", "import", "lock", "undo"]
Pair = tuple[float, float]
_PREFIX = {"optimize": "o", "tune": "t", "import": "i", "lock": "l", "undo": "u"}


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One value that would change; ``old`` or ``new`` is None where nothing is set."""

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
    detail: Mapping[str, Any] = field(default_factory=dict)


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

    policy: str
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
class Plan:
    """A dry-run. ``items`` may be empty: then ``reasons`` say why nothing should change."""

    kind: Kind
    policy: str
    """The rule it was made by, such as "certified" or "shrunk"."""
    verdict: str
    """tune: certified | estimated | recover | insufficient | keep; optimize: proposed | nothing."""
    made_ms: int
    policy_version: int
    policy_hash: str
    items: tuple[PlanItem, ...] = ()
    pins: Mapping[str, float] = field(default_factory=dict)
    """Values that stay as they are but are written down, because the evidence is about all of them together."""
    window_label: str = ""
    extent: Extent | None = None
    predicted: Mapping[str, Predicted] = field(default_factory=dict)
    flips: Mapping[str, int] | None = None
    """Counts: total, same_agent, now_right, now_wrong, same_verdict, unknown."""
    flipped: tuple[Flip, ...] = ()
    """The newest of the decisions that would go elsewhere."""
    alternatives: tuple[Alternative, ...] = ()
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    more_needed: int | None = None
    """Graded facts still missing for a certified answer; 0 enough, None no number would do."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    """The complete result it was made from."""
    id: str = ""

    @property
    def changed(self) -> bool:
        """Whether it would change anything."""
        return bool(self.items)

    @property
    def is_certified(self) -> bool:
        """Whether what it promises holds at its confidence; only a plan for thresholds can promise anything."""
        return self.kind != "tune" or self.verdict == "certified"

    @property
    def data_token(self) -> str:
        """A hash of the window and the evidence in it; empty for a plan without evidence."""
        return self.extent.token() if self.extent else ""

    @property
    def evidence_end_ms(self) -> int:
        """Facts before this moment were used; 0 when none were. What is imported for later times is new."""
        return self.extent.last_ms + 1 if self.extent and self.extent.facts else 0

    @property
    def values(self) -> dict[str, float | None]:
        """What it sets in the policy: its items and its pins."""
        return {**self.pins, **{item.key: item.new for item in self.items}}

    def named(self, length: int = 4) -> Plan:
        """The plan under an id made from what it says, such as ``t-4f2a``."""
        text = json.dumps(replace(self, id="").to_dict(), sort_keys=True, default=str)
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        return replace(self, id=f"{_PREFIX[self.kind]}-{digest[:length]}")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-able values."""
        return {**_plain(asdict(self)), "data_token": self.data_token}

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Plan:
        """The reverse of ``to_dict``. Raises KeyError or TypeError for what is not a plan."""
        given = {key: value for key, value in plain.items() if key != "data_token"}
        given["items"] = tuple(_item(item) for item in plain["items"])
        given["extent"] = Extent(**plain["extent"]) if plain.get("extent") else None
        given["predicted"] = {name: _predicted(value) for name, value in plain["predicted"].items()}
        given["flipped"] = tuple(Flip(**flip) for flip in plain["flipped"])
        given["alternatives"] = tuple(Alternative(**other) for other in plain["alternatives"])
        for name in ("reasons", "warnings"):
            given[name] = tuple(plain[name])
        return cls(**given)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The reverse of ``to_json``."""
        return cls.from_dict(json.loads(text))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _item(plain: Mapping[str, Any]) -> PlanItem:
    return PlanItem(**{**plain, "interval": pair_of(plain.get("interval"))})


def _predicted(plain: Mapping[str, Any]) -> Predicted:
    intervals = {name: pair_of(value) for name, value in plain.items() if name.endswith("interval")}
    return Predicted(**{**plain, **intervals})


def pair_of(interval: Any) -> Pair | None:
    """A pair of floats from any pair; None stays None."""
    return None if interval is None else (float(interval[0]), float(interval[1]))
