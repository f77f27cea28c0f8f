"""From a router's first decision to a raised threshold, with known truth: only probes let a raise be certified."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest

from fedstore import ids
from fedstore.cascade import Cascade
from fedstore.policy import PolicyStore
from fedstore.store import Store
from fedstore.window import Window
from tests.conftest import Clock

TASKS = 1_000
TARGET = 0.95
ALL = Window(0, 1 << 50, "all")


@pytest.fixture(autouse=True)
def same_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which decisions choose and which certify goes by their ids: chance must not decide the test."""
    monkeypatch.setattr(ids, "_next", itertools.count(1).__next__)


@dataclass(frozen=True)
class Task:
    """What each layer would say of it. "right" is the agent that should get it."""

    quick: tuple[str, float]
    slow: tuple[str, float]


def tasks() -> list[Task]:
    """The quick layer guesses between .80 and .85, and knows above that; the slow one nearly always knows."""
    rng = np.random.default_rng(5)

    def answer(known: float, confidence: float) -> tuple[str, float]:
        return "right" if rng.random() < known else "wrong", round(confidence, 4)

    scores = rng.uniform(0.7, 1.0, TASKS)
    return [Task(answer(0.6 if score < 0.85 else 0.99, score), answer(0.99, 0.95)) for score in scores]


def accuracy(given: list[Task], quick_threshold: float) -> float:
    """The truth, for all tasks."""
    chosen = [task.quick if task.quick[1] >= quick_threshold else task.slow for task in given]
    return sum(agent == "right" for agent, _ in chosen) / len(chosen)


def routed(store: Store, clock: Clock, given: list[Task], probe_rate: float) -> None:
    layers = [("quick", lambda task: task.quick, 0.8), ("slow", lambda task: task.slow, 0.8)]
    choose = np.random.default_rng(1).random
    with Cascade(layers, store=store, probe_rate=probe_rate, choose=choose) as cascade:
        for task in given:
            clock.advance(1_000)
            cascade.outcome(cascade.route(task).route_id, correct_agent="right")


@pytest.mark.parametrize("probe_rate", [1.0, 0.5])
def test_probes_certify_a_raise_that_is_true(store: Store, loop: PolicyStore, clock: Clock, probe_rate: float) -> None:
    given = tasks()
    assert accuracy(given, 0.8) < TARGET - 0.02
    routed(store, clock, given, probe_rate)
    clock.advance(60_000)
    plan = loop.propose_tune(loop.tune_settings(target=TARGET), ALL)
    assert plan.conclusion == "certified"
    assert [(item.label, item.grade) for item in plan.items] == [("quick", "probe")]
    raised = plan.items[0].new or 0.0
    assert raised > 0.8
    assert accuracy(given, raised) >= TARGET
    low, high = plan.predicted["accuracy"].new_interval or (1.0, 0.0)
    assert low <= accuracy(given, raised) <= high
    loop.apply(plan)
    with Cascade([("quick", lambda _: ("right", 0.8))], store=store) as cascade:
        assert cascade.thresholds() == {"quick": raised}


def test_without_probes_a_raise_is_a_guess(store: Store, loop: PolicyStore, clock: Clock) -> None:
    routed(store, clock, tasks(), 0.0)
    clock.advance(60_000)
    plan = loop.propose_tune(loop.tune_settings(target=TARGET), ALL)
    assert plan.conclusion == "recover"
    assert {item.grade for item in plan.items} == {"donor"}
