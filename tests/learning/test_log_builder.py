"""Building a decision log: what is refused, what an error means, what the JSON form says."""

from __future__ import annotations

import numpy as np
import pytest

from fedstore.learning.log import hash_id
from fedstore.learning.replay import replay
from tests.support.log_builder import Attempt, DecisionLogBuilder


def keyword(confidence: float | None, success: bool, **more) -> Attempt:
    return Attempt("keyword", confidence, 0.85, success, proposal="dev", latency_ms=2.0, **more)


def semantic(confidence: float | None, success: bool, **more) -> Attempt:
    return Attempt("semantic", confidence, 0.70, success, proposal="ops", latency_ms=30.0, **more)


@pytest.mark.parametrize(("attempts", "accepted", "reason"), [
    ([keyword(1.2, True)], "keyword", "confidence missing or outside 0..1"),
    ([keyword(float("nan"), False)], None, "confidence missing or outside 0..1"),
    ([keyword(None, True)], "keyword", "confidence missing or outside 0..1"),
    ([keyword(0.5, True)], "keyword", "accepting layer contradicts confidence and threshold"),
    ([keyword(0.9, True), semantic(0.9, True)], "semantic", "accepting layer contradicts confidence and threshold"),
    ([keyword(0.9, True)], None, "accepting layer contradicts confidence and threshold"),
    ([keyword(0.1, False), keyword(0.1, False)], None, "layer tried twice"),
    ([Attempt("oracle", 0.9, 0.5, True)], "oracle", "unknown layer"),
])  # fmt: skip
def test_contradictions_are_counted_and_left_out(attempts, accepted, reason) -> None:
    builder = DecisionLogBuilder(("keyword", "semantic"))
    assert not builder.append("e", 0, attempts, accepted=accepted, final_agent="dev")
    assert builder.rejected == {reason: 1}
    assert len(builder.build()) == 0


def test_a_failed_layer_cannot_accept_at_any_threshold() -> None:
    builder = DecisionLogBuilder(("keyword", "semantic"))
    refused = [keyword(0.95, False), semantic(0.9, True)]
    silent = [keyword(None, False), semantic(0.9, True)]
    for i, attempts in enumerate((refused, silent)):
        assert builder.append(f"e{i}", i, attempts, accepted="semantic", final_agent="ops")
    log = builder.build()
    assert not log.able[:, 0].any()
    assert not log.unusable()[0].any()
    assert (replay(log, [0.0, 0.7]).layer == 1).all()
    assert replay(log, [0.0, 0.7]).latency_ms == pytest.approx([32.0, 32.0])


def test_probe_layers_do_not_count_as_live() -> None:
    builder = DecisionLogBuilder(("keyword", "semantic", "clarification"))
    attempts = [keyword(0.86, True), semantic(0.4, False, shadow=True)]
    assert builder.append("e", 0, attempts, accepted="keyword", final_agent="dev", correct=True)
    log = builder.build()
    assert log.layers == ("keyword", "semantic")
    assert replay(log).latency_ms == pytest.approx([2.0])
    raised = replay(log, [0.9, 0.7])
    assert raised.layer.tolist() == [2]
    assert raised.latency_ms == pytest.approx([32.0])


def test_logged_json_form() -> None:
    event = {
        "event_id": "route-1",
        "timestamp": "2025-11-27T14:30:52Z",
        "routing_layers": [
            {"layer_name": "keyword", "attempted": True, "success": False, "confidence": 0.82, "threshold": 0.85,
             "selected_master": "dev", "latency_ms": 3.2, "metadata": {}},
            {"layer_name": "semantic", "attempted": True, "success": True, "confidence": 0.91, "threshold": 0.70,
             "selected_master": "dev", "latency_ms": 42.1},
            {"layer_name": "rag", "attempted": False, "success": False, "confidence": None, "threshold": 0.85},
        ],
        "final_decision": {"selected_master": "dev", "routing_layer": "semantic", "confidence": 0.91},
        "outcome": {"was_correct_master": False, "correct_master": "ops"},
    }  # fmt: skip
    builder = DecisionLogBuilder(("keyword", "semantic", "rag"))
    assert builder.append_event(event)
    log = builder.build()
    assert log.ids.tolist() == [hash_id("route-1")]
    assert log.ts_ms.tolist() == [1764253852000]
    assert log.accepted.tolist() == [1]
    assert log.agents[log.true_agent[0]] == "ops"
    assert log.correct.tolist() == [0]
    assert np.isnan(log.confidence[0, 2])
    assert log.thresholds_in_force() == (0.85, 0.70, None)


def test_shapes_are_checked() -> None:
    builder = DecisionLogBuilder(("keyword", "semantic"))
    builder.append("e", 0, [keyword(0.9, True)], accepted="keyword", final_agent="dev", correct=True)
    log = builder.build()
    with pytest.raises(ValueError, match="shape"):
        type(log)(**{name: getattr(log, name) for name in log.__slots__} | {"correct": np.zeros(3, np.int8)})
