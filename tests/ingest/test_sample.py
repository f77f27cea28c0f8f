"""The sample generator against its own table, by counting."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import datetime

import jsonschema
import pytest

from fedstore.demo.sample import CASCADE, GRADED_SHARE, right_chance, sample_routes
from fedstore.ingest.routing_log import decision_events, routing_schema
from fedstore.learning.intervals import wilson

END = 1_773_140_000_000
N = 6_000
ROUTES = sample_routes(N, 7, END)
PUBLISHED = {  # layer: share of decisions, latency range in ms, accuracy, threshold
    "keyword": ((0.30, 0.40), (0.0, 5.0), 0.80, 0.85),
    "semantic": ((0.40, 0.50), (10.0, 50.0), 0.88, 0.70),
    "rag": ((0.15, 0.20), (50.0, 150.0), 0.92, 0.85),
    "pytorch": ((0.03, 0.05), (100.0, 300.0), 0.96, 0.90),
    "clarification": ((0.01, 0.02), (0.0, 0.0), 1.00, 1.00),
}


def test_same_arguments_same_events() -> None:
    assert sample_routes(50, 3, END) == sample_routes(50, 3, END)
    assert sample_routes(50, 3, END) != sample_routes(50, 4, END)
    assert len({event["event_id"] for event in ROUTES}) == N
    assert sample_routes(0, 3, END) == []


def test_the_same_bytes_on_every_machine() -> None:
    text = "".join(json.dumps(event) + "\n" for event in sample_routes(2_000, 7, 1_773_144_000_000))
    assert hashlib.sha256(text.encode()).hexdigest().startswith("f2400318ea63549e")


@pytest.mark.parametrize(("n", "hours"), [(-1, 24.0), (5, 0.0), (5, -3.0)])
def test_arguments_that_make_no_sense(n: int, hours: float) -> None:
    with pytest.raises(ValueError, match="must"):
        sample_routes(n, 1, END, hours=hours)


def test_every_event_is_valid_and_can_be_recorded() -> None:
    validator = jsonschema.Draft202012Validator(routing_schema())
    assert len(ROUTES) == N
    for event in ROUTES[:500]:
        validator.validate(event)
        assert json.loads(json.dumps(event)) == event
        assert len(decision_events(event)) == 1


def test_times_lie_in_the_hours_before_the_end_in_order() -> None:
    times = [datetime.fromisoformat(event["timestamp"]).timestamp() * 1000 for event in ROUTES]
    assert times == sorted(times)
    assert END - 24 * 3_600_000 <= times[0] <= times[-1] < END
    short = sample_routes(100, 1, END, hours=1)
    assert datetime.fromisoformat(short[0]["timestamp"]).timestamp() * 1000 >= END - 3_600_000


@pytest.mark.parametrize("layer", list(PUBLISHED))
def test_layers_behave_as_the_table_says(layer: str) -> None:
    (least, most), (fastest, slowest), accuracy, threshold = PUBLISHED[layer]
    taken = [event for event in ROUTES if event["final_decision"]["routing_layer"] == layer]
    share = wilson(len(taken), N)
    assert share is not None
    assert share.low < most
    assert share.high > least
    asked = [a for event in ROUTES for a in event["routing_layers"] if a["layer_name"] == layer]
    assert all(fastest <= a["latency_ms"] <= slowest for a in asked)
    assert {a["threshold"] for a in asked} == {threshold}
    assert all(a["success"] == (a["confidence"] >= threshold) for a in asked)
    graded = [event for event in taken if "outcome" in event]
    right = wilson(sum(event["outcome"]["was_correct_master"] for event in graded), len(graded))
    assert right is not None
    assert right.low - 0.01 <= accuracy <= right.high + 0.01


def test_a_decision_ends_at_its_first_sure_layer() -> None:
    order = [layer.name for layer in CASCADE]
    assert {event["final_decision"]["routing_layer"] for event in ROUTES} == set(order)
    for event in ROUTES:
        names = [a["layer_name"] for a in event["routing_layers"]]
        assert names == order[: len(names)]
        assert [a["success"] for a in event["routing_layers"]] == [False] * (len(names) - 1) + [True]
        assert event["final_decision"]["routing_layer"] == names[-1]


def test_confidence_tells_right_from_wrong_on_both_sides_of_the_threshold() -> None:
    truth = {}
    for event in ROUTES:
        if "outcome" in event:
            outcome = event["outcome"]
            selected = event["final_decision"]["selected_master"]
            truth[event["event_id"]] = outcome.get("correct_master", selected)
    hits: Counter[tuple[str, int]] = Counter()
    seen: Counter[tuple[str, int]] = Counter()
    for event in ROUTES:
        for a in event["routing_layers"] if event["event_id"] in truth else []:
            if a["layer_name"] in ("keyword", "semantic"):
                key = (a["layer_name"], int(a["confidence"] * 5))
                seen[key] += 1
                hits[key] += a["selected_master"] == truth[event["event_id"]]
    for layer in ("keyword", "semantic"):
        rates = [hits[layer, b] / seen[layer, b] for b in range(5) if seen[layer, b] > 200]
        assert len(rates) >= 3
        assert rates == sorted(rates)


def test_chances_are_probabilities_that_rise_with_confidence() -> None:
    assert len(CASCADE) == 5
    for layer in CASCADE[:-1]:
        chances = [right_chance(layer, n / 200) for n in range(201)]
        assert all(0 < chance < 1 for chance in chances)
        assert chances == sorted(chances)


def test_most_outcomes_are_known_and_feedback_follows_them() -> None:
    graded = [event for event in ROUTES if "outcome" in event]
    share = wilson(len(graded), N)
    assert share is not None
    assert share.low <= GRADED_SHARE <= share.high
    assert all(("learning_feedback" in event) == ("outcome" in event) for event in ROUTES)
    for event in graded:
        assert event["learning_feedback"]["correct_routing"] == event["outcome"]["was_correct_master"]
    assert any(event["learning_feedback"]["threshold_too_high"] for event in graded)
    assert any(event["learning_feedback"]["threshold_too_low"] for event in graded)
