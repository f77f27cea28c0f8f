"""The policy as a value: thresholds of layers, boosts of agents, locks; and the keys its items go by.

Keys are `layer:NAME`, `agent:NAME`, `agent:NAME/TASK_TYPE` and `lock:KEY`; a slash in an agent's name is
written `%2F`. `off:NAME` is a layer that routers do not ask, `place:NAME` where a layer stands in the cascade.
The JSON form is canonical, so equal policies have equal text and equal hashes. Standard library only:
routers import this.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedstore.policy.former import Plain

__all__ = [
    "PolicyBody", "boost_key", "boosted", "differences", "label_of", "off_key", "place_key", "threshold_key", "word_of",
]  # fmt: skip

_LAYER, _AGENT, _LOCK, _OFF, _PLACE = "layer:", "agent:", "lock:", "off:", "place:"
LOCKED = 1.0
SAME = 1e-9
"""Values that differ by no more are the same."""


def threshold_key(layer: str) -> str:
    """The key of a layer's threshold."""
    return _LAYER + layer


def off_key(layer: str) -> str:
    """The key of whether a layer is disabled."""
    return _OFF + layer


def place_key(layer: str) -> str:
    """The key of a layer's place in the cascade, from 1 on."""
    return _PLACE + layer


def boost_key(agent: str, task_type: str = "") -> str:
    """The key of an agent's boost, for one task type or ("") for all."""
    name = agent.replace("%", "%25").replace("/", "%2F")
    return f"{_AGENT}{name}/{task_type}" if task_type else _AGENT + name


def _agent_of(key: str) -> tuple[str, str]:
    name, _, task_type = key[len(_AGENT) :].partition("/")
    return name.replace("%2F", "/").replace("%25", "%"), task_type


def boosted(key: str) -> tuple[str, str] | None:
    """The agent and task type ("" for all) whose boost a key is; None for another item."""
    return _agent_of(key) if key.startswith(_AGENT) else None


def label_of(key: str) -> str:
    """What a key is about, for people."""
    if key.startswith(_LAYER):
        return key[len(_LAYER) :]
    if key.startswith(_LOCK):
        return f"lock on {label_of(key[len(_LOCK) :])}"
    if key.startswith(_OFF):
        return f"asking {key[len(_OFF) :]}"
    if key.startswith(_PLACE):
        return f"place of {key[len(_PLACE) :]}"
    agent, task_type = _agent_of(key)
    return f"{agent} for {task_type}" if task_type else agent


def word_of(key: str, value: float | None) -> str | None:
    """What a value of an item says, where that is no figure of a boost or a threshold."""
    if key.startswith(_LOCK):
        return "open" if value is None else "locked"
    if key.startswith(_OFF):
        return "on" if value is None else "off"
    if key.startswith(_PLACE):
        return "not set" if value is None else f"{value:.0f}"
    return None


@dataclass(frozen=True, slots=True)
class PolicyBody:
    """`thresholds` by layer; `boosts` by agent, then task type ("" for all); `locked` keys; `disabled` layers;
    `order`, the layers of the cascade where a file has told it.
    """

    thresholds: Mapping[str, float] = field(default_factory=dict)
    boosts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    locked: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    def values(self) -> dict[str, float]:
        """Everything the policy sets, by key."""
        found = {threshold_key(layer): value for layer, value in self.thresholds.items()}
        for agent, by_type in self.boosts.items():
            found.update({boost_key(agent, task_type): value for task_type, value in by_type.items()})
        found.update({_LOCK + key: LOCKED for key in self.locked})
        found.update({off_key(layer): LOCKED for layer in self.disabled})
        found.update({place_key(layer): float(place) for place, layer in enumerate(self.order, start=1)})
        return found

    def with_values(self, changes: Mapping[str, float | None]) -> PolicyBody:
        """The policy with some keys set, or (None) taken out."""
        merged: dict[str, float | None] = {**self.values(), **changes}
        return PolicyBody.from_values({key: value for key, value in merged.items() if value is not None})

    @classmethod
    def from_values(cls, values: Mapping[str, float]) -> PolicyBody:
        """The policy that sets exactly these keys. Raises ValueError for one that makes no sense."""
        thresholds: dict[str, float] = {}
        boosts: dict[str, dict[str, float]] = {}
        locked, disabled, places = [], [], {}
        for key, value in values.items():
            if not math.isfinite(value):
                raise ValueError(f"{key}: {value} is not a number a policy can hold")
            if key.startswith(_LOCK):
                locked.append(key[len(_LOCK) :])
            elif key.startswith(_OFF):
                disabled.append(key[len(_OFF) :])
            elif key.startswith(_PLACE):
                places[key[len(_PLACE) :]] = value
            elif key.startswith(_LAYER):
                thresholds[key[len(_LAYER) :]] = value
            elif key.startswith(_AGENT):
                agent, task_type = _agent_of(key)
                boosts.setdefault(agent, {})[task_type] = value
            else:
                raise ValueError(f"{key!r} is not an item of a policy: use layer:NAME or agent:NAME[/TASK_TYPE]")
        order = sorted(places, key=lambda layer: (places[layer], layer))
        return cls(thresholds, boosts, tuple(sorted(locked)), tuple(sorted(disabled)), tuple(order))

    def in_order(self, layers: Sequence[str]) -> PolicyBody:
        """The same policy with its thresholds in its own order of the cascade, else in that of `layers`; those of
        other layers stand behind.
        """
        place = {layer: number for number, layer in enumerate(dict.fromkeys((*self.order, *layers)))}
        known = sorted(self.thresholds, key=lambda layer: place.get(layer, len(place)))
        return replace(self, thresholds={layer: self.thresholds[layer] for layer in known})

    def boost(self, agent: str, task_type: str = "") -> float:
        """What is added to an agent's score: the task type's boost, else the agent's own, else 0."""
        by_type = self.boosts.get(agent, {})
        return by_type.get(task_type, by_type.get("", 0.0))

    def to_dict(self) -> dict[str, object]:
        """Plain JSON-able values."""
        return {
            "thresholds": dict(self.thresholds),
            "boosts": {agent: dict(by_type) for agent, by_type in self.boosts.items()},
            "locked": sorted(self.locked),
            **({"disabled": sorted(self.disabled)} if self.disabled else {}),
            **({"order": list(self.order)} if self.order else {}),
        }

    @classmethod
    def from_dict(cls, plain: Plain) -> PolicyBody:
        """The reverse of `to_dict`."""
        return cls(
            {str(layer): float(value) for layer, value in plain.get("thresholds", {}).items()},
            {
                str(agent): {str(kind): float(value) for kind, value in by_type.items()}
                for agent, by_type in plain.get("boosts", {}).items()
            },
            tuple(sorted(map(str, plain.get("locked", ())))),
            tuple(sorted(map(str, plain.get("disabled", ())))),
            tuple(map(str, plain.get("order", ()))),
        )

    def to_json(self) -> str:
        """Canonical JSON: equal policies give equal text."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> PolicyBody:
        """The reverse of `to_json`."""
        return cls.from_dict(json.loads(text))

    def digest(self) -> str:
        """A short hash of the whole policy."""
        return hashlib.blake2b(self.to_json().encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def differences(old: PolicyBody, new: PolicyBody) -> dict[str, tuple[float | None, float | None]]:
    """The keys in which two policies differ, with both values."""
    before, after = old.values(), new.values()
    return {
        key: (before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    }
