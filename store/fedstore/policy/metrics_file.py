"""The federation's `metrics.json` and its timestamped exports, written in the format that its programs read.

`metrics_of` makes the whole document from a store, `update_boosts` changes only the boosts and the history of a file
that another program counts in, and gives back what stood there when the policy no longer speaks of an agent.
`sync_metrics` knows which of the two a file needs. Keys that are not ours are kept; a file is replaced whole or not at
all. Tasks whose result is not known are not counted, so that totals, successes and failures add up; durations are in
minutes, 0 where nobody told one, and a sum of them is the mean of those told, as often as there are tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fedstore.errors import FedstoreError
from fedstore.files import read_json, replace_json
from fedstore.json_value import object_of
from fedstore.queries.buckets import Buckets
from fedstore.queries.counted import DoneTask, TaskCounts, newest_done, task_counts
from fedstore.queries.facts import last_recorded_run
from fedstore.queries.in_force import policy_in_force
from fedstore.queries.newest import oldest_start
from fedstore.widths import DAY_MS, MINUTE_MS
from fedstore.window import Window, iso

if TYPE_CHECKING:
    from fedstore.store import Store

__all__ = [
    "EXPORTED_AT", "EXPORTED_FROM", "Counts", "export_path", "metrics_document", "metrics_of", "read_metrics",
    "sync_metrics", "update_boosts", "write_export",
]  # fmt: skip

VERSION = "1.0"
EXPORTED_FROM = "exported_from"
"""A key of ours: a run of the store that a document's counts came from, "" where it had none."""
EXPORTED_AT = "exported_at"
"""Another: `last_updated` as we wrote it. Where the two differ, another program has counted in the file since."""
FORMER = "former_boosts"
"""Another: what `update_boosts` found where it set a boost, by agent and task type; null where there was nothing."""
REWORK_KNOWN = "rework_known"
"""Another, of an agent: of how many tasks it is known whether they had to be done again. The format has no unknown."""
RECENT_TASKS = 100
"""How many of the newest tasks the format keeps one by one."""
_STANDARD = {
    "total_tasks", "successful_tasks", "failed_tasks", "success_rate", "routing_boost", "task_types", "count",
    "successes", "failures", "total_duration", "total_duration_min", "avg_duration_min", "rework_count", REWORK_KNOWN,
}  # fmt: skip
Counts = Mapping[str, Mapping[str, "TaskCounts | tuple[int, int]"]]
"""Agent, then task type: how its tasks ended; a pair says how many well and how many badly."""
Boosts = Mapping[str, Mapping[str, float]]
"""Agent, then task type ("" for all): what is added to the agent's routing score."""


def read_metrics(path: str | Path) -> dict[str, object] | None:
    """The document, or None when there is no file. Raises FedstoreError for one that is not a metrics file."""
    try:
        found = read_json(Path(path).read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FedstoreError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise FedstoreError(f"{path} is not valid JSON ({error}): repair it or move it away") from error
    if not isinstance(found, dict) or not isinstance(found.get("agents", {}), dict):
        raise FedstoreError(f"{path} is not a metrics file: it needs an object with agents")
    return found


def metrics_of(
    store: Store, boosts: Boosts | None = None, history: Sequence[Mapping[str, object]] = ()
) -> dict[str, object]:
    """The document of everything a store counts; `boosts` are by default those in force. Raises StoreError."""
    return _document_of(store, boosts, history, None)


def _document_of(
    store: Store, boosts: Boosts | None, history: Sequence[Mapping[str, object]], existing: Mapping[str, object] | None
) -> dict[str, object]:
    """Counts, newest tasks and boosts as of one moment."""
    database = store.database
    with database.snapshot():
        now = store.clock()
        buckets = Buckets(database)
        counts = task_counts(buckets, buckets.kept(Window.ending("all", now)))
        start = oldest_start(database)
        return metrics_document(
            counts,
            policy_in_force(database.read).boosts if boosts is None else boosts,
            history,
            initialized_ms=now if start is None or not counts else start - start % DAY_MS,
            updated_ms=now,
            existing=existing,
            exported_from=last_recorded_run(database) or "",
            recent=newest_done(database, counts, RECENT_TASKS),
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
    recent: Iterable[DoneTask] = (),
) -> dict[str, object]:
    """A metrics document from plain values; of `existing` what is not ours is kept. Rates are rounded to two decimals.

    Tasks without a task type are in an agent's totals only. `exported_from` is a run of the store the counts
    came from ("" for one without runs): importing the document back into that store then counts nothing twice.
    """
    old = {name: value for name, value in (existing or {}).items() if name != FORMER}
    before, whole = object_of(old.get("agents")), {agent: _whole(kinds) for agent, kinds in counts.items()}
    agents: dict[str, object] = {}
    for name in sorted({*whole, *boosts, *(name for name, entry in before.items() if _foreign(entry))}):
        entry = agents[name] = _agent(object_of(before.get(name)), whole.get(name, {}))
        for kind in sorted({"", *object_of(entry["task_types"]), *boosts.get(name, {})}):
            _set_boost(entry, kind, boosts.get(name, {}).get(kind))
    updated = iso(updated_ms)
    document = {
        "version": VERSION, "initialized": iso(initialized_ms), **old, "last_updated": updated,
        "agents": agents, "task_types": _by_task_type(whole), "recent_tasks": [_task(task) for task in recent],
        "optimization_history": _merged(old.get("optimization_history"), history),
    }  # fmt: skip
    if exported_from is not None:
        document |= {EXPORTED_FROM: exported_from, EXPORTED_AT: updated}
    return document


def _whole(kinds: Mapping[str, TaskCounts | tuple[int, int]]) -> dict[str, TaskCounts]:
    return {kind: TaskCounts(*counts) for kind, counts in kinds.items()}


def _by_task_type(counts: Mapping[str, Mapping[str, TaskCounts]]) -> dict[str, object]:
    """How many tasks of a type there are, and of which agents."""
    found: dict[str, dict[str, int]] = {}
    for agent, kinds in counts.items():
        for kind, seen in kinds.items():
            if kind:
                found.setdefault(kind, {})[agent] = seen.good + seen.bad
    return {
        kind: {"total_count": sum(by.values()), "agent_breakdown": dict(sorted(by.items()))}
        for kind, by in sorted(found.items())
    }


def _task(task: DoneTask) -> dict[str, object]:
    minutes = None if task.duration_ms is None else _minutes(task.duration_ms)
    return {
        "timestamp": iso(task.at_ms), "agent": task.agent, "task_type": task.task_type, "success": task.good,
        "duration_min": minutes, "rework_required": task.rework, "notes": task.notes,
    }  # fmt: skip


def update_boosts(
    path: str | Path,
    boosts: Boosts,
    history: Sequence[Mapping[str, object]] = (),
    *,
    now_ms: int | None = None,
) -> dict[str, object]:
    """Bring a file's boosts in line with the policy and add `history`; counts, and when they were made, stay.

    What the policy no longer speaks of goes back to what was found there; boosts of other agents, which another
    program set, stay. A missing file is made, at `now_ms`. Raises FedstoreError.
    """
    document = read_metrics(path)
    moment = iso(now_ms) if now_ms is not None else iso(round(datetime.now(UTC).timestamp() * 1000))
    if document is None:
        document = {"version": VERSION, "initialized": moment, "last_updated": moment}
    agents, former = object_of(document.get("agents")), _former(document)
    document["agents"] = agents
    for name in sorted({*boosts, *former}):
        _follow(agents, name, boosts.get(name, {}), former)
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
    """Write the store's document to `path`; in a file that another program counts in, only the boosts.

    Raises FedstoreError, StoreError.
    """
    existing = read_metrics(path)
    if existing is not None and not _is_ours(existing):
        in_force = store.reader().policy().boosts if boosts is None else boosts
        return update_boosts(path, in_force, history, now_ms=store.clock())
    document = _document_of(store, boosts, history, existing)
    _replace(Path(path), document)
    return document


def _is_ours(document: Mapping[str, object]) -> bool:
    """Whether nobody but us counts in a file: it counts nothing yet, or is as we left it.

    An earlier release left counts of 0 beside its boosts, and no sign of its own but the former ones.
    """
    if EXPORTED_FROM in document:
        return bool(document.get(EXPORTED_AT, document.get("last_updated")) == document.get("last_updated"))
    agents = object_of(document.get("agents"))
    counted = any(object_of(entry).get("total_tasks") for entry in agents.values())
    return not agents or (FORMER in document and not counted and not any(map(_foreign, agents.values())))


def write_export(folder: str | Path, document: Mapping[str, object], at_ms: int) -> Path:
    """Write a document as `metrics-{timestamp}.json` in a folder; returns the path, always a new one."""
    path = export_path(folder, at_ms)
    _replace(path, document)
    return path


def export_path(folder: str | Path, at_ms: int) -> Path:
    """The name of an export made at `at_ms` that no file in the folder has yet."""
    stamp = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y%m%d-%H%M%S")
    path = Path(folder) / f"metrics-{stamp}.json"
    number = 1
    while path.exists():
        number += 1
        path = Path(folder) / f"metrics-{stamp}-{number}.json"
    return path


def _agent(old: dict[str, object], counts: Mapping[str, TaskCounts]) -> dict[str, object]:
    """An agent's entry, without a boost; of the old one what is not ours."""
    total = TaskCounts.of(counts.values())
    tasks = total.good + total.bad
    known = object_of(old.get("task_types"))
    kinds = {name: _kind(object_of(known.get(name)), seen) for name, seen in sorted(counts.items()) if name}
    kinds |= {name: _kind(object_of(entry), TaskCounts(0, 0)) for name, entry in known.items() if _foreign(entry)
              and name not in kinds}  # fmt: skip
    return {
        **_not_ours(old), "total_tasks": tasks, "successful_tasks": total.good, "failed_tasks": total.bad,
        "total_duration_min": _minutes(sum(map(_duration, counts.values()))),
        "avg_duration_min": _minutes(_mean(total)),
        "rework_count": min(total.reworked, total.bad), REWORK_KNOWN: min(total.rework_known, tasks),
        "success_rate": _rate(total.good, total.bad), "routing_boost": 0.0, "task_types": kinds,
    }  # fmt: skip


def _kind(old: dict[str, object], seen: TaskCounts) -> dict[str, object]:
    """A task type's entry, without a boost."""
    tasks = seen.good + seen.bad
    return {
        **_not_ours(old), "count": tasks, "successes": seen.good, "failures": seen.bad,
        "total_duration": _minutes(_duration(seen)), "success_rate": _rate(seen.good, seen.bad),
    }  # fmt: skip


def _not_ours(entry: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in entry.items() if name not in _STANDARD}


def _foreign(entry: object) -> bool:
    """Whether an entry, or one of its task types, has something that is not ours."""
    return isinstance(entry, dict) and (
        bool(_not_ours(entry)) or any(map(_foreign, object_of(entry.get("task_types")).values()))
    )


def _mean(seen: TaskCounts) -> float:
    """Milliseconds of a task; 0 where nobody told, as the format has it."""
    return seen.duration_us / 1000 / seen.timed if seen.timed else 0.0


def _duration(seen: TaskCounts) -> float:
    """Milliseconds of all tasks, those whose duration nobody told taken for such as the others."""
    return _mean(seen) * (seen.good + seen.bad)


def _minutes(ms: float) -> float:
    return round(ms / MINUTE_MS, 6)


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
    holder = object_of(kinds.pop(kind, None)) or _kind({}, TaskCounts(0, 0))
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
    known: set[frozenset[tuple[object, object]] | None] = {_facts(entry) for entry in entries}
    for entry in new:
        facts = _facts(entry)
        if facts is None or facts not in known:
            known.add(facts)
            entries.append(dict(entry))
    return entries


def _facts(entry: object) -> frozenset[tuple[object, object]] | None:
    """What an entry says, to be found again; None for one of another program that holds more than plain values."""
    try:
        return frozenset(entry.items()) if isinstance(entry, Mapping) else None
    except TypeError:  # a list or an object in it
        return None


def _replace(path: Path, document: Mapping[str, object]) -> None:
    replace_json(path, document)
