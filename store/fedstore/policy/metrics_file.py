"""The federation's ``metrics.json`` and its timestamped exports, written in the format that routers read.

``metrics_of`` makes the whole document from a store, ``update_boosts`` changes only the boosts and the history of
a file that another program counts in, and gives back what stood there when the policy no longer speaks of an agent.
Keys that are not ours are kept; a file is replaced whole or not at all. Tasks whose result is not known are not
counted, so that totals, successes and failures add up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fedstore.errors import FedstoreError
from fedstore.files import replace_text
from fedstore.json_value import object_of
from fedstore.queries.facts import last_recorded_run
from fedstore.widths import DAY_MS
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
FORMER = "former_boosts"
"""Another: what ``update_boosts`` found where it set a boost, by agent and task type; null where there was nothing."""
_STANDARD = {
    "total_tasks", "successful_tasks", "failed_tasks", "success_rate", "routing_boost", "task_types", "count",
    "successes",
}  # fmt: skip
Counts = Mapping[str, Mapping[str, tuple[int, int]]]
"""Agent, then task type: (tasks that ended well, tasks that ended badly)."""
Boosts = Mapping[str, Mapping[str, float]]
"""Agent, then task type ("" for all): what is added to the agent's routing score."""


def read_metrics(path: str | Path) -> dict[str, object] | None:
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


def metrics_of(
    store: Store, boosts: Boosts | None = None, history: Sequence[Mapping[str, object]] = ()
) -> dict[str, object]:
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
    history: Sequence[Mapping[str, object]] = (),
    *,
    initialized_ms: int,
    updated_ms: int,
    existing: Mapping[str, object] | None = None,
    exported_from: str | None = None,
) -> dict[str, object]:
    """A metrics document from plain values, over the keys of ``existing``. Rates are rounded to two decimals.

    Tasks without a task type are in an agent's totals only. ``exported_from`` is a run of the store the counts
    came from: importing the document back into that store then counts nothing twice.
    """
    old = dict(existing or {})
    agents = object_of(old.get("agents"))
    for name in sorted({*counts, *boosts}):
        entry = agents[name] = _agent(object_of(agents.get(name)), counts.get(name, {}))
        for kind in sorted({"", *object_of(entry["task_types"]), *boosts.get(name, {})}):
            _set_boost(entry, kind, boosts.get(name, {}).get(kind))
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
    history: Sequence[Mapping[str, object]] = (),
    *,
    now_ms: int | None = None,
) -> dict[str, object]:
    """Bring a file's boosts in line with the policy and add ``history``; counts are left as they are.

    What the policy no longer speaks of goes back to what was found there; boosts of other agents, which another
    program set, stay. A missing file is made. Raises FedstoreError.
    """
    document = read_metrics(path)
    moment = iso(now_ms) if now_ms is not None else iso(round(datetime.now(UTC).timestamp() * 1000))
    if document is None:
        document = {"version": VERSION, "initialized": moment}
    agents, former = object_of(document.get("agents")), _former(document)
    document["agents"] = agents
    for name in sorted({*boosts, *former}):
        _follow(agents, name, boosts.get(name, {}), former)
    document["last_updated"] = moment
    document["optimization_history"] = _merged(document.get("optimization_history"), history)
    document[FORMER] = former
    _replace(Path(path), document)
    return document


def _former(document: Mapping[str, object]) -> dict[str, dict[str, object] | None]:
    """What was found before the boosts that this file has from us.

    A program that rewrites the file may have lost that: then there was none before any that its history tells of.
    """
    known = document.get(FORMER)
    if isinstance(known, dict):
        return {name: None if kinds is None else object_of(kinds) for name, kinds in known.items()}
    found: dict[str, dict[str, object] | None] = {}
    for entry in _merged(document.get("optimization_history"), ()):
        if isinstance(entry, dict) and "change" in entry and isinstance(entry.get("agent"), str):
            kinds = found[entry["agent"]] = found.get(entry["agent"]) or {}
            kinds[str(entry.get("task_type") or "")] = None
    return found


def _follow(
    agents: dict[str, object], name: str, wanted: Mapping[str, float], former: dict[str, dict[str, object] | None]
) -> None:
    """Set what the policy says of an agent, and give back what it no longer speaks of."""
    was_there = former[name] is not None if name in former else name in agents
    found = former.pop(name, None) or {}
    if name not in agents and not wanted:  # another program took the agent out
        return
    entry = object_of(agents.get(name)) or _agent({}, {})
    if not was_there:
        found = dict.fromkeys(("", *object_of(entry.get("task_types"))))
    if wanted:
        kept = {kind: found[kind] if kind in found else _boost(entry, kind) for kind in wanted}
        former[name] = kept if was_there else None
    for kind, value in {**found, **wanted}.items():
        _set_boost(entry, kind, value)
    agents[name] = entry
    if not (wanted or was_there) and _is_bare(entry):
        del agents[name]


def sync_metrics(
    store: Store, path: str | Path, boosts: Boosts | None = None, history: Sequence[Mapping[str, object]] = ()
) -> dict[str, object]:
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


def write_export(folder: str | Path, document: Mapping[str, object], at_ms: int) -> Path:
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


def _agent(old: dict[str, object], counts: Mapping[str, tuple[int, int]]) -> dict[str, object]:
    """An agent's entry, without a boost."""
    good, bad = sum(ok for ok, _ in counts.values()), sum(failed for _, failed in counts.values())
    kinds = object_of(old.get("task_types"))
    for name, (ok, failed) in sorted(counts.items()):
        if name:
            kinds[name] = {
                **object_of(kinds.get(name)), "count": ok + failed, "successes": ok, "success_rate": _rate(ok, failed),
            }  # fmt: skip
    return {
        **old, "total_tasks": good + bad, "successful_tasks": good, "failed_tasks": bad,
        "success_rate": _rate(good, bad), "routing_boost": 0.0, "task_types": kinds,
    }  # fmt: skip


def _boost(entry: Mapping[str, object], kind: str) -> object:
    """What an agent's entry says of a task type ("" for all); None where it says nothing."""
    holder = object_of(object_of(entry.get("task_types")).get(kind)) if kind else entry
    return holder.get("routing_boost")


def _set_boost(entry: dict[str, object], kind: str, value: object) -> None:
    """Set a boost in an agent's entry, or with None none; a task type that then says nothing else is taken out."""
    if not kind:
        entry["routing_boost"] = 0.0 if value is None else value
        return
    kinds = entry["task_types"] = object_of(entry.get("task_types"))
    holder = object_of(kinds.pop(kind, None)) or {"count": 0, "successes": 0, "success_rate": 0.0}
    holder.pop("routing_boost", None)
    if value is not None:
        holder["routing_boost"] = value
    if value is not None or not _is_bare(holder):
        kinds[kind] = holder


def _is_bare(entry: Mapping[str, object]) -> bool:
    """Whether an entry tells of nothing: no task, no boost, and nothing of another program."""
    return not any(entry.values()) and entry.keys() <= _STANDARD


def _rate(good: int, bad: int) -> float:
    """A number even of no tasks, which the counts beside it tell: readers of the format compare it."""
    return round(good / max(1, good + bad), 2)


def _merged(old: object, new: Iterable[Mapping[str, object]]) -> list[object]:
    """The old entries and, behind them, those new ones that are not among them."""
    entries = list(old) if isinstance(old, list) else []
    entries.extend(dict(entry) for entry in new if dict(entry) not in entries)
    return entries


def _replace(path: Path, document: Mapping[str, object]) -> None:
    replace_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n", make_folder=True)
