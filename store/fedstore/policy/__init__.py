"""The loop: plans, the ledger of what was applied, the policy in force, and how it reaches routers.

Names are imported when they are first used, so that a router that only asks for a boost loads neither numpy nor
pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedstore.policy.alarms import Alarm, with_alarms
    from fedstore.policy.body import PolicyBody, boost_key, label_of, threshold_key, word_of
    from fedstore.policy.boost_views import BoostChange, BoostOutlook, boost_history, boost_outlook, proposed_boosts
    from fedstore.policy.details import BoostDetail, BoostEvidence, TuneDetail
    from fedstore.policy.effects import Effects, Measured
    from fedstore.policy.exports import POLICY_FORMS, export_policy
    from fedstore.policy.extent import Extent
    from fedstore.policy.ledger import Change
    from fedstore.policy.optimize_text import optimization_text
    from fedstore.policy.parts import Alternative, Flip, FlipCounts, PlanItem, Predicted
    from fedstore.policy.plans import Plan
    from fedstore.policy.router import Policy
    from fedstore.policy.sinks import read_thresholds, write_thresholds
    from fedstore.policy.store import PolicyStore
    from fedstore.policy.watcher import Watcher

_HOMES = {
    "Alarm": "alarms",
    "Alternative": "parts",
    "BoostChange": "boost_views",
    "BoostDetail": "details",
    "BoostEvidence": "details",
    "Change": "ledger",
    "Effects": "effects",
    "Extent": "extent",
    "Flip": "parts",
    "FlipCounts": "parts",
    "Measured": "effects",
    "Plan": "plans",
    "PlanItem": "parts",
    "Policy": "router",
    "PolicyBody": "body",
    "PolicyStore": "store",
    "Predicted": "parts",
    "TuneDetail": "details",
    "Watcher": "watcher",
    "boost_history": "boost_views",
    "boost_key": "body",
    "POLICY_FORMS": "exports",
    "export_policy": "exports",
    "label_of": "body",
    "optimization_text": "optimize_text",
    "proposed_boosts": "boost_views",
    "BoostOutlook": "boost_views",
    "boost_outlook": "boost_views",
    "read_thresholds": "sinks",
    "threshold_key": "body",
    "with_alarms": "alarms",
    "word_of": "body",
    "write_thresholds": "sinks",
}

__all__ = [
    "POLICY_FORMS",
    "Alarm", "Alternative", "BoostChange", "BoostDetail", "BoostEvidence", "BoostOutlook", "Change", "Effects",
    "Extent", "Flip", "FlipCounts", "Measured", "Plan", "PlanItem", "Policy", "PolicyBody", "PolicyStore", "Predicted",
    "TuneDetail", "Watcher", "boost_history", "boost_key", "boost_outlook", "export_policy", "label_of",
    "optimization_text", "proposed_boosts", "read_thresholds", "threshold_key", "with_alarms", "word_of",
    "write_thresholds",
]  # fmt: skip


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
