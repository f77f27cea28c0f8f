"""A plan: what would change, on which evidence, with which effect; a plain value that changes nothing by itself.

A plan names the policy version and the data it was made from, so that applying it can be refused when either
has moved. It goes to JSON and back without loss; `id` and hashes are derived from the content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from fedstore.json_value import plain_value
from fedstore.policy.details import BoostDetail, BoostEvidence, BoostSettings, TuneDetail
from fedstore.policy.extent import Extent
from fedstore.policy.former import Plain, read, with_former_names
from fedstore.policy.parts import Alternative, Flip, FlipCounts, PlanItem, Predicted

if TYPE_CHECKING:
    from fedstore.learning.tuning_types import LayerChange, TuneSettings

__all__ = ["Kind", "Plan"]

Kind = Literal["optimize", "tune", "import", "lock", "undo"]
_PREFIX = {"optimize": "o", "tune": "t", "import": "i", "lock": "l", "undo": "u"}


@dataclass(frozen=True, slots=True)
class Plan:
    """A dry-run. `items` may be empty: then `reasons` say why nothing should change."""

    kind: Kind
    rule: str
    """The rule it was made by, such as "certified" or "shrunk"; "given" or "undo" for what a user set."""
    conclusion: str
    """tune: certified | estimated | recover | insufficient | keep; optimize: proposed | nothing; else given."""
    made_ms: int
    policy_version: int
    policy_hash: str
    items: tuple[PlanItem, ...] = ()
    pins: Mapping[str, float] = field(default_factory=dict)
    """Values that stay as they are but are written down, because the evidence is about all of them together."""
    window_label: str = ""
    extent: Extent | None = None
    predicted: Mapping[str, Predicted] = field(default_factory=dict)
    """By measure: accuracy, latency_ms, clarify (tune), success (optimize)."""
    flips: FlipCounts | None = None
    flipped: tuple[Flip, ...] = ()
    """The newest of the decisions that would go elsewhere."""
    alternatives: tuple[Alternative, ...] = ()
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    more_needed: int | None = None
    """Graded facts still missing for a certified answer; 0 enough, None no number would do."""
    settings: TuneSettings | BoostSettings | None = None
    """How it was made; None for what a user set."""
    detail: TuneDetail | BoostDetail | None = None
    """What stands behind it; None for what a user set."""
    id: str = ""

    @property
    def changed(self) -> bool:
        """Whether it would change anything."""
        return bool(self.items)

    @property
    def is_certified(self) -> bool:
        """Whether what it promises holds at its confidence; only a plan for thresholds can promise anything."""
        return self.kind != "tune" or self.conclusion == "certified"

    @property
    def is_given(self) -> bool:
        """Whether a user set its values; no rule proposed them."""
        return self.kind not in ("optimize", "tune")

    @property
    def policy(self) -> str:
        """The former name of `rule`."""
        return self.rule

    @property
    def verdict(self) -> str:
        """The former name of `conclusion`."""
        return self.conclusion

    @property
    def tuned(self) -> TuneDetail | None:
        """What stands behind a plan for thresholds; None of any other plan."""
        return self.detail if isinstance(self.detail, TuneDetail) else None

    @property
    def layers(self) -> tuple[LayerChange, ...]:
        """The layers that a plan for thresholds weighed; none of any other plan."""
        return () if self.tuned is None else self.tuned.layers

    @property
    def tuning(self) -> TuneSettings | None:
        """How a plan for thresholds was made; None of any other plan."""
        return None if self.settings is None or isinstance(self.settings, BoostSettings) else self.settings

    @property
    def proposals(self) -> dict[str, BoostEvidence]:
        """What the boosts of a plan rest on, by item key; those that stay have theirs too."""
        return self.detail.by_key() if isinstance(self.detail, BoostDetail) else {}

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
        """The plan under an id made from what it says, such as `t-4f2a`."""
        text = json.dumps(replace(self, id="").to_dict(), sort_keys=True, default=str)
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        return replace(self, id=f"{_PREFIX[self.kind]}-{digest[:length]}")

    def to_dict(self) -> dict[str, object]:
        """Plain JSON-able values; `rule` and `conclusion` under their former names too."""
        fields = asdict(self)
        fields["alternatives"] = [with_former_names(other) for other in fields["alternatives"]]
        plain = {name: plain_value(value) for name, value in fields.items()}  # so that it equals itself read back
        return {**with_former_names(plain), "data_token": self.data_token}

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_dict(cls, plain: Plain) -> Plan:
        """The reverse of `to_dict`. Raises KeyError, TypeError or ValueError for what is not a plan."""
        from fedstore.policy.stored import plan_fields

        return read(cls, plain, **plan_fields(plain))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The reverse of `to_json`."""
        return cls.from_dict(json.loads(text))
