"""Why a decision went where it went, and where the present policy would send it."""

from __future__ import annotations

import pytest

from fedstore.facts.events import Attempt, Outcome, Route
from fedstore.learning.replay import UNKNOWN, replay
from fedstore.policy import PolicyStore
from fedstore.queries.decisions import read_decisions
from fedstore.queries.why import why_view
from fedstore.store import Store
from fedstore.window import Window
from tests.conftest import Clock
from tests.policy.synthetic import cascade_log, write_cascade

ALL = Window(0, 1 << 50, "all")
ROUTE = Route(
    id="r1", at=1_770_000_000_000, agent="dev", layer="semantic", confidence=0.8, task_id="t", latency_ms=32.5,
    attempts=(
        Attempt(layer="keyword", agent="ops", confidence=0.6, threshold=0.85, latency_ms=2.0),
        Attempt(layer="semantic", agent="dev", confidence=0.8, threshold=0.7, accepted=True, latency_ms=30.5),
        Attempt(layer="rag", agent="qa", confidence=0.9, threshold=0.85, shadow=True, shadow_rate=0.3),
    ),
    outcome=Outcome(correct=False, correct_agent="qa"),
)  # fmt: skip


def now(store: Store, **thresholds: float) -> tuple[str | None, str | None]:
    view = why_view(store.database, "r1", {**store.reader().thresholds(), **thresholds})
    assert view is not None
    return view.now_layer, view.now_agent


def test_the_ladder(store: Store) -> None:
    store.writer().write([ROUTE])
    view = why_view(store.database, "r1", store.reader().thresholds())
    assert view is not None
    assert (view.decision.layer, view.decision.latency_ms, view.decision.correct) == ("semantic", 32.5, False)
    assert (view.correct_agent, view.policy_version) == ("qa", None)
    assert [(s.layer, s.accepted, s.shadow, s.threshold_now, s.accepts_now) for s in view.steps] == [
        ("keyword", False, False, 0.85, False),
        ("semantic", True, False, 0.7, True),
        ("rag", False, True, 0.85, True),
    ]
    assert why_view(store.database, "nope", {}) is None


def test_where_the_present_policy_would_send_it(store: Store) -> None:
    store.writer().write([ROUTE])
    assert now(store) == ("semantic", "dev")
    assert now(store, keyword=0.6) == ("keyword", "ops")
    assert now(store, semantic=0.81) == ("rag", "qa")
    assert now(store, semantic=0.81, rag=0.95) == (None, None)


def test_the_version_in_force_when_it_was_made(store: Store, clock: Clock) -> None:
    loop = PolicyStore(store)
    for step, value in enumerate((0.8, 0.9)):
        clock.advance(1_000)
        loop._set("import", {"layer:keyword": value}, "", "")
        clock.advance(1_000)
        store.writer().write([Route(id=f"at{step}", agent="a", layer="x")])
    versions = [why_view(store.database, f"at{step}", {}).policy_version for step in range(2)]  # type: ignore[union-attr]
    assert versions == [1, 2]
    assert loop.current()[1].thresholds == {"keyword": 0.9}


def test_policy_thresholds_win_over_those_seen(store: Store) -> None:
    store.writer().write([ROUTE])
    PolicyStore(store)._set("import", {"layer:keyword": 0.5}, "", "")
    assert now(store) == ("keyword", "ops")


def test_a_layer_that_failed_cannot_accept(store: Store) -> None:
    failed = Attempt(layer="keyword", agent="ops", confidence=0.99, threshold=0.85, error_class="Timeout")
    store.writer().write([ROUTE.model_copy(update={"attempts": (failed, *ROUTE.attempts[1:])})])
    assert now(store, keyword=0.1) == ("semantic", "dev")


@pytest.mark.parametrize("moved", [(0.85, 0.70, 0.85, 0.90), (0.80, 0.66, 0.80, 0.85), (0.90, 0.75, 0.90, 0.95)])
def test_agrees_with_the_replay(store: Store, clock: Clock, moved: tuple[float, ...]) -> None:
    """Decision by decision the ladder comes to what the replay of the log comes to."""
    write_cascade(store, cascade_log("tight", 250, 5, probe_rate=0.5), clock.now_ms)
    log = read_decisions(store.database, ALL)
    result = replay(log, moved)
    thresholds = dict(zip(log.layers, moved, strict=True))
    assert len(log) == len(result.layer) == 250
    for row in range(len(log)):
        view = why_view(store.database, f"r{row:06d}", thresholds)
        assert view is not None
        layer = int(result.layer[row])
        if layer == UNKNOWN:
            assert view.now_layer is None
        elif layer < len(log.layers):
            assert view.now_layer == log.layers[layer]
            assert view.now_agent == log.agents[int(result.agent[row])]
        else:
            assert view.now_layer in ("clarification", None)
