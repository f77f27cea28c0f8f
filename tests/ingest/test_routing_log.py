"""The routing log: two statements of one schema, what becomes of an event, and the way back."""

from __future__ import annotations

import copy
import io
import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedstore.engine.sqlite import Database
from fedstore.errors import EventError
from fedstore.facts.events import Route, Verdict
from fedstore.ingest import import_paths
from fedstore.ingest.routing_export import stored_route, stored_routes, write_routing_log
from fedstore.ingest.routing_log import decision_event, decision_events, iso, learning_feedback, routing_schema
from fedstore.ingest.routing_models import DecisionIn
from fedstore.learning.analysis import analyse_layers
from fedstore.queries.decisions import read_decisions
from fedstore.store import Store
from fedstore.window import Window
from tests.ingest.helpers import contents, data_folder, lines

AT = 1_764_253_852_000  # 2025-11-27T14:30:52Z
ALWAYS = Window(AT - 10**9, AT + 10**9, "all")

EXAMPLE: dict[str, Any] = {
    "event_id": "route-20251127-143052-a3f8b2c1",
    "timestamp": "2025-11-27T14:30:52Z",
    "task_id": "task-001",
    "task_description": "Fix authentication bug in user login system",
    "routing_layers": [
        {
            "layer_id": 1, "layer_name": "keyword", "attempted": True, "success": False, "confidence": 0.82,
            "threshold": 0.85, "selected_master": "development-master", "latency_ms": 3.2,
            "metadata": {"matched_keywords": ["fix", "bug"]},
        },
        {
            "layer_id": 2, "layer_name": "semantic", "attempted": True, "success": True, "confidence": 0.91,
            "threshold": 0.70, "selected_master": "development-master", "latency_ms": 42.1,
            "metadata": {"cluster": "development"},
        },
    ],
    "final_decision": {"selected_master": "development-master", "routing_layer": "semantic", "confidence": 0.91},
    "total_latency_ms": 45.3,
    "outcome": {"task_completed": True, "was_correct_master": True, "quality_score": 0.95},
    "learning_feedback": {"correct_routing": True, "threshold_too_high": False, "threshold_too_low": False},
}  # fmt: skip


def changed(**changes: Any) -> dict[str, Any]:
    """The example with some values replaced; a double underscore goes down, ``...`` takes out."""
    event = copy.deepcopy(EXAMPLE)
    for path, value in changes.items():
        *way, last = path.split("__")
        at: Any = event
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at[step]
        if value is ...:
            del at[last]
        else:
            at[last] = value
    return event


GOOD = [
    EXAMPLE,
    changed(task_id=...), changed(task_id=None), changed(task_description=None), changed(outcome=None),
    changed(outcome=...), changed(learning_feedback=...), changed(routing_layers=[]),
    changed(extra={"of": "another writer"}), changed(routing_layers__0__note="own field"),
    changed(routing_layers__0__metadata={"shadow": True, "shadow_rate": 0.1}),
    changed(routing_layers__0__metadata=None), changed(routing_layers__0__metadata=...),
    changed(routing_layers__0__confidence=0), changed(routing_layers__0__confidence=1),
    changed(routing_layers__0__attempted=...), changed(routing_layers__0__threshold=None),
    changed(routing_layers__0__attempted=False, routing_layers__0__confidence=None),
    changed(routing_layers__0__confidence=None, routing_layers__0__metadata={"error": "TimeoutError"}),
    changed(routing_layers__0__confidence=..., routing_layers__0__metadata={"error": "TimeoutError"}),
    changed(routing_layers__0__selected_master=None), changed(routing_layers__0__latency_ms=0),
    changed(timestamp="2025-11-27T14:30:52.123+02:00"), changed(total_latency_ms=None),
    changed(outcome__correct_master="cicd-master"), changed(outcome__completion_time_minutes=45),
    changed(outcome__recorded_at="2025-11-28T00:00:00Z"), changed(evaluation={"true_master": "x", "split": "test"}),
    changed(final_decision__confidence=None), changed(final_decision__selected_master=None),
    changed(learning_feedback__layer_should_have_caught="keyword"),
    changed(timestamp="2025-11-27T14:30:52"), changed(timestamp="2025-11-27T14:30:52.123456"),
    changed(outcome__recorded_at="2025-11-28T00:00:00"),
    changed(routing_layers__0__confidence=1.0000001), changed(final_decision__confidence=1.0000000000000002),
    changed(routing_layers__0__confidence=-0.1), changed(routing_layers__0__success=None),
    changed(routing_layers__0__attempted=False, routing_layers__0__success=None, routing_layers__0__confidence=None,
            routing_layers__0__threshold=None, routing_layers__0__latency_ms=None, routing_layers__0__metadata=None),
]  # fmt: skip
BAD = [
    {}, {"event_id": "x"}, changed(event_id=...), changed(event_id=""), changed(event_id="  "), changed(event_id=7),
    changed(event_id="x" * 201), changed(timestamp=...), changed(timestamp="yesterday"), changed(timestamp=1764253852),
    changed(timestamp="1970-01-01T00:00:00"), changed(task_id=5), changed(task_description=["a"]),
    changed(routing_layers=...), changed(routing_layers=None), changed(routing_layers={}),
    changed(routing_layers=[EXAMPLE["routing_layers"][0]] * 33), changed(routing_layers__0__layer_name=""),
    changed(routing_layers__0__layer_name=...), changed(routing_layers__0__success=...),
    changed(routing_layers__0__success="false"), changed(routing_layers__0__success=0),
    changed(routing_layers__0__attempted="yes"), changed(routing_layers__0__confidence=None),
    changed(routing_layers__0__confidence=...), changed(routing_layers__0__confidence=1.2),
    changed(routing_layers__0__confidence=-1.1), changed(routing_layers__0__confidence="0.8"),
    changed(routing_layers__0__confidence=True), changed(routing_layers__0__threshold=85),
    changed(routing_layers__0__attempted=False, routing_layers__0__confidence=7),
    changed(routing_layers__0__attempted=False, routing_layers__0__confidence=None,
            routing_layers__0__metadata={"shadow": True}),
    changed(routing_layers__0__selected_master=3), changed(routing_layers__0__latency_ms=-1),
    changed(routing_layers__0__latency_ms="3 ms"), changed(routing_layers__0__metadata=[]),
    changed(routing_layers__0__metadata={"shadow": "yes"}), changed(routing_layers__0__metadata={"shadow_rate": 0}),
    changed(routing_layers__0__metadata={"shadow_rate": 2}), changed(routing_layers__0__layer_id="one"),
    changed(final_decision=...), changed(final_decision=None), changed(final_decision__routing_layer=...),
    changed(final_decision__selected_master=...), changed(final_decision__confidence=3),
    changed(total_latency_ms=-2), changed(outcome=[]), changed(outcome__task_completed="yes"),
    changed(outcome__was_correct_master=1), changed(outcome__quality_score=95),
    changed(outcome__correct_master=""), changed(outcome__completion_time_minutes=-1),
    changed(outcome__recorded_at="later"), changed(evaluation="x"), changed(evaluation={"true_master": 4}),
    changed(learning_feedback=[]), changed(learning_feedback__correct_routing="yes"),
]  # fmt: skip


def accepts(event: Any) -> bool:
    try:
        DecisionIn.model_validate(event)
    except ValueError:
        return False
    return True


def test_schema_is_a_schema() -> None:
    schema = routing_schema()
    assert list(jsonschema.Draft202012Validator(jsonschema.Draft202012Validator.META_SCHEMA).iter_errors(schema)) == []


@pytest.mark.parametrize(("event", "good"), [(e, True) for e in GOOD] + [(e, False) for e in BAD])
def test_schema_and_reader_agree(event: dict[str, Any], good: bool) -> None:
    valid = jsonschema.Draft202012Validator(routing_schema()).is_valid(event)
    assert (accepts(event), valid) == (good, good)


def layers_of(*layers: dict[str, Any], decided: str = "semantic") -> list[tuple[Any, ...]]:
    """What becomes of layers in a decision: name, proposal, confidence, whether it accepted, latency, error."""
    given = [
        {"attempted": True, "threshold": 0.7, "selected_master": "a", "metadata": None, **layer} for layer in layers
    ]
    (route,) = decision_events(changed(routing_layers=given, final_decision__routing_layer=decided, outcome=None))
    assert isinstance(route, Route)
    return [(a.layer, a.agent, a.confidence, a.accepted, a.latency_ms, a.error_class) for a in route.attempts]


def test_a_time_without_a_zone_is_in_utc() -> None:
    route, verdict = decision_events(
        changed(timestamp="2025-11-27T14:30:52.5", outcome__recorded_at="2025-11-27T14:31:52")
    )
    assert (route.at, verdict.at) == (AT + 500, AT + 60_000)


def test_confidences_are_brought_within_their_bounds() -> None:
    assert layers_of(
        {"layer_name": "keyword", "success": False, "confidence": -0.04, "latency_ms": 1},
        {"layer_name": "semantic", "success": True, "confidence": 1.0000000000000002, "latency_ms": 2},
    ) == [("keyword", "a", 0.0, False, 1.0, ""), ("semantic", "a", 1.0, True, 2.0, "")]


def test_a_layer_that_was_tried_again_is_one_attempt() -> None:
    timeout = {"layer_name": "semantic", "success": False, "confidence": 0.3, "latency_ms": 30,
               "metadata": {"error": "timeout"}}  # fmt: skip
    again = {"layer_name": "semantic", "success": True, "confidence": 0.8, "latency_ms": 5}
    other = {"layer_name": "keyword", "success": False, "confidence": 0.1, "latency_ms": None}
    probe = {"layer_name": "keyword", "success": True, "confidence": 0.9, "latency_ms": 7, "metadata": {"shadow": True}}
    merged = ("semantic", "a", 0.8, True, 35.0, "")
    assert layers_of(timeout, again) == [merged]
    assert layers_of(again, timeout) == [merged], "the one that decided counts, whichever comes last"
    assert layers_of(other, timeout, again, probe) == [("keyword", "a", 0.1, False, None, ""), merged]
    assert layers_of(timeout, {**again, "success": False}, decided="clarification") == [
        ("semantic", "a", 0.8, False, 35.0, "")
    ]


def test_a_layer_that_does_not_say_whether_it_decided_did_if_the_decision_names_it() -> None:
    unsaid = {"success": None, "confidence": 0.8, "latency_ms": None}
    assert [row[3] for row in layers_of({"layer_name": "keyword", **unsaid}, {"layer_name": "semantic", **unsaid})] == [
        False, True,
    ]  # fmt: skip


def test_events_of_the_example() -> None:
    (route,) = decision_events(EXAMPLE)
    assert isinstance(route, Route)
    assert (route.id, route.at, route.agent, route.layer) == (
        "route-20251127-143052-a3f8b2c1", AT, "development-master", "semantic",
    )  # fmt: skip
    assert [(a.layer, a.accepted, a.confidence, a.threshold) for a in route.attempts] == [
        ("keyword", False, 0.82, 0.85), ("semantic", True, 0.91, 0.70),
    ]  # fmt: skip
    assert route.outcome is not None
    assert (route.outcome.correct, route.outcome.completed, route.outcome.quality) == (True, True, 0.95)


def test_truth_from_the_outcome_or_from_an_evaluation() -> None:
    for event in (
        changed(outcome={"correct_master": "cicd-master"}),
        changed(outcome=..., evaluation={"true_master": "cicd-master"}),
    ):
        (route,) = decision_events(event)
        assert isinstance(route, Route)
        assert route.outcome is not None
        assert route.outcome.correct_agent == "cicd-master"


def test_layers_that_were_not_asked() -> None:
    (route,) = decision_events(changed(routing_layers__0__attempted=False, routing_layers__0__confidence=None))
    assert isinstance(route, Route)
    assert [a.layer for a in route.attempts] == ["semantic"]
    probe = {"shadow": True, "shadow_rate": 0.25}
    (route,) = decision_events(
        changed(routing_layers__0__attempted=False, routing_layers__0__success=True, routing_layers__0__metadata=probe)
    )
    assert isinstance(route, Route)
    assert [(a.layer, a.shadow, a.shadow_rate, a.accepted) for a in route.attempts] == [
        ("keyword", True, 0.25, False), ("semantic", False, None, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (changed(routing_layers__0__success=True), "only the one that decided may"),
        (changed(final_decision__routing_layer="rag"), "only the one that decided may"),
        (changed(routing_layers__0__confidence=...), "confidence is missing"),
        (changed(routing_layers__0__confidence=math.nan), "confidence"),
        (changed(timestamp="27 Nov 2025"), "ISO 8601 time such as"),
        (changed(routing_layers__0__confidence=1.01), "must be between 0 and 1, not 1.01"),
        ("text", "object|dictionary"),
    ],
)
def test_refusals_say_why(event: Any, words: str) -> None:
    with pytest.raises(EventError, match=words) as caught:
        decision_events(event)
    assert "\n" not in str(caught.value)


def test_an_outcome_that_came_later_is_a_verdict_of_its_time() -> None:
    route, verdict = decision_events(changed(outcome__recorded_at="2025-11-28T00:00:00Z"))
    assert isinstance(route, Route)
    assert route.outcome is None
    assert isinstance(verdict, Verdict)
    assert (verdict.subject_id, verdict.at, verdict.correct) == (route.id, AT + 34_148_000, True)


def test_the_example_comes_out_as_it_went_in(store: Store, tmp_path: Path) -> None:
    """But for the layers' own metadata, which the store does not keep."""
    log = tmp_path / "performance.jsonl"
    log.write_bytes(lines(EXAMPLE))
    import_paths(store, [log], keep_content=True)
    out = io.StringIO()
    write_routing_log(store.database, Window(0, 1 << 50, "all"), out)
    expected = copy.deepcopy(EXAMPLE)
    for layer in expected["routing_layers"]:
        layer["metadata"] = {}
    assert json.loads(out.getvalue()) == expected


@pytest.mark.parametrize("where", ["outcome__user_corrected_to", "learning_feedback__should_have_routed_to"])
def test_what_the_original_calls_the_right_agent_is_read(store: Store, tmp_path: Path, where: str) -> None:
    """It tells what the layers below their thresholds would have been worth."""
    log = tmp_path / "performance.jsonl"
    event = changed(
        routing_layers__0__selected_master="security-master", outcome__was_correct_master=False,
        outcome__task_status="completed", task_metadata={"priority": "high"}, **{where: "security-master"},
        learning_feedback__layer_should_have_caught="keyword",
    )  # fmt: skip
    jsonschema.validate(event, routing_schema())
    log.write_bytes(lines(event))
    import_paths(store, [log])
    why = store.reader().why(EXAMPLE["event_id"])
    assert why is not None
    assert (why.decision.correct, why.correct_agent) == (False, "security-master")
    log_read = read_decisions(store.database, Window(0, 1 << 50, "all"))
    (keyword, _) = analyse_layers(log_read, {"keyword": 0.85, "semantic": 0.7})
    assert (keyword.missed.count, keyword.missed.n) == (1, 1)


def test_a_correction_without_a_name_is_none() -> None:
    (route,) = decision_events(changed(outcome__user_corrected_to="", learning_feedback__should_have_routed_to=None))
    assert isinstance(route, Route)
    assert route.outcome is not None
    assert route.outcome.correct_agent is None


def test_descriptions_are_stored_on_opt_in_only(tmp_path: Path) -> None:
    log = tmp_path / "performance.jsonl"
    log.write_bytes(lines(EXAMPLE))
    found = []
    for name, keep in (("a.db", False), ("b.db", True)):
        database = Database(tmp_path / name)
        import_paths(database, [log], keep_content=keep)
        found += database.read("SELECT description FROM routes")
        database.close()
    assert found == [(None,), ("Fix authentication bug in user login system",)]


@pytest.mark.parametrize(
    ("layers", "agent", "layer", "correct", "truth", "expected"),
    [
        ([("a", "x", False), ("b", "x", True)], "x", "b", True, None, (True, False, False)),
        ([("a", "y", False), ("b", "x", True)], "x", "b", True, None, (True, False, False)),
        ([("a", "y", False), ("b", "x", True)], "x", "b", False, "y", (False, True, True, "y", "a")),
        ([("a", "x", True)], "x", "a", False, None, (False, False, True)),
        ([("a", "x", True)], "x", "a", None, "y", (False, False, True, "y")),
        ([("sure", "x", True)], "x", "sure", False, None, (False, False, False)),
        ([("clarification", "x", True)], "x", "clarification", False, None, (False, False, False)),
    ],
)
def test_learning_feedback(layers, agent, layer, correct, truth, expected) -> None:
    (route,) = decision_events(
        changed(
            routing_layers=[
                {
                    "layer_name": name,
                    "success": took,
                    "confidence": 0.5,
                    "selected_master": said,
                    "threshold": 0.4 if name == "sure" else 0.47,
                }
                for name, said, took in layers
            ],
            final_decision={"selected_master": agent, "routing_layer": layer},
        )
    )
    assert isinstance(route, Route)
    found = learning_feedback(route.attempts, agent, layer, correct, truth)
    assert found is not None
    assert tuple(found.values()) == expected
    assert learning_feedback(route.attempts, agent, layer, None, None) is None


NAMES = st.sampled_from(["dev", "ops", "sec", "ünï cödé"])
SHARES = st.floats(0, 1, allow_nan=False).map(lambda x: round(x, 6))
MS = st.integers(0, 5_000_000).map(lambda us: us / 1000)


@st.composite
def decisions(draw: st.DrawFn) -> dict[str, Any]:
    """An event as we write it: every value with the resolution that is stored."""
    names = draw(st.permutations(["keyword", "semantic", "rag", "pytorch", "clarification"]))
    size = draw(st.integers(1, 5))
    taker = draw(st.integers(0, size - 1))
    layers = []
    for number, name in enumerate(names[:size], start=1):
        shadow = number - 1 > taker
        confidence, threshold = draw(SHARES), draw(st.one_of(SHARES, st.none()))
        metadata: dict[str, Any] = {}
        if shadow:
            metadata = {"shadow": True}
            if draw(st.booleans()):
                metadata["shadow_rate"] = draw(st.sampled_from([0.05, 0.5, 1.0]))
        failed = not shadow and number - 1 < taker and draw(st.booleans())
        if failed:
            metadata = {"error": "TimeoutError"}
        success = number - 1 == taker or (shadow and threshold is not None and confidence >= threshold)
        layers.append({
            "layer_id": number, "layer_name": name, "attempted": True, "success": success,
            "confidence": None if failed else confidence, "threshold": threshold, "selected_master": draw(NAMES),
            "latency_ms": draw(st.one_of(MS, st.none())), "metadata": metadata,
        })  # fmt: skip
    final = layers[taker]
    at = AT + draw(st.integers(0, 10**8))
    event: dict[str, Any] = {
        "event_id": f"route-{draw(st.uuids())}", "timestamp": iso(at), "task_id": draw(st.sampled_from(["", "t-1"])),
        "task_description": draw(st.sampled_from(["", "Fix it", "<b>[red]x[/]</b>"])), "routing_layers": layers,
        "final_decision": {
            "selected_master": final["selected_master"], "routing_layer": final["layer_name"],
            "confidence": final["confidence"],
        },
        "total_latency_ms": draw(st.one_of(MS, st.none())),
    }  # fmt: skip
    outcome = {
        "task_completed": draw(st.one_of(st.booleans(), st.none())),
        "was_correct_master": draw(st.one_of(st.booleans(), st.none())),
        "quality_score": draw(st.one_of(SHARES, st.none())),
    }
    if any(value is not None for value in outcome.values()):
        event["outcome"] = outcome
        (route,) = decision_events(event)
        assert isinstance(route, Route)
        feedback = learning_feedback(route.attempts, route.agent, route.layer, outcome["was_correct_master"], None)
        if feedback is not None:
            event["learning_feedback"] = feedback
    return event


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(decisions(), max_size=8, unique_by=lambda event: event["event_id"]))
def test_log_to_store_to_log_is_the_identity(tmp_path_factory, events: list[dict[str, Any]]) -> None:
    folder = tmp_path_factory.mktemp("round")
    log = folder / "performance.jsonl"
    log.write_bytes(lines(*events))
    database = Database(folder / "a.db")
    if events:
        report = import_paths(database, [log], keep_content=True)
        assert (report.taken, report.rejected) == (len(events), 0)
    out = io.StringIO()
    assert write_routing_log(database, ALWAYS, out) == len(events)
    assert [json.loads(line) for line in out.getvalue().splitlines()] == events
    schema = jsonschema.Draft202012Validator(routing_schema())
    assert all(schema.is_valid(event) for event in events)
    database.close()


def test_export_in_chunks_keeps_order_and_attempts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fedstore.ingest.routing_export._CHUNK", 2)
    events = [changed(event_id=f"r-{n}", timestamp=iso(AT + 1000 * (5 - n))) for n in range(5)]
    log = tmp_path / "p.jsonl"
    log.write_bytes(lines(*events))
    database = Database(tmp_path / "a.db")
    import_paths(database, [log])
    found = list(stored_routes(database, ALWAYS))
    assert [route.id for route in found] == [f"r-{n}" for n in range(5)]
    assert all(len(route.attempts) == 2 for route in found)
    one = stored_route(database, "r-3")
    assert one == found[3]
    assert stored_route(database, "none") is None
    assert list(stored_routes(database, Window(0, AT, "x"))) == []
    database.close()


def test_a_decision_without_identity_is_not_written() -> None:
    with pytest.raises(EventError, match="without id"):
        decision_event(Route(agent="a", layer="l"))


def test_the_recorded_cascade_comes_back_as_it_was(tmp_path: Path) -> None:
    log = data_folder("cascade", "clinc150-shadow.jsonl")
    database = Database(tmp_path / "a.db")
    report = import_paths(database, [log], keep_content=True)
    originals = [json.loads(line) for line in log.read_text().splitlines()]
    assert (report.taken, report.rejected) == (len(originals), 0)
    written = {route.id: decision_event(route) for route in stored_routes(database, Window(0, AT * 2, "all"))}
    for original in originals:
        event = written[original["event_id"]]
        for layer, source in zip(event["routing_layers"], original["routing_layers"], strict=True):
            for name in ("layer_name", "success", "confidence", "threshold", "selected_master", "latency_ms"):
                assert layer[name] == source[name]
            assert layer["metadata"].get("shadow", False) == source["metadata"].get("shadow", False)
        assert event["final_decision"] == original["final_decision"]
        assert event["learning_feedback"]["correct_routing"] == original["learning_feedback"]["correct_routing"]
        assert event["outcome"]["correct_master"] == original["evaluation"]["true_master"]
    before = contents(database)
    out = tmp_path / "again.jsonl"
    with out.open("w") as file:
        write_routing_log(database, Window(0, AT * 2, "all"), file)
    again = import_paths(database, [out], keep_content=True)
    assert (again.taken, again.rejected) == (0, 0)
    assert contents(database) == before
    database.close()
