"""A store's long life in a few seconds: every kind of fact, view, plan, export and upkeep, once each and late, too.

`statements` gives what the layers above the engine asked of it meanwhile: the text of each statement, with one set of
values that it was run with.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import fedstore
from fedstore import (
    AnalyticsEngine,
    FedstoreError,
    GradingQueue,
    Policy,
    PolicyStore,
    Reader,
    RoutingPerformanceTracker,
    Settings,
    Store,
    boost_history,
    diagnose,
    import_paths,
    load_settings,
    proposed_boosts,
    purge,
    sample_routes,
)
from fedstore.engine.peeking import Peek
from fedstore.engine.sqlite import Database
from fedstore.engine.transaction import Transaction
from fedstore.queries.reader import TOPICS
from fedtop.cli.main import cli
from tests.conftest import Clock
from tests.federation import HOUR, NOW_MS, federation_events

__all__ = ["Statements", "live", "recorded", "statements"]

Statements = dict[str, Any]
"""Values by the text they were given to."""
_DATA = Path(__file__).resolve().parent.parent / "data"
_DAY = 24 * HOUR


def statements(folder: Path) -> Statements:
    """What a long life in `folder` asks of the engine."""
    with recorded() as found:
        live(folder)
    return found


@contextmanager
def recorded() -> Iterator[Statements]:
    """Every statement that the packages ask for meanwhile, from outside the engine's own room."""
    found: Statements = {}

    def note(sql: str, values: Any) -> None:
        caller = sys._getframe(2).f_globals["__name__"]
        if caller.startswith(("fedstore.", "fedtop.")) and not caller.startswith("fedstore.engine"):
            found.setdefault(sql, values)

    def one(method: Any) -> Any:
        def noted(self: Any, sql: str, values: Any = ()) -> Any:
            note(sql, values)
            return method(self, sql, values)

        return noted

    def many(method: Any) -> Any:
        def noted(self: Any, sql: str, rows: Any) -> Any:
            kept = list(rows)
            if kept:
                note(sql, kept[0])
            return method(self, sql, kept)

        return noted

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((Database, "read"), (Peek, "read"), (Transaction, "execute")):
            patch.setattr(owner, name, one(getattr(owner, name)))
        for name in ("executemany", "insert_new"):
            patch.setattr(Transaction, name, many(getattr(Transaction, name)))
        yield found


def live(folder: Path) -> None:
    """The life."""
    clock = Clock()
    with Store(folder / "fedtop.db", clock=clock, settings=Settings()) as store:
        _record(store, clock)
        _import(store, folder)
        _look(store)
        _change(store, clock, folder)
        _other_doors(store, clock, folder)
        _shell(store, clock, folder)
        _keep_up(store, clock)
        _look(store)


def _record(store: Store, clock: Clock) -> None:
    """All kinds; again; late, early and of long ago; refused; as time goes by."""
    recorder = store.recorder(source="scenario", keep_content=True)
    events = federation_events()
    recorder.record_many(events)
    recorder.record_many(events)
    recorder.record_many(events[:7] + [{**event, "id": f"again-{n}"} for n, event in enumerate(events[:7])])
    for subject, of in (("run", "run-0003"), ("route", "route-0002"), ("run", "to-come"), ("route", "to-come")):
        recorder.verdict(subject, of, **({"success": False} if subject == "run" else {"correct_agent": "kimi"}))
        recorder.verdict(subject, of, at=NOW_MS - _DAY, quality=0.5)
    recorder.task("claude", "code", success=True, id="to-come")
    route = {"kind": "route", "agent": "kimi", "layer": "llm", "attempts": [{"layer": "llm", "confidence": 0.9}]}
    recorder.record({**route, "id": "to-come", "outcome": {"correct": True}})
    recorder.record({**route, "id": "to-come", "outcome": {"correct": False}})
    with recorder.run("codex", "review") as run:
        run.waiting("permission")
        run.execution("bash", success=True)
    recorder.job("job-2", "queued", name="n")
    recorder.job("job-2", "failed", error_class="E")
    recorder.record_many([{**event, "id": f"old-{n}", "at": NOW_MS - 3 * _DAY} for n, event in enumerate(events[::40])])
    recorder.record({"kind": "run", "agent": "a", "colour": 1})
    for minutes in (1, 11, 61, 25 * 60):
        clock.advance(minutes * 60_000)
        recorder.record_many([{**event, "id": f"at-{minutes}-{n}", "at": None} for n, event in enumerate(events[:40])])
    recorder._sink.lose(3, FedstoreError("disk full"))  # as when a store could not be written
    recorder.task("claude")
    recorder.close()


def _import(store: Store, folder: Path) -> None:
    paths = [_DATA / name for name in ("events.jsonl", "metrics.json", "performance.jsonl", "transcripts")]
    for again in (False, False, True):
        import_paths(store, paths, again=again, keep_content=True)
    (folder / "broken.jsonl").write_text('{"kind": "run", "agent": "a"}\n{"kind": "run"}\n')
    import_paths(store, [folder / "broken.jsonl"])


def _look(store: Store) -> None:
    """Every read model, over windows that end now and in the past."""
    reader = store.reader()
    reader.change_token()
    for label, at in (("15m", None), ("24h", None), ("30d", NOW_MS), ("all", None)):
        window = reader.window(label, at)
        reader.kept(window), reader.overview(window), reader.agents(window), reader.cascade(window)
        reader.tools(window), reader.runs(window), reader.runs(window, "codex")
        for dimension in ("model", "agent", "project", "task_type", "operation"):
            reader.costs(window, dimension)
        for name in ("codex", "nobody"):
            reader.agent(name, window)
        reader.task_type("code", window), reader.layer("semantic", window), reader.tool("bash", window)
        proposed_boosts(store.database, window)
    _look_up(reader)
    boost_history(store.database, "codex")


def _look_up(reader: Reader) -> None:
    """What is found by its name or id."""
    for kind in ("agent", "task_type", "tool", "layer"):
        reader.names(kind)
    for topic in TOPICS:
        reader.newest_ms(topic)
        if topic in ("agent", "task_type", "tool", "layer"):
            reader.newest_ms(topic, "codex")
    for kind in ("run", "route"):
        reader.ids(kind, f"{kind}-00")
    reader.run("run-0001"), reader.why("route-0001"), reader.why("to-come"), reader.policy(), reader.thresholds()
    reader.layers_seen(), reader.last_recorded_ms(), reader.rejects()


def _change(store: Store, clock: Clock, folder: Path) -> None:
    """Plans of every rule, applied, followed up, taken back."""
    import_paths(store, [_routing_log(folder, clock)])
    policy = PolicyStore(store)
    for rule in ("shrunk", "wilson", "seed"):
        plan = policy.propose_optimize(rule)
        _unless_refused(lambda plan=plan: policy.apply(plan, who="me"))
        policy.keeps(plan)
    for rule in ("certified", "no-worse", "seed-accuracy", "seed-count"):
        plan = policy.propose_tune(policy.tune_settings(rule=rule))
        _unless_refused(lambda plan=plan: policy.apply(plan.id, who="me"))
    policy.import_content(b'{"layers": [{"name": "semantic", "threshold": 0.6}]}', "config.json")
    policy.lock("layer:semantic"), policy.unlock("layer:semantic")
    policy.propose_tune(policy.tune_settings(rule="seed-count"))
    clock.advance(8 * _DAY)
    store.writer().write([{**e, "id": f"then-{e['id']}", "at": clock() - n} for n, e in enumerate(_routes(300))])
    policy.changes(), policy.plans(), policy.watch(), policy.current(), policy.bring_in_line()
    _unless_refused(lambda: policy.undo(asked_ms=clock() - _DAY))
    _unless_refused(policy.undo)
    plan = policy.propose_tune(policy.tune_settings(rule="seed-count"))
    queue = GradingQueue(store, store.reader().window("all"))
    for item in queue.next(2):
        queue.grade(item.route_id, "right")
    _unless_refused(lambda: policy.apply(plan))  # whose evidence moved


def _routes(count: int) -> list[dict[str, Any]]:
    return [event for event in federation_events() if event["kind"] == "route"][:count]


def _routing_log(folder: Path, clock: Clock) -> Path:
    path = folder / "routes.jsonl"
    lines = (json.dumps(route) for route in sample_routes(600, 1, clock() - HOUR))
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def _unless_refused(change: Any) -> None:
    try:
        change()
    except FedstoreError:
        return


def _other_doors(store: Store, clock: Clock, folder: Path) -> None:
    """The analytics engine, the tracker, the router."""
    engine = AnalyticsEngine(store, clock=clock)
    engine.record_execution("t", "bash", 1.5, True, 0.01, 10)
    for name in dir(engine):
        if name.startswith("get_"):
            getattr(engine, name)()
    engine.run_hourly_aggregation()
    tracker = RoutingPerformanceTracker(folder / "performance.jsonl", store, clock=clock)
    tracker.start_routing("task")
    tracker.record_layer_attempt("semantic", 0.9, "codex", True)
    tracker.finalize_routing("codex", "semantic", 0.9)
    tracker.record_outcome(True, True)
    tracker.record_outcome(True, True, event_id="route-0001")
    tracker.get_layer_statistics(), tracker.get_threshold_analysis(), tracker.get_recommendations()
    tracker.get_performance_summary(), tracker.threshold("semantic")
    router = Policy(store)
    router.boost("codex"), router.threshold("semantic"), router.close()


_VIEWS: Sequence[Sequence[str]] = (
    ["dashboard"], ["agent", "codex"], ["task-type", "code"], ["layers"], ["layers", "semantic"], ["why", "route-0001"],
    ["costs"], ["tools"], ["tools", "bash"], ["runs", "--agent", "codex"], ["run", "run-0001"], ["changes"], ["policy"],
    ["label"], ["optimize", "--dry-run"], ["tune", "--dry-run"], ["maintain"], ["doctor"], ["export", "json"],
    ["export", "metrics", "--output", "."], ["export", "routing"], ["policy", "export"], ["undo", "1"],
    *(["export", "csv", "--table", table] for table in ("agents", "task-types", "layers", "costs", "tools", "runs")),
    *(["record", "--agent", "codex", "--task", "code", "--success", said] for said in ("true", "false")),
)  # fmt: skip


def _shell(store: Store, clock: Clock, folder: Path) -> None:
    """The commands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fedstore, "now_ms", clock)
        patch.setenv("FEDTOP_STORE", str(store.path))
        patch.chdir(folder)
        for words in _VIEWS:
            done = CliRunner().invoke(cli, list(words), prog_name="fedtop")
            assert done.exit_code in (0, 2), (words, done.output)
    import_paths(store, folder.glob("metrics-*.json"))


def _keep_up(store: Store, clock: Clock) -> None:
    """The doctor, retention step by step, and facts that come again after they were purged."""
    events = federation_events()
    for days in (2, 40, 500):
        clock.advance(days * _DAY)
        store.writer().write([{**event, "id": f"day-{days}-{n}", "at": None} for n, event in enumerate(events[:20])])
        purge(store.database, load_settings(), clock(), pause=lambda _: None)
        store.writer().write(events[-30:])
        diagnose(store.path, settings=store.settings, clock=clock)
