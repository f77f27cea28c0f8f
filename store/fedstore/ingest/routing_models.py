"""The routing decision log as others write it: one JSON object per decision, checked field by field.

The same rules stand in `compat/schemas/routing-decision.json`. Fields that are not named here are ignored,
as other writers add their own; a named field of a wrong type or outside its range refuses the line. A time without a
zone is in UTC; a confidence that misses 0 to 1 by rounding, or as a negative cosine, is brought within.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, field_validator, model_validator

from fedstore.facts.events import Confidence, Label, Millis, Name, Share, Text
from fedstore.ingest.values import utc_ms

__all__ = ["DecisionIn", "LayerIn", "OutcomeIn"]

_MAX_MINUTES = 366 * 24 * 60
Minutes: TypeAlias = Annotated[float, Field(strict=True, ge=0, le=_MAX_MINUTES, allow_inf_nan=False)]
Rate: TypeAlias = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]


class _In(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class MetadataIn(_In):
    """What we read of a layer's metadata; the rest is the writer's own."""

    shadow: StrictBool = False
    shadow_rate: Rate | None = None
    error: Label = ""


class LayerIn(_In):
    """One layer of the cascade in one decision."""

    layer_id: StrictInt | None = None
    layer_name: Name
    attempted: StrictBool = True
    success: StrictBool | None
    """None of a layer that was not attempted; of one that was, whether it is the one that decided."""
    confidence: Confidence | None = None
    threshold: Share | None = None
    selected_master: Label | None = None
    latency_ms: Millis | None = None
    metadata: MetadataIn | None = None

    @property
    def asked(self) -> bool:
        """Whether the layer was evaluated at all, on the live path or by a probe."""
        return self.attempted or (self.metadata is not None and self.metadata.shadow)

    @model_validator(mode="after")
    def _has_confidence(self) -> LayerIn:
        failed = self.metadata is not None and self.metadata.error
        if self.asked and self.confidence is None and not failed:
            raise ValueError("confidence is missing: an attempted layer needs one, or metadata.error")
        return self


class FinalIn(_In):
    """Where the decision went, and which layer sent it there."""

    selected_master: Label | None
    routing_layer: Name
    confidence: Confidence | None = None


class OutcomeIn(_In):
    """What became of it. `recorded_at` marks an outcome that came later than its decision."""

    task_completed: StrictBool | None = None
    was_correct_master: StrictBool | None = None
    quality_score: Share | None = None
    completion_time_minutes: Minutes | None = None
    correct_master: Name | None = None
    user_corrected_to: Label | None = None
    """The original's name of `correct_master`."""
    recorded_at: str | None = None

    @field_validator("recorded_at")
    @classmethod
    def _is_time(cls, value: str | None) -> str | None:
        if value is not None:
            utc_ms(value)
        return value


class EvaluationIn(_In):
    """The truth, where a log was graded afterwards."""

    true_master: Name | None = None


class FeedbackIn(_In):
    """What the writer concluded from the outcome; we conclude it anew, but for the right agent, and check the types."""

    correct_routing: StrictBool | None = None
    threshold_too_high: StrictBool | None = None
    threshold_too_low: StrictBool | None = None
    layer_should_have_caught: str | None = None
    should_have_routed_to: Label | None = None


class DecisionIn(_In):
    """One routing decision event."""

    event_id: Name
    timestamp: str
    task_id: Label | None = None
    task_description: Text | None = None
    routing_layers: Annotated[tuple[LayerIn, ...], Field(max_length=32)]
    final_decision: FinalIn
    total_latency_ms: Millis | None = None
    outcome: OutcomeIn | None = None
    evaluation: EvaluationIn | None = None
    learning_feedback: FeedbackIn | None = None

    @field_validator("timestamp")
    @classmethod
    def _is_time(cls, value: str) -> str:
        utc_ms(value)
        return value
