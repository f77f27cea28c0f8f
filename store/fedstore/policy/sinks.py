"""Files that follow the policy: a router's ``config.json``, and the copy that is kept beside the store.

``config.json`` is read in three shapes and kept in its own: ``layers`` (or ``routing_layers``) as a list of
objects with ``name`` (or ``layer_name``) and ``threshold`` (or ``confidence_threshold``), the same as an object by
name, or plain ``thresholds`` by name. Files are replaced atomically; keys that are not ours stay as they are.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from fedstore.engine import companion
from fedstore.errors import FedstoreError
from fedstore.files import replace_text
from fedstore.json_value import object_of
from fedstore.policy.body import PolicyBody

__all__ = [
    "copy_path", "object_in", "read_bytes", "read_copy", "read_thresholds", "thresholds_of", "write_copy",
    "write_thresholds",
]  # fmt: skip

_LISTS = ("layers", "routing_layers")
_NAMES = ("name", "layer_name", "id", "layer")
_VALUES = ("threshold", "confidence_threshold")

Slot = tuple[dict[str, object], str]
"""The object that holds a threshold, and under which key."""


# --- config.json -----------------------------------------------------------------------------------------------


def read_thresholds(path: str | Path) -> dict[str, float]:
    """Thresholds by layer from a routing ``config.json``; disabled layers are left out. Raises FedstoreError."""
    return thresholds_of(_load_object(path), str(path))


def thresholds_of(config: dict[str, object], path: str) -> dict[str, float]:
    """The same from what the file at ``path`` holds."""
    found: dict[str, float] = {}
    for name, (holder, key) in _slots(config):
        value = holder[key]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value <= 1.0:
            said = reprlib.repr(value)
            raise FedstoreError(f"{path}: the threshold of {name!r} is {said}: it must be a number from 0 to 1")
        if holder.get("enabled", True) is not False or key not in _VALUES:
            found[name] = float(value)
    return found


def write_thresholds(path: str | Path, thresholds: Mapping[str, float | None]) -> bool:
    """Set thresholds in a routing ``config.json``, which is made when it is missing; None leaves one as it is.

    Returns whether the file changed. Raises FedstoreError.
    """
    file = Path(path)
    config = _load_object(file) if file.exists() else {"layers": []}
    before = json.dumps(config)
    slots = dict(_slots(config))
    for layer, value in thresholds.items():
        if value is None:
            continue
        if layer in slots:
            holder, key = slots[layer]
            holder[key] = value
        else:
            _add(config, layer, value)
    if json.dumps(config) == before:
        return False
    replace_text(file, json.dumps(config, indent=2, ensure_ascii=False) + "\n", make_folder=True)
    return True


def _load_object(path: str | Path) -> dict[str, object]:
    return object_in(read_bytes(path), str(path))


def read_bytes(path: str | Path) -> bytes:
    """What a file or a pipe holds. Raises FedstoreError."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise FedstoreError(f"{path} cannot be read ({error.strerror}): check the path and its permissions") from error


def object_in(content: bytes, path: str) -> dict[str, object]:
    """The JSON object that the file at ``path`` holds. Raises FedstoreError."""
    try:
        config = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FedstoreError(f"{path} is not valid JSON ({error}): correct it first") from error
    if not isinstance(config, dict):
        raise FedstoreError(f"{path} holds no JSON object: a routing config has `layers` with name and threshold")
    return config


def _slots(config: dict[str, object]) -> Iterator[tuple[str, Slot]]:
    for list_name in _LISTS:
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
    label = next((layer[key] for key in _NAMES if isinstance(layer.get(key), str)), name)
    key = next((key for key in _VALUES if key in layer), None)
    if label is not None and key is not None:
        yield label, (layer, key)


def _add(config: dict[str, object], layer: str, value: float) -> None:
    for list_name in _LISTS:
        layers = config.get(list_name)
        if isinstance(layers, list):
            layers.append({"name": layer, "threshold": value, "enabled": True})
            return
        if isinstance(layers, dict):
            layers[layer] = {"threshold": value, "enabled": True}
            return
    thresholds = config["thresholds"] = object_of(config.get("thresholds"))
    thresholds[layer] = value


# --- the copy beside the store ---------------------------------------------------------------------------------


def copy_path(store: Path) -> Path:
    """Where a store keeps the last known policy for routers that cannot open it."""
    return companion(store, ".policy.json")


def write_copy(store: Path, version: int, body: PolicyBody) -> None:
    """Write the copy, unless a newer version is there. Raises FedstoreError."""
    known = read_copy(store)
    if known is None or known[0] < version:
        replace_text(copy_path(store), json.dumps({"version": version, "body": body.to_dict()}, ensure_ascii=False))


def read_copy(store: Path) -> tuple[int, PolicyBody] | None:
    """The last known version and policy; None when there is no readable copy."""
    try:
        plain = json.loads(copy_path(store).read_text(encoding="utf-8"))
        return int(plain["version"]), PolicyBody.from_dict(plain["body"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
