"""What happened since a change: predicted against measured after 1 h, 24 h, 7 d and now, and where it stands.

Only facts logged under the new policy count: decisions from the first one on that shows a new threshold, without
those that still show another; tasks that ended after the change and before the next change of the same items.
The state is an e-process's, valid however often it is looked at (`learning.verify`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from fedstore.learning.verify import EffectState
from fedstore.policy.details import Pair, pair_of
from fedstore.policy.former import Plain, read, with_former_names

__all__ = ["Effects", "Measured"]


@dataclass(frozen=True, slots=True)
class Measured:
    """The measures over the facts of one horizon; None is not known."""

    horizon: str
    """1h | 24h | 7d | now."""
    end_ms: int
    complete: bool
    """Whether the horizon has passed."""
    n: int
    graded: int
    values: Mapping[str, float | None] = field(default_factory=dict)
    """accuracy, latency_ms, clarify (tune) or success (optimize)."""
    intervals: Mapping[str, Pair | None] = field(default_factory=dict)
    """95 % intervals."""
    predicted: Mapping[str, float | None] = field(default_factory=dict)
    """The plan's new values by the same names."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What happened since one change."""

    state: EffectState
    """Whether it is confirmed, harmful, or still being watched; valid however often one looks."""
    reference: float | None
    """The rate below which the change counts as harmful; None when nothing can be judged."""
    measured: tuple[Measured, ...]
    seen_since_ms: int | None
    """The first fact under the new policy; None before there is one."""
    broken: tuple[str, ...] = ()
    """Why the replay's assumptions do not hold, if they do not."""
    notes: tuple[str, ...] = ()

    @property
    def now(self) -> Measured:
        """Everything since the change."""
        return self.measured[-1]

    @property
    def verdict(self) -> EffectState:
        """The former name of `state`."""
        return self.state

    def to_dict(self) -> dict[str, object]:
        """Plain JSON-able values; `state` under its former name too."""
        plain = asdict(self)
        for measured in plain["measured"]:
            measured["intervals"] = {
                name: None if pair is None else list(pair) for name, pair in measured["intervals"].items()
            }
        return with_former_names(plain)

    @classmethod
    def from_dict(cls, plain: Plain) -> Effects:
        """The reverse of `to_dict`. Raises KeyError or TypeError for what effects are not."""
        measured = tuple(
            read(Measured, one, intervals={name: pair_of(pair) for name, pair in one["intervals"].items()})
            for one in plain["measured"]
        )
        texts = {name: tuple(plain.get(name, ())) for name in ("broken", "notes")}
        return read(cls, plain, measured=measured, **texts)
