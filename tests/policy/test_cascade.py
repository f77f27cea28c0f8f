"""The cascade: order, thresholds of the policy, failures that are recorded, probes that are part of the decision."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from fedstore.cascade import Cascade
from fedstore.policy import Policy, PolicyStore
from fedstore.queries.decisions import read_decisions
from fedstore.settings.config import Settings
from fedstore.store import Store
from fedstore.window import Window
from tests.conftest import Clock

ALL = Window(0, 1 << 50, "all")


class Steps:
    """A timer that moves 10 ms at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


def fixed(agent: str, confidence: float):
    return lambda _task: (agent, confidence)


def attempts(store: Store, route_id: str) -> list[tuple]:
    return store.database.read(
        "SELECT layer, agent, confidence, threshold, accepted, shadow, error_class FROM route_attempts"
        " WHERE route_id = ? ORDER BY position",
        (route_id,),
    )


def test_ten_lines(store: Store) -> None:
    def by_keyword(task: str) -> tuple[str, float]:
        return ("dev", 0.9) if "bug" in task else ("dev", 0.2)

    def by_embedding(task: str) -> tuple[str, float]:
        return "research", 0.75 if "find" in task else 0.1

    with Cascade([("keyword", by_keyword), ("semantic", by_embedding)], store=store, last_resort="human") as cascade:
        first, second, third = map(cascade.route, ("fix bug", "find it", "hm"))
        cascade.outcome(first.route_id, correct=True)
    assert [(d.agent, d.layer) for d in (first, second, third)] == [
        ("dev", "keyword"), ("research", "semantic"), ("human", "clarification"),
    ]  # fmt: skip
    log = read_decisions(store.database, ALL)
    assert log.layers == ("keyword", "semantic")
    assert log.accepted.tolist() == [0, 1, 2]
    assert log.correct.tolist() == [1, -1, -1]
    assert attempts(store, second.route_id) == [
        ("keyword", "dev", 0.2, 0.85, 0, 0, ""), ("semantic", "research", 0.75, 0.7, 1, 0, ""),
    ]  # fmt: skip


def test_thresholds_come_from_the_policy(store: Store) -> None:
    loop = PolicyStore(store)
    now = [0.0]
    policy = Policy(store, timer=lambda: now[0])
    with Cascade([("keyword", fixed("dev", 0.9)), ("rag", fixed("ops", 0.9), 0.5)], store=store, policy=policy) as c:
        assert c.thresholds() == {"keyword": 0.85, "rag": 0.5}
        assert c.route("x").layer == "keyword"
        loop._set("import", {"layer:keyword": 0.95}, "", "")
        now[0] += 1.0
        assert c.route("x").layer == "rag"


def test_the_routing_configuration_speaks_where_no_policy_does(tmp_path: Path, clock: Clock) -> None:
    """Its thresholds go before those given here, and a layer that it disables is not asked."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"routing_layers": [
        {"layer_name": "keyword", "confidence_threshold": 0.6, "enabled": False},
        {"layer_name": "semantic", "confidence_threshold": 0.95},
    ]}))  # fmt: skip
    given = [("keyword", fixed("dev", 0.99)), ("semantic", fixed("ops", 0.9), 0.5), ("rag", fixed("sec", 0.9))]
    with (
        Store(tmp_path / "s.db", clock=clock, settings=Settings(routing_config_json=config)) as store,
        Cascade(given, store=store, probe_rate=0) as cascade,
    ):
        decision = cascade.route("x")
        assert [layer for layer, *_ in attempts(store, decision.route_id)] == ["semantic", "rag"]
        assert (decision.layer, cascade.thresholds()["semantic"]) == ("rag", 0.95)


def test_a_layer_that_the_policy_disables_is_not_asked(store: Store) -> None:
    PolicyStore(store)._set("import", {"layer:keyword": 0.5, "off:keyword": 1.0}, "", "")
    with Cascade([("keyword", fixed("dev", 0.9)), ("rag", fixed("ops", 0.9))], store=store) as cascade:
        assert cascade.route("x").layer == "rag"
    assert not Policy(store).is_enabled("keyword")
    assert Policy(store).is_enabled("rag")


@pytest.mark.parametrize(("said", "kept"), [(1.0000001, 1.0), (1.0009, 1.0), (0.7, 0.7)])
def test_a_perfect_match_is_not_taken_for_a_broken_layer(store: Store, said: float, kept: float) -> None:
    """The cosine of equal vectors is a hair over one."""
    with Cascade([("semantic", fixed("dev", said)), ("llm", fixed("other", 0.95))], store=store) as cascade:
        decision = cascade.route("x")
    assert (decision.agent, decision.layer, decision.confidence) == ("dev", "semantic", kept)


def test_a_negative_cosine_is_no_confidence(store: Store) -> None:
    with Cascade([("semantic", fixed("dev", -0.04)), ("llm", fixed("other", 0.95))], store=store) as cascade:
        cascade.route("x")
    assert store.database.read("SELECT layer, confidence, error_class FROM route_attempts ORDER BY position") == [
        ("semantic", 0.0, ""), ("llm", 0.95, ""),
    ]  # fmt: skip


def _raise(_task: object) -> None:
    raise KeyError("no model")


@pytest.mark.parametrize(
    ("layer", "error"),
    [
        (_raise, "KeyError"),
        (lambda _: None, "NoProposal"),
        (fixed("", 0.9), "NoProposal"),
        (fixed("dev", float("nan")), "InvalidConfidence"),
        (fixed("dev", 1.5), "InvalidConfidence"),
        (lambda _: 3, "TypeError"),
        (lambda _: ("dev", "sure"), "ValueError"),
    ],
)
def test_an_unable_layer_is_recorded_and_the_next_is_asked(store: Store, layer, error: str) -> None:
    with Cascade([("keyword", layer), ("semantic", fixed("dev", 0.9))], store=store) as cascade:
        decision = cascade.route("x")
    assert decision.layer == "semantic"
    assert attempts(store, decision.route_id)[0][6] == error
    assert read_decisions(store.database, ALL).able.tolist() == [[False, True]]


def test_a_layer_that_hangs_times_out(store: Store) -> None:
    never = threading.Event()
    with Cascade(
        [("keyword", lambda _: never.wait(30)), ("semantic", fixed("dev", 0.9))], store=store, timeout_s=0.02
    ) as cascade:
        decision = cascade.route("x")
    never.set()
    assert decision.layer == "semantic"
    assert attempts(store, decision.route_id)[0][6] == "Timeout"


def test_ties_accept(store: Store) -> None:
    with Cascade([("a", fixed("dev", 0.8), 0.8)], store=store) as cascade:
        assert cascade.route("x").layer == "a"


def test_no_layer_is_sure_and_asking_fails(store: Store) -> None:
    with Cascade([("a", fixed("dev", 0.1))], store=store, last_resort=_raise) as cascade:
        decision = cascade.route("x")
    assert (decision.agent, decision.layer) == ("", "clarification")
    assert attempts(store, decision.route_id)[1][6] == "KeyError"


@pytest.mark.parametrize("answer", [None, ("ops", 1.0), 3])
def test_a_last_resort_that_names_no_agent_is_recorded_as_such(store: Store, answer: object) -> None:
    with Cascade([("a", fixed("dev", 0.1))], store=store, last_resort=lambda _: answer) as cascade:
        decision = cascade.route("x")
    assert (decision.agent, decision.layer) == ("", "clarification")
    assert attempts(store, decision.route_id)[1][6] == "NoProposal"


def test_a_last_resort_that_makes_no_sense(store: Store) -> None:
    with pytest.raises(TypeError, match="last_resort must be an agent's name or a function"):
        Cascade([("a", fixed("dev", 0.1))], store=store, last_resort=("ask", fixed("dev", 1.0)))  # type: ignore[arg-type]


def test_the_band_is_walked_on_in_the_background(store: Store) -> None:
    asked = []

    def layer(name: str, confidence: float):
        return name, lambda _: asked.append(name) or (f"agent-{name}", confidence), 0.8

    layers = [layer("a", 0.81), layer("b", 0.83), layer("c", 0.9), layer("d", 0.99)]
    with Cascade(layers, store=store, probe_rate=0.5, choose=lambda: 0.49) as cascade:
        decision = cascade.route("x")
        cascade.flush()
        assert (decision.layer, asked) == ("a", ["a", "b", "c"])
        assert [row[4:6] for row in attempts(store, decision.route_id)] == [(1, 0), (0, 1), (0, 1)]
    log = read_decisions(store.database, ALL)
    assert log.shadow.tolist() == [[False, True, True]]
    assert log.able.tolist() == [[True, True, True]]
    rows = store.database.read("SELECT shadow_rate FROM route_attempts WHERE shadow = 1")
    assert rows == [(0.5,), (0.5,)]


@pytest.mark.parametrize(("confidence", "draw", "rate"), [(0.86, 0.0, 1.0), (0.81, 0.3, 0.3), (0.81, 0.0, 0.0)])
def test_what_is_not_probed_is_durable_at_once(store: Store, confidence: float, draw: float, rate: float) -> None:
    layers = [("a", fixed("dev", confidence), 0.8), ("b", _raise, 0.8)]
    with Cascade(layers, store=store, probe_rate=rate, choose=lambda: draw) as cascade:
        decision = cascade.route("x")
        assert len(attempts(store, decision.route_id)) == 1


def test_an_outcome_may_come_before_the_probe_ends(store: Store) -> None:
    gate = threading.Event()
    layers = [("a", fixed("dev", 0.81), 0.8), ("b", lambda _: gate.wait(30) and ("ops", 0.5), 0.8)]
    with Cascade(layers, store=store, probe_rate=1.0) as cascade:
        decision = cascade.route("x")
        cascade.outcome(decision.route_id, correct=False, correct_agent="ops")
        assert store.database.read("SELECT COUNT(*) FROM routes") == [(0,)]
        gate.set()
        cascade.flush()
        assert store.database.read("SELECT correct, correct_agent FROM routes") == [(0, "ops")]


def test_a_probe_that_hangs_costs_the_probe_not_the_decision(store: Store) -> None:
    gate = threading.Event()
    layers = [("a", fixed("dev", 0.81), 0.8), ("b", lambda _: gate.wait(30) and ("ops", 0.5), 0.8)]
    with Cascade(layers, store=store, probe_rate=1.0, probe_timeout_s=0.05) as cascade:
        decisions = [cascade.route(str(i)) for i in range(3)]
        cascade.flush()
        assert [len(attempts(store, d.route_id)) for d in decisions] == [1, 1, 1]
    gate.set()


def test_closing_records_what_waits(store: Store) -> None:
    gate = threading.Event()
    layers = [("a", fixed("dev", 0.81), 0.8), ("b", lambda _: gate.wait(30) and ("ops", 0.5), 0.8)]
    cascade = Cascade(layers, store=store, probe_rate=1.0)
    decisions = [cascade.route(str(i)) for i in range(120)]
    waiting = 120 - store.database.read("SELECT COUNT(*) FROM routes")[0][0]
    assert waiting == 100
    cascade.close()
    gate.set()
    assert {row[0] for row in store.database.read("SELECT id FROM routes")} == {d.route_id for d in decisions}


def test_exit_records_what_waits(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    code = f"""
        import time
        from fedstore import Cascade
        layers = [("a", lambda t: ("dev", 0.81), 0.8), ("b", lambda t: time.sleep(20), 0.8)]
        cascade = Cascade(layers, store={str(path)!r}, probe_rate=1.0)
        print(cascade.route("x").route_id)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True, timeout=15
    )
    with Store(path) as store:
        assert store.database.read("SELECT id FROM routes") == [(done.stdout.strip(),)]


def test_many_threads_share_one_cascade(store: Store) -> None:
    layers = [("a", lambda t: ("dev", t), 0.8), ("b", fixed("ops", 0.9), 0.8)]
    with Cascade(layers, store=store, probe_rate=0.5) as cascade:
        threads = [threading.Thread(target=lambda: [cascade.route(i / 50) for i in range(50)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    log = read_decisions(store.database, ALL)
    assert len(log) == 200
    assert not log.unusable()[0].any()
    assert (log.accepted == 0).sum() == 4 * 10


def test_latencies_are_measured_per_layer(store: Store, clock: Clock) -> None:
    with Cascade([("a", fixed("x", 0.1)), ("b", fixed("y", 0.9))], store=store, timer=Steps()) as cascade:
        decision = cascade.route("x")
    assert decision.latency_ms == pytest.approx(50.0)
    rows = store.database.read("SELECT latency_us FROM route_attempts ORDER BY position")
    assert rows == [(10_000,), (10_000,)]
    assert store.database.read("SELECT at_ms FROM routes") == [(clock.now_ms,)]


@pytest.mark.parametrize("layers", [[("a", _raise), ("a", _raise)], [("clarification", _raise)], [("a", _raise, 1.2)]])
def test_layers_that_make_no_sense(store: Store, layers) -> None:
    with pytest.raises(ValueError, match=r"layers need names|threshold"):
        Cascade(layers, store=store)
