"""What a tuning run is fixed to before it searches, and what the search comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedstore.learning.donors import DONOR_BAND
from fedstore.learning.evidence import Evidence, EvidenceGrade, Guard, prepare

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fedstore.learning.log import DecisionLog
    from fedstore.learning.tuning_types import Conclusion, TuneSettings

__all__ = ["Context", "Finding"]


@dataclass(frozen=True, slots=True)
class Context:
    """What is fixed before the search."""

    log: DecisionLog
    rows: NDArray[np.intp]
    rejected: dict[str, int]
    now: tuple[float, ...]
    settings: TuneSettings
    certify: NDArray[np.bool_]
    guard: Guard
    attempts: tuple[int, ...]
    graded: tuple[int, ...]

    def evidence(self, grade: EvidenceGrade, guard: Guard) -> Evidence:
        """Prepared columns for every policy within reach of this run."""
        reach = DONOR_BAND if grade == "donor" else max(DONOR_BAND, self.settings.reach)
        return prepare(
            self.log,
            certify=self.certify,
            highest=[value + reach + 1e-9 for value in self.now],
            grade=grade,
            guard=guard,
            clarify_error=self.settings.clarify_error,
            seed=self.settings.seed,
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """What a search or a rule came to."""

    conclusion: Conclusion
    thresholds: tuple[float, ...]
    evidence: Evidence
    p_value: float | None
    reasons: tuple[str, ...]
