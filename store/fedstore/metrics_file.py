"""The federation's ``metrics.json`` and its timestamped exports, written in the format that routers read.

``metrics_of`` makes the whole document from a store, ``update_boosts`` changes only the boosts and the history of
a file that another program counts in. Keys that are not ours are kept; a file is replaced whole or not at all.
Tasks whose result is not known are not counted, so that totals, successes and failures add up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedstore.errors import FedstoreError
from fedstore.files import replace_text
from fedstore.queries.facts import last_recorded_run
from fedstore.schema.summaries import DAY_MS
from fedstore.window import iso

if TYPE_CHECKING:
    from fedstore.store import Store

__all__ = [
    "EXPORTED_FROM", "Counts", "export_path", "metrics_document", "metrics_of", "read_metrics", "sync_metrics",
    "update_boosts", "write_export",
]  # fmt: skip

VERSION = "1.0"
EXPORTED_FROM = "exported_from"
"""A key of ours: a run of the store that a document's counts came from."""
Counts = Mapping[str, Mapping[str, tuple[int, int]]]
"""Agent, then task type: (tasks that ended well, tasks that ended badly)."""
Boosts = Mapping[str, Mapping[str, float]]
"""Agent, then task type ("" for all): what is added to the agent's routing score."""


def read_metrics(path: str | Path) -> dict[str, Any] | None:
    """The document, or None when there is no file. Raises FedstoreError for one that is not a metrics file."""
    try:
        found = json.loads(Path(path).read_text("utf-8-sig"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FedstoreError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise FedstoreError(f"{path} is not valid JSON: repair it or move it away") from error
    if not isinstance(found, dict) or not isinstance(found.get("agents", {}), dict):
        raise FedstoreError(f"{path} is not a metrics file: it needs an object with agents")
    return found


def metrics_of(store: Store, boosts: Boosts | None = None, history: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The document of everything a store counts; ``boosts`` are by default those in force. Raises StoreError."""
    reader = store.reader()
    window = reader.window("all")
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for cell in reader.agents(window).cells:
        if cell.success.n:
            counts.setdefault(cell.agent, {})[cell.task_type] = (cell.success.hits, cell.success.n - cell.success.hits)
    return metrics_document(
        counts,
        reader.policy().boosts if boosts is None else boosts,
        history,
        initialized_ms=window.start_ms - window.start_ms % DAY_MS if counts else store.clock(),
        updated_ms=store.clock(),
        exported_from=last_recorded_run(store.database),
    )


def metrics_document(
    counts: Counts,
    boosts: Boosts,
    history: Sequence[Mapping[str, Any]] = (),
    *,
    initialized_ms: int,
    updated_ms: int,
    existing: Mapping[str, Any] | None = None,
    exported_from: str | None = None,
) -> dict[str, Any]:
    """A metrics document from plain values, over the keys of ``existing``. Rates are rounded to two decimals.

    Tasks without a task type are in an agent's totals only. ``exported_from`` is a run of the store the counts
    came from: importing the document back into that store then counts nothing twice.
    """
    old = dict(existing or {})
    agents = _object(old.get("agents"))
    for name in sorted({*counts, *boosts}):
        agents[name] = _agent(_object(agents.get(name)), counts.get(name, {}), boosts.get(name, {}))
    document = {
        "version": VERSION, "initialized": iso(initialized_ms), **old, "last_updated": iso(updated_ms),
        "agents": agents, "optimization_history": _merged(old.get("optimization_history"), history),
    }  # fmt: skip
    if exported_from:
        document[EXPORTED_FROM] = exported_from
    return document


def update_boosts(
    path: str | Path,
    boosts: Boosts,
    history: Sequence[Mapping[str, Any]] = (),
    *,
    now_ms: int | None = None,
) -> dict[str, Any]:
    """Bring a file's boosts in line with the policy and add ``history``; counts are left as they are.

    An agent that ``history`` names (key ``agent``) but ``boosts`` no longer does goes back to 0.0; boosts of
    other agents, which another program set, stay. A missing file is made. Raises FedstoreError.
    """
    document = read_metrics(path)
    moment = iso(now_ms) if now_ms is not None else iso(round(datetime.now(UTC).timestamp() * 1000))
    if document is None:
        document = {"version": VERSION, "initialized": moment}
    agents = document.setdefault("agents", {})
    mentioned = {str(entry["agent"]) for entry in history if entry.get("agent")}
    for name in sorted({*boosts, *mentioned}):
        entry = agents[name] = _object(agents.get(name)) or _agent({}, {}, {})
        _set_boosts(entry, boosts.get(name, {}))
    document["last_updated"] = moment
    document["optimization_history"] = _merged(document.get("optimization_history"), history)
    _replace(Path(path), document)
    return document


def sync_metrics(
    store: Store, path: str | Path, boosts: Boosts | None = None, history: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Write the store's document to ``path``; in a file that another program counts in, only the boosts.

    Raises FedstoreError, StoreError.
    """
    existing = read_metrics(path)
    if existing is not None and EXPORTED_FROM not in existing and existing.get("agents"):
        in_force = store.reader().policy().boosts if boosts is None else boosts
        return update_boosts(path, in_force, history, now_ms=store.clock())
    document = {**(existing or {}), **metrics_of(store, boosts, history)}
    if existing is not None and "initialized" in existing:
        document["initialized"] = existing["initialized"]
    _replace(Path(path), document)
    return document


def write_export(folder: str | Path, document: Mapping[str, Any], at_ms: int) -> Path:
    """Write a document as ``metrics-{timestamp}.json`` in a folder; returns the path, always a new one."""
    path = export_path(folder, at_ms)
    _replace(path, document)
    return path


def export_path(folder: str | Path, at_ms: int) -> Path:
    """The name of an export made at ``at_ms`` that no file in the folder has yet."""
    stamp = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y%m%d-%H%M%S")
    path = Path(folder) / f"metrics-{stamp}.json"
    number = 1
    while path.exists():
        number += 1
        path = Path(folder) / f"metrics-{stamp}-{number}.json"
    return path


def _object(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


def _agent(old: dict[str, Any], counts: Mapping[str, tuple[int, int]], boosts: Mapping[str, float]) -> dict[str, Any]:
    good, bad = sum(ok for ok, _ in counts.values()), sum(failed for _, failed in counts.values())
    kinds = _object(old.get("task_types"))
    for name, (ok, failed) in sorted(counts.items()):
        if name:
            kinds[name] = {
                **_object(kinds.get(name)), "count": ok + failed, "successes": ok, "success_rate": _rate(ok, failed),
            }  # fmt: skip
    entry = {
        **old, "total_tasks": good + bad, "successful_tasks": good, "failed_tasks": bad,
        "success_rate": _rate(good, bad), "routing_boost": 0.0, "task_types": kinds,
    }  # fmt: skip
    _set_boosts(entry, boosts)
    return entry


def _set_boosts(entry: dict[str, Any], boosts: Mapping[str, float]) -> None:
    entry["routing_boost"] = boosts.get("", 0.0)
    kinds = entry["task_types"] = _object(entry.get("task_types"))
    for name in {*kinds, *boosts} - {""}:
        if name in boosts:
            kind = _object(kinds.get(name)) or {"count": 0, "successes": 0, "success_rate": 0.0}
            kinds[name] = {**kind, "routing_boost": boosts[name]}
        elif "routing_boost" in _object(kinds[name]):
            kinds[name] = {**kinds[name], "routing_boost": 0.0}


def _rate(good: int, bad: int) -> float:
    """A number even of no tasks, which the counts beside it tell: readers of the format compare it."""
    return round(good / max(1, good + bad), 2)


def _merged(old: Any, new: Iterable[Mapping[str, Any]]) -> list[Any]:
    """The old entries and, behind them, those new ones that are not among them."""
    entries = list(old) if isinstance(old, list) else []
    entries.extend(dict(entry) for entry in new if dict(entry) not in entries)
    return entries


def _replace(path: Path, document: Mapping[str, Any]) -> None:
    replace_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n", make_folder=True)
