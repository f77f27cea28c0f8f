"""The loop from the shell: what a dry run shows is what apply does; undo restores; refusals are one line."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedstore import PolicyStore, Store, StoreReadOnlyError
from fedstore.engine.locking import FileLock
from tests.cli.conftest import Run, refused
from tests.conftest import Clock
from tests.policy.synthetic import write_runs
from tests.templates import copied


@pytest.fixture
def cascade(run: Run, store: Store, clock: Clock) -> Store:
    """A store with 3,000 sampled decisions and 60 tasks of each of three agents that differ."""
    assert not store.database.read("SELECT id FROM runs"), "ask for cascade before what is added to it"
    store.close()
    copied(store.path, "sampled", lambda path: _sample(run, path, clock))
    return store


def _sample(run: Run, path: Path, clock: Clock) -> None:
    assert run("--store", path, "sample", "-n", 3000, "--seed", 3, "--record").exit_code == 0
    tasks = [
        {"kind": "run", "id": f"{agent}-{n}", "agent": agent, "task_type": ("review", "docs")[n % 2],
         "success": n % 20 >= failures, "at": clock.now_ms - n * 60_000, "duration_ms": 1000}
        for agent, failures in (("kimi", 0), ("claude", 3), ("codex", 12))
        for n in range(60)
    ]  # fmt: skip
    with Store(path, clock=clock) as store:
        assert store.writer().write(tasks).taken == 180


def in_force(store: Store) -> tuple[int, dict[str, Any]]:
    version, body = PolicyStore(store).current()
    return version, body.to_dict()


def test_optimize_in_the_classic_words(run: Run, cascade: Store) -> None:
    shown = run("optimize", "--dry-run", "--rule", "seed").stdout
    assert "Optimization Analysis (DRY RUN)" in shown
    assert "TASK BOOST: kimi for review" in shown
    assert "Excellent at review: 100%" in shown
    assert "PENALTY: codex" in shown
    assert in_force(cascade)[0] == 0


def test_a_dry_run_of_what_cannot_be_applied_yet_says_so(
    ask: Callable[..., Any], run: Run, cascade: Store, clock: Clock
) -> None:
    assert ask("optimize", "--dry-run")["refusal"] is None
    assert run("optimize").exit_code == 0
    clock.advance(3_600_000)
    write_runs(cascade, "kimi", "docs", "-" * 45, clock.now_ms)
    why = (
        "5 more graded tasks are needed since the last optimize: wait for them, or lower the setting"
        " policy.cooldown_events = 50"
    )
    shown = run("optimize", "--dry-run").stdout
    assert shown.endswith(f"\n\nIt cannot be applied: {why}.\n")
    assert "fedtop apply" not in shown
    assert ask("optimize", "--dry-run")["refusal"] == why
    refusal = run("optimize")
    assert (refusal.exit_code, why in refusal.stderr) == (2, True)


def test_optimize_shows_the_rules_side_by_side(ask: Callable[..., Any], run: Run, cascade: Store) -> None:
    plan = ask("optimize", "--dry-run")["plan"]
    assert {other["rule"] for other in plan["alternatives"]} == {"shrunk", "wilson", "seed"}
    shown = run("optimize", "--dry-run").stdout
    assert "wilson" in shown
    assert "seed" in shown


def test_seed_rule_to_the_letter(ask: Callable[..., Any], cascade: Store) -> None:
    boosts = {i["key"]: i["new"] for i in ask("optimize", "--dry-run", "--rule", "seed")["plan"]["items"]}
    assert boosts["agent:kimi"] == 0.05  # 60 of 60
    assert boosts["agent:codex"] == -0.05  # 24 of 60
    assert "agent:claude" not in boosts  # 51 of 60


def test_a_dry_run_is_applied_as_shown_and_taken_back(run: Run, ask: Callable[..., Any], cascade: Store) -> None:
    before = in_force(cascade)
    shown = run("optimize", "--dry-run")
    assert in_force(cascade) == before
    plan_id = shown.stdout.strip().rpartition(" ")[2]
    assert plan_id.startswith("o-")
    applied = run("apply", plan_id)
    assert applied.exit_code == 0, applied.output
    assert applied.stdout.strip().startswith("Applied: change #1, policy version 1")
    plan = PolicyStore(cascade).plan(plan_id)
    boosts = in_force(cascade)[1]["boosts"]
    for item in plan.items:
        agent, _, task_type = item.key.removeprefix("agent:").partition("/")
        assert boosts[agent][task_type] == item.new
    assert "Took back #1" in run("undo").stdout
    assert in_force(cascade)[1] == before[1]
    ledger = ask("changes")["changes"]
    assert [(c["id"], c["kind"], c["undoes"], c["undone_by"]) for c in ledger] == [
        (2, "undo", 1, None), (1, "optimize", None, 2),
    ]  # fmt: skip


def test_undo_takes_back_what_was_newest_when_it_began(
    run: Run, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = PolicyStore(store)
    for value in (0.8, 0.7):
        loop._set("import", {"layer:rag": value}, "", "")
    really = Store.__init__

    def slowly(self: Store, *args: Any, **given: Any) -> None:
        """Another undo ends while this one opens the store."""
        monkeypatch.setattr(Store, "__init__", really)
        clock.advance(5)
        loop.undo()
        really(self, *args, **given)

    monkeypatch.setattr(Store, "__init__", slowly)
    assert "change #3 (undo) was made after this was asked for" in refused(run("undo"))
    assert loop.current()[1].thresholds == {"rag": 0.8}
    assert "Took back #1" in run("undo").stdout


def test_optimize_twice_on_the_same_data_changes_nothing(run: Run, cascade: Store) -> None:
    assert "Applied" in run("optimize").stdout
    first = in_force(cascade)
    again = run("optimize")
    assert in_force(cascade) == first
    assert again.exit_code in (0, 2)
    assert "Applied" not in again.stdout


def test_tune_json_holds_the_whole_plan(ask: Callable[..., Any], cascade: Store) -> None:
    found = ask("tune", "--dry-run", "-w", "168", "--target", "0.8", "-m", 60)
    plan = found["plan"]
    assert found["dry_run"] is True
    assert found["change"] is None
    assert plan["kind"] == "tune"
    assert plan["settings"]["target"] == 0.8
    assert plan["settings"]["min_graded"] == 60
    assert {other["rule"] for other in plan["alternatives"]} == {"seed-accuracy", "seed-count"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["-l", "semantic"], {"layer": "semantic"}),
        (["--aggressive"], {"aggressive": True}),
        (["--max-clarify", "0.1"], {"max_clarify": 0.1}),
        (["--max-clarify", "0"], {"max_clarify": 0.0}),
        (["--rule", "seed-count"], {"rule": "seed-count"}),
        (["--confidence", "0.99"], {"confidence": 0.99}),
        (["--rule", "no-worse", "--margin", "0.02"], {"rule": "no-worse", "margin": 0.02}),
        (["--rule", "seed-accuracy", "-m", 60], {"rule": "seed-accuracy", "min_graded": 60}),
        (["--clarify-cost-ms", "200", "--clarify-error", "0.1"], {"clarify_cost_ms": 200.0, "clarify_error": 0.1}),
        (["--censor-hours", "2"], {"censor_hours": 2.0}),
        ([], {"rule": "certified", "target": 0.95, "aggressive": False, "min_graded": 100}),
    ],
)
def test_tune_options_reach_the_search(
    ask: Callable[..., Any], cascade: Store, options: list[str], expected: dict[str, Any]
) -> None:
    settings = ask("tune", "--dry-run", *options)["plan"]["settings"]
    assert {name: settings[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("rule", "options", "said"),
    [
        ("seed-count", ["--confidence", "0.9"], "--confidence does nothing with --rule seed-count: leave it out, or"),
        ("seed-count", ["-m", "60"], "choose --rule certified or no-worse or seed-accuracy"),
        ("seed-accuracy", ["--max-clarify", "0"], "--max-clarify does nothing with --rule seed-accuracy"),
        ("seed-accuracy", ["--confidence", "0.9", "--margin", "0.1"], "--confidence, --margin do nothing"),
        ("seed-accuracy", ["--clarify-cost-ms", "9"], "choose --rule certified or no-worse"),
        ("certified", ["--margin", "0.02"], "--margin does nothing with --rule certified"),
        ("", ["--margin", "0.02"], "choose --rule no-worse"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    run: Run, store: Store, rule: str, options: list[str], said: str
) -> None:
    chosen = ["--rule", rule] if rule else []
    for more in ([], ["--dry-run"], ["--json"]):
        assert said in refused(run("tune", *chosen, *options, *more))
    assert PolicyStore(store).plans() == ()


def test_the_rule_of_the_settings_file_decides_what_would_do_nothing(
    run: Run, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text('[policy]\ntuning = "seed-count"\n')
    monkeypatch.setenv("FEDTOP_CONFIG", str(settings))
    assert "--margin does nothing with --rule seed-count" in refused(run("tune", "--margin", "0.1"))


def test_tune_moves_only_the_layer_named(ask: Callable[..., Any], cascade: Store) -> None:
    plan = ask("tune", "--dry-run", "--rule", "seed-count", "-l", "semantic")["plan"]
    assert {item["key"] for item in plan["items"]} <= {"layer:semantic"}


def test_tune_text_says_what_it_rests_on(run: Run, cascade: Store) -> None:
    shown = run("tune", "--dry-run", "--rule", "seed-count").stdout
    assert "dry run: nothing is changed" in shown
    assert "seed-count" in shown
    assert "graded of" in shown
    assert "Predicted" in shown
    assert "To put it in force: fedtop apply t-" in shown


def plan_of(shown: str) -> str:
    """The id in the line that says how to apply it."""
    return shown.rpartition("fedtop apply ")[2].split()[0]


def test_what_is_not_certified_needs_a_word(run: Run, ask: Callable[..., Any], cascade: Store) -> None:
    result = run("tune", "--rule", "seed-count")
    assert result.exit_code == 2
    assert "not certified (estimated)" in result.stderr
    plan_id = plan_of(result.stderr)
    assert f"`fedtop apply {plan_id} --uncertified`" in result.stderr
    assert "Predicted" in result.stdout
    said = refused(run("apply", plan_id))
    assert "not certified" in said
    assert in_force(cascade)[0] == 0
    as_json = run("tune", "--rule", "seed-count", "--json")
    assert as_json.exit_code == 2
    assert json.loads(as_json.stdout)["change"] is None
    assert in_force(cascade)[0] == 0
    assert run("apply", plan_id, "--uncertified").exit_code == 0
    assert in_force(cascade)[0] == 1


def test_tune_applies_what_is_certified_once(run: Run, cascade: Store) -> None:
    first = run("tune", "--target", "0.8")
    assert first.exit_code == 0, first.output
    assert "certified" in first.stdout
    assert "Applied: change #1" in first.stdout
    after = in_force(cascade)
    again = run("tune", "--target", "0.8")
    assert again.exit_code == 0
    assert "decisions before change #1 were its evidence and are not used again" in again.stdout
    assert in_force(cascade) == after


def test_a_window_after_the_newest_fact_says_so(
    run: Run, ask: Callable[..., Any], cascade: Store, clock: Clock
) -> None:
    clock.advance(90 * 86_400_000)
    result = run("tune", "-w", "7d")
    assert result.exit_code == 0
    assert "add --at newest" in result.stdout
    assert ask("tune", "-w", "168")["notice"] == "before-window"
    assert "add --at newest" not in run("tune", "--dry-run", "--at", "newest").stdout
    assert "add --at newest" in run("optimize", "-w", "24h").stdout
    early = ("--dry-run", "--at", "2020-01-01T00:00Z")
    for command in ("tune", "optimize"):
        assert ask(command, *early)["notice"] == "after-window"
        assert "after this window: add --at newest" in run(command, *early).stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["apply", "t-none"], "there is no plan t-none"),
        (["undo"], "no change to take back"),
        (["undo", "7"], "there is no change #7"),
        (["tune", "--dry-run", "-l", "moon"], "moon"),
        (["tune", "--dry-run", "--rule", "moon"], "fedtop tune --help"),
        (["policy", "import", "/no/such/file.json"], "there is no file"),
    ],
)
def test_refusals(run: Run, cascade: Store, args: list[str], said: str) -> None:
    assert said in refused(run(*args))
    assert in_force(cascade)[0] == 0


def test_a_plan_is_refused_when_its_data_moved(run: Run, cascade: Store, clock: Clock) -> None:
    plan_id = run("optimize", "--dry-run").stdout.strip().rpartition(" ")[2]
    late = {"kind": "verdict", "subject": "run", "subject_id": "kimi-3", "rework": True}
    assert cascade.writer().write([late]).taken == 1
    refused(run("apply", plan_id))
    assert in_force(cascade)[0] == 0


@pytest.mark.parametrize("how", ["option", "variable", "file"])
def test_read_only_changes_nothing(
    run: Run, cascade: Store, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config_file: Path
) -> None:
    plan_id = run("optimize", "--dry-run").stdout.strip().rpartition(" ")[2]
    assert run("optimize").exit_code == 0
    before = in_force(cascade)
    flag, named = ["--readonly"] if how == "option" else [], "--readonly"
    if how == "variable":
        monkeypatch.setenv("FEDTOP_READONLY", "1")
        named = "FEDTOP_READONLY"
    elif how == "file":
        settings = tmp_path / "settings.toml"
        settings.write_text("readonly = true\n")
        monkeypatch.setenv("FEDTOP_CONFIG", str(settings))
        named = f"readonly in {settings}"
    shown = run("optimize", "--dry-run", "--rule", "seed", *flag)
    assert shown.exit_code == 0
    assert "not kept" in shown.stdout
    assert "fedtop apply" not in shown.stdout
    for command in (["apply", plan_id], ["undo"], ["undo", "1"], ["optimize"], ["tune", "--rule", "seed-count"]):
        assert refused(run(*command, *flag)) == f"read-only mode ({named}): nothing was changed, since nothing may be"
    for command in (
        ["maintain"],
        ["policy", "sync"],
        ["policy", "import", config_file],
        ["record", "job", "j", "queued"],
    ):
        assert how == "option" or refused(run(*command)).startswith("read-only mode")
    assert in_force(cascade) == before


CANNOT = "nothing was changed: the store cannot be written: check its permissions, or add --dry-run"


@pytest.mark.parametrize("at", [Store, FileLock], ids=["file", "lock"])
def test_a_dry_run_needs_no_right_to_write(
    run: Run, ask: Callable[..., Any], cascade: Store, at: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where the store cannot be opened for writing, nor where that is found out by the first write."""
    cascade.close()
    really = Store.__init__

    def opened(self: Store, *args: Any, readonly: bool = False, **given: Any) -> None:
        if not readonly:
            raise StoreReadOnlyError("no permission")
        really(self, *args, readonly=readonly, **given)

    def locked(_self: FileLock, patience_s: float | None = None) -> None:
        raise StoreReadOnlyError("no permission")

    monkeypatch.setattr(at, *("__init__", opened) if at is Store else ("acquire", locked))
    for command in ("optimize", "tune"):
        shown = run(command, "--dry-run", "--rule", "seed" if command == "optimize" else "seed-count")
        assert shown.exit_code == 0, shown.output
        assert "not kept" in shown.stdout
        assert ask(command, "--dry-run")["plan"]["id"]
        said = refused(run(command, "--rule", "seed" if command == "optimize" else "seed-count"))
        assert said == ("no permission" if at is Store else CANNOT)


def test_hints_name_the_store_that_was_given(run: Run, cascade: Store) -> None:
    store = ["--store", str(cascade.path)]
    plan = run("optimize", "--dry-run", *store).stdout.strip().splitlines()[-1]
    assert plan.endswith(f" --store {cascade.path}")
    assert f"`fedtop undo 1 --store {cascade.path}` takes it back" in run(*plan.partition("fedtop ")[2].split()).stdout


def test_a_missing_store_stays_missing(run: Run, path: Path) -> None:
    for command in (["optimize"], ["tune", "--dry-run"], ["undo"], ["label", "r", "right"], ["changes"], ["policy"]):
        assert "there is no store at" in refused(run(*command))
        assert not path.exists()


def test_what_is_missing_for_boosts_are_tasks(run: Run, store: Store, clock: Clock) -> None:
    for agent in ("kimi", "codex"):
        write_runs(store, agent, "docs", "+++", clock.now_ms - 60_000)
    shown = run("optimize", "--dry-run").stdout
    assert "7 more graded tasks would settle whether an agent is a high or a low performer." in shown
    assert "fedtop grade" not in shown


def test_the_ledger_tells_what_happened_since(run: Run, ask: Callable[..., Any], store: Store, clock: Clock) -> None:
    write_runs(store, "kimi", "docs", "+" * 30, clock.now_ms - 3_600_000)
    loop = PolicyStore(store)
    loop.apply(loop.propose_optimize("seed"))
    before = run("changes").stdout
    assert "n=0" in before
    assert "policy version 0 → 1" in before
    assert f"plan {loop.changes()[0].plan_id}, rule seed, proposed, window 30d, 30 tasks, 30 graded" in before
    clock.advance(2 * 3_600_000)
    write_runs(store, "kimi", "docs", "+" * 18 + "--", clock.now_ms - 3_600_000 - 60_000)
    write_runs(store, "kimi", "docs", "-" * 10, clock.now_ms - 60_000)
    shown = " ".join(run("changes").stdout.split())
    first, now = shown.partition(" 1h ")[2].split(" now ")
    assert first.startswith("success of what is boosted 90.0 % 69.9–97.2 (predicted ")
    assert first.endswith("n=20")
    assert now.startswith("success of what is boosted 60.0 % 42.3–75.4 (predicted ")
    assert now.endswith("n=30")
    assert "24h" not in shown  # not passed yet: it would say what "now" says


FORMER = Path(__file__).parents[1] / "data" / "former-plans.json"


def test_a_ledger_of_a_former_version_can_be_read_and_taken_back(
    run: Run, ask: Callable[..., Any], store: Store
) -> None:
    plan = json.loads(FORMER.read_text(encoding="utf-8"))["optimize"]
    boosts = {item["label"]: {"": item["new"]} for item in plan["items"]}
    bodies = ({"thresholds": {}, "boosts": {}, "locked": []}, {"thresholds": {}, "boosts": boosts, "locked": []})
    with store.database.write() as tx:
        for version, body in enumerate(bodies, start=1):
            tx.execute("INSERT INTO policies (version, body, made_ms) VALUES (?, ?, 1)", (version, json.dumps(body)))
        tx.execute(
            "INSERT INTO changes (kind, who, at_ms, plan_id, undoes, old_version, new_version, evidence_end_ms, body)"
            " VALUES ('optimize', 'me', ?, ?, NULL, 1, 2, 0, ?)",
            (store.clock(), plan["id"], json.dumps(plan)),
        )
    (change,) = ask("changes")["changes"]
    assert change["plan"]["policy"] == change["plan"]["rule"] == "shrunk"
    assert change["plan"]["verdict"] == change["plan"]["conclusion"] == "proposed"
    assert "codex: – → −0.05" in run("changes").stdout
    assert "Took back #1" in run("undo").stdout
    assert in_force(store)[1]["boosts"] == {}


# --- policy --------------------------------------------------------------------------------------------------------


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """A routing configuration with a key of its own."""
    file = tmp_path / "config.json"
    layers = [{"name": "keyword", "threshold": 0.8, "enabled": True}, {"name": "semantic", "threshold": 0.66}]
    file.write_text(json.dumps({"layers": layers, "dashboard": {"refresh": 5}}))
    return file


def test_policy_before_the_first_change(run: Run, ask: Callable[..., Any], store: Store) -> None:
    assert "no change was applied yet" in run("policy").stdout
    assert ask("policy") == {"version": 0, "thresholds": {}, "boosts": {}, "locked": []}


def test_thresholds_are_taken_over_and_handed_on(
    run: Run, ask: Callable[..., Any], store: Store, config_file: Path, tmp_path: Path
) -> None:
    assert run("policy", "import", config_file).stdout.startswith("Imported: change #1")
    assert ask("policy")["thresholds"] == {"keyword": 0.8, "semantic": 0.66}
    assert "0.66" in run("policy").stdout
    assert json.loads(run("policy", "export").stdout)["thresholds"]["keyword"] == 0.8
    assert "FEDTOP_THRESHOLD_SEMANTIC=0.66" in run("policy", "export", "--format", "env").stdout
    target = tmp_path / "copy.json"
    target.write_text(config_file.read_text().replace("0.66", "0.5"))
    assert run("policy", "export", "--format", "config", "-o", target).exit_code == 0
    written = json.loads(target.read_text())
    assert written["dashboard"] == {"refresh": 5}
    assert [layer["threshold"] for layer in written["layers"]] == [0.8, 0.66]
    assert "in force already" in refused(run("policy", "import", config_file))


needs_pipes = pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no names for open files")


@pytest.mark.parametrize("how", ["stdin", "dash", pytest.param("pipe", marks=needs_pipes)])
@pytest.mark.parametrize("kind", ["config", "metrics"])
def test_a_pipe_is_taken_over_like_a_file(
    run: Run, ask: Callable[..., Any], store: Store, config_file: Path, tmp_path: Path, how: str, kind: str
) -> None:
    content = config_file.read_bytes()
    if kind == "metrics":
        content = json.dumps({"agents": {"kimi": {"routing_boost": 0.05}}}).encode("utf-8-sig")
    if how == "pipe":
        end, other = os.pipe()
        os.write(other, content)
        os.close(other)
        result = run("policy", "import", f"/dev/fd/{end}")
        os.close(end)
    else:
        result = run("policy", "import", *(["-"] if how == "dash" else []), stdin=content)
    assert result.stdout == "Imported: change #1, policy version 1\n", result.output
    found = ask("policy")
    assert found["thresholds"] == ({"keyword": 0.8, "semantic": 0.66} if kind == "config" else {})
    assert found["boosts"] == ({} if kind == "config" else {"kimi": {"": 0.05}})


_TWICE = (
    b'{"agents": {"a": {"routing_boost": 0.01}, "a": {"routing_boost": 0.05}}}',
    b'{"layers": [{"name": "a", "threshold": 0.5}, {"name": "a", "threshold": 0.6}]}',
)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b"[]", b"{}", b'{"agents": []}', *_TWICE])
def test_a_pipe_with_something_else_is_one_line(run: Run, store: Store, content: bytes) -> None:
    assert re.match("stdin[: ]", refused(run("policy", "import", "-", stdin=content)))


def test_layers_stand_in_cascade_order(
    run: Run, ask: Callable[..., Any], cascade: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In what is printed, handed on, written anew and told of in the ledger; not by their names."""
    order = [row["name"] for row in ask("layers", "-w", "all")["layers"] if row["threshold"] is not None]
    assert order[:4] == ["keyword", "semantic", "rag", "pytorch"]
    layers, follows = order[:4], tmp_path / "new.json"
    settings, config = tmp_path / "settings.toml", tmp_path / "config.json"
    settings.write_text(f'routing_config_json = "{follows}"\n')
    monkeypatch.setenv("FEDTOP_CONFIG", str(settings))
    config.write_text(json.dumps({"thresholds": dict.fromkeys(("unknown", *reversed(layers)), 0.5)}))
    assert run("policy", "import", config).exit_code == 0
    assert [*ask("policy")["thresholds"]] == [*layers, "unknown"]
    shown = run("policy").stdout
    assert sorted(layers, key=shown.index) == layers
    exported = json.loads(run("policy", "export", "--format", "config").stdout)["routing_layers"]
    assert [(layer["layer_id"], layer["layer_name"]) for layer in exported] == [
        *enumerate([*layers, "unknown"], start=1)
    ]
    written = json.loads(follows.read_text())["routing_layers"]
    assert [layer["layer_name"] for layer in written] == [*layers, "unknown"]
    run("undo")
    for change in ask("changes")["changes"]:
        assert [item["label"] for item in change["plan"]["items"]] == ["unknown", *reversed(layers)], "as in the file"


def test_files_that_follow_are_written_again(
    run: Run, cascade: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, config, metrics = tmp_path / "config.toml", tmp_path / "routing.json", tmp_path / "metrics.json"
    settings.write_text(f'routing_config_json = "{config}"\nmetrics_json = "{metrics}"\n')
    monkeypatch.setenv("FEDTOP_CONFIG", str(settings))
    run("tune", "--rule", "seed-count", "--uncertified")
    run("optimize", "--rule", "seed")
    wanted = json.loads(config.read_text()), json.loads(metrics.read_text())["agents"]
    config.unlink()
    metrics.unlink()
    result = run("policy", "sync")
    assert result.exit_code == 0, result.output
    assert (json.loads(config.read_text()), json.loads(metrics.read_text())["agents"]) == wanted
    assert [line.rpartition("/")[2] for line in result.stdout.splitlines()] == [
        "fedtop.db.policy.json", "routing.json", "metrics.json",
    ]  # fmt: skip
    config.unlink()
    config.mkdir()
    assert "routing.json" in refused(run("policy", "sync"))


def test_metrics_hold_the_boosts_in_force(run: Run, cascade: Store) -> None:
    run("optimize", "--rule", "seed")
    metrics = json.loads(run("policy", "export", "--format", "metrics").stdout)
    assert metrics["agents"]["kimi"]["routing_boost"] == 0.05
    assert metrics["agents"]["codex"]["routing_boost"] == -0.05
    assert metrics["agents"]["kimi"]["total_tasks"] == 60
    assert json.loads(run("export", "metrics").stdout)["agents"] == metrics["agents"]
