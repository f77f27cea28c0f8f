"""The rules that make a plan: their names, what each does, the defaults, and the window of evidence a plan begins with.

This is the only list of them: settings, statistics, command line and pane all read it here. It stands among the
statistics because settings and statistics lie below the policy. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

__all__ = [
    "BOOST_RULES", "DEFAULT_BOOST_RULE", "DEFAULT_TUNE_RULE", "EVIDENCE_WINDOWS", "RULES", "TUNE_RULES", "BoostRule",
    "EvidenceGrade", "Guard", "PlanKind", "TuneRule",
]  # fmt: skip

PlanKind = Literal["optimize", "tune"]
"""What is proposed: boosts for agents, or thresholds for the cascade."""
BoostRule = Literal["shrunk", "wilson", "seed"]
TuneRule = Literal["certified", "no-worse", "seed-accuracy", "seed-count"]
EvidenceGrade = Literal["exact", "probe", "donor"]
"""How what a log does not say is filled in; see `learning.evidence`."""
Guard = Literal["accuracy", "no-worse"]
"""What must not get worse: the accuracy, or no decision that was right."""

BOOST_RULES: Final[Mapping[BoostRule, str]] = {
    "shrunk": "shrunk towards the federation, fading with age",
    "wilson": "only where a claim holds with 90 % confidence",
    "seed": "+0.05 at 90 % or more, -0.05 at 50 % or less, from 5 tasks on",
}
TUNE_RULES: Final[Mapping[TuneRule, str]] = {
    "certified": "the cheapest setting that surely keeps the accuracy target",
    "no-worse": "the cheapest setting that surely makes few decisions worse; needs no grades",
    "seed-accuracy": "layer by layer the threshold with the best accept-or-pass accuracy, without a guarantee",
    "seed-count": "a step by the count of missed chances and wrong accepts, without a guarantee",
}
DEFAULT_BOOST_RULE: Final[BoostRule] = "shrunk"
DEFAULT_TUNE_RULE: Final[TuneRule] = "certified"
RULES: Final[Mapping[PlanKind, tuple[str, ...]]] = {"optimize": tuple(BOOST_RULES), "tune": tuple(TUNE_RULES)}
EVIDENCE_WINDOWS: Final[Mapping[PlanKind, str]] = {"optimize": "30d", "tune": "7d"}
"""The evidence that a plan rests on where no window is named. Boosts fade with age by themselves, thresholds do not."""
