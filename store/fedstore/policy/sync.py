"""Brings what follows the policy in line with it: the copy for routers, `config.json` and `metrics.json`.

Runs after a change was committed, so a file that cannot be written never undoes a change; it is said instead, and
the next change (or `fedtop policy sync`) writes it again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fedstore.errors import FedstoreError
from fedstore.policy import ledger
from fedstore.policy.body import LOCKED, SAME, PolicyBody, boost_key, boosted, label_of, off_key, threshold_key
from fedstore.policy.metrics_file import read_metrics, sync_metrics
from fedstore.policy.sinks import read_copy, write_copy, write_thresholds
from fedstore.settings.routing_config import read_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fedstore.policy.ledger import Change
    from fedstore.settings.config import Settings
    from fedstore.store import Store

__all__ = ["boosts_of", "bring_in_line", "optimization_history", "out_of_line", "read_boosts"]


def bring_in_line(store: Store, version: int, body: PolicyBody, change: Change | None) -> tuple[str, ...]:
    """Write every file that follows the policy; what could not be written, as sentences."""
    steps: list[Callable[[], object]] = [lambda: write_copy(store.path, version, body)]
    config, metrics = store.settings.routing_config_json, store.settings.metrics_json
    if config is not None:
        thresholds = {**body.thresholds, **_restored(change)}
        steps.append(lambda: write_thresholds(config, thresholds, body.disabled))
    if metrics is not None:
        steps.append(lambda: _write_boosts(store, metrics, body))
    failures = []
    for step in steps:
        try:
            step()
        except (FedstoreError, OSError) as error:
            failures.append(str(error))
    return tuple(failures)


def out_of_line(store: Path, settings: Settings, version: int, body: PolicyBody) -> tuple[str, ...]:
    """The files that say something else than the policy in force, or that cannot be read, as sentences.

    Layers and agents that the policy does not speak of are left to whoever wrote them.
    """
    found = []
    copy = read_copy(store)
    if version and (copy is None or copy[0] < version):
        found.append(f"the copy for routers beside the store is older than policy version {version}")
    values = body.values()
    for path, read in ((settings.routing_config_json, _layers_by_key), (settings.metrics_json, read_boosts)):
        if path is None:
            continue
        try:
            written = read(path) if path.exists() else {}
        except FedstoreError as error:
            found.append(str(error))
            continue
        other = [label_of(key) for key, value in written.items() if key in values and abs(values[key] - value) > SAME]
        if other:
            found.append(f"{path} differs from the policy in force in {', '.join(sorted(other))}")
    return tuple(found)


def _layers_by_key(path: Path) -> dict[str, float]:
    layers = read_config(path).layers
    off = {off_key(layer.name): 0.0 if layer.enabled else LOCKED for layer in layers}
    return {**{threshold_key(layer.name): layer.threshold for layer in layers}, **off}


def _restored(change: Change | None) -> dict[str, float]:
    """What an undo gives back to layers that the policy no longer speaks of."""
    if change is None:
        return {}
    return {
        item.label: item.restores
        for item in change.plan.items
        if item.new is None and item.key == threshold_key(item.label) and item.restores is not None
    }


def _write_boosts(store: Store, path: Path, body: PolicyBody) -> None:
    sync_metrics(store, path, body.boosts, optimization_history(store))


def read_boosts(path: str | Path) -> dict[str, float]:
    """Boosts by key of an item in a `metrics.json`: `routing_boost` of agents and of their task types.

    Raises FedstoreError.
    """
    document = read_metrics(path)
    if document is None:
        raise FedstoreError(f"there is no file {path}: check the path")
    return boosts_of(document, str(path))


def boosts_of(document: Mapping[str, object], path: str) -> dict[str, float]:
    """The same from what the file at `path` holds."""
    agents = document.get("agents", {})
    if not isinstance(agents, dict):
        raise FedstoreError(f"{path} is not a metrics file: it needs an object with agents")
    found: dict[str, float] = {}
    for agent, entry in agents.items():
        _take(found, path, agent, "", entry)
        kinds = entry.get("task_types") if isinstance(entry, dict) else None
        for task_type, kind in kinds.items() if isinstance(kinds, dict) else ():
            if not task_type:
                raise FedstoreError(f"{path}: {agent} has a task type without a name: correct it first")
            _take(found, path, agent, task_type, kind)
    return found


def _take(found: dict[str, float], path: str, agent: str, task_type: str, entry: object) -> None:
    boost = entry.get("routing_boost") if isinstance(entry, dict) else None
    if boost is None:
        return
    if isinstance(boost, bool) or not isinstance(boost, (int, float)) or not -1.0 <= boost <= 1.0:
        raise FedstoreError(f"{path}: routing_boost of {agent} is {boost!r}: it must be a number from -1 to 1")
    found[boost_key(agent, task_type)] = float(boost)


def optimization_history(store: Store, limit: int = 100) -> list[dict[str, object]]:
    """The boosts the ledger set, as entries of `optimization_history`, oldest first; an entry never changes."""
    entries: list[dict[str, object]] = []
    for change in reversed(ledger.changes_newest_first(store.database.read, limit)):
        moment = datetime.fromtimestamp(change.at_ms / 1000, UTC).isoformat(timespec="seconds")
        entries += [
            {
                "timestamp": moment.replace("+00:00", "Z"), "type": change.kind, "change": change.id,
                "plan": change.plan_id, "by": change.who, "agent": agent, "task_type": task_type or None,
                "old_boost": item.old, "new_boost": item.new, "reason": item.evidence,
            }
            for item in change.plan.items
            if (pair := boosted(item.key)) is not None
            for agent, task_type in (pair,)
        ]  # fmt: skip
    return entries
