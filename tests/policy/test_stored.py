"""Plans, ledgers and effects that a former version stored stay readable, typed as those of today."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fedstore.learning.tuning_types import LayerChange, TuneSettings
from fedstore.policy import BoostDetail, Effects, Plan, TuneDetail
from fedstore.policy.details import BoostSettings

FORMER = json.loads((Path(__file__).parents[1] / "data" / "former-plans.json").read_text(encoding="utf-8"))
"""An optimize, a tune and an undo as version 0.1.0 wrote them before their details were typed."""
KINDS = ("optimize", "tune", "undo")


@pytest.mark.parametrize("kind", KINDS)
def test_a_former_plan_says_what_it_said(kind: str) -> None:
    plain = FORMER[kind]
    plan = Plan.from_dict(plain)
    assert (plan.rule, plan.conclusion, plan.id) == (plain["policy"], plain["verdict"], plain["id"])
    assert (plan.policy, plan.verdict) == (plan.rule, plan.conclusion)
    assert plan.data_token == plain["data_token"]
    assert [(item.key, item.old, item.new) for item in plan.items] == [
        (item["key"], item["old"], item["new"]) for item in plain["items"]
    ]
    assert Plan.from_json(plan.to_json()) == plan


def test_a_former_tune_has_its_layers_and_settings() -> None:
    plain, plan = FORMER["tune"], Plan.from_dict(FORMER["tune"])
    assert isinstance(plan.detail, TuneDetail)
    assert isinstance(plan.settings, TuneSettings)
    assert [layer.captured_new for layer in plan.layers] == [
        layer["captured_new"] for layer in plain["detail"]["layers"]
    ]
    assert all(isinstance(layer, LayerChange) for layer in plan.layers)
    assert [layer.note for layer in plan.layers] == [
        "" if layer["note"] == "stays" else layer["note"] for layer in plain["detail"]["layers"]
    ]
    assert plan.settings.rule == plain["settings"]["policy"]
    assert plan.settings.target == plain["settings"]["target"]
    assert plan.flips is not None
    assert plan.flips.total == plain["flips"]["total"] > 0
    assert (plan.detail.measured, plan.detail.guard) == (plain["detail"]["measured"], plain["detail"]["guard"])
    assert plan.detail.cost_ms is not None
    assert plan.detail.cost_ms.change == plain["detail"]["cost_ms"]["change"]


def test_a_former_optimize_has_its_proposals() -> None:
    plain, plan = FORMER["optimize"], Plan.from_dict(FORMER["optimize"])
    assert isinstance(plan.detail, BoostDetail)
    assert plan.settings == BoostSettings(plain["settings"].get("policy"), plain["settings"]["max_step"])
    for found, stored in zip(plan.detail.proposals, plain["detail"]["proposals"], strict=True):
        assert (found.agent, found.task_type, found.claim) == (stored["agent"], stored["task_type"], stored["claim"])
        assert found.interval == tuple(stored["interval"])
        assert found.peers is found.now is found.new is None, "not kept then: not known now"


def test_a_former_undo_gives_back_what_it_gave() -> None:
    plan = Plan.from_dict(FORMER["undo"])
    assert {item.label: item.restores for item in plan.items} == {
        item["label"]: item["detail"]["restores"] for item in FORMER["undo"]["items"]
    }
    assert {item.restores for item in plan.items} > {None}


def test_former_effects_say_what_they_said() -> None:
    plain = FORMER["effects"]
    effects = Effects.from_dict(plain)
    assert effects.state == effects.verdict == plain["verdict"] == "watching"
    assert effects.now.values == plain["measured"][-1]["values"]
    assert Effects.from_dict(effects.to_dict()) == effects
    assert Effects.from_dict({**effects.to_dict(), "of a later version": 1}) == effects
