"""Threshold plans from the store: the same answer as the tuner gives on the log, told in a plan."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fedstore.errors import FedstoreError
from fedstore.learning.intervals import wilson
from fedstore.learning.replay import replay
from fedstore.learning.tuning import tune
from fedstore.policy import PolicyStore
from fedstore.queries.decisions import read_decisions
from fedstore.store import Store
from fedstore.window import Window
from tests.conftest import Clock
from tests.policy.synthetic import cascade_log, write_cascade

ALL = Window(0, 1 << 50, "all")


def test_says_what_the_tuner_says(cascade_store: Store, loop: PolicyStore) -> None:
    plan = loop.propose_tune(window=ALL)
    log = read_decisions(cascade_store.database, ALL)
    result = tune(log, (0.85, 0.70, 0.85, 0.90), loop.tune_settings())
    assert plan.conclusion == result.conclusion == "certified"
    assert [(i.label, i.old, i.new, i.grade) for i in plan.items] == [
        (c.layer, c.old, c.new, c.evidence) for c in result.layers if c.changed
    ]
    assert result.accuracy is not None
    assert plan.predicted["accuracy"].new == result.accuracy.new
    assert plan.predicted["latency_ms"].change_interval == tuple(result.latency_ms.change_interval)
    assert plan.more_needed == result.more_needed == 0


def test_each_item_tells_how_often_its_layer_is_right(cascade_store: Store, loop: PolicyStore) -> None:
    plan = loop.propose_tune(window=ALL)
    assert plan.items
    for item in plan.items:
        ((n, right),) = cascade_store.database.read(
            "SELECT COUNT(*), SUM(correct) FROM routes WHERE layer = ? AND correct IS NOT NULL", (item.label,)
        )
        low, high = wilson(right, n) or (0.0, 0.0)
        layer = next(layer for layer in plan.layers if layer.layer == item.label)
        assert (layer.taken, layer.right) == (n, right)
        assert layer.accuracy_interval == pytest.approx((low, high))
        said = f"{right / n:.1%} of {n:,} that it took are right ({low:.1%} to {high:.1%})".replace("%", " %")
        assert said in item.evidence


@pytest.mark.usefixtures("cascade_store")
def test_the_predicted_shares_are_those_of_as_many_decisions_as_it_says(loop: PolicyStore) -> None:
    plan = loop.propose_tune(window=ALL)
    assert plan.tuned is not None
    n = plan.tuned.measured
    assert 0 < n < plan.tuned.events
    for layer in plan.layers:
        taken = layer.captured_new * n
        assert taken == pytest.approx(round(taken), abs=1e-6)


def test_flips_name_the_decisions_that_go_elsewhere(cascade_store: Store, loop: PolicyStore) -> None:
    plan = loop.propose_tune(window=ALL)
    log = read_decisions(cascade_store.database, ALL)
    before = replay(log, [layer.old for layer in plan.layers])
    after = replay(log, [layer.new for layer in plan.layers])
    moved = [f"r{i:06d}" for i in range(len(log)) if before.layer[i] != after.layer[i]]
    assert plan.flips is not None
    assert plan.flips.total == len(moved)
    assert {flip.route_id for flip in plan.flipped} <= set(moved)
    assert len(plan.flipped) == min(500, len(moved))
    assert [flip.at_ms for flip in plan.flipped] == sorted((f.at_ms for f in plan.flipped), reverse=True)
    if len(moved) <= 500:
        for name in ("same agent", "now right", "now wrong", "same verdict", "unknown"):
            counted = sum(flip.consequence == name for flip in plan.flipped)
            assert counted == getattr(plan.flips, name.replace(" ", "_"))


def test_the_seed_rules_stand_beside_it(cascade_store: Store, loop: PolicyStore) -> None:
    plan = loop.propose_tune(window=ALL)
    rules = {other.rule: other for other in plan.alternatives}
    assert set(rules) == {"seed-accuracy", "seed-count"}
    assert rules["seed-count"].values["layer:semantic"] == pytest.approx(0.65)
    strict = loop.propose_tune(loop.tune_settings(target=0.96), ALL)
    for told, target in ((plan, 0.94), (strict, 0.96)):
        for other in told.alternatives:
            meets = (other.predicted["accuracy"] or 0) >= target
            assert other.note == ("" if meets else "misses the target")
    assert "misses the target" in {other.note for other in strict.alternatives}


def test_fifty_samples_cannot_certify(store: Store, loop: PolicyStore, clock: Clock) -> None:
    write_cascade(store, cascade_log("seedlike", 50, 7), clock.now_ms - 20_000)
    plan = loop.propose_tune(loop.tune_settings(min_graded=10, target=0.95), ALL)
    assert plan.conclusion != "certified"
    assert plan.more_needed is None or plan.more_needed > 0
    assert plan.reasons


def test_settings_that_fit_nothing(cascade_store: Store, loop: PolicyStore) -> None:
    with pytest.raises(FedstoreError, match="no layer 'nope'"):
        loop.propose_tune(loop.tune_settings(layer="nope"))
    with pytest.raises(FedstoreError, match="target must lie"):
        loop.tune_settings(target=2.0)


def test_one_layer_alone(cascade_store: Store, loop: PolicyStore) -> None:
    plan = loop.propose_tune(loop.tune_settings(layer="semantic"), ALL)
    assert {item.label for item in plan.items} <= {"semantic"}


def test_progress(cascade_store: Store, loop: PolicyStore) -> None:
    seen: list[float] = []
    loop.propose_tune(window=ALL, progress=seen.append)
    assert (seen[0], seen[-1]) == (0.0, 1.0)


def test_real_decisions_beat_the_seed_rule(store: Store, loop: PolicyStore) -> None:
    """On a real cascade's log: lower latency at no less accuracy than the simple rule would give."""
    from fedstore.ingest import import_paths

    root = Path(os.environ.get("FEDERATION_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
    path = root / "cascade" / "clinc150-shadow.jsonl"
    if not path.exists():
        pytest.skip(f"no decisions of a real cascade at {path}: set FEDERATION_DATA")
    import_paths(store, [path])
    window = Window.ending("all", store.clock())
    log = read_decisions(store.database, window)
    assert (len(log), log.layers) == (1500, ("keyword", "semantic", "rag", "pytorch"))
    assert replay(log).layer.tolist() == log.accepted.tolist()
    plan = loop.propose_tune(loop.tune_settings(rule="seed-accuracy"), window)
    rule = next(other for other in plan.alternatives if other.rule == "seed-accuracy")
    best = loop.propose_tune(loop.tune_settings(target=0.90, max_clarify=0.22), window)
    assert best.verdict == "certified"
    assert (best.predicted["accuracy"].new or 0) >= (rule.predicted["accuracy"] or 1)
    assert (best.predicted["latency_ms"].new or 1e9) < (rule.predicted["latency_ms"] or 0)
