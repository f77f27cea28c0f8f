"""The made decision logs of the tests, for benches that are run as files."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.log_builder import DecisionLogBuilder
from tests.support.scenarios import SCENARIOS, Scenario, as_logged, population

__all__ = ["SCENARIOS", "DecisionLogBuilder", "Scenario", "as_logged", "population"]
