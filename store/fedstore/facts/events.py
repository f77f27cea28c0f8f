"""What can be recorded: one pydantic model per thing that can be said, whatever says it.

Python calls, shell flags, JSON lines and imported files all become these and nothing else; validation, limits
and cleaning happen here once. Times (`at`, `started_at`) take UTC epoch milliseconds, an ISO 8601 string
with a zone, or an aware datetime. Money is given in USD and kept as integer nano-USD; durations in
milliseconds. `id` makes a fact the caller's: the same id recorded twice counts once. None is not known.

Checks of one field stand at the field, in a form that pydantic runs without calling Python where that is possible;
checks across fields are those of the kind, which everything that records calls (`kinds.check_fields`). How what is
given becomes an event stands in `fedstore.facts.validation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from fedstore.cleaning import NAME_LIMIT, clean_id, clean_label, clean_reference, clean_text, required_name
from fedstore.facts.kind import MAX_DURATION_MS
from fedstore.ids import EARLIEST_MS, LATEST_MS
from fedstore.numbers import as_confidence

__all__ = [
    "Attempt", "Event", "Execution", "FactId", "Given", "Id", "Job", "Label", "Millis", "Name", "Outcome", "Qa",
    "Route", "Run", "RunState", "Said", "Share", "Text", "Time", "Tokens", "Truth", "Usage", "Usd", "Verdict",
    "epoch_ms", "to_epoch_ms",
]  # fmt: skip

MAX_TOKENS = 10**12
MAX_USD = 10**4
"""More than any call costs: an amount in another unit."""
NANO = 10**9


def epoch_ms(moment: datetime) -> int:
    """Epoch milliseconds of a time with a zone. Raises ValueError for one without, and for years that are no number."""
    if moment.tzinfo is None:
        raise ValueError("has no time zone: add Z or an offset such as +02:00")
    try:
        return round(moment.timestamp() * 1000)
    except (OverflowError, ValueError):
        raise ValueError("is outside the years 2000 to 9999") from None


def to_epoch_ms(value: object) -> object:
    """Epoch milliseconds from a datetime or an ISO 8601 string with a zone; numbers pass through."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("must be epoch milliseconds or an ISO 8601 time such as 2026-01-31T12:00:00Z") from None
    if isinstance(value, datetime):
        return epoch_ms(value)
    if isinstance(value, bool):
        raise ValueError("must be a time, not a truth value")  # noqa: TRY004 - pydantic reports ValueError
    return value


def _to_time(value: object) -> object:
    """`to_epoch_ms` in whole milliseconds, with what is wrong about a time that is out of range."""
    value = to_epoch_ms(value)
    if isinstance(value, float) and value - value == 0:
        value = round(value)
    if isinstance(value, int) and not EARLIEST_MS <= value <= LATEST_MS:
        if EARLIEST_MS <= value * 1000 <= LATEST_MS:
            raise ValueError("looks like seconds: times are epoch milliseconds, seconds times 1000")
        raise ValueError("is outside the years 2000 to 9999 (a time is epoch milliseconds or ISO 8601 with a zone)")
    return value


def _to_nano(value: object) -> int | None:
    """Integer nano-USD from USD as int, float, Decimal or numeric string."""
    if value is None:
        return None
    if isinstance(value, bool):
        raise ValueError("must be an amount in USD, not a truth value")  # noqa: TRY004 - as above
    try:
        amount = Decimal(value if isinstance(value, int) else str(value))
    except InvalidOperation:
        raise ValueError("must be an amount in USD") from None
    if not amount.is_finite():
        raise ValueError("must be a finite amount in USD")
    if not 0 <= amount <= MAX_USD:
        raise ValueError(f"must be between 0 and {MAX_USD} USD")
    return int((amount * NANO).to_integral_value())


_EpochMs = Annotated[int, Field(strict=True, ge=EARLIEST_MS, le=LATEST_MS)]
_OtherTime = Annotated[int, Field(strict=True, ge=EARLIEST_MS, le=LATEST_MS), BeforeValidator(_to_time)]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT), AfterValidator(required_name)]
Label: TypeAlias = Annotated[str, Field(max_length=NAME_LIMIT), AfterValidator(clean_label)]
Text: TypeAlias = Annotated[str, AfterValidator(clean_text)]
FactId: TypeAlias = Annotated[str, Field(min_length=1), AfterValidator(clean_id)]
Reference: TypeAlias = Annotated[str, AfterValidator(clean_reference)]
Id: TypeAlias = FactId | None
Time: TypeAlias = Annotated[_EpochMs | _OtherTime, Field(union_mode="left_to_right")]
Millis: TypeAlias = Annotated[float, Field(strict=True, ge=0, le=MAX_DURATION_MS, allow_inf_nan=False)]
Share: TypeAlias = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Confidence: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False), AfterValidator(as_confidence)]
Tokens: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=MAX_TOKENS)]
_FloatUsd = Annotated[  # in calls of C only; off by less than half a nano-USD for every amount with nine decimals
    float, Field(strict=True, ge=0, le=MAX_USD), AfterValidator(float(NANO).__mul__), AfterValidator(round)
]
_OtherUsd = Annotated[int, BeforeValidator(_to_nano)]
Usd: TypeAlias = Annotated[_FloatUsd | _OtherUsd, Field(union_mode="left_to_right")]
Truth: TypeAlias = Literal[True, False]
"""True, False, and what equals them (0 and 1); unlike `bool`, which would take "yes" and "off" too."""
Qa: TypeAlias = Literal["passed", "warning", "failed", "error"]


class Said(BaseModel):
    """Whatever is said, and nothing else beside it: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


class Run(Said):
    """One finished piece of work of one agent: a task, an agent run."""

    kind: Literal["run"] = "run"
    id: Id = None
    agent: Name
    task_type: Label = ""
    project: Label = ""
    mode: Label = ""
    at: Time | None = None
    """When it ended; the present when not given."""
    started_at: Time | None = None
    duration_ms: Millis | None = None
    """Taken from `started_at` when not given."""
    success: Truth | None = None
    rework: Truth | None = None
    """Whether the work had to be done again; then it does not count as a success."""
    quality: Share | None = None
    confidence: Confidence | None = None
    qa: Qa | None = None
    error_class: Label = ""
    notes: Text | None = None
    source: Label = ""


class RunState(Said):
    """A run that has not ended: it started, it goes on, or it waits for something."""

    kind: Literal["run_state"] = "run_state"
    id: FactId
    agent: Name
    task_type: Label = ""
    project: Label = ""
    state: Literal["running", "waiting"] = "running"
    reason: Label = ""
    at: Time | None = None
    started_at: Time | None = None


class Usage(Said):
    """One call of a language model. Without a reported cost it is priced when it is recorded."""

    kind: Literal["usage"] = "usage"
    id: Id = None
    run_id: Reference = ""
    agent: Name
    model: Label = ""
    provider: Label = ""
    operation: Label = "chat"
    task_type: Label = ""
    project: Label = ""
    at: Time | None = None
    duration_ms: Millis | None = None
    input_tokens: Tokens = 0
    """All input tokens, those read from and written to a cache included."""
    cache_read_tokens: Tokens = 0
    cache_write_tokens: Tokens = 0
    cache_write_1h_tokens: Tokens = 0
    """The part of `cache_write_tokens` that is kept for an hour (priced higher)."""
    response_id: Reference = ""
    """What the API called its answer: told again under another id, a call with the same one is the same."""
    service_tier: Label = ""
    """What the call was charged as, where that is not the standard: `priority`, `fast`, `flex`, `batch`."""
    output_tokens: Tokens = 0
    """All output tokens, reasoning included."""
    reasoning_tokens: Tokens = 0
    output_is_minimum: Truth = False
    """The source is known to under-report output tokens."""
    cost_usd: Usd | None = None
    error_class: Label = ""
    source: Label = ""


class Execution(Said):
    """One execution of a tool by an agent."""

    kind: Literal["execution"] = "execution"
    id: Id = None
    run_id: Reference = ""
    task_id: Reference = ""
    agent: Name
    tool: Name
    task_type: Label = ""
    project: Label = ""
    at: Time | None = None
    duration_ms: Millis | None = None
    success: Truth | None = None
    cost_usd: Usd | None = None
    tokens: Tokens | None = None
    effort: Literal["", "LOW", "MEDIUM", "HIGH"] = ""
    browser_used: Truth = False
    error_class: Label = ""
    source: Label = ""


class Attempt(Said):
    """One layer asked about one routing decision."""

    layer: Name
    agent: Label = ""
    """The agent the layer proposed."""
    confidence: Confidence | None = None
    threshold: Share | None = None
    accepted: Truth = False
    latency_ms: Millis | None = None
    shadow: Truth = False
    """Evaluated by a background probe, not on the live path."""
    shadow_rate: Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)] | None = None
    """The share of decisions the probe samples; each stands for 1 / shadow_rate."""
    error_class: Label = ""


class Outcome(Said):
    """What became of a routing decision."""

    correct: Truth | None = None
    correct_agent: Name | None = None
    """The agent that should have got the task."""
    completed: Truth | None = None
    quality: Share | None = None
    completion_ms: Millis | None = None


class Route(Said):
    """One decision of the routing cascade, its layers in the order they were asked."""

    kind: Literal["route"] = "route"
    id: Id = None
    task_id: Reference = ""
    description: Text | None = None
    """Kept only when the recorder stores content."""
    at: Time | None = None
    agent: Label
    layer: Name
    confidence: Confidence | None = None
    latency_ms: Millis | None = None
    attempts: Annotated[tuple[Attempt, ...], Field(max_length=32)] = ()
    outcome: Outcome | None = None
    source: Label = ""


class Verdict(Said):
    """A judgement that came later, about a run or a route; it lands in the buckets of what it judges."""

    kind: Literal["verdict"] = "verdict"
    id: Id = None
    subject: Literal["run", "route"]
    subject_id: FactId
    at: Time | None = None
    success: Truth | None = None
    rework: Truth | None = None
    quality: Share | None = None
    qa: Qa | None = None
    correct: Truth | None = None
    correct_agent: Name | None = None
    completed: Truth | None = None
    completion_ms: Millis | None = None
    clear: Truth | None = None
    """Takes back what the same source said of the subject before; says nothing else."""
    source: Label = ""


class Job(Said):
    """The state of a job; the newest state stands."""

    kind: Literal["job"] = "job"
    id: FactId
    name: Label = ""
    project: Label = ""
    state: Literal["queued", "running", "completed", "failed", "cancelled"]
    at: Time | None = None
    error_class: Label = ""
    source: Label = ""


Event: TypeAlias = Run | RunState | Usage | Execution | Route | Verdict | Job
"""The events that come as objects of Python; one of any other kind (`kinds.KINDS`) is given as a mapping."""
Given: TypeAlias = Event | Mapping[str, object]
"""What is given to be recorded: an event, or a mapping that describes one."""
