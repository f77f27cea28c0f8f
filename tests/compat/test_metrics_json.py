"""metrics.json: what is written, what is kept, and that reading it back gives the same counts."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedstore.compat.metrics_json import (
    metrics_document,
    metrics_of,
    read_metrics,
    sync_metrics,
    update_boosts,
    write_export,
)
from fedstore.errors import FedstoreError
from fedstore.facts.events import Run
from fedstore.ingest import import_paths
from fedstore.ingest.federation import read_federation
from fedstore.ingest.federation_tally import Tally
from fedstore.policy import PolicyStore
from fedstore.policy.metrics_file import _merged
from fedstore.settings.config import Settings
from fedstore.store import Store
from tests.conftest import Clock
from tests.federation import NOW_MS, RUNS, run_event

FOREIGN: dict[str, Any] = {
    "version": "1.0", "initialized": "2026-02-05T08:00:00", "last_updated": "2026-02-06T00:00:00", "owner": "team-a",
    "agents": {
        "kimi": {
            "total_tasks": 10, "successful_tasks": 9, "failed_tasks": 1, "success_rate": 0.9, "routing_boost": 0.02,
            "avg_duration": 22, "task_types": {"docs": {"count": 3, "successes": 3, "success_rate": 1.0, "x": 1}},
        },
        "codex": {"total_tasks": 1, "successful_tasks": 1, "failed_tasks": 0, "routing_boost": -0.03},
    },
    "optimization_history": [{"timestamp": "2026-02-05T10:00:00", "type": "manual"}],
}  # fmt: skip
HISTORY = [{"timestamp": "2026-03-10T00:00:00Z", "type": "agent_boost", "agent": "kimi", "old": 0.0, "new": 0.05}]


def hand_counts() -> dict[str, dict[str, list[int]]]:
    """Known results of the fixture's runs, counted from its events; rework is not a success."""
    found: dict[str, dict[str, list[int]]] = {}
    for event in map(run_event, range(RUNS)):
        if event["success"] is not None:
            good = event["success"] and not event["rework"]
            cell = found.setdefault(event["agent"], {}).setdefault(event["task_type"], [0, 0])
            cell[0 if good else 1] += 1
    return found


def test_the_document_of_a_store(seeded_store: Store) -> None:
    document = metrics_of(seeded_store, {"kimi": {"": 0.05, "code": 0.1}}, HISTORY)
    assert list(document)[:4] == ["version", "initialized", "last_updated", "agents"]
    assert (document["version"], document["last_updated"]) == ("1.0", "2026-03-10T12:34:56.789Z")
    assert document["optimization_history"] == HISTORY
    expected = hand_counts()
    assert set(document["agents"]) == set(expected)
    for name, kinds in expected.items():
        agent = document["agents"][name]
        good, bad = (sum(cell[i] for cell in kinds.values()) for i in (0, 1))
        assert (agent["total_tasks"], agent["successful_tasks"], agent["failed_tasks"]) == (good + bad, good, bad)
        assert agent["success_rate"] == round(good / (good + bad), 2)
        assert agent["routing_boost"] == (0.05 if name == "kimi" else 0.0)
        for kind, (ok, failed) in kinds.items():
            cell = agent["task_types"][kind]
            assert (cell["count"], cell["successes"]) == (ok + failed, ok)
            assert cell["success_rate"] == round(ok / (ok + failed), 2)
    assert document["agents"]["kimi"]["task_types"]["code"]["routing_boost"] == 0.1


def test_the_router_snippet_reads_the_boosts_in_force(seeded_store: Store, tmp_path: Path) -> None:
    with seeded_store.database.write() as tx:
        body = {"thresholds": {}, "boosts": {"kimi": {"": 0.05}, "claude": {"": -0.05}}, "locked": []}
        tx.execute("INSERT INTO policies (version, body, made_ms) VALUES (1, ?, 0)", (json.dumps(body),))
    path = tmp_path / ".federation" / "state" / "metrics.json"
    sync_metrics(seeded_store, path)
    metrics = json.loads(path.read_text())
    scores = {"kimi": 0.5, "claude": 0.5, "gemini": 0.5, "stranger": 0.5}
    for agent in scores:
        if agent in metrics["agents"]:
            scores[agent] += metrics["agents"][agent].get("routing_boost", 0)
    assert scores == {"kimi": 0.55, "claude": 0.45, "gemini": 0.5, "stranger": 0.5}


def test_an_export_read_into_another_store_counts_the_same_and_into_its_own_nothing(
    seeded_store: Store, tmp_path: Path, clock: Clock
) -> None:
    path = write_export(tmp_path / "exports", metrics_of(seeded_store), NOW_MS)
    assert path.name == "metrics-20260310-123456.json"
    assert write_export(tmp_path / "exports", {}, NOW_MS).name == "metrics-20260310-123456-2.json"
    own = import_paths(seeded_store, [path])
    assert (own.taken, own.rejected) == (0, 0)
    assert "an export of this store" in own.files[0].note
    with Store(tmp_path / "other.db", clock=clock) as other:
        assert import_paths(other, [path]).taken == sum(sum(c) for k in hand_counts().values() for c in k.values())
        theirs, ours = metrics_of(other), metrics_of(seeded_store)
        means = [[agent.pop("avg_duration_min") for agent in side["agents"].values()] for side in (theirs, ours)]
        assert means[0] == pytest.approx(means[1], abs=0.002), "ours knows the tasks without a result, too"
        sums = [[agent.pop("total_duration_min") for agent in side["agents"].values()] for side in (theirs, ours)]
        assert sums[0] == pytest.approx(sums[1], abs=1e-4)
        for side in (theirs, ours):
            for agent in side["agents"].values():
                for kind in agent["task_types"].values():
                    kind["total_duration"] = round(kind["total_duration"], 3)
        assert theirs["agents"] == ours["agents"]
        made = sum(kind["total_count"] for kind in ours["task_types"].values()) - 100  # at the time of the file
        assert theirs["recent_tasks"][made:] == ours["recent_tasks"][: 100 - made]
        assert theirs["task_types"] == ours["task_types"]


def test_boosts_are_set_in_a_foreign_file_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(FOREIGN))
    path.chmod(0o640)
    update_boosts(path, {"kimi": {"": 0.05, "docs": 0.01}, "qwen": {"": -0.01}}, HISTORY, now_ms=NOW_MS)
    found = json.loads(path.read_text())
    assert found["last_updated"] == FOREIGN["last_updated"], "when its counts were made"
    assert (found["owner"], found["initialized"]) == ("team-a", FOREIGN["initialized"])
    kimi = found["agents"]["kimi"]
    assert (kimi["routing_boost"], kimi["avg_duration"], kimi["total_tasks"]) == (0.05, 22, 10)
    assert kimi["task_types"]["docs"] == {**FOREIGN["agents"]["kimi"]["task_types"]["docs"], "routing_boost": 0.01}
    assert found["agents"]["codex"] == FOREIGN["agents"]["codex"], "a boost that others set stays"
    qwen = found["agents"]["qwen"]
    assert (qwen["routing_boost"], qwen["total_tasks"], qwen["success_rate"]) == (-0.01, 0, 0.0)
    assert found["optimization_history"] == FOREIGN["optimization_history"] + HISTORY
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.json"]

    update_boosts(path, {}, HISTORY, now_ms=NOW_MS)
    undone = json.loads(path.read_text())
    assert undone["agents"] == FOREIGN["agents"]
    assert undone["optimization_history"] == FOREIGN["optimization_history"] + HISTORY


BOOSTS = st.dictionaries(
    st.sampled_from(["kimi", "codex", "qwen", "new"]),
    st.dictionaries(st.sampled_from(["", "docs", "code"]), st.sampled_from([0.05, -0.01]), min_size=1), max_size=3,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(BOOSTS, max_size=4))
def test_when_no_boost_is_in_force_any_more_the_file_says_what_it_said(
    tmp_path_factory: pytest.TempPathFactory, changes: list[dict[str, dict[str, float]]]
) -> None:
    path = tmp_path_factory.mktemp("following") / "metrics.json"
    agents = {name: {"task_types": {}, **entry} for name, entry in FOREIGN["agents"].items()}
    before = {**FOREIGN, "agents": {**agents, "new": {"total_tasks": 0, "routing_boost": 0.0, "task_types": {}}}}
    path.write_text(json.dumps(before))
    for boosts in changes:
        update_boosts(path, boosts)
        written = read_federation(read_metrics(path)).boosts
        for agent, kinds in boosts.items():
            assert kinds.items() <= written[agent].items()
    update_boosts(path, {})
    assert json.loads(path.read_text())["agents"] == before["agents"]


def test_a_boost_is_taken_back_from_a_program_that_forgot_what_stood_there(tmp_path: Path) -> None:
    """A program that writes what it knows: the history says which boosts are ours. What it set since is its own."""
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(FOREIGN))
    said = [{**HISTORY[0], "change": 1, "task_type": None}]
    found = update_boosts(path, {"kimi": {"": 0.05}}, said)
    path.write_text(json.dumps({name: value for name, value in found.items() if name != "former_boosts"}))
    assert update_boosts(path, {}, said)["agents"]["kimi"]["routing_boost"] == 0.0
    own = json.loads(path.read_text())
    own["agents"]["kimi"]["routing_boost"] = 0.04
    path.write_text(json.dumps(own))
    assert update_boosts(path, {}, said)["agents"]["kimi"]["routing_boost"] == 0.04
    del own["agents"]["kimi"]
    path.write_text(json.dumps(own))
    assert "kimi" not in update_boosts(path, {}, said)["agents"]


def test_a_missing_file_is_made_and_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "metrics.json"
    assert read_metrics(path) is None
    update_boosts(path, {"kimi": {"": 0.05}}, now_ms=NOW_MS)
    found = read_federation(read_metrics(path))
    assert (found.boosts, found.tasks) == ({"kimi": {"": 0.05}}, 0)


def test_sync_leaves_the_counts_of_a_foreign_file_alone(seeded_store: Store, tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(FOREIGN))
    sync_metrics(seeded_store, path, {"kimi": {"": 0.04}})
    assert json.loads(path.read_text())["agents"]["kimi"]["total_tasks"] == 10
    own = tmp_path / "own.json"
    first = sync_metrics(seeded_store, own)
    own.write_text(json.dumps({**first, "note": "kept"}))
    seeded_store.writer().write([{"kind": "run", "agent": "kimi", "task_type": "code", "success": True}])
    second = json.loads(json.dumps(sync_metrics(seeded_store, own)))
    assert second["note"] == "kept"
    assert second["initialized"] == first["initialized"]
    assert second["agents"]["kimi"]["total_tasks"] == first["agents"]["kimi"]["total_tasks"] + 1
    assert json.loads(own.read_text()) == second


def test_a_file_that_only_we_write_is_whole_and_current_at_every_sync(
    store: Store, tmp_path: Path, clock: Clock
) -> None:
    """Not only the boosts: the counts are those of the moment that the file names."""
    path = tmp_path / "m.json"
    loop = PolicyStore(Store(store.path, clock=clock, settings=Settings(metrics_json=path)))
    for number in range(6):
        store.writer().write([{"kind": "run", "agent": "kimi", "task_type": "code", "success": True,
                               "duration_ms": 60_000 * (number + 1)}])  # fmt: skip
    loop.apply(loop.propose_optimize("seed"))
    kimi = json.loads(path.read_text())["agents"]["kimi"]
    assert (kimi["total_tasks"], kimi["success_rate"], kimi["routing_boost"]) == (6, 1.0, 0.05)
    assert (kimi["total_duration_min"], kimi["avg_duration_min"], kimi["rework_count"]) == (21.0, 3.5, 0)
    assert kimi["task_types"]["code"] == {
        "count": 6, "successes": 6, "failures": 0, "total_duration": 21.0, "success_rate": 1.0, "routing_boost": 0.05,
    }  # fmt: skip
    clock.advance(60_000)
    store.writer().write([{"kind": "run", "agent": "kimi", "task_type": "code", "success": True, "notes": "done"}])
    assert loop.bring_in_line() == ()
    found = json.loads(path.read_text())
    assert (found["agents"]["kimi"]["total_tasks"], found["last_updated"]) == (7, "2026-03-10T12:35:56.789Z")
    assert found["recent_tasks"][0] == {
        "timestamp": "2026-03-10T12:35:56.789Z", "agent": "kimi", "task_type": "code", "success": True,
        "duration_min": None, "rework_required": None, "notes": "done",
    }  # fmt: skip
    assert [task["duration_min"] for task in found["recent_tasks"][1:]] == [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]


def test_a_file_that_an_earlier_release_left_without_counts_gets_them(seeded_store: Store, tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    update_boosts(path, {"kimi": {"": 0.05, "code": 0.05}}, now_ms=NOW_MS)
    assert json.loads(path.read_text())["agents"]["kimi"]["total_tasks"] == 0
    sync_metrics(seeded_store, path, {"kimi": {"": 0.05}})
    found = json.loads(path.read_text())
    assert found["agents"]["kimi"]["total_tasks"] == sum(sum(cell) for cell in hand_counts()["kimi"].values())
    assert "former_boosts" not in found


def test_what_another_program_counts_in_a_file_that_we_made_is_never_overwritten(
    seeded_store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "m.json"
    found = sync_metrics(seeded_store, path)
    found["agents"]["kimi"]["total_tasks"] += 1
    found["last_updated"] = "2026-03-10T13:00:00"
    path.write_text(json.dumps(found))
    after = sync_metrics(seeded_store, path, {"kimi": {"": 0.05}})
    assert (after["agents"]["kimi"]["total_tasks"], after["last_updated"]) == (
        found["agents"]["kimi"]["total_tasks"], "2026-03-10T13:00:00",
    )  # fmt: skip
    assert after["agents"]["kimi"]["routing_boost"] == 0.05


def test_durations_and_rework_come_back_right_where_some_are_not_known(tmp_path: Path, clock: Clock) -> None:
    """150 tasks, of which the file keeps 100 one by one; a half of all has a duration, a third is told of rework."""
    path = tmp_path / "m.json"
    with Store(tmp_path / "a.db", clock=clock) as ours, Store(tmp_path / "b.db", clock=clock) as theirs:
        ours.writer().write([
            {"kind": "run", "agent": "kimi", "task_type": "code", "at": NOW_MS - 60_000 * number, "success": True,
             "duration_ms": 600_000 if number % 2 else None, "rework": False if number % 3 == 0 else None}
            for number in range(150)
        ])  # fmt: skip
        sync_metrics(ours, path)
        assert import_paths(theirs, [path]).taken == 150
        rows = [store.reader().agents(store.reader().window("all")).rows[0] for store in (ours, theirs)]
    assert [row.durations.mean_ms for row in rows] == [600_000, 600_000]
    assert [(row.rework.hits, row.rework.n) for row in rows] == [(0, 50), (0, 50)]


ORIGINAL_TASK = {
    "timestamp": "2026-02-05T12:30:00", "agent": "kimi", "task_type": "docs", "success": True, "duration_min": 20,
    "rework_required": False, "notes": None,
}  # fmt: skip


def test_the_original_programs_keys_are_there(seeded_store: Store) -> None:
    """What the federation's own program reads and adds to without asking whether it is there."""
    found = metrics_of(seeded_store)
    assert {"task_types", "recent_tasks", "optimization_history"} <= found.keys()
    assert len(found["recent_tasks"]) == 100
    assert all(task.keys() == ORIGINAL_TASK.keys() for task in found["recent_tasks"])
    for agent in found["agents"].values():
        assert {"rework_count", "total_duration_min", "avg_duration_min"} <= agent.keys()
        for kind, counts in agent["task_types"].items():
            assert counts["count"] == counts["successes"] + counts["failures"]
            assert counts["total_duration"] > 0
            assert found["task_types"][kind]["total_count"] >= counts["count"]
    assert sum(kind["total_count"] for kind in found["task_types"].values()) == sum(
        agent["total_tasks"] for agent in found["agents"].values()
    )
    graded = [run for run in map(run_event, range(RUNS)) if run["success"] is not None]
    redone = sum(run["rework"] is True for run in graded)
    assert sum(agent["rework_count"] for agent in found["agents"].values()) == redone


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', '{"agents": []}', "\x00"])
def test_what_is_not_a_metrics_file_is_never_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(text)
    with pytest.raises(FedstoreError, match=r"metrics\.json"):
        update_boosts(path, {"kimi": {"": 0.05}})
    assert path.read_text() == text


def test_a_folder_in_the_way_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FedstoreError, match="cannot be written"):
        write_export(tmp_path / "file", {}, NOW_MS)


CELLS = st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(any)
NAMES = st.sampled_from(["kimi", "claude", "ünï", "x/y"])
KINDS = st.sampled_from(["", "code", "docs"])


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(NAMES, st.dictionaries(KINDS, CELLS, min_size=1), max_size=4))
def test_what_is_written_is_what_is_read(counts: dict[str, dict[str, tuple[int, int]]]) -> None:
    document = metrics_document(counts, {}, initialized_ms=NOW_MS - 5, updated_ms=NOW_MS)
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for run in Tally({}).events(read_federation(json.loads(json.dumps(document)))):
        assert isinstance(run, Run)
        good, bad = found.setdefault(run.agent, {}).get(run.task_type, (0, 0))
        found[run.agent][run.task_type] = (good + 1, bad) if run.success else (good, bad + 1)
    assert found == counts


class Compared(dict[str, object]):
    """Counts how often one of them is compared."""

    count = 0

    def __eq__(self, other: object) -> bool:
        Compared.count += 1
        return dict.__eq__(self, other)

    __hash__ = None  # type: ignore[assignment]


def test_a_long_history_is_not_compared_entry_by_entry() -> None:
    old = [Compared(change=n, agent="a", reason="r", task_type=None) for n in range(200)]
    odd = [{"change": 1, "of another": ["program"]}, "text", None]
    new = [{"change": n, "agent": "a", "reason": "r", "task_type": None} for n in range(100, 300)]
    merged = _merged([*old, *odd], [*new, *new])
    assert merged == [*old, *odd, *new[100:]]
    assert Compared.count <= 300  # those of the assertion above
