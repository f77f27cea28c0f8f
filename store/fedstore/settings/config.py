"""Settings: one frozen model, read from ``config.toml``, overridden by the environment and the command line.

Every field has a default, so that no settings file is needed; an unknown field or a value that makes no sense
is refused in one line that names it. ``Settings.load`` says where each value came from in ``sources``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator

from fedstore.errors import FedstoreError, SettingsError
from fedstore.learning.rules import DEFAULT_BOOST_RULE, DEFAULT_TUNE_RULE, BoostRule, PlanKind, TuneRule
from fedstore.settings.paths import default_config_path, default_store_path, in_full, read_toml
from fedstore.settings.routing_config import ConfigFile
from fedstore.settings.starting import ENVIRONMENT, StartSettings
from fedstore.widths import DAY_MS

__all__ = ["PolicySettings", "Settings", "default_config_path", "default_store_path", "load_settings"]

Purpose: TypeAlias = Literal["recording", "purging", "maintaining"]
_RECORDING = frozenset({"store", "keep_content", "readonly"})
_PURGING = frozenset({
    "retention_runs_days", "retention_routes_days", "retention_llm_days", "retention_executions_hours",
    "retention_other_days", "minute_days", "hour_days",
})  # fmt: skip
_GUARDING = frozenset({"policy", "metrics_json", "routing_config_json", "auto_rollback"})
_NEEDED: Mapping[Purpose, Set[str]] = {
    "recording": _RECORDING,
    "purging": _PURGING,
    "maintaining": _RECORDING | _PURGING | _GUARDING,
}
"""The settings that are read for a purpose."""

Keep: TypeAlias = Literal["keep"]
Days: TypeAlias = Annotated[int, Field(ge=1, le=36_500)] | Keep
Hours: TypeAlias = Annotated[int, Field(ge=1, le=876_000)] | Keep
Share: TypeAlias = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
OpenShare: TypeAlias = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]

_START = StartSettings()


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PolicySettings(_Model):
    """How plans are made and what guards an apply (table ``[policy]``)."""

    boosts: BoostRule = DEFAULT_BOOST_RULE
    """The rule that ``optimize`` follows."""
    tuning: TuneRule = DEFAULT_TUNE_RULE
    """The rule that ``tune`` follows."""
    target: OpenShare = 0.95
    """Accuracy a new threshold setting must keep."""
    confidence: OpenShare = 0.95
    """A setting that misses the target is certified with at most 1 - confidence probability."""
    max_clarify: Share | None = None
    """Hard cap on the clarification rate."""
    margin: OpenShare = 0.01
    """The share of the decisions that the rule no-worse allows to get worse."""
    clarify_cost_ms: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 2000.0
    """What asking the user costs, in milliseconds of latency."""
    clarify_error: Share = 0.0
    """Share of the clarifications taken to end at the wrong agent."""
    censor_hours: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """The newest hours that ``tune`` leaves out, because their outcomes may still come in."""
    max_boost_step: Annotated[float, Field(gt=0, le=1)] = 0.05
    """The most one apply may move a boost."""
    max_threshold_step: Annotated[float, Field(gt=0, le=1)] = 0.15
    """The most one apply may move a threshold."""
    cooldown_events: Annotated[int, Field(ge=0)] = 50
    """New graded events that must come between two applied changes of one kind."""
    locked: tuple[str, ...] = ()
    """Items no plan may move: ``agent:NAME``, ``agent:NAME/TASK_TYPE``, ``layer:NAME``."""

    @field_validator("locked")
    @classmethod
    def _are_keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for key in value:
            kind, _, name = key.partition(":")
            if kind not in ("agent", "layer") or not name.partition("/")[0] or key.endswith("/"):
                raise ValueError(f"{key!r} locks nothing: write agent:NAME, agent:NAME/TASK_TYPE or layer:NAME")
        return value

    def rule(self, kind: PlanKind) -> str:
        """The rule that plans of a kind follow."""
        return self.boosts if kind == "optimize" else self.tuning


class Settings(_Model):
    """Everything a user can set; times in the unit that the name ends with."""

    store: Path | None = _START.store
    """The store file; None is the default place."""
    window: str = _START.window
    """The window that views start with: 15m, 1h, 24h, 7d, a number of hours, all."""
    interval_s: Annotated[float, Field(ge=0.1, le=3600, allow_inf_nan=False)] = _START.interval_s
    """Seconds between two looks at the store."""
    readonly: bool = _START.readonly
    """Hide and refuse everything that changes something."""
    theme: str = _START.theme
    """Name of the theme."""
    ascii: bool = _START.ascii
    """Draw with ASCII characters only."""
    keep_content: bool = False
    """Store task descriptions and the text of refused facts."""
    retention_runs_days: Days = 30
    """How long runs are kept, counted from when they were recorded; or "keep"."""
    retention_routes_days: Days = 30
    """The same for routing decisions."""
    retention_llm_days: Days = 30
    """The same for calls of language models."""
    retention_executions_hours: Hours = 24
    """The same for executions of tools, in hours."""
    retention_other_days: Days = 30
    """The same for refused facts, plans that were not applied, ended jobs and states of runs that never ended."""
    minute_days: Annotated[int, Field(ge=1, le=36_500)] = 30
    """How long summaries by the minute (and ten) are kept, which the views tier2 and tier3 of other tools add up."""
    hour_days: Annotated[int, Field(ge=1, le=36_500)] = 35
    """The same by the hour (on the 31st, the month so far needs all of its hours); those by the day stay for good."""
    tool_rule: Literal["bound", "seed"] = "bound"
    """Confidence in tools by its lower bound, or by the plain rate."""
    policy: PolicySettings = PolicySettings()
    """How plans are made and guarded."""
    metrics_json: Path | None = None
    """A ``metrics.json`` whose boosts follow the policy in force."""
    routing_config_json: Path | None = None
    """A routing ``config.json`` whose thresholds follow the policy in force."""
    routing_log_mb: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = 100.0
    """The megabytes from which the log of the routing tracker is moved into its folder ``archive``; 0: never."""
    auto_rollback: bool = False
    """Take a change back by itself when it is shown to do harm."""
    keymap: dict[str, str] = Field(default_factory=dict)
    """Keys of the pane: binding id = "key,key"."""

    _sources: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @property
    def sources(self) -> Mapping[str, str]:
        """Where each field that is not a default came from: a file, a variable, or "command line"."""
        return dict(self._sources)

    def from_sources(self, sources: Mapping[str, str]) -> Settings:
        """The same settings, knowing where they came from."""
        settings = self.model_copy()
        settings._sources = dict(sources)  # noqa: SLF001 - a copy of itself
        return settings

    @property
    def minute_days_ms(self) -> int:
        """``minute_days`` in milliseconds."""
        return self.minute_days * DAY_MS

    @property
    def hour_days_ms(self) -> int:
        """``hour_days`` in milliseconds."""
        return self.hour_days * DAY_MS

    @field_validator("window")
    @classmethod
    def _is_window(cls, value: str) -> str:
        from fedstore.window import parse_duration_ms

        if value != "all":
            try:
                parse_duration_ms(value)
            except FedstoreError as error:
                raise ValueError(str(error)) from None
        return value

    @field_validator("metrics_json", "routing_config_json")
    @classmethod
    def _is_file(cls, value: Path | None) -> Path | None:
        if value is not None and Path(in_full(value)).is_dir():
            raise ValueError(f"{str(value)!r} is a folder: name the file in it")
        return value

    @field_validator("store", "metrics_json", "routing_config_json")
    @classmethod
    def _expanded(cls, value: Path | None) -> Path | None:
        return None if value is None else Path(in_full(value))

    @classmethod
    def load(cls, path: str | Path | None = None, *, purpose: Purpose | None = None, **given: object) -> Settings:
        """The file at `path` (default: `default_config_path()`, which may be missing), then variables, then `given`
        where it is not None. Raises SettingsError.

        For a `purpose` only what it needs is read, and no mistake in another setting told: what runs without anybody
        looking, such as an agent's hook, must not fail because of a key of the pane.
        """
        file = default_config_path() if path is None else Path(path).expanduser()
        values = read_toml(file) if path is not None or file.is_file() else {}
        sources = dict.fromkeys(values, str(file))
        for name, value in _of_dashboard(values.get("routing_config_json")).items():
            if name not in values:
                values[name], sources[name] = value, str(values["routing_config_json"])
        for variable, name in ENVIRONMENT.items():
            if os.environ.get(variable):
                values[name], sources[name] = os.environ[variable], variable
        for name, value in given.items():
            if value is not None:
                values[name], sources[name] = value, "command line"
        if purpose is not None:
            values = {name: value for name, value in values.items() if name in _NEEDED[purpose]}
        return cls._checked(values, sources)

    @classmethod
    def _checked(cls, values: dict[str, object], sources: dict[str, str]) -> Settings:
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = ".".join(str(part) for part in first["loc"])
            where = sources.get(str(first["loc"][0]), "settings") if first["loc"] else "settings"
            message = "unknown setting" if first["type"] == "extra_forbidden" else first["msg"]
            message = message.removeprefix("Value error, ")
            raise SettingsError(f"{where}: {name}: {message[:1].lower()}{message[1:]}") from error
        return settings.from_sources(sources)


def _of_dashboard(path: object) -> dict[str, object]:
    """The settings that a routing configuration gives: the window and the pace of its dashboard.

    One that cannot be read says nothing; `fedtop doctor` tells of it.
    """
    if not isinstance(path, str):
        return {}
    config = ConfigFile(in_full(path)).known()
    window = None if config.window_hours is None else f"{config.window_hours}h"
    pace = config.refresh_s if config.refresh_s is not None and 0.1 <= config.refresh_s <= 3600 else None
    told = {"window": window, "interval_s": pace}
    return {name: value for name, value in told.items() if value is not None}


def load_settings(path: str | Path | None = None, *, purpose: Purpose | None = None, **given: object) -> Settings:
    """`Settings.load`."""
    return Settings.load(path, purpose=purpose, **given)
