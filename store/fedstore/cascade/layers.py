"""One layer of a cascade, and what came of asking it: an answer, or the reason why it was unable to give one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypedDict, TypeVar

from fedstore.learning.classic import CLASSIC_THRESHOLDS
from fedstore.learning.layers import LAST_RESORT
from fedstore.numbers import as_confidence

__all__ = [
    "DEFAULT_THRESHOLDS",
    "LAST_RESORT",
    "Asked",
    "AttemptFields",
    "Layer",
    "LayerFunction",
    "LayerLike",
    "RouteFields",
    "Task",
    "ask",
    "layers_of",
]

Task = TypeVar("Task")
"""Whatever a cascade routes: what its layers take."""
LayerFunction: TypeAlias = Callable[[Task], tuple[str, float] | None]
"""`task -> (agent, confidence)`, or None when the layer has no proposal."""

DEFAULT_THRESHOLDS = {name: value for name, value in CLASSIC_THRESHOLDS.items() if name != LAST_RESORT}
"""Of the classic cascade; any other layer starts at 0.85."""
_OTHER_THRESHOLD = 0.85
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Layer(Generic[Task]):
    """A layer: its name, its function, and its threshold where the policy sets none."""

    name: str
    function: LayerFunction[Task]
    threshold: float


LayerLike: TypeAlias = tuple[str, LayerFunction[Task]] | tuple[str, LayerFunction[Task], float] | Layer[Task]
"""A layer, or its name and function, and its threshold where it is not the usual one."""


class AttemptFields(TypedDict):
    """The fields of `fedstore.Attempt`."""

    layer: str
    agent: str
    confidence: float | None
    threshold: float
    accepted: bool
    latency_ms: float
    shadow: bool
    shadow_rate: float | None
    error_class: str


class RouteFields(TypedDict):
    """The fields of `fedstore.Route` that a cascade gives."""

    id: str
    at: int
    task_id: str
    description: str | None
    agent: str
    layer: str
    confidence: float | None
    latency_ms: float
    attempts: list[AttemptFields]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a layer said. `error` says why it was unable: the class of what it raised, Timeout, NoProposal …"""

    layer: str
    agent: str
    confidence: float | None
    threshold: float
    latency_ms: float
    error: str = ""

    def reaches(self, band: float = 0.0) -> bool:
        """Whether the layer proposed an agent with the confidence its threshold (plus `band`) asks; ties accept."""
        if self.error or self.confidence is None:
            return False
        return self.confidence >= (self.threshold + band - _ROUNDING if band else self.threshold)

    def attempt(self, *, accepted: bool = False, shadow_rate: float | None = None) -> AttemptFields:
        """As an attempt of a route; with a `shadow_rate`, one of a background probe."""
        return {
            "layer": self.layer, "agent": self.agent, "confidence": self.confidence, "threshold": self.threshold,
            "accepted": accepted, "latency_ms": self.latency_ms, "shadow": shadow_rate is not None,
            "shadow_rate": shadow_rate, "error_class": self.error,
        }  # fmt: skip


def layers_of(given: Sequence[LayerLike[Task]]) -> tuple[Layer[Task], ...]:
    """Layers from pairs, triples or Layers. Raises ValueError for a name used twice or a threshold out of range."""
    found = tuple(entry if isinstance(entry, Layer) else _layer(*entry) for entry in given)
    names = [layer.name for layer in found]
    if len(set(names)) != len(names) or LAST_RESORT in names:
        raise ValueError(f"layers need names of their own, and {LAST_RESORT!r} is the last resort: {', '.join(names)}")
    for layer in found:
        if not 0.0 <= layer.threshold <= 1.0:
            raise ValueError(f"the threshold of {layer.name} must lie between 0 and 1, not {layer.threshold}")
    return found


def _layer(name: str, function: LayerFunction[Task], threshold: float | None = None) -> Layer[Task]:
    usual = DEFAULT_THRESHOLDS.get(name, _OTHER_THRESHOLD)
    return Layer(name, function, usual if threshold is None else threshold)


def ask(layer: Layer[Task], task: Task, threshold: float, timeout_s: float | None, timer: Callable[[], float]) -> Asked:
    """Ask one layer; whatever goes wrong is its answer."""
    started = timer()
    try:
        answer = layer.function(task) if timeout_s is None else _within(layer.function, task, timeout_s)
        agent, confidence, error = _checked(answer)
    except TimeoutError:
        agent, confidence, error = "", None, "Timeout"
    except Exception as raised:  # noqa: BLE001 - a layer that fails is unable; the next one is asked
        agent, confidence, error = "", None, type(raised).__name__
    return Asked(layer.name, agent, confidence, threshold, (timer() - started) * 1000, error)


def _checked(answer: tuple[str, float] | None) -> tuple[str, float | None, str]:
    if answer is None:
        return "", None, "NoProposal"
    agent, confidence = answer
    if not isinstance(agent, str) or not agent:
        return "", None, "NoProposal"
    value = float(confidence)
    try:
        return agent, as_confidence(value), ""
    except ValueError:
        return agent, None, "InvalidConfidence"


def _within(function: LayerFunction[Task], task: Task, timeout_s: float) -> tuple[str, float] | None:
    """The answer if it comes in time. A thread cannot be stopped: a late one ends by itself, unheard."""
    answer: list[tuple[str, float] | None] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(function(task))
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits
            raised.append(error)

    thread = threading.Thread(target=run, name=f"cascade-{function!r}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if raised:
        raise raised[0]
    if not answer:
        raise TimeoutError
    return answer[0]
