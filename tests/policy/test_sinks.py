"""Files that follow the policy: written whole or not at all, other people's keys kept, and read back again."""

from __future__ import annotations

import json
import os
import shlex
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from fedstore.cleaning import clean_name
from fedstore.errors import FedstoreError, PlanRefusedError
from fedstore.finding import Finding
from fedstore.policy import PolicyBody, PolicyStore, export_policy, read_thresholds, write_thresholds
from fedstore.policy.exports import environment
from fedstore.policy.sinks import copy_path, read_copy
from fedstore.settings.config import Settings
from fedstore.store import Store
from fedstore.upkeep.doctor import diagnose
from tests.conftest import Clock
from tests.policy.synthetic import cascade_log, write_cascade, write_runs

CONFIGS = {
    "list": {
        "version": 3,
        "layers": [
            {"layer_id": 1, "name": "keyword", "threshold": 0.85, "enabled": True, "patterns": ["a"]},
            {"layer_id": 2, "layer_name": "semantic", "confidence_threshold": 0.7},
            {"layer_id": 3, "name": "rag", "threshold": 0.85, "enabled": False},
        ],
        "dashboard": {"refresh": 5},
    },
    "object": {"layers": {"keyword": {"threshold": 0.85}, "semantic": {"threshold": 0.7, "model": "x"}}},
    "numbers": {"routing_layers": {"keyword": 0.85, "semantic": 0.7}},
    "plain": {"thresholds": {"keyword": 0.85, "semantic": 0.7}, "other": None},
}


@pytest.mark.parametrize("shape", CONFIGS)
def test_every_shape_is_read_and_kept(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIGS[shape]))
    assert read_thresholds(path) == {"keyword": 0.85, "semantic": 0.7}
    assert write_thresholds(path, {"semantic": 0.66, "keyword": None})
    assert read_thresholds(path) == {"keyword": 0.85, "semantic": 0.66}
    expected = json.dumps(CONFIGS[shape]).replace("0.7,", "0.66,").replace("0.7}", "0.66}")
    assert json.loads(path.read_text()) == json.loads(expected)


@given(
    config=st.dictionaries(st.text(min_size=1, max_size=8), st.none() | st.text(max_size=5), max_size=4),
    values=st.dictionaries(st.text(min_size=1, max_size=8), st.floats(0, 1), max_size=4),
)
@examples(max_examples=40, deadline=None)
def test_unknown_keys_stay(tmp_path_factory: pytest.TempPathFactory, config: dict, values: dict) -> None:
    path = tmp_path_factory.mktemp("config") / "config.json"
    config = {key: value for key, value in config.items() if key not in ("layers", "routing_layers", "thresholds")}
    path.write_text(json.dumps({**config, "layers": [{"name": "first", "threshold": 0.5, "note": "kept"}]}))
    write_thresholds(path, values)
    after = json.loads(path.read_text())
    assert {key: after[key] for key in config} == config
    assert after["layers"][0]["note"] == "kept"
    assert read_thresholds(path) == {"first": 0.5, **values}


CLASSIC = {
    "routing_layers": [
        {"layer_id": place, "layer_name": name, "confidence_threshold": value, "enabled": name != "rag"}
        for place, (name, value) in enumerate(
            (("keyword", 0.85), ("semantic", 0.7), ("rag", 0.85), ("pytorch", 0.9), ("clarification", 1.0)), start=1
        )
    ]
}


def test_the_order_of_the_cascade_and_disabled_layers_survive_import_and_export(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(CLASSIC))
    loop, config, _ = with_files(store, clock, tmp_path)
    loop.import_file(path)
    assert json.loads(export_policy(store, "config")) == CLASSIC
    assert json.loads(config.read_text()) == CLASSIC, "the file of the settings is made with the same"
    _, body = loop.current()
    assert (list(body.thresholds), body.disabled) == (
        ["keyword", "semantic", "rag", "pytorch", "clarification"], ("rag",),
    )  # fmt: skip
    assert PolicyBody.from_json(body.to_json()) == body.in_order(())
    with pytest.raises(FedstoreError, match="in force already"):
        loop.import_file(path)
    other = {"routing_layers": [{**layer, "enabled": True} for layer in reversed(CLASSIC["routing_layers"])]}
    path.write_text(json.dumps({"routing_layers": [{k: v for k, v in layer.items() if k != "layer_id"}
                                                   for layer in other["routing_layers"]]}))  # fmt: skip
    loop.import_file(path)
    _, after = loop.current()
    assert (next(iter(after.thresholds)), after.disabled) == ("clarification", ())
    loop.undo()
    assert loop.current()[1] == body
    assert policy_finding(store, config).severity == "ok"
    config.write_text(json.dumps({"thresholds": {}, **other}))
    assert "asking rag" in policy_finding(store, config).message


def test_targets_samples_window_and_pace_of_a_routing_configuration_are_read(tmp_path: Path, clock: Clock) -> None:
    """What it does not say, the table of the classic cascade does; what the settings say goes before it."""
    config, file = tmp_path / "config.json", tmp_path / "config.toml"
    config.write_text(json.dumps({
        "routing_layers": [
            {"layer_name": "keyword", "confidence_threshold": 0.8, "latency_target_ms": 2, "accuracy_target": 0.99},
        ],
        "performance_tracking": {"min_samples_for_tuning": 40},
        "dashboard": {"refresh_interval_seconds": 60, "metrics_window_hours": 72},
    }))  # fmt: skip
    file.write_text(f'routing_config_json = "{config}"\n')
    found = Settings.load(file)
    assert (found.window, found.interval_s, found.sources["window"]) == ("72h", 60.0, str(config))
    file.write_text(f'routing_config_json = "{config}"\nwindow = "7d"\n')
    assert (Settings.load(file).window, Settings.load(file, interval_s=5).interval_s) == ("7d", 5.0)
    with Store(tmp_path / "s.db", clock=clock, settings=found) as store:
        assert PolicyStore(store).tune_settings().min_graded == 40
        assert PolicyStore(store).tune_settings(min_graded=7).min_graded == 7
        store.writer().write([
            {"kind": "route", "agent": "a", "layer": layer, "at": clock.now_ms - 60_000,
             "outcome": {"correct": n % 10 > 0},
             "attempts": [{"layer": layer, "agent": "a", "confidence": 0.95, "accepted": True, "latency_ms": 3.0}]}
            for layer in ("keyword", "semantic") for n in range(200)
        ])  # fmt: skip
        keyword, semantic = store.reader().cascade(store.reader().window("all")).layers
    assert (keyword.accuracy_target, keyword.accuracy_status) == (0.99, "warn"), "90 % of 200"
    assert (keyword.latency_target_ms, keyword.latency_status) == (2.0, "warn")
    assert (semantic.accuracy_target, semantic.accuracy_status) == (0.88, "unknown"), "85 to 93 % holds 88 %"
    assert (semantic.latency_target_ms, semantic.latency_status) == (50.0, "ok")


def test_a_disabled_layer_is_not_tuned(cascade_store: Store, clock: Clock, tmp_path: Path) -> None:
    loop, config, _ = with_files(cascade_store, clock, tmp_path)
    assert "semantic" in {item.label for item in loop.propose_tune(loop.tune_settings(rule="seed-count")).items}
    config.write_text(json.dumps({"layers": [{"name": "semantic", "threshold": 0.7, "enabled": False}]}))
    for rule in ("seed-count", "certified"):
        plan = loop.propose_tune(loop.tune_settings(rule=rule))
        assert "semantic" not in {item.label for item in plan.items}
        assert "semantic disabled: left as it is" in plan.warnings


@pytest.mark.parametrize(("name_key", "value_key", "list_name"), [
    ("layer_name", "confidence_threshold", "routing_layers"), ("name", "threshold", "layers"),
])  # fmt: skip
def test_a_new_layer_is_written_with_the_keys_of_the_others(
    tmp_path: Path, name_key: str, value_key: str, list_name: str
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({list_name: [{"layer_id": 1, name_key: "keyword", value_key: 0.8, "enabled": True}]}))
    write_thresholds(path, {"rag": 0.9}, ["rag"])
    assert json.loads(path.read_text())[list_name][1] == {
        "layer_id": 2, name_key: "rag", value_key: 0.9, "enabled": False,
    }  # fmt: skip


def test_a_file_is_replaced_whole_with_its_permissions(tmp_path: Path) -> None:
    real = tmp_path / "real.json"
    real.write_text(json.dumps(CONFIGS["plain"]))
    real.chmod(0o640)
    link = tmp_path / "config.json"
    link.symlink_to(real)
    write_thresholds(link, {"semantic": 0.6})
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert read_thresholds(real)["semantic"] == 0.6
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "real.json"]


def test_nothing_to_write_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"layers":[{"name":"a","threshold":0.5}]}')
    assert not write_thresholds(path, {"a": 0.5})
    assert path.read_text() == '{"layers":[{"name":"a","threshold":0.5}]}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ("[1]", "no JSON object"),
        ('{"layers": [{"name": "a", "threshold": "high"}]}', "threshold of 'a' is 'high'"),
        ('{"layers": [{"name": "a", "threshold": 7}]}', "from 0 to 1"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(FedstoreError, match=words):
        read_thresholds(path)


def test_two_thresholds_of_one_layer(tmp_path: Path) -> None:
    """Refused where they are read; written both where the policy says what they are."""
    path = tmp_path / "config.json"
    layers = [{"name": "keyword", "threshold": 0.8}, {"name": "keyword", "threshold": 0.7}]
    path.write_text(json.dumps({"layers": layers}))
    with pytest.raises(FedstoreError, match=r"'keyword' has two thresholds, 0\.8 and 0\.7: keep one"):
        read_thresholds(path)
    assert write_thresholds(path, {"keyword": 0.9})
    assert read_thresholds(path) == {"keyword": 0.9}


def test_what_follows_the_policy_survives_half_characters(federation: Store, clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text('{"agents": {"\\ud800": {"total_tasks": 1, "routing_boost": 0.03}}, "by": "\\udfff"}')
    settings = Settings(metrics_json=path, policy=federation.settings.policy)
    with Store(federation.path, clock=clock, settings=settings) as store:
        loop = PolicyStore(store)
        assert loop.apply(loop.propose_optimize()).warnings == ()
        found = json.loads(path.read_text(encoding="utf-8"))
        assert (found["agents"]["\ud800"]["routing_boost"], found["by"]) == (0.03, "\udfff")


def test_a_copy_that_is_nested_too_deeply_is_none(tmp_path: Path) -> None:
    copy_path(tmp_path / "s.db").write_text("[" * 200_000)
    assert read_copy(tmp_path / "s.db") is None


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FedstoreError, match="cannot be written"):
        write_thresholds(tmp_path / "config.json", {"a": 0.5})


def with_files(store: Store, clock: Clock, tmp_path: Path) -> tuple[PolicyStore, Path, Path]:
    config, metrics = tmp_path / "config.json", tmp_path / "metrics.json"
    settings = Settings(routing_config_json=config, metrics_json=metrics, policy=store.settings.policy)
    return PolicyStore(Store(store.path, clock=clock, settings=settings)), config, metrics


def test_config_json_follows_apply_and_undo(cascade_store: Store, clock: Clock, tmp_path: Path) -> None:
    loop, config, _ = with_files(cascade_store, clock, tmp_path)
    layers = [{"name": name, "threshold": t} for name, t in zip(("keyword", "semantic", "rag"), (0.85, 0.7, 0.85))]  # noqa: B905
    config.write_text(json.dumps({"layers": layers, "dashboard": 1}))
    before = read_thresholds(config)
    change = loop.apply(loop.propose_tune())
    assert change.warnings == ()
    assert read_thresholds(config) == dict(loop.current()[1].thresholds)
    loop.undo()
    assert {name: read_thresholds(config)[name] for name in before} == before
    assert loop.current()[1].thresholds == {}


def policy_finding(store: Store, config: Path, metrics: Path | None = None) -> Finding:
    """What the doctor says of the files that follow the policy."""
    settings = Settings(routing_config_json=config, metrics_json=metrics)
    return next(found for found in diagnose(store.path, settings=settings) if found.topic == "policy")


def test_the_doctor_names_what_does_not_follow(store: Store, clock: Clock, tmp_path: Path) -> None:
    loop, config, metrics = with_files(store, clock, tmp_path)
    config.write_text(json.dumps({"thresholds": {"rag": 0.5, "own": 0.1}}))
    assert policy_finding(store, config, metrics).severity == "ok"
    loop._set("import", {"layer:rag": 0.8, "agent:kimi": 0.03}, "", "")
    assert policy_finding(store, config, metrics).severity == "ok"
    config.write_text(json.dumps({"thresholds": {"rag": 0.5, "own": 0.1}}))
    metrics.write_text(json.dumps({"agents": {"codex": {"routing_boost": 0.05}, "kimi": {"routing_boost": 0.01}}}))
    found = policy_finding(store, config, metrics)
    assert found.severity == "warn"
    assert f"{config} differs from the policy in force in rag; {metrics} differs" in found.message
    assert found.message.endswith("in kimi")
    assert "fedtop policy sync" in found.advice
    config.write_text("{")
    assert "not valid JSON" in policy_finding(store, config, metrics).message
    config.unlink()
    assert loop.bring_in_line() == ()
    assert policy_finding(store, config, metrics).severity == "ok"


@pytest.mark.parametrize("step", ["apply", "undo"])
def test_a_process_that_ends_before_the_files_are_written(
    cascade_store: Store, clock: Clock, tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change stands, the files are as they were, and writing them again brings them in line."""
    loop, config, _ = with_files(cascade_store, clock, tmp_path)
    config.write_text(json.dumps({"thresholds": {"keyword": 0.85, "semantic": 0.7, "rag": 0.85, "pytorch": 0.9}}))
    original, plan = read_thresholds(config), loop.propose_tune()
    if step == "undo":
        loop.apply(plan)
    before = read_thresholds(config)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fedstore.policy.store.bring_in_line", killed)
    with pytest.raises(KeyboardInterrupt):
        loop.apply(plan) if step == "apply" else loop.undo()
    monkeypatch.undo()
    assert loop.changes(effects=False)[0].kind == ("tune" if step == "apply" else "undo")
    assert read_thresholds(config) == before
    assert "copy for routers" in policy_finding(cascade_store, config).message
    assert loop.bring_in_line() == ()
    assert policy_finding(cascade_store, config).severity == "ok"
    assert read_thresholds(config) == (original if step == "undo" else dict(loop.current()[1].thresholds))
    assert read_thresholds(config) != before


def test_tune_starts_from_the_config_file(cascade_store: Store, clock: Clock, tmp_path: Path) -> None:
    loop, config, _ = with_files(cascade_store, clock, tmp_path)
    config.write_text(json.dumps({"thresholds": {"semantic": 0.68}}))
    plan = loop.propose_tune()
    assert {layer.layer: layer.old for layer in plan.layers} == {
        "keyword": 0.85, "semantic": 0.68, "rag": 0.85, "pytorch": 0.9,
    }  # fmt: skip


def test_a_config_file_that_moved_since_the_plan_refuses_it(cascade_store: Store, clock: Clock, tmp_path: Path) -> None:
    loop, config, _ = with_files(cascade_store, clock, tmp_path)
    config.write_text(json.dumps({"thresholds": {"semantic": 0.68}}))
    plan = loop.propose_tune()
    config.write_text(json.dumps({"thresholds": {"semantic": 0.75}}))
    with pytest.raises(
        PlanRefusedError, match=r"made from semantic at 0\.68, but the routing configuration says 0\.75"
    ):
        loop.apply(plan)
    config.write_text("{ not json")
    with pytest.raises(FedstoreError, match="not valid JSON"):
        loop.apply(plan)
    assert loop.changes() == ()
    config.write_text(json.dumps({"thresholds": {"semantic": 0.68}}))
    assert loop.apply(plan).id == 1


def test_metrics_json_follows_apply_and_undo(federation: Store, clock: Clock, tmp_path: Path) -> None:
    loop, _, metrics = with_files(federation, clock, tmp_path)
    metrics.write_text(json.dumps({"agents": {"kimi": {"total_tasks": 9, "mine": 1}}, "owner": "x"}))
    loop.apply(loop.propose_optimize("seed"), who="ana")
    document = json.loads(metrics.read_text())
    assert document["owner"] == "x"
    assert (document["agents"]["kimi"]["routing_boost"], document["agents"]["kimi"]["mine"]) == (0.05, 1)
    assert document["agents"]["codex"]["routing_boost"] == -0.05
    history = document["optimization_history"]
    assert {entry["agent"] for entry in history} == {"kimi", "codex"}
    loop.undo()
    after = json.loads(metrics.read_text())
    kimi = after["agents"].pop("kimi")
    assert (kimi.pop("routing_boost"), kimi.pop("task_types"), kimi) == (0.0, {}, {"total_tasks": 9, "mine": 1})
    assert after["agents"] == {}, "no agent that was not there before"
    assert after["optimization_history"][: len(history)] == history


def test_a_file_that_cannot_be_written_is_a_warning(federation: Store, clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings(routing_config_json=tmp_path / "file" / "config.json", policy=federation.settings.policy)
    loop = PolicyStore(Store(federation.path, clock=clock, settings=settings))
    change = loop._set("import", {"layer:rag": 0.8}, "", "")
    assert change is not None
    assert len(change.warnings) == 1
    assert loop.current()[0] == 1


def test_the_copy_beside_the_store(federation: Store, loop: PolicyStore) -> None:
    loop.apply(loop.propose_optimize())
    assert read_copy(federation.path) == loop.current()
    loop.undo()
    assert read_copy(federation.path) == loop.current()
    assert json.loads(copy_path(federation.path).read_text())["version"] == 2


def test_imports_are_entries_of_the_ledger(store: Store, loop: PolicyStore, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIGS["list"]))
    change = loop.import_file(config, who="ana")
    _, body = loop.current()
    assert (change.kind, change.who, dict(body.thresholds), body.disabled) == (
        "import", "ana", {"keyword": 0.85, "semantic": 0.7, "rag": 0.85}, ("rag",),
    )  # fmt: skip
    with pytest.raises(FedstoreError, match="in force already"):
        loop.import_file(config)
    metrics = tmp_path / "metrics.json"
    metrics.write_text(
        json.dumps({"agents": {"kimi": {"routing_boost": 0.05, "task_types": {"docs": {"routing_boost": -0.01}}}}})
    )
    loop.import_file(metrics)
    assert loop.current()[1].boosts == {"kimi": {"": 0.05, "docs": -0.01}}
    loop.undo()
    assert loop.current()[1].boosts == {}
    config.write_text("{}")
    with pytest.raises(FedstoreError, match="neither thresholds"):
        loop.import_file(config)
    metrics.write_text(json.dumps({"agents": {"kimi": {"routing_boost": 5}}}))
    with pytest.raises(FedstoreError, match="from -1 to 1"):
        loop.import_file(metrics)


NAMES = st.sampled_from(["", "a", " a", "x" * 201, "a\x1b[31m", "\ud800", "a\n"])
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(-1, 2) | st.just(float("nan")) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["layers", "thresholds", "agents", "name", "threshold", "routing_boost", "task_types"])
            | NAMES,
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@examples(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["layers", "routing_layers", "thresholds", "agents"]), ODD, min_size=1))
def test_whatever_a_file_holds_it_is_taken_over_or_refused_in_a_line(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]
) -> None:
    with Store(tmp_path_factory.mktemp("odd") / "s.db") as store:
        loop = PolicyStore(store)
        refusal = ""
        try:
            loop.import_content(json.dumps(content).encode(), "odd.json")
        except FedstoreError as error:
            refusal = str(error)
        assert len(refusal.splitlines()) <= 1
        body = loop.current()[1]
        names = {*body.thresholds, *body.boosts, *(kind for kinds in body.boosts.values() for kind in kinds if kind)}
        assert {name for name in names if not name or clean_name(name) != name or len(name) > 200} == set()


def test_exports(store: Store, loop: PolicyStore, tmp_path: Path) -> None:
    loop._set("import", {"layer:rag": 0.8, "agent:kimi": 0.05, "agent:kimi/docs & more": -0.02}, "", "")
    version, body = loop.current()
    plain = json.loads(export_policy(store))
    assert plain.pop("version") == version == 1
    assert PolicyBody.from_dict(plain) == body
    lines = dict(line.partition("=")[::2] for line in export_policy(store, "env").splitlines())
    assert lines["FEDTOP_THRESHOLD_RAG"] == "0.8"
    assert (lines["FEDTOP_BOOST_KIMI"], lines["FEDTOP_BOOST_KIMI__DOCS___MORE"]) == ("0.05", "-0.02")
    assert PolicyBody.from_json(shlex.split(lines["FEDTOP_POLICY"])[0]) == body
    config = tmp_path / "config.json"
    export_policy(store, "config", config)
    assert read_thresholds(config) == {"rag": 0.8}
    config.write_text(json.dumps({"thresholds": {"rag": 0.1}, "kept": 1}))
    assert json.loads(export_policy(store, "config", config)) == {"thresholds": {"rag": 0.8}, "kept": 1}
    metrics = tmp_path / "metrics.json"
    text = export_policy(store, "metrics", metrics)
    assert json.loads(text)["agents"]["kimi"]["routing_boost"] == 0.05
    assert json.loads(metrics.read_text())["agents"] == json.loads(text)["agents"]
    with pytest.raises(FedstoreError, match="not a form"):
        export_policy(store, "xml")


def test_hostile_names_cannot_leave_their_quotes() -> None:
    body = PolicyBody({"x; rm -rf ~ #": 0.5}, {"$(id)'\"": {"": 0.01}})
    text = environment(1, body)
    assert "rm -rf" not in text.rpartition("FEDTOP_POLICY=")[0]
    assert PolicyBody.from_json(shlex.split(text.rpartition("FEDTOP_POLICY=")[2])[0]) == body


def test_both_files_at_once(store: Store, clock: Clock, tmp_path: Path) -> None:
    write_cascade(store, cascade_log("seedlike", 200, 7), clock.now_ms)
    write_runs(store, "kimi", "docs", "+" * 6, clock.now_ms)
    loop, config, metrics = with_files(store, clock, tmp_path)
    loop._set("import", {"layer:rag": 0.8, "agent:kimi": 0.05}, "", "")
    assert read_thresholds(config) == {"rag": 0.8}
    assert json.loads(metrics.read_text())["agents"]["kimi"]["routing_boost"] == 0.05
