"""The routing tracker: what the store and the log get, together and from many at once; what it answers."""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fedstore import RoutingPerformanceTracker
from fedstore.compat.routing_file import append_decision
from fedstore.compat.tracker import default_log_path
from fedstore.demo.sample import sample_routes
from fedstore.facts.events import Route
from fedstore.ingest import import_paths
from fedstore.ingest.routing_log import decision_event, decision_events, routing_schema
from fedstore.policy import PolicyStore
from fedstore.settings.config import Settings
from fedstore.store import Store
from tests.conftest import Clock
from tests.ingest.helpers import contents, count, lines


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "routing" / "performance.jsonl"


@pytest.fixture
def tracker(store: Store, log: Path) -> Iterator[RoutingPerformanceTracker]:
    found = RoutingPerformanceTracker(log, store)
    yield found
    found.close()


def events(log: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in log.read_text().splitlines()]
    validator = jsonschema.Draft202012Validator(routing_schema())
    for event in found:
        validator.validate(event)
    return found


def route_once(tracker: RoutingPerformanceTracker, description: str = "Deploy API", layer: str = "keyword") -> str:
    event_id = tracker.start_routing(task_description=description, task_id="task-123")
    tracker.mark_layer_start(layer)
    tracker.record_layer_attempt(layer_name=layer, confidence=0.88, selected_master="cicd-master", success=True)
    tracker.finalize_routing(selected_master="cicd-master", routing_layer=layer, confidence=0.88)
    return event_id


def test_the_usage_example(tracker: RoutingPerformanceTracker, store: Store, log: Path) -> None:
    event_id = route_once(tracker)
    assert event_id.startswith("route-20260310-123456-")
    assert len(event_id) == len("route-20251127-143052-a3f8b2c1")
    tracker.record_outcome(task_completed=True, was_correct_master=True)
    columns = "id, task_id, agent, layer, confidence, correct, completed, description"
    row = store.database.read(f"SELECT {columns} FROM routes")
    assert row == [(event_id, "task-123", "cicd-master", "keyword", 0.88, 1, 1, None)]
    first, second = events(log)
    assert first["event_id"] == second["event_id"] == event_id
    assert first["task_description"] == "Deploy API"
    assert "outcome" not in first
    (layer,) = first["routing_layers"]
    assert (layer["layer_id"], layer["success"], layer["threshold"]) == (1, True, 0.85)
    assert layer["latency_ms"] == round(layer["latency_ms"], 3) >= 0
    assert first["total_latency_ms"] == pytest.approx(layer["latency_ms"], abs=0.001)
    assert second["outcome"]["was_correct_master"] is True
    assert second["learning_feedback"]["correct_routing"] is True
    assert tracker.lost == 0


def test_the_originals_keywords_and_any_more_are_taken(
    tracker: RoutingPerformanceTracker, store: Store, log: Path
) -> None:
    tracker.start_routing("Fix bug", task_id="t1", task_metadata={"priority": "high"}, session="s1")
    tracker.record_layer_attempt("keyword", confidence=0.88, selected_master="dev", success=True, reason="because")
    tracker.finalize_routing(
        selected_master="dev", routing_layer="keyword", confidence=0.88, all_probabilities={"dev": 0.88, "sec": 0.12},
        model="m",
    )  # fmt: skip
    tracker.record_outcome(
        task_completed=True, task_status="completed", was_correct_master=False, user_corrected_to="sec", note="x"
    )
    assert tracker.lost == 0
    assert store.database.read("SELECT correct, correct_agent FROM routes") == [(0, "sec")]
    for event in events(log):
        assert event["task_metadata"] == {"priority": "high"}
        assert event["final_decision"]["all_probabilities"] == {"dev": 0.88, "sec": 0.12}
    told = events(log)[1]
    assert told["outcome"]["task_status"] == "completed"
    assert told["learning_feedback"] == {
        "correct_routing": False, "threshold_too_high": False, "threshold_too_low": True,
        "should_have_routed_to": "sec",
    }  # fmt: skip


def test_what_json_cannot_hold_is_lost_to_the_log_and_not_raised(tracker: RoutingPerformanceTracker) -> None:
    tracker.start_routing("x", task_metadata={("a", "tuple"): 1})  # type: ignore[dict-item]
    tracker.record_layer_attempt("keyword", 0.9, "dev", True)
    tracker.finalize_routing("dev", "keyword", 0.9)
    assert tracker.lost == 1


def test_a_log_that_has_grown_is_moved_into_the_archive(store: Store, log: Path, clock: Clock) -> None:
    limited = Store(store.path, clock=clock, settings=Settings(routing_log_mb=0.002))
    tracker = RoutingPerformanceTracker(log, limited)
    ids = [route_once(tracker) for _ in range(20)]
    today = f"{datetime.now().astimezone():%Y%m%d}"
    moved = sorted((log.parent / "archive").iterdir())
    assert moved[0].name == f"performance-{today}-2.jsonl" or moved[0].name == f"performance-{today}.jsonl"
    assert all(file.stat().st_size >= 0.002 * 1024 * 1024 for file in moved)
    assert log.stat().st_size < 0.002 * 1024 * 1024 + 1_000
    written = [event["event_id"] for file in (*moved, log) for event in events(file)]
    assert sorted(written) == sorted(ids)
    with Store(log.with_name("b.db"), clock=clock) as other:
        asked = RoutingPerformanceTracker(log, other)
        assert asked.get_performance_summary()["total_routes"] == 20, "the archive is asked, too"


def _append_many(path: str, name: str) -> None:
    event = decision_event(Route(id="x", at=1_700_000_000_000, agent="a", layer="keyword"))
    for number in range(150):
        append_decision(Path(path), {**event, "event_id": f"{name}-{number}"}, limit_bytes=4_000)


def test_many_processes_move_the_log_away_and_lose_nothing(tmp_path: Path) -> None:
    log = tmp_path / "performance.jsonl"
    workers = [
        multiprocessing.get_context("spawn").Process(target=_append_many, args=(str(log), name)) for name in "abc"
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    files = [*(tmp_path / "archive").iterdir(), log]
    assert len(files) > 10
    assert all(file.stat().st_size < 6_000 for file in files), "each is moved once it has grown"
    written = Counter(event["event_id"] for file in files for event in events(file))
    assert written.keys() == {f"{name}-{number}" for name in "abc" for number in range(150)}


def test_reading_its_own_log_changes_nothing(
    tracker: RoutingPerformanceTracker, store: Store, clock: Clock, log: Path
) -> None:
    for n in range(3):
        clock.advance(1_000)
        tracker.start_routing(f"task {n}")
        tracker.record_layer_attempt("keyword", 0.4, "dev", False, latency_ms=1.5, metadata={"matched": [n]})
        tracker.record_layer_attempt("semantic", 0.9, "ops", True, latency_ms=20.25)
        tracker.finalize_routing("ops", "semantic", 0.9)
    clock.advance(60_000)
    tracker.record_outcome(True, True, completion_time_minutes=45, quality_score=0.9)
    clock.advance(60_000)
    tracker.record_outcome(False, False, correct_master="dev")
    before = contents(store.database)
    report = import_paths(store, [log])
    assert (report.taken, report.rejected) == (0, 0)
    assert contents(store.database) == before
    assert store.database.read("SELECT correct, correct_agent, completed, quality, completion_ms FROM routes"
                               " WHERE correct IS NOT NULL") == [(0, "dev", 0, 0.9, 2_700_000)]  # fmt: skip
    elsewhere = Store(log.with_name("b.db"), clock=clock)
    import_paths(elsewhere, [log])
    fresh = contents(elsewhere.database)
    assert {name: fresh[name] for name in ("routes", "route_attempts", "route_buckets", "layer_buckets")} == {
        name: before[name] for name in ("routes", "route_attempts", "route_buckets", "layer_buckets")
    }
    elsewhere.close()


def test_thresholds_come_from_the_routing_configuration_where_no_policy_speaks(
    tmp_path: Path, log: Path, clock: Clock
) -> None:
    """What the tracker logs, what the analysis holds it against and what a plan starts from are one figure."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"routing_layers": [
        {"layer_id": 1, "layer_name": "keyword", "confidence_threshold": 0.60, "enabled": True},
    ]}))  # fmt: skip
    with Store(tmp_path / "a.db", clock=clock, settings=Settings(routing_config_json=config)) as store:
        tracker = RoutingPerformanceTracker(log, store)
        assert (tracker.threshold("keyword"), tracker.threshold("semantic")) == (0.60, 0.70)
        for _ in range(200):
            tracker.start_routing("x")
            tracker.record_layer_attempt("keyword", confidence=0.70, selected_master="a", success=True)
            tracker.finalize_routing("a", "keyword", 0.70)
            tracker.record_outcome(True, True)
        assert {layer["threshold"] for event in events(log) for layer in event["routing_layers"]} == {0.60}
        assert tracker.get_threshold_analysis()["keyword"]["current_threshold"] == 0.60
        assert tracker.get_layer_statistics()["keyword"]["threshold"] == 0.60
        plan = PolicyStore(store).propose_tune()
        assert plan.tuned is not None
        assert [(layer.layer, layer.old) for layer in plan.layers] == [("keyword", 0.60)]
        assert (plan.tuned.graded, plan.tuned.rejected) == (200, {})
        ((route_id,),) = store.database.read("SELECT id FROM routes LIMIT 1")
        why = store.reader().why(route_id)
        assert why is not None
        assert [(step.threshold, step.threshold_now) for step in why.steps] == [(0.60, 0.60)]
        config.write_text("{ half")  # somebody is writing it
        assert store.reader().thresholds()["keyword"] == 0.60
        PolicyStore(store)._set("import", {"layer:keyword": 0.65}, "", "")
        assert store.reader().thresholds()["keyword"] == 0.65


def test_thresholds_come_from_the_policy_in_force(tracker: RoutingPerformanceTracker, store: Store, log: Path) -> None:
    assert tracker.threshold("semantic") == 0.70
    assert tracker.threshold("home-made") is None
    with store.database.write() as tx:
        tx.execute(
            "INSERT INTO policies (version, body, made_ms) VALUES (1, ?, 0)",
            (json.dumps({"thresholds": {"semantic": 0.65}, "boosts": {}, "locked": []}),),
        )
    fresh = RoutingPerformanceTracker(log, store)
    assert fresh.threshold("semantic") == 0.65
    fresh.start_routing("x")
    fresh.record_layer_attempt("semantic", 0.9, "ops", True)
    fresh.finalize_routing("ops", "semantic", 0.9)
    assert events(log)[0]["routing_layers"][0]["threshold"] == 0.65
    fresh.start_routing("x")
    fresh.record_layer_attempt("semantic", 0.9, "ops", True, threshold=0.5)
    fresh.finalize_routing("ops", "semantic", 0.9)
    assert events(log)[1]["routing_layers"][0]["threshold"] == 0.5


def test_probes_and_failed_layers(tracker: RoutingPerformanceTracker, store: Store, log: Path) -> None:
    tracker.start_routing("x")
    tracker.record_layer_attempt("keyword", None, None, False, metadata={"error": "TimeoutError"})
    tracker.record_layer_attempt("semantic", 0.9, "ops", True, latency_ms=10.0)
    probe = {"shadow": True, "shadow_rate": 0.1}
    tracker.record_layer_attempt("rag", 0.95, "dev", True, latency_ms=99.0, metadata=probe)
    tracker.finalize_routing("ops", "semantic", 0.9)
    assert store.database.read(
        "SELECT layer, accepted, shadow, shadow_rate, error_class FROM route_attempts ORDER BY position"
    ) == [("keyword", 0, 0, None, "TimeoutError"), ("semantic", 1, 0, None, ""), ("rag", 0, 1, 0.1, "")]
    (event,) = events(log)
    assert [a["success"] for a in event["routing_layers"]] == [False, True, True]
    assert event["total_latency_ms"] < 99


def test_what_a_layer_or_a_task_does_not_say_may_be_left_out(
    tracker: RoutingPerformanceTracker, store: Store, log: Path
) -> None:
    tracker.start_routing("x")
    tracker.record_layer_attempt("keyword", 0.2)
    tracker.record_layer_attempt("semantic", 0.9, "ops", True)
    tracker.finalize_routing("ops", "semantic")
    tracker.record_outcome(True)
    attempts = store.database.read("SELECT layer, agent, accepted FROM route_attempts ORDER BY position")
    assert attempts == [("keyword", "", 0), ("semantic", "ops", 1)]
    assert store.database.read("SELECT confidence, completed, correct FROM routes") == [(None, 1, None)]
    assert (len(events(log)), tracker.lost) == (2, 0)


def test_routings_of_threads_do_not_mix(tracker: RoutingPerformanceTracker, store: Store, log: Path) -> None:
    barrier = threading.Barrier(8)

    def work(n: int) -> None:
        for m in range(5):
            tracker.start_routing(f"{n}-{m}", task_id=f"{n}-{m}")
            barrier.wait()
            tracker.record_layer_attempt("keyword", 0.9, f"agent-{n}", True, latency_ms=1.0)
            barrier.wait()
            tracker.finalize_routing(f"agent-{n}", "keyword", 0.9)
            tracker.record_outcome(True, n % 2 == 0)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = store.database.read("SELECT task_id, agent, correct FROM routes ORDER BY task_id")
    assert rows == [(f"{n}-{m}", f"agent-{n}", int(n % 2 == 0)) for n in range(8) for m in range(5)]
    assert len(events(log)) == 80
    assert tracker.lost == 0


async def test_routings_of_asyncio_tasks_do_not_mix(tracker: RoutingPerformanceTracker, store: Store) -> None:
    async def layer(n: int) -> None:
        await asyncio.sleep(0)
        tracker.record_layer_attempt("keyword", 0.9, f"agent-{n}", True)

    async def work(n: int) -> None:
        tracker.start_routing(str(n), task_id=str(n))
        await asyncio.sleep(0)
        await asyncio.create_task(layer(n))
        tracker.finalize_routing(f"agent-{n}", "keyword", 0.9)
        await asyncio.sleep(0)
        tracker.record_outcome(True, True, quality_score=n / 10)

    await asyncio.gather(*(work(n) for n in range(10)))
    rows = store.database.read("SELECT task_id, agent, quality FROM routes ORDER BY task_id")
    assert rows == [(str(n), f"agent-{n}", n / 10) for n in range(10)]


def test_outcome_of_a_decision_of_another_process(store: Store, log: Path, clock: Clock) -> None:
    first = RoutingPerformanceTracker(log, store)
    event_id = route_once(first)
    second = RoutingPerformanceTracker(log, store)
    event = second.record_outcome(True, False, event_id=event_id, correct_master="development-master")
    assert event is not None
    assert event["routing_layers"][0]["layer_name"] == "keyword"
    assert events(log)[-1]["outcome"]["correct_master"] == "development-master"
    assert second.record_outcome(True, True, event_id="route-of-tomorrow") is None
    assert count(store.database, "verdicts") == 2, "an early outcome waits for its decision"


@pytest.mark.parametrize(
    "misuse",
    [
        lambda t: t.mark_layer_start("keyword"),
        lambda t: t.record_layer_attempt("keyword", 0.5, "a", True),
        lambda t: t.finalize_routing("a", "keyword", 0.5),
        lambda t: t.record_outcome(True, True),
        lambda t: (t.start_routing("x"), t.record_layer_attempt("keyword", 7.0, "a", True)),
        lambda t: (t.start_routing("x"), t.record_layer_attempt("keyword", "high", "a", True)),
        lambda t: (t.start_routing("x"), t.record_layer_attempt(None, 0.5, "a", True)),
        lambda t: (t.start_routing("x"), t.finalize_routing("a", "", 0.5)),
        lambda t: (t.start_routing("x"), t.record_layer_attempt("keyword", 0.5, "a", True),
                   t.finalize_routing("a", "semantic", 0.5)),
        lambda t: (route_once(t), t.record_outcome(True, True, quality_score=95)),
        lambda t: (route_once(t), t.record_outcome(None, None)),
    ],
)  # fmt: skip
def test_misuse_is_counted_and_said_once_but_never_raised(
    tracker: RoutingPerformanceTracker, misuse, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "fedstore"):
        misuse(tracker)
        misuse(tracker)
    assert tracker.lost >= 2
    assert sum("routing tracker" in record.message for record in caplog.records) == 1


def test_a_log_that_cannot_be_written_does_not_stop_the_store(store: Store, tmp_path: Path, caplog) -> None:
    (tmp_path / "folder").mkdir()
    tracker = RoutingPerformanceTracker(tmp_path / "folder", store)
    with caplog.at_level(logging.WARNING, "fedstore"):
        route_once(tracker)
    assert count(store.database, "routes") == 1
    assert tracker.lost == 1


def test_a_store_that_cannot_be_opened_does_not_stop_the_log(tmp_path: Path, log: Path, caplog) -> None:
    (tmp_path / "foreign.db").write_bytes(b"not a database at all")
    tracker = RoutingPerformanceTracker(log, tmp_path / "foreign.db")
    with caplog.at_level(logging.WARNING, "fedstore"):
        route_once(tracker)
        tracker.record_outcome(True, True)
    assert len(events(log)) == 2
    assert tracker.lost == 2
    tracker.close()


def test_a_half_written_line_of_someone_else_is_closed_first(tracker: RoutingPerformanceTracker, log: Path) -> None:
    log.parent.mkdir()
    log.write_bytes(b'{"event_id": "route-of-the-d')
    route_once(tracker)
    first, second = log.read_text().splitlines()
    assert first == '{"event_id": "route-of-the-d'
    assert decision_events(json.loads(second))


def test_metadata_that_json_cannot_hold(tracker: RoutingPerformanceTracker, log: Path) -> None:
    tracker.start_routing("\ud800 odd")
    tracker.record_layer_attempt("keyword", 0.9, "a", True, metadata={"path": Path("x"), "set": {1}})
    tracker.finalize_routing("a", "keyword", 0.9)
    assert events(log)[0]["routing_layers"][0]["metadata"] == {"path": "x", "set": "{1}"}


def test_where_the_log_lies_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: Store) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FEDTOP_STORE", str(tmp_path / "s" / "fedtop.db"))
    assert default_log_path() == tmp_path / "s" / "performance.jsonl"
    (tmp_path / "coordination" / "routing").mkdir(parents=True)
    assert default_log_path() == Path("coordination/routing/performance.jsonl")
    monkeypatch.setenv("FEDTOP_ROUTING_LOG", str(tmp_path / "x.jsonl"))
    assert default_log_path() == tmp_path / "x.jsonl"
    assert RoutingPerformanceTracker(store=store).log_path == store.path.with_name("performance.jsonl")


def test_analytics_agree_with_counting_the_log(tracker: RoutingPerformanceTracker, clock: Clock, log: Path) -> None:
    routes = sample_routes(400, 5, clock.now_ms, hours=20)
    log.parent.mkdir()
    log.write_bytes(lines(*routes))
    route_once(tracker, layer="rag")
    summary = tracker.get_performance_summary(hours=24)
    graded = [e for e in routes if "outcome" in e]
    assert summary["total_routes"] == 401
    assert summary["outcomes"] == len(graded)
    decided = Counter(e["final_decision"]["routing_layer"] for e in routes) + Counter({"rag": 1})
    told = Counter(e["final_decision"]["routing_layer"] for e in graded)
    right = Counter(e["final_decision"]["routing_layer"] for e in graded if e["outcome"]["was_correct_master"])
    weighted = sum(decided[layer] * right[layer] / told[layer] for layer in told) / sum(decided[name] for name in told)
    assert summary["overall_accuracy"] == pytest.approx(weighted)
    low, high = summary["accuracy_interval"]
    assert low < weighted < high
    shown = tracker.store.reader().cascade(tracker.store.reader().window("24h")).accuracy
    assert (shown.value, shown.interval) == (summary["overall_accuracy"], (low, high)), "as every view tells it"
    taken = [e for e in routes if e["final_decision"]["routing_layer"] == "semantic"]
    assert summary["layer_distribution"]["semantic"]["routes"] == len(taken)
    asked = [a for e in routes for a in e["routing_layers"] if a["layer_name"] == "semantic"]
    semantic = tracker.get_layer_statistics("semantic")["semantic"]
    assert (semantic["attempts"], semantic["successes"]) == (len(asked), len(taken))
    assert semantic["avg_confidence"] == pytest.approx(sum(a["confidence"] for a in asked) / len(asked), abs=1e-4)
    assert semantic["avg_latency_ms"] == pytest.approx(sum(a["latency_ms"] for a in asked) / len(asked), abs=1e-3)
    low, high = semantic["accuracy_interval"]
    assert low < semantic["accuracy"] < high
    assert set(tracker.get_layer_statistics()) == {"keyword", "semantic", "rag", "pytorch", "clarification"}
    analysis = tracker.get_threshold_analysis("semantic")["semantic"]
    assert analysis["current_threshold"] == 0.70
    assert analysis["events_below_threshold"] == sum(a["confidence"] < 0.70 for a in asked)
    assert analysis["events_above_threshold"] == sum(a["confidence"] >= 0.70 for a in asked)
    assert analysis["were_incorrect"] == sum(not e["outcome"]["was_correct_master"] for e in taken if "outcome" in e)
    texts = [found["text"] for found in tracker.get_recommendations()]
    assert any(text.startswith("[keyword] Lower threshold from 0.85 to 0.80") for text in texts)


def test_analytics_of_nothing(tracker: RoutingPerformanceTracker) -> None:
    assert tracker.get_layer_statistics() == {}
    assert tracker.get_threshold_analysis() == {}
    assert tracker.get_recommendations() == []
    summary = tracker.get_performance_summary()
    assert (summary["total_routes"], summary["overall_accuracy"], summary["avg_latency_ms"]) == (0, None, None)
