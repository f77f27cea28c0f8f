"""The simulated federation: the same for the same seed, however it is asked for, with its incidents in it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedstore import Execution, Recorder, Route, Run, RunState, Simulation, Store, Usage, Verdict, Window
from fedstore.demo.cast import AGENTS, LAYERS, TASKS
from fedstore.demo.scenario import Scenario
from fedstore.learning.layers import LAST_RESORT
from fedtop.tabs import tab_ids
from tests.cli.conftest import Run as RunCommand
from tests.cli.conftest import refused
from tests.conftest import Clock
from tests.federation import HOUR, NOW_MS

MINUTE = 60_000


def facts(seed: int = 7, hours: int = 2, ahead_ms: int = 0, **more: Any) -> list[Any]:
    """What a scenario of some hours says up to its origin, and some time after."""
    return Scenario(seed, NOW_MS - hours * HOUR, NOW_MS, **more).advance(NOW_MS + ahead_ms)


def test_same_seed_same_facts() -> None:
    assert facts(7) == facts(7)
    assert facts(7) != facts(8)


@given(st.lists(st.integers(0, 30 * MINUTE), max_size=6))
@settings(max_examples=12, deadline=None)
def test_it_does_not_matter_how_often_it_is_asked(steps: list[int]) -> None:
    scenario = Scenario(5, NOW_MS - 30 * MINUTE, NOW_MS)
    found = []
    for step in sorted(steps):
        found += scenario.advance(NOW_MS - 30 * MINUTE + step)
    found += scenario.advance(NOW_MS)
    assert found == Scenario(5, NOW_MS - 30 * MINUTE, NOW_MS).advance(NOW_MS)


def test_facts_come_in_the_order_of_their_times() -> None:
    times = [fact.at for fact in facts()]
    assert times == sorted(times)
    assert all(at is not None and NOW_MS - 2 * HOUR <= at <= NOW_MS for at in times)


def test_every_id_is_said_once() -> None:
    for kind in (Run, Route, Usage, Execution, Verdict):
        ids = [fact.id for fact in facts() if isinstance(fact, kind)]
        assert len(ids) == len(set(ids)) > 20


def test_cascade_behaves_as_its_layers_say() -> None:
    routes = [fact for fact in facts(hours=24) if isinstance(fact, Route)]
    names = [*(layer.name for layer in LAYERS), LAST_RESORT]
    thresholds = {layer.name: layer.threshold for layer in LAYERS}
    for route in routes:
        live = [a for a in route.attempts if not a.shadow]
        assert [a.layer for a in live] == names[: len(live)]
        assert live[-1].accepted
        assert live[-1].layer == route.layer
        for attempt in live:
            if attempt.layer in thresholds:
                assert attempt.accepted == ((attempt.confidence or 0) >= thresholds[attempt.layer])
    share = {name: n / len(routes) for name, n in Counter(r.layer for r in routes).items()}
    assert 0.28 < share["keyword"] < 0.38
    assert 0.37 < share["semantic"] < 0.47
    assert share[LAST_RESORT] < 0.03
    assert any(a.shadow for r in routes for a in r.attempts)


def rate(found: Iterator[bool]) -> float:
    values = list(found)
    assert len(values) > 20
    return sum(values) / len(values)


def test_incidents_are_in_the_history() -> None:
    found = facts(hours=24)
    tests = [f for f in found if isinstance(f, Run) and (f.agent, f.task_type) == ("codex", "testing")]
    broke = NOW_MS - 200 * MINUTE
    before = rate(bool(f.success) for f in tests if (f.at or 0) < broke)
    after = rate(bool(f.success) for f in tests if (f.at or 0) >= broke + 5 * MINUTE)
    assert before > 0.75 > 0.65 > after

    calls = [f for f in found if isinstance(f, Usage) and f.agent == "claude"]
    spike = [f.input_tokens for f in calls if NOW_MS - 46 * MINUTE <= (f.at or 0) < NOW_MS - 31 * MINUTE]
    usual = [f.input_tokens for f in calls if (f.at or 0) < NOW_MS - 60 * MINUTE]
    assert sum(spike) / len(spike) > 3 * sum(usual) / len(usual)

    refused_calls = [f for f in found if isinstance(f, Usage) and f.error_class == "rate_limit"]
    assert refused_calls
    assert {f.agent for f in refused_calls} == {"gemini"}


def test_semantic_layer_drifts() -> None:
    found = facts(hours=24)
    verdicts = {f.subject_id: f.correct for f in found if isinstance(f, Verdict) and f.subject == "route"}
    graded = [
        (f.at, verdicts[f.id]) for f in found if isinstance(f, Route) and f.layer == "semantic" and f.id in verdicts
    ]
    early = rate(bool(right) for at, right in graded if (at or 0) < NOW_MS - 8 * HOUR)
    late = rate(bool(right) for at, right in graded if (at or 0) >= NOW_MS - 2 * HOUR)
    assert early > late + 0.04


def test_one_run_is_stuck_when_it_starts() -> None:
    found = facts()
    ended = {f.id for f in found if isinstance(f, Run)}
    stuck = [f for f in found if isinstance(f, RunState) and "stuck" in f.id and f.state == "waiting"]
    assert [f.reason for f in stuck] == ["permission"]
    assert stuck[0].id not in ended
    later = facts(ahead_ms=10 * MINUTE)
    (end,) = [f for f in later if isinstance(f, Run) and f.id == stuck[0].id]
    assert (end.success, end.error_class) == (False, "permission_timeout")


def test_speed_packs_more_into_the_same_time() -> None:
    live = [len([f for f in facts(ahead_ms=10 * MINUTE, speed=s) if (f.at or 0) > NOW_MS]) for s in (1.0, 4.0)]
    assert live[1] > 2.5 * live[0]
    assert [f for f in facts(speed=4.0) if isinstance(f, Route)] == [f for f in facts() if isinstance(f, Route)]


def test_policy_in_force_is_followed() -> None:
    strict = facts(threshold=lambda layer, usual: 0.999 if layer == "keyword" else usual)
    assert not [f for f in strict if isinstance(f, Route) and f.layer == "keyword"]
    boosted = facts(boost=lambda agent, _type: 5.0 if agent == "codex" else 0.0)
    share = [
        rate(f.agent == "codex" for f in some if isinstance(f, Run) and f.task_type == "implementation")
        for some in (boosted, facts())
    ]
    assert share[0] > share[1] + 0.2


# --- recorded ------------------------------------------------------------------------------------------------------


def contents(store: Store) -> dict[str, list[Any]]:
    """Facts and sums, without what depends on the order of writing."""
    read = store.database.read
    tables = {
        "runs": "id, agent, success, rework, duration_us / 1000, ended_ms",
        "llm_calls": "id, model, input_tokens, cost_nano, cost_basis",
        "tool_calls": "id, tool, success, ended_ms",
        "routes": "id, agent, layer, correct",
        "active_runs": "id, state",
        "agent_buckets": "width, start, agent, task_type, runs, ok, failed, reworked",
    }
    return {name: sorted(read(f"SELECT {columns} FROM {name}")) for name, columns in tables.items()}


def simulate(path: Path, clock: Clock, hours: float = 6) -> Store:
    store = Store(path, clock=clock)
    simulation = Simulation(store, 3, clock, hours=hours)
    simulation.backfill()
    clock.advance(5 * MINUTE)
    simulation.step()
    simulation.stop()
    return store


def test_recorded_twice_is_the_same(tmp_path: Path) -> None:
    first, second = (simulate(tmp_path / f"{n}.db", Clock()) for n in range(2))
    found = contents(first)
    assert found == contents(second)
    assert all(found.values())
    first.close()
    second.close()


def test_nothing_is_refused_or_lost(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    receipts = []
    record_many = Recorder.record_many

    def watched(self: Recorder, events: Any) -> Any:
        receipts.append(record_many(self, events))
        return receipts[-1]

    monkeypatch.setattr(Recorder, "record_many", watched)
    simulation = Simulation(store, 1, clock, hours=8)
    simulation.backfill()
    clock.advance(20 * MINUTE)
    simulation.step()
    simulation.stop()
    assert sum(receipt.taken for receipt in receipts) > 3_000
    assert not [receipt for receipt in receipts if receipt.rejected or receipt.lost]


def test_history_reaches_back_without_a_gap(store: Store, clock: Clock) -> None:
    Simulation(store, 2, clock, hours=10).backfill()
    hours = {at // HOUR for (at,) in store.database.read("SELECT ended_ms FROM runs")}
    assert hours == set(range((NOW_MS - 10 * HOUR) // HOUR, NOW_MS // HOUR + 1))


def test_first_screen_has_everything(store: Store, clock: Clock) -> None:
    Simulation(store, 0, clock, hours=12).backfill()
    view = store.reader().overview(Window.ending("24h", clock()))
    assert {row.name for row in view.agents} == AGENTS.keys()
    assert {cell.task_type for cell in view.task_types} == TASKS.keys()
    assert [row.name for row in view.layers] == [*(layer.name for layer in LAYERS), LAST_RESORT]
    assert any(run.state == "waiting" for run in view.active)
    assert any(run.state == "running" for run in view.active)
    assert view.cost.mark == "unpriced"
    assert view.cost.reported_nano
    assert view.cost.computed_nano
    assert any("codex" in sentence for _, sentence, _ in view.attention)


class Hurrying:
    """A clock that a minute passes on whenever it is looked at; says when it was looked at often enough."""

    def __init__(self, looks: int) -> None:
        self.now_ms, self._left, self.done = NOW_MS, looks, threading.Event()

    def __call__(self) -> int:
        self.now_ms += MINUTE
        self._left -= 1
        if self._left == 0:
            self.done.set()
        return self.now_ms


def test_live_in_a_thread(tmp_path: Path) -> None:
    clock = Hurrying(40)
    store = Store(tmp_path / "live.db", clock=clock)
    with Simulation(store, 4, clock, hours=1, speed=4) as simulation:
        assert clock.done.wait(30)
    ((live,),) = store.database.read("SELECT COUNT(*) FROM runs WHERE ended_ms > ?", (simulation.origin_ms,))
    assert live > 20
    assert threading.active_count() == 1
    store.close()


# --- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hours of history are enough to see that the command works."""
    monkeypatch.setattr("fedtop.cli.top.DEMO_HOURS", 2)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("tab", tab_ids())
def test_demo_prints_once_without_a_terminal(run: RunCommand, path: Path, tab: str) -> None:
    result = run("demo", "--tab", tab)
    assert result.exit_code == 0, result.output
    assert "kimi" in result.stdout or tab in ("cascade", "costs", "tools")
    assert not path.exists()


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("how", [{}, {"FEDTOP_READONLY": "1"}])
def test_who_may_change_nothing_watches_the_simulation_too(
    run: RunCommand, monkeypatch: pytest.MonkeyPatch, how: dict[str, str]
) -> None:
    for name, value in how.items():
        monkeypatch.setenv(name, value)
    result = run("demo", "--once", *(() if how else ("--readonly",)))
    assert result.exit_code == 0, result.output


@pytest.mark.usefixtures("short")
def test_demo_in_a_store_of_its_own(run: RunCommand, ask: Callable[..., Any], tmp_path: Path) -> None:
    target = tmp_path / "demo.db"
    found = ask("demo", "--seed", 5, "--once", "--store", target)
    assert found["overview"]["tasks"] > 100
    assert target.exists()
    assert "exists" in refused(run("demo", "--store", target))
