"""One layer of a cascade, and what came of asking it: an answer, or the reason why it was unable to give one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from fedstore.numbers import as_confidence

__all__ = ["DEFAULT_THRESHOLDS", "LAST_RESORT", "Asked", "Layer", "LayerFunction", "ask", "layers_of"]

LayerFunction: TypeAlias = Callable[[Any], Any]
"""``task -> (agent, confidence)``, or None when the layer has no proposal."""

LAST_RESORT = "clarification"
DEFAULT_THRESHOLDS = {"keyword": 0.85, "semantic": 0.70, "rag": 0.85, "pytorch": 0.90}
"""Of the usual five-layer cascade; any other layer starts at 0.85."""
_OTHER_THRESHOLD = 0.85
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer: its name, its function, and its threshold where the policy sets none."""

    name: str
    function: LayerFunction
    threshold: float


@dataclass(frozen=True, slots=True)
class Asked:
    """What a layer said. ``error`` says why it was unable: the class of what it raised, Timeout, NoProposal …"""

    layer: str
    agent: str
    confidence: float | None
    threshold: float
    latency_ms: float
    error: str = ""

    def reaches(self, band: float = 0.0) -> bool:
        """Whether the layer proposed an agent with the confidence its threshold (plus ``band``) asks; ties accept."""
        if self.error or self.confidence is None:
            return False
        return self.confidence >= (self.threshold + band - _ROUNDING if band else self.threshold)

    def attempt(self, *, accepted: bool = False, shadow_rate: float | None = None) -> dict[str, Any]:
        """As an attempt of a route; with a ``shadow_rate``, one of a background probe."""
        return {
            "layer": self.layer, "agent": self.agent, "confidence": self.confidence, "threshold": self.threshold,
            "accepted": accepted, "latency_ms": self.latency_ms, "shadow": shadow_rate is not None,
            "shadow_rate": shadow_rate, "error_class": self.error,
        }  # fmt: skip


def layers_of(given: Sequence[Any]) -> tuple[Layer, ...]:
    """Layers from pairs, triples or Layers. Raises ValueError for a name used twice or a threshold out of range."""
    found = tuple(entry if isinstance(entry, Layer) else _layer(*entry) for entry in given)
    names = [layer.name for layer in found]
    if len(set(names)) != len(names) or LAST_RESORT in names:
        raise ValueError(f"layers need names of their own, and {LAST_RESORT!r} is the last resort: {', '.join(names)}")
    for layer in found:
        if not 0.0 <= layer.threshold <= 1.0:
            raise ValueError(f"the threshold of {layer.name} must lie between 0 and 1, not {layer.threshold}")
    return found


def _layer(name: str, function: LayerFunction, threshold: float | None = None) -> Layer:
    usual = DEFAULT_THRESHOLDS.get(name, _OTHER_THRESHOLD)
    return Layer(name, function, usual if threshold is None else threshold)


def ask(layer: Layer, task: Any, threshold: float, timeout_s: float | None, timer: Callable[[], float]) -> Asked:
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


def _checked(answer: Any) -> tuple[str, float | None, str]:
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


def _within(function: LayerFunction, task: Any, timeout_s: float) -> Any:
    """The answer if it comes in time. A thread cannot be stopped: a late one ends by itself, unheard."""
    answer: list[Any] = []
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
