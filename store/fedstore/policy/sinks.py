"""Files that follow the policy: a router's `config.json`, and the copy that is kept beside the store.

`config.json` keeps the shape and the key names that it has (`settings.routing_config` reads them); a new one has those
of the classic cascade. Files are replaced atomically; keys that are not ours stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from fedstore.engine import companion
from fedstore.files import replace_json, replace_text
from fedstore.json_value import object_of
from fedstore.policy.body import PolicyBody
from fedstore.settings.routing_config import (
    LISTS,
    NAMES,
    VALUES,
    Slot,
    object_in,
    read_bytes,
    read_thresholds,
    slots_of,
)

__all__ = ["copy_path", "new_config", "read_copy", "read_thresholds", "write_copy", "write_thresholds"]


# --- config.json -----------------------------------------------------------------------------------------------


def new_config(body: PolicyBody) -> dict[str, object]:
    """A policy as a routing `config.json` of its own, layers in cascade order."""
    return {
        "routing_layers": [
            {
                "layer_id": place, "layer_name": layer, "confidence_threshold": value,
                "enabled": layer not in body.disabled,
            }
            for place, (layer, value) in enumerate(body.thresholds.items(), start=1)
        ]
    }  # fmt: skip


def write_thresholds(path: str | Path, thresholds: Mapping[str, float | None], disabled: Collection[str] = ()) -> bool:
    """Set thresholds in a routing `config.json`, which is made when it is missing; None leaves one as it is.

    Layers in `disabled` are marked as such; whether others are enabled is left as it is. Returns whether the file
    changed. Raises FedstoreError.
    """
    file = Path(path)
    if file.exists():
        config = object_in(read_bytes(file), str(file))
        if not _set(config, {layer: value for layer, value in thresholds.items() if value is not None}, disabled):
            return False
    else:
        known = {layer: value for layer, value in thresholds.items() if value is not None}
        config = new_config(PolicyBody(known, disabled=tuple(disabled)))
    replace_json(file, config)
    return True


def _set(config: dict[str, object], thresholds: Mapping[str, float], disabled: Collection[str]) -> bool:
    """Set thresholds wherever they stand in a config; whether that changed it."""
    slots: dict[str, list[Slot]] = {}
    for layer, slot in slots_of(config):
        slots.setdefault(layer, []).append(slot)
    changed = False
    for layer, value in thresholds.items():
        if layer not in slots:
            _add(config, layer, value, enabled=layer not in disabled)
            changed = True
        for holder, key in slots.get(layer, ()):
            wanted = {key: value, **({"enabled": False} if layer in disabled and key in VALUES else {})}
            changed = changed or any(name not in holder or holder[name] != said for name, said in wanted.items())
            holder.update(wanted)
    return changed


def _add(config: dict[str, object], layer: str, value: float, *, enabled: bool) -> None:
    for list_name in LISTS:
        layers = config.get(list_name)
        if not isinstance(layers, (list, dict)):
            continue
        others = layers if isinstance(layers, list) else list(layers.values())
        name_key, value_key = _keys_in(others, list_name)
        entry: dict[str, object] = {value_key: value, "enabled": enabled}
        if isinstance(layers, dict):
            layers[layer] = entry
        else:
            place = {"layer_id": len(others) + 1} if any("layer_id" in object_of(other) for other in others) else {}
            layers.append({**place, name_key: layer, **entry})
        return
    thresholds = config["thresholds"] = object_of(config.get("thresholds"))
    thresholds[layer] = value


def _keys_in(others: list[object], list_name: str) -> tuple[str, str]:
    """The keys of the name and the threshold that the other layers have, else those that go with the list's name."""
    classic = list_name == "routing_layers"
    found = [object_of(other) for other in others]
    name = next((key for other in found for key in NAMES if key in other), "layer_name" if classic else "name")
    usual = "confidence_threshold" if classic else "threshold"
    return name, next((key for other in found for key in VALUES if key in other), usual)


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
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
