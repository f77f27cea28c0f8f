"""What a router's `config.json` says: its layers in cascade order, and how they and the dashboard are to be.

Layers stand in one of three shapes: `routing_layers` (or `layers`) as a list of objects with `layer_name` (or `name`)
and `confidence_threshold` (or `threshold`), the same as an object by name, or plain `thresholds` by name. The other
keys are those of the original's file: `enabled`, `latency_target_ms` and `accuracy_target` of a layer, and the tables
`performance_tracking` and `dashboard`. Nothing is written here (`policy.sinks` does); standard library only.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from fedstore.errors import FedstoreError
from fedstore.files import read_json
from fedstore.json_value import object_of

__all__ = [
    "ConfigFile", "LayerSetup", "RoutingConfig", "Slot", "object_in", "read_bytes", "read_config", "read_thresholds",
    "routing_config_of", "slots_of", "thresholds_of",
]  # fmt: skip

LISTS = ("layers", "routing_layers")
NAMES = ("name", "layer_name", "id", "layer")
VALUES = ("threshold", "confidence_threshold")

Slot: TypeAlias = tuple[dict[str, object], str]
"""The object that holds a threshold, and under which key."""


@dataclass(frozen=True, slots=True)
class LayerSetup:
    """One layer; what is None is not said. Times in milliseconds, shares in [0, 1]."""

    name: str
    threshold: float
    enabled: bool = True
    latency_target_ms: float | None = None
    accuracy_target: float | None = None


@dataclass(frozen=True, slots=True)
class RoutingConfig:
    """A whole file, or one that says nothing."""

    layers: tuple[LayerSetup, ...] = ()
    """In cascade order: by `layer_id` where each has one, else as they stand."""
    is_ordered: bool = False
    """Whether their order is that of the cascade; plain thresholds by name have none."""
    min_samples: int | None = None
    """So many graded attempts must a layer have before it is tuned."""
    window_hours: int | None = None
    """What the dashboard looks at."""
    refresh_s: float | None = None
    """How often it looks."""

    @property
    def thresholds(self) -> dict[str, float]:
        """The threshold of every layer, disabled ones too."""
        return {layer.name: layer.threshold for layer in self.layers}

    @property
    def disabled(self) -> frozenset[str]:
        """The layers that a router is not to ask."""
        return frozenset(layer.name for layer in self.layers if not layer.enabled)

    def layer(self, name: str) -> LayerSetup | None:
        """One layer; None for one it does not speak of."""
        return next((layer for layer in self.layers if layer.name == name), None)


class ConfigFile:
    """A file that is read again when it has changed; for who looks at it often. `path` None is no file."""

    def __init__(self, path: str | Path | None) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._known = RoutingConfig()

    def known(self) -> RoutingConfig:
        """What it says now; what it said last where it is gone or cannot be read (`fedtop doctor` tells of that)."""
        if self._path is None:
            return self._known
        try:
            found = Path(self._path).stat()
            seen = found.st_mtime_ns, found.st_size, found.st_ino
            if seen != self._seen:
                self._seen, self._known = seen, read_config(self._path)
        except (OSError, FedstoreError):
            pass
        return self._known


def read_config(path: str | Path) -> RoutingConfig:
    """What the file at `path` says. Raises FedstoreError."""
    return routing_config_of(object_in(read_bytes(path), str(path)), str(path))


def read_thresholds(path: str | Path) -> dict[str, float]:
    """Thresholds by layer from a routing `config.json`; disabled layers are left out. Raises FedstoreError."""
    return thresholds_of(object_in(read_bytes(path), str(path)), str(path))


def thresholds_of(config: dict[str, object], path: str) -> dict[str, float]:
    """The same from what the file at `path` holds."""
    return {layer.name: layer.threshold for layer in routing_config_of(config, path).layers if layer.enabled}


def routing_config_of(config: dict[str, object], path: str) -> RoutingConfig:
    """What an object from the file at `path` says. Raises FedstoreError for a threshold that makes no sense.

    What makes no sense beside the thresholds is not said.
    """
    found: dict[str, LayerSetup] = {}
    told: set[str] = set()
    places: dict[str, float] = {}
    for name, (holder, key) in slots_of(config):
        own = key in VALUES
        threshold, former = _threshold(name, holder[key], path), found.get(name)
        if former is not None and former.threshold != threshold:
            raise FedstoreError(
                f"{path}: {name!r} has two thresholds, {former.threshold:g} and {threshold:g}: keep one"
            )
        found[name] = LayerSetup(
            name,
            threshold,
            enabled=not own or holder.get("enabled", True) is not False,
            latency_target_ms=_number(holder.get("latency_target_ms")) or None if own else None,
            accuracy_target=_share(holder.get("accuracy_target")) if own else None,
        )
        told |= {name} if own else set()
        place = _number(holder.get("layer_id")) if own else None
        if place is not None:
            places[name] = place
    if len(places) < len(found):
        places = {}
    tracking, dashboard = object_of(config.get("performance_tracking")), object_of(config.get("dashboard"))
    return RoutingConfig(
        tuple(sorted(found.values(), key=lambda layer: places.get(layer.name, 0.0))),
        is_ordered=bool(told) and told == found.keys(),
        min_samples=_whole(tracking.get("min_samples_for_tuning")),
        window_hours=_whole(dashboard.get("metrics_window_hours")),
        refresh_s=_number(dashboard.get("refresh_interval_seconds")) or None,
    )


def _threshold(name: str, value: object, path: str) -> float:
    found = _share(value)
    if found is None:
        said = reprlib.repr(value)
        raise FedstoreError(f"{path}: the threshold of {name!r} is {said}: it must be a number from 0 to 1")
    return found


def _number(value: object) -> float | None:
    """A number from 0 on."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def _share(value: object) -> float | None:
    found = _number(value)
    return found if found is not None and found <= 1.0 else None


def _whole(value: object) -> int | None:
    """A number from 1 on."""
    found = _number(value)
    return int(found) if found is not None and 1 <= found < 1_000_000 else None


def read_bytes(path: str | Path) -> bytes:
    """What a file or a pipe holds. Raises FedstoreError."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise FedstoreError(f"{path} cannot be read ({error.strerror}): check the path and its permissions") from error


def object_in(content: bytes, path: str) -> dict[str, object]:
    """The JSON object that the file at `path` holds. Raises FedstoreError."""
    try:
        config = read_json(content)
    except ValueError as error:
        raise FedstoreError(f"{path} is not valid JSON ({error}): correct it first") from error
    if not isinstance(config, dict):
        raise FedstoreError(f"{path} holds no JSON object: a routing config has `layers` with name and threshold")
    return config


def slots_of(config: dict[str, object]) -> Iterator[tuple[str, Slot]]:
    """The layers by name, and where the threshold of each stands."""
    for list_name in LISTS:
        layers = config.get(list_name)
        if isinstance(layers, list):
            for layer in layers:
                yield from _slot_in(layer, None)
        elif isinstance(layers, dict):
            for name, layer in layers.items():
                if isinstance(layer, (int, float)):
                    yield name, (layers, name)
                else:
                    yield from _slot_in(layer, name)
    thresholds = config.get("thresholds")
    if isinstance(thresholds, dict):
        yield from ((str(name), (thresholds, name)) for name in thresholds)


def _slot_in(layer: object, name: str | None) -> Iterator[tuple[str, Slot]]:
    """The threshold in the object of one layer, whose name it may say itself."""
    if not isinstance(layer, dict):
        return
    label = next((layer[key] for key in NAMES if isinstance(layer.get(key), str)), name)
    key = next((key for key in VALUES if key in layer), None)
    if label is not None and key is not None:
        yield label, (layer, key)
