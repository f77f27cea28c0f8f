"""Pane and shell are two doors to one house: what either proposes from a store, the other proposes too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from fedstore import Settings, Store
from fedstore.learning.rules import (
    BOOST_RULES,
    DEFAULT_BOOST_RULE,
    DEFAULT_TUNE_RULE,
    EVIDENCE_WINDOWS,
    RULES,
    TUNE_RULES,
    BoostRule,
    PlanKind,
    TuneRule,
)
from fedtop.loop import Wish, propose
from fedtop.views.plan.panel import PlanPanel
from tests.conftest import Clock
from tests.policy.synthetic import cascade_log, write_cascade
from tests.tui.frames import running, until

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
KINDS: tuple[PlanKind, ...] = get_args(PlanKind)


def write_random(store: Store, now_ms: int, seed: int) -> None:
    """Tasks of up to 60 days and decisions of up to 14, so that each window of evidence holds only some of them."""
    rng = np.random.default_rng(seed)
    kinds, events = ("review", "docs", ""), []
    for agent in ("kimi", "codex", "qwen")[: int(rng.integers(1, 4))]:
        for kind in kinds[: int(rng.integers(1, 4))]:
            before, since = rng.uniform(0.0, 1.0, 2)
            for n in range(int(rng.integers(1, 60))):
                age_ms = int(rng.uniform(0.0, 60.0) * DAY_MS)
                right = bool(rng.random() < (since if age_ms < 30 * DAY_MS else before))
                events.append({
                    "kind": "run", "id": f"{agent}-{kind}-{n}", "agent": agent, "task_type": kind, "success": right,
                    "at": now_ms - age_ms,
                })  # fmt: skip
    assert store.writer().write(events).rejected == []
    decisions = int(rng.integers(50, 500))
    write_cascade(store, cascade_log("seedlike", decisions, seed), now_ms - HOUR_MS, int(14 * DAY_MS / decisions))


def test_the_lists_of_rules_hold_every_rule() -> None:
    assert tuple(BOOST_RULES) == get_args(BoostRule)
    assert tuple(TUNE_RULES) == get_args(TuneRule)
    assert set(RULES) == set(EVIDENCE_WINDOWS) == set(KINDS)
    rules = Settings().policy
    assert (rules.rule("optimize"), rules.rule("tune")) == (DEFAULT_BOOST_RULE, DEFAULT_TUNE_RULE)


@pytest.mark.parametrize("seed", range(6))
def test_every_rule_gives_the_same_plan_at_both_doors(
    ask: Callable[..., Any], store: Store, clock: Clock, seed: int
) -> None:
    write_random(store, clock.now_ms, seed)
    moved = 0
    for kind, rules in RULES.items():
        for rule in ("", *rules):
            chosen = ["--rule", rule] if rule else []
            shell = ask(kind, "--dry-run", *chosen)["plan"]
            pane = propose(store, Wish(kind, rule), lambda _: None, lambda: False)
            assert json.loads(pane.to_json()) == shell
            assert shell["window_label"] == EVIDENCE_WINDOWS[kind]
            assert shell["extent"]["facts"] < 500
            moved += len(shell["items"])
    assert moved


@pytest.mark.parametrize("kind", KINDS)
async def test_the_pane_begins_with_the_plan_of_the_shell(
    ask: Callable[..., Any], store: Store, clock: Clock, kind: PlanKind
) -> None:
    write_random(store, clock.now_ms, 2)
    shell = ask(kind, "--dry-run")["plan"]
    async with running(store, clock) as (app, pilot):
        assert app.open_target(kind)
        await until(pilot, lambda: isinstance(app.top_panel, PlanPanel) and app.top_panel.plan, "a plan")
        assert isinstance(app.top_panel, PlanPanel)
        assert app.top_panel.plan is not None
        assert json.loads(app.top_panel.plan.to_json()) == shell


def test_the_former_name_of_the_option_still_works(ask: Callable[..., Any], run: Any, store: Store) -> None:
    for command, rule in (("optimize", "seed"), ("tune", "seed-count")):
        assert ask(command, "--dry-run", "--policy", rule) == ask(command, "--dry-run", "--rule", rule)
        assert "(--policy is the old name)" in " ".join(run(command, "--help").stdout.split())


def test_the_rule_of_the_settings_holds_at_both_doors(
    ask: Callable[..., Any], store: Store, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_random(store, clock.now_ms, 3)
    file = tmp_path / "config.toml"
    file.write_text('[policy]\nboosts = "wilson"\ntuning = "seed-count"\n')
    monkeypatch.setenv("FEDTOP_CONFIG", str(file))
    with Store(store.path, clock=clock, settings=Settings.load()) as opened:
        for kind, rule in (("optimize", "wilson"), ("tune", "seed-count")):
            shell = ask(kind, "--dry-run")["plan"]
            assert shell["settings"]["rule"] == rule
            pane = propose(opened, Wish(kind), lambda _: None, lambda: False)  # type: ignore[arg-type]
            assert json.loads(pane.to_json()) == shell
