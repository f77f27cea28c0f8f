"""Settings, completion, doctor and maintain."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedstore import PolicyStore, Settings, Store
from tests.cli.conftest import Run, refused
from tests.conftest import Clock
from tests.policy.synthetic import write_runs


def test_config_says_where_each_value_is_from(
    run: Run, ask: Callable[..., Any], path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('window = "7d"\n[policy]\ntarget = 0.9\n')
    monkeypatch.setenv("FEDTOP_CONFIG", str(file))
    found = ask("config")
    assert found["file"] == str(file)
    settings = found["settings"]
    assert settings["store"] == {"value": str(path), "source": "FEDTOP_STORE"}
    assert settings["window"] == {"value": "7d", "source": str(file)}
    assert settings["policy.target"] == {"value": 0.9, "source": str(file)}
    assert settings["theme"] == {"value": "fedtop-dark", "source": "default"}
    shown = run("config").stdout
    for name in settings:
        assert name in shown
    assert "Hide and refuse everything that changes something." in " ".join(shown.split())
    assert not path.exists()


def test_every_setting_is_explained(ask: Callable[..., Any]) -> None:
    from fedtop.cli.upkeep import _meanings

    meanings, settings = _meanings(Settings), ask("config")["settings"]
    assert {"store", "window", "interval_s"} <= set(settings)
    for name in settings:
        assert meanings[name], name


@pytest.mark.parametrize(
    ("text", "said"),
    [("window = 3 =", "not valid TOML"), ('moon = "x"', "moon: unknown setting"), ('window = "9x"', "window"),
     ("interval_s = -1", "interval_s")],
)  # fmt: skip
def test_bad_settings_are_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    monkeypatch.setenv("FEDTOP_CONFIG", str(file))
    for command in (["config"], ["dashboard"], ["top", "--once"]):
        assert said in refused(run(*command))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["dashboard", "-w", "soon"], "--window: 'soon' is not a window"),
        (["top", "--once", "-i", "nan"], "'--interval': nan is not a finite number"),
        (["dashboard", "--live", "-i", "nan"], "'--interval': nan is not a finite number"),
        (["demo", "--once", "--speed", "nan"], "'--speed': nan is not a finite number"),
        (["tune", "--dry-run", "--target", "nan"], "'--target': nan is not a finite number"),
        (["tune", "--dry-run", "--clarify-cost-ms", "inf"], "'--clarify-cost-ms': inf is not a finite number"),
        (["tune", "--dry-run", "--clarify-error", "nan"], "'--clarify-error': nan is not a finite number"),
        (["tune", "--dry-run", "--censor-hours", "inf"], "'--censor-hours': inf is not a finite number"),
    ],
)
def test_an_option_that_makes_no_sense_is_named_as_it_was_typed(
    run: Run, store: Store, args: list[str], said: str
) -> None:
    assert said in refused(run(*args)).replace("'-i' / ", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_asks_fedtop(run: Run, shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_FEDTOP_COMPLETE=" in result.stdout
    assert result.stderr == ""


def test_bash_takes_the_completion_script(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "fedtop.bash"
    script.write_text(run("completion", "bash").stdout)
    checked = subprocess.run(["bash", "-n", str(script)], check=False, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_completion_for_another_shell(run: Run) -> None:
    assert "completion --help" in refused(run("completion", "tcsh"))


def test_maintain_purges_what_is_due_and_keeps_the_sums(
    run: Run, ask: Callable[..., Any], seeded_store: Store, clock: Any
) -> None:
    before = ask("dashboard", "-w", "all")["overview"]
    clock.advance(40 * 86_400_000)
    found = ask("maintain")
    assert (found["clock_believed"], found["purged"]) == (False, {})
    clock.advance(86_400_000)
    found = ask("maintain")
    assert sum(found["purged"].values()) > 100
    assert found["alarms"] == []
    after = ask("dashboard", "-w", "all")["overview"]
    for name in ("tasks", "success", "cost", "tokens"):
        assert after[name] == before[name]
    assert len(ask("runs", "-w", "all")["runs"]) < before["tasks"]
    assert sum(ask("maintain")["purged"].values()) == 0


@pytest.fixture
def boosted(store: Store, clock: Clock) -> Store:
    """A store whose policy sends more to kimi, which has failed at everything since."""
    write_runs(store, "kimi", "docs", "+" * 30, clock.now_ms - 3_600_000)
    write_runs(store, "codex", "docs", "-" * 30, clock.now_ms - 3_600_000)
    loop = PolicyStore(store)
    loop.apply(loop.propose_optimize("seed"))
    clock.advance(7_200_000)
    write_runs(store, "kimi", "docs", "-" * 30, clock.now_ms - 60_000)
    return store


def test_maintain_tells_of_harm_and_leaves_it_to_people(run: Run, boosted: Store) -> None:
    result = run("maintain")
    assert result.exit_code == 2
    assert "rows purged" in result.stdout
    assert "change #1 (optimize) does harm" in result.stderr
    assert "`fedtop undo 1`" in result.stderr
    assert PolicyStore(boosted).current()[0] == 1
    run("undo")
    assert run("maintain").exit_code == 0


def test_maintain_takes_harm_back_where_that_is_opted_in(
    run: Run, boosted: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("auto_rollback = true\n")
    monkeypatch.setenv("FEDTOP_CONFIG", str(file))
    first = run("maintain", "--json")
    assert first.exit_code == 2
    assert [alarm["rolled_back"] for alarm in json.loads(first.stdout)["alarms"]] == [True]
    assert "taken back automatically" in first.stderr
    assert PolicyStore(boosted).current()[1].boosts == {}
    assert run("maintain").exit_code == 0


def test_doctor_is_content_with_a_healthy_store(run: Run, ask: Callable[..., Any], seeded_store: Store) -> None:
    found = ask("doctor")["findings"]
    assert found
    assert not [finding for finding in found if finding["severity"] == "alert"]
    shown = run("doctor")
    assert shown.exit_code == 0
    assert str(seeded_store.path) in shown.stdout


def test_doctor_notes_what_is_over_without_an_error(run: Run, store: Store, clock: Clock) -> None:
    with store.database.write() as tx:
        tx.execute(
            "INSERT INTO losses (count, reason, first_ms, recorded_ms) VALUES (7, 'disk full', ?, ?)",
            (clock.now_ms - 1000, clock.now_ms),
        )
    for mark in ("▲", "◆"):
        result = run("doctor")
        assert result.exit_code == 0
        line = next(line for line in result.stdout.splitlines() if "7 facts could not be recorded" in line)
        assert line.strip().startswith(mark)
        clock.advance(24 * 3_600_000)


def test_doctor_names_a_damaged_store(run: Run, seeded_store: Store) -> None:
    seeded_store.close()
    path = seeded_store.path
    for extra in (path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        extra.unlink(missing_ok=True)
    content = bytearray(path.read_bytes())
    content[20_000:40_000] = b"\x55" * 20_000
    path.write_bytes(content)
    result = run("doctor")
    assert result.exit_code == 2
    assert "Traceback" not in result.output
